"""Page images made flat and upright: paper in a photo, quarter turns, skew, shading. Works on a copy at 100 dpi."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mailbot.model import Line
from mailbot.parsers import ocr
from mailbot.parsers.ocr import Pixels

A4_LONG = 2339  # pixels of A4's long side at 200 dpi
_LABELS = 65_000  # fewer than 16 bits can count
_PLAIN = 0.85  # no line that stands on its head is read so surely
_TURN_SURE = 4.0  # standard errors by which tops and bottoms of letters must differ to decide without reading


def half(image: Pixels) -> Pixels:
    return cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)


def components(ink: Pixels) -> tuple[Pixels, Pixels]:
    """Labels and statistics of connected ink (0 and 1), as OpenCV makes them.

    Labels of 16 bits take half the time; only ink without a neighbour above and to its left can begin a new one.
    """
    begun = np.count_nonzero(ink[1:, 1:] > (ink[1:, :-1] | ink[:-1, 1:])) + sum(ink.shape)
    wide = cv2.CV_32S if begun > _LABELS else cv2.CV_16U
    _, labels, stats, _ = cv2.connectedComponentsWithStats(ink, ltype=wide)
    return labels, stats


def normal(image: Pixels) -> Pixels:
    """Scaled so that A4 has 200 dpi; small pictures are enlarged at most 2.5 times."""
    scale = min(2.5, A4_LONG / max(image.shape[:2]))
    if 0.93 < scale < 1.02:
        return image
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=how)


def flatten(image: Pixels) -> Pixels:
    """Shading and colour cast of the paper divided out: the paper becomes white."""
    small = cv2.resize(image, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(cv2.dilate(small, np.ones((9, 9), np.uint8)), 21)
    paper = cv2.resize(paper, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    return cv2.divide(image, cv2.max(paper, 40), scale=250)


def straightened(image: Pixels) -> tuple[Pixels, int]:
    """The page upright and level, and the degrees clockwise (in quarters) that it was turned."""
    small = half(image)
    corners = _paper(small)
    if corners is not None:
        image = _rectified(image, corners * 2)
        small = half(image)
    boxes = glyphs(cv2.cvtColor(flatten(small), cv2.COLOR_BGR2GRAY))
    turns = _turns(image, boxes, small.shape)
    if turns:
        image = np.ascontiguousarray(np.rot90(image, -turns))
        boxes = _turned(boxes, turns, small.shape)
    return _rotated(image, _skew(boxes)), turns * 90


# ------------------------------------------------------------------ paper in a photo


def _paper(small: Pixels) -> Pixels | None:
    """The paper's four corners in a photo, or None when the image is all paper or letters would be cut off."""
    scale = 500 / max(small.shape[:2])
    tiny = cv2.GaussianBlur(cv2.resize(small, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), (7, 7), 0)
    light = tiny.max(2)
    level, _ = cv2.threshold(light, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    dark = light[light <= level]
    deeper = cv2.threshold(dark.reshape(-1, 1), 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)[0] if dark.size else level
    for limit in (level, deeper):  # a shadow over half of the paper lies between the two
        quad = _quad(light, limit)
        if quad is not None and not _cuts_letters(small, quad / scale):
            return quad / scale
    return None


def _quad(light: Pixels, level: float) -> Pixels | None:
    mask = (light > level).astype(np.uint8)
    mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    if not contours:
        return None
    hull = cv2.convexHull(max(contours, key=cv2.contourArea))
    quad = cv2.approxPolyDP(hull, 0.03 * cv2.arcLength(hull, True), True)
    share = cv2.contourArea(quad) / mask.size
    if len(quad) != 4 or not 0.25 < share < 0.94 or share < 0.95 * cv2.contourArea(hull) / mask.size:
        return None
    inside = cv2.fillConvexPoly(np.zeros_like(mask), quad, 1)
    if float(np.median(light[inside > 0])) - float(np.median(light[inside == 0])) < 35:
        return None
    return quad.reshape(4, 2).astype(np.float32)


def _cuts_letters(small: Pixels, quad: Pixels) -> bool:
    """More than a few letters lie outside, or on the edge, of what was taken for the paper."""
    boxes = glyphs(cv2.cvtColor(flatten(small), cv2.COLOR_BGR2GRAY))
    if len(boxes) < 60:
        return False
    centres = boxes[:, :2] + boxes[:, 2:4] / 2
    within = np.array([cv2.pointPolygonTest(quad, (float(x), float(y)), False) > 0 for x, y in centres])
    if within.all() or not within.any():
        return not within.any()
    inner, outer = _chained(boxes[within]), _chained(boxes[~within])
    # the grain of a desk looks like letters, but they do not stand beside each other as in a line of text
    text_like = outer / int((~within).sum()) > 0.65 * inner / int(within.sum())
    return text_like and outer > 0.03 * (inner + outer)


def _rectified(image: Pixels, quad: Pixels) -> Pixels:
    total, difference = quad.sum(1), quad[:, 1] - quad[:, 0]
    corners = np.stack([quad[f] for f in (total.argmin(), difference.argmin(), total.argmax(), difference.argmax())])
    wide = max(np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[2] - corners[3]))
    high = max(np.linalg.norm(corners[3] - corners[0]), np.linalg.norm(corners[2] - corners[1]))
    if min(wide, high) < 100:
        return image
    scale = A4_LONG / max(wide, high)
    size = (round(wide * scale), round(high * scale))
    target = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    return cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(255, 255, 255))


