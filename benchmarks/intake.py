"""`scripts/bench intake [--mails N] [--size BYTES] [--runs N] [--backlog N] [--helpdesk PYTHON]`: CPU per mail of 1 MB (or of BYTES), memory of one of 52 MB, a backlog. No OCR.

`--runs`: so often the mails are taken in, each time by a fork server of its own; the mean counts, for the speed of a shared machine moves.
`--helpdesk`: a Python that has django-helpdesk (`python3 -m venv X && X/bin/pip install "django-helpdesk[teams]"`, then X/bin/python),
which takes in the same mails with its own `process_email`.
"""

from __future__ import annotations

import argparse
import base64
import datetime as dt
import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import mean

from sqlalchemy import text

from mailbot import config
from mailbot.parsers import child, opening
from mailbot.work import World, open_mailbox, open_world, stay
from mailbot.work.sweep import sweep_all
from tests.servers.dovecot import SECRET, dovecot

FREE = dict.fromkeys(config.LimitsSection.model_fields, 10**9)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench intake")
    parser.add_argument("--mails", type=int, default=50)
    parser.add_argument("--size", type=int, default=1_000_000, metavar="BYTES")
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--backlog", type=int, default=2000)
    parser.add_argument("--helpdesk", default="", metavar="PYTHON")
    wanted = parser.parse_args(argv)
    opening.warm()
    _reference()
    _memory()
    runs, ratios = [], []
    for number in range(wanted.runs):
        _settled(number)
        runs.append(_cpu(wanted.mails, wanted.size, False))
        if wanted.helpdesk:
            ratios.append(_helpdesk(wanted.helpdesk, wanted.mails, wanted.size, runs[-1]))
    _summed("CPU per mail, ms", runs)
    _summed("mailbot : django-helpdesk", ratios)
    _cpu(wanted.mails, wanted.size, True)
    _backlog(wanted.backlog)
    return 0


def _reference() -> None:
    """What this machine is worth at the moment."""
    data, begun = bytes(1_000_000), time.process_time()
    for _ in range(300):
        hashlib.sha256(data)
    print(f"for comparison: SHA-256 of 1 MB takes {1000 * (time.process_time() - begun) / 300:.2f} ms here and now")


def _settled(number: int) -> None:
    """A run with a fork server of its own, and not while the disk still writes what the run before left to it."""
    child._small.close()
    if number:
        os.sync()
        time.sleep(10)


def _summed(title: str, found: list[float]) -> None:
    if len(found) > 1:
        print(f"{title}: mean of {len(found)} runs {mean(found):.2f}, {min(found):.2f} to {max(found):.2f}")


