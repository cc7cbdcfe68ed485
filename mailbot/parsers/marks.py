"""Letterhead, signature and stamp of an upright page at 100 dpi. Three-valued: "not_found" is never "absent"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mailbot.model import Line, Mark
from mailbot.parsers import letterheads, signatures, stamps
from mailbot.parsers.ocr import Pixels


def find(small: Pixels, lines: Sequence[Line], grey: bool = False) -> tuple[Mark, Mark, Mark, bool]:
    """kop, tanda_tangan, stempel and whether the page can show ink colours.

    `small`: the flattened page at 100 dpi; `grey`: the file has no colours. A page without one coloured region may be
    a grey copy saved in colour, so it counts as not in colour.
    """
    mask = np.zeros(small.shape[:2], np.uint8) if grey else stamps.mask_of(stamps.ink_of(small))
    colour = int(mask.sum()) > 60
    headed = any(letterheads.headed(line) for line in lines if line.box[3] < 0.2)
    stamp = stamps.find(mask, headed) if colour else None
    found = stamps.mark(stamp, mask.shape) if colour else Mark("cannot_judge")
    return letterheads.find(small, lines), signatures.find(small, mask, lines, stamp, headed), found, colour


def on_page(mark: Mark, number: int) -> Mark:
    """The mark with its page number, where it has a place."""
    return replace(mark, page=number) if mark.box else mark
