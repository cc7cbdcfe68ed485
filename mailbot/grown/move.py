"""SQLite -> PostgreSQL: every row copied in the order of its keys, then every row compared. A move that was cut off goes on."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Table, and_, func, or_, select, text, tuple_, update

from mailbot import jobs
from mailbot.store import Store, search
from mailbot.store.tables import metadata

BATCH = 500
MARK = "mailbot move"  # the counter that says: this target is being filled from that source
FREE = ("tick", "lease", "app_session")  # of the running installation, not of its memory


class Refused(RuntimeError):
    """The target holds something that did not come from this source."""


@dataclass(frozen=True, slots=True)
class Moved:
    table: str
    rows: int
    digest: str  # of all rows, the same on both sides


def tables() -> list[Table]:
    """Parents before children."""
    return [t for t in metadata.sorted_tables if t.name not in FREE]


def move(source: Store, target: Store) -> Iterator[Moved]:
    """Each table when it has been copied and found equal; raises Refused before the first row, or where a row differs.

    The service must stand still. Called again after it was cut off, it goes on where it was.
    """
    if source.engine.dialect.name != "sqlite" or target.engine.dialect.name != "postgresql":
        raise Refused("the move goes from SQLite to PostgreSQL")
    _begin(source, target)
    with source.reading() as old:
        for table in tables():
            _copy(old, target, table)
        found = [_compared(old, target, table) for table in tables()]
    yield from found
    _end(target)


def _begin(source: Store, target: Store) -> None:
    mark = f"{MARK} {source.url}"
    with target.transaction() as tx:
        counter = metadata.tables["counter"]
        if tx.scalar(select(counter.c.value).where(counter.c.name == mark)) is not None:
            return
        filled = [t.name for t in tables() if tx.scalar(select(func.count()).select_from(t))]
        if filled:
            raise Refused(f"the target is not empty: {', '.join(filled)}")
        tx.execute(counter.insert().values(name=mark, value=0))


def _end(target: Store) -> None:
    with target.transaction() as tx:
        for table in tables():
            _continue_numbers(tx, table)
        tx.execute(text("DELETE FROM counter WHERE name LIKE :mark"), {"mark": f"{MARK}%"})
        tx.execute(text("UPDATE job SET state = 'waiting' WHERE state = 'running'"))
        search.rebuild(tx)
    jobs.renotify(target, dt.datetime.now(dt.UTC))


def _continue_numbers(tx: Connection, table: Table) -> None:
    if "id" in table.c:
        highest = tx.scalar(select(func.max(table.c.id))) or 0
        sequence = f"pg_get_serial_sequence('{table.name}', 'id')"
        tx.execute(text(f"SELECT setval({sequence}, :next, false)"), {"next": int(highest) + 1})


# ------------------------------------------------------------------ rows


def _copy(old: Connection, target: Store, table: Table) -> None:
    """What the target does not have yet. References within a table are set when all its rows are there."""
    inner = [c.name for c in table.c if any(f.column.table is table for f in c.foreign_keys)]
    for batch in _batches(old, table):
        with target.transaction() as tx:
            there = select(*_keys(table)).where(tuple_(*_keys(table)).in_([_key(table, r) for r in batch]))
            known = {tuple(r) for r in tx.execute(there)}
            new = [dict(r._mapping) | dict.fromkeys(inner) for r in batch if _key(table, r) not in known]
            if new:
                tx.execute(table.insert(), new)
    for name in inner:
        with target.transaction() as tx:
            for row in old.execute(select(table.c.id, table.c[name]).where(table.c[name].is_not(None))):
                tx.execute(update(table).where(table.c.id == row.id).values({name: row[1]}))


def _keys(table: Table) -> list[Any]:
    return list(table.primary_key.columns)


def _key(table: Table, row: Row[Any]) -> tuple[Any, ...]:
    return tuple(row._mapping[k.name] for k in _keys(table))


def _batches(tx: Connection, table: Table, after: tuple[Any, ...] | None = None) -> Iterator[list[Row[Any]]]:
    while True:
        query = select(table).order_by(*_keys(table)).limit(BATCH)
        rows = list(tx.execute(query.where(_beyond(table, after)) if after else query))
        if not rows:
            return
        yield rows
        after = _key(table, rows[-1])


def _beyond(table: Table, after: tuple[Any, ...]) -> Any:
    """Rows after a key; spelled out, since row values compare differently with mixed types. The first part is what an index can use."""
    keys = _keys(table)
    beyond = (
        and_(*(k == v for k, v in zip(keys[:n], after, strict=False)), keys[n] > after[n]) for n in range(len(keys))
    )
    return and_(keys[0] >= after[0], or_(*beyond))


def _compared(old: Connection, target: Store, table: Table) -> Moved:
    with target.reading() as tx:
        before, after = _digest(old, table), _digest(tx, table)
    if before != after:
        raise Refused(f"table {table.name}: {before[0]} rows in the source, {after[0]} in the target, or some differ")
    return Moved(table.name, *before)


def _digest(tx: Connection, table: Table) -> tuple[int, str]:
    """Count and a sum over the rows that does not depend on their order."""
    count, total = 0, 0
    for batch in _batches(tx, table):
        for row in batch:
            if table.name == "counter" and str(row.name).startswith(MARK):
                continue
            count += 1
            total ^= int.from_bytes(hashlib.sha256(repr(_plain(row)).encode()).digest(), "big")
    return count, f"{total:064x}"


def _plain(row: Row[Any]) -> tuple[Any, ...]:
    """As both engines give it back: bytes as bytes, NUL as PostgreSQL keeps it."""
    return tuple(
        bytes(v) if isinstance(v, memoryview) else v.replace("\0", "\ufffd") if isinstance(v, str) else v for v in row
    )
