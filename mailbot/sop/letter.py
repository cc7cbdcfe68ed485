"""Rules about the surat permohonan: there, meant for LPSE, clear, with letterhead, signature and stamp (R-02 to R-04, R-07)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator

from rapidfuzz import fuzz

from mailbot.model import Document, Evidence, Finding, FindingClass, Person
from mailbot.parsers.joining import same_person
from mailbot.sop import Sop
from mailbot.sop.absence import missing
from mailbot.sop.finding import finding, on_paper, shown
from mailbot.sop.needs import letter_needed

EMPTY_FORM = "formulir kosong"
UNSIGNED = {"SURAT-BUKAN-PINDAIAN", "SURAT-NASKAH-BELUM-JADI", "SURAT-TTE-CETAK"}
_COUNT = re.compile(r"(?:sebanyak|sejumlah|atas|untuk)\s+(\d{1,2})\s*\(\s*\w+(?:\s+\w+)?\s*\)\s*orang", re.I)


def letters_of(evidence: Evidence) -> tuple[Document, ...]:
    """The letters that count. Beside a scan, the same letter as a text file is only a convenience."""
    every = tuple(d for d in evidence.documents if d.kind == "surat_permohonan")
    scans = [d for d in every if "SURAT-BUKAN-PINDAIAN" not in d.problems]
    return tuple(d for d in every if d in scans or not any(_covers(s, d) for s in scans))


def _covers(scan: Document, typed: Document) -> bool:
    return all(any(same_person(p, q) for q in scan.persons) for p in typed.persons)


def letter(evidence: Evidence, sop: Sop, today: dt.date) -> Iterator[Finding]:
    found = letters_of(evidence)
    yield from _unfinished(evidence, sop)
    if not found and not letter_needed(evidence, sop):
        return
    if not found:
        # a letter to LPSE that was not understood as the request may be it all the same
        # a paper with an addressee or a subject may be the letter, badly worded or sent to somebody else
        other = any(
            (d.kind == "lain" and (d.letter.tujuan.value or d.letter.perihal.value))
            or (d.kind == "data_personal" and accepted(d.letter.tujuan.value or "", sop))
            for d in evidence.documents
        )
        yield finding(sop, "SURAT-TIDAK-ADA", "unsure" if other else missing(evidence, sop), about="surat_permohonan")
        return
    for paper in found:
        yield from _one(paper, sop)
    yield from _purpose(evidence, found, sop)


def _unfinished(evidence: Evidence, sop: Sop) -> Iterator[Finding]:
    """Merge variables and forms that nobody filled in; handwriting may escape the reading of a scan."""
    whole = evidence.persons and all(p.nip.value and p.email.value and p.telepon.value for p in evidence.persons)
    for paper in evidence.documents:
        if "SURAT-NASKAH-BELUM-JADI" not in paper.problems:
            continue
        empty = paper.letter.placeholders == (EMPTY_FORM,)
        doubt = paper.photo or paper.quality < sop.min_quality or (empty and paper.read_by != "text")
        cls: FindingClass = "note" if empty and whole else "unsure" if doubt else "certain"
        yield on_paper(sop, "SURAT-NASKAH-BELUM-JADI", paper, cls, placeholder=", ".join(paper.letter.placeholders))


def _one(paper: Document, sop: Sop) -> Iterator[Finding]:
    for code in paper.problems:
        if code in ("SURAT-BUKAN-PINDAIAN", "SURAT-TTE-CETAK"):
            # signature and stamp on a page that no scanner has seen: pasted, or a scan that was converted
            inked = paper.tanda_tangan.state == "seen" or paper.stempel.state == "seen"
            yield on_paper(sop, code, paper, "unsure" if inked else None)
    if not paper.letter.nomor.value or not paper.letter.tanggal.value:
        yield on_paper(sop, "SURAT-NOMOR", paper)
    addressee = paper.letter.tujuan.value or ""
    if not accepted(addressee, sop) or _elsewhere(addressee, sop.office):
        yield on_paper(sop, "SURAT-TUJUAN", paper)
    if "nota_dinas" in paper.parts:
        yield on_paper(sop, "SURAT-KOP", paper, "unsure")
    if paper.unsure or paper.quality < sop.min_quality:
        yield on_paper(sop, "SURAT-TIDAK-TERBACA", paper, "unsure", hal=", ".join(map(str, paper.pages)))


def _purpose(evidence: Evidence, letters: tuple[Document, ...], sop: Sop) -> Iterator[Finding]:
    """For whom, and what: a person without a clear role or action is never complete."""
    named = [p for d in letters for p in d.persons]
    for person in evidence.persons:
        surplus = named and not any(same_person(person, p) for p in named)
        if not (person.tindakan and person.peran) or surplus or _contradicted(person, evidence):
            yield finding(
                sop,
                "SURAT-MAKSUD",
                "unsure",
                about=person.key,
                file=letters[0].file,
                page=letters[0].pages[0],
                nama=shown(person),
            )
    if not evidence.persons and not letters[0].letter.tindakan:
        yield on_paper(sop, "SURAT-MAKSUD", letters[0])
    claimed = [int(m.group(1)) for d in letters for file, page, text in evidence.texts
               if file == d.file and page in d.pages and (m := _COUNT.search(" ".join(text.split())))]  # fmt: skip
    if claimed and sum(claimed) != len(evidence.persons):
        yield on_paper(sop, "SURAT-MAKSUD", letters[0], "unsure")


def _contradicted(person: Person, evidence: Evidence) -> bool:
    """A form asks for the same person in another role, or to close what the letter asks to open."""
    forms = [p for d in evidence.documents if d.kind == "data_personal" for p in d.persons if same_person(person, p)]
    return any(
        (p.peran and p.peran != person.peran) or (p.tindakan == "penonaktifan" != person.tindakan) for p in forms
    )


def accepted(text: str, sop: Sop) -> bool:
    return any(fuzz.partial_ratio(a, text.lower()) >= 88 for a in sop.addressees if len(text) >= len(a))


_PLACE = re.compile(r"\b(kabupaten|kab\.?|kota|provinsi|prov\.?|propinsi)\s+([a-z]+(?: [a-z]+)?)", re.IGNORECASE)


def _elsewhere(addressee: str, office: str) -> bool:
    """The LPSE of another place: Kota and Kabupaten of one name are two places."""
    theirs, ours = _PLACE.search(addressee), _PLACE.search(office)
    if not theirs or not ours:
        return False
    level = [m.group(1)[:3].lower() for m in (theirs, ours)]
    place = [m.group(2).lower() for m in (theirs, ours)]
    return level[0] != level[1] or fuzz.partial_ratio(*place) < 75


def marks(evidence: Evidence, sop: Sop, today: dt.date) -> Iterator[Finding]:
    """Kop, signature and stamp of the letter: seen, or a person looks. A verified TTE stands for ink (A-09)."""
    for paper in letters_of(evidence):
        if UNSIGNED & set(paper.problems):
            continue
        if paper.kop.state != "seen" and "nota_dinas" not in paper.parts:
            yield on_paper(sop, "SURAT-KOP", paper)
        if sop.accept_tte and paper.tte and paper.tte.intact and paper.tte.trusted:
            continue
        if paper.tanda_tangan.state != "seen":
            yield on_paper(sop, "SURAT-TTD", paper)
        if paper.stempel.state != "seen":
            yield on_paper(sop, "SURAT-STEMPEL", paper)
