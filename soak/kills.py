"""Mails arrive in a real Dovecot, receipts leave through a real SMTP server, and the service is killed over and over (G1, G2).

Printed per mark mode: lost, stored twice, half-written, duplicates of anything that we sent, and how many hand-overs were ambiguous.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path
from typing import Any

from imapclient import IMAPClient
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from mailbot.crash import POINTS
from tests.servers.dovecot import POOR, SECRET, Dovecot, dovecot
from tests.servers.smtp import Sink, smtp_sink

MODES = ("keyword", "move", "none")
LONGEST = 4.0  # seconds of a service whose named point is never reached
SETTLE = 240.0  # seconds after the last kill in which everything must be done


@dataclass
class Scene:
    """One office under attack. `sent`: accepted mail is filed in Sent, as Gmail and Microsoft 365 do."""

    folder: Path
    server: Dovecot
    sink: Sink
    client: IMAPClient
    mode: str
    sent: bool
    rng: random.Random
    laid: int = 0
    hit: Counter[str] = field(default_factory=Counter)
    process: Any = None
    min_free_mb: int = 10
    environment: dict[str, str] = field(default_factory=dict)  # further variables of the service

    def start(self) -> None:
        move = 'move_to = "Selesai"\n' if self.mode == "move" else ""
        (self.folder / "config.toml").write_text(
            f'[[mailbox]]\nkind = "imap"\nhost = "127.0.0.1"\nport = {self.server.port}\ntls = "none"\nuser = "lpse"\nstart = "all"\n'
            f'mark = "{self.mode}"\n{move}sent = "{"Sent" if self.sent else ""}"\n[smtp]\nkind = "smtp"\nhost = "127.0.0.1"\n'
            f'port = {self.sink.port}\ntls = "none"\n[storage]\npath = "{self.folder}/data"\nmin_free_mb = {self.min_free_mb}\n[replies]\nform = false\n'
            "[limits]\nper_address_hour = 99\nper_address_day = 99\nper_domain_hour = 999999\nall_hour = 999999\nall_minute = 999999\n"
        )
        command = [sys.executable, "-m", "soak.serve", str(self.folder / "config.toml")]
        environment = {**os.environ, "MAILBOT_IMAP_SECRET": SECRET, "OMP_THREAD_LIMIT": "1", **self.environment}
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(self.folder / "log").open("w"),
            text=True,
            env=environment,
            process_group=0,
        )

    def lay(self, count: int, at: dt.datetime | None = None, padding: int = 0) -> None:
        """`at`: when the server got them; `padding`: so many octets more in each."""
        for _ in range(count):
            self.laid += 1
            self.client.append("INBOX", mail(self.laid) + b"x" * padding + b"\r\n", (), at)

    def one(self, order: str, seconds: float) -> None:
        """One life of the service, ended by its named point or by SIGKILL after `seconds`."""
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline().split()[1])
        early = threading.Event()
        timer = threading.Thread(target=_kill_later, args=(pid, seconds, early))
        timer.start()
        self.process.stdout.readline()
        if not early.is_set() and order != "-":
            self.hit[order.partition(":")[0]] += 1
        early.set()
        timer.join()

    def settle(self) -> None:
        """A last life without a kill, until nothing is left to do."""
        with self.life():
            self.until_done()
        self.process.stdin.close()
        self.process.wait(60)

    @contextlib.contextmanager
    def life(self, order: str = "-") -> Iterator[None]:
        """The service runs while the block does."""
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        pid = int(self.process.stdout.readline().split()[1])
        yield
        os.kill(pid, signal.SIGTERM)
        self.process.stdout.readline()

    def until_done(self, seconds: float = SETTLE) -> bool:
        end = time.monotonic() + seconds
        while not (done := self._done()) and time.monotonic() < end:
            time.sleep(0.3)
        return done

    def _done(self) -> bool:
        try:
            return self._all_answered()
        except DBAPIError:  # the tables are not there yet, or somebody holds them
            return False

    def _all_answered(self) -> bool:
        waiting = "select count(*) from outgoing where state not in ('sent', 'failed', 'cancelled')"
        stored, left, jobs = self.ask("select count(*) from message where rules not like '%R01%'"), self.ask(waiting), self.ask(
            "select count(*) from job where state in ('waiting', 'running')"
        )  # fmt: skip
        return bool(stored >= self.laid and not left and not jobs)

    def ask(self, query: str) -> int:
        engine = create_engine(f"sqlite:///{self.folder}/data/mailbot.db")
        try:
            with engine.begin() as connection:
                found = connection.execute(text(query)).scalars().all()
                return int(found[0] or 0) if found else 0
        finally:
            engine.dispose()

    # ---------------------------------------------------------------- judgement

    def judge(self) -> tuple[str, int]:
        stored = Counter(self._column("select header_id from message where rules not like '%R01%'"))
        lost = sum(f"<soak.{n}@kantor.example>" not in stored for n in range(1, self.laid + 1))
        twice = sum(count - 1 for count in stored.values()) + self._copies_too_many()
        half = sum(
            hashlib.sha256(p.read_bytes()).hexdigest() != p.name for p in (self.folder / "data/blobs").glob("??/*")
        )
        left = Counter((message_from_bytes(raw)["Message-ID"], to) for to, raw in self.sink.taken)
        doubled = sum(count - 1 for count in left.values())
        receipts = {header_id for header_id, _ in left if "receipt" in header_id}
        people = {to for header_id, to in left if "receipt" in header_id}
        without = self.laid - len(people)
        two = int(len(receipts) != len(people))
        repeated = self.ask("select count(*) from outgoing where repeats > 0")
        allowed = set() if self.sent else {*self._column("select header_id from outgoing where repeats > 0")}
        too_many = sum(count - 1 - (header_id in allowed) for (header_id, _), count in left.items() if count > 1)
        broken = lost + twice + half + without + two + too_many
        words = (
            f"{self.mode:<8} Sent {'yes' if self.sent else 'no ':<4} mails {self.laid:>5}  lost {lost}  stored twice {twice}  half-written {half}  "
            f"without receipt {without}  duplicates {doubled} (ambiguous and repeated: {repeated})  named points hit {len(self.hit)}"
        )
        return words, broken

    def _copies_too_many(self) -> int:
        """Mails that lie twice on the server: a move that was begun again."""
        total = 0
        for folder in ("INBOX", "Selesai"):
            if self.client.folder_exists(folder):
                total += int(self.client.folder_status(folder, ["MESSAGES"])[b"MESSAGES"])
        return abs(total - self.laid)

    def _column(self, query: str) -> list[str]:
        engine = create_engine(f"sqlite:///{self.folder}/data/mailbot.db")
        with engine.connect() as connection:
            return [str(v) for v in connection.execute(text(query)).scalars()]


def mail(number: int) -> bytes:
    return (
        f"From: Pemohon {number} <p{number}@kantor{number}.example>\r\nTo: lpse@batangkab.example\r\nSubject: Permohonan {number}\r\n"
        f"Message-ID: <soak.{number}@kantor.example>\r\nDate: Mon, 23 Nov 2026 09:00:00 +0700\r\n\r\nMohon informasi {number}.\r\n"
    ).encode()


def _kill_later(pid: int, seconds: float, early: threading.Event) -> None:
    if not early.wait(seconds):
        early.set()
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def scene(mode: str, sent: bool, rng: random.Random, begin: bool = True) -> Any:
    """`begin`: with the service warmed up."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-")))
        server = stack.enter_context(dovecot(POOR if mode == "move" else None))
        sink = stack.enter_context(smtp_sink())
        client = stack.enter_context(server.client())
        if sent:
            filing = stack.enter_context(server.client())
            filing.create_folder("Sent")
            sink.file_in = lambda data: filing.append("Sent", data)
        made = Scene(folder, server, sink, client, mode, sent, rng)
        if begin:
            made.start()
        try:
            yield made
        finally:
            if made.process and made.process.poll() is None:
                os.killpg(made.process.pid, signal.SIGKILL)
                made.process.wait()


