"""Backup, restore and checks. The order makes a backup whole: a blob is on disk before its row, so the database is copied first."""

from __future__ import annotations

import hashlib
import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, select, text
from sqlalchemy.engine import make_url

from mailbot.store import Store, chain, schema
from mailbot.store import tables as t
from mailbot.work import World, blob_path

SQLITE, POSTGRESQL = "mailbot.db", "mailbot.dump"
SECRET = "secret"  # the key of our Message-IDs and marks: without it a restored service does not know its own mail


class NotKept(RuntimeError):
    """The backup or the restore did not end well; the words say what to do."""


# ------------------------------------------------------------------ backup


def backup(world: World, into: Path) -> int:
    """While the service runs. A folder used before takes only what is new of the blobs; how many bytes it holds then."""
    into.mkdir(parents=True, exist_ok=True)
    os.chmod(into, 0o700)
    if world.store.shared:
        _program("pg_dump", world.store, into / POSTGRESQL)
    else:
        _copy_sqlite(Path(make_url(world.store.url).database or ""), into / SQLITE)
    if (world.root / SECRET).exists():
        shutil.copy2(world.root / SECRET, into / SECRET)
    _copy_blobs(world.blobs, into / "blobs")
    return sum(p.stat().st_size for p in into.rglob("*") if p.is_file())


def _copy_sqlite(source: Path, target: Path) -> None:
    """SQLite's online backup: a consistent copy beside running writers."""
    unfinished = target.with_suffix(".unfinished")
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(unfinished)) as new:
        old.backup(new)
        new.execute("PRAGMA journal_mode=DELETE")
    os.replace(unfinished, target)


def _program(name: str, store: Store, file: Path) -> None:
    """pg_dump or pg_restore of one office; the password stays out of the list of processes."""
    url = make_url(store.url).difference_update_query(["office"]).set(drivername="postgresql")
    environment = {**os.environ, "PGPASSWORD": url.password or os.environ.get("PGPASSWORD", "")}
    plain = url.set(password=None).render_as_string(hide_password=False)
    schema_name = store.office or "public"
    if name == "pg_dump":
        unfinished = file.with_suffix(".unfinished")
        command = [name, "-Fc", "-n", schema_name, "-T", "*.procrastinate_*", "-f", str(unfinished), plain]
    else:
        unfinished = file
        command = [name, "--no-owner", "--exit-on-error", "--single-transaction", "-d", plain, str(file)]
    try:
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise NotKept(f"{name} is not installed: apt-get install postgresql-client") from error
    except subprocess.CalledProcessError as error:
        raise NotKept(f"{name}: {error.stderr.strip()[:500]}") from error
    os.replace(unfinished, file)


def _copy_blobs(source: Path, target: Path) -> None:
    """Blobs never change, so what is there is not copied again."""
    for blob in source.glob("[0-9a-f][0-9a-f]/*"):
        copy = target / blob.parent.name / blob.name
        if not copy.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            unfinished = copy.parent / f".incoming-{blob.name}"
            shutil.copy2(blob, unfinished)
            os.replace(unfinished, copy)


# ------------------------------------------------------------------ restore


def restore(source: Path, root: Path, url: str) -> None:
    """Into an empty data folder and, on PostgreSQL, an empty database. Raises NotKept before anything is overwritten."""
    if (root / SQLITE).exists() or any(root.glob("blobs/*/*")):
        raise NotKept(f"{root} holds data; restore into an empty folder")
    root.mkdir(parents=True, exist_ok=True)
    if url.startswith("sqlite"):
        if not (source / SQLITE).exists():
            raise NotKept(f"{source} holds no backup of SQLite")
        shutil.copy2(source / SQLITE, root / SQLITE)
    else:
        _restore_postgresql(source / POSTGRESQL, url)
    if (source / SECRET).exists():
        shutil.copy2(source / SECRET, root / SECRET)
    _copy_blobs(source / "blobs", root / "blobs")


def _restore_postgresql(file: Path, url: str) -> None:
    """The dump makes the schema and its tables; the queue is made anew, and its notices follow from the table of jobs."""
    if not file.exists():
        raise NotKept(f"{file.parent} holds no backup of PostgreSQL")
    store = Store(url)
    with store.transaction() as tx:
        if tx.scalar(select(t.message.c.id).limit(1)) is not None:
            raise NotKept("the database holds mail; restore into an empty one")
        office = store.office or "public"
        tx.execute(text(f'DROP SCHEMA "{office}" CASCADE'))
        if not store.office:  # a dump of `public` does not make that schema itself
            tx.execute(text("CREATE SCHEMA public"))
    _program("pg_restore", store, file)
    Store(url)


# ------------------------------------------------------------------ checks


def troubles(world: World, deep: bool = False) -> Iterator[str]:
    """What is wrong with the data; nothing where all is well. `deep`: every blob is read and its SHA-256 compared."""
    if schema.current(world.store.engine) != schema.head():
        yield f"schema: version {schema.current(world.store.engine)}, the program wants {schema.head()}"
    with world.store.reading() as tx:
        yield from _engine_troubles(tx)
        yield from _chain_troubles(tx)
        yield from _blob_troubles(world, tx, deep)


def _engine_troubles(tx: Connection) -> Iterator[str]:
    if tx.dialect.name == "sqlite":
        for row in tx.execute(text("PRAGMA integrity_check")):
            if row[0] != "ok":
                yield f"SQLite: {row[0]}"
        for row in tx.execute(text("PRAGMA foreign_key_check")):
            yield f"SQLite: {row[0]} row {row[1]} refers to nothing in {row[2]}"
    elif not tx.scalar(text("SELECT '2026-01-02' < '2026-01-02T00' AND 'a-b' < 'aa'")):
        yield "PostgreSQL: the database sorts by a language; create it with LC_COLLATE 'C'"


def _chain_troubles(tx: Connection) -> Iterator[str]:
    for number in tx.scalars(select(t.event.c.chain).distinct().order_by(t.event.c.chain)).all():
        yield from chain.faults(chain.events(tx, number))


def _blob_troubles(world: World, tx: Connection, deep: bool) -> Iterator[str]:
    for row in tx.execute(select(t.message.c.id, t.message.c.content)):
        path = blob_path(world.blobs, row.content)
        if not path.exists():
            yield f"mail {row.id}: its original {row.content[:12]} is not in {world.blobs}"
        elif deep and _sha256(path) != row.content:
            yield f"mail {row.id}: its original {row.content[:12]} was changed"


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
