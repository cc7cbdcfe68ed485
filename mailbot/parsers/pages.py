"""One page of a file -> PageReading: render or decode, make upright and flat, find cells, read, look for marks."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pypdf
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image, ImageOps, UnidentifiedImageError
from rapidfuzz import fuzz

from mailbot.model import Box, Line, Mark, PageReading, Word
from mailbot.parsers import cells, geometry, marks, ocr, rereading, rows
from mailbot.parsers.ocr import Pixels
from mailbot.parsers.problem import FileProblem

DPI = 200
_LONGEST = 4000
_MAX_PIXELS = 40_000_000
_HEAD, _ADDRESS = 0.25, 0.04  # of the page: no letterhead is taller; under its names stands the address
_POOR = 0.6  # quality below which the second engine helps to read the page
_MAX_PAPER = 14.5  # inches; a longer PDF page has a wrong unit, not larger paper
Image.MAX_IMAGE_PIXELS = 2 * _MAX_PIXELS


@dataclass(frozen=True, slots=True)
class Upright:
    """The page as a person sees it. `words`: of the text layer, None for a scan."""

    image: Pixels
    rotation: int
    grey: bool
    words: tuple[Line, ...] | None = None


# ------------------------------------------------------------------ opening


def count(path: str, type: str) -> int:
    """Number of pages; raises FileProblem for what cannot be opened."""
    if type == "pdf":
        return _count_pdf(path)
    with _open(path, type) as image:
        return int(getattr(image, "n_frames", 1)) if type == "tiff" else 1


def counts(files: Sequence[tuple[str, str]]) -> tuple[int | str, ...]:
    """For each (path, type) its number of pages, or the FILE-* code why it cannot be opened."""

    def told(path: str, type: str) -> int | str:
        try:
            return count(path, type)
        except FileProblem as problem:
            return problem.code

    return tuple(told(path, type) for path, type in files)


def _count_pdf(path: str) -> int:
    try:
        reader = pypdf.PdfReader(path)
        if reader.is_encrypted and not reader.decrypt(""):
            raise FileProblem("FILE-SANDI")
        pages = len(reader.pages)
    except FileProblem:
        raise
    except pypdf.errors.DependencyError:  # AES without the extra library: pdfium knows AES
        with _document(path) as document:
            return len(document)
    except Exception as error:
        raise FileProblem("FILE-RUSAK") from error
    if not pages:
        raise FileProblem("FILE-RUSAK")
    return pages


def _document(path: str) -> Any:
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        raise FileProblem("FILE-SANDI" if "password" in str(error).lower() else "FILE-RUSAK") from error


def _open(path: str, type: str) -> Image.Image:
    try:
        image = Image.open(path)
    except Image.DecompressionBombError as error:
        raise FileProblem("FILE-BESAR") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise FileProblem("FILE-JENIS" if type == "heic" else "FILE-RUSAK") from error
    if image.width * image.height > _MAX_PIXELS:
        image.close()
        raise FileProblem("FILE-BESAR")
    return image


def _decode(path: str, type: str, number: int) -> tuple[Pixels, bool]:
    """BGR pixels with the EXIF orientation applied, and whether the file holds one channel only."""
    with _open(path, type) as image:
        try:
            image.seek(number - 1)
            grey = image.mode in ("1", "L", "LA", "I", "I;16")
            dpi = image.info.get("dpi", (1, 1))
            image = ImageOps.exif_transpose(image)
            if image.mode in ("RGBA", "LA", "P", "PA"):
                rgba = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
            pixels = np.asarray(image.convert("RGB"))
        except (OSError, ValueError, EOFError, SyntaxError) as error:
            raise FileProblem("FILE-RUSAK") from error
    return _square(pixels[..., ::-1], dpi), grey


def _square(pixels: Pixels, dpi: tuple[float, float]) -> Pixels:
    """Fax pages (204 x 98 dpi) have oblong pixels; made square and soft, for the engines read no stairs."""
    x, y = float(dpi[0] or 1), float(dpi[1] or 1)
    if 0.67 < x / y < 1.5:
        return np.ascontiguousarray(pixels)
    size = (pixels.shape[1], round(pixels.shape[0] * x / y))
    return cv2.GaussianBlur(cv2.resize(pixels, size, interpolation=cv2.INTER_LANCZOS4), (0, 0), 0.7)


# ------------------------------------------------------------------ PDF


def _image_share(page: Any) -> float:
    """The largest share of the page that one image covers."""
    wide, high = page.get_size()
    shares = [0.0]
    for item in page.get_objects(filter=[pdfium_c.FPDF_PAGEOBJ_IMAGE], max_depth=4):
        left, bottom, right, top = item.get_bounds()
        shares.append(abs((right - left) * (top - bottom)) / (wide * high))
    return max(shares)


def _plausible(text: str) -> bool:
    """Text that a person could read: enough of it, hardly any private or replacement characters."""
    plain = [c for c in text if not c.isspace()]
    good = sum((c.isascii() and c.isprintable()) or c.isalpha() for c in plain)
    letters = sum(c.isascii() and c.isalnum() for c in plain)
    return len(plain) >= 20 and good > 0.9 * len(plain) and letters > 0.5 * len(plain)


def _to_page(page: Any, box: tuple[float, float, float, float]) -> Box:
    """PDF user space -> fractions of the page as displayed (its /Rotate and crop box included)."""
    points = []
    for x, y in ((box[0], box[1]), (box[2], box[3])):
        left, top = ctypes.c_int(), ctypes.c_int()
        pdfium_c.FPDF_PageToDevice(page, 0, 0, 100_000, 100_000, 0, x, y, left, top)
        points.append((left.value / 1e5, top.value / 1e5))
    (x0, y0), (x1, y1) = points
    return (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))


def _layer_words(page: Any) -> list[Word]:
    """Words of the text layer, broken at blanks and at jumps of more than one character height."""
    layer = page.get_textpage()
    words: list[Word] = []
    text, box = "", (0.0, 0.0, 0.0, 0.0)
    for index in range(layer.count_chars()):
        char = chr(pdfium_c.FPDFText_GetUnicode(layer, index))
        here = layer.get_charbox(index, loose=True)
        jump = text and (abs(here[1] - box[1]) > (box[3] - box[1]) * 0.6 or here[0] - box[2] > (box[3] - box[1]))
        if (char.isspace() or char in "\0\ufffe\xad" or jump) and text:
            words.append(Word(text, _to_page(page, box), 1.0))
            text = ""
        if char.isspace() or char in "\0\ufffe\xad":
            continue
        first = min(box[0], here[0]), min(box[1], here[1]), max(box[2], here[2]), max(box[3], here[3])
        text, box = text + char, first if text else here
    return [*words, Word(text, _to_page(page, box), 1.0)] if text else words


def _render(page: Any) -> Pixels:
    wide, high = page.get_size()
    longest = max(wide, high) / 72
    scale = DPI / 72 if longest <= _MAX_PAPER else geometry.A4_LONG / longest / 72
    scale = min(scale, _LONGEST / max(wide, high))
    image: Pixels = page.render(scale=scale, rev_byteorder=False, may_draw_forms=True).to_numpy()
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return np.ascontiguousarray(image[..., :3])


def _pdf_page(path: str, number: int) -> tuple[Pixels, tuple[Line, ...] | None]:
    with _document(path) as document:
        try:
            page = document[number - 1]
            image = _render(page)
            lines = rows.as_rows(_layer_words(page)) if _image_share(page) <= 0.6 else ()
        except (pdfium.PdfiumError, IndexError, ValueError) as error:
            raise FileProblem("FILE-RUSAK") from error
    trusted = _plausible(" ".join(line.text for line in lines)) and _shown(image, lines)
    return image, lines if trusted else None


def _shown(image: Pixels, lines: Sequence[Line]) -> bool:
    """The text layer says what a person sees: its words have ink, the ink has words, and a line or two read alike."""
    grey = cv2.cvtColor(geometry.half(image), cv2.COLOR_BGR2GRAY)
    high, wide = grey.shape
    covered: Pixels = np.zeros(grey.shape, np.uint8)
    inked = total = 0
    for word in (word for line in lines for word in line.words):
        left, right = int(word.box[0] * wide), int(word.box[2] * wide) + 1
        top, bottom = int(word.box[1] * high), int(word.box[3] * high) + 1
        covered[max(0, top - 1) : bottom + 1, max(0, left - 1) : right + 1] = 1
        part = grey[max(0, top) : bottom, max(0, left) : right]
        inked += bool(part.size and np.ptp(part) > 40)
        total += 1
    letters = geometry.glyphs(grey)
    middle = (letters[:, :2] + letters[:, 2:] // 2).astype(int)
    outside = int((covered[middle[:, 1], middle[:, 0]] == 0).sum())
    return inked >= 0.8 * total and (outside < 60 or outside < 0.4 * len(letters)) and _reads_alike(image, lines)


def _reads_alike(image: Pixels, lines: Sequence[Line]) -> bool:
    """Unfilled variables first, then the lines with most digits: what matters when a hidden layer is wrong."""
    chosen = sorted((line for line in lines if len(line.text) >= 8), key=_telling, reverse=True)[:2]
    high, wide = image.shape[:2]
    ratios = []
    for line in chosen:
        left, top, right, bottom = line.box
        crop = image[
            max(0, int(top * high) - 6) : int(bottom * high) + 6, max(0, int(left * wide) - 8) : int(right * wide) + 8
        ]
        seen = "".join(found.text for found in ocr.read(cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY), psm=7)[0])
        ratios.append(fuzz.ratio(seen.replace(" ", ""), line.text.replace(" ", "")))
    return not ratios or (max(ratios) > 60 and min(ratios) > 30)


def _telling(line: Line) -> tuple[bool, int]:
    return "${" in line.text, sum(c.isdigit() for c in line.text)


# ------------------------------------------------------------------ reading


def opened(path: str, type: str, number: int) -> Upright:
    if type == "pdf":
        image, lines = _pdf_page(path, number)
        if lines is not None:
            return Upright(image, 0, False, lines)
        small = geometry.half(image)
        grey = bool(cv2.absdiff(small[..., 0], small[..., 2]).max() < 8)
    else:
        image, grey = _decode(path, type, number)
        image = geometry.normal(image)
    image, rotation = geometry.straightened(image)
    return Upright(image, rotation, grey)


def upright(path: str, type: str, number: int) -> Image.Image:
    """Exactly the image that the boxes of `read_page` refer to."""
    return Image.fromarray(np.ascontiguousarray(opened(path, type, number).image[..., ::-1]))


# ------------------------------------------------------------------ cleaning


def _without_ink(flat: Pixels, small: Pixels) -> Pixels:
    """Grey page with coloured strokes higher than a text line faded; small coloured print stays. `small`: at half size."""
    grey = cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY)
    vivid = cv2.max(small[..., 0], small[..., 2])
    ink = ((cv2.subtract(vivid, small[..., 1]) > 20) & (vivid > 90)).astype(np.uint8)
    labels, stats = geometry.components(cv2.dilate(ink, np.ones((3, 3), np.uint8)))
    tall = stats[:, 3] > 30
    tall[0] = False
    if not tall.any():
        return grey
    strokes = cv2.dilate(tall[labels].astype(np.uint8), np.ones((31, 31), np.uint8))  # letters between the rings
    x, y, w, h = (2 * v for v in cv2.boundingRect(strokes))
    part, here = flat[y : y + h, x : x + w], grey[y : y + h, x : x + w]
    vivid = cv2.max(part[..., 0], part[..., 2])
    ink = cv2.dilate(
        ((cv2.subtract(vivid, part[..., 1]) > 20) & (vivid > 90)).astype(np.uint8), np.ones((3, 3), np.uint8)
    )
    near = cv2.resize(strokes, (flat.shape[1], flat.shape[0]), interpolation=cv2.INTER_NEAREST)[y : y + h, x : x + w]
    faded = cv2.LUT(vivid, np.clip((np.arange(256) - 50) * 2.8, 0, 255).astype(np.uint8))
    grey[y : y + h, x : x + w] = np.where((near & ink) > 0, cv2.max(here, faded), here)
    return grey


def _below(kop: Mark, lines: Sequence[Line]) -> list[Line]:
    """Without the letterhead: nobody is asked for by the office's own telephone and address."""
    end = kop.box[3] + _ADDRESS if kop.state == "seen" and kop.box and kop.box[3] < _HEAD else 0.0
    return [line for line in lines if line.box[3] > end]


