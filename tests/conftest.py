"""Fixtures of all tests: the database on both engines."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.postgres import Postgres, postgres

_numbers = itertools.count(1)


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
