"""Formulir Serah Terima Berkas (DOMAIN.md 6A): what stands on it, and its PDF. Empty values are filled in by hand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mailbot.paper import Kop, logo_of, page, pdf

Spoken = dict[str, str]  # hari, tanggal, jam, zona of sop.clock.spoken


@dataclass(frozen=True, slots=True)
class FileLine:
    """One received file (R-12). `kind` and `pages` stay empty until it was read."""

    name: str
    size: str
    sha256: str
    kind: str = ""
    pages: str = ""
    round: int = 1


@dataclass(frozen=True, slots=True)
class Check:
    """One row of section B. `there`: True ticks Ada, False ticks Tidak, None leaves both to the officer."""

    label: str
    there: bool | None
    note: str = ""
    level: int = 1


@dataclass(frozen=True, slots=True)
class PersonRow:
    """A requested person: which of the SOP's personal data are there."""

    name: str
    nip: str
    role: str
    action: str
    ticks: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Section C of one round; `complete` None: not decided yet."""

    round: int
    complete: bool | None = None
    at: Spoken | None = None
    by: str = ""
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Acted:
    """Sections D and E for one person."""

    name: str
    action: str
    user_id: str = ""
    result: str = ""
    at: str = ""
    by: str = ""
    handed_at: str = ""
    handed_to: str = ""
    handed_how: str = ""


@dataclass(frozen=True, slots=True)
class Filing:
    """Section F."""

    code: str = ""
    place: str = ""
    printed_by: str = ""
    printed_at: str = ""
    kept_until: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    number: str
    sop: str
    received: Spoken
    channel: str  # email | langsung | tts
    ticket: str = ""
    kinds: frozenset[str] = frozenset()  # baru | kembali | penonaktifan
    instansi: str = ""
    sender: str = ""
    contact: str = ""
    letter: str = ""  # number and date
    subject: str = ""
    people_count: int = 0
    files: tuple[FileLine, ...] = ()
    checks: tuple[Check, ...] = ()
    fields: tuple[str, ...] = ()  # labels of the columns of `people`
    people: tuple[PersonRow, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    acted: tuple[Acted, ...] = ()
    filing: Filing = Filing()
    receiver: str = ""
    mail_proof: str = ""  # date and Message-ID of the mail that stands for the signature of the sender


def html(form: Form, kop: Kop, override: Path | None = None) -> str:
    return page("serah_terima.html", {"f": form, "kop": kop}, override)


def to_pdf(form: Form, kop: Kop, override: Path | None = None) -> bytes:
    return _printed(html(form, kop, override), kop)


@lru_cache(maxsize=8)
def _printed(text: str, kop: Kop) -> bytes:
    """Intake makes the form before it takes the write lock and finds it here again within (0.1 s of rendering)."""
    return pdf(text, logo_of(kop))
