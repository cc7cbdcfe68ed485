"""Machines that answer machines (G6): each gets our mail and sends back what such a program sends, on a virtual clock.

Promise: at most 3 automatic replies per opponent within any 24 hours, and never more than one case per thread.
"""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message

from sqlalchemy import text

from soak.virtual import OFFICE, Virtual, virtual

MOST = 3  # automatic replies per opponent and day
Answer = tuple[float, bytes]  # seconds after our mail, and what comes
Reaction = Callable[["Robot", Message], list[Answer]]


@dataclass
class Robot:
    """`opens`: how many mails of its own it begins per day."""

    name: str
    react: Reaction
    opens: int = 1
    number: int = 0
    got: list[dt.datetime] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"{self.name}@{self.name}.example"

    def mail(
        self,
        subject: str,
        body: str = "Mohon informasi.",
        answers: Message | None = None,
        sender: str = "",
        **headers: str,
    ) -> bytes:
        self.number += 1
        lines = {
            "From": sender or self.address, "To": OFFICE, "Subject": subject, "Message-ID": f"<{self.name}.{self.number}@{self.name}.example>",
            **({"In-Reply-To": str(answers["Message-ID"]), "References": str(answers["Message-ID"])} if answers else {}),
            **{k.replace("_", "-"): v for k, v in headers.items()},
        }  # fmt: skip
        kind = lines.pop("Content-Type", "text/plain; charset=utf-8")
        head = "".join(f"{k}: {v}\r\n" for k, v in lines.items())
        return f"{head}MIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n{body}\r\n".encode()


def _report(robot: Robot, ours: Message, action: str, status: str) -> bytes:
    body = (
        f"--r\r\nContent-Type: text/plain\r\n\r\nLaporan\r\n--r\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx\r\n\r\n"
        f"Final-Recipient: rfc822; {ours['To']}\r\nAction: {action}\r\nStatus: {status}\r\n\r\n--r\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        f"Message-ID: {ours['Message-ID']}\r\n\r\n--r--"
    )
    kind = 'multipart/report; report-type=delivery-status; boundary="r"'
    return robot.mail(
        "Undelivered Mail Returned to Sender",
        body,
        sender=f"MAILER-DAEMON@{robot.name}.example",
        Content_Type=kind,
        Return_Path="<>",
    )


def _storm(robot: Robot, ours: Message) -> list[Answer]:
    """Ten people answer all of it at once, and again when the next receipt comes."""
    subject = f"Re: {ours['Subject']}"
    return [
        (
            60.0 * n,
            robot.mail(
                subject, "Tolong jangan balas ke semua.", ours, f"orang{n}@{robot.name}.example", Cc=robot.address
            ),
        )
        for n in range(1, 11)
    ]


