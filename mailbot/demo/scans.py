"""Make page images look scanned, photographed or photocopied, and pack them into files."""

from __future__ import annotations

import io
import time
from typing import Any

import cv2
import numpy as np
import pypdf
from PIL import Image

Pixels = Any  # a numpy array of pixels
_EPOCH = time.gmtime(1_767_225_600)  # a fixed file date keeps the bytes of a run stable


def scan(page: Image.Image, skew: float = 0.6, noise: float = 4.0, shade: float = 0.05, seed: int = 1) -> Image.Image:
    """A flatbed scan: turned a little, softened, shaded towards one side, grainy."""
    pixels = cv2.GaussianBlur(_turn(np.asarray(page.convert("RGB")), skew), (3, 3), 0.6)
    width = pixels.shape[1]
    light = np.linspace(1.0 - shade, 1.0, width, dtype=np.float32)[None, :, None] * np.float32(0.985)
    return Image.fromarray(_grain(pixels * light, noise, seed))


def photo(page: Image.Image, seed: int = 1) -> Image.Image:
    """A phone photo of the page on a desk: perspective, uneven warm light, grain."""
    rng = np.random.default_rng(seed)
    source = np.asarray(page.convert("RGB"))
    height, width = source.shape[:2]
    size = (int(width * 1.16), int(height * 1.12))
    matrix = _perspective(width, height, size, rng)
    sheet = cv2.warpPerspective(source, matrix, size, flags=cv2.INTER_CUBIC)
    mask = cv2.warpPerspective(np.full((height, width), 255, np.uint8), matrix, size)
    shadow = cv2.GaussianBlur(np.roll(mask, (14, 18), (0, 1)), (0, 0), 18).astype(np.float32)[..., None] / 255
    inside = mask.astype(np.float32)[..., None] / 255
    mixed = _desk(size, rng) * (1 - 0.45 * shadow) * (1 - inside) + sheet * inside
    return Image.fromarray(_grain(mixed * _warm_light(size), 3.5, seed))


def sideways(page: Image.Image) -> Image.Image:
    """The page lying on its side (rotated 90 degrees clockwise)."""
    return page.transpose(Image.Transpose.ROTATE_270)


def photocopy(page: Image.Image, seed: int = 1) -> Image.Image:
    """A gray copy with high contrast, toner specks and no ink colours."""
    gray = np.asarray(page.convert("L")).astype(np.float32)
    gray = np.clip((gray - 70) * 1.55, 0, 255)
    gray = cv2.GaussianBlur(_turn(gray.astype(np.uint8), -0.5), (3, 3), 0.8)
    rng = np.random.default_rng(seed)
    for y, x in zip(rng.integers(0, gray.shape[0], 160), rng.integers(0, gray.shape[1], 160), strict=True):
        cv2.circle(gray, (int(x), int(y)), int(rng.integers(1, 3)), 60, -1)
    return Image.fromarray(_grain(gray.astype(np.float32), 5.0, seed))


def to_pdf(pages: list[Image.Image], dpi: int = 200, quality: int = 82) -> bytes:
    """A PDF that holds only JPEG images of the pages."""
    out = io.BytesIO()
    pages[0].save(
        out, "PDF", resolution=dpi, quality=quality, save_all=True, append_images=pages[1:],
        creationDate=_EPOCH, modDate=_EPOCH,
    )  # fmt: skip
    return out.getvalue()


def to_jpeg(page: Image.Image, dpi: int = 200, quality: int = 85) -> bytes:
    out = io.BytesIO()
    page.save(out, "JPEG", quality=quality, dpi=(dpi, dpi))
    return out.getvalue()


def to_png(page: Image.Image, dpi: int = 200) -> bytes:
    out = io.BytesIO()
    page.save(out, "PNG", dpi=(dpi, dpi), compress_level=3)
    return out.getvalue()


def to_tiff(pages: list[Image.Image], dpi: int = 200, quality: int = 85) -> bytes:
    """A multi-page TIFF with JPEG compression."""
    out = io.BytesIO()
    pages[0].save(
        out, "TIFF", save_all=True, append_images=pages[1:], dpi=(dpi, dpi), compression="jpeg", quality=quality
    )
    return out.getvalue()


def lock_pdf(pdf: bytes, password: str = "rahasia") -> bytes:
    """The same PDF, not to be opened without the password."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(pdf))
    writer.encrypt(password, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


# ------------------------------------------------------------------ helpers


def _turn(pixels: np.ndarray, degrees: float) -> Pixels:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1.0)
    return np.asarray(
        cv2.warpAffine(pixels, matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(250, 250, 250))
    )


def _grain(pixels: np.ndarray, noise: float, seed: int) -> Pixels:
    grain = np.random.default_rng(seed).standard_normal(pixels.shape[:2], dtype=np.float32) * noise
    grain = grain if pixels.ndim == 2 else grain[..., None]
    return np.asarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))


def _perspective(width: int, height: int, size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    left, top = (size[0] - width) / 2, (size[1] - height) / 2
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    target = corners + np.array([left, top], np.float32) + rng.uniform(-28, 28, (4, 2)).astype(np.float32)
    target[:2, 0] += np.array([35, -35], np.float32)
    return np.asarray(cv2.getPerspectiveTransform(corners, target))


def _desk(size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    streaks = cv2.GaussianBlur(rng.normal(0, 40, (size[1], 1)).astype(np.float32), (1, 15), 4)
    wood = np.array([112, 78, 50], np.float32)[None, None, :] + streaks[:, :, None]
    return np.asarray(np.broadcast_to(wood, (size[1], size[0], 3)).copy())


def _warm_light(size: tuple[int, int]) -> Pixels:
    x = np.linspace(0, 1, size[0], dtype=np.float32)[None, :]
    y = np.linspace(0, 1, size[1], dtype=np.float32)[:, None]
    light = 0.97 - 0.16 * np.abs(x - 0.4) - 0.10 * np.abs(y - 0.35)
    return np.asarray(light[..., None] * np.array([1.0, 0.97, 0.90], np.float32))
