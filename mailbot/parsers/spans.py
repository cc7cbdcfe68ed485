"""Where on a page values stand that are worth a second reading: NIP, telephone, e-mail address, golongan.

A value may be broken over lines of a cell or of a column without rules, and badly read at its first reading.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from mailbot.model import Box, Cell, Line, Table, Word, union
from mailbot.parsers import labels

_MAX_SPANS = 80
Span = tuple[Box, ...]  # one box for each line of a value

_DIGIT = "0-9OoQlI|SBZ"
_NIP = re.compile(rf"(?<![^\s:.(/-])[{_DIGIT}](?:[ .,\-]{{0,2}}[{_DIGIT}]){{14,22}}(?!\w)")
_DATE = re.compile(r"(?:19[4-9]|20[01])\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{0,6}")  # with which a NIP begins
_NIP_LABEL = re.compile(r"^\W*N\W?[I1l|]\W?P", re.I)
_PHONE = re.compile(r"(?<!\d)(?:\+?62|\(?[0Oo]\d)[\dOolI() .\-]{6,16}[\dOlI]")
_AT = re.compile(r"[@©®]|gmail|yahoo|\.go\.id", re.IGNORECASE)
_ENDED = re.compile(r"\.(?:com|id|net|org)[.,;)]?$", re.IGNORECASE)
_PIECE = re.compile(r"(?!\d{5})[a-z0-9._\-]+")  # of an address
_GOES_ON = re.compile(
    r"(?:[\d.\-]{1,12}|(?=.*[.@])[a-z0-9._@\-]+)", re.IGNORECASE
)  # a number, or a piece of an address


def _words(lines: Iterable[Line]) -> list[tuple[int, Word]]:
    return [(row, word) for row, line in enumerate(lines) for word in line.words]


def _covered(words: list[tuple[int, Word]], start: int, end: int) -> list[int]:
    """Indices of the words that lie in a character range of their texts joined by blanks."""
    found, at = [], 0
    for index, (_, word) in enumerate(words):
        if at < end and at + len(word.text) > start:
            found.append(index)
        at += len(word.text) + 1
    return found


def _boxes(words: list[tuple[int, Word]], indices: Iterable[int]) -> tuple[Box, ...]:
    """One box per line, so that a wrapped value gives one crop per line."""
    rows: dict[int, list[Box]] = {}
    for index in indices:
        row, word = words[index]
        rows.setdefault(row, []).append(word.box)
    return tuple(union(tuple(boxes)) for boxes in rows.values())


def _emails(words: list[tuple[int, Word]]) -> Iterable[list[int]]:
    """An address with the pieces that stand close before it, and its neighbours above and below while it looks broken."""
    for index, (row, word) in enumerate(words):
        if not _AT.search(word.text):
            continue
        span = [index]
        if word.text[0] in "@©®" and index:
            span.insert(0, index - 1)
        while span[0] and _touch(words[span[0] - 1], words[span[0]]):
            span.insert(0, span[0] - 1)
        following = words[index + 1] if index + 1 < len(words) else None
        if (
            following
            and following[0] == row + 1
            and not _ENDED.search(word.text)
            and "." in following[1].text
            and "@" not in following[1].text
        ):
            span.append(index + 1)
        yield span


def _touch(left: tuple[int, Word], right: tuple[int, Word]) -> bool:
    """Pieces of one address: on one line, and closer than a blank, or joined by its punctuation or a lost underscore."""
    before, after = left[1], right[1]
    if before.text[0].isdigit() and before.text.isalnum():
        return False  # the end of a telephone number in the column before
    joined = before.text[-1] in "._-" or after.text[0] in "._-"
    return _close(left, right, 0.9 if joined else 0.55 if _PIECE.fullmatch(before.text) else 0.15)


def _close(left: tuple[int, Word], right: tuple[int, Word], within: float) -> bool:
    """On one row, and the gap between them is less than `within` of the height of the letters."""
    (row, before), (same, after) = left, right
    gap, tall = after.box[0] - before.box[2], (after.box[3] - after.box[1]) * 1.4  # fractions of width and of height
    level = min(before.box[3], after.box[3]) > max(before.box[1], after.box[1])
    return row == same and level and gap < within * tall


def _spans(lines: Iterable[Line]) -> Iterable[tuple[Box, ...]]:
    words = _words(lines)
    text = " ".join(word.text for _, word in words)
    used: set[int] = set()
    matches = [
        _covered(words, *match.span())
        for pattern in (_NIP, _PHONE)
        for match in pattern.finditer(text)
        if sum(c.isdigit() for c in match.group()) >= 8
    ]
    for indices in [*matches, *_emails(words)]:
        if indices and not used.intersection(indices):
            used.update(indices)
            yield _boxes(words, indices)


def _whole_address(lines: Iterable[Line]) -> list[tuple[Box, ...]]:
    """A cell that holds one address and nothing else, broken anywhere."""
    words = _words(lines)
    one_each = len(words) == len({row for row, _ in words})
    pieces = one_each or all(_PIECE.fullmatch(word.text.replace("@", "")) for _, word in words)
    if 1 < len(words) <= 6 and pieces and sum("@" in word.text for _, word in words) == 1:
        return [_boxes(words, range(len(words)))]
    return []


def of_values(lines: Iterable[Line], tables: Iterable[Table]) -> list[Span]:
    """Where a NIP, a phone number or an address seems to stand."""
    cells = [cell for table in tables for cell in table.cells]
    rest = _outside(lines, cells)
    free = [word for line in rest for word in line.words]
    found = [span for cell in cells for span in (_whole_address(cell.lines) or _spans(cell.lines))]
    found += [_down_the_column(_up_the_column(span, free), free) for line in rest for span in _in_line(line)]
    found += _begun(free)
    found += [span for cell in cells for span in _begun([word for line in cell.lines for word in line.words])]
    return _distinct(found)[:_MAX_SPANS]


def _begun(words: Sequence[Word]) -> Iterator[Span]:
    """A NIP that was broken or badly read, found by the date with which it begins: it goes on to the right, then below."""
    for i, word in enumerate(words):
        if not _DATE.match(word.text):
            continue
        rows = [_run(i, words, 0)]
        label = words[i - 1].box[0] if i and _NIP_LABEL.match(words[i - 1].text) else word.box[0]
        while _signs(rows) < 18 and len(rows) < 4 and (below := _below(rows[-1][0], {word.box[0], label}, words)):
            rows.append(_run(words.index(below), words, _signs(rows)))
        if 16 <= _signs(rows) <= 21:
            yield tuple(union(tuple(w.box for w in row)) for row in rows)


def _signs(rows: Iterable[Sequence[Word]]) -> int:
    return sum(c.isalnum() for row in rows for word in row for c in word.text)


def _run(start: int, words: Sequence[Word], signs: int) -> list[Word]:
    """The words of one row that stand close together and may be of one number, of which `signs` are known."""
    run = [words[start]]
    for word in words[start + 1 :]:
        number = re.search(r"\d", word.text) or len(word.text) <= 3
        if signs + _signs([run]) >= 18 or not number or not _close((0, run[-1]), (0, word), 0.9):
            break
        run.append(word)
    return run


def _below(above: Word, lefts: Iterable[float], words: Sequence[Word]) -> Word | None:
    """The word that begins a number's next row; after so many digits it may be read as anything short."""
    boxes = [(left, *above.box[1:]) for left in lefts]
    return next((w for w in words if len(w.text) <= 12 and any(_under(box, w) for box in boxes)), None)


