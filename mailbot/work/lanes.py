"""One job of a lane at a time, and what is due again after a kill."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable

from mailbot import jobs
from mailbot.store import outbox
from mailbot.work import World, delivery, log, reading

TASKS: dict[str, Callable[[World, jobs.Job], None]] = {"read": reading.read, "deliver": delivery.deliver}
LEFTOVER_SECONDS = 3600  # on several hosts: what is younger may be in use


def work(world: World, lane: str) -> bool:
    """One job of a lane; whether there was one."""
    found = jobs.claim(world.store, lane, world.now())
    if found is not None:
        _attempt(world, found)
    return found is not None


def work_on(world: World, job_id: int) -> None:
    """The job that Procrastinate brought."""
    found = jobs.begin(world.store, job_id, world.now())
    if found is not None:
        _attempt(world, found)


def _attempt(world: World, found: jobs.Job) -> None:
    """A failing job waits, and after the fourth failure is set aside."""
    try:
        if found.attempts > jobs.MAX_BEGUN:
            raise RuntimeError(f"begun {found.attempts - 1} times and never ended: the process died each time")
        TASKS[found.task](world, found)
    except jobs.Lost as lost:
        log.warning("another worker has the job; nothing of this run is stored", task=found.task, why=str(lost))
    except Exception as error:
        log.exception("job failed", task=found.task, subject=found.subject_id)
        with world.store.transaction() as tx:
            if jobs.failed(tx, found, repr(error), world.now()) and found.task == "read":
                reading.set_aside(world, tx, found.subject_id)


def recover(world: World) -> None:
    """After a kill: running jobs are due again, half-written files are swept, interrupted mail is decided."""
    jobs.recover(world.store)
    young = time.time() - LEFTOVER_SECONDS if world.store.shared else float("inf")
    for leftover in (*world.root.glob("leaves-*"), *world.blobs.glob(".incoming-*")):
        if leftover.stat().st_mtime < young:
            shutil.rmtree(leftover, ignore_errors=True) if leftover.is_dir() else leftover.unlink(missing_ok=True)
    delivery.recover(world)


def idle(world: World) -> bool:
    """Nothing waits in any lane or in the outbox."""
    with world.store.reading() as tx:
        return not jobs.busy(world.store) and not outbox.waiting(tx)
