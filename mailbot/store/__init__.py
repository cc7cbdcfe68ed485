"""The database. One `Store` per process; queries are functions of the modules beside this one and take the transaction.

engine: the two databases · mails: messages and their locations · cases: case files, their persons and events · outbox: outgoing mail · steps: the clock
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection as Connection

from mailbot.store import schema, search
from mailbot.store.engine import office_of, open_engine


class Stale(Exception):
    """Somebody else changed the case in the meantime; nothing was stored. The text is for the person who tried."""


def iso(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")


class Store:
    def __init__(self, database: Path | str) -> None:
        """`database`: a SQLite file, or a SQLAlchemy URL (PostgreSQL: with `?office=NAME` in a schema of its own). The schema is brought up to date."""
        url = database if isinstance(database, str) else f"sqlite:///{database}"
        self.url, self.engine = url, open_engine(url)
        self.office = office_of(self.engine)
        self.news = threading.Condition()  # rung when a job of this process was committed
        self.shared = self.engine.dialect.name == "postgresql"  # other processes work on it too
        schema.upgrade(self.engine)
        search.prepare(self.engine)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Committed when the block ends, rolled back when it raises. SQLite: write lock from the start; PostgreSQL: READ COMMITTED."""
        with self.engine.begin() as tx:
            yield tx
            news = tx.info.pop("news", False)
        if news:
            with self.news:
                self.news.notify_all()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A consistent view without the write lock; for pages and lists."""
        with self.engine.connect().execution_options(reading=True) as tx:
            yield tx
