"""Charts as SVG made here: no script, no style attribute, a title for those who cannot see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

WIDE, HIGH, LEFT, BOTTOM, TOP = 420, 170, 30, 24, 10


@dataclass(frozen=True, slots=True)
class Bar:
    """`late` is a part of `value`."""

    label: str
    value: int
    late: int = 0


def bars(title: str, found: Sequence[Bar]) -> Markup:
    """Upright bars with their late part at the top; the scale begins at nought."""
    most = max([b.value for b in found] or [0])
    top = _round_up(most)
    step = (WIDE - LEFT) / max(1, len(found))
    crowded = len(found) > 8  # then every second label is enough
    drawn = Markup().join(
        _bar(b, LEFT + i * step, step, top, not (crowded and (len(found) - i) % 2 == 0)) for i, b in enumerate(found)
    )
    said = "; ".join(f"{b.label}: {b.value}" + (f", {b.late} lewat batas" if b.late else "") for b in found)
    grid = Markup().join(_line(top * share // 2, top) for share in (0, 1, 2) if top * share % 2 == 0 or share == 0)
    return Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">{}{}</svg>').format(
        WIDE, HIGH, f"{title}. {said}", grid, drawn
    )


def _round_up(most: int) -> int:
    """A round top of the scale that halves evenly."""
    size = 1
    while True:
        for factor in (2, 4, 10):
            if most <= factor * size:
                return factor * size
        size *= 10


def _y(value: float, top: int) -> float:
    return HIGH - BOTTOM - (HIGH - BOTTOM - TOP) * value / top


def _line(value: int, top: int) -> Markup:
    y = _y(value, top)
    line = Markup(
        '<line class="axis" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text>'
    )
    return line.format(LEFT, WIDE, y, y, LEFT - 5, y + 4, value)


def _bar(bar: Bar, x: float, step: float, top: int, named: bool) -> Markup:
    wide = min(34.0, step * 0.7)
    at, full, good = x + (step - wide) / 2, _y(bar.value, top), _y(bar.value - bar.late, top)
    rect = Markup('<rect class="{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"><title>{}</title></rect>')
    said = f"{bar.label}: {bar.value}" + (f" ({bar.late} lewat batas)" if bar.late else "")
    parts = [rect.format("bar-ok", at, good, wide, HIGH - BOTTOM - good, said)]
    if bar.late:
        parts.append(rect.format("bar-late", at, full, wide, good - full, said))
    if named:
        text = Markup('<text x="{:.1f}" y="{}" text-anchor="middle">{}</text>')
        parts.append(text.format(x + step / 2, HIGH - 8, bar.label))
    return Markup().join(parts)