# ------------------------------------------------------------------ letters


def glyphs(grey: Pixels) -> Pixels:
    """Boxes (left, top, width, height) of letter-sized ink at 100 dpi: rules, pictures and specks are left out."""
    darkest = min(150.0, float(np.percentile(grey[::4, ::4], 1)))
    ink = (grey < darkest + 0.7 * (250 - darkest)).astype(np.uint8)  # faint pages keep their letters whole
    boxes = components(ink)[1][1:, :4]
    longer, shorter = boxes[:, 2:4].max(1), boxes[:, 2:4].min(1)
    return boxes[(longer >= 4) & (longer <= 40) & (shorter >= 2)]


def _turned(boxes: Pixels, turns: int, shape: tuple[int, ...]) -> Pixels:
    """Boxes after quarter turns clockwise of an image of this shape."""
    high, wide = shape[:2]
    x, y, w, h = boxes.T
    turned = {1: (high - y - h, x, h, w), 2: (wide - x - w, high - y - h, w, h), 3: (y, wide - x - w, h, w)}
    return np.stack(turned[turns], 1) if turns else boxes


def _neighbours(boxes: Pixels) -> tuple[Pixels, Pixels]:
    """Each letter with the nearest letter to its right that overlaps it in height: indices of both."""
    order = np.argsort(boxes[:, 0], kind="stable")
    x, y, w, h = boxes[order].T
    left, right = [], []
    for step in range(1, 61):  # letters near in x; the next of the same line is among them
        a, b = np.arange(len(x) - step), np.arange(step, len(x))
        overlap = np.minimum(y[a] + h[a], y[b] + h[b]) - np.maximum(y[a], y[b])
        gap = x[b] - (x[a] + w[a])
        fits = (overlap > 0.5 * np.minimum(h[a], h[b])) & (gap >= -1) & (gap <= np.maximum(h[a], 6))
        left.append(a[fits])
        right.append(b[fits])
    a, b = np.concatenate(left), np.concatenate(right)
    _, first = np.unique(a, return_index=True)
    return order[a[first]], order[b[first]]


def _chained(boxes: Pixels) -> float:
    """How tightly letters stand beside each other: many close neighbours when lines run horizontally."""
    a, b = _neighbours(boxes)
    gaps = boxes[b, 0] - boxes[a, 0] - boxes[a, 2]
    return float((gaps <= 3).sum())


