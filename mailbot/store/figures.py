"""Figures for the supervisor: how long steps take, how much comes in, what the machine decided and people overruled."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from mailbot.store import iso
from mailbot.store import tables as t
from mailbot.store.mails import SET_ASIDE

# what the machine decided -> what a person did later that says it was wrong
OVERRULED = (("lengkap", "kirim_balik"), ("lengkap", "tinjau"), ("lengkap", "tolak"), ("kembalikan", "tinjau"), ("bukan_permohonan", "buka_kembali"),
             ("duplikat", "buka_kembali"), ("di_luar_sop", "buka_kembali"))  # fmt: skip
WAITING, TROUBLED = ("pending", "deferred", "sending"), ("failed", "ambiguous")  # states of outgoing mail
DECISIONS = ("lengkap", "kembalikan", "bukan_permohonan", "di_luar_sop", "duplikat")


@dataclass(frozen=True, slots=True)
class StepDay:
    name: str
    day: str  # ISO, UTC
    done: int
    late: int


def step_days(tx: Connection, since: dt.datetime) -> list[StepDay]:
    """Ended steps per day since then."""
    day = func.substr(t.step.c.started_at, 1, 10).label("day")
    query = select(t.step.c.name, day, func.count(), func.sum(t.step.c.late)).where(t.step.c.started_at >= iso(since))
    return [StepDay(*r) for r in tx.execute(query.group_by(t.step.c.name, "day"))]


def step_minutes(tx: Connection, since: dt.datetime, limit: int = 400) -> list[tuple[str, int]]:
    """(step, service minutes used) of the newest steps that were measured."""
    query = select(t.step.c.name, t.step.c.minutes).where(t.step.c.minutes.is_not(None))
    query = query.where(t.step.c.started_at >= iso(since)).order_by(t.step.c.id.desc()).limit(limit)
    return [(r[0], r[1]) for r in tx.execute(query)]


def arrivals(tx: Connection, since: dt.datetime) -> dict[str, int]:
    """ISO day (UTC) -> cases that came."""
    day = func.substr(t.case_file.c.created_at, 1, 10).label("day")
    query = select(day, func.count()).where(t.case_file.c.created_at >= iso(since)).group_by("day")
    return {r[0]: r[1] for r in tx.execute(query)}


def decisions(tx: Connection, since: dt.datetime) -> tuple[int, int]:
    """Decisions of step 3 since then: by the machine, by people."""
    query = select(t.event.c.actor, func.count()).group_by(t.event.c.actor)
    query = query.where(t.event.c.at >= iso(since), t.event.c.action.in_(DECISIONS), t.event.c.chain != 0)
    found = {actor: int(number) for actor, number in tx.execute(query)}
    return found.pop("mesin", 0), sum(found.values())


@dataclass(frozen=True, slots=True)
class Overruled:
    """A decision of the machine that a person took back."""

    number: str
    action: str
    then: str
    at: str
    actor: str
    reason: str


def overruled(tx: Connection, since: dt.datetime, limit: int = 50) -> list[Overruled]:
    """Newest first. A new round in between is news from the requester, not an overruling."""
    later = {b for _, b in OVERRULED}
    query = select(t.event.c.chain).where(  # neither DISTINCT nor ORDER BY: they lead SQLite away from the index
        t.event.c.at >= iso(since), t.event.c.action.in_(later), t.event.c.actor != "mesin", t.event.c.chain != 0
    )
    chains = sorted(set(tx.scalars(query)), reverse=True)[:1000]
    query = select(t.event, t.case_file.c.number).join(t.case_file, t.case_file.c.id == t.event.c.chain)
    found: list[Overruled] = []
    decided: dict[int, str] = {}  # case -> what the machine decided last
    for e in tx.execute(query.where(t.event.c.chain.in_(chains)).order_by(t.event.c.chain, t.event.c.seq)):
        if e.action == "lanjutkan":
            decided.pop(e.chain, None)
        elif e.actor == "mesin" and e.action in DECISIONS:
            decided[e.chain] = e.action
        elif (decided.get(e.chain), e.action) in OVERRULED:
            found.append(Overruled(e.number, decided.pop(e.chain), e.action, e.at, e.actor, e.reason))
    return sorted((o for o in found if o.at >= iso(since)), key=lambda o: o.at, reverse=True)[:limit]


# ------------------------------------------------------------------ deviations from mutu baku


def deviations(tx: Connection, since: dt.datetime, accepted: bool, name: str = "", limit: int = 60) -> list[Row[Any]]:
    """Late steps, newest first, with the number, state and version of their case. `name`: of one step only."""
    columns = (t.case_file.c.number, t.case_file.c.state, t.case_file.c.version)
    query = (
        select(t.step, *columns).join(t.case_file, t.case_file.c.id == t.step.c.case_id).where(*_late(since, accepted))
    )
    if name:
        query = query.where(t.step.c.name == name)
    return list(tx.execute(query.order_by(t.step.c.started_at.desc(), t.step.c.id.desc()).limit(limit)))


def open_deviations(tx: Connection, since: dt.datetime) -> int:
    return int(tx.scalar(select(func.count()).select_from(t.step).where(*_late(since, False))) or 0)


def _late(since: dt.datetime, accepted: bool) -> tuple[Any, ...]:
    told = t.step.c.accepted_at.is_not(None) if accepted else t.step.c.accepted_at.is_(None)
    return t.step.c.late == 1, told, t.step.c.started_at >= iso(since)


# ------------------------------------------------------------------ is everything running


@dataclass(frozen=True, slots=True)
class Alarm:
    """`tone`: good or bad."""

    what: str
    tone: str
    detail: str


def mailboxes(tx: Connection) -> list[Row[Any]]:
    return list(tx.execute(select(t.mailbox_state).order_by(t.mailbox_state.c.account)))


def quarantined_mail(tx: Connection) -> list[Row[Any]]:
    return list(tx.execute(select(t.quarantine).where(SET_ASIDE).limit(100)))


def failed_jobs(tx: Connection) -> list[Row[Any]]:
    # in the order of the index, or the planner looks for them among all jobs that ever were
    query = select(t.job).where(t.job.c.state == "quarantine").order_by(t.job.c.lane, t.job.c.due_at)
    return list(tx.execute(query.limit(100)))


def stuck_mail(tx: Connection, before: dt.datetime) -> list[Row[Any]]:
    """Outgoing mail that failed, is in doubt, or has waited since `before`."""
    columns = [t.outgoing.c[n] for n in ("id", "kind", "recipient", "state", "created_at", "answer", "attempts")]
    unsent = select(t.outgoing.c.id).where(t.outgoing.c.state.in_((*WAITING, *TROUBLED)))
    few = unsent.union(select(t.outgoing.c.id).where(t.outgoing.c.bounced != ""))  # by index; the OR below has none
    waits = and_(t.outgoing.c.state.in_(WAITING), t.outgoing.c.created_at < iso(before))
    query = select(*columns, t.case_file.c.number).outerjoin(t.case_file, t.case_file.c.id == t.outgoing.c.case_id)
    query = query.where(t.outgoing.c.id.in_(few))
    query = query.where(or_(t.outgoing.c.state.in_(TROUBLED), waits, t.outgoing.c.bounced != ""))
    return list(tx.execute(query.order_by(t.outgoing.c.id.desc()).limit(100)))


def waiting_jobs(tx: Connection) -> int:
    return int(tx.scalar(select(func.count()).select_from(t.job).where(t.job.c.state == "waiting")) or 0)
