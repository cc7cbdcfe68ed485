"""Wet stamps of an upright page at 100 dpi: round, oval and framed, also where a pen crosses them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import cv2
import numpy as np

from mailbot.model import Box, Mark
from mailbot.parsers import geometry
from mailbot.parsers.ocr import Pixels

MM = 100 / 25.4  # pixels
_RADII_MM = (13.0, 23.5)
_RING_SEEN = 0.62  # share of the ring's angles that carry ink
_FRAME_SEEN = 0.55  # share of the outline of any other shape
_OVAL_SEEN = 0.9  # of an oval that was fitted to a part: the loops of a signature reach 0.8
_LEAST_ARC = 0.3  # of a clump's outline: what an oval stamp shows beside the pen that crosses it


@dataclass(frozen=True, slots=True)
class Stamp:
    """`area`: the filled shape of the stamp, as large as the page."""

    score: float
    box: tuple[float, float, float, float]
    area: Pixels


# ------------------------------------------------------------------ ink


def ink_of(small: Pixels) -> Pixels:
    """How much each pixel is coloured like blue, violet or red ink. Lab keeps faded violet, saturation does not."""
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB).astype(np.int16)
    a = lab[..., 1] - int(np.median(lab[::8, ::8, 1]))
    b = lab[..., 2] - int(np.median(lab[::8, ::8, 2]))
    return np.maximum(-b, a - np.maximum(0, b - a // 2))


def mask_of(ink: Pixels) -> Pixels:
    """Ink or not: what stands out of the page's own colour noise and is more than a speck."""
    noise = float(np.percentile(np.abs(ink[::4, ::4]), 60))
    mask = (ink > max(5.0, 3.5 * noise)).astype(np.uint8)
    labels, stats = geometry.components(mask)
    real = stats[:, 4] >= 5
    real[0] = False
    return real[labels].astype(np.uint8)


# ------------------------------------------------------------------ shapes


_ANGLES = np.linspace(0, 2 * math.pi, 120, endpoint=False)
_STEPS = np.array(list(product((-2, -1, 0, 1, 2), (-2, -1, 0, 1, 2), (-2, 0, 2))), np.float64)


def _coverage(mask: Pixels, circles: Pixels) -> Pixels:
    """For each circle (x, y, radius) the share of 120 angles at which it meets ink, give or take a pixel."""
    edge = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    hit: Pixels = np.zeros((len(circles), len(_ANGLES)), bool)
    for step in (-1, 0, 1):
        radius = circles[:, 2:3] + step
        xs = np.clip(np.round(circles[:, :1] + radius * np.cos(_ANGLES)).astype(int), -1, mask.shape[1]) + 1
        ys = np.clip(np.round(circles[:, 1:2] + radius * np.sin(_ANGLES)).astype(int), -1, mask.shape[0]) + 1
        hit |= edge[ys, xs] > 0
    return hit.mean(1)


def _votes(quarter: Pixels, radius: float) -> Pixels:
    """For each pixel how much ink a ring of this radius around it meets."""
    size = math.ceil(radius) + 3
    kernel: Pixels = np.zeros((2 * size + 1, 2 * size + 1), np.float32)
    cv2.circle(kernel, (size, size), round(radius), 1.0, 1)
    return cv2.filter2D(quarter, cv2.CV_32F, kernel / kernel.sum(), borderType=cv2.BORDER_CONSTANT)


