"""A worker process: one Procrastinate worker per lane over the jobs of all its offices."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from mailbot import jobs
from mailbot.grown.offices import Offices
from mailbot.work import lanes

log = structlog.get_logger()
SWEEP_SECONDS = 10


class Unserved(RuntimeError):
    """The job of an office that this process does not serve; it is tried again, by another process."""


def serve(offices: Offices, names: tuple[str, ...], stop: threading.Event) -> None:
    """Works off the lanes `names` until `stop`."""
    store = next(iter(offices.values())).store
    sweeper = threading.Thread(
        target=every, args=(SWEEP_SECONDS, stop, lambda: jobs.sweep(store)), name="sweep", daemon=True
    )
    sweeper.start()

    def work(office: str, job: int) -> None:
        if office not in offices:
            raise Unserved(office)
        lanes.work_on(offices[office], job)

    from mailbot.jobs import carrier  # the extra `postgres`; nobody else needs it

    carrier.run(store.url, names, work, stop)


def every(seconds: float, stop: threading.Event, work: Callable[[], object]) -> None:
    """Calls `work` until `stop`; what fails now is tried again the next time."""
    while not stop.wait(seconds):
        try:
            work()
        except Exception as error:
            log.error("not done; goes on", error=repr(error)[:200])