def _distinct(spans: Iterable[Span]) -> list[Span]:
    """Without what was taken already as the rest of a broken value above it."""
    taken: set[Box] = set()
    kept = []
    for span in spans:
        if not taken.issuperset(span):
            kept.append(span)
            taken.update(span)
    return kept


def _in_line(line: Line) -> tuple[Span, ...]:
    """Values in a line. What its label says is a value when it is too badly read, and an address goes to the line's end."""
    item = labels.split(line) if line.words else None
    field, words = (item.field, item.words) if item else ("", ())
    labelled = ((union(tuple(w.box for w in words)),),) if words else ()
    if field == "email" and len(words) <= 4:
        return labelled
    return tuple(_spans((line,))) or (labelled if field in ("nip", "telepon") else ())


def _outside(lines: Iterable[Line], cells: Iterable[Cell]) -> list[Line]:
    inside = {word for cell in cells for line in cell.lines for word in line.words}
    return [Line(tuple(word for word in line.words if word not in inside)) for line in lines]


def _down_the_column(span: Span, free: Sequence[Word], digits: int = 10) -> Span:
    """In a table without rules the rest of a broken value stands below its beginning; a number has at least `digits`."""
    text = text_in(free, span)
    whole = _ENDED.search(text) if "@" in text else len(re.sub(r"\D", "", text)) >= digits
    below = next((w for w in free if _goes_on(span[-1], w)), None)
    if whole or below is None or len(span) > 4:
        return span
    return _down_the_column((*span, below.box), free, digits)


