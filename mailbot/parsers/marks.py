"""Letterhead, signature and stamp of an upright page at 100 dpi. Three-valued: "not_found" is never "absent"."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import cv2
import numpy as np
from rapidfuzz import fuzz

from mailbot.model import Box, Line, Mark
from mailbot.parsers.ocr import Pixels

_MM = 100 / 25.4  # pixels
_RADII_MM = (13.0, 23.5)
_RING_SEEN = 0.62  # share of the ring's angles that carry ink
_LEAST_STROKE = 0.5  # of 50 mm, width and height together: less may be a paraf, or print under a stamp
_LEAST_IN_STAMP = 0.7
_LEAST_ARC = 0.3  # of a clump's outline: what an oval stamp shows beside the pen that crosses it
_FRAME_SEEN = 0.55  # share of the outline of any other shape
_UNKNOWN = Mark("cannot_judge")
Area = tuple[int, int, int, int]  # left, top, right, bottom in pixels
_SQUARE: Pixels = np.ones((3, 3), np.uint8)


@dataclass(frozen=True, slots=True)
class _Stamp:
    """`area`: the filled shape of the stamp, as large as the page."""

    score: float
    box: tuple[float, float, float, float]
    area: Pixels


# ------------------------------------------------------------------ ink


def _ink(small: Pixels) -> Pixels:
    """How much each pixel is coloured like blue, violet or red ink. Lab keeps faded violet, saturation does not."""
    lab = cv2.cvtColor(small, cv2.COLOR_BGR2LAB).astype(np.int16)
    a = lab[..., 1] - int(np.median(lab[::8, ::8, 1]))
    b = lab[..., 2] - int(np.median(lab[::8, ::8, 2]))
    return np.maximum(-b, a - np.maximum(0, b - a // 2))


def _mask(ink: Pixels) -> Pixels:
    """Ink or not: what stands out of the page's own colour noise and is more than a speck."""
    noise = float(np.percentile(np.abs(ink[::4, ::4]), 60))
    mask = (ink > max(5.0, 3.5 * noise)).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(mask)
    real = stats[:, 4] >= 5
    real[0] = False
    return real[labels].astype(np.uint8)


# ------------------------------------------------------------------ stamp


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
    if min(wide, high) < 8 * _MM:
        return []
    part = mask[top : top + high, left : left + wide]
    quarter = cv2.resize(part.astype(np.float32), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    quarter = (cv2.copyMakeBorder(quarter, 24, 24, 24, 24, cv2.BORDER_CONSTANT, value=0) > 0.2).astype(np.float32)
    radii = [float(r) for r in np.arange(_RADII_MM[0] * _MM / 2, _RADII_MM[1] * _MM / 2 + 0.5, 1.5)]
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


def _round_stamp(mask: Pixels) -> _Stamp | None:
    """A coloured photo or logo fills its disc, and text fills the ring round a chance circle: a stamp does neither."""
    for score, x, y, inner in _rings(mask):
        r = _outermost(mask, x, y, inner)
        area = cv2.circle(np.zeros(mask.shape, np.uint8), (round(x), round(y)), round(r) + 2, 1, -1)
        around = cv2.circle(np.zeros(mask.shape, np.uint8), (round(x), round(y)), round(r * 1.25), 1, -1) & (1 - area)
        if 0.04 < _filled(mask, area) < 0.6 and _filled(mask, around) < 0.3:
            return _Stamp(score, (x - r, y - r, x + r, y + r), area)
    return None


def _outermost(mask: Pixels, x: float, y: float, radius: float) -> float:
    """The radius of the last ring around the same centre: a stamp has two or three."""
    wider = np.arange(radius, _RADII_MM[1] * _MM, 1.0)
    drawn = _coverage(mask, np.array([(x, y, r) for r in wider])) >= 0.5 if wider.size else np.zeros(0, bool)
    return float(wider[np.flatnonzero(drawn)[-1]]) if drawn.any() else radius


def _framed_stamps(mask: Pixels) -> list[_Stamp]:
    """Oval and rectangular stamps: the outline of a clump of ink, or an oval within it, is drawn and holds letters."""
    amount, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(mask, np.ones((7, 7), np.uint8)))
    found = []
    for label in range(1, amount):
        x, y, w, h, _ = (int(v) for v in stats[label])
        if not (26 * _MM <= max(w, h) <= 90 * _MM and min(w, h) >= 12 * _MM):
            continue
        ink = ((labels[y : y + h, x : x + w] == label) & (mask[y : y + h, x : x + w] > 0)).astype(np.uint8)
        hull = cv2.convexHull(cv2.findNonZero(ink))
        for outline, letters in ((hull, 5), *((oval, 1) for oval in _ovals(ink))):
            left, top, wide, high = cv2.boundingRect(outline)
            if not (26 * _MM <= max(wide, high) <= 56 * _MM and min(wide, high) >= 12 * _MM):
                continue
            area = cv2.fillConvexPoly(np.zeros_like(ink), outline, 1)
            if _holds_letters(mask[y : y + h, x : x + w], area, letters):
                page: Pixels = np.zeros(mask.shape, np.uint8)
                page[y : y + h, x : x + w] = area
                box = (x + left, y + top, x + left + wide, y + top + high)
                found.append(_Stamp(_drawn(ink, outline), box, page))
    return found