def robots() -> list[Robot]:
    return [
        Robot("oofzimbra", lambda r, m: [(2, r.mail(f"Re: {m['Subject']}", "Cuti", m, Auto_Submitted="auto-replied (zimbra; vacation)", Precedence="bulk"))]),
        Robot("oofexchange", lambda r, m: [(2, r.mail(f"Automatic reply: {m['Subject']}", "Cuti", m, X_Auto_Response_Suppress="All", Auto_Submitted="auto-generated"))]),
        Robot("oofgmail", lambda r, m: [(2, r.mail(f"Re: {m['Subject']}", "Cuti", m, Precedence="bulk", X_Autoreply="yes"))]),
        Robot("tiket", lambda r, m: [(20, r.mail(f"[Layanan #{r.number}] {m['Subject']}", "Laporan Anda kami catat."))]),
        Robot("milis", lambda r, m: [(5, r.mail(str(m["Subject"]), "diteruskan ke milis", m, List_Id="<milis.example>", Precedence="list"))]),
        Robot("pemantul", lambda r, m: [(3, _report(r, m, "failed", "5.1.1"))]),
        Robot("penunda", lambda r, m: [(14400, _report(r, m, "delayed", "4.4.1"))]),
        Robot("greylister", lambda r, m: []),
        Robot("mdn", lambda r, m: [(30, r.mail("Dibaca: tanda terima", "--x\r\nContent-Type: message/disposition-notification\r\n\r\nDisposition: manual\r\n--x--", m,
                                               Content_Type='multipart/report; report-type=disposition-notification; boundary="x"'))]),
        Robot("penerus", lambda r, m: [(1, r.mail(f"Fwd: {m['Subject']}", "Diteruskan otomatis.\r\n\r\n-------- Pesan --------\r\n" + str(m.get_payload()), m))]),
        Robot("salinan", lambda r, m: [(1, m.as_bytes())]),
        Robot("pemindai", lambda r, m: [(4, r.mail("Email dikarantina", "Periksa tautan.", sender=f"no-reply@{r.name}.example"))]),
        Robot("sedetik", lambda r, m: [(1, r.mail(f"Re: {m['Subject']}", "Terima kasih, pesan Anda kami terima.", m))]),
        Robot("jamsalah", lambda r, m: [(1, r.mail(f"Re: {m['Subject']}", "Pesan diterima.", m, Date="Mon, 01 Jan 2024 00:00:00 +0000"))]),
        Robot("badai", _storm),
    ]  # fmt: skip


def run(days: int, seed: int) -> int:
    rng, broken = random.Random(seed), 0
    everybody = robots()
    homes = {r.name: r for r in everybody}
    with virtual() as v:
        if v.world:
            v.refuse.add(homes["greylister"].address)
        queue, ticket = _openings(everybody, days, v.now, rng), itertools.count(10**9)
        by_person: dict[str, list[dt.datetime]] = defaultdict(list)
        while queue:
            at, _, data, skew = heapq.heappop(queue)
            if at > v.now:
                v.now = at
            v.take(data, v.now - dt.timedelta(days=1) if skew else None)
            for when, recipient, raw in v.left():
                by_person[recipient].append(when)
                robot = homes.get(recipient.rpartition("@")[2].partition(".")[0])
                for seconds, answer in (
                    robot.react(robot, message_from_bytes(raw)) if robot and len(queue) < 5000 else ()
                ):
                    heapq.heappush(
                        queue,
                        (
                            when + dt.timedelta(seconds=seconds),
                            next(ticket),
                            answer,
                            robot.name == "jamsalah" if robot else False,
                        ),
                    )
        for robot in everybody:
            worst = max(
                (_within_a_day(times) for person, times in by_person.items() if robot.name in person), default=0
            )
            cases = _cases_per_thread(v, robot.name)
            broken += (worst > MOST) + (cases > 1)
            print(
                f"{robot.name:<12} mails sent {robot.number:>5}   automatic replies within 24 h: at most {worst}   cases per thread: {cases}",
                flush=True,
            )
    return broken


def _openings(
    everybody: list[Robot], days: int, start: dt.datetime, rng: random.Random
) -> list[tuple[dt.datetime, int, bytes, bool]]:
    queue: list[tuple[dt.datetime, int, bytes, bool]] = []
    for day, robot in itertools.product(range(days), everybody):
        for _ in range(robot.opens):
            at = start + dt.timedelta(days=day, seconds=rng.randrange(6 * 3600))
            heapq.heappush(queue, (at, len(queue), robot.mail(f"Permohonan {robot.name} hari {day}"), False))
    return queue


def _within_a_day(times: list[dt.datetime]) -> int:
    return max(sum(a <= b < a + dt.timedelta(hours=24) for b in times) for a in times)


def _cases_per_thread(v: Virtual, name: str) -> int:
    """A thread is what one opening of a robot began; the robots keep its day in every subject."""
    assert v.world
    with v.world.store.reading() as tx:
        rows = tx.execute(text("select subject from case_file where requester like :who"), {"who": f"%@{name}.example"})
        days = Counter(" ".join(str(r.subject).split("hari")[-1:]).strip()[:3] for r in rows)
    return max(days.values(), default=0)
