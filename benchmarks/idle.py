"""What the whole service costs while nothing happens: scripts/bench idle [--seconds 60] [--engine sqlite|postgresql]

CPU and memory of `mailbot run` with its pages and every child process (PostgreSQL's own processes not counted): proportional set
size, so that pages shared between processes count once.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.growth import databases

TICK = os.sysconf("SC_CLK_TCK")


def family(root: int) -> list[int]:
    """The process and all that descend from it."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def seconds(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += sum(int(fields[n]) for n in (11, 12, 13, 14))  # user, system, and those of ended children
    return total / TICK


def megabytes(pids: list[int]) -> float:
    kilobytes = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        kilobytes += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return kilobytes / 1024


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(prog="scripts/bench idle", description=__doc__)
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    given = options.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="mailbot-idle-") as name, databases(given.engine) as url:
        folder = Path(name)
        for part in ("new", "cur", "tmp"):
            (folder / "inbox" / part).mkdir(parents=True)
        (folder / "config.toml").write_text(
            f'[[mailbox]]\npath = "{folder}/inbox"\n[smtp]\npath = "{folder}/sent"\n[storage]\npath = "{folder}/data"\n[web]\nport = 0\n'
        )
        environment = {**os.environ, "MAILBOT_DATABASE_URL": url("diam")}
        command = [sys.executable, "-m", "mailbot.cli", "run", "--config", str(folder / "config.toml")]
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            time.sleep(15)
            before, start = seconds(family(process.pid)), time.monotonic()
            time.sleep(given.seconds)
            pids = family(process.pid)
            used, span = seconds(pids) - before, time.monotonic() - start
            print(
                f"{given.engine}: {100 * used / span:.2f} % of a core, {megabytes(pids):.0f} MB in {len(pids)} processes, over {span:.0f} s without mail"
            )
            for pid in pids:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:60]
                print(f"  {megabytes([pid]):6.0f} MB {seconds([pid]):6.2f} s in all  {words}")
        finally:
            process.terminate()
            process.wait(60)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
