"""The service, forked again and again from one warm process, so that a kill costs no start-up time.

Reads lines "POINT:COUNT" or "-" from stdin and forks a service for each; tells "started PID" and "ended CODE". The service is the real one; only
its waiting times are shorter. A last argument names the configuration.
"""

from __future__ import annotations

import datetime as dt
import logging
import os
import signal
import sys
from pathlib import Path

import structlog

from mailbot import config, crash, parsers, schedule, work
from mailbot.parsers import child
from mailbot.work import delivery, sweep

SHIFT = "SOAK_CLOCK_HOURS"  # so far is the clock of the service off
LATE = "SOAK_LATE_SECONDS"  # after so long a receipt may have been sent by a database that was lost


def hurry() -> None:
    delivery.LOOK_AFTER, delivery.REPEAT_AFTER = dt.timedelta(seconds=0.3), dt.timedelta(seconds=1.5)
    # as a rule the ambiguous hand-over alone is under test
    delivery.LATE = dt.timedelta(seconds=float(os.environ.get(LATE, 86400)))
    sweep.AGAIN = (1, 1, 1)
    schedule.RECONCILE_SECONDS, schedule.SLEEP = 1, 0.05


def serve(settings: config.Settings, order: str) -> None:
    name, _, count = order.partition(":")
    crash._NAME, crash._left = name, int(count or 1)
    child._server._owner = os.getpid()  # the fork server of the parent process goes on
    with schedule.sole_owner(Path(settings.storage.path)):
        shift = dt.timedelta(hours=float(os.environ.get(SHIFT, 0)))
        world = work.open_world(settings, lambda: dt.datetime.now(dt.UTC) + shift)
        with schedule.service(world) as stop:
            signal.signal(signal.SIGTERM, lambda *_: stop.set())
            stop.wait()


def main() -> None:
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    hurry()
    settings = config.load(Path(sys.argv[1]))
    child.run(os.getpid, result=int, limits=child.Limits())
    assert parsers
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                serve(settings, line.strip())
                code = 0
            finally:
                os._exit(code)
        print(f"started {pid}", flush=True)
        _, status = os.waitpid(pid, 0)
        print(f"ended {os.waitstatus_to_exitcode(status)}", flush=True)


if __name__ == "__main__":
    main()
