"""python -m soak --kills N --mails M [--points] | --drills | --robots DAYS | --forged N; exit code 1 where a promise was broken."""

from __future__ import annotations

import argparse
import logging
import sys

import structlog

from soak import drills, forged, kills, robots


def main() -> int:
    parser = argparse.ArgumentParser(prog="scripts/soak", description=__doc__)
    parser.add_argument(
        "--kills", type=int, default=0, help="SIGKILLs, first at every named point, then at random moments"
    )
    parser.add_argument("--mails", type=int, default=0, help="mails that arrive meanwhile")
    parser.add_argument(
        "--points",
        action="store_true",
        help="every named point, three times, in three mark modes, with and without Sent",
    )
    parser.add_argument(
        "--robots", type=int, default=0, metavar="DAYS", help="days with 15 answering machines on a virtual clock"
    )
    parser.add_argument(
        "--forged", type=int, default=0, metavar="N", help="forged mails from 500 victims within two virtual days"
    )
    parser.add_argument(
        "--drills", action="store_true", help="database locked, disk full, clock off by a day, yesterday's database"
    )
    parser.add_argument("--seed", type=int, default=19)
    wanted = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    broken = 0
    if wanted.points:
        broken += kills.points(wanted.seed)
    if wanted.kills:
        broken += kills.run(wanted.kills, wanted.mails or 2 * wanted.kills, wanted.seed)
    if wanted.drills:
        broken += drills.run(wanted.seed)
    if wanted.robots:
        broken += robots.run(wanted.robots, wanted.seed)
    if wanted.forged:
        broken += forged.run(wanted.forged, wanted.seed)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