def _lopsided(boxes: Pixels) -> float:
    """Positive when tops of neighbours differ more than their bottoms: ascenders are commoner than descenders.

    In standard errors: where letters touch each other, few single ones are left to tell.
    """
    a, b = _neighbours(boxes)
    alike = np.abs(boxes[a, 3] - boxes[b, 3]) >= 2
    tops = np.abs(boxes[a, 1] - boxes[b, 1])[alike]
    bottoms = np.abs((boxes[a, 1] + boxes[a, 3]) - (boxes[b, 1] + boxes[b, 3]))[alike]
    up, down = int(((tops >= 2) & (bottoms <= 1)).sum()), int(((bottoms >= 2) & (tops <= 1)).sum())
    return (up - down) / (up + down) ** 0.5 if up + down >= 40 else 0.0


def _turns(image: Pixels, boxes: Pixels, shape: tuple[int, ...]) -> int:
    """Quarter turns clockwise that make the page upright."""
    if len(boxes) < 30:
        return 0
    aside = _turned(boxes, 1, shape)
    turned = _chained(aside) > 1.15 * _chained(boxes)
    base, standing = (1, aside) if turned else (0, boxes)
    leaning = _lopsided(standing)
    if abs(leaning) < _TURN_SURE:
        upright = np.ascontiguousarray(np.rot90(image, -base))
        return (base + 2) % 4 if _upside_down(cv2.cvtColor(upright, cv2.COLOR_BGR2GRAY), standing) else base
    return (base + 2) % 4 if leaning < 0 else base


def _lines(boxes: Pixels, limit: int) -> list[tuple[int, int, int, int]]:
    """Rectangles at 100 dpi around the longest pieces of text lines, of ordinary height."""
    mask: Pixels = np.zeros(
        (int((boxes[:, 1] + boxes[:, 3]).max()) + 2, int((boxes[:, 0] + boxes[:, 2]).max()) + 14), np.uint8
    )
    for x, y, w, h in boxes:
        mask[y : y + h, x : x + w + 12] = 1
    rows = components(mask)[1][1:, :4]
    rows = rows[rows[:, 2] > 6 * rows[:, 3]]
    if not len(rows):
        return []
    usual = float(np.median(rows[:, 3]))
    rows = rows[np.abs(rows[:, 3] - usual) <= 0.35 * usual + 1]
    return [(int(x), int(y), int(w), int(h)) for x, y, w, h in rows[np.argsort(-rows[:, 2])][:limit]]


def sureness(lines: Sequence[Line]) -> float:
    """Mean confidence weighted by length; 0 without letters."""
    words = [w for line in lines for w in line.words]
    size = sum(len(w.text) for w in words)
    total: float = sum(len(w.text) * w.confidence for w in words)
    return total / size if size >= 6 else 0.0


def _upside_down(grey: Pixels, boxes: Pixels) -> bool:
    """Reads a few lines, both ways where the first is not plain, until one way is clearly better."""
    votes = 0.0
    for x, y, w, h in _lines(boxes, 6):
        crop = grey[max(0, 2 * y - 8) : 2 * (y + h) + 8, max(0, 2 * x - 8) : 2 * min(x + w, x + 350) + 8]
        up = sureness(ocr.read(crop, psm=7)[0])
        down = 0.5 if up > _PLAIN else sureness(ocr.read(np.ascontiguousarray(crop[::-1, ::-1]), psm=7)[0])
        votes += up - down
        if abs(votes) > 0.6:
            break
    return votes < -0.1


# ------------------------------------------------------------------ skew


def _skew(boxes: Pixels) -> float:
    """Degrees; the angle at which the feet of the letters fall into the fewest rows."""
    if len(boxes) < 30:
        return 0.0
    x, foot = boxes[:, 0] + boxes[:, 2] / 2, (boxes[:, 1] + boxes[:, 3]).astype(np.float64)

    def sharp(angle: float) -> float:
        rows = np.round(foot - x * np.tan(np.radians(angle))).astype(np.int64)
        counts = np.bincount(rows - rows.min()).astype(np.float64)
        return float(np.square(counts[1:] + counts[:-1]).sum())

    best = max((step / 5 for step in range(-30, 31)), key=sharp)
    return max((best + step / 20 for step in range(-4, 5)), key=sharp)


def _rotated(image: Pixels, angle: float) -> Pixels:
    if abs(angle) < 0.15:
        return image
    high, wide = image.shape[:2]
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), angle, 1)
    return cv2.warpAffine(image, turn, (wide, high), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
