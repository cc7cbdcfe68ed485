"""Values are read a second time, each from its own crop, by the other engine: NIP, telephone, e-mail and golongan."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

import cv2
from rapidfuzz import process
from rapidfuzz.distance import OSA

from mailbot.model import Box, Cell, Line, SecondReading, Table, Word, union
from mailbot.parsers import indonesian as ind
from mailbot.parsers import labels, ocr
from mailbot.parsers.ocr import Pixels

_MAX_SPANS = 80
_ROMAN = 1.6  # made so much wider, the strokes of a roman number stand apart
Span = tuple[Box, ...]  # where a value stands: one box for each of its lines

# ------------------------------------------------------------------ where values stand

_DIGIT = "0-9OoQlI|SBZ"
_NIP = re.compile(rf"(?<![^\s:.(/-])[{_DIGIT}](?:[ .,\-]{{0,2}}[{_DIGIT}]){{14,22}}(?!\w)")
_DATE = re.compile(r"(?:19[4-9]|20[01])\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{0,6}")  # with which a NIP begins
_PHONE = re.compile(r"(?<!\d)(?:\+?62|\(?[0Oo]\d)[\dOolI() .\-]{6,16}[\dOlI]")
_AT = re.compile(r"[@©®]|gmail|yahoo|\.go\.id", re.IGNORECASE)
_ENDED = re.compile(r"\.(?:com|id|net|org)[.,;)]?$", re.IGNORECASE)
_PIECE = re.compile(r"(?!\d{5})[a-z0-9._\-]+")  # of an address
_BLANK = re.compile(r"(?<=[a-z0-9]) +(?=[a-z0-9.@])")  # an address has none: it is a lost underscore
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
    (row, before), (same, after) = left, right
    gap, tall = after.box[0] - before.box[2], (after.box[3] - after.box[1]) * 1.4  # fractions of width and of height
    joined = before.text[-1] in "._-" or after.text[0] in "._-"
    within = 0.9 if joined else 0.55 if _PIECE.fullmatch(before.text) else 0.15
    return row == same and gap < within * tall


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


def value_spans(lines: Iterable[Line], tables: Iterable[Table]) -> list[Span]:
    """Where a NIP, a phone number or an address seems to stand."""
    cells = [cell for table in tables for cell in table.cells]
    rest = _outside(lines, cells)
    free = [word for line in rest for word in line.words]
    found = [span for cell in cells for span in (_whole_address(cell.lines) or _spans(cell.lines))]
    found += [_down_the_column(_up_the_column(span, free), free) for line in rest for span in _in_line(line)]
    begun = (_down_the_column((word.box,), free, 18) for word in free if _DATE.fullmatch(word.text))
    found += [span for span in begun if len(re.sub(r"\D", "", _text_in(free, span))) == 18]
    return _distinct(found)[:_MAX_SPANS]


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
    text = _text_in(free, span)
    whole = _ENDED.search(text) if "@" in text else len(re.sub(r"\D", "", text)) >= digits
    below = next((w for w in free if _goes_on(span[-1], w)), None)
    if whole or below is None or len(span) > 4:
        return span
    return _down_the_column((*span, below.box), free, digits)


def _up_the_column(span: Span, free: Sequence[Word]) -> Span:
    """The beginning of an address that was broken before its "@", or after one of its signs."""
    text = _text_in(free, span)
    above = next((w for w in free if _goes_on(w.box, Word(text, span[0], 1.0)) and _PIECE.fullmatch(w.text)), None)
    if "@" not in text or above is None or not (text.startswith("@") or above.text[-1] in "._-"):
        return span
    return (above.box, *span)


def _goes_on(above: Box, word: Word) -> bool:
    left, top = word.box[:2]
    tall = above[3] - above[1]
    return (
        abs(left - above[0]) < 0.006
        and -0.2 * tall < top - above[3] < 0.9 * tall
        and bool(_GOES_ON.fullmatch(word.text))
    )


def grade_spans(lines: Iterable[Line], tables: Iterable[Table]) -> list[Span]:
    """Where pangkat and golongan stand: behind their label, or in the column under it."""
    tables = tuple(tables)
    cells = [cell for table in tables for cell in table.cells]
    found = [_line_boxes(cell.lines) for table in tables for cell in _grade_cells(table)]
    labelled = [labels.split(line) for line in _outside(lines, cells) if line.words]
    words = [x.words for x in labelled if x and x.field == "pangkat_golongan" and x.words]
    return [span for span in [*found, *((union(tuple(w.box for w in part)),) for part in words)] if span][:_MAX_SPANS]


def _grade_cells(table: Table) -> list[Cell]:
    heads = {c.column: c.row for c in table.cells if c.lines and _heads_grades(c)}
    return [c for c in table.cells if c.lines and c.row > heads.get(c.column, len(table.cells))]


def _heads_grades(cell: Cell) -> bool:
    return labels.column_field(" ".join(line.text for line in cell.lines)) == "pangkat_golongan"


def _line_boxes(lines: Iterable[Line]) -> Span:
    return tuple(union(tuple(w.box for w in line.words)) for line in lines if line.words)


# ------------------------------------------------------------------ reading


def seconds(image: Pixels, lines: Iterable[Line], tables: Iterable[Table]) -> tuple[SecondReading, ...]:
    """The second reading of every value-like span."""
    lines, tables = tuple(lines), tuple(tables)
    words = [word for line in lines for word in line.words]
    found = [_second(image, span, words, _plain) for span in value_spans(lines, tables)]
    found += [_second(image, span, words, _strokes, _ROMAN) for span in grade_spans(lines, tables)]
    return tuple(reading for reading in found if reading)


def _second(
    image: Pixels, span: Span, words: Iterable[Word], alike: Callable[[str], str], stretch: float = 1.0
) -> SecondReading | None:
    """The texts of a wrapped value are joined without a blank. `alike`: texts are the same if this makes them equal."""
    crops = [ocr.crop(image, box) for box in span]
    parts = [ocr.second(cv2.resize(crop, None, fx=stretch, fy=1) if stretch > 1 else crop) for crop in crops]
    text = re.sub(r"^[:;.\s]+", "", "".join(part[0] for part in parts))
    if not text:
        return None
    first = _text_in(words, span)
    text = _with_domain(text, first)
    likely = _BLANK.sub("_", text) if "@" in text else text
    same = alike(first) == alike(likely)
    again = None if same else _read_again(crops, likely, alike)
    return SecondReading(
        union(span), again or (likely if same else text), min(part[1] for part in parts), again is not None
    )


def _with_domain(text: str, first: str) -> str:
    """The signs round a domain are predictable: where the second engine lost "@" or dots there, or nearly read the well-known
    domain that the first engine read, it has read the first one's domain."""
    mine, theirs = text.lower(), first.lower().strip(" .,;:")
    name, at, domain = theirs.rpartition("@")
    rest = mine.removeprefix(name).lstrip("@") if at and mine.startswith(name) else ""
    if rest and rest.count(".") <= domain.count(".") and rest.replace(".", "") == domain.replace(".", ""):
        return theirs
    local, at, own = mine.rpartition("@")
    known = domain in ind.KNOWN_DOMAINS and own not in ind.KNOWN_DOMAINS  # gmail.com is near ymail.com
    return f"{local}@{domain}" if at and known and OSA.distance(own, domain) <= 2 else text


