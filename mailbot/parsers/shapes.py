"""What the shapes of print say where engines guess: strokes of a roman number are counted, a round sign is measured.

A way of reading of its own, of print only; it says nothing where the signs do not stand apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import cv2
import numpy as np

from mailbot.model import Box
from mailbot.parsers.ocr import Pixels

_SCALE = 3
_TALL = 0.7  # of the tallest sign
_CODE = re.compile(r"\W*[IVXivxlH1|?!rT]{0,4}\s?[/I1l|]\s?([a-eA-E])\W*")
_ROUND = re.compile(r"(?:^|(?<=[a-z]))[0?](?=(\d{1,3})@)")  # the last letter of a name, or the first digit of a number
_LOW = 0.86  # of the height of the digits beside it: an o is lower; a zero is not, but neither is an o beside old-style figures

Sign = tuple[Box, Pixels]  # left, top, right, bottom in pixels; its ink


# ------------------------------------------------------------------ roman numbers


def counted(crop: Pixels, texts: Iterable[str]) -> str | None:
    """ "III/d" where the crop holds such a code alone; one of the `texts` must have its letter. None where that is not clear."""
    letters = {m.group(1).lower() for text in texts if (m := _CODE.fullmatch(text))}
    number = _number(crop) if len(letters) == 1 else ""
    return f"{number}/{letters.pop()}" if number else None


def _number(crop: Pixels) -> str:
    """What stands before the bar: "I" to "III" or "IV"; "" if it is none of these."""
    signs = _signs(crop)
    tallest = max((box[3] - box[1] for box, _ in signs), default=0)
    shapes = "".join(_shape(ink) for box, ink in signs if box[3] - box[1] >= _TALL * tallest)
    before, bar, _ = shapes.partition("/")
    return {"I": "I", "II": "II", "III": "III", "Iv": "IV"}.get(before, "") if bar else ""


def _shape(sign: Pixels) -> str:
    """I upright, / slanting, v wide, ? anything else."""
    rows, columns = np.nonzero(sign)
    lean = float(np.corrcoef(rows, columns)[0, 1]) if sign.shape[1] > 1 and np.ptp(columns) else 0.0
    wide = sign.shape[1] / sign.shape[0]
    if lean < -0.75 and wide < 0.75:
        return "/"
    if abs(lean) < 0.4 and wide < 0.55:
        return "I"
    return "v" if 0.6 < wide < 1.3 else "?"


# ------------------------------------------------------------------ o or zero


def rounded(crop: Pixels, text: str) -> str:
    """The address with an o before its number where a zero was read that is too low for one: "santos063@"."""
    found = _ROUND.search(text)
    low = found is not None and 0.5 < _relative_height(_signs(crop), len(found.group(1))) < _LOW
    return f"{text[: found.start()]}o{text[found.end() :]}" if found and low else text


def _relative_height(signs: Sequence[Sign], digits: int) -> float:
    """The height of the sign before the digits that stand before "@", in their heights; 9.0 where they are not clear."""
    boxes = [box for box, _ in signs]
    at = max(range(len(boxes)), key=lambda i: boxes[i][2] - boxes[i][0], default=0)  # no other sign is so wide
    if at <= digits:
        return 9.0
    heights = [bottom - top for _, top, _, bottom in boxes[at - digits - 1 : at]]
    alike = max(heights[1:]) < 1.12 * min(heights[1:])
    return float(heights[0] / np.mean(heights[1:])) if alike else 9.0


# ------------------------------------------------------------------ point, hyphen, underscore


def separators(crop: Pixels) -> str:
    """The points, hyphens and underscores of a line in their order; in print their height and place tell them apart."""
    signs = [box for box, _ in _signs(crop, 0.03)]
    tallest = max((bottom - top for _, top, _, bottom in signs), default=0)
    letters = [box for box in signs if box[3] - box[1] >= 0.45 * tallest]
    if len(letters) < 4:
        return ""
    base = float(np.median([bottom for _, _, _, bottom in letters]))
    tall = base - min(top for _, top, _, _ in letters)
    edge = crop.shape[0] * _SCALE - 1  # there the next line begins
    small = (box for box in signs if box[3] - box[1] < 0.3 * tall and box[1] > 0 and box[3] < edge)
    return "".join(_separator(box, base, tall) for box in small)


def _separator(box: Box, base: float, tall: float) -> str:
    """ "" for whatever is none of them, such as the dot of an i."""
    left, top, right, bottom = box
    wide, high, middle = right - left, bottom - top, (base - (top + bottom) / 2) / tall
    if wide <= 1.6 * high and abs(bottom - base) < 0.12 * tall and high >= 0.07 * tall:
        return "."
    if 1.3 * high < wide < 0.7 * tall and 0.15 < middle < 0.6:
        return "-"
    return "_" if wide > 2.5 * high and wide < 1.2 * tall and middle < 0.02 else ""


# ------------------------------------------------------------------ signs of a line


def _signs(crop: Pixels, least: float = 0.35) -> list[Sign]:
    """Connected ink from left to right; what is not as high as `least` of the tallest is left out."""
    grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    large = cv2.resize(grey, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_CUBIC)
    ink = cv2.threshold(large, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)[1]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    parts = sorted((tuple(int(v) for v in stats[i]), i) for i in range(1, count))
    tallest = max((part[3] for part, _ in parts), default=0)
    return [
        ((x, y, x + w, y + h), labels[y : y + h, x : x + w] == i)
        for (x, y, w, h, _), i in parts
        if h >= least * tallest and w >= 2
    ]
