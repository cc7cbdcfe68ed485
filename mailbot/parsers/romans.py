"""The roman number of a golongan ("III/d") by its strokes: engines lose one of them now and then, counting does not.

A third way of reading, of print only; it says nothing where the strokes do not stand apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

import cv2
import numpy as np

from mailbot.parsers.ocr import Pixels

_SCALE = 3
_TALL = 0.7  # of the tallest sign
_CODE = re.compile(r"\W*[IVXivxlH1|?!rT]{0,4}\s?[/I1l|]\s?([a-eA-E])\W*")


def counted(crop: Pixels, texts: Iterable[str]) -> str | None:
    """ "III/d" where the crop holds such a code alone; one of the `texts` must have its letter. None where that is not clear."""
    letters = {m.group(1).lower() for text in texts if (m := _CODE.fullmatch(text))}
    number = _number(crop) if len(letters) == 1 else ""
    return f"{number}/{letters.pop()}" if number else None


def _number(crop: Pixels) -> str:
    """What stands before the bar: "I" to "III" or "IV"; "" if it is none of these."""
    shapes = "".join(_shapes(crop))
    before, bar, _ = shapes.partition("/")
    return {"I": "I", "II": "II", "III": "III", "Iv": "IV"}.get(before, "") if bar else ""


def _shapes(crop: Pixels) -> Iterable[str]:
    """The tall signs from left to right: I upright, / slanting, v wide, ? anything else."""
    grey = crop if crop.ndim == 2 else cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
    large = cv2.resize(grey, None, fx=_SCALE, fy=_SCALE, interpolation=cv2.INTER_CUBIC)
    ink = cv2.threshold(large, 0, 255, cv2.THRESH_BINARY_INV + cv2.THRESH_OTSU)[1]
    count, labels, stats, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    parts = sorted((tuple(int(v) for v in stats[i]), i) for i in range(1, count))
    tallest = max((part[3] for part, _ in parts), default=0)
    return [_shape(labels[y : y + h, x : x + w] == i) for (x, y, w, h, _), i in parts if h >= _TALL * tallest]


def _shape(sign: Pixels) -> str:
    rows, columns = np.nonzero(sign)
    lean = float(np.corrcoef(rows, columns)[0, 1]) if sign.shape[1] > 1 and np.ptp(columns) else 0.0
    wide = sign.shape[1] / sign.shape[0]
    if lean < -0.75 and wide < 0.75:
        return "/"
    if abs(lean) < 0.4 and wide < 0.55:
        return "I"
    return "v" if 0.6 < wide < 1.3 else "?"