def _rings(mask: Pixels) -> list[tuple[float, float, float, float]]:
    """(score, x, y, radius) of rings, best first; found at 50 dpi among the inked parts, refined at 100 dpi."""
    left, top, wide, high = cv2.boundingRect(mask)
    if min(wide, high) < 8 * MM:
        return []
    part = mask[top : top + high, left : left + wide]
    quarter = cv2.resize(part.astype(np.float32), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    quarter = (cv2.copyMakeBorder(quarter, 24, 24, 24, 24, cv2.BORDER_CONSTANT, value=0) > 0.2).astype(np.float32)
    radii = [float(r) for r in np.arange(_RADII_MM[0] * MM / 2, _RADII_MM[1] * MM / 2 + 0.5, 1.5)]
    votes = np.stack([_votes(quarter, radius) for radius in radii])
    starts = []
    for _ in range(4):
        r, y, x = (int(v) for v in np.unravel_index(int(votes.argmax()), votes.shape))
        starts.append((2.0 * (x - 24) + left, 2.0 * (y - 24) + top, 2.0 * radii[r]))
        votes[max(0, r - 1) : r + 2, max(0, y - 8) : y + 9, max(0, x - 8) : x + 9] = 0
    circles = (np.array(starts)[:, None, :] + _STEPS).reshape(-1, 3)
    scores = _coverage(mask, circles).reshape(len(starts), -1)
    best = [(float(row.max()), circles[i * len(_STEPS) + int(row.argmax())]) for i, row in enumerate(scores)]
    return sorted(((score, float(c[0]), float(c[1]), float(c[2])) for score, c in best), reverse=True)


def _filled(mask: Pixels, area: Pixels) -> float:
    inside = int(area.sum())
    return float((mask & area).sum()) / inside if inside else 1.0


def round_stamp(mask: Pixels) -> Stamp | None:
    """A coloured photo or logo fills its disc, and text fills the ring round a chance circle: a stamp does neither."""
    for score, x, y, inner in _rings(mask):
        r = _outermost(mask, x, y, inner)
        area = cv2.circle(np.zeros(mask.shape, np.uint8), (round(x), round(y)), round(r) + 2, 1, -1)
        around = cv2.circle(np.zeros(mask.shape, np.uint8), (round(x), round(y)), round(r * 1.25), 1, -1) & (1 - area)
        if 0.04 < _filled(mask, area) < 0.6 and _filled(mask, around) < 0.3:
            return Stamp(score, (x - r, y - r, x + r, y + r), area)
    return None


def _outermost(mask: Pixels, x: float, y: float, radius: float) -> float:
    """The radius of the last ring around the same centre: a stamp has two or three."""
    wider = np.arange(radius, _RADII_MM[1] * MM, 1.0)
    drawn = _coverage(mask, np.array([(x, y, r) for r in wider])) >= 0.5 if wider.size else np.zeros(0, bool)
    return float(wider[np.flatnonzero(drawn)[-1]]) if drawn.any() else radius


def _framed_stamps(mask: Pixels) -> list[Stamp]:
    """Oval and rectangular stamps: the outline of a clump of ink, or an oval within it, is drawn and holds letters."""
    amount, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(mask, np.ones((7, 7), np.uint8)))
    found = []
    for label in range(1, amount):
        x, y, w, h, _ = (int(v) for v in stats[label])
        if not (26 * MM <= max(w, h) <= 90 * MM and min(w, h) >= 12 * MM):
            continue
        ink = ((labels[y : y + h, x : x + w] == label) & (mask[y : y + h, x : x + w] > 0)).astype(np.uint8)
        hull = cv2.convexHull(cv2.findNonZero(ink))
        for outline, letters in ((hull, 5), *((oval, 1) for oval in _ovals(ink))):
            left, top, wide, high = cv2.boundingRect(outline)
            if not (26 * MM <= max(wide, high) <= 56 * MM and min(wide, high) >= 12 * MM):
                continue
            area = cv2.fillConvexPoly(np.zeros_like(ink), outline, 1)
            if _holds_letters(mask[y : y + h, x : x + w], area, letters):
                page: Pixels = np.zeros(mask.shape, np.uint8)
                page[y : y + h, x : x + w] = area
                box = (x + left, y + top, x + left + wide, y + top + high)
                found.append(Stamp(_drawn(ink, outline), box, page))
    return found


def _drawn(ink: Pixels, outline: Pixels) -> float:
    """The share of a closed line on which there is ink."""
    line = cv2.polylines(np.zeros_like(ink), [outline], True, 1, 1)
    return float((cv2.dilate(ink, np.ones((5, 5), np.uint8)) & line).sum()) / max(1, int(line.sum()))


def _holds_letters(ink: Pixels, area: Pixels, least: int) -> bool:
    """At least so many pieces of the size of letters, or of small words whose letters touch."""
    size = cv2.connectedComponentsWithStats(ink & area)[2][1:, 2:4].max(1)
    word = 6 * MM if least > 1 else 0.5 * min(cv2.boundingRect(area)[2:])
    return 0.06 < _filled(ink, area) < 0.45 and int(((size >= 3) & (size <= word)).sum()) >= least


def _ovals(ink: Pixels) -> list[Pixels]:
    """The best oval through a part of the clump's outline: the pen crosses a stamp at one side only."""
    contours, _ = cv2.findContours(
        cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    line = max(contours, key=len)[:, 0, :]
    best: tuple[float, Pixels] | None = None
    for share in (_LEAST_ARC, 0.45, 0.6):
        length = int(share * len(line))
        for start in range(0, len(line), max(1, len(line) // 16)):
            (x, y), (a, b), turn = cv2.fitEllipse(np.roll(line, -start, axis=0)[:length])
            if not (min(a, b) >= 12 * MM and max(a, b) <= 56 * MM):
                continue
            oval = cv2.ellipse2Poly((round(x), round(y)), (round(a / 2), round(b / 2)), round(turn), 0, 360, 5)
            drawn = _drawn(ink, oval)
            if best is None or drawn > best[0]:
                best = (drawn, oval)
    return [best[1]] if best and best[0] >= _OVAL_SEEN else []


def find(mask: Pixels, headed: bool) -> Stamp | None:
    """The surest stamp, below the letterhead where there is one; the signer's block may have come onto a new page."""
    lower = mask.copy()
    if headed:
        lower[: mask.shape[0] // 6] = 0
    lower &= 1 - cv2.dilate(
        cv2.morphologyEx(lower, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)), np.ones((5, 5), np.uint8)
    )
    if int(lower.sum()) < 60:
        return None
    ring = round_stamp(lower)
    if ring and ring.score >= _RING_SEEN:
        return ring
    frames = [s for s in _framed_stamps(lower) if s.score >= _FRAME_SEEN]
    return max(frames, key=lambda s: s.score, default=None)


def mark(stamp: Stamp | None, shape: tuple[int, ...]) -> Mark:
    return Mark("seen", stamp.score, box=box_of(*stamp.box, shape=shape)) if stamp else Mark("not_found")


def box_of(left: float, top: float, right: float, bottom: float, shape: tuple[int, ...]) -> Box:
    high, wide = shape[:2]
    return (max(0.0, left / wide), max(0.0, top / high), min(1.0, right / wide), min(1.0, bottom / high))
