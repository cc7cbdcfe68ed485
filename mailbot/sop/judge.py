"""judge(evidence, sop) -> Verdict: every reason is collected, then the decision is taken once (DESIGN 1.3, 1.5).

A defect is certain only when the pages that would show it were read well; otherwise it is unsure and a person looks.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from rapidfuzz import fuzz

from mailbot.model import Decision, Document, Evidence, Finding, FindingClass, Person, Verdict
from mailbot.parsers.indonesian import name_key, parse_nip
from mailbot.sop import Sop

REQUEST_WORDS = re.compile(r"spse|hak\s+akses|akun|user\s*id|aktif|ppk|pokja|pejabat\s+pengadaan|\bsk\b|surat\s+tugas", re.I)
ACTION_WORDS = re.compile(r"(permohon|mohon|usul|terlampir).{0,80}(aktif|akun|hak\s+akses|user)|(peng|non)[\s-]?aktif", re.I | re.S)

Rule = Callable[[Evidence, Sop, dt.date], Iterable[Finding]]


def judge(evidence: Evidence, sop: Sop, today: dt.date) -> Verdict:
    """What the SOP says of this file on this day."""
    if not is_request(evidence):
        return Verdict("not_request")
    findings = tuple(dict.fromkeys(f for rule in RULES for f in rule(evidence, sop, today)))
    return Verdict(decision(findings, sop), findings)


def decision(findings: tuple[Finding, ...], sop: Sop) -> Decision:
    """A-05: only certain defects are returned by the machine; one doubt, and a person decides."""
    classes = {f.cls for f in findings}
    if not classes & {"certain", "unsure"}:
        return "complete"
    if sop.auto_return == "all" or (sop.auto_return == "certain" and "unsure" not in classes):
        return "incomplete"
    return "review"


def is_request(evidence: Evidence) -> bool:
    """Whether this mail asks for what the SOP offers: a paper that fits, or words that ask for it with files or links."""
    if any(d.kind != "lain" for d in evidence.documents):
        return True
    words = f"{evidence.subject}\n{evidence.body}"
    if evidence.documents or evidence.links:
        return bool(REQUEST_WORDS.search(words)) or any(d.problems or d.unsure for d in evidence.documents)
    return bool(ACTION_WORDS.search(words))


def letter_of(evidence: Evidence) -> Document | None:
    """The surat permohonan that counts: the newest."""
    return next((d for d in evidence.documents if d.kind == "surat_permohonan"), None)


def basis_of(evidence: Evidence, sop: Sop) -> tuple[Document, ...]:
    return tuple(d for d in evidence.documents if d.kind in sop.basis)


def well_read(evidence: Evidence, sop: Sop) -> bool:
    """Every page of every attachment was read well and has one clear kind, so absence is certain (DESIGN 1.5)."""
    return all(d.quality >= sop.min_quality and not d.unsure for d in evidence.documents if not d.problems)


def _finding(sop: Sop, code: str, cls: FindingClass | None = None, **values: str) -> Finding:
    about, file = values.pop("about", None), values.pop("file", None)
    return Finding(code, cls or sop.code(code).cls, about, file, None, tuple(sorted(values.items())))


def files(evidence: Evidence, sop: Sop, today: dt.date) -> Iterator[Finding]:
    """Files that could not be opened, links instead of files."""
    for document in evidence.documents:
        for code in document.problems:
            if code.startswith("FILE-"):
                yield _finding(sop, code, file=document.file, nama_file=document.file)
    if evidence.links:
        # a link beside a complete set of files is only remarkable; without files it is the defect
        cls: FindingClass = "note" if letter_of(evidence) and basis_of(evidence, sop) else "certain"
        yield _finding(sop, "FILE-TAUTAN", cls)


def letter(evidence: Evidence, sop: Sop, today: dt.date) -> Iterator[Finding]:
    found = letter_of(evidence)
    if found is None:
        yield _finding(sop, "SURAT-TIDAK-ADA", None if well_read(evidence, sop) else "unsure", about="surat_permohonan")
        return
    for code in found.problems:
        if not code.startswith("FILE-"):
            value = ", ".join(found.letter.placeholders)
            yield _finding(sop, code, file=found.file, nama_file=found.file, placeholder=value)
    if not found.letter.nomor.value or not found.letter.tanggal.value:
        yield _finding(sop, "SURAT-NOMOR", file=found.file)
    if not _accepted_addressee(found.letter.tujuan.value or "", sop):
        yield _finding(sop, "SURAT-TUJUAN", file=found.file)
    # a person without a clear role or action is never complete
    if any(not (p.tindakan and p.peran) for p in evidence.persons) or not (evidence.persons or found.letter.tindakan):
        yield _finding(sop, "SURAT-MAKSUD", file=found.file)
    if found.unsure:
        yield _finding(sop, "SURAT-TIDAK-TERBACA", "unsure", file=found.file, nama_file=found.file, hal=_pages(found))


def _accepted_addressee(text: str, sop: Sop) -> bool:
    return any(fuzz.partial_ratio(a, text.lower()) >= 88 for a in sop.addressees if len(text) >= len(a))


def _pages(document: Document) -> str:
    return ", ".join(map(str, document.pages))


def marks(evidence: Evidence, sop: Sop, today: dt.date) -> Iterator[Finding]:
    """Kop, signature and stamp of the letter: seen, or a person looks. A verified TTE stands for ink."""
    found = letter_of(evidence)
    if found is None or {"SURAT-BUKAN-PINDAIAN", "SURAT-NASKAH-BELUM-JADI"} & set(found.problems):
        return
    if found.kop.state != "seen":
        yield _finding(sop, "SURAT-KOP", file=found.file)
    if sop.accept_tte and found.tte and found.tte.intact and found.tte.trusted:
        return
    if found.tanda_tangan.state != "seen":
        yield _finding(sop, "SURAT-TTD", file=found.file)
    if found.stempel.state != "seen":
        yield _finding(sop, "SURAT-STEMPEL", file=found.file)


def basis(evidence: Evidence, sop: Sop, today: dt.date) -> Iterator[Finding]:
    """SK / Surat Tugas / Surat Penunjukan: present, in force, names the persons in their role."""
    papers = basis_of(evidence, sop)
    if not papers:
        cls: FindingClass | None = None if well_read(evidence, sop) else "unsure"
        yield _finding(sop, "SK-TIDAK-ADA", cls, about="surat_keputusan", peran=_roles(evidence, sop))
        return
    for paper in papers:
        yield from _validity(paper, sop, today)
    for person in evidence.persons:
        yield from _in_basis(person, papers, sop)


def _roles(evidence: Evidence, sop: Sop) -> str:
    roles = {p.peran for p in evidence.persons if p.peran} or set(evidence.letter.peran)
    return ", ".join(sorted(sop.roles[r] for r in roles)) or "PPK/Anggota Pokja/Pejabat Pengadaan"


def _validity(paper: Document, sop: Sop, today: dt.date) -> Iterator[Finding]:
    year, until = paper.letter.tahun_anggaran, paper.letter.berlaku_sampai
    common = {"about": paper.kind, "file": paper.file, "jenis": sop.kinds[paper.kind]}
    if (until and until < today.isoformat()) or (not until and year and year < today.year):
        span = until or f"Tahun Anggaran {year}"
        yield _finding(sop, "SK-TIDAK-BERLAKU", nomor=paper.letter.nomor.value or "-", masa=span, **common)
    if not paper.complete or paper.unsure:
        yield _finding(sop, "SK-TIDAK-LENGKAP", **common)


def _in_basis(person: Person, papers: tuple[Document, ...], sop: Sop) -> Iterator[Finding]:
    named = [(p, d) for d in papers for p in d.persons if same_person(person, p)]
    nama = person.nama.value or person.key
    common = {"about": person.key, "nama": nama, "jenis": sop.kinds[papers[0].kind]}
    if not named:
        yield _finding(sop, "SK-NAMA", **common)
        return
    nips = {p.nip.value for p, _ in named if p.nip.value}
    if person.nip.value and nips and person.nip.value not in nips:
        yield _finding(sop, "DATA-NIP-BEDA", **common)
    roles = {r for p, d in named for r in ((p.peran,) if p.peran else d.letter.peran) if r}
    if person.peran and roles and person.peran not in roles:
        said = ", ".join(sorted(sop.roles[r] for r in roles))
        yield _finding(sop, "SK-PERAN", peran_sk=said, peran_mohon=sop.roles[person.peran], **common)


def same_person(one: Person, other: Person) -> bool:
    if one.nip.value and one.nip.value == other.nip.value:
        return True
    keys = [name_key(p.nama.value) if p.nama.value else "" for p in (one, other)]
    return bool(all(keys) and fuzz.ratio(*keys) >= 88)


def persons(evidence: Evidence, sop: Sop, today: dt.date) -> Iterator[Finding]:
    """The eight fields of each person, well-formed, and each NIP read alike by two independent engines."""
    if not evidence.persons and letter_of(evidence):
        yield _finding(sop, "DATA-TIDAK-ADA")
    for person in evidence.persons:
        yield from _empty(person, evidence, sop)
        yield from _malformed(person, sop, today)
    yield from _shared_emails(evidence.persons, sop)


def _empty(person: Person, evidence: Evidence, sop: Sop) -> Iterator[Finding]:
    certain = well_read(evidence, sop)
    nama = person.nama.value or person.key
    for name, found in person.fields():
        if name in sop.fields and not found.value:
            # something stands there that could not be understood: a person reads it
            cls: FindingClass = "certain" if certain and not found.raw.strip() else "unsure"
            code = f"DATA-{name.upper().replace('_', '-')}"
            yield Finding(code, cls, person.key, None, None, (("label", sop.fields[name]), ("nama", nama)))


def _malformed(person: Person, sop: Sop, today: dt.date) -> Iterator[Finding]:
    values = {"about": person.key, "nama": person.nama.value or person.key}
    nip = person.nip
    if (nip.value and (parse_nip(nip.value, today).problems or nip.agreed is False)) or (nip.value and nip.agreed is None and nip.confidence < 1.0):
        yield _finding(sop, "DATA-NIP-SALAH", file=nip.file or "", **values)
    # an address has no checksum: one engine alone is silently wrong too often (READING.md 4)
    if person.telepon.value and person.telepon.agreed is False:
        label = (("label", sop.fields["telepon"]), ("nama", values["nama"]))
        yield Finding("DATA-TELEPON", "unsure", person.key, person.telepon.file, person.telepon.page, label)
    if person.email.value and (person.email.agreed is False or (person.email.agreed is None and person.email.confidence < 1.0)):
        yield _finding(sop, "DATA-EMAIL-SALAH", "unsure", file=person.email.file or "", **values)


def _shared_emails(people: tuple[Person, ...], sop: Sop) -> Iterator[Finding]:
    emails = [p.email.value for p in people if p.email.value]
    for person in people:
        if person.email.value and emails.count(person.email.value) > 1:
            yield _finding(sop, "DATA-EMAIL-GANDA", about=person.key, nama=person.nama.value or person.key)


RULES: tuple[Rule, ...] = (files, letter, marks, basis, persons)


def with_rounds(new: tuple[Document, ...], old: tuple[Document, ...]) -> tuple[Document, ...]:
    """The union of two rounds (A-12): a new surat permohonan replaces the old one, broken old files are forgotten."""
    kinds = {d.kind for d in new}
    kept = tuple(d for d in old if not d.problems and not (d.kind == "surat_permohonan" and d.kind in kinds))
    return (*new, *kept)


def renumbered(documents: tuple[Document, ...], number: int) -> tuple[Document, ...]:
    return tuple(replace(d, round=number) for d in documents)
