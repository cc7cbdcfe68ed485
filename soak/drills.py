"""Bad days (G10, G11) of the running service over a Dovecot and an SMTP server, each judged as after the kills."""

from __future__ import annotations

import contextlib
import datetime as dt
import random
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from mailbot import config, work
from mailbot.grown import keeping
from soak.kills import Scene, scene
from soak.serve import LATE, SHIFT

LOCKED = 75.0  # seconds, longer than the 60 for which a writer waits


def run(seed: int) -> int:
    broken = 0
    for title, drill in DRILLS.items():
        began = time.monotonic()
        with scene("keyword", True, random.Random(seed), begin=False) as s:
            recovered = drill(s)
            s.settle()
            words, wrong = s.judge()
        broken += wrong + (not recovered)
        print(f"{title:<32} recovered alone {recovered}  {words}  ({time.monotonic() - began:.0f} s)", flush=True)
    return broken


def locked(s: Scene) -> bool:
    """Another program holds the database; mails come all the while."""
    s.start()
    with s.life():
        s.lay(10)
        s.until_done()
        other = sqlite3.connect(s.folder / "data" / "mailbot.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        end = time.monotonic() + LOCKED
        while time.monotonic() < end:
            s.lay(1)
            time.sleep(5)
        other.execute("ROLLBACK")
        other.close()
        return s.until_done()


def full(s: Scene) -> bool:
    """A file system of 12 MB, and mails of 1 MB. Then there is room, and nobody does anything else."""
    data = s.folder / "data"
    data.mkdir()
    with small(data, "12m") as larger:
        s.min_free_mb = 0
        s.start()
        with s.life():
            s.lay(24, padding=1_000_000)
            stopped = not s.until_done(40)
            larger("120m")
            recovered = s.until_done()
        shutil.copytree(data, s.folder / "kept")  # is judged after the file system is gone
    shutil.copytree(s.folder / "kept", data, dirs_exist_ok=True)
    return stopped and recovered


@contextlib.contextmanager
def small(folder: Path, size: str) -> Iterator[Callable[[str], None]]:
    """A file system of `size` at the folder; yields what changes its size. Needs root."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], check=True)
    try:
        yield lambda wanted: subprocess.run(["mount", "-o", f"remount,size={wanted}", folder], check=True) and None
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def clock(s: Scene) -> bool:
    """A day ahead, then right, then a day behind, then right."""
    done = []
    for hours in ("24", "0", "-24", "0"):
        s.environment[SHIFT] = hours
        s.start()
        with s.life():
            s.lay(10)
            done.append(s.until_done())
        s.process.stdin.close()
        s.process.wait(60)
    s.start()
    return all(done)


def restored(s: Scene) -> bool:
    """All is answered; then the database of before the last 20 mails takes over, and 10 more come."""
    yesterday = dt.datetime.now(dt.UTC) - dt.timedelta(hours=20)
    s.environment[LATE] = "120"
    s.start()
    with s.life():
        s.lay(20, yesterday)
        s.until_done()
        world = work.open_world(config.load(s.folder / "config.toml"), lambda: dt.datetime.now(dt.UTC))
        keeping.backup(world, s.folder / "backup")
        s.lay(20, yesterday)
        s.until_done()
    s.process.stdin.close()
    s.process.wait(60)
    answered = len(s.sink.taken)
    shutil.rmtree(s.folder / "data")
    keeping.restore(s.folder / "backup", s.folder / "data", "sqlite://")
    s.start()
    with s.life():
        s.lay(10)
        recovered = s.until_done()
    return recovered and answered >= 40


DRILLS: dict[str, Callable[[Scene], bool]] = {
    f"database locked {LOCKED:.0f} s": locked,
    "disk full": full,
    "clock off by a day, both ways": clock,
    "yesterday's database": restored,
}
