"""Jobs in the business transaction. Attempts are counted before they begin; the fourth failure sets a job aside.

The table `job` is the truth on both engines. SQLite: the lanes of the one process take what is due (`claim`). PostgreSQL:
Procrastinate carries a notice of each job to the workers of all hosts (`carrier`), and `begin` takes the job that was brought.
`attempts` is the fence: a worker that was frozen and wakes late holds an old number, and nothing that it did is stored.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, bindparam, select, text, update

from mailbot.store import Store, iso
from mailbot.store.tables import job

LANES = {"deliver": "mail", "read": "ocr"}
MAX_FAILURES = 4
MAX_BEGUN = 20  # so often may the process die under a job (power cuts too) before the job is taken for the cause
PAUSES = (5, 60, 300)  # seconds before the second, third and last attempt
STALLED = 30.0  # seconds without a heartbeat after which a worker counts as dead
FORGOTTEN = dt.timedelta(minutes=15)  # a job may run so long without a notice in the queue
BACKLOG = 10_000  # how far an office falls back behind the others

# An office's place in the queue is its own backlog: 10,000 mails of one office do not stand before the first of another.
NOTICE = text("""
    SELECT procrastinate_defer_jobs_v1(ARRAY[ROW(
        :lane, 'work',
        -(SELECT count(*) FROM (SELECT 1 FROM job WHERE state = 'waiting' AND lane = :lane LIMIT :most) AS waiting)::integer,
        NULL, NULL, jsonb_build_object('office', current_schema(), 'job', CAST(:job AS integer)),
        now() + make_interval(secs => :pause))::procrastinate_job_to_defer_v1])
""")
UNNOTICED = text("""
    SELECT j.id, j.lane FROM job j
    WHERE ((j.state = 'waiting' AND j.due_at < :now) OR (j.state = 'running' AND j.due_at < :forgotten))
      AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs p WHERE p.status IN ('todo', 'doing')
                      AND p.args->>'office' = current_schema() AND (p.args->>'job')::integer = j.id)
    ORDER BY j.id
""")
DEAD = text("""
    SELECT procrastinate_retry_job_v2(dead.id, now(), NULL, NULL, NULL) FROM (
        SELECT j.id FROM procrastinate_jobs j LEFT JOIN procrastinate_workers w ON w.id = j.worker_id
        WHERE j.status = 'doing' AND (w.id IS NULL OR w.last_heartbeat < now() - make_interval(secs => :stalled))
        FOR UPDATE OF j SKIP LOCKED) AS dead
""")


_DUE = (
    select(job.c.id)
    .where(job.c.lane == bindparam("due_lane"), job.c.state == "waiting", job.c.due_at <= bindparam("now"))
    .order_by(job.c.due_at, job.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_ENQUEUED = job.insert().returning(job.c.id)


class Lost(Exception):
    """The job went to another worker in the meantime; what this one did must not be stored."""


@dataclass(frozen=True, slots=True)
class Job:
    id: int
    task: str
    subject_id: int
    attempts: int


def enqueue(tx: Connection, task: str, subject_id: int, now: dt.datetime) -> None:
    """Due at once; committed or rolled back together with the caller's rows."""
    values = {
        "lane": LANES[task], "task": task, "subject_id": subject_id, "state": "waiting", "attempts": 0,
        "due_at": iso(now), "error": "",
    }  # fmt: skip
    _notify(tx, int(tx.execute(_ENQUEUED, values).scalar_one()), LANES[task])
    tx.info["news"] = True  # the lanes of this process need not look all the time


def _notify(tx: Connection, job_id: int, lane: str, pause: float = 0) -> None:
    if tx.dialect.name == "postgresql":
        tx.execute(NOTICE, {"lane": lane, "job": job_id, "pause": pause, "most": BACKLOG})


# ------------------------------------------------------------------ taking


def claim(store: Store, lane: str, now: dt.datetime) -> Job | None:
    """Local lanes: the next due job of a lane."""
    with store.transaction() as tx:
        job_id = tx.scalar(_DUE, {"due_lane": lane, "now": iso(now)})
        return None if job_id is None else _begun(tx, job_id, now)


