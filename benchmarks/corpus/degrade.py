"""What scanners, copiers, fax machines and phones do to pages; each profile turns page images into a file."""

from __future__ import annotations

import random
from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image

from mailbot.demo import scans

PROFILES = ("office300", "office200", "office150", "skewed", "gray", "photocopy", "fax", "photo")
COLOUR = ("office300", "office200", "office150", "skewed")  # wet ink can be judged on these
DPI = {"office300": 300, "office150": 150}


def degraded(pages: Sequence[Image.Image], profile: str, rng: random.Random) -> list[Image.Image]:
    return [_page(page, profile, rng) for page in pages]


def _page(page: Image.Image, profile: str, rng: random.Random) -> Image.Image:
    seed = rng.randrange(10**6)
    if profile == "photo":
        return _phone(scans.photo(page, seed=seed), rng)
    if profile == "photocopy":
        return scans.photocopy(page, seed=seed)
    if profile == "fax":
        grey = np.asarray(scans.scan(page, rng.uniform(-0.6, 0.6), 9.0, 0.02, seed).convert("L"))
        return Image.fromarray(grey).point(lambda v: 255 if v > 165 else 0).convert("1")
    skew = rng.uniform(1.5, 3.0) * rng.choice((-1, 1)) if profile == "skewed" else rng.uniform(-0.9, 0.9)
    made = scans.scan(page, skew, rng.uniform(2, 7), rng.uniform(0.02, 0.08), seed)
    return made.convert("L") if profile == "gray" else made


def _phone(image: Image.Image, rng: random.Random) -> Image.Image:
    """As a messenger sends it: fewer pixels, a little blur."""
    pixels = np.asarray(image)
    scale = rng.choice((1.0, 1.0, 0.8))
    pixels = cv2.GaussianBlur(pixels, (3, 3), rng.uniform(0.3, 0.9))
    if scale != 1.0:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return Image.fromarray(pixels)


def turned(pages: list[Image.Image], rng: random.Random) -> list[Image.Image]:
    """One page lies sideways or upside down."""
    at = rng.randrange(len(pages))
    how = rng.choice((Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270))
    return [p.transpose(how) if i == at else p for i, p in enumerate(pages)]
