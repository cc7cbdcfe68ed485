"""The persons of a document: from label blocks, tables and sentences, each value with the place it was read at.

The signer at the bottom is no requested person; nothing is repaired here unless the value validates.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from mailbot.model import FIELDS, Box, Document, Line, PageReading, Person, Table, Word
from mailbot.parsers import asking, grids, labels, values
from mailbot.parsers import context as ctx
from mailbot.parsers import indonesian as ind
from mailbot.parsers.addresses import settled
from mailbot.parsers.blocks import Entry, Reader, Span
from mailbot.parsers.context import Context
from mailbot.parsers.joining import join, merge_same, same_person
from mailbot.parsers.labels import text_of
from mailbot.parsers.rows import relined
from mailbot.parsers.values import Place

T = TypeVar("T")
_LONGEST = 80  # words of a line: more are no line of a letter
BELOW = 0.04  # of the page: under the names of a letterhead stands its address


def persons_of(document: Document, pages: Sequence[PageReading], today: dt.date) -> tuple[Person, ...]:
    """Persons named by a document, in order; `pages` may hold other pages of the file too."""
    reader = Reader()
    heads: grids.Heads | None = None
    for page in sorted((p for p in pages if p.number in document.pages), key=lambda p: p.number):
        reader.new_page()
        heads = _page(reader, page, heads)
    reader.end()
    people = [_person(entry, document.file, today) for entry in reader.entries]
    office = _office_words(pages)
    return tuple(_defaults(p, document, office) for p in merge_same(tuple(people)))


def _office_words(pages: Sequence[PageReading]) -> str:
    """How the office calls itself in the addresses of its letterhead: "dinkes@..."; people's addresses repeat it."""
    head = " ".join(
        line.text for page in pages for line in page.lines if page.kop.box and line.box[3] < page.kop.box[3] + BELOW
    )
    return " ".join(["ppk", "pokja", *re.findall(r"\b([a-z]{3,})@[a-z]", head)])


def _defaults(person: Person, document: Document, office: str) -> Person:
    letter = document.letter
    peran = person.peran or (letter.peran[0] if len(letter.peran) == 1 else None)
    tindakan = person.tindakan or (letter.tindakan[0] if len(letter.tindakan) == 1 else None)
    kembali = person.kembali or (tindakan == "pengaktifan" and letter.kembali)
    name = person.nama.value  # where it was lost, the address is settled once another paper gave it
    email = settled(person.email, name, office) if name else person.email
    return replace(person, peran=peran, tindakan=tindakan, kembali=kembali, email=email,
                   source=document.kind if document.sha256 else "badan_email")  # fmt: skip


# ------------------------------------------------------------------ a page from top to bottom


def _page(reader: Reader, page: PageReading, heads: grids.Heads | None) -> grids.Heads | None:
    """Blocks and tables in reading order, so that headings reach whatever stands below them."""
    page = replace(page, tables=tuple(grids.unmerged(grids.with_rows(t)) for t in page.tables if t.cells))
    tables = {
        i: found
        for i, t in enumerate(page.tables)
        if (found := grids.heads_of(t, heads)) or grids.is_form(t) or grids.more_of(t)
    }
    lines = side_by_side(relined(page))
    opened = None if tables else grids.open_table(page, lines)
    done: set[int] = set()
    for i, line in enumerate(lines):
        inside = next((k for k in tables if _inside(line.box, page.tables[k].box)), None)
        if opened and opened[0] <= i < opened[1]:
            if i == opened[0]:
                reader.end()
                reader.entries += [_entry(row, reader.context, page) for row in opened[2]]
        elif inside is None:
            reader.line(line, page)
        elif inside not in done:
            done.add(inside)
            _table(reader, page, page.tables[inside], tables[inside])
    for k in tables:
        if k not in done:  # cells whose words are not among the page's lines
            _table(reader, page, page.tables[k], tables[k])
    return next((h for h in reversed(list(tables.values())) if h), heads)


def _inside(box: Box, table: Box) -> bool:
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    return table[0] <= x <= table[2] and table[1] <= y <= table[3]


def _table(reader: Reader, page: PageReading, table: Table, heads: grids.Heads | None) -> None:
    if across := grids.across(table):
        reader.end()
        reader.entries += [_entry(row, reader.context, page) for row in across]
        return
    if heads is None and (more := grids.more_of(table)):
        _add_columns(reader, page, list(grids.rows(table, more)))
        return
    if heads is None:
        for line in grids.label_lines(table):
            reader.line(line, page)
        return
    reader.end()
    if reader.context.closed or reader.context.signer:
        reader.context = replace(reader.context, closed=False, signer=False)
    for row in grids.rows(table, heads):
        if isinstance(row, str):
            reader.heading(row)
        else:
            reader.entries.append(_entry(row, reader.context, page))