def begin(store: Store, job_id: int, now: dt.datetime) -> Job | None:
    """Procrastinate: the job that was brought, taken from whoever had it before; None where it is settled."""
    with store.transaction() as tx:
        return _begun(tx, job_id, now)


def _begun(tx: Connection, job_id: int, now: dt.datetime) -> Job | None:
    """While a job runs, `due_at` is when it began."""
    open_ = (job.c.id == job_id, job.c.state.in_(("waiting", "running")))
    values = {"state": "running", "attempts": job.c.attempts + 1, "due_at": iso(now)}
    row = tx.execute(
        update(job).where(*open_).values(**values).returning(job.c.task, job.c.subject_id, job.c.attempts)
    ).first()
    return Job(job_id, row.task, row.subject_id, row.attempts) if row else None


# ------------------------------------------------------------------ ending


def done(tx: Connection, found: Job) -> None:
    """In the transaction that stores the job's result; raises Lost where the job is no longer this worker's."""
    if tx.execute(update(job).where(*_held(found)).values(state="done")).rowcount != 1:
        raise Lost(f"job {found.id} was taken over")


def failed(tx: Connection, found: Job, error: str, now: dt.datetime) -> bool:
    """Waits and tries again; after the fourth failure the job is set aside: True. Deaths of the process do not count here."""
    failures = int(tx.scalar(select(job.c.failures).where(job.c.id == found.id)) or 0) + 1
    last = failures >= MAX_FAILURES or found.attempts > MAX_BEGUN
    pause = PAUSES[min(failures, len(PAUSES)) - 1]
    state = "quarantine" if last else "waiting"
    values = {
        "state": state,
        "error": error[:500],
        "due_at": iso(now + dt.timedelta(seconds=pause)),
        "failures": failures,
    }
    lane = tx.scalar(update(job).where(*_held(found)).values(**values).returning(job.c.lane))
    if lane is not None and not last:
        _notify(tx, found.id, lane, pause)
    return last and lane is not None


def _held(found: Job) -> tuple[ColumnElement[bool], ...]:
    return job.c.id == found.id, job.c.state == "running", job.c.attempts == found.attempts


# ------------------------------------------------------------------ after a kill


def recover(store: Store) -> int:
    """Local lanes: at start whatever was running is due again (DESIGN.md 6). Elsewhere other workers are at work: 0."""
    if store.shared:
        return 0
    with store.transaction() as tx:
        return tx.execute(update(job).where(job.c.state == "running").values(state="waiting")).rowcount


def sweep(store: Store) -> int:
    """Procrastinate: the jobs of dead and frozen workers, of every office, are due again; how many."""
    with store.transaction() as tx:
        return len(tx.execute(DEAD, {"stalled": STALLED}).all())


def renotify(store: Store, now: dt.datetime) -> int:
    """Procrastinate: open jobs of this office without a notice in the queue get one (after a move or a restore); how many."""
    with store.transaction() as tx:
        tx.execute(text("SELECT pg_advisory_xact_lock(hashtext(current_schema() || '/renotify'))"))
        values = {"now": iso(now - dt.timedelta(seconds=5)), "forgotten": iso(now - FORGOTTEN)}
        rows = tx.execute(UNNOTICED, values).all()
        for row in rows:
            _notify(tx, row.id, row.lane)
        return len(rows)


def retry(store: Store, now: dt.datetime) -> int:
    """Everything set aside is due again; how many."""
    with store.transaction() as tx:
        values = {"state": "waiting", "attempts": 0, "failures": 0, "due_at": iso(now)}
        released = update(job).where(job.c.state == "quarantine").values(**values).returning(job.c.id, job.c.lane)
        rows = tx.execute(released).all()
        for row in rows:
            _notify(tx, row.id, row.lane)
        return len(rows)


def busy(store: Store) -> bool:
    with store.reading() as tx:
        return tx.scalar(select(job.c.id).where(job.c.state.in_(("waiting", "running"))).limit(1)) is not None
