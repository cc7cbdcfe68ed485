"""Submission -> Evidence: the only entrance to reading. What reads pages is imported by whoever reads pages."""

from __future__ import annotations

import datetime as dt
import os
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path

from mailbot.model import Attachment, Document, Evidence, FileReading, Letter, PageReading, Submission, Tte
from mailbot.parsers import child, confined, office, picture

MAX_PAGES = 60
PAGE_SECONDS = 90.0
UNDERSTAND_SECONDS = 120.0
OFFICE_TYPES = ("docx", "xlsx", "text")

Keep = Callable[[str, int, list[bytes]], None]  # takes the pictures of a page: hash of the file, page, JPEG bytes

_pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 2, thread_name_prefix="page")


def loaded() -> None:
    """In the fork server for pages: libraries and models are loaded here once, and inherited by every child."""
    from mailbot.parsers import pages

    pages.warm()
    confined.learn(int, PageReading, tuple[PageReading, ...], tuple[Tte, ...], Evidence)


def read(mail: Submission, today: dt.date, anchors: tuple[str, ...] = (), keep: Keep | None = None) -> Evidence:
    """All documents, persons and facts of one mail. Identical attachments are read once; pages run in parallel.

    The texts are as hostile as the files: they are understood in a child too, or one mail could stop the whole service
    for minutes. Raises child.ChildFailed.
    `anchors`: files with root certificates against which electronic signatures are judged.
    `keep`: takes the pictures of each page; called by several threads.
    """
    unique = {a.sha256: a for a in mail.attachments if not ignorable(a)}
    readings = tuple(read_files(unique.values(), anchors, keep))
    return child.run(
        understand, mail, readings, today, result=Evidence, limits=child.Limits(seconds=UNDERSTAND_SECONDS)
    )


def ignorable(attachment: Attachment) -> bool:
    """Parts that never carry a document: signatures of mail programs, calendars, HTML copies."""
    return attachment.type in ("ics", "html") or attachment.name.lower().endswith((".p7s", ".asc", ".vcf"))


def read_files(
    attachments: Iterable[Attachment], anchors: tuple[str, ...] = (), keep: Keep | None = None
) -> list[FileReading]:
    """One reading per attachment, in order; safe to be called by several threads, whose pages share the cores."""
    attachments = tuple(attachments)
    counts = _counts([a for a in attachments if not a.problem and a.type not in OFFICE_TYPES])
    started = [(a, _start(a, counts.get(a.sha256, 0), keep)) for a in attachments]
    return [_assembled(a, start, anchors) for a, start in started]


def _counts(attachments: Sequence[Attachment]) -> dict[str, int | str]:
    """Pages of each file, or its FILE-* code. One child counts them all, for a child costs more than the counting;
    where one file brings it down, each gets a child of its own."""
    if not attachments:
        return {}
    told = tuple((a.path, a.type) for a in attachments)
    try:
        found = _limited(picture.counts, attachments, told, result=tuple[int | str, ...])
    except child.ChildFailed as failure:
        if len(attachments) > 1:
            return {sha256: count for a in attachments for sha256, count in _counts([a]).items()}
        found = (failure.code or "FILE-RUSAK",)
    return {a.sha256: count for a, count in zip(attachments, found, strict=True)}


def _start(attachment: Attachment, count: int | str, keep: Keep | None) -> object:
    """Submits the pages of a file to the pool; a FILE-* code where it cannot be opened."""
    if attachment.problem:
        return attachment.problem
    if attachment.type in OFFICE_TYPES:
        return [_pool.submit(copy_context().run, _office, attachment)]
    if isinstance(count, str):
        return count
    if count > MAX_PAGES:
        return "FILE-BESAR"
    return [_pool.submit(copy_context().run, _page, attachment, number, keep) for number in range(1, count + 1)]


