"""Which work, how often: a thread for each mailbox, one lane for outgoing mail, one for OCR, and APScheduler for the rest."""

from __future__ import annotations

import fcntl
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog
from apscheduler.schedulers.background import BackgroundScheduler

from mailbot.work import World, alarm, delivery, lanes, ticks
from mailbot.work.watch import Watch

log = structlog.get_logger()
# a poll that is still at work when the next is due is normal, not a warning
logging.getLogger("apscheduler").setLevel(logging.ERROR)
REST = 1.0  # seconds until a lane looks again without having heard of a job
RECONCILE_SECONDS = 30
ALARM_SECONDS = 300
TICK_SECONDS = 60


class AlreadyRunning(RuntimeError):
    """Another process owns the data."""


@contextmanager
def sole_owner(root: Path) -> Iterator[None]:
    """flock on the data folder (IN-07); the lock ends with the process, however it ends."""
    root.mkdir(parents=True, exist_ok=True)
    with open(root / "lock", "w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyRunning(f"another mailbot works on {root}; stop it first") from error
        yield


@contextmanager
def service(world: World) -> Iterator[threading.Event]:
    """Runs all mailboxes and lanes until the block ends; yields the event that stops them."""
    stop = threading.Event()
    lanes.recover(world)
    threads = [
        threading.Thread(target=_lane, args=(world, lane, stop), name=f"lane-{lane}") for lane in ("mail", "ocr")
    ]
    for mailbox, section in world.mailboxes:
        watch = Watch(world, mailbox, section, stop)
        threads.append(threading.Thread(target=watch.run, name=f"mailbox-{section.account}"))
    scheduler = BackgroundScheduler(timezone="UTC")
    for work, seconds in (
        (delivery.reconcile_next, RECONCILE_SECONDS),
        (alarm.look, ALARM_SECONDS),
        (ticks.tick, TICK_SECONDS),
    ):
        scheduler.add_job(
            _tick, "interval", [world, work], seconds=seconds, max_instances=1, coalesce=True, misfire_grace_time=None
        )
    scheduler.start()
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        scheduler.shutdown(wait=True)
        for thread in threads:
            thread.join()


def _tick(world: World, work: Callable[[World], object]) -> None:
    """One tick; what fails now is tried again by the next one."""
    try:
        while work(world):
            pass
    except Exception as error:
        log.error("tick failed", work=work.__name__, error=repr(error))


def _lane(world: World, lane: str, stop: threading.Event) -> None:
    more: Callable[[], bool] = lambda: (lane == "mail" and delivery.send_next(world)) or lanes.work(world, lane)  # noqa: E731
    while not stop.is_set():
        try:
            if not more():
                _rest(world)
        except Exception as error:
            # a locked or full database must not end the lane
            log.error("lane failed; goes on", lane=lane, error=repr(error))
            stop.wait(5)


def _rest(world: World) -> None:
    with world.store.news:
        world.store.news.wait(REST)
