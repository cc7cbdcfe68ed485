"""Tables of persons: ruled ones with cells, and those that only stand in columns."""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from mailbot.model import FIELDS, Cell, Line, PageReading, Table, Word, union
from mailbot.parsers import context as ctx
from mailbot.parsers import indonesian as ind
from mailbot.parsers import labels
from mailbot.parsers.labels import text_of

Columns = dict[int, str]
Row = dict[str, tuple[Word, ...]]


@dataclass(frozen=True, slots=True)
class Heads:
    """The heading of a table: its last row and what each column means; of a table without one the row is -1."""

    row: int
    columns: Columns


def cell_words(cell: Cell) -> tuple[Word, ...]:
    return tuple(w for line in cell.lines for w in line.words)


def cell_rows(table: Table) -> list[list[Cell]]:
    rows: dict[int, list[Cell]] = {}
    for cell in table.cells:
        rows.setdefault(cell.row, []).append(cell)
    return [sorted(rows[r], key=lambda c: c.column) for r in sorted(rows)]


# ------------------------------------------------------------------ what the columns mean


def heads_of(table: Table, before: Heads | None = None) -> Heads | None:
    """The heading among the first rows; else that of the table continued from the page before; else by contents."""
    for row in sorted({c.row for c in table.cells})[:4]:
        columns = {
            c.column: f for c in table.cells if c.row == row and (f := labels.column_field(text_of(cell_words(c))))
        }
        if ("nama" in columns.values() and len(columns) >= 2) or "nama_nip" in columns.values():
            return Heads(
                row,
                {**guessed(table, row), **columns}
                if "nip" not in columns.values() and "nama_nip" not in columns.values()
                else columns,
            )
    if (
        before
        and {c.column for c in table.cells}
        and max(c.column for c in table.cells) == max(before.columns, default=-1)
    ):
        return Heads(-1, before.columns)
    columns = guessed(table, -1)
    return Heads(-1, columns) if {"nama", "nip"} <= set(columns.values()) and not is_form(table) else None


def guessed(table: Table, below: int) -> Columns:
    """Columns known by what stands in them: NIP, address of mail, telephone, golongan, and the name left of the NIP."""
    out: Columns = {}
    for column in sorted({c.column for c in table.cells}):
        texts = [text_of(cell_words(c)) for c in table.cells if c.column == column and c.row > below and c.lines]
        name = next((n for n, fits in _SHAPES if texts and sum(fits(t) for t in texts) >= 0.6 * len(texts)), None)
        if name and name not in out.values():
            out[column] = name
    nip = next((c for c, n in out.items() if n == "nip"), None)
    if nip is not None and nip - 1 >= 0 and nip - 1 not in out:
        texts = [text_of(cell_words(c)) for c in table.cells if c.column == nip - 1 and c.lines]
        if any(re.search(r"[A-Za-z]{3}", t) for t in texts):
            out[nip - 1] = "nama"
    return out


_SHAPES: tuple[tuple[str, Callable[[str], bool]], ...] = (
    ("nip", lambda t: ind.looks_like_nip(t) and not re.search(r"[a-z]{3}", t)),
    ("email", lambda t: "@" in t),
    ("telepon", lambda t: bool(re.fullmatch(r"[\d+() .\-/]{9,20}", t) and ind.norm_phone(t))),
    ("pangkat_golongan", lambda t: bool(re.search(r"\b(?:I{1,3}|IV)\s?[/.]\s?[a-e]\b", t))),
)


def more_of(table: Table) -> Heads | None:
    """Further columns of a table of persons that was too wide: fields, but no name."""
    first = min(c.row for c in table.cells)
    columns = {
        c.column: f
        for c in table.cells
        if c.row == first and (f := labels.column_field(text_of(cell_words(c)))) in FIELDS
    }
    height = len({c.row for c in table.cells})
    return Heads(first, columns) if len(columns) >= 2 and height >= 2 and not is_form(table) else None


