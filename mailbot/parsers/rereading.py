"""Values are read a second time, each from its own crop, by the other engine: NIP, telephone, e-mail and golongan."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

import cv2
from rapidfuzz import process
from rapidfuzz.distance import OSA

from mailbot.model import Line, SecondReading, Table, Word, union
from mailbot.parsers import indonesian as ind
from mailbot.parsers import ocr, shapes, spans
from mailbot.parsers.ocr import Pixels
from mailbot.parsers.spans import Span

_ROMAN = 1.6  # made so much wider, the strokes of a roman number stand apart
_BLANK = re.compile(r"(?<=[a-z0-9]) +(?=[a-z0-9.@])")  # an address has none: it is a lost underscore


def seconds(image: Pixels, lines: Iterable[Line], tables: Iterable[Table]) -> tuple[SecondReading, ...]:
    """The second reading of every value-like span."""
    lines, tables = tuple(lines), tuple(tables)
    words = [word for line in lines for word in line.words]
    found = [_second(image, span, words, _plain) for span in spans.of_values(lines, tables)]
    grades = (s for s in spans.of_grades(lines, tables) if not ind.rank_said_twice(spans.text_in(words, s)))
    found += [_second(image, span, words, _strokes, _ROMAN) for span in grades]
    return tuple(reading for reading in found if reading)


def _second(
    image: Pixels, span: Span, words: Iterable[Word], alike: Callable[[str], str], stretch: float = 1.0
) -> SecondReading | None:
    """The texts of a wrapped value are joined without a blank. `alike`: texts are the same if this makes them equal."""
    crops = [ocr.crop(image, box) for box in span]
    parts = [ocr.second(cv2.resize(crop, None, fx=stretch, fy=1) if stretch > 1 else crop) for crop in crops]
    texts = (shapes.rounded(crop, part[0]) for crop, part in zip(crops, parts, strict=True))
    text = re.sub(r"^[:;.\s]+", "", "".join(texts))
    if not text:
        return None
    first = spans.text_in(words, span)
    if stretch > 1 and len(crops) == 1:
        text = shapes.counted(crops[0], (first, text)) or text
    text = _with_domain(text, first)
    likely = _BLANK.sub("_", text) if "@" in text else text
    same = alike(first) == alike(likely)
    again = None if same else _by_separators(crops, likely, first) or _read_again(crops, likely, alike)
    return SecondReading(
        union(span), again or (likely if same else text), min(part[1] for part in parts), again is not None
    )


def _by_separators(crops: Iterable[Pixels], text: str, first: str) -> str | None:
    """Of two addresses that differ in points, hyphens and underscores only, the one whose separators are seen in print."""
    bare = [re.sub(r"[^a-z0-9@]", "", x.lower()) for x in (text, first)]
    if "@" not in text or bare[0] != bare[1]:
        return None
    seen = "".join(shapes.separators(crop) for crop in crops)
    found = next((x for x in (text, first) if "".join(re.findall("[._-]", x)) == seen), None)
    return found if found and ind.parse_email(found).suggestion is None else None  # a point of the domain is lost


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
