"""The signature of an upright page at 100 dpi. Three-valued: "cannot_judge" is never "absent"."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from rapidfuzz import fuzz

from mailbot.model import Line, Mark
from mailbot.parsers import geometry
from mailbot.parsers.ocr import Pixels
from mailbot.parsers.stamps import MM, Stamp, box_of, round_stamp

_LEAST_STROKE = 0.5  # of 50 mm, width and height together: less may be a paraf, or print under a stamp
_LEAST_IN_STAMP = 0.7
Area = tuple[int, int, int, int]  # left, top, right, bottom in pixels
_UNKNOWN = Mark("cannot_judge")
_SQUARE: Pixels = np.ones((3, 3), np.uint8)


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _block(lines: Sequence[Line], stamp: Stamp | None, shape: tuple[int, ...], headed: bool) -> Area:
    """Where the signer signs: beside the stamp, else above the lowest NIP, else in the lower right half."""
    high, wide = shape
    least = 0.35 if headed else 0.08
    nips = [
        line.box
        for line in lines
        if line.box[1] > least
        and any(fuzz.ratio(w.text.strip(" .:").upper(), "NIP") > 60 or _digits(w.text) >= 15 for w in line.words)
    ]
    if stamp:
        left, top, right, bottom = stamp.box
        box = left - 12 * MM, top - 8 * MM, right + 45 * MM, bottom + 6 * MM
    elif nips:
        lowest = max(nips, key=lambda nip: nip[1])
        middle = (lowest[0] + lowest[2]) / 2
        box = (middle - 0.25) * wide, (lowest[1] - 0.17) * high, (middle + 0.25) * wide, lowest[3] * high
    else:
        box = 0.4 * wide, 0.5 * high, wide, 0.95 * high
    return max(0, int(box[0])), max(0, int(box[1])), min(wide, int(box[2])), min(high, int(box[3]))


def _strokes(small: Pixels, mask: Pixels, lines: Sequence[Line], area: Area) -> Pixels:
    """Ink in the area that is no well-read word and no long straight rule in black: pens underline too."""
    left, top, right, bottom = area
    coloured = mask[top:bottom, left:right]
    dark = (cv2.cvtColor(small[top:bottom, left:right], cv2.COLOR_BGR2GRAY) < 165).astype(np.uint8)
    for size in ((1, 60), (40, 1)):
        rules = cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones(size, np.uint8))
        dark &= 1 - (cv2.dilate(rules, _SQUARE) & (1 - cv2.dilate(coloured, _SQUARE)))
    return _unread(dark | coloured, lines, area, mask.shape)


def _unread(dark: Pixels, lines: Sequence[Line], area: Area, shape: tuple[int, ...]) -> Pixels:
    """Without the words that were read well."""
    left, top, _, _ = area
    high, wide = shape
    for word in (w for line in lines for w in line.words if w.confidence > 0.6 and len(w.text) > 1):
        x0, y0, x1, y1 = word.box
        if (y1 - y0) * high < 8 * MM:
            dark[max(0, int(y0 * high) - 1 - top) : max(0, int(y1 * high) + 2 - top),
                 max(0, int(x0 * wide) - 1 - left) : max(0, int(x1 * wide) + 2 - left)] = 0  # fmt: skip
    return dark


def _pen(small: Pixels, mask: Pixels, area: Pixels) -> Pixels:
    """Inside a stamp: what is clearly darker than its ink or of another hue."""
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB).astype(np.float32)
    light, a, b = lab[..., 0], lab[..., 1] - 128, lab[..., 2] - 128
    own = (mask & area) > 0
    if int(own.sum()) < 30:
        return np.zeros_like(mask)
    usual = [float(np.median(channel[own])) for channel in (light, a, b)]
    chroma, angle = np.hypot(a, b), np.arctan2(b, a) - math.atan2(usual[2], usual[1])
    darker = light < min(usual[0] - 45, float(np.percentile(light[own], 25)) - 20)
    other = (chroma > 14) & (np.abs((angle + math.pi) % (2 * math.pi) - math.pi) > 0.6)
    return ((darker | other) & (cv2.dilate(area, np.ones((7, 7), np.uint8)) > 0)).astype(np.uint8)


def find(small: Pixels, mask: Pixels, lines: Sequence[Line], stamp: Stamp | None, headed: bool) -> Mark:
    """Seen when thin connected strokes of the size of a signature, not of a paraf, lie in the signer's block."""
    if not lines:
        return _UNKNOWN
    area = _block(lines, stamp, mask.shape, headed)
    left, top, right, bottom = area
    if right - left < 20 or bottom - top < 20:
        return _UNKNOWN
    ink = _strokes(small, mask, lines, area)
    if stamp is None:
        ring = round_stamp(_on_page(ink, area, mask.shape))
        inside = ring.area[top:bottom, left:right] if ring and ring.score > 0.66 else np.zeros_like(ink)
        pen = np.zeros_like(ink)  # on a grey page nobody can tell the pen from the stamp it crosses
    else:
        inside = stamp.area[top:bottom, left:right]
        pen = _pen(small[top:bottom, left:right], mask[top:bottom, left:right], inside)
    pen = _unread(pen, lines, area, mask.shape)
    ink = np.where(cv2.dilate(inside, np.ones((7, 7), np.uint8)) > 0, pen, ink)
    pens = mask[top:bottom, left:right] & (1 - (cv2.dilate(inside.astype(np.uint8), np.ones((7, 7), np.uint8)) > 0))
    ink = _without_print(ink, pens, lines, mask.shape[0])
    return _largest_stroke(ink, area, mask.shape, inside)


