"""Things that one process at a time may do, as long as it shows that it lives."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, text, update

from mailbot.store import iso
from mailbot.store.tables import lease


def take(tx: Connection, name: str, owner: str, now: dt.datetime, seconds: float) -> bool:
    """True for the owner, for the first who asks, and for who comes after the owner's time was over."""
    values = {"owner": owner, "until": iso(now + dt.timedelta(seconds=seconds))}
    first = text("INSERT INTO lease (name, owner, until) VALUES (:name, :owner, :until) ON CONFLICT (name) DO NOTHING")
    if tx.execute(first, {"name": name, **values}).rowcount == 1:
        return True
    free = (lease.c.name == name) & ((lease.c.owner == owner) | (lease.c.until < iso(now)))
    return tx.execute(update(lease).where(free).values(**values)).rowcount == 1


def renew(tx: Connection, owner: str, now: dt.datetime, seconds: float) -> int:
    """What the owner still holds, for as long again; how many. A lease that ran out is not taken back here."""
    until = iso(now + dt.timedelta(seconds=seconds))
    return tx.execute(
        update(lease).where(lease.c.owner == owner, lease.c.until >= iso(now)).values(until=until)
    ).rowcount


def release(tx: Connection, owner: str) -> None:
    tx.execute(lease.delete().where(lease.c.owner == owner))
