"""The two database engines: SQLite for one process on one host, PostgreSQL for any number of them.

On PostgreSQL several offices may share one database: each has a schema of its own (`?office=NAME` in the URL), and all share one
pool of connections. A transaction names its office before its first statement and sees no other office's tables.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url

BUSY_SECONDS = 60
CACHE_KB = 8000  # of each SQLite connection; a search among a million cases reads 4 MB of its index
QUEUE_SCHEMA = "mailbot_jobs"  # where several offices share one queue; a single office keeps it beside its tables
NAME = re.compile(r"[a-z][a-z0-9_]{0,50}")
POOL = 10


def open_engine(url: str) -> Engine:
    found = make_url(url)
    if found.get_backend_name() == "sqlite":
        return _sqlite(url)
    office = str(found.query.get("office", ""))
    if office and not NAME.fullmatch(office):
        raise ValueError(f"office={office}: a schema is named with a-z, 0-9 and _ and begins with a letter")
    engine = _postgresql(found.difference_update_query(["office"]).render_as_string(hide_password=False))
    return engine.execution_options(office=office)


def office_of(engine: Engine) -> str:
    """The schema of the office; empty where the database holds one office only."""
    return str(engine.get_execution_options().get("office", ""))


def _sqlite(url: str) -> Engine:
    """As DESIGN.md 6 asks for it: WAL, synchronous=FULL, BEGIN IMMEDIATE, foreign keys on."""
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            f"cache_size=-{CACHE_KB}",
            f"busy_timeout={BUSY_SECONDS * 1000}",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reading = connection.get_execution_options().get("reading")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


@lru_cache(maxsize=8)
def _postgresql(url: str) -> Engine:
    """One pool per database and process, whatever the number of offices. READ COMMITTED; readers see one moment."""
    # a dead line is noticed within a minute, so that no transaction of a lost host keeps its locks for hours
    timeouts = "-c lock_timeout=60s -c idle_in_transaction_session_timeout=10min -c tcp_keepalives_idle=20 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
    arguments: dict[str, Any] = {
        "connect_timeout": 10, "keepalives_idle": 20, "keepalives_interval": 10, "keepalives_count": 3, "tcp_user_timeout": 60_000,
        "options": timeouts, "application_name": "mailbot",
    }  # fmt: skip
    engine = create_engine(url, pool_pre_ping=True, pool_size=POOL, max_overflow=POOL, connect_args=arguments)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        _without_nul(connection)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        statements = []
        if options.get("reading"):
            statements.append("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        if options.get("office"):
            statements.append(f'SET LOCAL search_path TO "{options["office"]}", "{QUEUE_SCHEMA}"')
        if statements:
            connection.exec_driver_sql("; ".join(statements))

    return engine


def _without_nul(connection: Any) -> None:
    """PostgreSQL refuses a NUL in text, SQLite keeps it; a mail may carry one anywhere."""
    from psycopg.types.string import StrDumper

    class Clean(StrDumper):
        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd"))

    connection.adapters.register_dumper(str, Clean)
