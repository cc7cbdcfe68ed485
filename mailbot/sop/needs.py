"""What the SOP asks of the requests in a file; it may differ by role and action (A-06)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from mailbot.model import Document, Evidence, Finding, Person
from mailbot.sop import LETTER, Need, Sop
from mailbot.sop.absence import missing
from mailbot.sop.finding import finding


def needs(evidence: Evidence, sop: Sop) -> tuple[Need, ...]:
    """Once per different need of the persons; the common one where nobody is known yet."""
    return tuple(dict.fromkeys(need_of(p, sop) for p in evidence.persons)) or (sop.common,)


def need_of(person: Person, sop: Sop) -> Need:
    return sop.need(person.peran, person.tindakan)


def accepted(papers: tuple[Document, ...], need: Need) -> tuple[Document, ...]:
    return tuple(d for d in papers if d.kind in need.basis)


def letter_needed(evidence: Evidence, sop: Sop) -> bool:
    return any(LETTER in need.documents for need in needs(evidence, sop))


def documents(evidence: Evidence, sop: Sop, today: dt.date) -> Iterator[Finding]:
    """Further papers that the SOP demands besides letter and basis."""
    there = {LETTER, *(d.kind for d in evidence.documents)}
    for kind in dict.fromkeys(k for need in needs(evidence, sop) for k in need.documents if k not in there):
        yield finding(sop, "DOKUMEN-TIDAK-ADA", missing(evidence, sop), about=kind, jenis=sop.kinds[kind])
