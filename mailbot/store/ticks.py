"""Work that only one process does per time slot: whoever inserts the row does it."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, select

from mailbot.store import iso
from mailbot.store.tables import tick


def claim(tx: Connection, name: str, slot: str, now: dt.datetime) -> bool:
    """True for the first who asks for this slot."""
    if tx.scalar(select(tick.c.name).where(tick.c.name == name, tick.c.slot == slot)) is not None:
        return False
    tx.execute(tick.insert().values(name=name, slot=slot, at=iso(now)))
    return True
