"""Stamps, pen strokes and look-alikes drawn into page pixels, in many styles."""

from __future__ import annotations

import base64
import math
import random

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

MM = 200 / 25.4
Pixels = np.ndarray
Box = tuple[int, int, int, int]
STAMP_INKS = ((91, 37, 150), (70, 50, 170), (40, 60, 170), (25, 45, 150), (110, 60, 160), (150, 40, 70), (190, 40, 50))
PENS = ((25, 35, 140), (20, 50, 160), (15, 15, 20), (30, 30, 40), (40, 60, 170), (10, 20, 90))
_FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"


def emblem(rng: random.Random) -> str:
    """An invented coloured emblem as base64 SVG; sometimes round."""
    a, b = rng.sample(("#f4d23a", "#1f7a3f", "#c8102e", "#1a4f9c", "#5b2a86", "#111111"), 2)
    shape = rng.choice(('<path d="M5 8H95V70Q95 100 50 116 5 100 5 70Z"', '<circle cx="50" cy="60" r="46"',
                        '<path d="M50 4 95 30 80 112 20 112 5 30Z"'))  # fmt: skip
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 120">{shape} fill="{a}" stroke="{b}" stroke-width="6"/>'
           f'<path d="M50 24 57 44H78L61 56 67 76 50 64 33 76 39 56 22 44H43Z" fill="{b}"/></svg>')  # fmt: skip
    return base64.b64encode(svg.encode()).decode()


def _blend(page: Pixels, alpha: Pixels, colour: tuple[int, int, int], left: int, top: int) -> Box | None:
    """Multiplies ink (RGB) into the page where alpha says; the part outside the page is cut off."""
    high, wide = alpha.shape
    x0, y0, x1, y1 = max(0, left), max(0, top), min(page.shape[1], left + wide), min(page.shape[0], top + high)
    if x1 - x0 < 8 or y1 - y0 < 8:
        return None
    part = alpha[y0 - top : y1 - top, x0 - left : x1 - left, None]
    ink = np.array(colour[::-1], np.float32) / 255
    region = page[y0:y1, x0:x1].astype(np.float32)
    page[y0:y1, x0:x1] = np.clip(region * (1 - part + part * ink), 0, 255).astype(np.uint8)
    return x0, y0, x1, y1


def _worn(alpha: Pixels, rng: random.Random, strength: float, patchy: float) -> Pixels:
    """Ink of a real stamp: uneven pressure in patches, grain of the paper."""
    noise = np.random.default_rng(rng.randrange(1 << 30))
    small = noise.random((6, 6)).astype(np.float32)
    patches = cv2.resize(small, (alpha.shape[1], alpha.shape[0]), interpolation=cv2.INTER_CUBIC)
    grain = noise.random(alpha.shape).astype(np.float32)
    return alpha * strength * np.clip(1 - patchy * patches * 1.6, 0.05, 1) * (0.75 + 0.25 * grain)


