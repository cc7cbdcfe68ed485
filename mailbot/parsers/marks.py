"""Letterhead, signature and stamp of an upright page. Three-valued: "not_found" is never "absent"."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import cv2
import numpy as np
from rapidfuzz import fuzz

from mailbot.model import Box, Line, Mark
from mailbot.parsers.ocr import Pixels

_MM = 200 / 25.4
_RADII_MM = (14.0, 22.0)
_STAMP_SEEN = 0.60  # share of the ring's angles that carry ink
_HEADS = ("PEMERINTAH", "KABUPATEN", "DINAS", "BADAN", "KECAMATAN", "SEKRETARIAT", "BUPATI", "INSPEKTORAT",
          "PROVINSI", "KELURAHAN", "KEMENTERIAN", "RUMAH SAKIT", "PUSKESMAS", "SATUAN POLISI")
_UNKNOWN = Mark("cannot_judge")


def _ink(image: Pixels) -> Pixels:
    """Mask of blue, violet and red ink by Lab distance from the paper; Lab keeps faded violet, saturation does not."""
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(half, cv2.COLOR_BGR2LAB)
    a, b = lab[..., 1].astype(np.int16), lab[..., 2].astype(np.int16)
    a -= int(np.median(a[::8, ::8]))
    b -= int(np.median(b[::8, ::8]))
    mask = ((b < -9) | ((a > 28) & (b < 22))).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    return cv2.resize(mask, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_NEAREST)


def _coverage(mask: Pixels, x: float, y: float, radius: float, width: int = 1) -> float:
    """Share of 120 angles at which the circle meets ink."""
    angles = np.linspace(0, 2 * math.pi, 120, endpoint=False)
    hit: Pixels = np.zeros(120, bool)
    for r in (radius + step for step in range(-width, width + 1)):
        xs = np.round(x + r * np.cos(angles)).astype(int)
        ys = np.round(y + r * np.sin(angles)).astype(int)
        inside = (xs >= 0) & (ys >= 0) & (xs < mask.shape[1]) & (ys < mask.shape[0])
        hit[inside] |= mask[ys[inside], xs[inside]] > 0
    return float(hit.mean())


def _vote(small: Pixels, radius: float) -> tuple[float, int, int]:
    """The centre where a ring of this radius meets most ink, less the ink on the discs beside it."""
    size = math.ceil(radius) + 4
    kernel: Pixels = np.zeros((2 * size + 1, 2 * size + 1), np.float32)
    cv2.circle(kernel, (size, size), round(radius), 1.0, 2)
    kernel /= kernel.sum()
    votes = cv2.filter2D(small, cv2.CV_32F, kernel, borderType=cv2.BORDER_CONSTANT)
    votes[: small.shape[0] // 6] = 0  # a coloured crest in the letterhead is no stamp
    _, best, _, (x, y) = cv2.minMaxLoc(votes)
    return float(best), x, y


def _ring(mask: Pixels) -> tuple[float, float, float, float]:
    """(score, x, y, radius) of the best ring in pixels of `mask`; found at 50 dpi, refined at 100 dpi."""
    half = cv2.resize(mask * 255, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    half = (half > 60).astype(np.uint8)
    quarter = cv2.resize(half.astype(np.float32), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    low, high = (radius * _MM / 4 for radius in _RADII_MM)
    radii = [float(radius) for radius in np.arange(low, high + 0.5, 2)]
    candidates = sorted(((*_vote(quarter, radius), radius) for radius in radii), reverse=True)[:3]
    best = (0.0, 0.0, 0.0, 0.0)
    for _, x, y, r in candidates:
        for dx, dy, dr in product((-2, 0, 2), (-2, 0, 2), (-2, 0, 2)):
            score = _coverage(half, 2 * x + dx, 2 * y + dy, 2 * r + dr)
            if score > best[0]:
                best = (score, 2.0 * (2 * x + dx), 2.0 * (2 * y + dy), 2.0 * (2 * r + dr))
    return _unfilled(mask, best)


def _unfilled(mask: Pixels, ring: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """A coloured photo or logo fills its disc: a ring does not."""
    score, x, y, r = ring
    left, top = max(0, int(x - r)), max(0, int(y - r))
    region = mask[top : int(y + r) + 1, left : int(x + r) + 1]
    filled = float(region.mean()) if region.size else 1.0
    return (score if filled < 0.55 else 0.0), x, y, r


def _box(left: float, top: float, right: float, bottom: float, shape: tuple[int, ...]) -> Box:
    high, wide = shape[:2]
    return (max(0.0, left / wide), max(0.0, top / high), min(1.0, right / wide), min(1.0, bottom / high))


def _stamp(mask: Pixels) -> tuple[Mark, tuple[float, float, float, float]]:
    none = (0.0, 0.0, 0.0, 0.0)
    if mask.sum() < 400:
        return Mark("not_found"), none
    ring = _ring(mask)
    score, x, y, r = ring
    if score < _STAMP_SEEN:
        return Mark("not_found", score), none
    return Mark("seen", score, box=_box(x - r, y - r, x + r, y + r, mask.shape)), ring


# ------------------------------------------------------------------ signature


def _block(lines: Sequence[Line]) -> Box:
    """The area above the signer's NIP; the lower right half when there is none."""
    nips = [line.box for line in lines if line.box[1] > 0.35
            and any(fuzz.ratio(w.text.strip(" .:").upper(), "NIP") > 60 or _digits(w.text) >= 15 for w in line.words)]
    if not nips:
        return (0.4, 0.5, 1.0, 0.95)
    left, top, right, bottom = max(nips, key=lambda box: box[1])
    middle = (left + right) / 2
    return (max(0.0, middle - 0.25), max(0.0, top - 0.17), min(1.0, middle + 0.25), bottom)


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _strokes(image: Pixels, mask: Pixels, lines: Sequence[Line]) -> Pixels:
    """Ink that is no well-read word and no long straight rule."""
    high, wide = mask.shape
    dark = (cv2.cvtColor(image, cv2.COLOR_BGR2GRAY) < 130).astype(np.uint8)
    for word in (w for line in lines for w in line.words if w.confidence > 0.6 and len(w.text) > 1):
        left, top, right, bottom = word.box
        if (bottom - top) * high < 8 * _MM:
            dark[int(top * high) - 2 : int(bottom * high) + 3, int(left * wide) - 2 : int(right * wide) + 3] = 0
    for size in ((1, 120), (80, 1)):
        kernel: Pixels = np.ones(size, np.uint8)
        dark &= 1 - cv2.dilate(cv2.morphologyEx(dark, cv2.MORPH_OPEN, kernel), np.ones((3, 3), np.uint8))
    return dark | mask


