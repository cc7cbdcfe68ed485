"""Which document is this page part of, and what does the document say. Pure: page readings in, documents out.

Exactly one kind wins a page, or the document is unsure (STYLE rule 11).
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from rapidfuzz import fuzz

from mailbot.model import MISSING, Document, FileReading, Found, Letter, Line, Mark, PageReading
from mailbot.parsers import indonesian

HEAD_LINES = 28
Score = dict[str, float]

# phrase -> (kind, weight); looked for in the head of the page, tolerant of OCR errors
HEAD_PHRASES: tuple[tuple[str, str, float], ...] = (
    ("surat perintah tugas", "surat_tugas", 3.0),
    ("surat tugas", "surat_tugas", 2.5),
    ("surat penunjukan", "surat_penunjukan", 3.0),
    ("lampiran keputusan", "surat_keputusan", 4.0),
    ("lampiran surat keputusan", "surat_keputusan", 4.0),
    ("formulir data personal", "data_personal", 4.0),
    ("data personal calon pengguna", "data_personal", 2.0),
    ("formulir data", "data_personal", 2.5),
)
BODY_PHRASES: tuple[tuple[str, str, float], ...] = (
    ("memutuskan", "surat_keputusan", 2.0),
    ("menetapkan", "surat_keputusan", 0.5),
    ("menimbang", "surat_keputusan", 1.0),
    ("mengingat", "surat_keputusan", 0.5),
    ("memerintahkan", "surat_tugas", 1.5),
    ("menugaskan", "surat_tugas", 1.5),
    ("dengan ini menunjuk", "surat_penunjukan", 2.0),
    ("hormat kami", "surat_permohonan", 0.3),
    ("kami mengajukan permohonan", "surat_permohonan", 1.5),
    ("surat permohonan ini", "surat_permohonan", 1.5),
    ("demikian", "surat_permohonan", 0.3),
)
SUBJECT = re.compile(r"^\W*(?:hal|perihal)\b\W*[:;.]?\s*(.*)$", re.I)
NUMBER = re.compile(r"^\W*(?:nomor|no\.?)\s*[:;.]?\s*(.*)$", re.I)
ADDRESSEE = re.compile(r"\b(?:yth|kepada)\b", re.I)
STOP = re.compile(r"^\W*(?:menimbang|mengingat|dasar)\b", re.I)
OPENING = re.compile(r"sehubungan|dengan\s+ini|dengan\s+hormat|bersama\s+ini|menindaklanjuti|berdasarkan", re.I)
ESIGN = re.compile(r"ditandatangani\s+secara\s+elektronik|sertifikat\s+elektronik|bsre\b", re.I)
DECREE_TITLE = re.compile(r"^\W*(?:surat\s+)?keputusan\b", re.I)
DATED = re.compile(r"ditetapkan\s+di|dikeluarkan\s+di|pada\s+tanggal", re.I)
OFFICE = re.compile(r"^\W*(?:dinas|badan|kecamatan|sekretariat|inspektorat|kantor|satuan polisi|rumah sakit|bagian)\b", re.I)


def documents(readings: tuple[FileReading, ...], today: dt.date) -> tuple[Document, ...]:
    """The documents of all files, in order. A file that could not be read is one document with its problem."""
    return tuple(d for reading in readings for d in _of_file(reading, today))


def _of_file(reading: FileReading, today: dt.date) -> Iterator[Document]:
    used = [p for p in reading.pages if not p.blank]
    if reading.problem or not used:
        problem = reading.problem or "FILE-RUSAK"
        yield Document(reading.file, reading.sha256, tuple(p.number for p in reading.pages), "lain", "none",
                       problems=(problem,))  # fmt: skip
        return
    starts = [i for i, p in enumerate(used) if i == 0 or _starts_document(p, used[i - 1])]
    for first, last in pairwise([*starts, len(used)]):
        yield _document(reading, used[first:last], today)


def _starts_document(page: PageReading, before: PageReading) -> bool:
    """A page that opens a document of its own: a kind in its head, and no sign that it continues the one before."""
    if _is_annex(page):
        return False
    kind, _ = kind_of(page.lines[:HEAD_LINES], page.text)
    return kind != "lain" and (page.kop.state == "seen" or _titled(page) or kind == "surat_permohonan")


def _is_annex(page: PageReading) -> bool:
    head = " ".join(line.text for line in page.lines[:6]).lower()
    return fuzz.partial_ratio("lampiran keputusan", head) >= 88 or fuzz.partial_ratio("lampiran surat", head) >= 92


def _titled(page: PageReading) -> bool:
    return any(DECREE_TITLE.match(line.text) or _phrase_hits([line.text]) for line in page.lines[:14])


def _phrase_hits(lines: Sequence[str]) -> list[tuple[str, float]]:
    text = [line.lower() for line in lines]
    return [(k, w) for phrase, k, w in HEAD_PHRASES if any(_says(t, phrase) for t in text)]


def _says(line: str, phrase: str) -> bool:
    """A title line: the phrase and little else."""
    return len(line) <= len(phrase) + 40 and fuzz.partial_ratio(phrase, line) >= 90 and len(line) >= len(phrase) - 1


def kind_of(head: Sequence[Line], text: str) -> tuple[str, bool]:
    """The kind and whether it is unsure: two kinds nearly alike, or hardly any sign."""
    score: Score = {}
    for kind, weight in _phrase_hits([line.text for line in head[:16]]):
        score[kind] = max(score.get(kind, 0.0), weight)
    lower = text.lower()
    for phrase, kind, weight in BODY_PHRASES:
        if phrase in lower:
            score[kind] = score.get(kind, 0.0) + weight
    if any(DECREE_TITLE.match(line.text) for line in head[:14]):
        score["surat_keputusan"] = score.get("surat_keputusan", 0.0) + 2.0
    score["surat_permohonan"] = score.get("surat_permohonan", 0.0) + _request_score(head, lower)
    ranked = sorted(score.items(), key=lambda kv: -kv[1])
    best, points = ranked[0]
    second = ranked[1][1] if len(ranked) > 1 else 0.0
    if points < 1.8:
        return "lain", points >= 1.2
    return best, points - second < 0.5


def _request_score(head: Sequence[Line], lower: str) -> float:
    """A letter to LPSE that asks for access: subject, addressee and the matter must meet."""
    points = 0.0
    subject = next((m.group(1) for line in head if (m := SUBJECT.match(line.text))), "")
    if re.search(r"permohonan|usul|aktif|akun|akses|user", subject, re.I):
        points += 1.5
    if any(ADDRESSEE.search(line.text) for line in head):
        points += 0.7
    matter = re.search(r"spse|hak\s+akses|\bakun\b|user\s*id|aktif", lower)
    return points + 1.0 if matter and points else points * 0.4


def _document(reading: FileReading, pages: list[PageReading], today: dt.date) -> Document:
    text = "\n".join(p.text for p in pages)
    kind, unsure = kind_of(pages[0].lines[:HEAD_LINES], text)
    letter = _facts(reading.file, pages, kind, text)
    scan = any(p.scan for p in pages)
    return Document(
        file=reading.file,
        sha256=reading.sha256,
        pages=tuple(p.number for p in pages),
        kind=kind,
        read_by="ocr" if any(p.read_by == "ocr" for p in pages) else pages[0].read_by,
        letter=letter,
        kop=pages[0].kop,
        tanda_tangan=_best([p.tanda_tangan for p in pages]),
        stempel=_best([p.stempel for p in pages]),
        tte=reading.tte,
        quality=min(p.quality for p in pages),
        scan=scan,
        unsure=unsure,
        complete=kind != "surat_keputusan" or bool(re.search(r"memutuskan|menetapkan|ditetapkan", text, re.I)),
        problems=tuple(_problems(reading, kind, letter, text, scan)),
    )


def _best(marks: Sequence[Mark]) -> Mark:
    order = ("seen", "cannot_judge", "not_found")
    return min(marks, key=lambda m: (order.index(m.state), -m.confidence))


def _problems(reading: FileReading, kind: str, letter: Letter, text: str, scan: bool) -> Iterator[str]:
    bad = [p for p in reading.pages if p.problem]
    if bad:
        yield "FILE-RUSAK"
    if letter.placeholders:
        yield "SURAT-NASKAH-BELUM-JADI"
    if kind != "surat_permohonan":
        return
    if not scan and reading.tte is None:
        yield "SURAT-TTE-CETAK" if ESIGN.search(text) else "SURAT-BUKAN-PINDAIAN"
    elif scan and reading.tte is None and ESIGN.search(text):
        yield "SURAT-TTE-CETAK"


# ------------------------------------------------------------------ facts


def _facts(file: str, pages: list[PageReading], kind: str, text: str) -> Letter:
    head = [(line, pages[0].number) for line in pages[0].lines]
    until = next((i for i, (line, _) in enumerate(head) if STOP.match(line.text)), len(head))
    head = head[: max(until, 6)]
    subject = _subject(file, head)
    scope = f"{subject.value or ''}\n{text}" if kind == "surat_permohonan" else text
    acts = indonesian.actions(subject.value or "")
    body = indonesian.actions(scope)
    until_date = indonesian.berlaku_sampai(text)
    return Letter(
        nomor=_number(file, head),
        tanggal=_date(file, head if kind == "surat_permohonan" else _closing(pages)),
        perihal=subject,
        tujuan=_addressee(file, head),
        instansi=_office(file, head),
        tahun_anggaran=indonesian.tahun_anggaran(text),
        berlaku_sampai=until_date.isoformat() if until_date else None,
        peran=indonesian.roles(subject.value or "") or indonesian.roles(text),
        tindakan=acts.actions or body.actions,
        kembali=acts.kembali or body.kembali,
        placeholders=indonesian.placeholders(text),
    )


def _found(file: str, page: int, line: Line, value: str | None) -> Found:
    return Found(value, line.text, line.confidence, file, page, line.box)


def _number(file: str, head: list[tuple[Line, int]]) -> Found:
    for line, page in head[:HEAD_LINES]:
        m = NUMBER.match(line.text)
        if m and (value := indonesian.clean_number(m.group(1))):
            return _found(file, page, line, value)
    return MISSING


def _date(file: str, lines: list[tuple[Line, int]]) -> Found:
    for line, page in lines:
        if day := indonesian.parse_date(line.text):
            return _found(file, page, line, day.isoformat())
    return MISSING


def _closing(pages: list[PageReading]) -> list[tuple[Line, int]]:
    """Where an SK or Surat Tugas dates itself: from "Ditetapkan di ... pada tanggal" on, never in its citations."""
    lines = [(line, p.number) for p in pages for line in p.lines]
    start = next((i for i, (line, _) in enumerate(lines) if DATED.search(line.text)), len(lines))
    return lines[start : start + 6]


def _subject(file: str, head: list[tuple[Line, int]]) -> Found:
    for i, (line, page) in enumerate(head[:HEAD_LINES]):
        m = SUBJECT.match(line.text)
        if m and m.group(1):
            more = [x.text for x, _ in head[i + 1 : i + 3] if x.box[0] > line.words[1].box[0] - 0.02 and not ADDRESSEE.search(x.text)]
            return _found(file, page, line, " ".join([m.group(1), *(t for t in more if len(line.words) > 1 and len(t) < 60)]))
    return MISSING


def _addressee(file: str, head: list[tuple[Line, int]]) -> Found:
    for i, (line, page) in enumerate(head[:HEAD_LINES]):
        if ADDRESSEE.search(line.text):
            block = [x.text for x, _ in head[i : i + 4]]
            end = next((n for n, t in enumerate(block) if n and OPENING.search(t)), len(block))
            text = " ".join(block[:end])
            return _found(file, page, line, re.sub(r"^.*?(?:Yth\.?|Kepada)\s*", "", text, count=1, flags=re.I)[:160])
    return MISSING


def _office(file: str, head: list[tuple[Line, int]]) -> Found:
    for line, page in head[:6]:
        if OFFICE.match(line.text):
            return _found(file, page, line, line.text.strip())
    return MISSING
