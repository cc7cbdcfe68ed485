"""The print bundle of a case: cover, form with checklist, mails, every attachment in order, pages numbered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mailbot.paper import Kop, logo_of, page, pdf
from mailbot.paper.form import Form


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail as it is printed. `at` is spoken; `body` is its plain text."""

    at: str
    sender: str
    subject: str
    message_id: str
    round: int
    body: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """An attachment: pictures of its pages (name, JPEG), or its text, or the reason why neither is there."""

    number: int
    name: str
    sha256: str
    size: str
    round: int
    signed: bool
    pictures: tuple[tuple[str, bytes], ...] = ()
    text: str = ""
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Bundle:
    form: Form
    letters: tuple[Letter, ...]
    sheets: tuple[Sheet, ...]


def to_pdf(bundle: Bundle, kop: Kop, pictures: Mapping[str, bytes], override: Path | None = None) -> bytes:
    values = {"f": bundle.form, "surat": bundle.letters, "lampiran": bundle.sheets, "kop": kop}
    return pdf(page("bundel.html", values, override), {**pictures, **logo_of(kop)})