def _drawn(ink: Pixels, outline: Pixels) -> float:
    """The share of a closed line on which there is ink."""
    line = cv2.polylines(np.zeros_like(ink), [outline], True, 1, 1)
    return float((cv2.dilate(ink, np.ones((5, 5), np.uint8)) & line).sum()) / max(1, int(line.sum()))


def _holds_letters(ink: Pixels, area: Pixels, least: int) -> bool:
    """At least so many pieces of the size of letters, or of small words whose letters touch."""
    size = cv2.connectedComponentsWithStats(ink & area)[2][1:, 2:4].max(1)
    word = 6 * _MM if least > 1 else 0.5 * min(cv2.boundingRect(area)[2:])
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
            if not (min(a, b) >= 12 * _MM and max(a, b) <= 56 * _MM):
                continue
            oval = cv2.ellipse2Poly((round(x), round(y)), (round(a / 2), round(b / 2)), round(turn), 0, 360, 5)
            drawn = _drawn(ink, oval)
            if best is None or drawn > best[0]:
                best = (drawn, oval)
    return [best[1]] if best and best[0] >= _RING_SEEN else []


def _stamp(mask: Pixels, headed: bool) -> _Stamp | None:
    """The surest stamp, below the letterhead where there is one; the signer's block may have come onto a new page."""
    lower = mask.copy()
    if headed:
        lower[: mask.shape[0] // 6] = 0
    lower &= 1 - cv2.dilate(
        cv2.morphologyEx(lower, cv2.MORPH_OPEN, np.ones((9, 9), np.uint8)), np.ones((5, 5), np.uint8)
    )
    if int(lower.sum()) < 60:
        return None
    ring = _round_stamp(lower)
    if ring and ring.score >= _RING_SEEN:
        return ring
    frames = [s for s in _framed_stamps(lower) if s.score >= _FRAME_SEEN]
    return max(frames, key=lambda s: s.score, default=None)


def _stamp_mark(stamp: _Stamp | None, shape: tuple[int, ...]) -> Mark:
    return Mark("seen", stamp.score, box=_box(*stamp.box, shape=shape)) if stamp else Mark("not_found")


def _box(left: float, top: float, right: float, bottom: float, shape: tuple[int, ...]) -> Box:
    high, wide = shape[:2]
    return (max(0.0, left / wide), max(0.0, top / high), min(1.0, right / wide), min(1.0, bottom / high))


# ------------------------------------------------------------------ signature


def _digits(text: str) -> int:
    return sum(c.isdigit() for c in text)


def _block(lines: Sequence[Line], stamp: _Stamp | None, shape: tuple[int, ...], headed: bool) -> Area:
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
        box = left - 12 * _MM, top - 8 * _MM, right + 45 * _MM, bottom + 6 * _MM
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
        if (y1 - y0) * high < 8 * _MM:
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


def _signature(small: Pixels, mask: Pixels, lines: Sequence[Line], stamp: _Stamp | None, headed: bool) -> Mark:
    """Seen when thin connected strokes of the size of a signature, not of a paraf, lie in the signer's block."""
    if not lines:
        return _UNKNOWN
    area = _block(lines, stamp, mask.shape, headed)
    left, top, right, bottom = area
    if right - left < 20 or bottom - top < 20:
        return _UNKNOWN
    ink = _strokes(small, mask, lines, area)
    if stamp is None:
        ring = _round_stamp(_on_page(ink, area, mask.shape))
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
    _, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(ink, _SQUARE))
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
        )  # loops are dense, but square codes and emblems are denser and min(w, h) >= (4.5 if max(w, h) < 4 * min(w, h) else 6) * _MM
        least = _LEAST_IN_STAMP if float((stamped[y : y + h, x : x + w] > 0).mean()) > 0.7 else _LEAST_STROKE
        if thin and max(w, h) >= 11 * _MM and w + h > max(score, least) * 50 * _MM:
            best, score = (x + area[0], y + area[1], x + area[0] + w, y + area[1] + h), min(1.0, (w + h) / (50 * _MM))
    if best is None:
        return _UNKNOWN
    return Mark("seen", score, box=_box(*best, shape=shape))


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