def _mail(number: int, size: int) -> bytes:
    data = base64.encodebytes(random.Random(number).randbytes(size * 3 // 4)).replace(b"\n", b"\r\n")
    head = (
        f"From: p{number}@kantor{number}.example\r\nTo: lpse@batangkab.example\r\nSubject: Permohonan {number}\r\nMessage-ID: <{number}@bench.example>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nTerlampir.\r\n'
        '--b\r\nContent-Type: application/pdf; name="surat.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    return head.encode() + data + b"--b--\r\n"


def _world(folder: Path, form: bool) -> World:
    for part in ("new", "cur", "tmp"):
        (folder / "inbox" / part).mkdir(parents=True)
    settings = config.Settings(
        mailbox=(config.MailboxSection(path=str(folder / "inbox")),),
        smtp=config.SmtpSection(path=str(folder / "sent")),
        storage=config.StorageSection(path=str(folder / "data")),
        replies=config.RepliesSection(form=form),
        limits=config.LimitsSection(**FREE),
    )
    world = open_world(settings, now, "bench")
    stay()  # as the service does
    return world


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


def _cpu(count: int, size: int, form: bool) -> float:
    """Milliseconds of CPU per mail."""
    with tempfile.TemporaryDirectory(prefix="bench-intake-") as name:
        world = _world(Path(name), form)
        for number in range(count + 1):
            _lay(world, number, _mail(number, size))
            if not number:
                sweep_all(world)  # whatever is loaded or started only once
        own, children, wall = time.process_time(), child.usage().cpu_seconds, time.monotonic()
        faults = _faults()
        sweep_all(world)
        own, children, wall = time.process_time() - own, child.usage().cpu_seconds - children, time.monotonic() - wall
        what = "with the form" if form else "without the form"
        print(
            f"{count} mails of {size / 1e6:g} MB, {what:<17} CPU per mail: service {1000 * own / count:6.1f} ms + child {1000 * children / count:6.1f} ms ({(_faults() - faults) / count:.0f} page faults)   wall {1000 * wall / count:6.1f} ms"
        )
    return 1000 * (own + children) / count


def _faults() -> int:
    """Page faults of the ended children of the small fork server (proc(5), cminflt)."""
    return int(Path(f"/proc/{child._small.pid}/stat").read_text().rpartition(")")[2].split()[8])


def _helpdesk(python: str, count: int, size: int, own: float) -> float:
    """CPU of mailbot for each of django-helpdesk's."""
    with tempfile.TemporaryDirectory(prefix="bench-intake-") as name:
        for number in range(count + 1):
            Path(name, f"{number:06d}").write_bytes(_mail(number, size))
        script = Path(__file__).parent / "rivals" / "django_helpdesk.py"
        done = subprocess.run([python, str(script), name], check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    if told["tickets"] != count:
        raise SystemExit(f"django-helpdesk took {told['tickets']} of {count} mails")
    theirs = 1000 * told["cpu"] / count
    print(
        f"the same mails by django-helpdesk: {theirs:.1f} ms, without fsync and child; mailbot : django-helpdesk = {own / theirs:.2f}"
    )
    return own / theirs


def _lay(world: World, number: int, data: bytes, at: float = 0.0) -> None:
    path = Path(world.settings.mailbox[0].path) / "new" / f"{number:06d}"
    path.write_bytes(data)
    if at:
        os.utime(path, (at, at))


def _memory() -> None:
    with tempfile.TemporaryDirectory(prefix="bench-intake-") as name:
        world = _world(Path(name), False)
        _rise("Maildir", world, Path(world.settings.mailbox[0].path))
    with tempfile.TemporaryDirectory(prefix="bench-intake-") as name, dovecot() as server:
        os.environ["MAILBOT_IMAP_SECRET"] = SECRET
        server.append(_mail(2, 2000))  # makes the folders, and what is loaded only once
        world = _world(Path(name), False)
        section = config.MailboxSection(
            kind="imap", host="localhost", port=server.tls_port, ca_file=str(server.cert), user="lpse", start="all"
        )
        world = replace(world, mailboxes=((open_mailbox(section), section),))
        sweep_all(world)
        _rise("IMAP", world, server.home / "lpse" / "Maildir")
        world.mailboxes[0][0].close()


def _rise(title: str, world: World, maildir: Path) -> None:
    """What a mail of 52 MB adds to the peak memory of the main process."""
    path = maildir / "new" / "1790000000.besar"
    with path.open("wb") as file:  # piece by piece: memory freed here would hide what the service takes
        head, _, _ = _mail(1, 4).rpartition(b"\r\n\r\n")
        file.write(head + b"\r\n\r\n")
        line = b"A" * 76 + b"\r\n"
        for _ in range(52_000_000 // len(line)):
            file.write(line)
        file.write(b"--b--\r\n")
    shutil.chown(path, maildir.owner())
    size = path.stat().st_size
    Path("/proc/self/clear_refs").write_text("5")
    before = _kilobytes("VmRSS")
    taken = sweep_all(world)
    rise = (_kilobytes("VmHWM") - before) / 1024
    print(
        f"a mail of {size / 1e6:.1f} MB over {title} ({taken} taken) raises the peak memory of the service by {rise:.1f} MiB"
    )


def _backlog(count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-intake-") as name:
        world = _world(Path(name), False)
        order, begin = list(range(count)), time.time() - 3600 - count
        random.Random(1).shuffle(order)
        for number in order:
            _lay(world, number, _mail(number, 2000), begin + number)
        taken, marks = 0, []
        mailbox, section = world.mailboxes[0]
        fetch = mailbox.fetch

        def counted(pending, into):  # type: ignore[no-untyped-def]
            nonlocal taken
            taken += 1
            if taken in (count // 10, count // 2, count):
                marks.append(_kilobytes("VmRSS") / 1024)
            return fetch(pending, into)

        mailbox.fetch = counted  # type: ignore[method-assign]
        wall = time.monotonic()
        sweep_all(replace(world, mailboxes=((mailbox, section),)))
        wall = time.monotonic() - wall
        with world.store.reading() as tx:
            ids = [str(v) for v in tx.execute(text("select header_id from message order by id")).scalars()]
        oldest_first = ids == [f"<{n}@bench.example>" for n in range(count)]
        memory = " / ".join(f"{m:.0f}" for m in marks)
        print(
            f"backlog of {count}: oldest first {oldest_first}, {count / wall:.0f} mails per second, memory at a tenth / half / end: {memory} MiB"
        )


def _kilobytes(name: str) -> int:
    return int(
        next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(name)).split()[1]
    )
