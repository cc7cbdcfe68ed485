"""The persons of a document and the requested persons of a mail.

Persons stand in label blocks ("Nama : ..") or in tables. The signer at the bottom has no labels and is no requested
person. A value keeps the place it was read at; nothing is repaired here unless the value validates.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from rapidfuzz import fuzz

from mailbot.model import (
    BASIS_KINDS,
    FIELDS,
    MISSING,
    Action,
    Box,
    Cell,
    Document,
    Found,
    Line,
    PageReading,
    Person,
    Role,
    Table,
    Word,
    union,
)  # fmt: skip
from mailbot.parsers import indonesian as ind

_LABELS: dict[str, tuple[str, ...]] = {
    "nama": ("nama", "nama lengkap", "nama lengkap dan gelar", "nama lengkap sesuai ktp", "nama pegawai", "nama ppk",
             "nama pejabat", "nama jelas", "nama pengguna", "nama nip"),
    "nip": ("nip", "nomor induk pegawai", "nip nomor induk pegawai", "nip nrp", "ni pppk", "nippppk", "nipppk",
             "nip baru",
            "nrp", "nip nipppk", "nip ni pppk"),
    "pangkat_golongan": ("pangkat", "golongan", "pangkat gol", "pangkat gol ruang", "pangkat golongan", "gol ruang",
                         "pangkat golongan ruang", "golongan ruang", "gol"),
    "jabatan": ("jabatan", "jabatan pekerjaan", "jabatan dinas", "jabatan struktural", "jabatan fungsional",
                "jabatan definitif"),
    "instansi": ("instansi", "unit kerja", "unit kerja asal", "unit organisasi", "satuan kerja", "satker",
                 "nama instansi", "opd", "skpd", "perangkat daerah", "instansi unit kerja", "asal instansi", "asal"),
    "alamat": ("alamat", "alamat satuan kerja", "alamat kantor", "alamat rumah", "alamat instansi", "alamat lengkap"),
    "telepon": ("telepon", "no hp", "no telpon hp", "nomor telepon hp", "no telp hp", "no hp wa", "handphone", "kontak",
                "no telepon", "nomor hp", "no telepon hp", "telp", "hp", "nomor telepon", "no telp", "telepon hp",
             "no wa",
                "nomor handphone", "no handphone", "nomor hp wa", "nomor whatsapp"),
    "email": ("email", "e mail", "email instansi", "alamat email", "surel", "email aktif", "alamat e mail",
             "e mail aktif"),
    "peran": ("selaku", "sebagai", "kedudukan", "kedudukan dalam pokja", "peran", "jabatan dalam pokja", "hak akses",
              "jabatan dalam pengadaan", "kedudukan dalam tim", "jenis akun", "jenis akses", "role"),
    "lain": ("user id", "nomor surat tugas", "nomor sk", "keterangan", "tempat tanggal lahir", "pendidikan", "nik",
             "npwp",
             "masa berlaku", "tahun anggaran", "nomor", "sifat", "lampiran", "perihal", "hal", "tanggal", "username",
             "nomor sertifikat", "no sertifikat", "jenis kelamin", "agama", "untuk", "no ktp", "tanda tangan", "no",
             "alasan", "status", "sk", "dasar", "tembusan"),
}  # fmt: skip
_LABEL_OF = {label: name for name, labels in _LABELS.items() for label in labels}
_SEPARATOR = re.compile(r"^[:;.|=]+$")
_SIGN = re.compile(r"^\W*(?:a\.?n\.?|u\.?b\.?|pl[th]\.?|pj\.?)\s|^\W*(?:demikian|tembusan|ditetapkan\s+di"
                   r"|pada\s+tanggal"
                   r"|hormat\s+kami|mengetahui|pemohon|yang\s+mengajukan)\b", re.I)  # fmt: skip
_POST = re.compile(
    r"^\W*(?:kepala|camat|direktur|sekretaris|bupati|wali\s?kota|inspektur|ketua)\b[^:]{0,70},\s*$", re.I
)
_LOW_SIGNER = re.compile(r"\byang\s+bertanda\s?tangan\b", re.I)
_TARGET = re.compile(r"\b(?:dengan\s+ini|mengajukan|memohon|mengusulkan|menugaskan|menunjuk|adapun|berikut)\b", re.I)


# ------------------------------------------------------------------ labels


def label_key(text: str) -> str:
    """A label without marks, numbering and case, with letters spaced out joined and usual OCR swaps undone."""
    joined = ind.plain(re.sub(r"^\W*(?:\d{1,2}|[a-h])\s?[.)]\s*", "", text))
    low = re.sub(r"(?<=[a-z])1|1(?=[a-z])", "l", joined.lower().replace("0", "o"))
    return " ".join(re.sub(r"[^a-z]+", " ", low).split())


def field_of(label: str) -> str | None:
    """Which field a label names: exactly, or with a misread letter in the longer ones."""
    key = label_key(label)
    if not key or len(key) > 45:
        return None
    if key in _LABEL_OF:
        return _LABEL_OF[key]
    best, score = None, 0.0
    for known, name in _LABEL_OF.items():
        near = fuzz.ratio(key, known)
        if near > score:
            best, score = name, near
    return (
        best
        if (score >= (75.0 if len(key) <= 4 else 84.0) and len(key) >= 4) or (key in ("nlp", "n1p") and best)
        else best_short(key)
    )


def best_short(key: str) -> str | None:
    """Three-letter labels as OCR leaves them."""
    return {"nlp": "nip", "np": "nip", "hip": "nip", "nama l": "nama", "emall": "email"}.get(key)


@dataclass(frozen=True, slots=True)
class _Labelled:
    field: str
    words: tuple[Word, ...]


def _split(line: Line) -> _Labelled | None:
    """Label and value of a line; the separator may be misread, or lost where a known label is followed by more."""
    words = line.words
    for i, word in enumerate(words[:8]):
        mark = re.search(r"[:;]", word.text)
        if (_SEPARATOR.match(word.text) and i) or mark:
            cut = mark.start() if mark and not _SEPARATOR.match(word.text) else 0
            label = " ".join([*(w.text for w in words[:i]), word.text[:cut]])
            name = field_of(label)
            rest = word.text[cut:].lstrip(":;.|= ")
            value = (replace(word, text=rest),) if rest else ()
            return _Labelled(name, value + words[i + 1 :]) if name else None
    return _bare(words)


def _bare(words: tuple[Word, ...]) -> _Labelled | None:
    """No separator: the longest exact label at the start, with a gap or a value of the right shape behind it."""
    for n in range(min(5, len(words)), 0, -1):
        name = _LABEL_OF.get(label_key(" ".join(w.text for w in words[:n])))
        if name is None or name == "lain":
            continue
        value = words[n:]
        if not value:
            return _Labelled(name, ())
        gap = value[0].box[0] - words[n - 1].box[2]
        text = " ".join(w.text for w in value)
        fits = (name == "nip" and ind.looks_like_nip(text)) or (name == "email" and "@" in text)
        if gap > 0.03 or fits:
            return _Labelled(name, value)
    return None


# ------------------------------------------------------------------ values


def _words_text(words: tuple[Word, ...]) -> str:
    return " ".join(w.text for w in words)


def _value(name: str, raw: str, today: dt.date) -> str | None:
    """The normalised value, or the text itself where it cannot be normalised (the rules judge it later)."""
    text = raw.strip(" :;|=")
    if ind.is_empty(text) or ind.PLACEHOLDER.fullmatch(text):
        return None
    if name == "nip":
        nip = ind.parse_nip(text, today)
        return nip.suggestion or nip.digits or None
    if name == "telepon":
        return ind.norm_phone(text) or text
    if name == "email":
        return ind.parse_email(text).value or text.lower()
    if name == "pangkat_golongan":
        golongan = ind.parse_golongan(text)
        return golongan.code if golongan else text
    return text.strip(" ,")


def _found(name: str, words: tuple[Word, ...], page: PageReading, file: str, today: dt.date) -> Found:
    raw = _words_text(words)
    value = _value(name, raw, today)
    if value is None:
        return MISSING
    box = union(tuple(w.box for w in words))
    confidence = sum(w.confidence for w in words) / len(words)
    second, agreed = _second(name, value, box, page, today)
    return Found(value, raw, confidence, file, page.number, box, second, agreed)


def _second(name: str, value: str, box: Box, page: PageReading, today: dt.date) -> tuple[str | None, bool | None]:
    """The independent reading whose box overlaps this one best; compared after the same normalisation."""
    if name not in ("nip", "telepon", "email"):
        return None, None
    best = max(page.seconds, key=lambda s: _overlap(s.box, box), default=None)
    if best is None or _overlap(best.box, box) < 0.3:
        return None, None
    other = _value(name, best.text.split(":", 1)[-1], today)
    return best.text, other == value


def _overlap(a: Box, b: Box) -> float:
    """Shared area over the smaller of the two."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return width * height / smaller if smaller > 0 else 0.0


