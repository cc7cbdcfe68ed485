"""Findings: a code of the SOP file with its class and what the reply line needs."""

from __future__ import annotations

from mailbot.model import Document, Finding, FindingClass, Found, Person
from mailbot.sop import Sop


def finding(sop: Sop, code: str, cls: FindingClass | None = None, *, about: str | None = None, file: str | None = None,
            page: int | None = None, **values: str) -> Finding:  # fmt: skip
    """`cls` None: the class of the SOP file."""
    return Finding(code, cls or sop.code(code).cls, about, file, page, tuple(sorted(values.items())))


def on_paper(sop: Sop, code: str, paper: Document, cls: FindingClass | None = None, *, about: str | None = None,
             **values: str) -> Finding:  # fmt: skip
    """A finding about a document, at its first page."""
    page = paper.pages[0] if paper.pages else None
    return finding(sop, code, cls, about=about, file=paper.file, page=page, nama_file=paper.file, **values)


def on_value(
    sop: Sop, code: str, person: Person, value: Found, cls: FindingClass | None = None, **values: str
) -> Finding:
    """A finding about a value of a person, at its place."""
    return finding(sop, code, cls, about=person.key, file=value.file, page=value.page, nama=shown(person), **values)


def shown(person: Person) -> str:
    """How a reply names a person."""
    return person.nama.value or person.key
