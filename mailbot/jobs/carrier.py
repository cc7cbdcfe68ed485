"""Procrastinate's workers: one per lane, since `concurrency` is per worker. They come back whenever PostgreSQL does."""

from __future__ import annotations

import asyncio
import datetime as dt
import threading
from collections.abc import Callable
from typing import Any

import procrastinate
import psycopg
import structlog
from procrastinate import jobs, manager
from sqlalchemy.engine import make_url

from mailbot.store.engine import QUEUE_SCHEMA

log = structlog.get_logger()
HEARTBEAT = 10.0  # seconds
POLL = 5.0  # seconds between looks where no notice was heard
GRACE = 60.0  # seconds that a running job gets when the worker is to stop

Work = Callable[[str, int], None]  # office (its schema), id of the row in its table `job`


class Patient(psycopg.AsyncConnection[Any]):
    """Waits for the socket alone. psycopg wakes ten times a second to hear Ctrl-C, which a thread never does; a cancelled task ends all the same."""

    async def wait(self, gen: Any, interval: float = 60.0, timeout: float | None = None) -> Any:
        return await super().wait(gen, interval, timeout)


class Settled(manager.JobManager):
    """Only the worker that still holds a job may end it: one that was frozen and wakes late finds it gone, and changes nothing."""

    async def finish_job(self, job: jobs.Job, status: jobs.Status, delete_job: bool) -> None:
        query = "DELETE FROM procrastinate_jobs WHERE id = %(id)s AND worker_id = %(worker)s AND status = 'doing'"
        await self.connector.execute_query_async(query, id=job.id, worker=job.worker_id)

    async def retry_job(
        self,
        job: jobs.Job,
        retry_at: dt.datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        query = (
            "UPDATE procrastinate_jobs SET status = 'todo', attempts = attempts + 1, scheduled_at = %(at)s, worker_id = NULL "
            "WHERE id = %(id)s AND worker_id = %(worker)s AND status = 'doing'"
        )
        await self.connector.execute_query_async(query, id=job.id, worker=job.worker_id, at=retry_at)


def run(url: str, lanes: tuple[str, ...], work: Work, stop: threading.Event) -> None:
    """Works off `lanes` until `stop` is set. `work` must settle the job itself; what it raises is tried again after 5 s."""
    asyncio.run(_run(url, lanes, work, stop))


async def _run(url: str, lanes: tuple[str, ...], work: Work, stop: threading.Event) -> None:
    workers = [asyncio.create_task(_lane(url, lane, work, stop)) for lane in lanes]
    while not stop.is_set():
        await asyncio.sleep(0.5)
    for worker in workers:
        worker.cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def _lane(url: str, lane: str, work: Work, stop: threading.Event) -> None:
    """Procrastinate's worker returns or raises when PostgreSQL restarts: begin anew, as another worker."""
    while not stop.is_set():
        app = _app(url, work)
        try:
            async with app.open_async():
                await app.run_worker_async(
                    queues=[lane], name=f"mailbot-{lane}", concurrency=1, install_signal_handlers=False, delete_jobs="always",
                    fetch_job_polling_interval=POLL, abort_job_polling_interval=3600.0, update_heartbeat_interval=HEARTBEAT, shutdown_graceful_timeout=GRACE,
                )  # fmt: skip
        except Exception as error:
            log.warning("worker lost the database; begins anew", lane=lane, error=repr(error)[:200])
        await asyncio.sleep(1)


def _app(url: str, work: Work) -> procrastinate.App:
    connector = procrastinate.PsycopgConnector(
        conninfo=conninfo(url), min_size=1, max_size=3, timeout=10.0, connection_class=Patient
    )
    app = procrastinate.App(connector=connector)
    app.job_manager = Settled(connector)

    @app.task(name="work", queue="ocr", retry=procrastinate.RetryStrategy(wait=5))
    def one(office: str, job: int) -> None:
        work(office, job)

    return app


def conninfo(url: str) -> str:
    """For psycopg: the same database, in the schema that holds the queue."""
    found = make_url(url)
    schema = QUEUE_SCHEMA if found.query.get("office") else "public"
    plain = found.difference_update_query(["office"]).set(drivername="postgresql")
    options = {"options": f"-csearch_path={schema}", "keepalives_idle": "20", "tcp_user_timeout": "60000"}
    return plain.update_query_dict(options).render_as_string(hide_password=False)
