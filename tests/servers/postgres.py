"""A throw-away PostgreSQL cluster on a socket of its own and on 127.0.0.1; each test takes a fresh schema in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import NullPool, create_engine, text

from tests.servers import free_port, missing

# the tests kill the server itself only by `restart`, which keeps the files: without fsync nothing is lost by that
_QUICK = ("fsync=off", "full_page_writes=off", "shared_buffers=64MB", "max_connections=60", "jit=off")


def binaries() -> Path | None:
    """Where the server's programs lie; None: not installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return found[-1].parent if found else None


@dataclass
class Postgres:
    home: Path
    port: int
    programs: Path
    settings: tuple[str, ...] = _QUICK

    def url(self, office: str = "", database: str = "postgres", port: int = 0) -> str:
        """For SQLAlchemy; `office`: the schema of its own. `port`: of something that stands between."""
        query = f"?office={office}" if office else ""
        return f"postgresql+psycopg://postgres@127.0.0.1:{port or self.port}/{database}{query}"

    def program(self, name: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(self.programs / name), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", "postgres", "--", *command]
        return subprocess.run(command, check=check, capture_output=True, text=True, cwd=self.home)

    def _control(self, *arguments: str) -> None:
        self.program("pg_ctl", "-D", str(self.home / "data"), "-w", "-s", *arguments)

    def start(self) -> None:
        options = " ".join(
            f"-c {s}" for s in (*self.settings, f"port={self.port}", f"unix_socket_directories={self.home}")
        )
        self._control("-l", str(self.home / "log"), "-o", options, "start")

    def stop(self, mode: str = "fast") -> None:
        self._control("-m", mode, "stop")

    def restart(self) -> None:
        """As after a power cut: sessions are gone at once, the log is replayed."""
        self.stop("immediate")
        self.start()

    def statement(self, sql: str, database: str = "postgres") -> None:
        engine = create_engine(self.url(database=database), poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(sql))

    @contextlib.contextmanager
    def schema(self, name: str) -> Iterator[str]:
        """The URL of a fresh schema; it is dropped afterwards."""
        try:
            yield self.url(name)
        finally:
            self.statement(f'DROP SCHEMA IF EXISTS "{name}" CASCADE')
            self.statement(f"""DO $$ BEGIN IF to_regclass('mailbot_jobs.procrastinate_jobs') IS NOT NULL THEN
                SET LOCAL search_path TO mailbot_jobs; DELETE FROM mailbot_jobs.procrastinate_jobs WHERE args->>'office' = '{name}'; END IF; END $$""")


@contextlib.contextmanager
def postgres(settings: tuple[str, ...] = _QUICK) -> Iterator[Postgres]:
    """Runs until the block ends. On a desk without the server the test is skipped by name."""
    programs = binaries()
    if programs is None:
        missing("PostgreSQL is not installed: apt-get install postgresql")
        raise AssertionError
    home = Path(tempfile.mkdtemp(prefix="mailbot-pg-"))
    server = Postgres(home, free_port(), programs, settings)
    try:
        if os.geteuid() == 0:
            shutil.chown(home, "postgres", "postgres")
        server.program("initdb", "-D", str(home / "data"), "-A", "trust", "-U", "postgres", "--locale=C.UTF-8", "-N")
        server.start()
        try:
            yield server
        finally:
            server.stop("immediate")
    finally:
        shutil.rmtree(home, ignore_errors=True)
