"""What the whole service costs while nothing happens: scripts/bench idle [--seconds 60] [--engine sqlite|postgresql] [--rest 10]

As in an office: a mail with scans was taken in and read, then nothing came. The server that reads pages ends after five minutes without
work; here after `--rest` seconds. CPU and memory of `mailbot run` with its pages and every child process (PostgreSQL's own processes not counted): proportional set
size, so that pages shared between processes count once.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.growth import databases
from mailbot.demo.mails import demo_mails
from mailbot.parsers.opening import PAGES

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


SERVICE = "from mailbot.parsers import child; child._server.rest = {rest}; from mailbot.cli import main; main()"


def start(folder: Path, url: str, rest: float) -> subprocess.Popen[bytes]:
    for part in ("new", "cur", "tmp"):
        (folder / "inbox" / part).mkdir(parents=True)
    (folder / "config.toml").write_text(
        f'[[mailbox]]\npath = "{folder}/inbox"\n[smtp]\npath = "{folder}/sent"\n[storage]\npath = "{folder}/data"\n[web]\nport = 0\n'
    )
    mail = next(
        m for m in demo_mails(19, dt.datetime.now(dt.UTC)) if m.expected == "complete" and len(m.data) > 200_000
    )
    (folder / "inbox" / "new" / "1").write_bytes(mail.data)
    words, environment = ["--config", str(folder / "config.toml")], {**os.environ, "MAILBOT_DATABASE_URL": url}
    # an office's database is there already
    subprocess.run(
        [sys.executable, "-m", "mailbot.cli", "db", "upgrade", *words],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    service = [sys.executable, "-c", SERVICE.format(rest=rest), "run", *words]
    return subprocess.Popen(service, env=environment, stderr=subprocess.DEVNULL)


def await_rest(pid: int, patience: float = 400) -> float:
    """Until the mail was read and the server for pages has ended again; the most memory that was seen meanwhile, in MB."""
    most, seen, end = 0.0, False, time.monotonic() + patience
    while time.monotonic() < end:
        servers = sum(PAGES.encode() in command(child) for child in family(pid))
        if seen and not servers:
            time.sleep(5)
            return most
        seen = seen or bool(servers)
        with contextlib.suppress(OSError, StopIteration):  # a child that ended while it was looked at
            most = max(most, megabytes(family(pid)))
        time.sleep(0.5)
    raise TimeoutError("the mail was not read, or the server for pages did not end")


def command(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(prog="scripts/bench idle", description=__doc__)
    options.add_argument("--seconds", type=int, default=60)
    options.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    options.add_argument("--rest", type=float, default=10.0)
    given = options.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="mailbot-idle-") as name, databases(given.engine) as url:
        process = start(Path(name), url("diam"), given.rest)
        try:
            most = await_rest(process.pid)
            before, start_at = seconds(family(process.pid)), time.monotonic()
            time.sleep(given.seconds)
            pids = family(process.pid)
            used, span = seconds(pids) - before, time.monotonic() - start_at
            print(
                f"{given.engine}: {100 * used / span:.2f} % of a core, {megabytes(pids):.0f} MB in {len(pids)} processes, over {span:.0f} s"
                f" without mail after one was read ({most:.0f} MB while it was)"
            )
            for pid in pids:
                words = command(pid).replace(b"\0", b" ").decode()[:60]
                print(f"  {megabytes([pid]):6.0f} MB {seconds([pid]):6.2f} s in all  {words}")
        finally:
            process.terminate()
            process.wait(60)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