# ------------------------------------------------------------------ persons of a document


@dataclass(frozen=True, slots=True)
class _Context:
    """What the running text has said before a block: action and role of the section."""

    actions: tuple[Action, ...] = ()
    kembali: bool = False
    role: Role | None = None
    signer: bool = False  # "yang bertanda tangan di bawah ini": the next block is the signer's


def persons_of(document: Document, pages: tuple[PageReading, ...], today: dt.date) -> tuple[Person, ...]:
    """Persons named by a document, in order; `pages` may hold other pages of the file too."""
    out: list[Person] = []
    context = _Context()
    for page in sorted((p for p in pages if p.number in document.pages), key=lambda p: p.number):
        found, context = _page_persons(document, page, context, today)
        out.extend(found)
    return tuple(_defaults(p, document) for p in _merge_same(tuple(out)))


def _defaults(person: Person, document: Document) -> Person:
    letter = document.letter
    peran = person.peran or (letter.peran[0] if len(letter.peran) == 1 else None)
    tindakan = person.tindakan or (letter.tindakan[0] if len(letter.tindakan) == 1 else None)
    kembali = person.kembali or (tindakan == "pengaktifan" and letter.kembali)
    return replace(person, peran=peran, tindakan=tindakan, kembali=kembali,
                   source=document.kind if document.sha256 else "badan_email")  # fmt: skip