def _quality(lines: Sequence[Line]) -> float:
    """Confidence by length; few words or mostly single signs prove little."""
    words = [w.text for line in lines for w in line.words]
    real = sum(bool(re.search(r"\w{2}", word)) for word in words)
    quality: float = round(geometry.sureness(lines) * min(1.0, real / 20) ** 0.5, 3)
    return quality


def _blank(small: Pixels) -> bool:
    """Fewer than eight letter-sized spots inside the margins of a page at half size."""
    grey = cv2.cvtColor(small, cv2.COLOR_BGR2GRAY)
    high, wide = grey.shape
    inner = grey[high // 40 : -high // 40, wide // 40 : -wide // 40]
    stats = geometry.components((inner < 170).astype(np.uint8))[1]
    return int(((stats[1:, 3] >= 4) & (stats[1:, 4] >= 6)).sum()) < 8


def warm() -> None:
    """Loads the models and runs them once, so that forked children inherit them; stays without threads."""
    cv2.setNumThreads(1)
    ocr.warm()


def read_page(path: str, type: str, number: int) -> PageReading:
    """Everything about one page (from 1); raises FileProblem when the file or the page cannot be opened."""
    return read(opened(path, type, number), number)


def read(page: Upright, number: int) -> PageReading:
    scan = page.words is None
    flat = geometry.flatten(page.image) if scan else page.image
    small = geometry.half(flat)
    aspect = page.image.shape[0] / page.image.shape[1]
    if scan and _blank(small):
        return PageReading(number, "none", scan=True, blank=True, rotation=page.rotation, aspect=aspect)
    if page.words is not None:
        lines, tables = page.words, cells.of_layer(page.words, cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY))
    else:
        lines, tables = cells.read(_without_ink(flat, small))
    quality = _quality(lines) if scan else 1.0
    lines, twice = ocr.rescued(flat, lines) if quality < _POOR else (lines, lines)
    kop, signature, stamp, colour = marks.find(small, lines, page.grey)
    return PageReading(
        number,
        "ocr" if scan else "text",
        lines,
        tables,
        rereading.seconds(flat, _below(kop, twice), tables),
        marks.on_page(kop, number),
        marks.on_page(signature, number),
        marks.on_page(stamp, number),
        quality=quality,
        scan=scan,
        colour=colour,
        rotation=page.rotation,
        aspect=aspect,
    )
