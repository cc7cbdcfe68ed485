"""Mails with forged senders (G7): our server must not be made to write to people who never wrote to it, nor carry a forger's words.

Promise: at most one minimal reply per victim and 24 hours, at most 120 replies in any hour, and no byte of the forged mail in them.
"""

from __future__ import annotations

import datetime as dt
import random
from collections import defaultdict

from soak.virtual import OFFICE, virtual

VICTIMS = 500
HOURS = 48
BAIT = "KLIK-HADIAH"


def run(count: int, seed: int) -> int:
    rng = random.Random(seed)
    sent: list[tuple[dt.datetime, str, bytes]] = []
    with virtual() as v:
        start = v.now
        for number, seconds in enumerate(sorted(rng.uniform(0, HOURS * 3600) for _ in range(count))):
            v.now = start + dt.timedelta(seconds=seconds)
            v.take(_forged(number, rng), authserv_id="mx.batangkab.example")
            sent += v.left()
    victims: dict[str, list[dt.datetime]] = defaultdict(list)
    for when, recipient, _ in sent:
        victims[recipient].append(when)
    day, hour = dt.timedelta(hours=24), dt.timedelta(hours=1)
    worst = max((_within(times, day) for times in victims.values()), default=0)
    busiest = _within([when for when, _, _ in sent], hour) if sent else 0
    tainted = sum(BAIT.encode() in raw or b"penipu" in raw for _, _, raw in sent)
    print(
        f"forged {count}  victims {VICTIMS}  replies {len(sent)}  per victim and day at most {worst}  in one hour at most {busiest}  with a forger's words {tainted}"
    )
    return int(worst > 1) + int(busiest > 120) + tainted


def _forged(number: int, rng: random.Random) -> bytes:
    chosen = rng.randrange(VICTIMS)
    victim = f"korban{chosen}@keluarga{chosen % 3}.example"
    result = rng.choice(
        (
            "",
            "Authentication-Results: mx.penipu.example; dmarc=pass\r\n",
            "Authentication-Results: mx.batangkab.example; dkim=pass header.d=penipu.example\r\n",
        )
    )
    return (
        f'{result}From: "{BAIT}" <{victim}>\r\nTo: {OFFICE}\r\nSubject: {BAIT} http://penipu.example\r\nMessage-ID: <f{number}@penipu.example>\r\n'
        f"\r\n{BAIT} {number}\r\n"
    ).encode()


def _within(times: list[dt.datetime], span: dt.timedelta) -> int:
    times, worst, first = sorted(times), 0, 0
    for last, at in enumerate(times):
        while times[first] <= at - span:
            first += 1
        worst = max(worst, last - first + 1)
    return worst
