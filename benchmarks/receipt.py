"""`scripts/bench receipt [--scans N] [--imap] [--probes K]`: how long a requester waits for the receipt while N scans wait for OCR.

The real service runs as a process of its own over a Maildir, or over a throw-away Dovecot with IDLE and an SMTP sink. N scanned
mails come first; once they are taken in and their OCR is under way, K more come one by one. Printed: seconds from the moment a
mail is in the mailbox until its receipt is written (folder) or accepted by the SMTP server. Dovecot itself rings half a second late.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import email
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import create_engine, text

from benchmarks import _figures
from mailbot.demo.mails import demo_mails
from tests.servers.dovecot import SECRET, Dovecot, dovecot
from tests.servers.smtp import Sink, smtp_sink

WAIT = 60.0  # seconds after which a receipt counts as missing; for the first scans, so many for each
LIMITS = "per_address_hour = 99\nper_address_day = 99\nper_domain_hour = 99999\nall_hour = 99999\nall_minute = 99999\n"
Put = Callable[[bytes], float]  # lays a mail into the mailbox; when it was there
Seen = Callable[[], dict[str, float]]  # recipient -> when its receipt was there


def scanned(count: int, first: int = 0) -> Iterator[tuple[str, bytes]]:
    """(sender, mail): the demo's scanned letters again and again, each from another sender."""
    now = dt.datetime.now(dt.UTC)
    sources = [
        m
        for m in demo_mails(19, now)
        if m.expected in ("complete", "incomplete") and len(m.data) > 20_000 and m.phase == 1
    ]
    for number in range(first, first + count):
        mail = email.message_from_bytes(sources[number % len(sources)].data)
        sender = f"pemohon{number}@dinas{number}.example"
        for name, value in (
            ("From", sender),
            ("Message-ID", f"<bench.{number}@dinas.example>"),
            ("Subject", f"Permohonan {number}"),
        ):
            del mail[name]
            mail[name] = value
        yield sender, mail.as_bytes()


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench receipt")
    parser.add_argument("--scans", type=int, default=20)
    parser.add_argument("--probes", type=int, default=20)
    parser.add_argument("--imap", action="store_true")
    wanted = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="bench-receipt-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        put, seen, config, environment = _imap(folder, stack) if wanted.imap else _maildir(folder)
        (folder / "config.toml").write_text(f'{config}\n[storage]\npath = "{folder}/data"\n[limits]\n{LIMITS}')
        _run(folder, put, seen, environment, wanted)
    return 0


def _maildir(folder: Path) -> tuple[Put, Seen, str, dict[str, str]]:
    for part in ("new", "cur", "tmp"):
        (folder / "inbox" / part).mkdir(parents=True)
    count = iter(range(10**6))

    def put(data: bytes) -> float:
        name = f"{next(count):06d}"
        (folder / "inbox/tmp" / name).write_bytes(data)
        os.rename(folder / "inbox/tmp" / name, folder / "inbox/new" / name)
        return time.time()

    known: dict[Path, str] = {}

    def seen() -> dict[str, float]:
        for path in (folder / "sent").glob("*.eml"):
            if path not in known:
                known[path] = str(email.message_from_bytes(path.read_bytes())["To"])
        return {to: path.stat().st_mtime for path, to in sorted(known.items(), key=lambda p: -p[0].stat().st_mtime)}

    return put, seen, f'[[mailbox]]\npath = "{folder}/inbox"\n[smtp]\npath = "{folder}/sent"', {}


def _imap(folder: Path, stack: contextlib.ExitStack) -> tuple[Put, Seen, str, dict[str, str]]:
    server: Dovecot = stack.enter_context(dovecot())
    sink: Sink = stack.enter_context(smtp_sink())
    client = stack.enter_context(server.client())

    def put(data: bytes) -> float:
        client.append("INBOX", data)
        return time.time()

    def seen() -> dict[str, float]:
        pairs = list(zip((to for to, _ in sink.taken), sink.times, strict=False))
        return dict(reversed(pairs))

    config = (
        f'[[mailbox]]\nkind = "imap"\nhost = "localhost"\nport = {server.tls_port}\nca_file = "{server.cert}"\nuser = "lpse"\n'
        f'start = "all"\n[smtp]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {sink.port}\ntls = "none"'
    )
    return put, seen, config, {"MAILBOT_IMAP_SECRET": SECRET}


def _run(folder: Path, put: Put, seen: Seen, environment: dict[str, str], wanted: argparse.Namespace) -> None:
    command = [sys.executable, "-m", "mailbot.cli", "run", "--config", str(folder / "config.toml")]
    log = (folder / "log").open("w")
    process = subprocess.Popen(command, stderr=log, env={**os.environ, **environment}, process_group=0)
    try:
        first = list(scanned(wanted.scans))
        burst = _delays([(sender, put(data)) for sender, data in first], seen, WAIT * wanted.scans)
        _print(f"{wanted.scans} scans at once", burst)
        probes: list[float] = []
        for sender, data in scanned(wanted.probes, wanted.scans):
            probes += _delays([(sender, put(data))], seen)
            time.sleep(0.3)
        load = os.getloadavg()[0] / (os.cpu_count() or 1)
        _print(
            f"{wanted.probes} one by one, {_waiting(folder)} scans still waiting at the end, load {load:.1f} per core",
            probes,
        )
        _figures.keep("receipt-imap" if wanted.imap else "receipt-folder",
                      [{"way": way, "seconds": [round(s, 2) for s in sorted(found)]} for way, found in (("at once", burst), ("one by one", probes))])  # fmt: skip
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        log.close()


def _delays(put_at: list[tuple[str, float]], seen: Seen, wait: float = WAIT) -> list[float]:
    """Seconds until each receipt; one that never came counts as infinite."""
    end = time.time() + wait
    while time.time() < end and not {sender for sender, _ in put_at} <= (found := seen()).keys():
        time.sleep(0.02)
    found = seen()
    return [found.get(sender, float("inf")) - at for sender, at in put_at]


def _waiting(folder: Path) -> int:
    engine = create_engine(f"sqlite:///{folder}/data/mailbot.db")
    with engine.connect() as connection:
        return int(
            connection.execute(
                text("select count(*) from job where task = 'read' and state in ('waiting', 'running')")
            ).scalar_one()
        )


def _print(title: str, seconds: list[float]) -> None:
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    print(
        f"{title:<72} p50 {statistics.median(ordered):6.2f} s   p95 {p95:6.2f} s   max {ordered[-1]:6.2f} s", flush=True
    )