def _add_columns(reader: Reader, page: PageReading, rows: Sequence[grids.Row | str]) -> None:
    """A second table with further columns for the same persons, row by row."""
    reader.end()
    values = [row for row in rows if not isinstance(row, str)]
    if not values or len(values) > len(reader.entries):
        return
    first = len(reader.entries) - len(values)
    for i, row in enumerate(values, first):
        added = {name: Span(words, page) for name, words in row.items() if words}
        reader.entries[i] = replace(reader.entries[i], values={**added, **reader.entries[i].values})


def _entry(row: Mapping[str, tuple[Word, ...]], context: Context, page: PageReading) -> Entry:
    return Entry({name: Span(words, page) for name, words in row.items() if words}, context)


def side_by_side(lines: Sequence[Line]) -> tuple[Line, ...]:
    """Two blocks that stand beside each other ("Nama : .. Nama : .."), one below the other."""
    out: list[Line] = []
    right: list[Line] = []
    cut = 0.0
    for line in lines:
        at = _second_label(line)
        if at is None and cut and right and not any(abs(w.box[0] - cut) < 0.02 for w in line.words):
            out, right, cut = [*out, *right], [], 0.0
        if at is not None and not cut:
            cut = line.words[at].box[0]
        if cut:
            parts = [tuple(w for w in line.words if (w.box[0] < cut - 0.02) == left) for left in (True, False)]
            out += [Line(parts[0])] if parts[0] else []
            right += [Line(parts[1])] if parts[1] else []
        else:
            out.append(line)
    return (*out, *right)


def _second_label(line: Line) -> int | None:
    """Where the same label begins again behind a first value."""
    first = labels.split(line)
    if first is None or first.field not in FIELDS:
        return None
    for i in range(3, min(len(line.words), _LONGEST) - 1):
        item = labels.split(Line(line.words[i:]))
        if item and item.field == first.field and ":" in " ".join(w.text for w in line.words[i : i + 4]):
            return i
    return None


# ------------------------------------------------------------------ one person


def _person(entry: Entry, file: str, today: dt.date) -> Person:
    found = _unjoined(entry.values)
    fields: dict[str, Any] = {
        n: values.found(n, s.words, Place(s.page, file, today)) for n, s in found.items() if n in FIELDS and s.words
    }
    said = {n: text_of(found[n].words) if n in found else "" for n in ("peran", "tindakan", "jabatan")}
    role = _only(asking.roles(said["peran"])) or entry.context.role or _only(asking.roles(said["jabatan"]))
    asked = next(
        (a for a in (asking.actions(said["tindakan"]), asking.actions(said["peran"])) if len(a.actions) == 1), None
    )
    action = asked.actions if asked else entry.context.actions
    kembali = (asked.kembali if asked else entry.context.kembali) and action != ("penonaktifan",)
    return Person(**fields, peran=role, tindakan=_only(action), kembali=kembali)


def _only(found: tuple[T, ...]) -> T | None:
    return found[0] if len(found) == 1 else None


def _unjoined(found: Mapping[str, Span]) -> dict[str, Span]:
    """Name and NIP that stand behind one label or in one cell, apart."""
    out = dict(found)
    joint = out.pop("nama_nip", None) or (out.get("nama") if "nip" not in out else None)
    if joint:
        name, nip = grids.name_and_nip(joint.words)
        if not name and nip:  # "NIP / Nama": the number comes first
            cut = next(
                (i for i, w in enumerate(nip) if i and w.text[:1].isalpha() and labels.label_key(w.text) != "nip"),
                len(nip),
            )
            name, nip = nip[cut:], nip[:cut]
        name, rank = grids.cut_rank(tuple(w for w in name if w.text not in ("/", "-")))
        nip, more = grids.cut_number(nip)
        out["nama"] = replace(joint, words=name)
        if nip:
            out.setdefault("nip", replace(joint, words=nip))
        if rank or ind.parse_golongan(text_of(more)):
            out.setdefault("pangkat_golongan", replace(joint, words=rank or more))
    return {n: s for n, s in _contacts(out).items() if s.words}


def _contacts(found: dict[str, Span]) -> dict[str, Span]:
    """Telephone and address that stand behind one label or in one column, apart."""
    for have, want in (("telepon", "email"), ("email", "telepon")):
        span = found.get(have)
        if span is None or want in found:
            continue
        mail = tuple(w for w in span.words if "@" in w.text)
        rest = tuple(w for w in span.words if w not in mail and w.text not in ("/", "-", ",", ";"))
        if mail and ind.norm_phone(text_of(rest)):
            return {**found, "telepon": replace(span, words=rest), "email": replace(span, words=mail)}
    return found


__all__ = ["ctx", "join", "persons_of", "relined", "same_person"]
