"""One job of a lane at a time, and what is due again after a kill."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from mailbot import jobs
from mailbot.store import outbox
from mailbot.work import World, delivery, log, reading

TASKS: dict[str, Callable[[World, jobs.Job], None]] = {"read": reading.read, "deliver": delivery.deliver}


def work(world: World, lane: str) -> bool:
    """One job of a lane; whether there was one. A failing job waits, and after the fourth failure is set aside."""
    found = jobs.claim(world.store, lane, world.now())
    if found is None:
        return False
    try:
        TASKS[found.task](world, found)
    except Exception as error:
        log.exception("job failed", task=found.task, subject=found.subject_id)
        with world.store.transaction() as tx:
            if jobs.failed(tx, found, repr(error), world.now()) and found.task == "read":
                reading.set_aside(world, tx, found.subject_id)
    return True


def recover(world: World) -> None:
    """After a kill: running jobs are due again, half-written files are swept, interrupted mail is decided."""
    jobs.recover(world.store)
    for leftover in (*world.root.glob("leaves-*"), *world.blobs.glob(".incoming-*")):
        shutil.rmtree(leftover, ignore_errors=True) if leftover.is_dir() else leftover.unlink(missing_ok=True)
    delivery.recover(world)


def idle(world: World) -> bool:
    """Nothing waits in any lane or in the outbox."""
    with world.store.reading() as tx:
        return not jobs.busy(world.store) and not outbox.waiting(tx)
