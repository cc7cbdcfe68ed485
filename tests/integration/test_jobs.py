"""The contract of jobs, kept alike by both drivers: local lanes on SQLite, Procrastinate on PostgreSQL."""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from mailbot import jobs
from mailbot.jobs import carrier
from mailbot.store import Store, iso, tables
from mailbot.work import World, lanes
from tests.servers.postgres import Postgres
from tests.worlds import Clock, world

Work = Callable[[World, jobs.Job], None]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier, "POLL", 0.3)


@pytest.fixture
def w(tmp_path: Path, clock: Clock, database: str) -> World:
    return world(tmp_path, clock, database)


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch) -> Callable[[Work], None]:
    """Puts a task of the test in the place of `deliver`."""
    return lambda work: monkeypatch.setitem(lanes.TASKS, "deliver", work)


def put(w: World, *subjects: int) -> None:
    with w.store.transaction() as tx:
        for subject in subjects:
            jobs.enqueue(tx, "deliver", subject, w.now())


def run(w: World, clock: Clock, until: Callable[[], bool], seconds: float = 20) -> None:
    """The driver's own loop over the lane `mail` until it is so."""
    end = time.monotonic() + seconds
    if not w.store.shared:
        while not until() and time.monotonic() < end:
            if not lanes.work(w, "mail"):
                clock.pass_(seconds=60)
    else:
        with carried(w):
            while not until() and time.monotonic() < end:
                time.sleep(0.05)
                due_now(w.store)
    assert until()


class carried:
    """A Procrastinate worker of the lane `mail` in a thread."""

    def __init__(self, w: World) -> None:
        self.stop = threading.Event()
        url = w.store.url
        self.thread = threading.Thread(
            target=carrier.run, args=(url, ("mail",), lambda _, job: lanes.work_on(w, job), self.stop)
        )

    def __enter__(self) -> carried:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self.thread.join(30)


def due_now(store: Store) -> None:
    """No test waits for the pause of a failed job."""
    with store.transaction() as tx:
        tx.execute(
            text("UPDATE procrastinate_jobs SET scheduled_at = now() WHERE status = 'todo' AND scheduled_at > now()")
        )


def rows(w: World) -> list[tuple[int, str, int]]:
    with w.store.reading() as tx:
        query = select(tables.job.c.subject_id, tables.job.c.state, tables.job.c.attempts)
        return [tuple(r) for r in tx.execute(query.order_by(tables.job.c.subject_id))]


def settled(w: World) -> Callable[[], bool]:
    return lambda: not jobs.busy(w.store)


def test_a_job_is_there_when_its_transaction_commits_and_never_otherwise(
    w: World, clock: Clock, task: Callable[[Work], None]
) -> None:
    seen: list[int] = []

    def note(w: World, job: jobs.Job) -> None:
        seen.append(job.subject_id)
        with w.store.transaction() as tx:
            jobs.done(tx, job)

    task(note)
    with pytest.raises(ZeroDivisionError), w.store.transaction() as tx:
        jobs.enqueue(tx, "deliver", 1, w.now())
        raise ZeroDivisionError
    put(w, 2, 3)
    run(w, clock, settled(w))

    assert seen == [2, 3]
    assert rows(w) == [(2, "done", 1), (3, "done", 1)]


def test_the_fourth_failure_sets_aside_and_retry_brings_it_back(
    w: World, clock: Clock, task: Callable[[Work], None]
) -> None:
    good = threading.Event()

    def fail(w: World, job: jobs.Job) -> None:
        if not good.is_set():
            raise RuntimeError("rusak")
        with w.store.transaction() as tx:
            jobs.done(tx, job)

    task(fail)
    put(w, 7)
    run(w, clock, settled(w), 40)
    assert rows(w) == [(7, "quarantine", 4)]

    good.set()
    assert jobs.retry(w.store, w.now()) == 1
    run(w, clock, settled(w))
    assert rows(w) == [(7, "done", 1)]


def test_a_failing_job_stores_nothing_and_does_not_stop_the_others(
    w: World, clock: Clock, task: Callable[[Work], None]
) -> None:
    def half(w: World, job: jobs.Job) -> None:
        with w.store.transaction() as tx:
            tx.execute(tables.counter.insert().values(name=f"n{job.subject_id}-{job.attempts}", value=1))
            if job.subject_id == 1:
                raise RuntimeError("rusak")
            jobs.done(tx, job)

    task(half)
    put(w, 1, 2)
    run(w, clock, settled(w), 40)

    assert rows(w) == [(1, "quarantine", 4), (2, "done", 1)]
    with w.store.reading() as tx:
        assert list(tx.scalars(select(tables.counter.c.name))) == ["n2-1"]


def test_a_job_that_kills_its_worker_each_time_is_set_aside(
    w: World, clock: Clock, task: Callable[[Work], None]
) -> None:
    task(lambda *_: pytest.fail("must not run again"))
    put(w, 1)
    with w.store.transaction() as tx:
        tx.execute(update(tables.job).values(attempts=jobs.MAX_BEGUN))
    run(w, clock, settled(w))

    assert rows(w) == [(1, "quarantine", jobs.MAX_BEGUN + 1)]


