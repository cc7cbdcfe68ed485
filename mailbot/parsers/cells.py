"""Ruled tables of a page: rules -> grid -> cells, each read on its own so that a wrapped value stays whole."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from mailbot.model import Box, Cell, Line, Table
from mailbot.parsers import geometry, ocr
from mailbot.parsers.ocr import Pixels, Rect
from mailbot.parsers.rows import as_rows

_DARK = 205  # of flattened pixels: faint rules are still below it, noise of the paper is not
# What is nearly paper becomes white: tesseract's threshold for the whole page would else follow the paper's own noise.
_WHITER = np.clip(np.arange(256) * (255 / 215), 0, 255).astype(np.uint8)


def _rules(grey: Pixels) -> tuple[Pixels, Pixels]:
    """Masks of horizontal and vertical rules; flattened pixels, never Otsu."""
    dark = (grey < _DARK).astype(np.uint8)
    across = cv2.morphologyEx(cv2.dilate(dark, np.ones((3, 1), np.uint8)), cv2.MORPH_OPEN, np.ones((1, 90), np.uint8))
    down = cv2.morphologyEx(cv2.dilate(dark, np.ones((1, 3), np.uint8)), cv2.MORPH_OPEN, np.ones((60, 1), np.uint8))
    solid = cv2.morphologyEx(across & down, cv2.MORPH_OPEN, np.ones((14, 14), np.uint8))  # filled areas
    block = cv2.dilate(solid, np.ones((25, 25), np.uint8)) if solid.any() else solid
    return across & (1 - block), down & (1 - block)


def _cells(across: Pixels, down: Pixels) -> list[list[Rect]]:
    """Rectangles closed in by rules, grouped by table."""
    if not down.any():
        return []
    across = cv2.morphologyEx(across, cv2.MORPH_CLOSE, np.ones((1, 25), np.uint8))
    down = cv2.morphologyEx(down, cv2.MORPH_CLOSE, np.ones((25, 1), np.uint8))
    grid = cv2.dilate(across | down, np.ones((3, 3), np.uint8))
    labels, stats = geometry.components(grid)
    tables: list[list[Rect]] = []
    for label in range(1, len(stats)):
        x, y, w, h, _ = (int(v) for v in stats[label])
        if w < 150 or h < 60 or len(tables) > 40 or not down[y : y + h, x : x + w].any():
            continue
        holes = (labels[y : y + h, x : x + w] != label).astype(np.uint8)
        _, _, parts, _ = cv2.connectedComponentsWithStats(holes, connectivity=4)
        inner = [
            (int(a) + x, int(b) + y, int(c), int(d))
            for a, b, c, d, size in parts[1:]
            if a > 0 and b > 0 and a + c < w and b + d < h and c >= 20 and d >= 20 and size > 0.8 * c * d
        ]
        if len(inner) >= 2:
            tables.append(inner)
    return tables


def _ranks(values: list[int]) -> dict[int, int]:
    """Row or column index for each edge; edges within 12 pixels are one."""
    ranks: dict[int, int] = {}
    rank, last = -1, -100
    for value in sorted(set(values)):
        rank += value - last > 12
        last = value
        ranks[value] = rank
    return ranks


def _tables(groups: list[list[Rect]], words: dict[Rect, tuple[Line, ...]], shape: tuple[int, ...]) -> tuple[Table, ...]:
    high, wide = shape[:2]

    def box(x: int, y: int, w: int, h: int) -> Box:
        return (x / wide, y / high, (x + w) / wide, (y + h) / high)

    tables = []
    for group in groups:
        rows, columns = _ranks([r[1] for r in group]), _ranks([r[0] for r in group])
        cells = sorted(
            (Cell(rows[r[1]], columns[r[0]], box(*r), words.get(r, ())) for r in group), key=lambda c: (c.row, c.column)
        )
        left, top = min(r[0] for r in group), min(r[1] for r in group)
        right, bottom = max(r[0] + r[2] for r in group), max(r[1] + r[3] for r in group)
        tables.append(Table(box(left, top, right - left, bottom - top), tuple(cells)))
    return tuple(tables)


def _inked(grey: Pixels, rect: Rect) -> bool:
    x, y, w, h = rect
    return int((grey[y : y + h, x : x + w] < 150).sum()) > 15


def _with_missed(grey: Pixels, rect: Rect, lines: Sequence[Line]) -> tuple[Line, ...]:
    """The engine leaves out a line of a cell now and then: each band of ink in which it saw no word is read alone."""
    high = grey.shape[0]
    seen = [(word.box[1] * high, word.box[3] * high) for line in lines for word in line.words]
    missed = [b for b in _bands(grey, rect) if not any(top < b[1] + b[3] and bottom > b[1] for top, bottom in seen)]
    more = [line for found in (ocr.read(grey, missed, psm=7) if missed else []) for line in found]
    return tuple(sorted([*lines, *more], key=lambda line: line.box[1])) if more else tuple(lines)


def _bands(grey: Pixels, rect: Rect) -> list[Rect]:
    """Rows of ink as tall as letters, each with a little white around it."""
    x, y, w, h = rect
    rows = np.concatenate(([0], ((grey[y : y + h, x : x + w] < 150).sum(1) >= 2).astype(np.int8), [0]))
    edges = np.flatnonzero(np.diff(rows))
    return [(x, max(0, y + int(a) - 4), w, int(b - a) + 8) for a, b in edges.reshape(-1, 2) if 10 <= b - a <= 45]


def _content(grey: Pixels) -> Rect:
    """The part of the page that holds ink: looking for lines in the rest costs as much as in the text."""
    x, y, w, h = cv2.boundingRect(
        (cv2.resize(grey, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA) < 225).astype(np.uint8)
    )
    left, top = max(0, 4 * x - 24), max(0, 4 * y - 24)
    return left, top, min(grey.shape[1], 4 * (x + w) + 24) - left, min(grey.shape[0], 4 * (y + h) + 24) - top


def read(grey: Pixels) -> tuple[tuple[Line, ...], tuple[Table, ...]]:
    """Body and cells of a scan are read apart; the lines of both in reading order."""
    across, down = _rules(grey)
    groups = _cells(across, down)
    clean = cv2.LUT(grey, _WHITER)
    clean[cv2.dilate(across | down, np.ones((3, 3), np.uint8)) > 0] = 255
    rects = [rect for group in groups for rect in group if _inked(clean, rect)]
    found = ocr.read(clean, rects, psm=6) if rects else []
    words = {rect: _with_missed(clean, rect, lines) for rect, lines in zip(rects, found, strict=True)}
    for x, y, w, h in rects:
        clean[y : y + h, x : x + w] = 255
    lines = ocr.read(clean, [_content(clean)], psm=4)[0]
    tables = _tables(groups, words, grey.shape)
    for table in tables:
        at = next((i for i, line in enumerate(lines) if line.box[1] > table.box[1]), len(lines))
        lines[at:at] = [line for cell in table.cells for line in cell.lines]
    return tuple(lines), tables


def of_layer(lines: Sequence[Line], grey: Pixels) -> tuple[Table, ...]:
    """Cells of a born-digital page: its words by their centres."""
    groups = _cells(*_rules(grey))
    high, wide = grey.shape
    words: dict[Rect, tuple[Line, ...]] = {}
    for rect in (rect for group in groups for rect in group):
        x, y, w, h = rect
        inside = [
            word
            for line in lines
            for word in line.words
            if x <= (word.box[0] + word.box[2]) / 2 * wide < x + w
            and y <= (word.box[1] + word.box[3]) / 2 * high < y + h
        ]
        words[rect] = as_rows(inside)
    return _tables(groups, words, grey.shape)
