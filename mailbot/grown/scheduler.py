"""Mailboxes and ticks on several hosts: each mailbox is watched by the host that holds its lease, each tick runs once per slot."""

from __future__ import annotations

import datetime as dt
import os
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from mailbot import config, jobs
from mailbot.grown.offices import Offices
from mailbot.grown.workers import every
from mailbot.mailbox import Mailbox
from mailbot.store import leases
from mailbot.store import ticks as slots
from mailbot.work import World, alarm, delivery, log, ticks
from mailbot.work.watch import Watch

LEASE_SECONDS = 90
RENEW_SECONDS = 20
LOOK_SECONDS = 10.0  # how often a host asks for a mailbox that another one watches
HANDS = 8  # ticks at work at the same time


@dataclass(frozen=True)
class Tick:
    name: str
    seconds: int
    work: Callable[[World], object]
    again: bool = False  # as long as it says that there was work


TICKS = (
    Tick("kirim", 60, delivery.send_next, again=True),
    Tick("cari-ulang", 30, delivery.reconcile_next, again=True),
    Tick("terputus", 60, delivery.recover),
    Tick("antrean", 60, lambda world: jobs.renotify(world.store, world.now())),
    Tick("alarm", 300, alarm.look),
    Tick("jam", 60, ticks.tick, again=True),
    Tick("bersih", 86400, lambda world: _forget(world)),
)


def me() -> str:
    return f"{socket.gethostname()}:{os.getpid()}"


def serve(offices: Offices, stop: threading.Event) -> None:
    """Until `stop`. Any number of hosts may run it: who holds nothing waits for its turn."""
    threads = [threading.Thread(target=_watch, args=(world, mailbox, section, stop), name=f"{name}-{section.account}")
               for name, world in offices.items() for mailbox, section in world.mailboxes]  # fmt: skip
    threads.append(threading.Thread(target=every, args=(RENEW_SECONDS, stop, lambda: _renew(offices)), name="renew"))
    for thread in threads:
        thread.start()
    seen: dict[tuple[str, str], str] = {}
    with ThreadPoolExecutor(HANDS, thread_name_prefix="tick") as hands:
        while not stop.is_set():
            list(hands.map(lambda world: _due(world, seen, stop), offices.values()))
            stop.wait(5)
    for thread in threads:
        thread.join()
    _release(offices)


# ------------------------------------------------------------------ ticks


def _due(world: World, seen: dict[tuple[str, str], str], stop: threading.Event) -> None:
    """`seen`: the slots that this process asked for already."""
    for tick in TICKS:
        slot = f"{int(world.now().timestamp()) // tick.seconds:012d}"
        if seen.get((world.store.office, tick.name)) == slot:
            continue
        seen[world.store.office, tick.name] = slot
        try:
            with world.store.transaction() as tx:
                mine = slots.claim(tx, tick.name, slot, world.now())
            while mine and tick.work(world) and tick.again and not stop.is_set():
                pass
        except Exception as error:
            log.error(
                "tick failed; the next slot tries again",
                tick=tick.name,
                office=world.store.office,
                error=repr(error)[:300],
            )


def _forget(world: World) -> None:
    with world.store.transaction() as tx:
        slots.forget_clock(tx, world.now() - dt.timedelta(days=1))


# ------------------------------------------------------------------ mailboxes


def _watch(world: World, mailbox: Mailbox, section: config.MailboxSection, stop: threading.Event) -> None:
    watch = Watch(world, mailbox, section, stop)
    while not stop.is_set():
        if _mine(world, section):
            stop.wait(watch.round())
        else:
            mailbox.close()
            stop.wait(LOOK_SECONDS)
    mailbox.close()


def _mine(world: World, section: config.MailboxSection) -> bool:
    try:
        with world.store.transaction() as tx:
            return leases.take(tx, f"mailbox {section.account}", me(), world.now(), LEASE_SECONDS)
    except Exception as error:
        log.error("no answer about the lease; waits", account=section.account, error=repr(error)[:200])
        return False


def _renew(offices: Offices) -> None:
    """A sweep may last longer than a lease."""
    for world in offices.values():
        with world.store.transaction() as tx:
            leases.renew(tx, me(), world.now(), LEASE_SECONDS)


def _release(offices: Offices) -> None:
    for world in offices.values():
        with world.store.transaction() as tx:
            leases.release(tx, me())
