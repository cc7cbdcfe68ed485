"""The register of access rights with its history; never a password (R-25, A-14)."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Row, select, update

from mailbot.store import iso, register_words
from mailbot.store import tables as t


@dataclass(frozen=True, slots=True)
class AccessRight:
    """One role of one person at one office. Dates are ISO days; `status`: aktif | nonaktif."""

    user_id: str
    nama: str
    nip: str
    peran: str
    instansi: str
    email: str = ""
    telepon: str = ""
    status: str = "aktif"
    active_since: str | None = None
    valid_until: str | None = None
    basis: str = ""
    case_number: str = ""
    ended_at: str | None = None
    ended_reason: str = ""
    executor: str = ""


def record(tx: Connection, right: AccessRight, actor: str, what: str, now: dt.datetime) -> int:
    """Adds or replaces the row of (NIP, role, instansi) and keeps what it became in the history."""
    key = (
        t.access_right.c.nip == right.nip,
        t.access_right.c.peran == right.peran,
        t.access_right.c.instansi == right.instansi,
    )
    found = tx.scalar(select(t.access_right.c.id).where(*key))
    if found is None:
        found = tx.execute(t.access_right.insert().values(**asdict(right)).returning(t.access_right.c.id)).scalar_one()
    else:
        tx.execute(update(t.access_right).where(t.access_right.c.id == found).values(**asdict(right)))
    register_words.put(tx, int(found), right.status, right.nama, (right.user_id, right.instansi, right.nip))
    kept = json.dumps(asdict(right), ensure_ascii=False)
    tx.execute(t.access_history.insert().values(access_id=found, at=iso(now), actor=actor, what=what, row=kept))
    return int(found)


def of_nip(tx: Connection, nip: str) -> list[Row[Any]]:
    """Active rights first."""
    query = (
        select(t.access_right).where(t.access_right.c.nip == nip).order_by(t.access_right.c.status, t.access_right.c.id)
    )
    return list(tx.execute(query))


def history(tx: Connection, access_id: int) -> list[Row[Any]]:
    query = select(t.access_history).where(t.access_history.c.access_id == access_id).order_by(t.access_history.c.id)
    return list(tx.execute(query))


def ending(tx: Connection, first: str, last: str) -> list[Row[Any]]:
    """Active rights that end between two ISO days, both included; the next to end first."""
    where = (
        t.access_right.c.status == "aktif",
        t.access_right.c.valid_until >= first,
        t.access_right.c.valid_until <= last,
    )
    return list(
        tx.execute(select(t.access_right).where(*where).order_by(t.access_right.c.valid_until, t.access_right.c.id))
    )


def everything(tx: Connection) -> list[Row[Any]]:
    return list(tx.execute(select(t.access_right).order_by(t.access_right.c.nama, t.access_right.c.id)))


def page(tx: Connection, status: str, typed: str, until: str, offset: int, limit: int) -> list[Row[Any]]:
    """By name; `typed`: words of name, user ID, office or NIP, the last may be the beginning of one; `until`: only those that end up to this ISO day."""
    right = t.access_right.c
    query = select(t.access_right).order_by(right.nama, right.id)
    ends = (right.valid_until <= until,) if until else ()
    if typed:
        ids = register_words.found(tx, status, typed, until, offset, limit)
        return list(tx.execute(query.where(right.id.in_(ids))))
    return list(tx.execute(query.where(right.status == status, *ends).offset(offset).limit(limit)))


def get(tx: Connection, access_id: int) -> Row[Any]:
    return tx.execute(select(t.access_right).where(t.access_right.c.id == access_id)).one()


def same(tx: Connection, right: AccessRight) -> Row[Any] | None:
    """What the register holds under the same NIP, role and office."""
    key = (
        t.access_right.c.nip == right.nip,
        t.access_right.c.peran == right.peran,
        t.access_right.c.instansi == right.instansi,
    )
    return tx.execute(select(t.access_right).where(*key)).first()
