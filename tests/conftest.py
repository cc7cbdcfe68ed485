"""Fixtures of all tests: the database on both engines."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import worlds
from tests.servers.postgres import Postgres, postgres

_numbers = itertools.count(1)
_began: set[str] = set()
_passed: set[str] = set()


def named_tests() -> set[str]:
    """Those that docs/sop.md names as the proof of a requirement."""
    table = (Path(__file__).parents[1] / "docs" / "sop.md").read_text("utf-8")
    return set(re.findall(r"tests/[\w/]+\.py::\w+", table))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    name = report.nodeid.split("[")[0]
    _began.add(name)
    if report.when == "call" and report.passed:
        _passed.add(name)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A run of the whole suite in which a test that docs/sop.md names did not pass (skipped, say) is a failed run."""
    named = named_tests()
    if not hasattr(session.config, "workerinput") and named <= _began and named - _passed:
        print(f"\ndocs/sop.md names tests that did not pass: {sorted(named - _passed)}")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest begin first, so that no core is idle at the end."""
    items.sort(key=lambda item: not item.get_closest_marker("long"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    """One throw-away PostgreSQL for the whole run."""
    with postgres() as server:
        yield server


@pytest.fixture(scope="session", autouse=True)
def engine(request: pytest.FixtureRequest) -> None:
    """MAILBOT_TEST_ENGINE=postgresql: the tests that name no engine run on PostgreSQL too."""
    if os.environ.get("MAILBOT_TEST_ENGINE") == "postgresql":
        server: Postgres = request.getfixturevalue("cluster")
        schemas: dict[Path, int] = {}  # a world that is opened again finds its own
        worlds.fresh = lambda folder: server.url(f"uji_{schemas.setdefault(folder, next(_numbers))}")


@pytest.fixture(scope="module", autouse=True)
def own_queue(request: pytest.FixtureRequest, engine: None) -> None:
    """The offices of one database share a queue: workers of these tests find none of the jobs that earlier ones left."""
    if os.environ.get("MAILBOT_TEST_ENGINE") == "postgresql":
        server: Postgres = request.getfixturevalue("cluster")
        server.statement("""DO $$ BEGIN IF to_regclass('mailbot_jobs.procrastinate_jobs') IS NOT NULL THEN
            SET LOCAL search_path TO mailbot_jobs; DELETE FROM procrastinate_jobs; END IF; END $$""")


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database: a test that takes it runs on both engines."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'm.db'}"
        return
    yield request.getfixturevalue("postgres_url")


@pytest.fixture
def postgres_url(cluster: Postgres) -> Iterator[str]:
    """For what only several hosts have: an empty schema on PostgreSQL."""
    with cluster.schema(f"uji_{next(_numbers)}") as url:
        yield url
