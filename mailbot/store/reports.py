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
    where = (
        t.case_file.c.printed_at.is_(None),
        t.case_file.c.channel != "langsung",
        t.case_file.c.state.in_(list(states)),
    )
    return int(tx.scalar(select(func.count()).select_from(t.case_file).where(*where)) or 0)


def undelivered(tx: Connection) -> int:
    """Mails of ours that need a person: failed, or nobody knows."""
    where = t.outgoing.c.state.in_(("failed", "ambiguous"))
    return int(tx.scalar(select(func.count()).select_from(t.outgoing).where(where)) or 0)


def case_rows(tx: Connection, since: str = "", until: str = "9999") -> list[Row[Any]]:
    """Cases by the time they came, oldest first."""
    where = (t.case_file.c.created_at >= since, t.case_file.c.created_at < until)
    return list(tx.execute(select(t.case_file).where(*where).order_by(t.case_file.c.id)))


def events_of(tx: Connection, action: str) -> list[Row[Any]]:
    """All events of one kind with their case's number, oldest first."""
    query = select(t.event, t.case_file.c.number).join(t.case_file, t.case_file.c.id == t.event.c.case_id)
    return list(tx.execute(query.where(t.event.c.action == action).order_by(t.event.c.id)))


def counter(tx: Connection, name: str) -> int:
    return int(tx.scalar(select(t.counter.c.value).where(t.counter.c.name == name)) or 0)


def numbered(tx: Connection) -> list[tuple[str, int, int]]:
    """(PREFIX-YEAR-, numbers given, cases there): a case that was removed shows."""
    given = tx.execute(select(t.counter.c.name, t.counter.c.value).where(t.counter.c.name.like("%-____-"))).all()
    count = select(func.count()).select_from(t.case_file)
    return [
        (name, value, int(tx.scalar(count.where(t.case_file.c.number.like(f"{name}%"))) or 0)) for name, value in given
    ]


def messages_between(tx: Connection, since: str, until: str) -> list[Row[Any]]:
    where = or_(t.message.c.stored_at.between(since, until), t.message.c.received_at.between(since, until))
    return list(tx.execute(select(t.message).where(where).order_by(t.message.c.id)))


def open_cases_of(tx: Connection, nip: str) -> list[str]:
    """Numbers of the cases in work that ask for something for this person."""
    closed = ("bukan_permohonan", "di_luar_sop", "duplikat", "ditolak", "ditarik_pemohon", "diarsipkan")
    query = select(t.case_file.c.number).join(t.case_person, t.case_person.c.case_id == t.case_file.c.id)
    return list(
        tx.scalars(
            query.where(t.case_person.c.nip == nip, t.case_file.c.state.not_in(closed)).order_by(t.case_file.c.id)
        )
    )


def office_events(tx: Connection, action: str) -> list[Row[Any]]:
    query = select(t.event).where(t.event.c.case_id.is_(None), t.event.c.action == action)
    return list(tx.execute(query.order_by(t.event.c.id)))
