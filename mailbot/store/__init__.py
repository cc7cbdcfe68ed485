"""The database. One `Store` per process; queries are functions of the modules beside this one and take the transaction.

mails: messages and their locations · cases: case files, their persons and events · outbox: outgoing mail · steps: the clock
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event

from mailbot.store import schema

BUSY_SECONDS = 60


class Stale(Exception):
    """Somebody else changed the case in the meantime; nothing was stored. The text is for the person who tried."""


def iso(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")


def open_engine(url: str) -> Engine:
    """SQLite as DESIGN.md 6 asks for it: WAL, synchronous=FULL, BEGIN IMMEDIATE, foreign keys on."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True, pool_size=10)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


class Store:
    def __init__(self, database: Path | str) -> None:
        """`database`: a SQLite file, or a SQLAlchemy URL. The schema is brought up to date."""
        url = database if isinstance(database, str) else f"sqlite:///{database}"
        self.engine = open_engine(url)
        schema.upgrade(self.engine)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Write lock from the start; committed when the block ends, rolled back when it raises."""
        with self.engine.begin() as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view without the write lock; for pages and lists."""
        with self.engine.connect().execution_options(reading=True) as tx:
            yield tx