def _without_print(ink: Pixels, pens: Pixels, lines: Sequence[Line], high: int) -> Pixels:
    """Letters under a stamp are not read and may touch each other: what is no higher than a line of text is print,
    unless `pens`, coloured ink that is not the stamp's, makes up a part of it."""
    line = float(np.median([(x.box[3] - x.box[1]) * high for x in lines]))
    labels, stats = geometry.components(cv2.dilate(ink, _SQUARE))
    coloured = np.bincount(labels[(pens & ink) > 0], minlength=len(stats))
    inked = np.maximum(np.bincount(labels[ink > 0], minlength=len(stats)), 1)
    printed = (stats[:, cv2.CC_STAT_HEIGHT] < 1.9 * line) & (coloured < 0.3 * inked)
    return ink & (1 - printed[labels].astype(np.uint8))


def _largest_stroke(ink: Pixels, area: Area, shape: tuple[int, ...], stamped: Pixels) -> Mark:
    """The largest stroke of a signature's size; strokes that a stamp's ring has cut apart count together.

    What lies within a stamp (`stamped`) may be print that the stamp's ink joins: there it must be larger.
    """
    single = _boxes(cv2.dilate(ink, _SQUARE), ink)
    joined = _boxes(cv2.dilate(ink, np.ones((25, 25), np.uint8)), ink)
    best, score = None, 0.0
    for x, y, w, h, size in (*single, *joined):
        thin = (
            size < 0.62 * w * h
        )  # loops are dense, but square codes and emblems are denser and min(w, h) >= (4.5 if max(w, h) < 4 * min(w, h) else 6) * MM
        least = _LEAST_IN_STAMP if float((stamped[y : y + h, x : x + w] > 0).mean()) > 0.7 else _LEAST_STROKE
        if thin and max(w, h) >= 11 * MM and w + h > max(score, least) * 50 * MM:
            best, score = (x + area[0], y + area[1], x + area[0] + w, y + area[1] + h), min(1.0, (w + h) / (50 * MM))
    if best is None:
        return _UNKNOWN
    return Mark("seen", score, box=box_of(*best, shape=shape))


def _boxes(groups: Pixels, ink: Pixels) -> list[tuple[int, int, int, int, int]]:
    """(x, y, width, height, pixels) of the slightly thickened ink in each connected group."""
    amount, labels = cv2.connectedComponents(groups)
    thick = cv2.dilate(ink, _SQUARE)
    found = []
    for label in range(1, amount):
        part = (thick > 0) & (labels == label)
        x, y, w, h = cv2.boundingRect(part.astype(np.uint8))
        found.append((x, y, w, h, int(part.sum())))
    return found


def _on_page(part: Pixels, area: Area, shape: tuple[int, ...]) -> Pixels:
    page: Pixels = np.zeros(shape, np.uint8)
    page[area[1] : area[3], area[0] : area[2]] = part
    return page
