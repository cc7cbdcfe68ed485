"""Outbox -> SMTP (or a folder): one mail at a time, its stage known at every moment (IN-50 to IN-54)."""

from __future__ import annotations

import datetime as dt

from mailbot import jobs
from mailbot.store import outbox
from mailbot.work import World, log

RETRY = (60, 300, 1800, 3600, 6 * 3600)  # seconds between attempts of a deferred mail
GIVE_UP = dt.timedelta(hours=48)


def deliver(world: World, job: jobs.Job) -> None:
    """Hands over one due mail of the outbox; states and pauses after IN-50."""
    send_next(world)
    with world.store.transaction() as tx:
        jobs.done(tx, job)


def send_next(world: World) -> bool:
    with world.store.transaction() as tx:
        row = outbox.claim(tx, world.now())
    if row is None:
        return False
    result = world.send(row.data, world.office.email, row.recipient)
    pause = dt.timedelta(seconds=RETRY[min(row.attempts, len(RETRY) - 1)])
    too_old = world.now() - dt.datetime.fromisoformat(row.created_at) > GIVE_UP
    state = "failed" if result.state == "deferred" and too_old else result.state
    with world.store.transaction() as tx:
        outbox.finish(tx, row.id, state, f"{result.stage}: {result.answer}", world.now() + pause, world.now())
    log.info("mail handed over", kind=row.kind, state=state, stage=result.stage)
    return True


def recover(world: World) -> None:
    """A mail caught in the hand-over when the process ended."""
    # a folder keeps one file per Message-ID, so handing over again cannot double; over SMTP nobody knows (RFC 1047)
    again = "pending" if world.settings.smtp.kind == "folder" else "ambiguous"
    with world.store.transaction() as tx:
        for outgoing_id in outbox.interrupted(tx):
            outbox.finish(tx, outgoing_id, again, "interrupted", world.now(), world.now())
