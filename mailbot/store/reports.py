"""Counts and lists over all cases: for the digest, the exports and the supervisor."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, func, or_, select

from mailbot.store import tables as t


def per_state(tx: Connection) -> dict[str, int]:
    query = select(t.case_file.c.state, func.count()).group_by(t.case_file.c.state).order_by(t.case_file.c.state)
    return {state: int(count) for state, count in tx.execute(query)}


def running_late(tx: Connection) -> int:
    return _count(tx, t.step.c.late == 1, t.step.c.ended_at.is_(None))


def unexplained(tx: Connection) -> int:
    """Late steps without the reason that the executor owes (R-26)."""
    return _count(tx, t.step.c.late == 1, t.step.c.reason == "")


def _count(tx: Connection, *where: Any) -> int:
    return int(tx.scalar(select(func.count()).select_from(t.step).where(*where)) or 0)


def unprinted(tx: Connection, states: Iterable[str]) -> int:
    """Open cases that came as mail or ticket and were not printed yet (R-09)."""
    where = (t.case_file.c.printed_at.is_(None), t.case_file.c.channel != "langsung", t.case_file.c.state.in_(list(states)))
    return int(tx.scalar(select(func.count()).select_from(t.case_file).where(*where)) or 0)


def undelivered(tx: Connection) -> int:
    """Mails of ours that need a person: failed, or nobody knows."""
    where = t.outgoing.c.state.in_(("failed", "ambiguous"))
    return int(tx.scalar(select(func.count()).select_from(t.outgoing).where(where)) or 0)


def case_rows(tx: Connection, since: str = "", until: str = "9999") -> list[Row[Any]]:
    """Cases by the time they came, oldest first."""
    where = (t.case_file.c.created_at >= since, t.case_file.c.created_at < until)
    return list(tx.execute(select(t.case_file).where(*where).order_by(t.case_file.c.id)))


def touched(tx: Connection, since: str, until: str) -> list[Row[Any]]:
    """Every event between two moments, with the case's number: who did what to which case."""
    query = select(t.event, t.case_file.c.number).outerjoin(t.case_file, t.case_file.c.id == t.event.c.case_id)
    return list(tx.execute(query.where(t.event.c.at >= since, t.event.c.at < until).order_by(t.event.c.id)))


def messages_between(tx: Connection, since: str, until: str) -> list[Row[Any]]:
    where = or_(t.message.c.stored_at.between(since, until), t.message.c.received_at.between(since, until))
    return list(tx.execute(select(t.message).where(where).order_by(t.message.c.id)))
