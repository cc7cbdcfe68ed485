"""The schema and its versions: a new database is made at once, an older one is upgraded by Alembic.

An upgrade is one transaction on both engines: a migration that fails leaves the old schema. Hosts that start together take turns.
Alembic is imported by who changes a schema: a service whose database is in order does without its 9 MB.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from mailbot.store.engine import QUEUE_SCHEMA, office_of
from mailbot.store.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config

TURN = 0x6D61696C  # the advisory lock of schema changes


def scripts() -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(files("mailbot.store") / "migrations"))
    return config


def head(config: Config | None = None) -> str:
    """The version that this program wants. `config`: other migrations than its own, for drills."""
    if config is None:
        versions = files("mailbot.store") / "migrations" / "versions"
        return max(file.name[:4] for file in versions.iterdir() if file.name[:4].isdigit())
    from alembic.script import ScriptDirectory

    return str(ScriptDirectory.from_config(config).get_current_head())


def current(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return _found(connection)


def _found(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


def upgrade(engine: Engine, config: Config | None = None) -> None:
    """Brings the database to the newest version; cheap when it is there already."""
    _queue(engine)
    _own_schema(engine)
    newest = head(config)
    if current(engine) == newest:
        return
    from alembic import command

    config = config or scripts()
    with _turn(engine) as (connection, found):
        if found is None and not inspect(connection).has_table("case_file"):
            metadata.create_all(connection)
            command.stamp(_bound(config, connection), "head")
        elif found != newest:
            command.upgrade(_bound(config, connection), "head")


def downgrade(engine: Engine, revision: str, config: Config | None = None) -> None:
    """Back to an older version, for a rollback of the program."""
    from alembic import command

    with _turn(engine) as (connection, _):
        command.downgrade(_bound(config or scripts(), connection), revision)


@contextmanager
def _turn(engine: Engine) -> Iterator[tuple[Connection, str | None]]:
    """A transaction that no other host's schema change runs beside, and the version found in it."""
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": TURN})
        yield connection, _found(connection)


def _bound(config: Config, connection: Connection) -> Config:
    config.attributes["connection"] = connection
    return config


def _queue(engine: Engine) -> None:
    """Procrastinate's own tables, types and functions, made once per database."""
    if engine.dialect.name != "postgresql":
        return
    schema = QUEUE_SCHEMA if office_of(engine) else "public"
    there = text("SELECT 1 FROM pg_tables WHERE schemaname = :schema AND tablename = 'procrastinate_jobs'")
    with engine.execution_options(office="").begin() as connection:
        if connection.scalar(there, {"schema": schema}):
            return
        connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": TURN})
        if not connection.scalar(there, {"schema": schema}):
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'))
            connection.execute(text(f'SET LOCAL search_path TO "{schema}"'))
            script = (files("procrastinate") / "sql" / "schema.sql").read_text("utf-8")
            connection.connection.cursor().execute(script)


def _own_schema(engine: Engine) -> None:
    office = office_of(engine)
    if not office:
        return
    known = text("SELECT 1 FROM pg_namespace WHERE nspname = :office")
    with engine.begin() as connection:
        if connection.scalar(known, {"office": office}):
            return
        connection.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": TURN})
        # asked once more: IF NOT EXISTS alone believes what this session remembers, and another host was quicker
        if not connection.scalar(known, {"office": office}):
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{office}"'))