def run(kills: int, mails: int, seed: int) -> int:
    """Kills and mails are shared out over the three mark modes; the first kills of each are at every named point."""
    broken = 0
    for number, mode in enumerate(MODES):
        rng, share = random.Random(seed + number), kills // len(MODES) + (number < kills % len(MODES))
        amount = mails // len(MODES) + (number < mails % len(MODES))
        began = time.monotonic()
        with scene(mode, True, rng) as s:
            for kill in range(share):
                s.lay(amount * (kill + 1) // share - s.laid)
                named = kill < len(POINTS)
                s.one(
                    f"{POINTS[kill]}:{rng.randint(1, 2)}" if named else "-",
                    LONGEST if named else rng.uniform(0.05, 1.2),
                )
            s.settle()
            words, wrong = s.judge()
            broken += wrong
            print(f"{share:>5} kills  {words}  ({time.monotonic() - began:.0f} s)", flush=True)
    return broken


def points(seed: int) -> int:
    """Every named point, at its first, second and third passing."""
    broken = 0
    for sent in (True, False):
        for mode in MODES:
            with scene(mode, sent, random.Random(seed)) as s:
                for name in POINTS:
                    for count in (1, 2, 3):
                        s.lay(2)
                        s.one(f"{name}:{count}", LONGEST)
                s.settle()
                words, wrong = s.judge()
                broken += wrong
                print(
                    f"points {words}  never reached: {', '.join(p for p in POINTS if p not in s.hit) or '-'}",
                    flush=True,
                )
    return broken