def _signature(image: Pixels, mask: Pixels, lines: Sequence[Line],
               ring: tuple[float, float, float, float]) -> Mark:
    """Seen when a thin connected stroke of at least 14 x 5 mm lies in the block, outside the stamp's disc."""
    if not lines:
        return _UNKNOWN
    high, wide = mask.shape
    area = _block(lines)
    left, top = int(area[0] * wide), int(area[1] * high)
    right, bottom = int(area[2] * wide), int(area[3] * high)
    ink = _strokes(image, mask, lines)
    if ring[0]:
        cv2.circle(ink, (round(ring[1]), round(ring[2])), round(ring[3] * 1.06) + 8, 0, -1)
    part = cv2.dilate(ink[top:bottom, left:right], np.ones((3, 3), np.uint8))
    least = (10 if ring[0] else 14) * _MM
    if not part.size:
        return _UNKNOWN
    _, _, stats, _ = cv2.connectedComponentsWithStats(part)
    best, score = None, 0.0
    for x, y, w, h, size in stats[1:]:
        if w >= least and h >= 5 * _MM and size / (w * h) < 0.35 and w + h > score * 60 * _MM:
            best, score = (x + left, y + top, x + left + w, y + top + h), min(1.0, float(w + h) / (60 * _MM))
    if best is None:
        return _UNKNOWN
    return Mark("seen", max(0.5, score), box=_box(*best, shape=mask.shape))


# ------------------------------------------------------------------ letterhead


def _rules(image: Pixels) -> list[float]:
    """Where (fractions of the height) rules over a quarter of the width lie in the top third."""
    top = cv2.cvtColor(image[: image.shape[0] // 3], cv2.COLOR_BGR2GRAY)
    dark = (top < 150).astype(np.uint8)
    dark = cv2.morphologyEx(dark, cv2.MORPH_CLOSE, np.ones((3, 9), np.uint8))
    kernel = np.ones((1, image.shape[1] // 4), np.uint8)
    rows = cv2.morphologyEx(dark, cv2.MORPH_OPEN, kernel).any(1)
    return [float(row) / image.shape[0] for row in np.flatnonzero(rows)]


def _headed(line: Line) -> bool:
    """A capital head word, as letterheads print it; body text names offices in mixed case."""
    text = line.text
    capital = sum(c.isupper() for c in text) > 0.6 * sum(c.isalpha() for c in text)
    return capital and any(fuzz.partial_ratio(head, text) > 84 for head in _HEADS)


def _letterhead(image: Pixels, lines: Sequence[Line]) -> Mark:
    if not lines:
        return _UNKNOWN
    heads = [line.box for line in lines if line.box[1] < 0.25 and _headed(line)]
    below = [rule for rule in _rules(image) for box in heads if -0.003 <= rule - box[3] < 0.1 and rule < 0.25]
    if not heads or not (below or (len(heads) >= 2 and heads[0][1] < 0.15)):
        return Mark("not_found", 0.3 if heads else 0.0)
    left, right = min(b[0] for b in heads), max(b[2] for b in heads)
    end = min(below) if below else max(b[3] for b in heads)
    return Mark("seen", 0.95 if below else 0.7, box=(left, min(b[1] for b in heads), right, end))


def find(image: Pixels, lines: Sequence[Line]) -> tuple[Mark, Mark, Mark, bool]:
    """kop, tanda_tangan, stempel and whether the page can show ink colours.

    A page without one coloured region may be a grey copy saved in colour, so it counts as not in colour.
    """
    mask = _ink(image)
    colour = int(mask.sum()) > 150
    stamp, ring = _stamp(mask) if colour else (_UNKNOWN, (0.0, 0.0, 0.0, 0.0))
    return _letterhead(image, lines), _signature(image, mask, lines, ring), stamp, colour


def cannot_judge() -> Mark:
    return _UNKNOWN


def on_page(mark: Mark, number: int) -> Mark:
    """The mark with its page number, where it has a place."""
    return replace(mark, page=number) if mark.box else mark
