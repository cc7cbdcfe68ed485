"""Figures for the supervisor: how long steps take, how much comes in, what the machine decided and people overruled."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, and_, exists, func, or_, select

from mailbot.store import iso
from mailbot.store import tables as t
from mailbot.store.mails import MAX_ATTEMPTS

# what the machine decided -> what a person did later that says it was wrong
OVERRULED = (("lengkap", "kirim_balik"), ("lengkap", "tinjau"), ("lengkap", "tolak"), ("kembalikan", "tinjau"), ("bukan_permohonan", "buka_kembali"),
             ("duplikat", "buka_kembali"), ("di_luar_sop", "buka_kembali"))  # fmt: skip
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


def step_spans(tx: Connection, since: dt.datetime, limit: int = 5000) -> list[tuple[str, str, str]]:
    """(step, start, end) of the newest ended steps, for the time that they usually take."""
    query = select(t.step.c.name, t.step.c.started_at, t.step.c.ended_at).where(t.step.c.ended_at.is_not(None))
    query = query.where(t.step.c.started_at >= iso(since)).order_by(t.step.c.id.desc()).limit(limit)
    return [(r[0], r[1], r[2]) for r in tx.execute(query)]


def arrivals(tx: Connection, since: dt.datetime) -> dict[str, int]:
    """ISO day (UTC) -> cases that came."""
    day = func.substr(t.case_file.c.created_at, 1, 10).label("day")
    query = select(day, func.count()).where(t.case_file.c.created_at >= iso(since)).group_by("day")
    return {r[0]: r[1] for r in tx.execute(query)}


def decisions(tx: Connection, since: dt.datetime) -> tuple[int, int]:
    """Decisions of step 3 since then: by the machine, by people."""
    query = select(func.count()).select_from(t.event)
    query = query.where(t.event.c.at >= iso(since), t.event.c.action.in_(DECISIONS), t.event.c.chain != 0)
    machine = int(tx.scalar(query.where(t.event.c.actor == "mesin")) or 0)
    return machine, int(tx.scalar(query) or 0) - machine


def overruled(tx: Connection, since: dt.datetime, limit: int = 50) -> list[Row[Any]]:
    """Decisions of the machine that a person took back later: number, what, when, by whom, why."""
    first, later = t.event.alias(), t.event.alias()
    pairs = or_(*(and_(first.c.action == a, later.c.action == b) for a, b in OVERRULED))
    between = t.event.alias()
    # a new round between the two is news from the requester, not an overruling
    new_round = exists().where(between.c.chain == first.c.chain, between.c.seq > first.c.seq, between.c.seq < later.c.seq, between.c.action == "lanjutkan")
    query = select(t.case_file.c.number, first.c.action, later.c.action.label("then"), later.c.at, later.c.actor, later.c.reason)
    query = query.join(later, and_(later.c.chain == first.c.chain, later.c.seq > first.c.seq)).join(t.case_file, t.case_file.c.id == first.c.chain)
    query = query.where(first.c.actor == "mesin", later.c.actor != "mesin", first.c.action.in_([a for a, _ in OVERRULED]), pairs, ~new_round)
    return list(tx.execute(query.where(later.c.at >= iso(since)).order_by(later.c.id.desc()).limit(limit)))


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
    return list(tx.execute(select(t.quarantine).where(t.quarantine.c.attempts >= MAX_ATTEMPTS).limit(100)))


def failed_jobs(tx: Connection) -> list[Row[Any]]:
    return list(tx.execute(select(t.job).where(t.job.c.state == "quarantine").limit(100)))


def stuck_mail(tx: Connection, before: dt.datetime) -> list[Row[Any]]:
    """Outgoing mail that failed, is in doubt, or has waited since `before`."""
    columns = [t.outgoing.c[n] for n in ("id", "kind", "recipient", "state", "created_at", "answer", "attempts")]
    waits = and_(t.outgoing.c.state.in_(("pending", "deferred", "sending")), t.outgoing.c.created_at < iso(before))
    query = select(*columns, t.case_file.c.number).outerjoin(t.case_file, t.case_file.c.id == t.outgoing.c.case_id)
    query = query.where(or_(t.outgoing.c.state.in_(("failed", "ambiguous")), waits, t.outgoing.c.bounced != ""))
    return list(tx.execute(query.order_by(t.outgoing.c.id.desc()).limit(100)))


def waiting_jobs(tx: Connection) -> int:
    return int(tx.scalar(select(func.count()).select_from(t.job).where(t.job.c.state == "waiting")) or 0)
