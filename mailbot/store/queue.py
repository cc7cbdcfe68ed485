"""Lists of cases as people work through them: the most urgent first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, select

from mailbot.store import tables as t

PAGE = 40
MANY = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A case as a list shows it. Times are ISO text; `reason`: codes or words."""

    id: int
    number: str
    state: str
    round: int
    subject: str
    requester: str
    requester_name: str
    channel: str
    ticket: str
    instansi: str
    letter_number: str
    persons: str
    reason: str
    step: str
    due_at: str | None
    created_at: str
    changed_at: str
    printed_at: str | None


@dataclass(frozen=True, slots=True)
class Filter:
    """Narrows a list. `late_at`: only cases whose time was over then (ISO); `reason`: a part of the reason codes."""

    channel: str = ""
    reason: str = ""
    late_at: str = ""
    unprinted: bool = False


COLUMNS = [t.case_file.c[name] for name in Line.__dataclass_fields__]


def lines(
    tx: Connection, states: Iterable[str], only: Filter = Filter(), offset: int = 0, limit: int = PAGE
) -> list[Line]:
    """Running clocks first, the one that ends earliest on top; cases without a clock newest first."""
    query = _narrowed(select(*COLUMNS), states, only).order_by(*_urgency()).offset(offset).limit(limit)
    return [line(r) for r in tx.execute(query)]


def after(tx: Connection, states: Iterable[str], skip: int) -> str | None:
    """The number of the most urgent case other than `skip`; None for a role whose work is in no state."""
    wanted = tuple(states)
    if not wanted:  # the databases would look for nothing in all cases
        return None
    query = _narrowed(select(t.case_file.c.number), wanted, Filter()).where(t.case_file.c.id != skip)
    found: str | None = tx.scalar(query.order_by(*_urgency()).limit(1))
    return found


def newest(
    tx: Connection, states: Iterable[str], only: Filter = Filter(), offset: int = 0, limit: int = PAGE
) -> list[Line]:
    """The newest of each state are taken from its index, so that a page costs the same after a million cases."""
    ids: list[int] = []
    for state in states:
        query = _narrowed(select(t.case_file.c.id), (state,), only).order_by(t.case_file.c.id.desc())
        ids += tx.scalars(query.limit(offset + limit))
    return of_ids(tx, sorted(ids, reverse=True)[offset : offset + limit])


def some(tx: Connection, states: Iterable[str]) -> dict[str, int]:
    """How many cases there are in each of these states; counted up to `MANY` only."""
    found = {}
    for state in states:
        # in the order of an index, or a planner that has not seen the tables for long looks through all cases
        first = select(t.case_file.c.due_at).where(t.case_file.c.state == state).order_by(t.case_file.c.due_at)
        counted = first.limit(MANY).subquery()
        found[state] = int(tx.scalar(select(func.count()).select_from(counted)) or 0)
    return found


def number(tx: Connection, states: Iterable[str], only: Filter) -> int:
    return int(tx.scalar(_narrowed(select(func.count()).select_from(t.case_file), states, only)) or 0)


def of_ids(tx: Connection, ids: Iterable[int]) -> list[Line]:
    """In the order of the ids."""
    wanted = list(ids)
    found = {r.id: line(r) for r in tx.execute(select(*COLUMNS).where(t.case_file.c.id.in_(wanted)))}
    return [found[i] for i in wanted if i in found]


def _narrowed(query: Select[Any], states: Iterable[str], only: Filter) -> Select[Any]:
    query = query.where(t.case_file.c.state.in_(list(states)))
    if only.channel:
        query = query.where(t.case_file.c.channel == only.channel)
    if only.reason:
        query = query.where(t.case_file.c.reason.contains(only.reason, autoescape=True))
    if only.late_at:
        query = query.where(t.case_file.c.due_at < only.late_at)
    if only.unprinted:
        query = query.where(t.case_file.c.printed_at.is_(None))
    return query


def _urgency() -> tuple[ColumnElement[Any], ...]:
    """Of equally urgent cases the one that came first; without a clock the newest first."""
    due = t.case_file.c.due_at
    return due.is_(None), due, case((due.is_(None), -t.case_file.c.id), else_=t.case_file.c.id)


def line(r: Row[Any]) -> Line:
    return Line(**{name: r._mapping[name] for name in Line.__dataclass_fields__})
