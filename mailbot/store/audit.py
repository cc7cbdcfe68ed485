"""Who did and who saw what; the events of all chains in one list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Row, select

from mailbot.store import tables as t


def events(tx: Connection, *, actor: str = "", action: str = "", number: str = "", since: str = "", until: str = "",
           offset: int = 0, limit: int = 60) -> list[Row[Any]]:  # fmt: skip
    """Newest first, with the case's number; `since` and `until` are ISO times.

    By time, which the indexes hold together with actor and action: by id alone a rare actor would be sought among all events.
    """
    query = select(t.event, t.case_file.c.number).outerjoin(t.case_file, t.case_file.c.id == t.event.c.case_id)
    wanted = ((t.event.c.actor, actor), (t.event.c.action, action), (t.case_file.c.number, number))
    query = query.where(*(column == value for column, value in wanted if value))
    if since:
        query = query.where(t.event.c.at >= since)
    if until:
        query = query.where(t.event.c.at < until)
    return list(tx.execute(query.order_by(t.event.c.at.desc(), t.event.c.id.desc()).offset(offset).limit(limit)))


def all_between(tx: Connection, since: str, until: str) -> Iterator[Row[Any]]:
    """Oldest first, for the report after a breach (DOMAIN.md 4.5)."""
    query = select(t.event, t.case_file.c.number).outerjoin(t.case_file, t.case_file.c.id == t.event.c.case_id)
    yield from tx.execute(query.where(t.event.c.at >= since, t.event.c.at < until).order_by(t.event.c.id))
