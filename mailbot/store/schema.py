"""The schema and its versions: a new database is made at once, an older one is upgraded by Alembic."""

from __future__ import annotations

from importlib.resources import files

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, inspect

from mailbot.store.tables import metadata


def scripts() -> Config:
    config = Config()
    config.set_main_option("script_location", str(files("mailbot.store") / "migrations"))
    return config


def head() -> str:
    return str(ScriptDirectory.from_config(scripts()).get_current_head())


def current(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine) -> None:
    """Brings the database to the newest version; cheap when it is there already."""
    found = current(engine)
    if found == head():
        return
    with engine.begin() as connection:
        config = scripts()
        config.attributes["connection"] = connection
        if found is None and not inspect(connection).get_table_names():
            metadata.create_all(connection)
            command.stamp(config, "head")
        else:
            command.upgrade(config, "head")


def downgrade(engine: Engine, revision: str) -> None:
    """Back to an older version, for a rollback of the program."""
    with engine.begin() as connection:
        config = scripts()
        config.attributes["connection"] = connection
        command.downgrade(config, revision)