def with_rows(table: Table) -> Table:
    """A table with rules between its columns only: every line that begins with a number, or a NIP, is a row of its own."""
    table = _without_stray_rules(table)
    if len({c.row for c in table.cells}) > 2 or not table.cells:
        return table
    low = max(c.row for c in table.cells)
    cells = [c for c in table.cells if c.row == low]
    marks = max(
        (found for c in cells for found in (_counted(c.lines), [x for x in c.lines if ind.looks_like_nip(x.text)])),
        key=len,
    )
    headed = low > 0 or all(c.lines and labels.column_field(c.lines[0].text) for c in cells if c.lines)
    if len(marks) < 2 or not headed:
        return table
    tops = [line.box[1] for line in marks]
    made = [c for c in table.cells if c.row != low]
    for cell in cells:
        for row in range(-1, len(tops)):
            above = tops[row] - 0.006 if row >= 0 else -1.0
            below = tops[row + 1] - 0.006 if row + 1 < len(tops) else 2.0
            lines = tuple(line for line in cell.lines if above <= line.box[1] < below)
            if row >= 0 or lines:
                made.append(Cell(low + 1 + row, cell.column, cell.box, lines))
    return Table(table.box, tuple(made))


def _without_stray_rules(table: Table) -> Table:
    """Where most columns are one cell from top to bottom, a line across another one is no rule between rows."""
    columns = [[c for c in table.cells if c.column == k] for k in sorted({c.column for c in table.cells})]
    whole = sum(len(cells) == 1 and len(cells[0].lines) >= 3 for cells in columns)
    if 2 * whole <= len(columns):
        return table
    return Table(table.box, tuple(cells[0] if len(cells) == 1 else _one_cell(cells) for cells in columns))


def _one_cell(cells: Sequence[Cell]) -> Cell:
    lines = tuple(line for cell in sorted(cells, key=lambda c: c.row) for line in cell.lines)
    return Cell(min(c.row for c in cells), cells[0].column, union(tuple(c.box for c in cells)), lines)


def unmerged(table: Table) -> Table:
    """A cell that reaches over the next column, because a rule was not seen, gives it the words that stand there."""
    spans: dict[int, tuple[float, float]] = {}
    for column in {c.column for c in table.cells}:
        boxes = [c.box for c in table.cells if c.column == column]
        spans[column] = (median(b[0] for b in boxes), median(b[2] for b in boxes))
    made: list[Cell] = []
    for cells in cell_rows(table):
        present = {c.column for c in cells}
        for cell in cells:
            over = [
                k
                for k, (left, right) in sorted(spans.items())
                if k > cell.column and k not in present and (left + right) / 2 < cell.box[2]
            ]
            edges = [*(spans[k][0] for k in over), 2.0]
            for k, low, high in zip([cell.column, *over], [-1.0, *edges], edges, strict=False):
                lines = tuple(
                    Line(w)
                    for line in cell.lines
                    if (w := tuple(x for x in line.words if low <= (x.box[0] + x.box[2]) / 2 < high))
                )
                made.append(
                    Cell(
                        cell.row,
                        k,
                        cell.box if not over else (spans[k][0], cell.box[1], spans[k][1], cell.box[3]),
                        lines,
                    )
                )
    return Table(table.box, tuple(made))


def _counted(lines: Sequence[Line]) -> list[Line]:
    """The lines that hold nothing but the next number: 1, 2, 3; pieces of a broken NIP are numbers too."""
    alone = [x for x in lines if re.fullmatch(r"\W*\d{1,2}\W*", x.text)]
    return alone if [int(ind.digits(x.text)) for x in alone] == list(range(1, len(alone) + 1)) else []


def is_form(table: Table) -> bool:
    """A form drawn as a table: a column of labels with a column of values."""
    named = Counter(c.column for c in table.cells if labels.field_of(text_of(cell_words(c))) in FIELDS)
    return max(named.values(), default=0) >= 3 and max(c.column for c in table.cells) <= 4


# ------------------------------------------------------------------ rows


def rows(table: Table, heads: Heads) -> Iterator[Row | str]:
    """The persons' rows as words by field; a section row across the table comes as its text."""
    for cells in cell_rows(table):
        if cells[0].row <= heads.row:
            continue
        filled = [c for c in cells if cell_words(c)]
        values = row_values(cells, heads.columns)
        if len(filled) == 1 and not values.get("nip"):
            yield text_of(cell_words(filled[0]))
            continue
        numbering = all(re.fullmatch(r"\W*\d{0,2}\W*", text_of(w)) for w in values.values())
        named = heads.columns.values()
        if not numbering and (values.get("nama") or values.get("nip") or not {"nama", "nip", "nama_nip"} & set(named)):
            yield values


