"""A mailbox full of mail at the first contact: scripts/bench backlog [--mails 10000] [--form] [--intake]

The mails are APPENDed to a real Dovecot in a shuffled order of their Date, then `mailbot run` begins with `start = "all"` and answers through
an SMTP server. Printed: memory of the main process on the way, the pace, and whether the mails were taken oldest first.
"""

from __future__ import annotations

import argparse
import datetime as dt
import logging
import os
import random
import subprocess
import sys
import tempfile
import time
from email.utils import format_datetime
from pathlib import Path

import structlog
from sqlalchemy import create_engine, text

from mailbot import config, work
from mailbot.mailbox import Pending
from mailbot.model import RawMessage
from mailbot.parsers import opening
from mailbot.work import sweep
from tests.servers.dovecot import SECRET, Dovecot, dovecot
from tests.servers.smtp import Sink, smtp_sink

LIMITS = (
    "per_address_hour = 99\nper_address_day = 99\nper_domain_hour = 999999\nall_hour = 999999\nall_minute = 999999\n"
)
STUCK = 120.0  # seconds without a new mail after which the run is given up


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(prog="scripts/bench backlog", description=__doc__)
    options.add_argument("--mails", type=int, default=10_000)
    options.add_argument("--form", action="store_true", help="with the form in each receipt, as by default")
    options.add_argument(
        "--intake", action="store_true", help="the intake alone, in this process: nothing is read or sent"
    )
    given = options.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-backlog-") as name, dovecot() as server, smtp_sink() as sink:
        folder = Path(name)
        _fill(server, given.mails)
        (folder / "config.toml").write_text(_config(folder, server, sink, given.form))
        if given.intake:
            return _alone(folder, given.mails)
        environment = {**os.environ, "MAILBOT_IMAP_SECRET": SECRET}
        command = [sys.executable, "-m", "mailbot.cli", "run", "--config", str(folder / "config.toml")]
        process = subprocess.Popen(command, env=environment, stderr=(folder / "log").open("w"))
        try:
            return _watch(folder, process.pid, given.mails, sink)
        finally:
            process.terminate()
            process.wait(60)


def _fill(server: Dovecot, count: int) -> None:
    """UIDs grow as the mails arrive; their Date headers are as true as their senders' clocks."""
    start, rng = dt.datetime.now(dt.UTC) - dt.timedelta(hours=40), random.Random(19)
    with server.client() as client:
        for number in range(count):
            claimed = format_datetime(start + dt.timedelta(seconds=rng.randrange(40 * 3600)))
            data = (
                f"From: Pemohon {number} <p{number}@kantor{number}.example>\r\nTo: lpse@batangkab.example\r\nSubject: Permohonan {number}\r\n"
                f"Message-ID: <{number}@bench.example>\r\nDate: {claimed}\r\n\r\nMohon informasi {number}.\r\n"
            )
            client.append("INBOX", data.encode(), (), start + dt.timedelta(seconds=number))


def _config(folder: Path, server: Dovecot, sink: Sink, form: bool) -> str:
    return (
        f'[[mailbox]]\nkind = "imap"\nhost = "localhost"\nport = {server.tls_port}\nca_file = "{server.cert}"\nuser = "lpse"\nstart = "all"\n'
        f'[smtp]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {sink.port}\ntls = "none"\n[storage]\npath = "{folder}/data"\n'
        f"[replies]\nform = {str(form).lower()}\n[limits]\n{LIMITS}[web]\nenabled = false\n"
    )


def _watch(folder: Path, pid: int, count: int, sink: Sink) -> int:
    marks = {max(1, count * part // 10): 0.0 for part in (1, 3, 5, 8, 10)}
    began = last = time.monotonic()
    taken = peak = 0
    while taken < count and time.monotonic() - last < STUCK:
        time.sleep(0.5)
        now, memory = _taken(folder), _megabytes(pid)
        peak = max(peak, memory)
        last = time.monotonic() if now > taken else last
        taken = now
        for mark in (m for m, seen in marks.items() if not seen and taken >= m):
            marks[mark] = memory
            print(f"  {mark:>6} taken after {time.monotonic() - began:.0f} s: {memory:.0f} MiB", flush=True)
    wall, order = time.monotonic() - began, _order(folder)
    oldest_first = order == [f"<{n}@bench.example>" for n in range(count)]
    print(
        f"{taken} of {count} mails taken in {wall:.0f} s ({taken / wall:.0f} a second), oldest first: {oldest_first}; {len(sink.taken)} receipts left meanwhile"
    )
    print(f"memory of the main process: at most {peak:.0f} MiB")
    return 0 if oldest_first else 1


def _alone(folder: Path, count: int) -> int:
    os.environ["MAILBOT_IMAP_SECRET"] = SECRET
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    opening.warm()
    world = work.open_world(config.load(folder / "config.toml"), lambda: dt.datetime.now(dt.UTC))
    ((mailbox, _),) = world.mailboxes
    fetch, began, marks, taken = (
        mailbox.fetch,
        time.monotonic(),
        {max(1, count * part // 10) for part in (1, 3, 5, 8, 10)},
        0,
    )

    def counted(pending: Pending, into: Path) -> RawMessage:
        nonlocal taken
        taken += 1
        if taken in marks:
            print(
                f"  {taken:>6} taken after {time.monotonic() - began:.0f} s: {_megabytes(os.getpid()):.0f} MiB",
                flush=True,
            )
        return fetch(pending, into)

    mailbox.fetch = counted  # type: ignore[method-assign]
    sweep.sweep_all(world)
    mailbox.close()
    oldest_first = _order(folder) == [f"<{n}@bench.example>" for n in range(count)]
    print(f"{taken} of {count} mails taken in {time.monotonic() - began:.0f} s, oldest first: {oldest_first}")
    return 0 if oldest_first else 1


def _rows(folder: Path, query: str) -> list[object]:
    engine = create_engine(f"sqlite:///{folder}/data/mailbot.db")
    try:
        with engine.connect() as connection:
            return list(connection.execute(text(query)).scalars())
    finally:
        engine.dispose()


def _taken(folder: Path) -> int:
    try:
        return int(str(_rows(folder, "select count(*) from message")[0]))
    except Exception:  # the tables are not there yet
        return 0


def _order(folder: Path) -> list[str]:
    return [str(v) for v in _rows(folder, "select header_id from message order by id")]


def _megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmRSS"))) / 1024