def _plain(text: str) -> str:
    """Blanks count in an address only, where they may be what is left of an underscore; its domain may be a near miss."""
    low = re.sub(r"^[:;.]+", "", text).strip().lower()
    if "@" not in low:
        return re.sub(r"\s", "", low)
    local, _, domain = re.sub(r"\s*([@._\-])\s*", r"\1", low).partition("@")
    near = process.extractOne(domain, ind.KNOWN_DOMAINS, scorer=OSA.distance, score_cutoff=2)
    return f"{local}@{near[0] if near else domain}"


def _strokes(text: str) -> str:
    """Roman numbers: every upright stroke is an I."""
    return re.sub(r"[IiLl1|!]", "I", re.sub(r"[^A-Za-z0-9|!/]", "", text)).upper()


def _text_in(words: Iterable[Word], boxes: Span) -> str:
    """What the page reading has in these boxes; the lines of a value joined without a blank."""
    words = tuple(words)
    return "".join(" ".join(w.text for w in words if _within(w.box, box)) for box in boxes)


def _within(inner: Box, outer: Box) -> bool:
    near = 0.001
    across = outer[0] - near <= inner[0] and inner[2] <= outer[2] + near
    return across and outer[1] - near <= inner[1] and inner[3] <= outer[3] + near


def _read_again(crops: Iterable[Pixels], text: str, alike: Callable[[str], str]) -> str | None:
    """What tesseract reads from the crops alone, at once or enlarged, where it is the same as `text`: its page reading
    depends on the neighbours."""
    grey = [c if c.ndim == 2 else cv2.cvtColor(c, cv2.COLOR_BGR2GRAY) for c in crops]
    grey = [cv2.copyMakeBorder(c, 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=255) for c in grey]
    for scale in (1, 2):
        sized = [cv2.resize(c, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) for c in grey]
        found = "".join(line.text for crop in sized for line in ocr.read(crop, psm=7)[0])
        if alike(found) == alike(text):
            return found
    return None
