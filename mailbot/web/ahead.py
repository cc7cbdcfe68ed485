"""Draws the pages of waiting cases before anybody opens them, so that the first view comes at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from mailbot.parsers.child import ChildFailed
from mailbot.parsers.picture import PICTURED
from mailbot.sop.case import CHECKED_BY_PERSON, FORWARDED
from mailbot.store import mails, queue
from mailbot.web.files import LARGE, drawn
from mailbot.work import World, log

PAUSE = 3.0  # seconds between two looks at the queue
CASES, PAGES = 40, 12  # how far ahead, and how many pages of one case


@contextmanager
def drawing(world: World) -> Iterator[None]:
    """A thread that draws until the block ends."""
    stop = threading.Event()
    thread = threading.Thread(target=_run, args=(world, stop), name="pages-ahead", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(40)


def _run(world: World, stop: threading.Event) -> None:
    seen: dict[int, str] = {}  # case -> when it last changed
    while not stop.is_set():
        try:
            for sha256, kind, page in _wanted(world, seen):
                if stop.is_set():
                    return
                _draw(world, sha256, kind, page)
        except Exception as error:
            log.error("pages are not drawn ahead; goes on", error=repr(error))
        stop.wait(PAUSE)


def _draw(world: World, sha256: str, kind: str, page: int) -> None:
    try:
        drawn(world, sha256, kind, page, LARGE)
    except ChildFailed as failed:
        log.warning("page cannot be drawn", sha256=sha256, page=page, error=str(failed))


def _wanted(world: World, seen: dict[int, str]) -> Iterator[tuple[str, str, int]]:
    """(sha256, type, page) of the cases that people look at next and that changed since the last look."""
    with world.store.reading() as tx:
        lines = [
            n for n in queue.lines(tx, (CHECKED_BY_PERSON, FORWARDED), limit=CASES) if seen.get(n.id) != n.changed_at
        ]
        found = [(mails.attachments(tx, n.id), mails.newest_evidence(tx, n.id)) for n in lines]
    seen |= {n.id: n.changed_at for n in lines}
    for attachments, evidence in found:
        types = {a.sha256: a.type for a in attachments if a.type in PICTURED}
        pages = [(d.sha256, n) for d in evidence.documents for n in d.pages if d.sha256 in types] if evidence else []
        yield from ((sha256, types[sha256], number) for sha256, number in pages[:PAGES])
