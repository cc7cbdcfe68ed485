"""Jobs in the business transaction, worked off by local lanes. Attempts are counted before they begin."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from mailbot.store import Store, iso
from mailbot.store.tables import job

LANES = {"deliver": "mail", "read": "ocr"}
MAX_ATTEMPTS = 3
PAUSES = (5, 60, 300)  # seconds before the second, third and last attempt


@dataclass(frozen=True, slots=True)
class Job:
    id: int
    task: str
    subject_id: int
    attempts: int


def enqueue(tx: Connection, task: str, subject_id: int, now: dt.datetime) -> None:
    """Due at once; committed or rolled back together with the caller's rows."""
    tx.execute(job.insert().values(
        lane=LANES[task], task=task, subject_id=subject_id, state="waiting", attempts=0, due_at=iso(now), error=""
    ))  # fmt: skip


def claim(store: Store, lane: str, now: dt.datetime) -> Job | None:
    with store.transaction() as tx:
        due = (job.c.lane == lane) & (job.c.state == "waiting") & (job.c.due_at <= iso(now))
        row = tx.execute(select(job).where(due).order_by(job.c.due_at, job.c.id).limit(1).with_for_update(skip_locked=True)).first()
        if row is None:
            return None
        tx.execute(update(job).where(job.c.id == row.id).values(state="running", attempts=row.attempts + 1))
        return Job(row.id, row.task, row.subject_id, row.attempts + 1)


def done(tx: Connection, found: Job) -> None:
    tx.execute(update(job).where(job.c.id == found.id).values(state="done"))


def failed(tx: Connection, found: Job, error: str, now: dt.datetime) -> bool:
    """Waits and tries again; after the fourth failure the job is set aside: True."""
    last = found.attempts > MAX_ATTEMPTS
    pause = PAUSES[min(found.attempts, len(PAUSES)) - 1]
    state = "quarantine" if last else "waiting"
    values = {"state": state, "error": error[:500], "due_at": iso(now + dt.timedelta(seconds=pause))}
    tx.execute(update(job).where(job.c.id == found.id).values(**values))
    return last


def recover(store: Store) -> int:
    """At start whatever was running is due again (DESIGN.md 6)."""
    with store.transaction() as tx:
        return tx.execute(update(job).where(job.c.state == "running").values(state="waiting")).rowcount


def retry(store: Store, now: dt.datetime) -> int:
    """Everything set aside is due again; how many."""
    with store.transaction() as tx:
        values = {"state": "waiting", "attempts": 0, "due_at": iso(now)}
        return tx.execute(update(job).where(job.c.state == "quarantine").values(**values)).rowcount


def busy(store: Store) -> bool:
    with store.reading() as tx:
        return tx.scalar(select(job.c.id).where(job.c.state.in_(("waiting", "running"))).limit(1)) is not None
