"""`scripts/bench profile [intake|message|page|case|reply ...]`: the ten largest costs of each main path, in CPU ms per mail, page or request.

Own time of each function, measured by cProfile: calls cost two to three times of what they cost without it, so the order counts and
the total stands in `scripts/bench intake`, `reading` and `web`.
"""

from __future__ import annotations

import argparse
import cProfile
import logging
import pstats
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from benchmarks import intake, web
from benchmarks.made import papers
from mailbot import config, work
from mailbot.model import Attachment
from mailbot.parsers import opening, pages, submission
from mailbot.work import delivery
from mailbot.work.sweep import sweep_all
from tests.web import people, person

Profile = tuple[pstats.Stats, int]  # and of how many units
MAILS, PAGES, CASES, REQUESTS = 40, 6, 400, 40


def main(argv: list[str]) -> int:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    parser = argparse.ArgumentParser(prog="scripts/bench profile")
    parser.add_argument("paths", nargs="*", metavar="|".join(PATHS), help="all without one")
    for name in parser.parse_args(argv).paths or PATHS:
        title, measure = PATHS[name]
        with tempfile.TemporaryDirectory(prefix="bench-profile-") as folder:
            _print(title, *measure(Path(folder)))
    return 0


def _intake(folder: Path) -> Profile:
    opening.warm()
    world = intake._world(folder, False)
    for number in range(MAILS + 1):
        intake._lay(world, number, intake._mail(number, 1_000_000))
        if not number:
            sweep_all(world)
    return _profiled(lambda: sweep_all(world)), MAILS


def _message(folder: Path) -> Profile:
    raw = folder / "mail"
    raw.write_bytes(intake._mail(1, 1_000_000))
    submission.opened(str(raw), str(folder))
    return _profiled(lambda: [submission.opened(str(raw), str(folder)) for _ in range(MAILS)]), MAILS


def _page(folder: Path) -> Profile:
    pages.warm()
    made = []
    for number in range(PAGES):
        file = papers.degraded(papers.paper(number).pixels, papers.PROFILES[0], number)
        (folder / str(number)).write_bytes(file.data)
        made.append(Attachment(str(number), file.type, str(number), len(file.data), str(folder / str(number))))
    pages.read_page(made[0].path, made[0].type, 1)
    return _profiled(lambda: [pages.read_page(a.path, a.type, 1) for a in made]), PAGES


def _case(folder: Path) -> Profile:
    """The threads of a second visitor are profiled from their beginning."""
    settings = config.Settings(
        mailbox=(config.MailboxSection(path=str(folder / "inbox")),),
        smtp=config.SmtpSection(path=str(folder / "sent")),
        storage=config.StorageSection(path=str(folder / "data")),
    )
    world = work.open_world(settings, intake.now, "bench")
    people(world)
    made = web._fill(world, CASES)
    addresses = [f"/berkas/{made.open[number % len(made.open)]}" for number in range(REQUESTS)]
    visitor = person(world, "helpdesk")
    for address in addresses[:5]:  # templates and statements are made once
        visitor.get(address)
    found: list[cProfile.Profile] = []

    def begin(*_: object) -> None:
        found.append(cProfile.Profile(time.thread_time))
        found[-1].enable()

    threading.setprofile(begin)
    visitor = person(world, "helpdesk")
    for address in addresses:
        answer = visitor.get(address)
        assert answer.status_code == 200, answer.status_code
    threading.setprofile(None)  # type: ignore[arg-type]
    stats = pstats.Stats(found[0])
    for other in found[1:]:
        stats.add(other)
    return stats, REQUESTS


def _reply(folder: Path) -> Profile:
    opening.warm()
    world = intake._world(folder, False)
    for number in range(MAILS):
        intake._lay(world, number, intake._mail(number, 2000))
    sweep_all(world)
    return _profiled(lambda: [delivery.send_next(world) for _ in range(MAILS)]), MAILS


PATHS: dict[str, tuple[str, Callable[[Path], Profile]]] = {
    "intake": ("taking in a mail of 1 MB, service side, without the form", _intake),
    "message": ("opening a mail of 1 MB, child side, without fork and sandbox", _message),
    "page": ("reading a scanned page", _page),
    "case": ("the page of a case", _case),
    "reply": ("sending a reply to a folder", _reply),
}


def _profiled(work: Callable[[], object]) -> pstats.Stats:
    profile = cProfile.Profile(time.process_time)
    profile.runcall(work)
    return pstats.Stats(profile)


def _print(title: str, stats: pstats.Stats, units: int) -> None:
    total = stats.total_tt  # type: ignore[attr-defined]
    print(f"\n{title}: {1000 * total / units:.1f} ms under the profiler")
    rows = sorted(stats.stats.items(), key=lambda row: -row[1][2])[:10]  # type: ignore[attr-defined]
    for (file, line, name), (_, calls, own, _, _) in rows:
        where = name if file == "~" else f"{'/'.join(Path(file).parts[-2:])}:{line} {name}"
        print(f"  {1000 * own / units:7.2f} ms {100 * own / total:5.1f} %  {calls / units:8.0f} x  {where}")
