"""Rules about the personal data: the fields of each person, well-formed, and read alike wherever they stand (R-06)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator

from mailbot.model import Document, Evidence, Finding, FindingClass, Found, Person
from mailbot.parsers.indonesian import norm_phone, parse_email, parse_golongan, parse_nip
from mailbot.parsers.joining import same_person
from mailbot.sop import Sop
from mailbot.sop.absence import loose, unopened, well_read
from mailbot.sop.finding import finding, on_paper, on_value, shown
from mailbot.sop.needs import need_of

CODES = {"nip": "DATA-NIP-BEDA", "telepon": "DATA-TELEPON", "email": "DATA-EMAIL-SALAH"}


def persons(evidence: Evidence, sop: Sop, today: dt.date) -> Iterator[Finding]:
    lettered = any(d.kind == "surat_permohonan" for d in evidence.documents)
    if not evidence.persons and lettered:
        yield finding(sop, "DATA-TIDAK-ADA", about="data_personal")
    yield from _unread(evidence, sop)
    stray = loose(evidence)
    for person in evidence.persons:
        yield from _empty(person, evidence, sop, stray)
        yield from _malformed(person, sop, today)
        yield from _different(person, evidence.documents, sop)
        if person.nip.value and _twice(person, evidence):
            yield on_value(
                sop, "DATA-NIP-SALAH", person, person.nip, "unsure", alasan="dua orang dengan NIP atau nama yang sama"
            )
    yield from _shared_emails(evidence.persons, sop)


def _unread(evidence: Evidence, sop: Sop) -> Iterator[Finding]:
    """A form of which nobody was understood, or a paper too badly read to say what it is: somebody may be asked for there."""
    for paper in evidence.documents:
        if "SURAT-NASKAH-BELUM-JADI" in paper.problems:
            continue
        if paper.kind == "data_personal" and not paper.persons:
            yield on_paper(sop, "DATA-TIDAK-ADA", paper, "unsure")
        if paper.kind == "lain" and paper.read_by == "ocr" and paper.quality < sop.min_quality:
            yield on_paper(sop, "SURAT-TIDAK-TERBACA", paper, "unsure", hal=", ".join(map(str, paper.pages)))


def _empty(person: Person, evidence: Evidence, sop: Sop, stray: frozenset[str]) -> Iterator[Finding]:
    """A gap is certain when all was read well, and no value of the kind stands anywhere without an owner."""
    certain = well_read(evidence, sop) and bool(person.nama.value) and not _twice(person, evidence)
    numbers = bool(stray & {"nip", "telepon", "email"})  # somebody's data were not understood at all
    asked = need_of(person, sop).fields
    for name, found in person.fields():
        if name not in asked or found.value:
            continue
        doubt = found.raw.strip() or name in stray or numbers
        cls: FindingClass = "note" if unopened(evidence) else "certain" if certain and not doubt else "unsure"
        code = f"DATA-{name.upper().replace('_', '-')}"
        yield finding(sop, code, cls, about=person.key, label=sop.fields[name], nama=shown(person))


def _twice(person: Person, evidence: Evidence) -> bool:
    """Two persons of one NIP, or of one name: the rows of a table were not told apart."""
    asked = [p for p in evidence.persons if (p.peran, p.tindakan) == (person.peran, person.tindakan)]
    values = [(p.nip.value or "", p.nama.value or "") for p in asked if p is not person]
    return any((nip and nip == person.nip.value) or (nama and nama == person.nama.value) for nip, nama in values)


def _malformed(person: Person, sop: Sop, today: dt.date) -> Iterator[Finding]:
    """One engine alone is silently wrong too often (READING.md 4): what it read on a scan is only accepted when confirmed."""
    nip, phone, email = person.nip, person.telepon, person.email
    if nip.value and (problems := parse_nip(nip.value, today).problems):
        yield on_value(sop, "DATA-NIP-SALAH", person, nip, alasan="; ".join(problems))
    elif nip.value and unconfirmed(nip):
        yield on_value(sop, "DATA-NIP-SALAH", person, nip, "unsure", alasan="dua pembacaan berbeda")
    if phone.value and (norm_phone(phone.value) is None or phone.agreed is False):
        yield on_value(sop, "DATA-TELEPON", person, phone, "unsure", label=sop.fields.get("telepon", "No. telepon"))
    if email.value and ((read := parse_email(email.value)).value is None or read.suggestion or unconfirmed(email)):
        yield on_value(sop, "DATA-EMAIL-SALAH", person, email, "unsure")
    grade = person.pangkat_golongan
    if grade.value and (
        not parse_golongan(grade.value) or (grade.agreed is False and parse_golongan(grade.second or ""))
    ):
        yield on_value(
            sop,
            "DATA-PANGKAT-GOLONGAN",
            person,
            person.pangkat_golongan,
            "unsure",
            label=sop.fields["pangkat_golongan"],
        )
    rank = parse_golongan(person.pangkat_golongan.raw) if person.pangkat_golongan.value else None
    if rank and rank.mismatch:
        yield on_value(sop, "DATA-PANGKAT", person, person.pangkat_golongan, "note")


def unconfirmed(found: Found) -> bool:
    """Read from an image, and nothing independent says the same; or a value that held only after a repair."""
    return found.agreed is False or (found.agreed is None and found.confidence < 1.0)


def _different(person: Person, documents: tuple[Document, ...], sop: Sop) -> Iterator[Finding]:
    """Another paper of the requester gives another number or address; the SK's NIP is compared with the SK."""
    for document in documents:
        if document.kind not in ("data_personal", "surat_permohonan"):
            continue
        for other in document.persons:
            if not same_person(person, other):
                continue
            for name, code in CODES.items():
                own, theirs = getattr(person, name), getattr(other, name)
                if own.value and theirs.value and own.value != theirs.value and not _begun(own, theirs):
                    yield on_value(
                        sop,
                        code,
                        person,
                        theirs,
                        "unsure",
                        jenis=sop.kinds[document.kind],
                        label=sop.fields.get(name, name),
                    )


def _begun(own: Found, theirs: Found) -> bool:
    """The beginning of the same NIP, whose end an engine could not read."""
    return bool(own.agreed and theirs.agreed is not True) and (own.value or "").startswith(theirs.value or "-")


def _shared_emails(people: tuple[Person, ...], sop: Sop) -> Iterator[Finding]:
    emails = [p.email.value for p in people if p.email.value]
    for person in people:
        if person.email.value and emails.count(person.email.value) > 1:
            yield on_value(sop, "DATA-EMAIL-GANDA", person, person.email)