def _assembled(attachment: Attachment, started: object, anchors: tuple[str, ...]) -> FileReading:
    name, kind = attachment.name, attachment.type
    if isinstance(started, str):
        return FileReading(name, attachment.sha256, kind, problem=started)
    assert isinstance(started, list)
    results = [future.result() for future in started]
    found = tuple(page for result in results for page in result)
    broken = next((p.problem for p in found if p.problem and p.problem.startswith("FILE-")), None)
    if broken and all(p.problem for p in found):
        return FileReading(name, attachment.sha256, kind, problem=broken)
    return FileReading(name, attachment.sha256, kind, found, _signature(attachment, anchors))


def _office(attachment: Attachment) -> tuple[PageReading, ...]:
    try:
        args = (attachment.path, attachment.type)
        found: tuple[PageReading, ...] = _limited(
            office.office_pages, [attachment], *args, result=tuple[PageReading, ...]
        )
        return found
    except child.ChildFailed as failure:
        return (PageReading(1, "none", problem=failure.code or "FILE-RUSAK"),)


def _page(attachment: Attachment, number: int, keep: Keep | None) -> tuple[PageReading, ...]:
    args = (attachment.path, attachment.type, number)
    try:
        if keep is None:
            return (_limited(picture.read_page, [attachment], *args, result=PageReading),)
        with tempfile.TemporaryDirectory(prefix=picture.SCRATCH) as scratch:
            reading = _confined(picture.read_page, [attachment], scratch, *args, scratch, result=PageReading)
            keep(attachment.sha256, number, picture.taken(scratch, number))
        return (reading,)
    except child.ChildFailed as failure:
        return (PageReading(number, "none", problem=failure.code or "FILE-RUSAK"),)


def _signature(attachment: Attachment, anchors: tuple[str, ...]) -> Tte | None:
    """Only files that hold an open /ByteRange can be signed: the search spares most files a child."""
    if attachment.type != "pdf" or b"/ByteRange" not in Path(attachment.path).read_bytes():
        return None
    try:
        found = _limited(validated, [attachment], attachment.path, anchors, reads=anchors, result=tuple[Tte, ...])
    except child.ChildFailed:
        return None
    return found[0] if found else None


def validated(path: str, anchors: tuple[str, ...]) -> tuple[Tte, ...]:
    from mailbot.parsers import tte

    found = tte.read(path, anchors)
    return (found,) if found else ()


def _limited(function, files: Sequence[Attachment], *args: object, result, reads=()):  # type: ignore[no-untyped-def]
    with tempfile.TemporaryDirectory(prefix=picture.SCRATCH) as scratch:
        return _confined(function, files, scratch, *args, result=result, reads=reads)


def _confined(function, files: Sequence[Attachment], scratch: str, *args: object, result, reads=()):  # type: ignore[no-untyped-def]
    allowed = tuple(str(Path(path).resolve()) for path in (*(a.path for a in files), *reads))
    limits = child.Limits(seconds=PAGE_SECONDS, cpu_seconds=60, reads=allowed, scratch=scratch)
    return child.run(function, *args, result=result, limits=limits)


def understand(mail: Submission, readings: tuple[FileReading, ...], today: dt.date) -> Evidence:
    """Pages -> documents, persons, the letter that counts. Pure."""
    from mailbot.parsers import fields, letters

    documents = letters.documents(readings, today)
    found = tuple(_with_persons(d, readings, today) for d in documents)
    body = (office.text_page(mail.body),) if mail.body.strip() else ()
    page = Document("badan email", "", (1,), "data_personal", "text", quality=1.0)
    from_body = fields.persons_of(page, body, today) if body else ()
    letter = next((d.letter for d in found if d.kind == "surat_permohonan"), Letter())
    texts = tuple((r.file, p.number, p.text) for r in readings for p in r.pages)
    return Evidence(found, fields.join(found, from_body), letter, mail.body, mail.subject, mail.links, texts)


def _with_persons(document: Document, readings: tuple[FileReading, ...], today: dt.date) -> Document:
    from mailbot.parsers import fields

    own = next(r for r in readings if r.sha256 == document.sha256)
    numbers = tuple(p for p in own.pages if p.number in document.pages)
    return replace(document, persons=fields.persons_of(document, numbers, today))
