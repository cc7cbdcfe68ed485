"""When is it certain that something is not there? Only if every page was read well and nothing looks like it (DESIGN 1.5)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from mailbot.model import Document, Evidence, FindingClass, Person
from mailbot.parsers import indonesian as ind
from mailbot.sop import Sop

HEAD = 8  # lines of a page that may be its letterhead, with the office's own address and telephone
_LABELS = {
    "nama": r"nama", "nip": r"nip|nomor\s+induk", "pangkat_golongan": r"pangkat|gol", "jabatan": r"jabatan",
    "instansi": r"instansi|unit\s+kerja|satuan\s+kerja|satker|opd|skpd|perangkat\s+daerah", "alamat": r"alamat",
    "telepon": r"(?:no\w*\W{0,3})?(?:telp|telepon|telpon|hp|handphone|wa)\b", "email": r"(?:alamat\s+)?(?:e\W?mail|surel)",
}  # fmt: skip
_PHONE = re.compile(r"(?<![\d/.-])(?:\+?62|0)8\d[\d .\-]{4,14}\d(?![\d/])")
_EMAIL = re.compile(r"\S{0,64}@\S{0,255}")


def file_problem(document: Document) -> bool:
    """The file, or a part of it, could not be opened: it may hold anything."""
    return any(code.startswith("FILE-") for code in document.problems)


def readable(document: Document, sop: Sop) -> bool:
    """Read so well that it proves what is not on it. A phone's photo never does."""
    return document.quality >= sop.min_quality and not document.photo


def well_read(evidence: Evidence, sop: Sop) -> bool:
    """Every page of every attachment was read well and has one clear kind."""
    return all(readable(d, sop) and not d.unsure and not file_problem(d) for d in evidence.documents)


def missing(evidence: Evidence, sop: Sop) -> FindingClass:
    """The class of "this paper is not there": beside a file that could not be opened it is only remarkable."""
    certain = well_read(evidence, sop) and not any(_taken_for_a_form(d) for d in evidence.documents)
    return "note" if unopened(evidence) else "certain" if certain else "unsure"


def _taken_for_a_form(document: Document) -> bool:
    """Persons on a paper with a stamp, or in a file that is called an SK: it may be the SK whose title was not read."""
    called = re.search(r"\bsk\b|keputusan|penunjukan|surat[ _]*tugas|\bst\b", document.file.replace("_", " "), re.I)
    return document.kind == "data_personal" and bool(called or document.stempel.state == "seen")


def unopened(evidence: Evidence) -> bool:
    return any(file_problem(d) for d in evidence.documents)


def loose(evidence: Evidence) -> frozenset[str]:
    """Fields of which a value stands somewhere that belongs to nobody: the reading may have missed a person's data."""
    if evidence.documents and not evidence.texts:
        return frozenset(_LABELS)
    known = [_bare(f.raw or f.value or "") for p in _everybody(evidence) for _, f in p.fields() if f.value]
    text = "".join(known)
    numbers = "".join(ind.digits(k) + " " for k in known)
    found = {name for name, value in _labelled(evidence) if _bare(value) not in text}
    lines = list(_lines(evidence))
    if any(
        ind.digits(m.group()).lstrip("0").removeprefix("62") not in numbers
        for line in lines
        for m in _PHONE.finditer(line)
    ):
        found.add("telepon")
    if any(_bare(m.group()) not in text for line in lines for m in _EMAIL.finditer(line)):
        found.add("email")
    return frozenset(found | set(_headings(evidence)))


def _headings(evidence: Evidence) -> Iterator[str]:
    """Fields that the heading of a table names, of which the reading found no value for anybody of the same document."""
    for document in evidence.documents:
        understood = {name for p in document.persons for name, f in p.fields() if f.value}
        lines = list(_lines(evidence, document))
        alone = {n for line in lines for n, label in _LABELS.items()
                 if re.match(rf"\W*(?:{label})[\w\W]{{0,18}}$", line, re.I) and ":" not in line}  # fmt: skip
        if len(alone) >= 3:
            yield from alone - understood
        for line in (x for x in lines if ":" not in x):
            named = {n for n, label in _LABELS.items() if re.search(rf"\b(?:{label})", line, re.I)}
            if len(named) >= 3:
                yield from named - understood


def _everybody(evidence: Evidence) -> Iterable[Person]:
    return (*evidence.persons, *(p for d in evidence.documents for p in d.persons))


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _lines(evidence: Evidence, only: Document | None = None, head: int = HEAD) -> Iterator[str]:
    """Lines of the papers below their letterheads, of all kinds that may carry data; `only`: of one document."""
    none = {(d.file, n) for d in evidence.documents if d.kind == "lain" and not d.unsure for n in d.pages}
    for file, page, text in evidence.texts:
        mine = only is None or (file == only.file and page in only.pages)
        if mine and (file, page) not in none:
            yield from text.split("\n")[head:]


def _labelled(evidence: Evidence) -> Iterator[tuple[str, str]]:
    """Label and value of the lines that carry both; a letterhead has an address, a telephone and an e-mail of its own."""
    below = set(_lines(evidence))
    for line in _lines(evidence, head=0):
        for name, label in _LABELS.items():
            if name in ("alamat", "telepon", "email") and line not in below:
                continue
            m = re.match(rf"^\W*(?:\d{{1,2}}\W+|[a-h]\W\s*)?(?:{label})[^:;>~|=]{{0,40}}[:;>~|=]\s*(\S.*)$", line, re.I)
            if m and not ind.is_empty(m.group(1)):
                yield name, m.group(1)
