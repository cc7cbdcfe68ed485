"""Several offices in one installation: one configuration file, one schema and one data folder each (decision 0006)."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from mailbot import config
from mailbot.work import World, open_world

Offices = dict[str, World]  # schema of the office ("public" where the database holds one office) -> its world


def files(path: Path | None) -> tuple[Path | None, ...]:
    """One configuration file, or every *.toml of a folder."""
    if path is None or not path.is_dir():
        return (path,)
    found = tuple(sorted(path.glob("*.toml")))
    if not found:
        raise config.ConfigError(f"{path}: no *.toml of an office")
    return found


def open_offices(path: Path | None) -> Offices:
    """Raises ConfigError where two offices would share a schema or a folder, or where the database is SQLite."""
    settings = {file: config.load(file) for file in files(path)}
    _apart(settings)
    return {
        _schema(world): world for world in (open_world(s, lambda: dt.datetime.now(dt.UTC)) for s in settings.values())
    }


def _apart(settings: dict[Path | None, config.Settings]) -> None:
    seen: dict[str, Path | None] = {}
    for file, one in settings.items():
        if not config.database_url(one, Path()).startswith("postgresql"):
            raise config.ConfigError(
                f"{file or 'defaults'}: {one.database.url_env} names no PostgreSQL; on SQLite use: mailbot run"
            )
        if len(settings) > 1 and not one.database.office:
            raise config.ConfigError(f"{file}: database.office: each of several offices needs a schema of its own")
        for what in (f"database.office {one.database.office}", f"storage.path {Path(one.storage.path).resolve()}"):
            if what in seen:
                raise config.ConfigError(f"{file}: {what} belongs to {seen[what]} already")
            seen[what] = file


def _schema(world: World) -> str:
    return world.store.office or "public"
