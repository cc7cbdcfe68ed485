"""Harm to the running service, again and again; then every mail is counted: python -m soak.chaos --driver postgresql --kills 200

Harms: SIGKILL of any process at any moment or at a named point, jobs that kill their worker, a process frozen beyond its lease,
PostgreSQL stopped at once, the line to it cut or silent. In the end each mail must have one case, one receipt and one answer at
the SMTP server, no job may be open or set aside, and the chains of events must be whole.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from unittest import mock

from sqlalchemy import NullPool, create_engine, text

from mailbot import config, crash
from mailbot.grown import keeping
from mailbot.work import open_world
from soak.line import Line
from tests.servers.postgres import Postgres, postgres
from tests.servers.smtp import Sink, smtp_sink

OFFICE = "kacau"
SAFE_POINTS = tuple(
    p for p in crash.POINTS if not p.startswith(("copy", "move", "mark-sent", "reconcile", "smtp-dot", "smtp-answered"))
)


@dataclass
class Scene:
    """What is harmed, and what was put into it."""

    folder: Path
    driver: str
    rng: random.Random
    sink: Sink
    server: Postgres | None = None
    line: Line | None = None
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    laid: int = 0
    harms: Counter[str] = field(default_factory=Counter)

    # -------------------------------------------------------------- processes

    def roles(self) -> tuple[str, ...]:
        return ("run",) if self.driver == "sqlite" else ("scheduler", "scheduler 2", "worker", "worker 2")

    def start(self, role: str, crash_at: str = "") -> None:
        command = [sys.executable, "-m", "soak.process", role.split()[0], "--config", str(self.folder / "config.toml")]
        environment = {**os.environ, "MAILBOT_CRASH_AT": crash_at, "MAILBOT_DATABASE_URL": self.url()}
        with (self.folder / "log").open("ab") as log:
            self.running[role] = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, start_new_session=True
            )

    def url(self) -> str:
        return self.server.url(port=self.line.port) if self.server and self.line else ""

    def revive(self) -> None:
        """What died by itself is started again, as systemd does."""
        for role in self.roles():
            process = self.running.get(role)
            if process is None or process.poll() is not None:
                if process is not None:
                    self.harms["died (crash point or deadly job)"] += 1
                self.start(role)

    def kill(self, role: str) -> None:
        process = self.running[role]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    # -------------------------------------------------------------- mails

    def lay(self, count: int) -> None:
        for _ in range(count):
            self.laid += 1
            mail = EmailMessage()
            mail["From"], mail["To"] = f"dinas{self.laid}@kantor{self.laid}.example", "lpse@batangkab.example"
            mail["Subject"], mail["Message-ID"] = f"Permohonan {self.laid}", f"<kacau.{self.laid}@contoh.example>"
            mail["Date"] = dt.datetime.now(dt.UTC)
            mail.set_content("Mohon informasi jadwal layanan.")
            path = self.folder / "inbox" / "tmp" / f"{self.laid:05d}.eml"
            path.write_bytes(mail.as_bytes())
            os.rename(path, self.folder / "inbox" / "new" / path.name)

    # -------------------------------------------------------------- harms

    def harm(self) -> None:
        choices = {"kill": 6, "crash point": 4, "freeze": 2}
        if self.server:
            choices |= {"postgresql restart": 1, "line cut": 1, "line silent": 1}
        name = self.rng.choices(list(choices), list(choices.values()))[0]
        self.harms[name] += 1
        getattr(self, "_" + name.replace(" ", "_"))(self.rng.choice(self.roles()))

    def _kill(self, role: str) -> None:
        self.kill(role)

    def _crash_point(self, role: str) -> None:
        self.kill(role)
        self.start(role, f"{self.rng.choice(SAFE_POINTS)}:{self.rng.randint(1, 3)}")

    def _freeze(self, role: str) -> None:
        """Beyond every lease; on one host (SQLite) nobody takes over, so a moment is enough."""
        process = self.running[role]
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGSTOP)
            time.sleep(12 if self.server else 1)
            os.killpg(process.pid, signal.SIGCONT)

    def _postgresql_restart(self, _: str) -> None:
        assert self.server
        self.server.restart()

    def _line_cut(self, _: str) -> None:
        assert self.line
        self.line.cut()
        time.sleep(self.rng.uniform(0.5, 3))
        self.line.mend()

    def _line_silent(self, _: str) -> None:
        assert self.line
        self.line.silence()
        time.sleep(self.rng.uniform(1, 6))
        self.line.mend()

    # -------------------------------------------------------------- the end

    def settle(self, patience: float) -> None:
        """Until all is done, or nothing was handed over for so long."""
        end, before = time.monotonic() + patience, -1
        while not self.finished() and time.monotonic() < end:
            if len(self.sink.taken) != before:
                end, before = time.monotonic() + patience, len(self.sink.taken)
            time.sleep(0.5)
            self.revive()
        time.sleep(2)

    def wait_for_progress(self, seconds: float) -> None:
        end, before = time.monotonic() + seconds, len(self.sink.taken)
        while len(self.sink.taken) == before and time.monotonic() < end and not self.finished():
            time.sleep(0.2)
        time.sleep(self.rng.uniform(0, 1))

    def retry(self) -> None:
        """What was killed so often that it was set aside is visible, and an operator brings it back."""
        aside = sum(
            int(str(self.rows(f"SELECT count(*) FROM @{q}")[0][0]))
            for q in ("quarantine", "job WHERE state = 'quarantine'")
        )
        if not aside:
            return
        self.harms["set aside after kills, brought back by `mailbot retry`"] = aside
        for role in list(self.running):
            self.kill(role)
        command = [sys.executable, "-m", "soak.process", "retry", "--config", str(self.folder / "config.toml")]
        subprocess.run(command, env={**os.environ, "MAILBOT_DATABASE_URL": self.url()}, check=True, capture_output=True)

    # -------------------------------------------------------------- counting

    def rows(self, query: str) -> list[tuple[object, ...]]:
        direct = self.server.url() if self.server else f"sqlite:///{self.folder / 'data' / 'mailbot.db'}"
        engine = create_engine(direct, poolclass=NullPool)
        schema = f"{OFFICE}." if self.server else ""
        with engine.connect() as connection:
            return [tuple(r) for r in connection.execute(text(query.replace("@", schema)))]

    def finished(self) -> bool:
        try:
            taken = int(str(self.rows("SELECT count(*) FROM @message WHERE state <> 'stored'")[0][0]))
            taken += int(str(self.rows("SELECT count(*) FROM @quarantine WHERE attempts >= 3 AND due_at = ''")[0][0]))
            jobs_left = self.rows("SELECT count(*) FROM @job WHERE state IN ('waiting', 'running')")[0][0]
            mails_left = self.rows("SELECT count(*) FROM @outgoing WHERE state IN ('pending', 'sending', 'deferred')")[
                0
            ][0]
        except Exception:  # the tables are not there yet, or the database is starting
            return False
        return taken == self.laid and not jobs_left and not mails_left

    def faults(self) -> Iterator[str]:
        """What was lost or doubled, in words."""
        for query, want, words in (
            ("SELECT count(*) FROM @message", self.laid, "mails stored"),
            ("SELECT count(*) FROM @location", self.laid, "locations"),
            ("SELECT count(*) FROM @case_file", self.laid, "cases"),
            ("SELECT count(*) FROM @job WHERE state = 'quarantine'", 0, "jobs set aside"),
            ("SELECT count(*) FROM @quarantine", 0, "mails set aside"),
            ("SELECT count(*) FROM @outgoing WHERE state NOT IN ('sent', 'ambiguous')", 0, "mails not sent"),
        ):
            found = self.rows(query)[0][0]
            if found != want:
                yield f"{words}: {found}, not {want}"
        yield from self._mail_faults()
        yield from self._data_faults()

    def _mail_faults(self) -> Iterator[str]:
        ids = Counter(str(message_from_bytes(data)["Message-ID"]) for _, data in self.sink.taken)
        yield from (f"handed over {n} times: {key}" for key, n in ids.items() if n > 1)
        unclear = {str(r[0]) for r in self.rows("SELECT header_id FROM @outgoing WHERE state = 'ambiguous'")}
        self.harms["left ambiguous for a search (IN-52)"] = len(unclear)
        kept = {str(r[0]) for r in self.rows("SELECT header_id FROM @outgoing")}
        yield from (f"never handed over: {key}" for key in kept - set(ids) - unclear)
        yield from (f"handed over, but not in the outbox: {key}" for key in set(ids) - kept)
        answers = Counter(
            str(message_from_bytes(d)["In-Reply-To"]) for _, d in self.sink.taken if b".receipt." in d[:4000]
        )
        yield from (f"receipts for {key}: {n}" for key, n in answers.items() if n != 1)

    def _data_faults(self) -> Iterator[str]:
        with mock.patch.dict(os.environ, {"MAILBOT_DATABASE_URL": self.url()}):
            world = open_world(config.load(self.folder / "config.toml"), lambda: dt.datetime.now(dt.UTC))
            found = list(keeping.troubles(world, deep=True))
        yield from found


def scene_config(folder: Path, smtp_port: int, office: str) -> None:
    for name in ("new", "cur", "tmp"):
        (folder / "inbox" / name).mkdir(parents=True)
    (folder / "config.toml").write_text(
        f'[[mailbox]]\npath = "{folder}/inbox"\npoll_seconds = 1\n[smtp]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {smtp_port}\ntls = "none"\n'
        f'[storage]\npath = "{folder}/data"\n[database]\noffice = "{office}"\n[web]\nenabled = false\n'
        "[replies]\nform = false\n[limits]\nall_hour = 100000\nall_minute = 10000\n"
    )


@contextlib.contextmanager
def scene(driver: str, seed: int) -> Iterator[Scene]:
    with contextlib.ExitStack() as stack:
        folder = Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="mailbot-chaos-", ignore_cleanup_errors=True))
        )
        made = Scene(folder, driver, random.Random(seed), stack.enter_context(smtp_sink()))
        if driver == "postgresql":
            # with fsync, since the server itself is stopped at once
            made.server = stack.enter_context(postgres(("shared_buffers=64MB", "max_connections=100", "jit=off")))
            made.line = Line(made.server.port)
            stack.callback(made.line.close)
        scene_config(folder, made.sink.port, OFFICE if made.server else "")
        try:
            yield made
        finally:
            for role in list(made.running):
                made.kill(role)


def run(driver: str, kills: int, seed: int = 7, mails: int = 3, patience: float = 240) -> tuple[Scene, list[str]]:
    """Harms the service `kills` times while mail comes in; what was lost or doubled."""
    with scene(driver, seed) as made:
        made.lay(mails)
        made.revive()
        time.sleep(4)
        for number in range(kills):
            made.lay(made.rng.randint(0, mails))
            made.harm()
            time.sleep(made.rng.uniform(0.1, 1.0))
            made.revive()
            if made.rng.random() < 0.7:  # else it is harmed again while it starts
                made.wait_for_progress(15)
            if sys.stderr.isatty() or number % 20 == 19:
                print(
                    f"{number + 1} harms, {made.laid} mails laid, {len(made.sink.taken)} handed over", file=sys.stderr
                )
        made.settle(patience)
        made.retry()
        made.settle(patience)
        for role in list(made.running):
            made.kill(role)
        found = list(made.faults())
        if found and (keep := os.environ.get("CHAOS_LOG")):
            Path(keep).write_bytes((made.folder / "log").read_bytes())
        return made, found


def main(argv: list[str] | None = None) -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--driver", choices=("sqlite", "postgresql"), default="postgresql")
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=7)
    given = options.parse_args(argv)
    start = time.monotonic()
    made, found = run(given.driver, given.kills, given.seed)
    print(
        f"{given.driver}: {given.kills} harms in {time.monotonic() - start:.0f} s, {made.laid} mails, {len(made.sink.taken)} handed over"
    )
    for name, number in sorted(made.harms.items()):
        print(f"  {number:4} {name}")
    print("\n".join(found) or "nothing lost, nothing doubled")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
