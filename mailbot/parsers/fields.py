"""Requested persons with their eight fields, from label blocks and ruled tables. Pure.

The signer of a letter has no labels and is never a requested person.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from rapidfuzz import fuzz, process

from mailbot.model import FIELDS, MISSING, Action, Box, Cell, Document, Found, Line, PageReading, Person, Role, Table, union
from mailbot.parsers import indonesian

LABELS: dict[str, tuple[str, ...]] = {
    "nama": ("nama", "nama lengkap", "nama lengkap dan gelar", "nama pegawai", "nama ppk", "n a m a", "nama lengkap (sesuai ktp)"),
    "nip": ("nip", "n i p", "nipppk", "ni pppk", "nip/nrp", "nip baru", "nomor induk pegawai", "nip (nomor induk pegawai)", "nrp"),
    "pangkat_golongan": ("pangkat/golongan", "pangkat/gol", "pangkat/gol. ruang", "pangkat/gol-ruang", "pangkat/golongan ruang",
                         "pangkat / golongan", "golongan", "gol/ruang", "pangkat (gol.)", "pangkat", "pangkat/ golongan"),
    "jabatan": ("jabatan", "jabatan/pekerjaan", "jabatan dinas", "jabatan struktural", "jabatan fungsional"),
    "instansi": ("instansi", "unit kerja", "unit kerja/asal", "satuan kerja", "satker", "nama instansi", "opd", "skpd",
                 "perangkat daerah", "instansi/unit kerja"),
    "alamat": ("alamat", "alamat satuan kerja", "alamat kantor", "alamat rumah", "alamat instansi"),
    "telepon": ("telepon", "no hp", "no. hp", "no. telepon/hp", "no telpon/hp", "nomor telepon/hp", "no. telp/hp", "no. telepon",
                "no. hp/wa", "handphone", "kontak", "telepon/hp", "nomor hp", "no. telpon/hp"),
    "email": ("email", "e-mail", "email instansi", "alamat email", "surel", "email aktif", "alamat e-mail"),
    "peran": ("selaku", "sebagai", "kedudukan", "peran", "kedudukan dalam pokja", "peran pada spse", "peran spse", "hak akses sebagai"),
    "no": ("no", "no.", "nomor", "no urut"),
}  # fmt: skip
_CHOICES = {label: name for name, labels in LABELS.items() for label in labels}
_COLON = re.compile(r"^\W{0,4}(?:\d{1,2}[.)]\s+|[a-h][.)]\s+)?([A-Za-z][A-Za-z0-9 ./()\-]{1,38}?)\s*[:;]\s*(.*)$")
_CITE = re.compile(r"^\W{0,3}(?:[0-9]{1,2}|[a-z])[.)]\s*")
_HEADING = re.compile(r"aktif", re.I)


@dataclass(frozen=True, slots=True)
class Value:
    """A labelled value before it is understood."""

    name: str
    text: str
    words: tuple[Line, ...]
    page: int
    cell: Box | None = None


def label_of(text: str) -> str | None:
    """The field that a label names, tolerant of OCR errors; None where it names none."""
    key = re.sub(r"\s+", " ", text.strip().lower().strip(":;.|_-")).strip()
    if key in _CHOICES:
        return _CHOICES[key]
    best = process.extractOne(key, list(_CHOICES), scorer=fuzz.ratio, score_cutoff=86 if len(key) > 5 else 90)
    return _CHOICES[best[0]] if best else None


def persons_of(document: Document, pages: tuple[PageReading, ...], today: dt.date) -> tuple[Person, ...]:
    """The persons that a document lists, with their places in it."""
    found: list[Person] = []
    action: Action | None = None
    for page in pages:
        people, action = _blocks(document, page, today, action)
        found.extend(people)
        found.extend(p for table in page.tables for p in _rows(document, page, table, today))
    named = [p for p in found if p.nama.value or p.nip.value]
    return tuple(_distinct(named))


def _distinct(people: list[Person]) -> list[Person]:
    out: list[Person] = []
    for person in people:
        twin = next((i for i, p in enumerate(out) if _same(p, person)), None)
        if twin is None:
            out.append(person)
        else:
            out[twin] = _filled(out[twin], person)
    return out


# ------------------------------------------------------------------ label blocks


def _blocks(document: Document, page: PageReading, today: dt.date, action: Action | None) -> tuple[list[Person], Action | None]:
    people: list[Person] = []
    current: dict[str, Value] = {}
    marked = action
    in_table = [t.box for t in page.tables]

    def close() -> None:
        if "nama" in current or "nip" in current:
            people.append(_person(document, page, current, today, marked))
        current.clear()

    last: Value | None = None
    column = 0.0
    for line in page.lines:
        if any(_inside(line.box, box) for box in in_table):
            continue
        found = _labelled(line, page.number)
        if found is None:
            if last and _continues(line, last, column):
                last = replace(last, text=f"{last.text} {line.text}", words=(*last.words, line))
                current[last.name] = last
                continue
            last = None
            if document.kind in ("surat_permohonan", "data_personal") and (heading := _heading(line.text)):
                close()
                marked = heading
            continue
        if found.name == "nama" and current or found.name in current and found.name in ("nip", "nama"):
            close()
        current.setdefault(found.name, found)
        last, column = found, _value_left(line, found)
    close()
    return people, marked


def _heading(text: str) -> Action | None:
    """A line that sets the action of the blocks below it."""
    if len(text) > 160 or not _HEADING.search(text):
        return None
    acts = indonesian.actions(text).actions
    return acts[0] if len(acts) == 1 else None


def _labelled(line: Line, page: int) -> Value | None:
    m = _COLON.match(line.text)
    if m and (name := label_of(m.group(1))) and name != "no":
        words = _words_after(line, m.group(2))
        return Value(name, m.group(2).strip(), (words,) if words else (), page)
    return None


def _words_after(line: Line, value: str) -> Line | None:
    count = len(value.split())
    return Line(line.words[-count:]) if count else None


def _value_left(line: Line, found: Value) -> float:
    return found.words[0].box[0] if found.words else line.box[2]


def _continues(line: Line, last: Value, column: float) -> bool:
    """A wrapped value: starts below its own value, close to the line before."""
    if not last.words or last.name in ("nip", "telepon"):
        return False
    gap = line.box[1] - last.words[-1].box[3]
    return abs(line.box[0] - column) < 0.03 and -0.01 < gap < 0.012 and len(last.words) < 4


def _inside(box: Box, outer: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return outer[0] <= x <= outer[2] and outer[1] <= y <= outer[3]


# ------------------------------------------------------------------ tables


def _rows(document: Document, page: PageReading, table: Table, today: dt.date) -> Iterator[Person]:
    rows: dict[int, dict[int, Cell]] = {}
    for cell in table.cells:
        rows.setdefault(cell.row, {})[cell.column] = cell
    header = next((r for r in sorted(rows) if _header(rows[r])), None)
    if header is None:
        return
    columns = _header(rows[header])
    for row in sorted(r for r in rows if r > header):
        values = dict(v for column, cell in rows[row].items() for v in _cell_values(columns.get(column, ()), cell, page.number))
        if any(v.text for v in values.values()):
            yield _person(document, page, values, today, None)


def _header(cells: dict[int, Cell]) -> dict[int, tuple[str, ...]]:
    """Column -> fields; empty unless a name or NIP column is there."""
    columns: dict[int, tuple[str, ...]] = {}
    for column, cell in cells.items():
        text = " ".join(line.text for line in cell.lines)
        whole = label_of(text)
        parts = [label_of(t) for t in re.split(r"[/,]|\bdan\b", text)]
        both = tuple(p for p in parts if p in ("nama", "nip"))
        columns[column] = both if len(both) == 2 else (whole,) if whole else ()
    names = {f for fields in columns.values() for f in fields}
    return columns if {"nama", "nip"} & names and len(names) >= 2 else {}


def _cell_values(names: tuple[str, ...], cell: Cell, page: int) -> Iterator[tuple[str, Value]]:
    text = " ".join(line.text for line in cell.lines)
    if len(names) == 2:
        split = re.search(r"(?:NIP\W*)?(?:19|20)\d{6}", text)
        at = split.start() if split else len(text)
        yield "nama", Value("nama", text[:at].strip(" /.,-"), cell.lines, page, cell.box)
        yield "nip", Value("nip", text[at:].strip(), cell.lines, page, cell.box)
    elif names:
        yield names[0], Value(names[0], text, cell.lines, page, cell.box)


# ------------------------------------------------------------------ values


def _person(document: Document, page: PageReading, values: dict[str, Value], today: dt.date, action: Action | None) -> Person:
    found = {name: _understood(document.file, page, values[name], today) for name in FIELDS if name in values}
    said = values["peran"].text if "peran" in values else ""
    roles: tuple[Role, ...] = indonesian.roles(said) or indonesian.roles(values["jabatan"].text if "jabatan" in values else "")
    acts = indonesian.actions(said).actions
    source = document.kind if document.sha256 else "badan_email"
    return Person(**found, peran=roles[0] if len(roles) == 1 else None, tindakan=acts[0] if len(acts) == 1 else action,
                  source=source)  # fmt: skip


def _understood(file: str, page: PageReading, value: Value, today: dt.date) -> Found:
    """The normalised value with its place; `agreed` says whether the independent engine read the same."""
    boxes = tuple(line.box for line in value.words)
    box = union(boxes) if boxes else value.cell
    confidence = min((line.confidence for line in value.words), default=0.0)
    if indonesian.is_empty(value.text):
        return Found(None, "", 0.0, file, page.number, box)
    normal = _normal(value.name, value.text, today)
    found = Found(normal, value.text, confidence, file, page.number, box)
    if value.name not in ("nip", "telepon", "email") or normal is None:
        return found
    return _verified(found, page, value.name, today)


def _normal(name: str, text: str, today: dt.date) -> str | None:
    if name == "nip":
        nip = indonesian.parse_nip(text, today)
        return nip.digits if len(nip.digits) == 18 else nip.suggestion
    if name == "telepon":
        return indonesian.norm_phone(text)
    if name == "email":
        email = indonesian.parse_email(text)
        return email.value or email.suggestion
    if name == "pangkat_golongan":
        golongan = indonesian.parse_golongan(text)
        return golongan.code if golongan else None
    return re.sub(r"\s+", " ", text).strip(" :;|_") or None


def _verified(found: Found, page: PageReading, name: str, today: dt.date) -> Found:
    near = [s for s in page.seconds if found.box and _overlap(s.box, found.box) > 0.3]
    readings = [s.text for s in near] + (["".join(s.text for s in near)] if len(near) > 1 else [])
    values = [v for text in readings if (v := _normal(name, text, today))]
    if not values:
        return found
    agreed = found.value in values
    return replace(found, second=found.value if agreed else values[0], agreed=agreed)


def _overlap(a: Box, b: Box) -> float:
    """Shared area as a share of the smaller box."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return width * height / smaller if smaller else 0.0


