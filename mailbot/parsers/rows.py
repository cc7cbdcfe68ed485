"""The lines of a page from top to bottom, also where an engine read it column by column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

from mailbot.model import Line, PageReading, Word
from mailbot.parsers import labels

BACK = 0.06  # of the page's height: a jump upwards that no reading order of a letter has


def relined(page: PageReading) -> tuple[Line, ...]:
    """Lines in rows; where labels and values were read as two columns, they are put side by side again."""
    cells = {id(line) for t in page.tables for c in t.cells for line in c.lines}
    free = [line for line in page.lines if id(line) not in cells]
    if not (_jumps(free) or _bare_labels(free) >= 3):
        return page.lines
    rows = _side_by_side(free)
    for table in page.tables:
        at = next((i for i, line in enumerate(rows) if line.box[1] > table.box[1]), len(rows))
        rows[at:at] = [line for cell in table.cells for line in cell.lines]
    return tuple(rows)


def _jumps(lines: Sequence[Line]) -> bool:
    tops = [line.box[1] for line in lines if line.words]
    return any(later < earlier - BACK for earlier, later in pairwise(tops))


def _bare_labels(lines: Sequence[Line]) -> int:
    """Lines that are a label and nothing else."""
    return sum(
        len(line.words) <= 6 and labels.exact_field(_without_colon(line.words)) not in (None, "lain", "tindakan")
        for line in lines
    )


def _without_colon(words: tuple[Word, ...]) -> tuple[Word, ...]:
    return words[:-1] if words and labels.SEPARATOR.match(words[-1].text) else words


def _side_by_side(lines: Sequence[Line]) -> list[Line]:
    """Lines on one height put together. Words of one line stay together: on a leaning page its ends differ in height."""
    rows: list[list[Line]] = []
    for line in sorted((x for x in lines if x.words), key=_middle):
        row = next((r for r in reversed(rows[-3:]) if all(_beside(line, x) for x in r)), None)
        if row is None:
            rows.append([line])
        else:
            row.append(line)
    return [Line(tuple(w for x in sorted(row, key=lambda x: x.box[0]) for w in x.words)) for row in rows]


def _middle(line: Line) -> float:
    return line.box[1] + line.box[3]


def _beside(one: Line, other: Line) -> bool:
    """On one height, by the words that are next to each other, and not over each other."""
    left, right = (one, other) if one.box[0] < other.box[0] else (other, one)
    a, b = left.words[-1].box, right.words[0].box
    apart = abs((a[1] + a[3]) - (b[1] + b[3])) / 2 < 0.5 * min(a[3] - a[1], b[3] - b[1])
    return apart and left.box[2] <= right.box[0] + 0.005


def as_rows(words: Iterable[Word]) -> tuple[Line, ...]:
    """Words in rows by vertical centre, each from left to right."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda w: w.box[1] + w.box[3]):
        middle = (word.box[1] + word.box[3]) / 2
        first = rows[-1][0] if rows else None
        if first and middle - (first.box[1] + first.box[3]) / 2 < 0.5 * min(
            first.box[3] - first.box[1], word.box[3] - word.box[1]
        ):
            rows[-1].append(word)
        else:
            rows.append([word])
    return tuple(Line(tuple(sorted(row, key=lambda w: w.box[0]))) for row in rows)
