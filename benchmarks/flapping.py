"""What unreachable and mad mail servers cost: scripts/bench flapping [--seconds 60]

One `mailbot run` with a mailbox on each of several servers that misbehave in their own way, all the time (IN-03, IN-04). Printed:
CPU of the service and its children while they do, the same over servers in order, and what each server had to bear.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.idle import family, seconds
from tests.servers.imap import Act, Fault, Line, Script, bye, cut, garble, half, reset, scripted, words

ALWAYS = 10**9


def rings(line: Line, tag: bytes) -> None:
    """The bell rings at once, each time, and there is nothing."""
    line.idling = tag
    line.say(b"+ idling", b"* 1 RECENT", b"* 1 FETCH (FLAGS (\\Seen))")


MANNERS: dict[str, tuple[str, Act]] = {
    "BYE instead of a greeting": ("greeting", bye),
    "cut at login": ("login", cut),
    "reset at SELECT": ("select", reset),
    "rubbish at SEARCH": ("search", garble),
    "refuses SEARCH": ("search", words(b"NO [SERVERBUG] later")),
    "ends IDLE at once": ("idle", cut),
    "BYE in IDLE": ("idle", bye),
    "half a line in IDLE": ("idle", half(b"+ idling\r\n* 2 EXI")),
    "rings for ever in vain": ("idle", rings),
    "asks for patience": ("login", words(b"NO [UNAVAILABLE] too many connections")),
}


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(prog="scripts/bench flapping", description=__doc__)
    options.add_argument("--seconds", type=int, default=60)
    given = options.parse_args(argv)
    mad = {name: Script({1: b"Subject: x\r\n\r\nisi\r\n"}, Fault(*manner, ALWAYS)) for name, manner in MANNERS.items()}
    sound = {name: Script() for name in MANNERS}
    quiet = _cost(sound, given.seconds)
    used = _cost(mad, given.seconds)
    print(f"{len(mad)} mad servers: {used:.2f} % of a core for all of them; {len(sound)} sound ones: {quiet:.2f} %")
    for name, script in mad.items():
        print(
            f"  {name:<28} connections {script.seen['greeting']:>3}   logins {script.seen['login']:>3}   searches {script.seen['search']:>4}"
        )
    return 1 if used > 2 else 0


def _cost(scripts: dict[str, Script], span: int) -> float:
    """Percent of a core, from the first second after the start."""
    with tempfile.TemporaryDirectory(prefix="bench-flapping-") as name, contextlib.ExitStack() as stack:
        folder, blocks = Path(name), []
        for number, script in enumerate(scripts.values()):
            stack.enter_context(scripted(script))
            blocks.append(
                f'[[mailbox]]\nkind = "imap"\naccount = "k{number}"\nhost = "127.0.0.1"\nport = {script.port}\ntls = "none"\n'
                f'user = "lpse{number}"\nstart = "none"\n'
            )
        rest = f'[smtp]\npath = "{folder}/sent"\n[storage]\npath = "{folder}/data"\n[web]\nenabled = false\n'
        (folder / "config.toml").write_text("".join(blocks) + rest)
        command = [sys.executable, "-m", "mailbot.cli", "run", "--config", str(folder / "config.toml")]
        environment = {**os.environ, "MAILBOT_IMAP_SECRET": "rahasia"}
        process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
        try:
            _started(scripts, process)
            before, start = seconds(family(process.pid)), time.monotonic()
            time.sleep(span)
            return 100 * (seconds(family(process.pid)) - before) / (time.monotonic() - start)
        finally:
            process.terminate()
            process.wait(60)


def _started(scripts: dict[str, Script], process: subprocess.Popen[bytes]) -> None:
    """Every server was called once; from here on it is only their madness that costs."""
    while not all(script.seen["greeting"] for script in scripts.values()):
        if process.poll() is not None:
            raise RuntimeError("the service ended")
        time.sleep(0.1)
    time.sleep(1)