# ------------------------------------------------------------------ joining


def join(documents: tuple[Document, ...], body: tuple[Person, ...]) -> tuple[Person, ...]:
    """The requested persons: those of the letter, else of the forms, the mail body, the basis; gaps filled from the others."""
    letter = next((d for d in documents if d.kind == "surat_permohonan"), None)
    forms = [p for d in documents if d.kind == "data_personal" for p in d.persons]
    basis = [p for d in documents if d.kind not in ("surat_permohonan", "data_personal") for p in d.persons]
    asked: Sequence[Person] = (letter.persons if letter else ()) or forms or body or (basis if not letter else ())
    pool = [*forms, *body, *basis]
    return tuple(_completed(p, pool, documents, letter) for p in _distinct(list(asked)))


def _completed(person: Person, pool: list[Person], documents: tuple[Document, ...], letter: Document | None) -> Person:
    for other in pool:
        if _same(person, other):
            person = _filled(person, other)
    facts = letter.letter if letter else None
    action, role = person.tindakan, person.peran
    if facts and action is None and len(facts.tindakan) == 1:
        action = facts.tindakan[0]
    if facts and role is None and len(facts.peran) == 1:
        role = facts.peran[0]
    return replace(person, tindakan=action, peran=role, kembali=bool(facts and facts.kembali))


def _filled(person: Person, other: Person) -> Person:
    """`person` with its gaps filled; a field that is written but unreadable is not overwritten silently."""
    gaps = {n: f for n, f in other.fields() if f.value and not getattr(person, n).value and not getattr(person, n).raw}
    better = {n: f for n, f in other.fields() if f.value and f.value == getattr(person, n).value and f.agreed and not getattr(person, n).agreed}
    return replace(person, **gaps, **better, peran=person.peran or other.peran, tindakan=person.tindakan or other.tindakan)


def _same(one: Person, other: Person) -> bool:
    if one.nip.value and other.nip.value:
        return one.nip.value == other.nip.value
    return bool(one.nama.value and other.nama.value and indonesian.same_name(one.nama.value, other.nama.value))


__all__ = ["MISSING", "join", "label_of", "persons_of"]