def _up_the_column(span: Span, free: Sequence[Word]) -> Span:
    """The beginning of an address that was broken before its "@", or after one of its signs."""
    text = text_in(free, span)
    above = next((w for w in free if _goes_on(w.box, Word(text, span[0], 1.0)) and _PIECE.fullmatch(w.text)), None)
    if "@" not in text or above is None or not (text.startswith("@") or above.text[-1] in "._-"):
        return span
    return (above.box, *span)


def _goes_on(above: Box, word: Word) -> bool:
    return _under(above, word) and bool(_GOES_ON.fullmatch(word.text))


def _under(above: Box, word: Word) -> bool:
    """In the next row of the same column."""
    left, top = word.box[:2]
    tall = above[3] - above[1]
    return abs(left - above[0]) < 0.006 and -0.2 * tall < top - above[3] < 1.3 * tall


def of_grades(lines: Iterable[Line], tables: Iterable[Table]) -> list[Span]:
    """Where pangkat and golongan stand: behind their label, or in the column under it."""
    tables = tuple(tables)
    cells = [cell for table in tables for cell in table.cells]
    found = [_line_boxes(cell.lines) for table in tables for cell in _grade_cells(table)]
    labelled = [labels.split(line) for line in _outside(lines, cells) if line.words]
    words = [x.words for x in labelled if x and x.field == "pangkat_golongan" and x.words]
    return [span for span in [*found, *((union(tuple(w.box for w in part)),) for part in words)] if span][:_MAX_SPANS]


def _grade_cells(table: Table) -> list[Cell]:
    """Below the heading of a column, which stands in a row of headings: in a form the labels stand below each other."""
    rows = Counter(c.row for c in table.cells if c.lines and labels.column_field(_text(c)))
    heads = {c.column: c.row for c in table.cells if rows[c.row] >= 2 and _heads_grades(c)}
    return [c for c in table.cells if c.lines and c.row > heads.get(c.column, len(table.cells))]


def _heads_grades(cell: Cell) -> bool:
    return bool(cell.lines) and labels.column_field(_text(cell)) == "pangkat_golongan"


def _text(cell: Cell) -> str:
    return " ".join(line.text for line in cell.lines)


def _line_boxes(lines: Iterable[Line]) -> Span:
    return tuple(union(tuple(w.box for w in line.words)) for line in lines if line.words)


def text_in(words: Iterable[Word], boxes: Span) -> str:
    """What the page reading has in these boxes; the lines of a value joined without a blank."""
    words = tuple(words)
    return "".join(" ".join(w.text for w in words if _within(w.box, box)) for box in boxes)


def _within(inner: Box, outer: Box) -> bool:
    near = 0.001
    across = outer[0] - near <= inner[0] and inner[2] <= outer[2] + near
    return across and outer[1] - near <= inner[1] and inner[3] <= outer[3] + near
