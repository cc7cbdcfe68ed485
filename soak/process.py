"""`mailbot` with short patience: leases and heartbeats of seconds instead of minutes, and jobs that kill their worker.

python -m soak.process COMMAND ...: only for chaos runs; the service itself has no such switch.
"""

from __future__ import annotations

import datetime as dt
import os
import signal

from mailbot import cli, jobs
from mailbot.grown import scheduler, workers
from mailbot.store import outbox
from mailbot.work import World, delivery, lanes

POISONED = 13  # every 13th mail kills the worker that begins to read it
DEADLY_ATTEMPTS = 2  # so often


def impatient() -> None:
    from mailbot.jobs import carrier

    jobs.STALLED, carrier.HEARTBEAT, carrier.POLL, workers.SWEEP_SECONDS = 4.0, 1.0, 0.5, 1
    jobs.PAUSES = (1, 1, 1)
    jobs.FORGOTTEN = dt.timedelta(seconds=20)
    scheduler.LEASE_SECONDS, scheduler.RENEW_SECONDS, scheduler.LOOK_SECONDS = 6, 2, 1.0
    scheduler.TICKS = tuple(
        scheduler.Tick(t.name, min(t.seconds, 2), t.work, t.again) if t.name in ("kirim", "terputus", "antrean") else t
        for t in scheduler.TICKS
    )
    outbox.LEASE = dt.timedelta(seconds=8)
    delivery.RETRY = (1, 1, 2, 2, 5)
    # the repetition of IN-52 is at least once by design; here every hand-over beyond the first is to be seen as a fault
    delivery.REPEAT_AFTER = dt.timedelta(days=1)


def deadly() -> None:
    read = lanes.TASKS["read"]

    def kill(world: World, job: jobs.Job) -> None:
        if job.subject_id % POISONED == 0 and job.attempts <= DEADLY_ATTEMPTS:
            os.kill(os.getpid(), signal.SIGKILL)
        read(world, job)

    lanes.TASKS["read"] = kill


if __name__ == "__main__":
    impatient()
    deadly()
    cli.main()
