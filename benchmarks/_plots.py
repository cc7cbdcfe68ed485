"""Two small charts as SVG, drawn by hand: lines over labelled places, and bars."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

COLOURS = ("#1f5fa8", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#0e7490", "#be123c", "#475569")
WIDE, HIGH = 460, 280
LEFT, TOP, BOTTOM, KEY = 52, 44, 40, 170  # margins; right of the lines stands their key
FONT = 'font-family="sans-serif" font-size="11"'


def lines(title: str, unit: str, places: Sequence[str], series: Mapping[str, Sequence[float]], across: str = "") -> str:
    """One line per series over equally spaced places; from zero on."""
    highest = max(v for values in series.values() for v in values)
    top = _round_up(max(4, highest) if isinstance(highest, int) else highest)  # four steps of whole things
    step = (WIDE - LEFT - 12) / max(1, len(places) - 1)
    parts = [_text(LEFT, 18, title, bold=True), _text(LEFT, 34, unit)]
    for tick in range(5):
        y = _y(tick / 4)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDE - 12}" stroke="#ddd"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{top * tick / 4:g}", "end"))
    parts += [_text(LEFT + n * step, HIGH - BOTTOM + 16, place, "middle") for n, place in enumerate(places) if place]
    parts.append(_text((LEFT + WIDE) / 2, HIGH - 6, across, "middle"))
    for n, (name, values) in enumerate(series.items()):
        points = " ".join(f"{LEFT + k * step:.1f},{_y(value / top):.1f}" for k, value in enumerate(values))
        colour = COLOURS[n % len(COLOURS)]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{p.split(",")[0]}" cy="{p.split(",")[1]}" r="2.5" fill="{colour}"/>'
                  for p in points.split()] if len(values) < 12 else []  # fmt: skip
        parts.append(f'<rect x="{WIDE}" y="{TOP + n * 18}" width="12" height="4" fill="{colour}"/>')
        parts.append(_text(WIDE + 17, TOP + n * 18 + 6, name))
    return _svg(WIDE + KEY, HIGH, parts)


def bars(title: str, unit: str, values: Mapping[str, float]) -> str:
    """One bar per name with its value behind it."""
    longest, left = max(values.values()), 200
    parts = [_text(8, 18, title, bold=True), _text(8, 34, unit)]
    for n, (name, value) in enumerate(values.items()):
        y, wide = TOP + 6 + n * 26, max(1.0, (WIDE + KEY - left - 60) * value / longest)
        parts.append(_text(left - 8, y + 13, name, "end"))
        parts.append(f'<rect x="{left}" y="{y}" width="{wide:.1f}" height="18" fill="{COLOURS[0]}"/>')
        parts.append(_text(left + wide + 6, y + 13, f"{value:g}"))
    return _svg(WIDE + KEY, TOP + 16 + 26 * len(values), parts)


def _y(share: float) -> float:
    return HIGH - BOTTOM - share * (HIGH - BOTTOM - TOP)


def _round_up(value: float) -> float:
    """The next of 1, 2, 4, 6, 8 times a power of ten."""
    power: float = 10 ** math.floor(math.log10(value))
    return next(f * power for f in (1, 2, 4, 6, 8, 10) if f * power >= value)


def _text(x: float, y: float, words: str, anchor: str = "start", bold: bool = False) -> str:
    weight = ' font-weight="bold"' if bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {FONT}{weight} fill="#222">{escape(words)}</text>'


def _svg(wide: int, high: int, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}">\n'
        f'<rect width="{wide}" height="{high}" fill="#fff"/>\n{body}\n</svg>\n'
    )
