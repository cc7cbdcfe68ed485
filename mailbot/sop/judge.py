"""judge(evidence, sop) -> Verdict: every reason is collected, then the decision is taken once (DESIGN 1.3, 1.5).

A defect is certain only when the pages that would show it were read well; otherwise it is unsure and a person looks.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from mailbot.model import Decision, Document, Evidence, Finding, Verdict
from mailbot.parsers import asking
from mailbot.sop import Sop
from mailbot.sop.absence import file_problem, readable
from mailbot.sop.basis import basis
from mailbot.sop.finding import finding
from mailbot.sop.letter import letter, marks
from mailbot.sop.needs import documents
from mailbot.sop.personal import persons

REQUEST_WORDS = re.compile(
    r"spse|hak\s+akses|akun|user\s*id|aktif|ppk|pokja|pejabat\s+pengadaan|\bsk\b|surat\s+tugas", re.I
)
MATTER = re.compile(r"\bspse\b|\blpse\b|hak\s+akses|\bakun\b|user\s*id|\binaproc\b", re.I)
ASKS = re.compile(r"\bmohon\b|permohon|usul|mengajukan|terlampir|lampir|minta|bantu|kirim|sampaikan", re.I)
OTHER_SERVICE = re.compile(
    r"lupa\s+(?:kata|pass|user)|\breset\b|kata\s+sandi|password\s+salah|tidak\s+(?:bisa|dapat)\s+login|gagal\s+login"
    r"|perubahan\s+(?:satuan|satker|alamat|e-?mail|nomor)|(?:pindah|ganti|ubah)\s+(?:satker|e-?mail|satuan)", re.I,
)  # fmt: skip
OUTSIDE = re.compile(
    r"penyedia|rekanan|\bcv\.?\s|\bpt\.?\s|undangan|newsletter|buletin|berlangganan|tagihan|invoice|penawaran", re.I
)

Rule = Callable[[Evidence, Sop, dt.date], Iterable[Finding]]


def judge(evidence: Evidence, sop: Sop, today: dt.date) -> Verdict:
    """What the SOP says of this file on this day."""
    asked = is_request(evidence, sop)
    if asked is False:
        return Verdict("not_request")
    if asked is None:
        return Verdict("review", (finding(sop, "SURAT-MAKSUD", "unsure"), *files(evidence, sop, today)))
    found = tuple(dict.fromkeys(f for rule in RULES for f in rule(evidence, sop, today)))
    return Verdict(decision(found, sop), found)


def decision(findings: tuple[Finding, ...], sop: Sop) -> Decision:
    """A-05: only certain defects are returned by the machine; one doubt, and a person decides."""
    classes = {f.cls for f in findings}
    if not classes & {"certain", "unsure"}:
        return "complete"
    if sop.auto_return == "all" or (sop.auto_return == "certain" and "unsure" not in classes):
        return "incomplete"
    return "review"


# ------------------------------------------------------------------ is it a request at all


def is_request(evidence: Evidence, sop: Sop) -> bool | None:
    """Whether this mail asks for what the SOP offers: a paper or words that do. None: a person has to look."""
    if any(d.kind == "surat_permohonan" for d in evidence.documents):
        return True
    subjects = [d.letter.perihal.value or "" for d in evidence.documents if d.kind == "lain"]
    words = "\n".join((evidence.subject, evidence.body, *subjects))
    other = OTHER_SERVICE.search(words) is not None
    outside = other or (OUTSIDE.search(words) is not None and not asking.roles(words))
    if (asks(words) and not outside) or any(p.tindakan for p in evidence.persons):
        return True
    papers = [d for d in evidence.documents if d.kind == "data_personal" or (d.kind in sop.basis and d.letter.peran)]
    named = REQUEST_WORDS.search(words) is not None
    if outside and not papers:
        return False
    unclear = any(file_problem(d) or d.unsure or not readable(d, sop) or d.problems for d in evidence.documents)
    if papers or unclear:
        return True if named and not outside else None
    if any(d.kind in sop.basis for d in evidence.documents):
        return None
    return bool(evidence.links and named)


def asks(words: str) -> bool:
    """A sentence that asks for an account to be opened or closed."""
    return bool(asking.actions(words).actions and ASKS.search(words) and (MATTER.search(words) or asking.roles(words)))


# ------------------------------------------------------------------ files


def files(evidence: Evidence, sop: Sop, today: dt.date) -> Iterator[Finding]:
    """Files that could not be opened, links instead of files. Beside a whole set of papers they are only a doubt."""
    kinds = {d.kind for d in evidence.documents}
    whole = "surat_permohonan" in kinds and bool(kinds & set(sop.basis))
    for document in evidence.documents:
        for code in document.problems:
            if code.startswith("FILE-"):
                yield finding(sop, code, "unsure" if whole else None, file=document.file, nama_file=document.file)
    if evidence.links:
        yield finding(sop, "FILE-TAUTAN", "note" if whole else "certain")


RULES: tuple[Rule, ...] = (files, letter, marks, basis, documents, persons)


# ------------------------------------------------------------------ rounds


def with_rounds(new: tuple[Document, ...], old: tuple[Document, ...]) -> tuple[Document, ...]:
    """The union of two rounds (A-12): a new surat permohonan replaces the old one, broken old files are forgotten."""
    kinds = {d.kind for d in new}
    kept = tuple(d for d in old if not d.problems and not (d.kind == "surat_permohonan" and d.kind in kinds))
    return (*new, *kept)


def renumbered(documents: tuple[Document, ...], number: int) -> tuple[Document, ...]:
    return tuple(replace(d, round=number) for d in documents)