def test_deaths_of_the_process_are_not_failures_of_the_job(w: World) -> None:
    put(w, 1)
    with w.store.transaction() as tx:
        tx.execute(update(tables.job).values(attempts=9))
    (job_id,) = (r[0] for r in _ids(w))
    found = jobs.begin(w.store, job_id, w.now())
    assert found and found.attempts == 10
    with w.store.transaction() as tx:
        assert not jobs.failed(tx, found, "rusak", w.now())

    assert rows(w) == [(1, "waiting", 10)]
    with w.store.reading() as tx:
        assert list(tx.scalars(select(tables.job.c.due_at))) == [iso(w.now() + dt.timedelta(seconds=jobs.PAUSES[0]))]


def test_a_worker_that_wakes_late_stores_nothing(w: World) -> None:
    put(w, 1)
    (job_id,) = (r[0] for r in _ids(w))
    frozen = jobs.begin(w.store, job_id, w.now())
    other = jobs.begin(w.store, job_id, w.now())
    assert frozen and other
    with pytest.raises(jobs.Lost), w.store.transaction() as tx:
        tx.execute(tables.counter.insert().values(name="dua kali", value=1))
        jobs.done(tx, frozen)
    with w.store.transaction() as tx:
        assert not jobs.failed(tx, frozen, "terlambat", w.now())
        jobs.done(tx, other)

    assert rows(w) == [(1, "done", 2)]
    with w.store.reading() as tx:
        assert tx.scalar(select(tables.counter.c.name)) is None


def _ids(w: World) -> Iterator[tuple[int]]:
    with w.store.reading() as tx:
        yield from [tuple(r) for r in tx.execute(select(tables.job.c.id))]


# ------------------------------------------------------------------ PostgreSQL only


@pytest.fixture
def shared(tmp_path: Path, clock: Clock, postgres_url: str) -> World:
    return world(tmp_path, clock, postgres_url)


def queue(w: World) -> list[tuple[str, int]]:
    with w.store.transaction() as tx:
        query = (
            "SELECT status::text, priority FROM procrastinate_jobs WHERE args->>'office' = current_schema() ORDER BY id"
        )
        return [tuple(r) for r in tx.execute(text(query))]


def test_jobs_of_a_dead_worker_come_back(shared: World) -> None:
    put(shared, 1)
    with shared.store.transaction() as tx:
        tx.execute(text("SELECT procrastinate_fetch_job_v2('{mail}', procrastinate_register_worker_v1())"))
    assert jobs.sweep(shared.store) == 0
    with shared.store.transaction() as tx:
        tx.execute(text("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '10 minutes'"))
    assert jobs.sweep(shared.store) == 1
    assert [state for state, _ in queue(shared)] == ["todo"]


def test_an_open_job_without_a_notice_gets_one_and_only_one(shared: World, clock: Clock) -> None:
    put(shared, 1, 2)
    clock.pass_(minutes=1)
    assert jobs.renotify(shared.store, shared.now()) == 0
    with shared.store.transaction() as tx:
        tx.execute(text("DELETE FROM procrastinate_jobs WHERE args->>'office' = current_schema()"))
    assert jobs.renotify(shared.store, shared.now()) == 2
    assert jobs.renotify(shared.store, shared.now()) == 0


def test_the_backlog_of_one_office_does_not_stand_before_another(
    shared: World, cluster: Postgres, tmp_path: Path, clock: Clock
) -> None:
    with cluster.schema("kantor_lain") as url:
        other = world(tmp_path / "b", clock, url)
        put(shared, *range(1, 51))
        put(other, 1, 2)
        with shared.store.transaction() as tx:
            query = "SELECT args->>'office' FROM procrastinate_jobs WHERE status = 'todo' ORDER BY priority DESC, id"
            mine = ("kantor_lain", tx.scalar(text("SELECT current_schema()")))
            order = [office for office in tx.scalars(text(query)) if office in mine]

    assert len(order) == 52
    assert [i for i, office in enumerate(order) if office == "kantor_lain"][-1] < 5


def test_a_committed_job_rings_in_its_process_and_a_lost_one_does_not(w: World) -> None:
    rung = []

    def listen() -> None:
        with w.store.news:
            rung.append(w.store.news.wait(2))

    def after(work: Callable[[], None]) -> bool:
        thread = threading.Thread(target=listen)
        thread.start()
        time.sleep(0.2)
        work()
        thread.join()
        return rung.pop()

    def roll_back() -> None:
        with pytest.raises(ZeroDivisionError), w.store.transaction() as tx:
            jobs.enqueue(tx, "deliver", 8, w.now())
            raise ZeroDivisionError

    assert not after(roll_back)
    assert after(lambda: put(w, 9))