def _page_persons(document: Document, page: PageReading, context: _Context,
                  today: dt.date) -> tuple[list[Person], _Context]:  # fmt: skip
    """Blocks and tables of a page from top to bottom, so that headings reach whatever stands below them."""
    tables = [t for t in page.tables if _header(t)[1] or _is_label_table(t)]
    out: list[Person] = []
    block: list[Line] = []
    done: set[int] = set()
    for line in page.lines:
        inside = next((i for i, t in enumerate(tables) if _inside(line.box, t.box)), None)
        if inside is None:
            block.append(line)
        elif inside not in done:
            done.add(inside)
            found, context = _blocks(document, page, block, context, today)
            block = []
            out += found + _table_persons(document, page, tables[inside], context, today)
    for i, table in enumerate(tables):
        if i not in done:  # cells whose words are not among the page's lines
            out += _table_persons(document, page, table, context, today)
    found, context = _blocks(document, page, block, context, today)
    return out + found + ([] if tables else _columns(document, page, context, today)), context


def _inside(box: Box, table: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return table[0] <= x <= table[2] and table[1] <= y <= table[3]


def _blocks(document: Document, page: PageReading, lines: list[Line], context: _Context,
            today: dt.date) -> tuple[list[Person], _Context]:  # fmt: skip
    """Label blocks in running text. A second "Nama", or a NIP after all else, starts the next person."""
    out: list[Person] = []
    values: dict[str, tuple[Word, ...]] = {}
    current: str | None = None
    seen: set[str] = set()
    last: Line | None = None

    def close() -> None:
        nonlocal values, seen, context
        if not context.signer and (values.get("nama") or (values.get("nip") and len(seen) > 1)):
            out.append(_person(values, page, document.file, context, today))
        if seen & {"nama", "nip"}:
            context = replace(context, signer=False)
        values, seen = {}, set()

    for line in lines:
        item = _split(line)
        if item is not None:
            new = item.field in seen and item.field in ("nama", "nip")
            if new or (item.field == "nama" and seen & {"nip"} and len(seen) > 2):
                close()
            current = item.field if item.field != "lain" else None
            if current and (current in ("nama", "nip") or seen):
                seen.add(current)
                values.setdefault(current, item.words)
            last = line
        elif current and last and _continues(line, values.get(current, ()), last) and not _SIGN.match(line.text):
            values[current] = values[current] + line.words
            last = line
        else:
            close()
            current, last = None, None
            context = _heading(line, context)
    close()
    return out, context


def _continues(line: Line, value: tuple[Word, ...], last: Line) -> bool:
    """A value wraps: its next line stands right below and begins where the value began, not at the left margin."""
    if not value:
        return False
    left, top, height = value[0].box[0], line.box[1], max(last.box[3] - last.box[1], 0.005)
    return abs(line.box[0] - left) < 0.03 and 0 <= top - last.box[1] < 3.5 * height and not _POST.match(line.text)


def _heading(line: Line, context: _Context) -> _Context:
    """Running text sets the action and role of what follows; only the newest counts."""
    text = line.text
    if _LOW_SIGNER.search(text):
        return replace(context, signer=True)
    if context.signer and _TARGET.search(text):
        context = replace(context, signer=False)
    if re.match(r"\W*(?:hal|perihal|nomor|lampiran)\b", text, re.I):
        return context
    asked = ind.actions(text)
    if asked.actions:
        context = replace(context, actions=asked.actions, kembali=asked.kembali)
    named = ind.roles(text)
    return replace(context, role=named[0]) if len(named) == 1 else context


def _person(values: dict[str, tuple[Word, ...]], page: PageReading, file: str, context: _Context,
            today: dt.date) -> Person:  # fmt: skip
    values = dict(values)
    nama = values.get("nama", ())
    if nama and not values.get("nip"):  # name and NIP behind one label
        values["nama"], values["nip"] = _name_and_nip(nama)
    fields: dict[str, Any] = {n: _found(n, values[n], page, file, today) for n in FIELDS if values.get(n)}
    named = ind.roles(_words_text(values.get("peran", ()))) or ind.roles(_words_text(values.get("jabatan", ())))
    asked = ind.actions(_words_text(values.get("peran", ())))
    actions = asked.actions if len(asked.actions) == 1 else context.actions
    return Person(
        **fields, peran=named[0] if named else context.role, tindakan=actions[0] if len(actions) == 1 else None,
        kembali=(asked.kembali or context.kembali) and actions != ("penonaktifan",),
    )  # fmt: skip


def _name_and_nip(words: tuple[Word, ...]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """The words before and from the NIP in a joint cell or value; without a NIP all words are the name's."""
    for i, word in enumerate(words):
        key = label_key(word.text)
        rest = "".join(w.text for w in words[i:])
        if key in ("nip", "nipppk", "nlp") or (i and sum(c.isdigit() for c in word.text) >= 6):
            if len(ind.digits(rest)) >= 9:
                return _trim(words[:i]), words[i:]
            return _trim(words[:i]), ()
    return words, ()


def _trim(words: tuple[Word, ...]) -> tuple[Word, ...]:
    while words and not re.search(r"\w", words[-1].text):
        words = words[:-1]
    return words


# ------------------------------------------------------------------ tables


def _cell_words(cell: Cell) -> tuple[Word, ...]:
    return tuple(w for line in cell.lines for w in line.words)


def _header(table: Table) -> tuple[int, dict[int, str]]:
    """The row of headings and what each column means; no columns if the table lists no persons."""
    for row in sorted({c.row for c in table.cells})[:3]:
        columns = {
            c.column: f for c in table.cells if c.row == row and (f := _column_field(_words_text(_cell_words(c))))
        }
        if ("nama" in columns.values() and len(columns) >= 2) or "nama_nip" in columns.values():
            return row, columns
    return 0, {}


def _column_field(text: str) -> str | None:
    key = label_key(text)
    if key.startswith("nama") and re.search(r"\bnip\b|\bnipppk\b", key):
        return "nama_nip"
    if re.search(r"\b(?:dalam|kedudukan|selaku|peran)\b", key) and not key.startswith("nama"):
        return "peran"
    return field_of(text) or _first_field(key)


def _first_field(key: str) -> str | None:
    """A long heading such as "PANGKAT GOLONGAN RUANG TMT" by its first words."""
    words = key.split()
    return next((f for n in (3, 2, 1) if (f := _LABEL_OF.get(" ".join(words[:n]))) and f != "lain"), None)


def _is_label_table(table: Table) -> bool:
    """A form drawn as a table: a column of labels with a column of values."""
    labels = sum(1 for c in table.cells if field_of(_words_text(_cell_words(c))) in FIELDS)
    return labels >= 3 and not _header(table)[1]


def _rows(table: Table) -> list[tuple[int, list[Cell]]]:
    rows: dict[int, list[Cell]] = {}
    for cell in table.cells:
        rows.setdefault(cell.row, []).append(cell)
    return [(r, sorted(rows[r], key=lambda c: c.column)) for r in sorted(rows)]


def _table_persons(document: Document, page: PageReading, table: Table, context: _Context,
                   today: dt.date) -> list[Person]:  # fmt: skip
    header, columns = _header(table)
    if not columns:
        lines = [Line(_as_label_line(cells)) for _, cells in _rows(table)]
        found, _ = _blocks(document, page, [x for x in lines if x.words], context, today)
        return found
    out = []
    for row, cells in _rows(table):
        if row <= header:
            continue
        values = _row_values(cells, columns)
        if len([c for c in cells if _cell_words(c)]) == 1 and not values.get("nip"):
            context = _heading(Line(_cell_words(cells[0])), context)  # a section row across the table
            continue
        numbering = all(re.fullmatch(r"\W*\d{0,2}\W*", _words_text(w)) for w in values.values())
        if not numbering and (values.get("nama") or values.get("nip")):
            out.append(_person(values, page, document.file, context, today))
    return out


def _row_values(cells: list[Cell], columns: dict[int, str]) -> dict[str, tuple[Word, ...]]:
    values: dict[str, tuple[Word, ...]] = {}
    for cell in cells:
        name, words = columns.get(cell.column), _cell_words(cell)
        if name == "nama_nip":
            values["nama"], values["nip"] = _name_and_nip(words)
        elif name and name != "lain" and words:
            values.setdefault(name, words)
    return values


def _as_label_line(cells: list[Cell]) -> tuple[Word, ...]:
    """Label cell, a colon, value cell: the line that the same form has when it is not ruled."""
    texts = [_cell_words(c) for c in cells if _cell_words(c)]
    texts = [w for w in texts if not all(_SEPARATOR.match(x.text) for x in w)]
    texts = texts[1:] if len(texts) > 2 and re.fullmatch(r"\W*\w{1,2}\W*", _words_text(texts[0])) else texts
    if len(texts) < 2:
        return texts[0] if texts else ()
    end = texts[0][-1]
    colon = Word(":", (end.box[2], end.box[1], end.box[2], end.box[3]), 1.0)
    return (*texts[0], colon, *(w for t in texts[1:] for w in t))


def _columns(document: Document, page: PageReading, context: _Context, today: dt.date) -> list[Person]:
    """A table without rules: a heading line with NAMA and NIP, then lines with a NIP, cut at the headings' places."""
    for i, line in enumerate(page.lines):
        heads = _column_heads(line)
        if not {"nama", "nip"} <= {name for name, _ in heads}:
            continue
        out = []
        for row in page.lines[i + 1 :]:
            if _SIGN.match(row.text) or _POST.match(row.text):
                break
            if ind.looks_like_nip(row.text):
                out.append(_person(_cut(row, heads), page, document.file, context, today))
        return out
    return []


def _column_heads(line: Line) -> list[tuple[str, float]]:
    """(field, left edge) of each heading; words closer than a gap belong to one heading."""
    groups: list[list[Word]] = []
    for word in line.words:
        if groups and word.box[0] - groups[-1][-1].box[2] < 0.015:
            groups[-1].append(word)
        else:
            groups.append([word])
    named = [(_column_field(_words_text(tuple(g))), g[0].box[0]) for g in groups]
    return [(name or "lain", left) for name, left in named] if len(groups) >= 3 else []


def _cut(line: Line, heads: list[tuple[str, float]]) -> dict[str, tuple[Word, ...]]:
    values: dict[str, tuple[Word, ...]] = {}
    edges = [(name, left, after) for (name, left), (_, after) in pairwise([*heads, ("", 2.0)])]
    for name, left, after in edges:
        if name != "lain":
            words = tuple(w for w in line.words if left - 0.015 <= w.box[0] < after - 0.015)
            values.setdefault(name, words)
    return values


# ------------------------------------------------------------------ joining


def same_person(a: Person, b: Person) -> bool:
    """By NIP, else by name. Equal names with clearly different NIPs are two persons."""
    if a.nip.value and b.nip.value:
        if a.nip.value == b.nip.value:
            return True
        near = fuzz.ratio(a.nip.value, b.nip.value) >= 85.0  # a misread digit or two
        return near and _same_names(a, b)
    return _same_names(a, b)


def _same_names(a: Person, b: Person) -> bool:
    return bool(a.nama.value and b.nama.value and ind.same_name(a.nama.value, b.nama.value))


def _fill(person: Person, other: Person) -> Person:
    """Missing fields, role and action taken from another reading of the same person; values present are kept."""
    fields = {n: getattr(other, n) for n in FIELDS if getattr(person, n).value is None and getattr(other, n).value}
    return replace(
        person, **fields, peran=person.peran or other.peran, tindakan=person.tindakan or other.tindakan,
        kembali=person.kembali or (person.tindakan is None and other.kembali),
    )  # fmt: skip


def _merge_same(persons: tuple[Person, ...]) -> tuple[Person, ...]:
    """The same person named twice becomes one, unless the two entries ask for different things."""
    out: list[Person] = []
    for person in persons:
        for i, known in enumerate(out):
            if (same_person(known, person) and None in (known.tindakan, person.tindakan)) or (
                same_person(known, person) and known.tindakan == person.tindakan
            ):
                out[i] = _fill(known, person)
                break
        else:
            out.append(person)
    return tuple(out)


def join(documents: tuple[Document, ...], body_persons: tuple[Person, ...]) -> tuple[Person, ...]:
    """The requested persons: those of the letter, else of the forms, else of the mail; gaps filled from all others.

    A value that differs in the SK does not replace the letter's: compare with `Document.persons`.
    """
    letters = [d for d in documents if d.kind == "surat_permohonan"]
    forms = [p for d in documents if d.kind == "data_personal" for p in d.persons]
    basis = [p for d in documents if d.kind in BASIS_KINDS for p in d.persons]
    asked = [p for d in letters for p in d.persons]
    requested = _merge_same(tuple(asked or [*forms, *body_persons]))
    others = [*forms, *body_persons, *basis]
    return tuple(_complete(p, others, letters) for p in requested)


def _complete(person: Person, others: list[Person], letters: list[Document]) -> Person:
    """What is missing, from the others. The action comes from the letter only: an SK never asks for anything."""
    for other in others:
        if same_person(person, other):
            trusted = (
                other if other.source not in BASIS_KINDS else replace(other, tindakan=None, kembali=False, peran=None)
            )
            person = _fill(person, trusted)
    for document in letters:
        person = _from_letter(person, document)
    return person


def _from_letter(person: Person, document: Document) -> Person:
    filled = _defaults(person, document)
    return replace(filled, source=person.source or filled.source)