# ------------------------------------------------------------------ letterhead

_HEADS = (
    "PEMERINTAH",
    "BUPATI",
    "WALIKOTA",
    "WALI KOTA",
    "GUBERNUR",
    "KEMENTERIAN",
    "PROVINSI",
    "KABUPATEN",
    "DINAS",
    "BADAN",
    "SEKRETARIAT",
    "KECAMATAN",
    "KELURAHAN",
    "INSPEKTORAT",
    "RUMAH SAKIT",
    "RSUD",
    "PUSKESMAS",
    "UPTD",
    "SATUAN POLISI",
    "UNIVERSITAS",
    "KEJAKSAAN",
    "KEPOLISIAN",
)
_BODY = (
    "LAMPIRAN",
    "KEPUTUSAN",
    "NOMOR",
    "NOMER",
    "SURAT",
    "TENTANG",
    "KEPADA",
    "YTH",
    "HAL",
    "SIFAT",
    "DAFTAR",
    "DISPOSISI",
    "LEMBAR",
    "TANGGAL",
    "FORMULIR",
)
_ADDRESS = re.compile(r"\b(?:jalan|jl|telp|telepon|fax|faks|kode pos|e-?mail|website|laman)\b|@|\d{4,}", re.IGNORECASE)


def _starts(text: str, words: Sequence[str]) -> bool:
    """Begins with one of the words; what a reader makes of an emblem in front of them is passed over."""
    upper = re.sub(r"^(?:[^A-Z]|[^ ]{1,3} (?=.*[A-Z]{4}))+", "", text.upper())
    return any(fuzz.ratio(upper[: len(word)], word) > 84 for word in words)


def _headed(line: Line) -> bool:
    """A capital head word in front, as letterheads print it; body text names offices in mixed case."""
    text = line.text
    capital = sum(c.isupper() for c in text) > 0.6 * sum(c.isalpha() for c in text)
    return capital and _starts(text, _HEADS)


def _head_lines(lines: Sequence[Line]) -> list[Line]:
    """The lines at the top before the letter itself begins, from the first head word on."""
    top = sorted((line for line in lines if line.box[3] < 0.27), key=lambda line: line.box[1])
    body = next((i for i, line in enumerate(top) if _starts(line.text, _BODY)), len(top))
    first = next((i for i, line in enumerate(top[:body]) if _headed(line)), None)
    return [] if first is None or top[first].box[1] > 0.16 else top[first:body]


def _rule_below(small: Pixels, bottom: float) -> bool:
    """A rule over a quarter of the width within a tenth of the page below `bottom`."""
    high, wide = small.shape[:2]
    part = cv2.cvtColor(small[int((bottom - 0.03) * high) : int((bottom + 0.08) * high)], cv2.COLOR_BGR2GRAY)
    dark = cv2.dilate((part < 190).astype(np.uint8), _SQUARE)
    return bool(cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, wide // 4), np.uint8)).any())


def _letterhead(small: Pixels, lines: Sequence[Line]) -> Mark:
    if not lines:
        return _UNKNOWN
    found = _head_lines(lines)
    heads = [line for line in found if _headed(line)]
    if not heads:
        return Mark("not_found")
    end = max(line.box[3] for line in heads)
    ruled = _rule_below(small, end)
    addressed = any(_ADDRESS.search(line.text) for line in found[1:5])
    if not (addressed or (ruled and len(found) > 1) or len(heads) > 1):
        return Mark("not_found", 0.3)
    left, right = min(line.box[0] for line in heads), max(line.box[2] for line in heads)
    return Mark("seen", 0.95 if ruled or addressed else 0.75, box=(left, heads[0].box[1], right, end))


# ------------------------------------------------------------------ all three


def find(small: Pixels, lines: Sequence[Line], grey: bool = False) -> tuple[Mark, Mark, Mark, bool]:
    """kop, tanda_tangan, stempel and whether the page can show ink colours.

    `small`: the flattened page at 100 dpi; `grey`: the file has no colours. A page without one coloured region may be
    a grey copy saved in colour, so it counts as not in colour.
    """
    mask = np.zeros(small.shape[:2], np.uint8) if grey else _mask(_ink(small))
    colour = int(mask.sum()) > 60
    headed = any(_headed(line) for line in lines if line.box[3] < 0.2)
    stamp = _stamp(mask, headed) if colour else None
    found = _stamp_mark(stamp, mask.shape) if colour else _UNKNOWN
    return _letterhead(small, lines), _signature(small, mask, lines, stamp, headed), found, colour


def on_page(mark: Mark, number: int) -> Mark:
    """The mark with its page number, where it has a place."""
    return replace(mark, page=number) if mark.box else mark
