"""The three items of SOP step 3 as a list of what is met, unsure or missing, each with its place on the scan."""

from __future__ import annotations

from dataclasses import dataclass

from mailbot.model import Document, Finding
from mailbot.replies.render import line
from mailbot.web import words
from mailbot.web.sheet import Place, Sheet, mark_place, place_of
from mailbot.work import World

LETTER, BASIS, DATA, FILES = "Surat permohonan", "SK / Surat Tugas / Surat Penunjukan", "Data personal", "Berkas"


@dataclass(frozen=True, slots=True)
class Item:
    """`state`: met, unsure, certain, note, or open (nothing known). `lines`: what the requester would read."""

    group: str
    label: str
    state: str
    lines: tuple[str, ...]
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Question:
    group: str
    label: str
    codes: tuple[str, ...]
    shown: str = ""  # the mark or fact of the letter that answers it


QUESTIONS = (
    Question(LETTER, "Surat permohonan ada", ("SURAT-TIDAK-ADA", "SURAT-BUKAN-PINDAIAN", "SURAT-NASKAH-BELUM-JADI", "SURAT-TIDAK-TERBACA")),
    Question(LETTER, "Ditujukan kepada Kepala LPSE", ("SURAT-TUJUAN",), "tujuan"),
    Question(LETTER, "Kop instansi", ("SURAT-KOP",), "kop"),
    Question(LETTER, "Nomor dan tanggal", ("SURAT-NOMOR",), "nomor"),
    Question(LETTER, "Tanda tangan", ("SURAT-TTD",), "tanda_tangan"),
    Question(LETTER, "Stempel basah atau TTE", ("SURAT-STEMPEL", "SURAT-TTE-CETAK"), "stempel"),
    Question(LETTER, "Maksud permohonan jelas", ("SURAT-MAKSUD",)),
    Question(BASIS, "SK terlampir dan utuh", ("SK-TIDAK-ADA", "SK-TIDAK-LENGKAP")),
    Question(BASIS, "SK masih berlaku", ("SK-TIDAK-BERLAKU",)),
    Question(BASIS, "SK memuat nama, NIP, peran", ("SK-NAMA", "SK-PERAN", "DATA-NIP-BEDA")),
)  # fmt: skip


def items(world: World, sheet: Sheet) -> list[Item]:
    """Every finding stands under exactly one item, so that none is lost."""
    asked = {code for q in QUESTIONS for code in q.codes}
    answered = [_answer(world, sheet, q) for q in QUESTIONS]
    rest = [f for f in sheet.verdict.findings if f.code not in asked]
    data = [f for f in rest if f.code.startswith("DATA-")]
    files = [f for f in rest if not f.code.startswith("DATA-")]
    known = "met" if sheet.people else "open"
    return [
        *answered,
        _item(world, DATA, "Delapan data setiap orang", data, known),
        _item(world, FILES, "Semua berkas dapat dibuka", files, "met"),
    ]


def _answer(world: World, sheet: Sheet, question: Question) -> Item:
    letter = letter_of(sheet)
    basis = next((d for d in sheet.evidence.documents if d.kind in world.sop.basis), None)
    known = "met" if (letter if question.group == LETTER else basis) else "open"
    found = [f for f in sheet.verdict.findings if f.code in question.codes]
    place = _place(sheet, letter, question.shown) if letter and question.shown else None
    if (
        letter
        and question.shown in words.MARKS
        and not found
        and getattr(letter, question.shown).state != "seen"
        and not letter.tte
    ):
        known = "open"
    return _item(world, question.group, question.label, found, known, place)


def _item(
    world: World, group: str, label: str, found: list[Finding], otherwise: str, place: Place | None = None
) -> Item:
    classes = {f.cls for f in found}
    state = next((c for c in ("certain", "unsure", "note") if c in classes), otherwise)
    said = tuple(dict.fromkeys(line(world.sop.code(f.code).line, dict(f.values)) for f in found))
    return Item(group, label, state, said, place)


def letter_of(sheet: Sheet) -> Document | None:
    return next((d for d in sheet.evidence.documents if d.kind == "surat_permohonan"), None)


def _place(sheet: Sheet, letter: Document, shown: str) -> Place | None:
    if shown in words.MARKS:
        return mark_place(sheet, letter, shown, words.MARKS[shown])
    found = getattr(letter.letter, shown)
    return place_of(sheet, shown, {"tujuan": "Tujuan", "nomor": "Nomor"}[shown], found, "sure")
