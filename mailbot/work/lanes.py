"""One job of a lane at a time, and what is due again after a kill."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from mailbot import jobs
from mailbot.parsers.picture import SCRATCH
from mailbot.store import outbox
from mailbot.work import World, delivery, log, reading

TASKS: dict[str, Callable[[World, jobs.Job], None]] = {"read": reading.read, "deliver": delivery.deliver}
LEFTOVER_SECONDS = 3600  # what other processes may still use is younger


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
    young = time.time() - LEFTOVER_SECONDS
    _sweep((*world.root.glob("leaves-*"), *world.blobs.glob(".incoming-*")), young if world.store.shared else None)
    _sweep(Path(tempfile.gettempdir()).glob(f"{SCRATCH}*"), young)  # pages of a killed process: personal data
    delivery.recover(world)


def _sweep(leftovers: Iterable[Path], young: float | None) -> None:
    """`young`: seconds since the epoch; what changed later stays. Another process may sweep at the same time."""
    for leftover in leftovers:
        with contextlib.suppress(OSError):
            if young is None or leftover.stat().st_mtime < young:
                shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()


def idle(world: World) -> bool:
    """Nothing waits in any lane or in the outbox."""
    with world.store.reading() as tx:
        return not jobs.busy(world.store) and not outbox.waiting(tx)
