"""Fixtures of all tests: the database on both engines."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.postgres import Postgres, postgres

_numbers = itertools.count(1)
passed: set[str] = set()  # names of tests that passed in this run, for the table of docs/sop.md


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        passed.add(report.nodeid.split("[")[0])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What looks back at the run comes last."""
    items.sort(key=lambda item: item.name == "test_every_named_test_passed")


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    """One throw-away PostgreSQL for the whole run."""
    with postgres() as server:
        yield server


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