def row_values(cells: Sequence[Cell], columns: Columns) -> Row:
    values: Row = {}
    for cell in cells:
        name, words = columns.get(cell.column), cell_words(cell)
        if name == "nama_nip":
            values["nama"], values["nip"] = name_and_nip(words)
        elif name and name != "lain" and words:
            values.setdefault(name, words)
    return values


def name_and_nip(words: tuple[Word, ...]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """The words before and from the NIP in a joint cell or value; without a NIP all words are the name's."""
    for i, word in enumerate(words):
        key = labels.label_key(word.text)
        if key in ("nip", "nipppk", "nlp") or (sum(c.isdigit() for c in word.text) >= 6):
            named = len(ind.digits("".join(w.text for w in words[i:]))) >= 9
            return _trim(words[:i]), words[i:] if named else ()
    return words, ()


def cut_rank(words: tuple[Word, ...]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """Name and rank of a cell that holds both: "Budi Santoso, S.T. Penata (III/c)"."""
    for i, word in enumerate(words):
        if (
            i
            and re.match(r"\W*(?:penata|pembina|pengatur|juru)\b", word.text, re.I)
            and ind.parse_golongan(text_of(words[i:]))
        ):
            return _trim(words[:i]), words[i:]
    return words, ()


def cut_number(words: tuple[Word, ...]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """A NIP and the words behind its digits."""
    seen = itertools.accumulate(len(ind.digits(w.text)) for w in words)
    end = next((i for i, digits in enumerate(seen, 1) if digits >= 18), len(words))
    return words[:end], words[end:]


def across(table: Table) -> list[Row]:
    """A table with the labels down its first columns and one column for each person; [] for all others."""
    named = {c.row: c.column for c in table.cells if labels.field_of(text_of(cell_words(c))) in FIELDS}
    if len(named) < 3 or len(set(named.values())) != 1:
        return []
    column = next(iter(named.values()))
    values = {k for k in {c.column for c in table.cells} if k > column}
    people: list[Row] = []
    for k in sorted(values):
        row: Row = {}
        for cell in table.cells:
            if cell.column == k and cell.row in named and cell_words(cell):
                label = next(c for c in table.cells if c.row == cell.row and c.column == column)
                row.setdefault(labels.field_of(text_of(cell_words(label))) or "lain", cell_words(cell))
        if row.get("nama") and row.get("nip") and ind.looks_like_nip(text_of(row["nip"])):
            people.append(row)
    return people if len(people) >= 2 else []


def _trim(words: tuple[Word, ...]) -> tuple[Word, ...]:
    while words and not re.search(r"\w", words[-1].text):
        words = words[:-1]
    return words


def label_lines(table: Table) -> Iterator[Line]:
    """Label cell, a colon, value cell: the lines that the same form has when it is not ruled."""
    for cells in cell_rows(table):
        texts = [w for c in cells if (w := cell_words(c)) and not all(labels.SEPARATOR.match(x.text) for x in w)]
        texts = texts[1:] if len(texts) > 2 and re.fullmatch(r"\W*\w{1,2}\W*", text_of(texts[0])) else texts
        if not texts:
            continue
        end = texts[0][-1]
        colon = Word(":", (end.box[2], end.box[1], end.box[2], end.box[3]), 1.0)
        numbered = len(texts) == 2 and re.fullmatch(r"\W*\d{1,2}\W*", text_of(texts[0]))
        first = (*texts[1], colon) if numbered else (*texts[0], colon)
        yield Line(first if numbered or len(texts) == 1 else (*first, *(w for t in texts[1:] for w in t)))


# ------------------------------------------------------------------ columns without rules


def open_table(page: PageReading, lines: Sequence[Line]) -> tuple[int, int, list[Row]] | None:
    """A table without rules: (first line, line after the last, rows). Columns are where no line has a word."""
    lines = [Line(tuple(w for w in line.words if re.search(r"[^\W_]", w.text))) for line in lines]
    for i, line in enumerate(lines):
        head = " ".join(x.text for x in lines[i : i + 3])
        if (
            ":" in line.text
            or not re.search(r"\bnama", line.text, re.I)
            or not re.search(r"\bnip|\binduk\b", head, re.I)
        ):
            continue
        end = next((k for k in range(i + 1, len(lines)) if _ends_table(lines[k].text)), len(lines))
        first = next((k for k in range(i + 1, end) if _starts_row(lines[k])), None)
        if first is None or len(line.words) < 3:
            continue
        columns = _named_columns(lines[i:first], lines[first:end])
        named = {n for n, _, _ in columns}
        if ("nama" in named and "nip" in named) or "nama_nip" in named:
            return i, end, list(_open_rows(lines[first:end], columns))
    return None


_NIP_HEAD = re.compile(r"(?<!\d)(?:19[4-9]\d|20[01]\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?=\D|\d{10}(?!\d))")


def _starts_row(line: Line) -> bool:
    return bool(re.match(r"\W*1\W*(?:\s|$)", line.text) or _NIP_HEAD.search(line.text) or ind.looks_like_nip(line.text))


def _ends_table(text: str) -> bool:
    return bool(ctx.CLOSING.match(text) or ctx.POST.match(text)) or len(re.findall(r"\b[a-z]{4,}\b", text)) >= 9


def _covered(lines: Sequence[Line]) -> list[tuple[float, float]]:
    """Where words stand, as intervals across the page."""
    words = [w for line in lines for w in line.words]
    blank = 1.05 * median((w.box[2] - w.box[0]) / max(len(w.text), 1) for w in words)
    merged: list[tuple[float, float]] = []
    for left, right in sorted((w.box[0], w.box[2]) for w in words):
        if merged and left - merged[-1][1] < blank:
            merged[-1] = (merged[-1][0], max(merged[-1][1], right))
        else:
            merged.append((left, right))
    return merged


def _named_columns(head: Sequence[Line], body: Sequence[Line]) -> list[tuple[str, float, float]]:
    """(field, left, right) of each column; a heading belongs to the column that it stands over."""
    columns = _covered(body)
    words: dict[int, list[Word]] = {}
    for word in (w for line in head for w in line.words):
        middle = (word.box[0] + word.box[2]) / 2
        near = min(range(len(columns)), key=lambda k: max(columns[k][0] - middle, middle - columns[k][1], 0.0))
        words.setdefault(near, []).append(word)
    return [
        (labels.column_field(text_of(tuple(words.get(k, ())))) or "lain", left, right)
        for k, (left, right) in enumerate(columns)
    ]


def _numbered(lines: Sequence[Line]) -> list[bool]:
    """Which lines begin with the next number: 1, 2, 3; other numbers belong to a broken value."""
    found, last = [], 0
    for line in lines:
        number = re.match(r"\W*(\d{1,2})[.)]?(?:\s|$)", line.text)
        found.append(number is not None and int(number.group(1)) == last + 1)
        last += found[-1]
    return found


def _open_rows(lines: Sequence[Line], columns: Sequence[tuple[str, float, float]]) -> Iterator[Row]:
    """A row begins with its number or, where a number was lost, with the first eight digits of a NIP.

    A NIP below the name, in one column with it, stands in the middle of its row."""
    numbers, nips = _numbered(lines), [bool(_NIP_HEAD.search(line.text)) for line in lines]
    joint = any(name == "nama_nip" for name, _, _ in columns)
    starts = nips if sum(nips) > sum(numbers) or (sum(nips) == sum(numbers) and not joint) else numbers
    groups: list[list[Line]] = []
    for line, begins in zip(lines, starts, strict=True):
        if begins or not groups:
            groups.append([line])
        else:
            groups[-1].append(line)
    for group in groups:
        row: Row = {}
        for name, left, right in columns:
            cell = tuple(
                w for line in group for w in line.words if left - 0.004 <= (w.box[0] + w.box[2]) / 2 <= right + 0.004
            )
            if name == "nama_nip":
                row["nama"], row["nip"] = name_and_nip(cell)
            elif name != "lain" and cell:
                row.setdefault(name, cell)
        if row.get("nama") or row.get("nip"):
            yield row
