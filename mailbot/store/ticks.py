"""Slots of the clock: the host that inserts the row does the work."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, delete, text

from mailbot.store import iso
from mailbot.store import tables as t


def claim(tx: Connection, name: str, slot: str, now: dt.datetime) -> bool:
    query = text("INSERT INTO tick (name, slot, at) VALUES (:name, :slot, :at) ON CONFLICT (name, slot) DO NOTHING")
    return tx.execute(query, {"name": name, "slot": slot, "at": iso(now)}).rowcount == 1


def forget(tx: Connection, before: dt.datetime) -> None:
    tx.execute(delete(t.tick).where(t.tick.c.at < iso(before)))


def forget_clock(tx: Connection, before: dt.datetime) -> None:
    """Slots that are counted from the epoch (0000...): there are thousands of them a day."""
    tx.execute(delete(t.tick).where(t.tick.c.slot.like("0000%"), t.tick.c.at < iso(before)))
