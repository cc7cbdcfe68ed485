"""Rules about SK, surat tugas and surat penunjukan: there, whole, in force, and naming the person in the role (R-05)."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from dataclasses import dataclass

from rapidfuzz import fuzz

from mailbot.model import Document, Evidence, Finding, FindingClass, Person, Role
from mailbot.parsers.indonesian import digits, name_key
from mailbot.sop import Sop
from mailbot.sop.absence import missing
from mailbot.sop.finding import finding, on_paper, shown
from mailbot.sop.needs import accepted, need_of, needs

BASIS_WORDS = re.compile(
    r"^\W*(?:surat\s+(?:perintah\s+)?tugas|surat\s+penunjukan|(?:surat\s+)?keputusan|memutuskan|me(?:nugas|merintah)kan)\b",
    re.I | re.M,
)
RULING_ALONE = re.compile(r"^\W*(?:memutuskan|me(?:nugas|merintah)kan)\W*$", re.I | re.M)
REGULATION = re.compile(r"^\W*peraturan\s+(?:bupati|wali|gubernur|daerah|menteri|lembaga|kepala)", re.I | re.M)
WHOLE = {"penetapan", "tanda_tangan"}
POOR_COPY = 0.75  # quality


@dataclass(frozen=True, slots=True)
class Naming:
    """A paper that names a person. `found`: the person as the paper has it, None where only the text does."""

    paper: Document
    found: Person | None
    roles: frozenset[Role]


def basis(evidence: Evidence, sop: Sop, today: dt.date) -> Iterator[Finding]:
    papers = tuple(d for d in evidence.documents if d.kind in sop.basis)
    if any(need.basis and not accepted(papers, need) for need in needs(evidence, sop)):
        cls: FindingClass = "unsure" if _maybe_basis(evidence, sop) else missing(evidence, sop)
        yield finding(sop, "SK-TIDAK-ADA", cls, about="surat_keputusan", peran=_wanted(evidence, sop))
    for person in evidence.persons:
        if own := accepted(papers, need_of(person, sop)):
            yield from _person(person, own, evidence, sop, today)
    if not evidence.persons:
        for paper in papers:
            yield from _of_paper(paper, None, papers, sop, today)


def _maybe_basis(evidence: Evidence, sop: Sop) -> bool:
    """A paper that was taken for something else, or for a further page of the letter, speaks like an SK or a surat tugas."""
    known = ("surat_permohonan", *sop.basis)
    others = {(d.file, n) for d in evidence.documents if d.kind not in known for n in d.pages}
    further = {(d.file, n) for d in evidence.documents if d.kind == "surat_permohonan" for n in d.pages[1:]}
    return any(
        ((file, page) in others and BASIS_WORDS.search(text) and not REGULATION.search(text))
        or ((file, page) in further and RULING_ALONE.search(text))
        for file, page, text in evidence.texts
    )


def _wanted(evidence: Evidence, sop: Sop) -> str:
    roles = {p.peran for p in evidence.persons if p.peran} or set(evidence.letter.peran)
    return ", ".join(sorted(sop.roles[r] for r in roles)) or "PPK/Anggota Pokja/Pejabat Pengadaan"


def _person(
    person: Person, papers: tuple[Document, ...], evidence: Evidence, sop: Sop, today: dt.date
) -> Iterator[Finding]:
    namings = [n for paper in papers for n in _namings(person, paper, evidence)]
    if not namings and person.tindakan == "penonaktifan":
        namings = _successor(person, papers, evidence)
    if not namings and _illegible(person):
        return  # who it is must be read by a person first
    if not namings:
        for paper in papers:
            yield from (f for f in _of_paper(paper, person, papers, sop, today) if f.code == "SK-TIDAK-LENGKAP")
        first = papers[0]
        yield finding(
            sop,
            "SK-NAMA",
            about=person.key,
            file=first.file,
            page=first.pages[0],
            nama=shown(person),
            jenis=sop.kinds[first.kind],
        )
        return
    # the best paper counts: an old SK beside the new one does no harm
    choices = [[*_of_paper(n.paper, person, papers, sop, today), *_role(person, n, sop)] for n in namings]
    yield from min(choices, key=lambda found: sum(f.cls != "note" for f in found))
    nips = {n.found.nip.value for n in namings if n.found and n.found.nip.value and not _torn(n, person)}
    if person.nip.value and nips and person.nip.value not in nips:
        other = next(n for n in namings if n.found and n.found.nip.value in nips)
        assert other.found
        place = other.found.nip
        yield finding(
            sop,
            "DATA-NIP-BEDA",
            about=person.key,
            file=place.file,
            page=place.page,
            nama=shown(person),
            jenis=sop.kinds[other.paper.kind],
        )


def _torn(naming: Naming, person: Person) -> bool:
    """Digits of the same number got lost, on a poor copy or so that the engines differ: it neither confirms nor contradicts.
    A number that both engines read alike contradicts, however wrong it is."""
    theirs = naming.found.nip if naming.found else None
    if theirs is None or theirs.value is None or naming.paper.read_by != "ocr":
        return False
    own = person.nip.value or ""
    differ = theirs.agreed is not True and person.nip.agreed is True
    begun = digits(theirs.second or "")
    if differ and len(begun) >= 15 and own.startswith(begun):
        return True
    like = fuzz.ratio(theirs.value, own) if len(theirs.value) != 18 else 0.0
    return like >= 85 if naming.paper.quality < POOR_COPY else differ and like >= 70


# ------------------------------------------------------------------ naming


def _namings(person: Person, paper: Document, evidence: Evidence) -> list[Naming]:
    same = [p for p in paper.persons if same_person(person, p)]
    if same:
        return [Naming(paper, p, frozenset([p.peran]) if p.peran else frozenset(paper.letter.peran)) for p in same]
    if _in_text(person, paper, evidence):
        return [Naming(paper, None, frozenset(paper.letter.peran))]
    return []


def same_person(one: Person, other: Person) -> bool:
    if one.nip.value and one.nip.value == other.nip.value:
        return True
    keys = [name_key(p.nama.value) if p.nama.value else "" for p in (one, other)]
    return bool(all(keys) and fuzz.ratio(*keys) >= 88)


def _illegible(person: Person) -> bool:
    known = len(person.nip.value or "") == 18 and person.nip.agreed is not False
    return not known and person.nama.confidence < 0.75


def _in_text(person: Person, paper: Document, evidence: Evidence) -> bool:
    """Named somewhere on the paper, where no table or block was understood: by NIP, or by the whole name."""
    text = " ".join(t for file, page, t in evidence.texts if file == paper.file and page in paper.pages)
    if person.nip.value and len(person.nip.value) == 18 and person.nip.value in digits(text):
        return True
    key = name_key(person.nama.value or "")
    plain = " ".join(re.sub(r"[^a-z ]", " ", text.lower()).split())
    return len(key) >= 8 and " " in key and (key in plain or fuzz.partial_ratio(key, plain) >= 94)


def _successor(person: Person, papers: tuple[Document, ...], evidence: Evidence) -> list[Naming]:
    """A-06: who loses the access may be missing from the SK that gives the role in the same office to somebody else."""
    office = re.sub(r"\W+", " ", evidence.letter.instansi.value or "").strip().lower()
    out = []
    for paper in papers:
        text = " ".join(t for file, page, t in evidence.texts if file == paper.file and page in paper.pages).lower()
        roles = frozenset(r for p in paper.persons if p.peran for r in (p.peran,)) | frozenset(paper.letter.peran)
        if person.peran in roles and office and office in re.sub(r"\W+", " ", text):
            out.append(Naming(paper, None, roles))
    return out


# ------------------------------------------------------------------ role, parts, validity


def _role(person: Person, naming: Naming, sop: Sop) -> Iterator[Finding]:
    """For a deactivation a paper that moves or retires the person names no role (A-06)."""
    leaves = person.tindakan == "penonaktifan" and not naming.roles
    several = naming.found is not None and not naming.found.peran and len(naming.roles) > 1
    if person.peran is None or leaves or (person.peran in naming.roles and not several):
        return
    paper = naming.paper
    said = ", ".join(sorted(sop.roles[r] for r in naming.roles)) or "-"
    yield finding(sop, "SK-PERAN", about=person.key, file=paper.file, page=paper.pages[0], nama=shown(person), jenis=sop.kinds[paper.kind],
                  peran_sk=said, peran_mohon=sop.roles[person.peran])  # fmt: skip


def _of_paper(
    paper: Document, person: Person | None, papers: tuple[Document, ...], sop: Sop, today: dt.date
) -> Iterator[Finding]:
    jenis = sop.kinds[paper.kind]
    span = expired(paper, today)
    if span is not None:
        leaving = person is not None and person.tindakan == "penonaktifan"
        number = paper.letter.nomor.value or "-"
        yield on_paper(
            sop,
            "SK-TIDAK-BERLAKU",
            paper,
            "note" if leaving else None,
            about=paper.kind,
            jenis=jenis,
            nomor=number,
            masa=span,
        )
    if not _whole(paper, papers) or paper.unsure:
        yield on_paper(sop, "SK-TIDAK-LENGKAP", paper, about=paper.kind, jenis=jenis)


def expired(paper: Document, today: dt.date) -> str | None:
    """Until when it was in force, in words; "" words where it does not say (A-08); None while it is in force."""
    year, until = paper.letter.tahun_anggaran, paper.letter.berlaku_sampai
    if until:
        return until if until < today.isoformat() else None
    if year:
        return f"Tahun Anggaran {year}" if year < today.year else None
    return "masa yang tidak disebutkan"


def _whole(paper: Document, papers: tuple[Document, ...]) -> bool:
    """With ruling and signature; its pages may have come as files of their own."""
    if paper.complete:
        return True
    parts = {part for p in papers if p.kind == paper.kind and (p is paper or len(p.pages) == 1) for part in p.parts}
    return parts >= WHOLE and _numbers_agree(paper, papers)


def _numbers_agree(paper: Document, papers: tuple[Document, ...]) -> bool:
    numbers = {p.letter.nomor.value for p in papers if p.kind == paper.kind and p.letter.nomor.value}
    return len(numbers) <= 1