def stamp_alpha(rng: random.Random, shape: str, size_mm: float, around: str, centre: str) -> Pixels:
    """How much ink the stamp leaves at each pixel, 0 to 1."""
    scale = 3
    wide = int(size_mm * MM * scale)
    high = wide if shape == "round" else int(wide * rng.uniform(0.45, 0.7))
    canvas = Image.new("L", (wide + 12, high + 12), 0)
    draw = ImageDraw.Draw(canvas)
    box = (6, 6, wide + 6, high + 6)
    line = max(3, int(rng.uniform(0.4, 0.9) * MM * scale))
    inset = int(rng.uniform(0.03, 0.05) * wide) + line
    inner = (box[0] + inset, box[1] + inset, box[2] - inset, box[3] - inset)
    if shape == "box":
        draw.rectangle(box, outline=255, width=line)
        if rng.random() < 0.5:
            draw.rectangle(inner, outline=255, width=max(2, line // 2))
    else:
        draw.ellipse(box, outline=255, width=line)
        if rng.random() < 0.75:
            draw.ellipse(inner, outline=255, width=max(2, line // 2))
    font = ImageFont.truetype(_FONT, max(12, int(high * rng.uniform(0.08, 0.11))))
    for row, word in enumerate(centre.split()[:3]):
        y = high / 2 + 6 + (row - min(2, len(centre.split()) - 1) / 2) * font.size * 1.2
        draw.text((wide / 2 + 6, y), word[:11], 255, font, anchor="mm")
    if shape == "round":
        r = wide * rng.uniform(0.27, 0.31)
        draw.ellipse(
            (wide / 2 + 6 - r, high / 2 + 6 - r, wide / 2 + 6 + r, high / 2 + 6 + r),
            outline=255,
            width=max(2, line // 2),
        )
        _ring_text(canvas, around, (r + wide / 2) / 2 - line / 2, font)
    turned = canvas.rotate(rng.uniform(-25, 25), expand=True, resample=Image.Resampling.BILINEAR)
    small = turned.resize((turned.width // scale, turned.height // scale), Image.Resampling.BOX)
    return np.asarray(small, np.float32) / 255


def _ring_text(canvas: Image.Image, text: str, radius: float, font: ImageFont.FreeTypeFont) -> None:
    middle = canvas.width / 2
    step = min(12.0, 300 / len(text))
    for i, char in enumerate(text):
        turn = (i - (len(text) - 1) / 2) * step
        glyph = Image.new("L", (font.size * 2, font.size * 2), 0)
        ImageDraw.Draw(glyph).text((font.size, font.size), char, 255, font, anchor="mm")
        glyph = glyph.rotate(-turn, resample=Image.Resampling.BILINEAR)
        x, y = middle + radius * math.sin(math.radians(turn)), middle - radius * math.cos(math.radians(turn))
        canvas.paste(255, (int(x - font.size), int(y - font.size)), glyph)


def strokes(rng: random.Random, wide_mm: float, high_mm: float, width_mm: float, style: str | None = None) -> Pixels:
    """A pen's path as alpha: loops, zigzag, script-like or initials with a sweep; pressure varies."""
    style = style or rng.choice(("loops", "zigzag", "script", "sweep", "angular"))
    wide, high = wide_mm * MM, high_mm * MM
    points = _path(rng, style, wide, high)
    t = np.linspace(0, 1, len(points))
    fine = np.linspace(0, 1, 700)
    if style != "angular":
        degree = np.stack([_smooth(t, points[:, k], fine) for k in (0, 1)], 1)
    else:
        degree = np.stack([np.interp(fine, t, points[:, k]) for k in (0, 1)], 1)
    pad = 12
    low = degree.min(0) - pad
    size = np.ceil(degree.max(0) - low + pad).astype(int)
    canvas = np.zeros((size[1], size[0]), np.uint8)
    speed = np.sin(np.linspace(0, rng.uniform(6, 20), 700)) * 0.3 + 1
    for i in range(699):
        a, b = (degree[i] - low) * 16, (degree[i + 1] - low) * 16
        cv2.line(canvas, (int(a[0]), int(a[1])), (int(b[0]), int(b[1])), 255,
                 max(1, round(width_mm * MM * speed[i])), cv2.LINE_AA, 4)  # fmt: skip
    return canvas.astype(np.float32) / 255


def _path(rng: random.Random, style: str, wide: float, high: float) -> Pixels:
    points = [(0.0, high * 0.6)]
    if style in ("loops", "script"):
        count = rng.randint(4, 7) if style == "loops" else rng.randint(6, 10)
        for i in range(count):
            x = wide * (i + 0.5) / count
            tall = rng.uniform(0.5, 1.0) if style == "loops" or i == 0 else rng.uniform(0.2, 0.6)
            points += [(x + wide / count * 0.6, high * (0.7 - tall * 0.7)), (x - wide / count * 0.3, high * (0.7 - tall * 0.6)),
                       (x, high * rng.uniform(0.65, 0.95))]  # fmt: skip
        if rng.random() < 0.5:
            points += [(wide, high * 0.9), (wide * 0.1, high * rng.uniform(0.85, 1.05)), (wide * 0.9, high * 0.8)]
    elif style == "sweep":
        for _ in range(rng.randint(2, 3)):
            points += [
                (wide * rng.uniform(0.05, 0.4), high * rng.uniform(0, 0.3)),
                (wide * rng.uniform(0.1, 0.4), high * rng.uniform(0.5, 1)),
            ]
        points += [(wide * 0.5, high * 0.4), (wide, high * rng.uniform(0.2, 0.7))]
    else:
        for i in range(rng.randint(5, 9)):
            points.append(
                (
                    wide * (i + 1) / 9 + rng.uniform(-0.05, 0.05) * wide,
                    high * (rng.uniform(0, 0.3) if i % 2 else rng.uniform(0.6, 1)),
                )
            )
    return np.array(points, np.float64)


def _smooth(t: Pixels, values: Pixels, fine: Pixels) -> Pixels:
    """Catmull-Rom through the values."""
    padded = np.concatenate(([2 * values[0] - values[1]], values, [2 * values[-1] - values[-2]]))
    at = np.clip(fine * (len(values) - 1), 0, len(values) - 1.000001)
    i, u = at.astype(int), at % 1
    p0, p1, p2, p3 = (padded[i + k] for k in range(4))
    return 0.5 * (2 * p1 + (p2 - p0) * u + (2 * p0 - 5 * p1 + 4 * p2 - p3) * u**2 + (3 * p1 - p0 - 3 * p2 + p3) * u**3)


def mark(page: Pixels, place: Box | None, anchor: Box | None, town: str, office: str,
         rng: random.Random) -> tuple[Pixels, Box | None, Box | None, tuple[str, ...]]:  # fmt: skip
    """Look-alikes anywhere; a signature over the signer's name and perhaps a stamp at its left, if `place` is given."""
    page = page.copy()
    traps = tuple(name for name, chance in TRAPS if rng.random() < chance and _TRAPS[name](page, anchor, rng))
    signature = stamp = None
    if place:
        what = rng.choice(("both", "both", "both", "both", "signature", "stamp"))
        if what != "stamp":
            signature = _sign(page, place, rng)
        if what != "signature":
            stamp = _stamp(page, place, town, office, rng)
    return page, signature, stamp, traps


def _sign(page: Pixels, place: Box, rng: random.Random) -> Box | None:
    wide, high = rng.uniform(22, 50), rng.uniform(9, 22)
    alpha = strokes(rng, wide, high, rng.choice((0.28, 0.35, 0.45, 0.6, 0.8)))
    strength = rng.uniform(0.7, 1.0)
    left = int(place[0] + rng.uniform(-4, 14) * MM)
    top = int(place[1] + rng.uniform(-2, 4) * MM - alpha.shape[0])
    return _blend(page, alpha * strength, rng.choice(PENS), left, top)


def _stamp(page: Pixels, place: Box, town: str, office: str, rng: random.Random) -> Box | None:
    shape = rng.choices(("round", "oval", "box"), (0.84, 0.1, 0.06))[0]
    alpha = stamp_alpha(rng, shape, rng.uniform(33, 45), f"PEMERINTAH KABUPATEN {town}", office)
    fade = rng.random()
    alpha = _worn(alpha, rng, rng.uniform(0.45, 0.65) if fade < 0.25 else rng.uniform(0.7, 0.95), rng.uniform(0.1, 0.5))
    middle = place[0] - rng.uniform(-12, 10) * MM, place[1] - rng.uniform(6, 16) * MM
    left, top = int(middle[0] - alpha.shape[1] / 2), int(middle[1] - alpha.shape[0] / 2)
    return _blend(page, alpha, rng.choice(STAMP_INKS), left, top)


# ------------------------------------------------------------------ look-alikes


def _code(page: Pixels, anchor: Box | None, rng: random.Random) -> bool:
    """A printed QR code, black or blue, at the foot or in place of the signature."""
    size = int(rng.uniform(16, 24) * MM)
    modules = np.random.default_rng(rng.randrange(1 << 30)).random((25, 25)) < 0.5
    alpha = cv2.resize(modules.astype(np.float32), (size, size), interpolation=cv2.INTER_NEAREST)
    left, top = (
        (anchor[0], anchor[1] - size - 20) if anchor and rng.random() < 0.3 else (150, page.shape[0] - size - 120)
    )
    return _blend(page, alpha, rng.choice(((0, 0, 0), (0, 0, 0), (20, 40, 120))), left, top) is not None


def _logo(page: Pixels, _: Box | None, rng: random.Random) -> bool:
    """A coloured logo with words at the foot, like those of certificate authorities."""
    high, wide = int(9 * MM), int(24 * MM)
    left, top = page.shape[1] - wide - 150, page.shape[0] - high - 60
    colour = rng.choice(((20, 70, 160), (90, 40, 140), (20, 120, 60), (200, 40, 40)))
    cv2.circle(page, (left + high // 2, top + high // 2), high // 2, colour[::-1], -1)
    cv2.putText(page, "BSrE", (left + high + 8, top + high - 12), cv2.FONT_HERSHEY_DUPLEX, 1.4, colour[::-1], 3)
    return True


def _highlight(page: Pixels, _: Box | None, rng: random.Random) -> bool:
    top, wide = rng.randint(700, 1400), rng.randint(200, 700)
    alpha = np.full((int(6 * MM), wide), 0.7, np.float32)
    return (
        _blend(page, alpha, rng.choice(((255, 240, 60), (120, 255, 140), (255, 150, 200))), rng.randint(250, 800), top)
        is not None
    )


def _handwriting(page: Pixels, _: Box | None, rng: random.Random) -> bool:
    """A number or date written by pen near the head of the letter."""
    alpha = strokes(rng, rng.uniform(12, 30), 4.5, 0.4, "script")
    return _blend(page, alpha, rng.choice(PENS), rng.randint(450, 1000), rng.randint(380, 560)) is not None


def _paraf(page: Pixels, anchor: Box | None, rng: random.Random) -> bool:
    """The initials of a subordinate beside the post line or the name; small."""
    alpha = strokes(rng, rng.uniform(4, 8), rng.uniform(3, 6), 0.35, "loops")
    left = anchor[0] - int(rng.uniform(10, 16) * MM) if anchor else 300
    top = anchor[1] + rng.randint(-20, 120) if anchor else page.shape[0] - 500
    return _blend(page, alpha, rng.choice(PENS), left, top) is not None


def _slip(page: Pixels, _: Box | None, rng: random.Random) -> bool:
    """A disposition box stamped or drawn in the upper part, with written words in it."""
    left, top, wide, high = rng.randint(850, 950), rng.randint(420, 520), int(75 * MM), int(32 * MM)
    ink = rng.choice(((40, 60, 170), (150, 40, 70), (60, 60, 60)))[::-1]
    cv2.rectangle(page, (left, top), (left + wide, top + high), ink, 3)
    cv2.putText(page, "LEMBAR DISPOSISI", (left + 20, top + 40), cv2.FONT_HERSHEY_DUPLEX, 1.0, ink, 2)
    for row in range(rng.randint(1, 3)):
        alpha = strokes(rng, rng.uniform(25, 55), 6, 0.5, "script")
        _blend(page, alpha, rng.choice(PENS), left + 20, top + 60 + row * 60)
    return True


def _banner(page: Pixels, _: Box | None, rng: random.Random) -> bool:
    """A coloured band or frame printed along the foot."""
    colour = rng.choice(((26, 79, 156), (31, 122, 63), (91, 42, 134)))[::-1]
    cv2.rectangle(page, (0, page.shape[0] - int(8 * MM)), (page.shape[1], page.shape[0]), colour, -1)
    return True


def _blue_text(page: Pixels, _: Box | None, rng: random.Random) -> bool:
    """A printed link in blue."""
    cv2.putText(page, "https://spse.batangkab.example/eproc4", (300, page.shape[0] - rng.randint(180, 400)),
                cv2.FONT_HERSHEY_DUPLEX, 0.9, (190, 70, 20), 2)  # fmt: skip
    cv2.line(page, (300, page.shape[0] - 170), (900, page.shape[0] - 170), (190, 70, 20), 2)
    return True


_TRAPS = {"code": _code, "logo": _logo, "highlight": _highlight, "handwriting": _handwriting, "paraf": _paraf,
          "slip": _slip, "banner": _banner, "blue_text": _blue_text}  # fmt: skip
TRAPS = (("code", 0.12), ("logo", 0.12), ("highlight", 0.08), ("handwriting", 0.15), ("paraf", 0.15), ("slip", 0.1),
         ("banner", 0.06), ("blue_text", 0.08))  # fmt: skip
