"""Real processes on PostgreSQL: `mailbot scheduler` and `mailbot worker` for two offices."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, text

from mailbot.config import ConfigError
from mailbot.grown.offices import open_offices
from mailbot.store import Store, leases
from tests.integration.test_drills import answered, lay
from tests.servers import free_port
from tests.servers.postgres import Postgres
from tests.worlds import MORNING, Clock

MAILBOT = [sys.executable, "-m", "mailbot.cli"]
OFFICES = ("kab_a", "kab_b")


def office_in(folder: Path, name: str, port: int = 0) -> Path:
    """Configuration and folders of one office."""
    home = folder / name
    for part in ("new", "cur", "tmp"):
        (home / "inbox" / part).mkdir(parents=True)
    (home / "sent").mkdir()
    path = folder / "offices" / f"{name}.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f'[office]\nname = "LPSE {name}"\nnumber_prefix = "{name[-1].upper()}"\n[[mailbox]]\npath = "{home}/inbox"\npoll_seconds = 1\n'
        f'[smtp]\npath = "{home}/sent"\n[storage]\npath = "{home}/data"\n[database]\noffice = "{name}"\n[metrics]\nport = {port}\n'
    )
    return path.parent


@pytest.fixture
def offices(tmp_path: Path, cluster: Postgres, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("MAILBOT_DATABASE_URL", cluster.url())
    port = free_port()
    (tmp_path / "port").write_text(str(port))
    for name in OFFICES:
        office_in(tmp_path, name, port)
    yield tmp_path
    for name in OFFICES:
        with cluster.schema(name):
            pass


class Running:
    """A process of the service, ended at the end of the block."""

    def __init__(self, *command: str, log: Path) -> None:
        self.handle = log.open("ab")
        self.process = subprocess.Popen([*MAILBOT, *command], stderr=self.handle, start_new_session=True)

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(30)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
            self.handle.close()


def until(so: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not so() and time.monotonic() < end:
        time.sleep(0.2)
    assert so()


def count(cluster: Postgres, query: str) -> int:
    engine = create_engine(cluster.url(), poolclass=NullPool)
    with engine.connect() as connection:
        return int(connection.scalar(text(query)) or 0)


def test_two_offices_are_served_by_two_workers_and_a_scheduler(offices: Path, cluster: Postgres) -> None:
    config = [
        "--config",
        str(offices / "offices"),
    ]
    for name in OFFICES:
        for number in (1, 2):
            lay(offices / name, number)
    log = offices / "log"
    with (
        Running("scheduler", *config, log=log),
        Running("worker", *config, log=log),
        Running("worker", *config, log=log),
    ):
        until(lambda: all(len(answered(offices / name)) >= 2 for name in OFFICES))
        read = "SELECT count(*) FROM {0}.job WHERE task = 'read' AND state <> 'done'"
        until(lambda: all(count(cluster, read.format(name)) == 0 for name in OFFICES))
        page = (
            urllib.request.urlopen(f"http://127.0.0.1:{(offices / 'port').read_text()}/metrics", timeout=10)
            .read()
            .decode()
        )

    for name in OFFICES:
        assert {r for r in answered(offices / name)} == {"<drill.1@contoh.example>", "<drill.2@contoh.example>"}
        assert count(cluster, f"SELECT count(*) FROM {name}.case_file WHERE number LIKE '{name[-1].upper()}-%'") == 2
        assert f'mailbot_up{{office="{name}"' in page
    assert count(cluster, "SELECT count(*) FROM mailbot_jobs.procrastinate_jobs") == 0
    assert 'mailbot_jobs{lane_state="ocr quarantine",office="kab_a"} 0.0' in page


def test_offices_never_share_a_schema_or_a_folder(offices: Path) -> None:
    twin = (offices / "offices" / "kab_a.toml").read_text()
    (offices / "offices" / "kab_c.toml").write_text(twin)
    with pytest.raises(ConfigError, match=r"database\.office kab_a belongs to"):
        open_offices(offices / "offices")
    (offices / "offices" / "kab_c.toml").write_text(twin.replace('office = "kab_a"', 'office = "kab_c"'))
    with pytest.raises(ConfigError, match=r"storage\.path"):
        open_offices(offices / "offices")
    (offices / "offices" / "kab_c.toml").write_text(twin.replace('office = "kab_a"', 'office = ""'))
    with pytest.raises(ConfigError, match="schema of its own"):
        open_offices(offices / "offices")


def test_an_office_sees_no_other_offices_rows(offices: Path) -> None:
    worlds = open_offices(offices / "offices")
    a, b = (worlds[name].store for name in OFFICES)
    assert a.engine.pool is b.engine.pool
    with a.transaction() as tx:
        tx.execute(text("INSERT INTO counter VALUES ('rahasia', 1)"))
    with b.reading() as tx:
        assert tx.scalar(text("SELECT count(*) FROM counter WHERE name = 'rahasia'")) == 0


def test_a_lease_goes_to_another_host_only_when_its_time_is_over(database: str) -> None:
    store, clock = Store(database), Clock(MORNING)
    with store.transaction() as tx:
        assert leases.take(tx, "mailbox utama", "a:1", clock(), 90)
        assert leases.take(tx, "mailbox utama", "a:1", clock(), 90)
        assert not leases.take(tx, "mailbox utama", "b:2", clock(), 90)
        clock.pass_(seconds=91)
        assert leases.renew(tx, "a:1", clock(), 90) == 0
        assert leases.take(tx, "mailbox utama", "b:2", clock(), 90)
        assert not leases.take(tx, "mailbox utama", "a:1", clock(), 90)
        leases.release(tx, "b:2")
        assert leases.take(tx, "mailbox utama", "a:1", clock(), 90)
