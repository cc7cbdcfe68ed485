"""The clock of each step (DOMAIN.md 1.4): one row per run of a timer; a late one is a deviation from mutu baku (R-26)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Connection, Row, select, update

from mailbot.store import iso
from mailbot.store import tables as t

_STARTED = t.step.insert()


def start(tx: Connection, case_id: int, name: str, number: int, now: dt.datetime, due_at: dt.datetime) -> None:
    values = {"case_id": case_id, "name": name, "round": number, "started_at": iso(now), "due_at": iso(due_at)}
    tx.execute(_STARTED, values)


def end(tx: Connection, case_id: int, name: str, now: dt.datetime, actor: str) -> None:
    """Ends the running timer; it is late when its time was over."""
    running = (t.step.c.case_id == case_id, t.step.c.name == name, t.step.c.ended_at.is_(None))
    tx.execute(update(t.step).where(*running, t.step.c.due_at < iso(now)).values(late=1))
    tx.execute(update(t.step).where(*running).values(ended_at=iso(now), ended_by=actor))


def mark_late(tx: Connection, now: dt.datetime) -> list[Row[Any]]:
    """Running timers whose time is over since the last look, marked as late."""
    where = (t.step.c.ended_at.is_(None), t.step.c.due_at < iso(now), t.step.c.late == 0)
    rows = list(tx.execute(select(t.step).where(*where)))
    if rows:
        tx.execute(update(t.step).where(t.step.c.id.in_([r.id for r in rows])).values(late=1))
    return rows


def unmeasured(tx: Connection) -> list[Row[Any]]:
    """Ended runs whose service minutes were not counted yet."""
    where = (t.step.c.ended_at.is_not(None), t.step.c.minutes.is_(None))
    return list(tx.execute(select(t.step).where(*where)))


def set_minutes(tx: Connection, step_id: int, minutes: int) -> None:
    tx.execute(update(t.step).where(t.step.c.id == step_id).values(minutes=minutes))


def of_case(tx: Connection, case_id: int) -> list[Row[Any]]:
    return list(tx.execute(select(t.step).where(t.step.c.case_id == case_id).order_by(t.step.c.id)))


def reached(tx: Connection, ids: list[int], name: str) -> list[int]:
    """Those of the cases in which this timer ever ran, in the given order."""
    found = set(tx.scalars(select(t.step.c.case_id).where(t.step.c.case_id.in_(ids), t.step.c.name == name)))
    return [i for i in ids if i in found]


def deviations(tx: Connection, since: str = "", until: str = "9999") -> list[Row[Any]]:
    """Late steps with the case's number, newest first."""
    query = select(t.step, t.case_file.c.number, t.case_file.c.state).join(
        t.case_file, t.case_file.c.id == t.step.c.case_id
    )
    query = query.where(t.step.c.late == 1, t.step.c.started_at >= since, t.step.c.started_at < until)
    return list(tx.execute(query.order_by(t.step.c.id.desc())))


def explain(tx: Connection, case_id: int, step_id: int, reason: str, actor: str) -> bool:
    """The executor gives the reason (R-26); not after it was accepted."""
    where = (t.step.c.id == step_id, t.step.c.case_id == case_id, t.step.c.late == 1, t.step.c.accepted_at.is_(None))
    return tx.execute(update(t.step).where(*where).values(reason=reason, reason_by=actor)).rowcount == 1


def accept(tx: Connection, case_id: int, step_id: int, actor: str, now: dt.datetime) -> bool:
    """A supervisor accepts a given reason."""
    where = (t.step.c.id == step_id, t.step.c.case_id == case_id, t.step.c.reason != "", t.step.c.accepted_at.is_(None))
    return tx.execute(update(t.step).where(*where).values(accepted_by=actor, accepted_at=iso(now))).rowcount == 1
