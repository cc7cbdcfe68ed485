"""SVG drawings on the demo papers: emblem, handwritten-looking signature, round wet stamp."""

from __future__ import annotations

import math
import random

SIGN_INK = "#1d2c8c"
STAMP_INK = "#5b2596"


def emblem() -> str:
    """A small invented shield; not the emblem of any region."""
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 120" width="20mm" height="24mm">'
        '<path d="M5 8 H95 V70 Q95 100 50 116 Q5 100 5 70 Z" fill="#f4d23a" stroke="#111" stroke-width="4"/>'
        '<path d="M14 17 H86 V69 Q86 93 50 106 Q14 93 14 69 Z" fill="#1f7a3f" stroke="#111" stroke-width="2"/>'
        '<path d="M50 24 L57 44 L78 44 L61 56 L67 76 L50 64 L33 76 L39 56 L22 44 L43 44 Z" fill="#f4d23a"/>'
        '<path d="M20 80 Q35 72 50 80 T80 80 L74 90 Q62 84 50 90 T26 90 Z" fill="#fff"/></svg>'
    )


def signature(rng: random.Random) -> str:
    """A few bezier strokes: loops from left to right and a long underline."""
    x, y, path = 8.0, 30.0, "M8 30"
    for _ in range(rng.randint(5, 7)):
        width, height = rng.uniform(9, 16), rng.uniform(16, 34)
        path += f" C{x + width * 1.3:.1f} {y - height:.1f} {x - width * 0.4:.1f} {y - height:.1f}"
        x, y = x + width, 30 + rng.uniform(-4, 8)
        path += f" {x:.1f} {y:.1f}"
    path += f" M{x:.1f} {y:.1f} C{x + 20:.1f} 20 40 52 4 44 S70 34 {x + 24:.1f} {36 + rng.uniform(-4, 6):.1f}"
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 150 60" width="52mm" height="21mm">'
        f'<path d="{path}" fill="none" stroke="{SIGN_INK}" stroke-width="1.7" stroke-linecap="round"/></svg>'
    )


def stamp(ring_top: str, ring_bottom: str, centre: str, angle: float = -8.0) -> str:
    """A round stamp of 4 cm with ring text, drawn in violet; the caller makes it see-through."""
    circles = "".join(
        f'<circle cx="200" cy="200" r="{r}" fill="none" stroke="{STAMP_INK}" stroke-width="{w}"/>'
        for r, w in ((194, 7), (182, 3), (130, 4))
    )
    texts = _arc(ring_top, 146, top=True) + _arc(ring_bottom, 166, top=False)
    stars = _glyph("★", 40, 213, 0) + _glyph("★", 360, 213, 0)
    words = centre.split()
    middle = "".join(_glyph(w, 200, 200 + 36 * (i - (len(words) - 1) / 2) + 11, 0, 32) for i, w in enumerate(words))
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 400 400" width="40mm" height="40mm">'
        f'<g transform="rotate({angle} 200 200)">{circles}{texts}{stars}{middle}</g></svg>'
    )


def _arc(text: str, radius: float, top: bool) -> str:
    step = min(9.5, 150 / max(len(text) - 1, 1))
    out = ""
    for i, char in enumerate(text):
        turn = (i - (len(text) - 1) / 2) * step * (1 if top else -1)
        around = math.radians(turn - 90 if top else turn + 90)
        x, y = 200 + radius * math.cos(around), 200 + radius * math.sin(around)
        out += _glyph(char, x, y, turn, 29)
    return out


def _glyph(text: str, x: float, y: float, turn: float, size: int = 29) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="middle" font-family="DejaVu Sans, Liberation Sans" '
        f'font-weight="bold" font-size="{size}" fill="{STAMP_INK}" '
        f'transform="rotate({turn:.1f} {x:.1f} {y:.1f})">{text}</text>'
    )
