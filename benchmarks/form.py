"""What the Formulir Serah Terima costs a receipt: mails taken in with and without it, turn about, in one run.

    scripts/bench form [--mails 40]

"locked" is the time within the write transaction; the form is rendered before it begins.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from mailbot import config
from mailbot.mailbox import keep
from mailbot.model import Location, RawMessage
from mailbot.work import World
from mailbot.work.intake import take_in
from tests.worlds import Clock, world


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--mails", type=int, default=40)
    count = parser.parse_args(argv).mails
    with tempfile.TemporaryDirectory() as folder:
        sides = {name: _Side(Path(folder) / name, name == "with form") for name in ("without form", "with form")}
        for number in range(count + 1):
            for side in sides.values():
                side.take(number)
    _show(sides, count)
    return 0


class _Side:
    """One world, its measured seconds per mail: whole and within the transaction."""

    def __init__(self, folder: Path, form: bool) -> None:
        folder.mkdir()
        self.world = world(folder, Clock(), replies=config.RepliesSection(form=form))
        self.whole: list[float] = []
        self.locked: list[float] = []
        _time_transactions(self.world, self.locked)

    def take(self, number: int) -> None:
        path, sha256, size = keep(iter((_mail(number),)), self.world.blobs)
        raw = RawMessage(Location("utama", "INBOX", 1, str(number)), str(path), sha256, size, self.world.now())
        begun = time.perf_counter()
        take_in(self.world, raw)
        self.whole.append(time.perf_counter() - begun)


def _time_transactions(w: World, seconds: list[float]) -> None:
    original = w.store.transaction

    @contextmanager
    def timed() -> Iterator[Any]:
        with original() as tx:
            begun = time.perf_counter()
            yield tx
        seconds.append(time.perf_counter() - begun)

    w.store.transaction = timed  # type: ignore[method-assign]


def _mail(number: int) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = (
        f"dinas{number}@contoh.example",
        "lpse@batangkab.example",
        f"Permohonan {number}",
    )
    mail["Message-ID"] = f"<bench.{number}@contoh.example>"
    mail.set_content("Terlampir permohonan.")
    for name in ("Surat Permohonan.pdf", "SK PPK.pdf"):
        mail.add_attachment(f"{name} {number}".encode() * 1000, maintype="application", subtype="pdf", filename=name)
    return mail.as_bytes()


def _show(sides: dict[str, _Side], count: int) -> None:
    table = Table(
        "", "p50 s", "p95 s", "locked p50 s", "locked p95 s", title=f"taking in a mail with its receipt, {count} mails"
    )
    for name, side in sides.items():
        # the first mail warms fonts and templates up
        values = [f"{_quantile(times[1:], q):.3f}" for times in (side.whole, side.locked) for q in (0.5, 0.95)]
        table.add_row(name, *values)
    (without, plain), (with_form, locked) = [
        (statistics.median(s.whole[1:]), statistics.median(s.locked[1:])) for s in sides.values()
    ]
    table.add_row("ratio", f"{with_form / without:.2f}", "", f"{locked / plain:.2f}", "")
    Console().print(table)


def _quantile(values: list[float], q: float) -> float:
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]
