"""Stacks of pages -> documents: where one begins, of which kind it is, what is wrong with it. Pure.

Exactly one kind wins a page, or the document is unsure (STYLE rule 11).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from mailbot.model import BASIS_KINDS, Document, FileReading, Letter, Mark, PageReading
from mailbot.parsers import facts, kinds
from mailbot.parsers.kinds import Kind
from mailbot.parsers.rows import relined

ESIGN = re.compile(
    r"ditandatangani\s+secara\s+elektronik|sertifikat\s+elektronik|\bbsre\b|balai\s+(?:besar\s+)?sertifikasi\s+elektronik",
    re.I,
)
EMPTY_FORM = "formulir kosong"
PICTURES = frozenset({"jpeg", "heic", "webp"})


def documents(readings: tuple[FileReading, ...], today: dt.date) -> tuple[Document, ...]:
    """The documents of all files, in order. A file that could not be read is one document with its problem."""
    return tuple(d for reading in readings for d in _of_file(reading))


def _of_file(reading: FileReading) -> Iterator[Document]:
    used = [replace(p, lines=relined(p)) for p in reading.pages if not p.blank]
    if reading.problem or not used:
        problem = reading.problem or "FILE-RUSAK"
        yield Document(
            reading.file, reading.sha256, tuple(p.number for p in reading.pages), "lain", "none", problems=(problem,)
        )
        return
    for kind, pages in stacks(used):
        yield _document(reading, kind, pages)


def stacks(pages: Sequence[PageReading]) -> list[tuple[Kind, list[PageReading]]]:
    """Consecutive pages that belong together, each with the kind of the document."""
    out: list[tuple[Kind, list[PageReading]]] = []
    for page in pages:
        kind = kinds.of_page(page)
        if not out or _begins(kind, page, *out[-1]):
            out.append((kind, [page]))
        else:
            before, stack = out[-1]
            out[-1] = (_surer(before, kind), [*stack, page])
    return out


def _begins(kind: Kind, page: PageReading, before: Kind, stack: Sequence[PageReading]) -> bool:
    """A page that opens a document of its own: not an annex, no repeated heading of the paper before."""
    if kind.name == before.name and kind.name != "data_personal" and _same_number(page, stack[0]):
        return False
    if kind.opens:
        return True
    if kind.annex and before.name == "surat_permohonan":
        return False
    if kind.name in ("lain", before.name) and not (kind.name == before.name == "data_personal"):
        return False
    if kind.name == "data_personal":  # a form without a title stands alone once the paper before is signed
        return (
            before.name != "data_personal"
            and kinds.count_labels(page) >= 6
            and kinds.closed(stack)
            and kinds.starts_person(page)
        )
    if before.name == "lain" and not before.opens:  # its title could not be read: the annex says what it is
        return False
    return before.name != "surat_permohonan" and kind.name in BASIS_KINDS and not kind.unsure


def _same_number(page: PageReading, first: PageReading) -> bool:
    """The number of the paper is repeated at the head of its further pages and annexes."""
    numbers = [
        facts.number("", [(line, p.number) for line in p.lines[: kinds.TITLE_LINES]]).value for p in (page, first)
    ]
    return numbers[0] is not None and numbers[0] == numbers[1]


def _surer(before: Kind, more: Kind) -> Kind:
    """A fragment is what its next page says."""
    if before.unsure and before.name == more.name:
        return replace(before, unsure=more.unsure)
    return more if before.name == "lain" and not before.opens and more.name != "lain" else before


def _document(reading: FileReading, kind: Kind, pages: list[PageReading]) -> Document:
    text = "\n".join(p.text for p in pages)
    letter = facts.of(reading.file, pages, kind.name, text)
    empty = _is_blank(kind.name, pages)
    if empty:
        letter = replace(letter, placeholders=(EMPTY_FORM,))
    parts = kinds.parts_of(kind.name, pages) if kind.name in BASIS_KINDS else ("nota_dinas",) if kind.memo else ()
    scan = any(p.scan for p in pages)
    return Document(
        file=reading.file,
        sha256=reading.sha256,
        pages=tuple(p.number for p in pages),
        kind="lain" if empty else kind.name,
        read_by="ocr" if any(p.read_by == "ocr" for p in pages) else pages[0].read_by,
        letter=letter,
        kop=pages[0].kop,
        tanda_tangan=_best([p.tanda_tangan for p in pages]),
        stempel=_best([p.stempel for p in pages]),
        tte=reading.tte,
        quality=_quality(pages),
        scan=scan,
        unsure=kind.unsure,
        complete=kind.name not in BASIS_KINDS or {"penetapan", "tanda_tangan"} <= set(parts),
        photo=any(p.photo for p in pages) or reading.type in PICTURES,
        parts=parts,
        problems=tuple(_problems(reading, kind.name, letter, text, pages, empty)),
    )


def _quality(pages: Sequence[PageReading]) -> float:
    """Of the worst page; a page with a few clear words, such as a list of copies, tells nothing against the others."""
    telling = [p.quality for p in pages if not _few_clear_words(p)]
    return min(telling) if telling else min(p.quality for p in pages)


def _few_clear_words(page: PageReading) -> bool:
    words = [w for line in page.lines for w in line.words]
    return len(words) < 30 and bool(words) and sum(w.confidence for w in words) / len(words) > 0.75


def _best(marks: Sequence[Mark]) -> Mark:
    order = ("seen", "cannot_judge", "not_found")
    return min(marks, key=lambda m: (order.index(m.state), -m.confidence))


def _is_blank(kind: str, pages: Sequence[PageReading]) -> bool:
    """A form or template in which nobody has written anything: five labels and more, and no value."""
    if kind not in ("data_personal", "surat_permohonan"):
        return False
    return facts.labels_without_values(pages) >= 5


def _problems(
    reading: FileReading, kind: str, letter: Letter, text: str, pages: Sequence[PageReading], empty: bool
) -> Iterator[str]:
    if any(p.problem for p in reading.pages):
        yield "FILE-RUSAK"
    if letter.placeholders:
        yield "SURAT-NASKAH-BELUM-JADI"
    if kind != "surat_permohonan" or empty:
        return
    if not any(p.scan for p in pages) and reading.tte is None:
        yield "SURAT-TTE-CETAK" if ESIGN.search(text) else "SURAT-BUKAN-PINDAIAN"
    elif reading.tte is None and ESIGN.search(text):
        yield "SURAT-TTE-CETAK"
