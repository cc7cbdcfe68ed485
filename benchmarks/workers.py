"""One worker against two on the same scans, each on a core of its own, and a queueing model checked against these runs: scripts/bench workers

Mails of the corpus, all different (identical attachments would be read once), are taken in on PostgreSQL, then `mailbot worker` processes read
them. The model replays the same arrivals with the service times that were measured through a queue of c servers; where it fits the runs, it
plans for many offices and the January wave.
"""

from __future__ import annotations

import argparse
import datetime as dt
import heapq
import os
import random
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select, text

from benchmarks import _figures
from benchmarks.corpus import mails as corpus
from benchmarks.growth import databases
from mailbot import config
from mailbot.mailbox import keep
from mailbot.model import Location, RawMessage
from mailbot.store import tables as t
from mailbot.work import World, open_world
from mailbot.work.intake import take_in

OFFICES, MAILS_A_DAY, WAVE = 500, 6.0, 8.0  # a usual day of an office; January is so many times more
DAY = 8 * 3600.0  # seconds in which the day's mail comes
SOON = 15 * 60.0  # a scan should be read within


@dataclass(frozen=True)
class Run:
    workers: int
    seconds: float
    mails: int
    pages: int
    service: tuple[float, ...]  # seconds of reading, per mail

    @property
    def per_minute(self) -> float:
        return 60 * self.pages / self.seconds


# ------------------------------------------------------------------ runs


def make_world(folder: Path) -> World:
    for name in ("new", "cur", "tmp"):
        (folder / "inbox" / name).mkdir(parents=True)
    (folder / "config.toml").write_text(
        f'[[mailbox]]\npath = "{folder}/inbox"\n[smtp]\npath = "{folder}/sent"\n[storage]\npath = "{folder}/data"\n'
        "[replies]\nform = false\n[limits]\nall_hour = 100000\nall_minute = 10000\n"
    )
    return open_world(config.load(folder / "config.toml"), lambda: dt.datetime.now(dt.UTC))


def read_with(workers: int, mails: list[bytes]) -> Run:
    with tempfile.TemporaryDirectory(prefix="mailbot-workers-") as name, databases("postgresql") as url:
        os.environ["MAILBOT_DATABASE_URL"] = url("kerja").partition("?")[0]
        w = make_world(Path(name))
        for number, data in enumerate(mails):
            path, sha256, size = keep(iter((data + f"\n{number}".encode(),)), w.blobs)
            take_in(w, RawMessage(Location("utama", "INBOX", 1, str(number)), str(path), sha256, size, w.now()))
        command = [sys.executable, "-m", "mailbot.cli", "worker", "--lane", "ocr", "--config", f"{name}/config.toml"]
        # a worker reads the pages of a mail on all the cores it has, so each gets one of its own, as on hosts of one core
        cores = [["taskset", "-c", str(n % (os.cpu_count() or 1))] for n in range(workers)]
        running = [subprocess.Popen([*core, *command], stderr=subprocess.DEVNULL) for core in cores]
        try:
            start = _first_begun(w)
            while _open(w):
                time.sleep(0.1)
            seconds = time.monotonic() - start
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(90)
        with w.store.reading() as tx:
            service = tuple(ms / 1000 for ms in tx.scalars(select(t.message.c.read_ms)) if ms)
            pages = tx.scalar(
                text(
                    "SELECT sum(jsonb_array_length(d->'pages')) FROM message, jsonb_array_elements(evidence::jsonb->'documents') d"
                )
            )
        w.store.engine.dispose()
    return Run(workers, seconds, len(service), int(pages or 0), service)


def _first_begun(w: World) -> float:
    while True:
        with w.store.reading() as tx:
            if tx.scalar(select(t.job.c.id).where(t.job.c.task == "read", t.job.c.attempts > 0).limit(1)):
                return time.monotonic()
        time.sleep(0.02)


def _open(w: World) -> bool:
    with w.store.reading() as tx:
        query = select(t.job.c.id).where(t.job.c.task == "read", t.job.c.state.in_(("waiting", "running"))).limit(1)
        return tx.scalar(query) is not None


# ------------------------------------------------------------------ model


def replay(arrivals: list[float], service: list[float], servers: int) -> tuple[float, list[float]]:
    """First come, first served: when the last one is ready, and how long each was under way (seconds)."""
    free = [0.0] * servers
    heapq.heapify(free)
    under_way, last = [], 0.0
    for at, span in zip(arrivals, service, strict=True):
        end = max(at, heapq.heappop(free)) + span
        heapq.heappush(free, end)
        under_way.append(end - at)
        last = max(last, end)
    return last, under_way


def plan(service: tuple[float, ...], offices: int, wave: float, rng: random.Random) -> tuple[int, float, float]:
    """The fewest servers with 95 % of a day's mails read within SOON; their use, and that share's time in minutes."""
    count = max(1, round(offices * MAILS_A_DAY * wave))
    arrivals = sorted(rng.uniform(0, DAY) for _ in range(count))
    spans = [rng.choice(service) for _ in range(count)]
    servers = max(1, int(sum(spans) / DAY))
    while True:
        _, under_way = replay(arrivals, spans, servers)
        late = sorted(under_way)[int(0.95 * count)]
        if late <= SOON:
            return servers, sum(spans) / (servers * DAY), late / 60
        servers += 1


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(prog="scripts/bench workers", description=__doc__)
    options.add_argument("--mails", type=int, default=48)
    given = options.parse_args(argv)
    mails = [corpus.mail("dev", 500 + n).data for n in range(given.mails)]
    runs = [read_with(1, mails), read_with(2, mails)]
    print(
        f"{'workers':>8}{'mails':>8}{'pages':>8}{'seconds':>10}{'pages/min':>12}{'ratio':>8}{'model, s':>10}{'model : run':>13}"
    )
    for run in runs:
        expected, _ = replay([0.0] * run.mails, list(run.service), run.workers)
        print(f"{run.workers:8}{run.mails:8}{run.pages:8}{run.seconds:10.1f}{run.per_minute:12.1f}{run.per_minute / runs[0].per_minute:8.2f}"
              f"{expected:10.1f}{expected / run.seconds:13.2f}")  # fmt: skip
    service = runs[-1].service
    print(
        f"\n{sum(service) / len(service):.1f} s of reading per mail on a core. Plan, {MAILS_A_DAY:.0f} mails with scans per office and day, in 8 hours:"
    )
    print(f"{'':28}{'workers':>8}{'in use':>8}{'95 % read within':>18}")
    for offices, wave in ((1, 1), (1, WAVE), (50, WAVE), (OFFICES, 1), (OFFICES, WAVE)):
        servers, use, minutes = plan(service, offices, wave, random.Random(7))
        name = f"{offices} offices, {'January' if wave > 1 else 'usual day'}"
        print(f"{name:28}{servers:8}{use:8.0%}{minutes:14.1f} min")
    _figures.keep("workers", [{"workers": r.workers, "pages a minute": round(r.per_minute, 1), "measured, s": round(r.seconds, 1),
                              "model, s": round(replay([0.0] * r.mails, list(r.service), r.workers)[0], 1)} for r in runs])  # fmt: skip
    _figures.keep("plan", [{"offices": n, "usual day": plan(service, n, 1, random.Random(7))[0],
                           "January": plan(service, n, WAVE, random.Random(7))[0]} for n in (1, 100, 200, 300, 400, 500)])  # fmt: skip
    print(f"\nload of this machine: {os.getloadavg()[0]:.1f}; {dt.date.today()}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
