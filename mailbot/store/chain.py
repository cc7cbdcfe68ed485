"""Events that cannot be changed unseen: each carries the hash of its forerunner in the chain (T22).

A case has its own chain, so that cases never wait for each other; chain 0 holds what belongs to no case. The case row's
`version` counts its events, so a cut tail shows as well.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, text

from mailbot.store import tables as t

OFFICE = 0  # the chain of logins, opened files, users, campaigns
_TURN = text(
    "INSERT INTO counter (name, value) VALUES ('chain', 1) ON CONFLICT (name) DO UPDATE SET value = counter.value + 1"
)
_LAST = (
    select(t.event.c.seq, t.event.c.hash)
    .where(t.event.c.chain == bindparam("chain"))
    .order_by(t.event.c.seq.desc())
    .limit(1)
)
_APPENDED = t.event.insert()


def append(tx: Connection, chain: int, at: dt.datetime, actor: str, action: str, *, old: str = "", new: str = "",
           reason: str = "", data: dict[str, Any] | None = None, first: bool = False) -> None:  # fmt: skip
    """`first`: the chain is new in this transaction, so nothing need be looked up."""
    if chain == OFFICE:
        # a case's chain is guarded by its row; this one by a row of its own, so that two hosts take turns
        tx.execute(_TURN)
    last = None if first else tx.execute(_LAST, {"chain": chain}).first()
    values = {
        "chain": chain, "seq": (last.seq if last else 0) + 1, "case_id": chain or None,
        "at": at.astimezone(dt.UTC).isoformat(timespec="microseconds"), "actor": actor, "action": action,
        "old": old, "new": new, "reason": reason, "data": json.dumps(data or {}, ensure_ascii=False, sort_keys=True),
        "previous": last.hash if last else "",
    }  # fmt: skip
    tx.execute(_APPENDED, {**values, "hash": digest(values)})


def digest(values: dict[str, Any]) -> str:
    kept = [values[k] for k in ("chain", "seq", "at", "actor", "action", "old", "new", "reason", "data", "previous")]
    return hashlib.sha256(json.dumps(kept, ensure_ascii=False).encode()).hexdigest()


def events(tx: Connection, chain: int) -> list[Row[Any]]:
    return list(tx.execute(select(t.event).where(t.event.c.chain == chain).order_by(t.event.c.seq)))


def faults(rows: list[Row[Any]]) -> Iterator[str]:
    """What is wrong with one chain: an edited, removed or added event, in words."""
    previous = ""
    for number, row in enumerate(rows, 1):
        values = dict(row._mapping)
        if row.seq != number:
            yield f"rantai {row.chain}: kejadian nomor {number} hilang"
            return
        if row.previous != previous or digest(values) != row.hash:
            yield f"rantai {row.chain}: kejadian nomor {number} berubah"
        previous = row.hash
