"""The year-end campaign of PPK accounts: one row per account, decided and executed by persons (A-15)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, select, update

from mailbot.store import iso
from mailbot.store import tables as t


def start(tx: Connection, year: int, planned_on: str, actor: str, now: dt.datetime) -> Row[Any]:
    """The campaign of this year; a later planned day replaces the earlier one as long as nobody was told."""
    found = of_year(tx, year)
    if found is None:
        values = {
            "year": year,
            "planned_on": planned_on,
            "state": "disusun",
            "created_by": actor,
            "created_at": iso(now),
        }
        tx.execute(t.campaign.insert().values(**values))
    elif found.state == "disusun":
        tx.execute(update(t.campaign).where(t.campaign.c.id == found.id).values(planned_on=planned_on))
    return tx.execute(select(t.campaign).where(t.campaign.c.year == year)).one()


def of_year(tx: Connection, year: int) -> Row[Any] | None:
    return tx.execute(select(t.campaign).where(t.campaign.c.year == year)).first()


def set_state(tx: Connection, campaign_id: int, state: str) -> None:
    tx.execute(update(t.campaign).where(t.campaign.c.id == campaign_id).values(state=state))


def gather(tx: Connection, campaign_id: int, roles: Iterable[str]) -> int:
    """Adds the active accounts of these roles that are not in the campaign yet; how many."""
    known = select(t.campaign_item.c.access_id).where(t.campaign_item.c.campaign_id == campaign_id)
    query = select(t.access_right.c.id).where(
        t.access_right.c.peran.in_(list(roles)), t.access_right.c.status == "aktif", t.access_right.c.id.not_in(known)
    )
    ids = list(tx.scalars(query.order_by(t.access_right.c.id)))
    for access_id in ids:
        tx.execute(t.campaign_item.insert().values(campaign_id=campaign_id, access_id=access_id))
    return len(ids)


def items(tx: Connection, campaign_id: int) -> list[Row[Any]]:
    """The accounts of a campaign with their rows of the register."""
    right = t.access_right.c
    columns = (
        right.user_id,
        right.nama,
        right.nip,
        right.peran,
        right.instansi,
        right.email,
        right.status,
        right.valid_until,
        right.basis,
    )
    query = select(t.campaign_item, *columns).join(t.access_right, right.id == t.campaign_item.c.access_id)
    return list(tx.execute(query.where(t.campaign_item.c.campaign_id == campaign_id).order_by(t.campaign_item.c.id)))


def notified(tx: Connection, item_id: int, now: dt.datetime) -> bool:
    return _once(tx, item_id, t.campaign_item.c.notified_at.is_(None), notified_at=iso(now))


def decided(tx: Connection, item_id: int, decision: str, reason: str, actor: str, now: dt.datetime) -> bool:
    """A decision may be changed until it was executed."""
    open_ = t.campaign_item.c.executed_at.is_(None)
    return _once(tx, item_id, open_, decision=decision, reason=reason, decided_by=actor, decided_at=iso(now))


def executed(tx: Connection, item_id: int, actor: str, now: dt.datetime) -> bool:
    open_ = t.campaign_item.c.executed_at.is_(None) & (t.campaign_item.c.decision == "nonaktif")
    return _once(tx, item_id, open_, executed_by=actor, executed_at=iso(now))


def _once(tx: Connection, item_id: int, where: Any, **values: str) -> bool:
    """Whoever's update finds the row as expected has done it."""
    return (
        tx.execute(update(t.campaign_item).where(t.campaign_item.c.id == item_id, where).values(**values)).rowcount == 1
    )
