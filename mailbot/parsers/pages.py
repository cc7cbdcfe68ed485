"""One page of a file -> PageReading: render or decode, make upright and flat, find cells, read, look for marks."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pypdf
import pypdfium2 as pdfium
import pypdfium2.raw as pdfium_c
from PIL import Image, ImageOps, UnidentifiedImageError

from mailbot.model import Box, Cell, Line, PageReading, Table, Word
from mailbot.parsers import marks, ocr
from mailbot.parsers.ocr import Pixels
from mailbot.parsers.problem import FileProblem

DPI = 200
_A4_LONG = 2339  # pixels of A4's long side at 200 dpi
_LONGEST = 4000
_MAX_PIXELS = 40_000_000
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
    """Fax pages (204 x 98 dpi) have oblong pixels; make them square."""
    x, y = float(dpi[0] or 1), float(dpi[1] or 1)
    if 0.67 < x / y < 1.5:
        return np.ascontiguousarray(pixels)
    size = (pixels.shape[1], round(pixels.shape[0] * x / y))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR)


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


def _as_lines(words: Iterable[Word]) -> tuple[Line, ...]:
    """Words in reading order: rows by vertical centre, each from left to right."""
    rows: list[list[Word]] = []
    for word in sorted(words, key=lambda w: w.box[1] + w.box[3]):
        middle = (word.box[1] + word.box[3]) / 2
        last = rows[-1][0] if rows else None
        if last and middle - (last.box[1] + last.box[3]) / 2 < 0.5 * min(
            last.box[3] - last.box[1], word.box[3] - word.box[1]
        ):
            rows[-1].append(word)
        else:
            rows.append([word])
    return tuple(Line(tuple(sorted(row, key=lambda w: w.box[0]))) for row in rows)


def _render(page: Any) -> Pixels:
    wide, high = page.get_size()
    longest = max(wide, high) / 72
    scale = DPI / 72 if longest <= _MAX_PAPER else _A4_LONG / longest / 72
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
            lines = _as_lines(_layer_words(page)) if _image_share(page) <= 0.6 else ()
        except (pdfium.PdfiumError, IndexError, ValueError) as error:
            raise FileProblem("FILE-RUSAK") from error
    return image, lines if _plausible(" ".join(line.text for line in lines)) else None


# ------------------------------------------------------------------ geometry


def _paper(image: Pixels) -> Pixels | None:
    """The paper's four corners in a photo, or None when the image is all paper."""
    scale = 500 / max(image.shape[:2])
    small = cv2.GaussianBlur(cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), (7, 7), 0)
    grey = small.max(2)
    _, mask = cv2.threshold(grey, 0, 1, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
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
    if float(np.median(grey[inside > 0])) - float(np.median(grey[inside == 0])) < 35:
        return None
    return quad.reshape(4, 2).astype(np.float32) / scale


def _rectify(image: Pixels, quad: Pixels) -> Pixels:
    total, difference = quad.sum(1), quad[:, 1] - quad[:, 0]
    corners = np.stack([quad[f] for f in (total.argmin(), difference.argmin(), total.argmax(), difference.argmax())])
    wide = max(np.linalg.norm(corners[1] - corners[0]), np.linalg.norm(corners[2] - corners[3]))
    high = max(np.linalg.norm(corners[3] - corners[0]), np.linalg.norm(corners[2] - corners[1]))
    if min(wide, high) < 100:
        return image
    scale = _A4_LONG / max(wide, high)
    size = (round(wide * scale), round(high * scale))
    target = np.array([[0, 0], [size[0], 0], [size[0], size[1]], [0, size[1]]], np.float32)
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), target)
    return cv2.warpPerspective(image, matrix, size, flags=cv2.INTER_LINEAR, borderValue=(255, 255, 255))


def _normal(image: Pixels) -> Pixels:
    """Scaled so that A4 has 200 dpi; small pictures are enlarged at most 2.5 times."""
    scale = min(2.5, _A4_LONG / max(image.shape[:2]))
    if 0.93 < scale < 1.02:
        return image
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=how)


def _flatten(image: Pixels) -> Pixels:
    """Shading and colour cast of the paper divided out: the paper becomes white."""
    small = cv2.resize(image, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(cv2.dilate(small, np.ones((9, 9), np.uint8)), 21)
    paper = cv2.resize(paper, (image.shape[1], image.shape[0]), interpolation=cv2.INTER_LINEAR)
    return cv2.divide(image, cv2.max(paper, 40), scale=250)


def _evidence(binary: Pixels) -> float:
    """How much ink alternates from row to row; in strips, so that skew does not wash it out."""
    total = 0.0
    for strip in np.array_split(binary, 8, axis=1):
        rows = strip.sum(1).astype(np.float32)
        total += float(np.square(np.diff(rows)).sum()) / max(1.0, float(rows.sum()))
    return total


def _glyphs(image: Pixels) -> Pixels:
    """Letter-sized ink at 100 dpi: rules, pictures and specks are left out."""
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    binary = (cv2.cvtColor(_flatten(half), cv2.COLOR_BGR2GRAY) < 185).astype(np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(binary)
    sides = stats[:, 2:4].max(1)
    keep = (sides >= 4) & (sides <= 60)
    keep[0] = False
    return keep[labels].astype(np.uint8)


def _sample(glyphs: Pixels, limit: int) -> list[tuple[int, int, int, int]]:
    """The widest text lines of an image whose lines run horizontally, as rectangles at 100 dpi."""
    joined = cv2.morphologyEx(glyphs, cv2.MORPH_CLOSE, np.ones((1, 15), np.uint8))
    _, _, stats, _ = cv2.connectedComponentsWithStats(joined)
    rows = [tuple(int(v) for v in s[:4]) for s in stats[1:] if 8 <= s[3] <= 36 and s[2] > 6 * s[3]]
    return sorted(((x, y, w, h) for x, y, w, h in rows), key=lambda r: -r[2])[:limit]


def _sureness(lines: Sequence[Line]) -> float:
    """Mean confidence weighted by length; 0 without letters."""
    words = [w for line in lines for w in line.words]
    size = sum(len(w.text) for w in words)
    total: float = sum(len(w.text) * w.confidence for w in words)
    return total / size if size >= 6 else 0.0


def _upside_down(grey: Pixels, glyphs: Pixels) -> bool:
    """Reads a few lines both ways; stops at the first that is clearly upright."""
    votes = 0.0
    for x, y, w, h in _sample(glyphs, 4):
        crop = grey[max(0, 2 * y - 8) : 2 * (y + h) + 8, max(0, 2 * x - 8) : 2 * min(x + w, x + 350) + 8]
        up = _sureness(ocr.read(crop, psm=7)[0])
        if up > 0.88 and votes >= 0:
            return False
        down = _sureness(ocr.read(np.ascontiguousarray(crop[::-1, ::-1]), psm=7)[0])
        votes += up - down
        if abs(votes) > 0.5:
            break
    return votes < -0.1


def _rotation(image: Pixels) -> int:
    """Degrees clockwise that make the page upright."""
    glyphs = _glyphs(image)
    if glyphs.sum() < 300:
        return 0
    turned = _evidence(glyphs.T) > 1.15 * _evidence(glyphs)
    if turned:
        image, glyphs = np.rot90(image, -1), np.rot90(glyphs, -1)
    grey = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_BGR2GRAY)
    base = 90 if turned else 0
    return (base + 180) % 360 if _upside_down(grey, np.ascontiguousarray(glyphs)) else base


def _skew(grey: Pixels) -> float:
    """Degrees; the angle at which the rows of ink are sharpest."""
    scale = 640 / max(grey.shape)
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    ink = 255 - cv2.max(small, 120)
    ink[ink < 30] = 0
    centre = (ink.shape[1] / 2, ink.shape[0] / 2)

    def sharp(angle: float) -> float:
        turn = cv2.getRotationMatrix2D(centre, angle, 1)
        turned = cv2.warpAffine(ink, turn, (ink.shape[1], ink.shape[0]), flags=cv2.INTER_LINEAR)
        return float(np.square(np.diff(turned.sum(1, dtype=np.float32))).sum())

    best = max((step / 2 for step in range(-12, 13)), key=sharp)
    return max((best + step / 10 for step in range(-4, 5)), key=sharp)


def _level(image: Pixels) -> Pixels:
    half = cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    angle = _skew(cv2.cvtColor(_flatten(half), cv2.COLOR_BGR2GRAY))
    if abs(angle) < 0.15:
        return image
    high, wide = image.shape[:2]
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), angle, 1)
    return cv2.warpAffine(image, turn, (wide, high), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _upright(path: str, type: str, number: int) -> Upright:
    if type == "pdf":
        image, lines = _pdf_page(path, number)
        grey = bool(cv2.absdiff(image[..., 0], image[..., 2]).max() < 8)
        if lines is not None:
            return Upright(image, 0, grey, lines)
    else:
        image, grey = _decode(path, type, number)
        image = _normal(image)
    quad = _paper(image)
    image = image if quad is None else _rectify(image, quad)
    rotation = _rotation(image)
    image = np.ascontiguousarray(np.rot90(image, -rotation // 90)) if rotation else image
    return Upright(_level(image), rotation, grey)


def upright(path: str, type: str, number: int) -> Image.Image:
    """Exactly the image that the boxes of `read_page` refer to."""
    return Image.fromarray(np.ascontiguousarray(_upright(path, type, number).image[..., ::-1]))


# ------------------------------------------------------------------ cleaning and cells


def _without_ink(flat: Pixels) -> Pixels:
    """Grey page with blue and violet strokes higher than a text line faded; blue printed text stays."""
    grey = cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY)
    blue = ((cv2.subtract(flat[..., 0], flat[..., 2]) > 22) & (flat[..., 0] > 90)).astype(np.uint8)
    if int(blue.sum()) < 200:
        return grey
    joined = cv2.dilate(blue, np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    tall = stats[:, 3] > 60
    tall[0] = False
    strokes = cv2.dilate(tall[labels].astype(np.uint8), np.ones((61, 61), np.uint8)) > 0  # letters between the rings
    faded = cv2.LUT(flat[..., 0], np.clip((np.arange(256) - 50) * 2.8, 0, 255).astype(np.uint8))
    return np.where(strokes & (cv2.dilate(blue, np.ones((3, 3), np.uint8)) > 0), cv2.max(grey, faded), grey)


def _rules(grey: Pixels) -> tuple[Pixels, Pixels]:
    """Masks of horizontal and vertical rules; flattened pixels, never Otsu."""
    dark = (grey < 190).astype(np.uint8)
    across = cv2.morphologyEx(cv2.dilate(dark, np.ones((3, 1), np.uint8)), cv2.MORPH_OPEN, np.ones((1, 90), np.uint8))
    down = cv2.morphologyEx(cv2.dilate(dark, np.ones((1, 3), np.uint8)), cv2.MORPH_OPEN, np.ones((60, 1), np.uint8))
    solid = cv2.morphologyEx(across & down, cv2.MORPH_OPEN, np.ones((14, 14), np.uint8))  # filled areas
    block = cv2.dilate(solid, np.ones((25, 25), np.uint8)) if solid.any() else solid
    return across & (1 - block), down & (1 - block)


def _cells(across: Pixels, down: Pixels) -> list[list[tuple[int, int, int, int]]]:
    """Rectangles closed in by rules, grouped by table."""
    across = cv2.morphologyEx(across, cv2.MORPH_CLOSE, np.ones((1, 25), np.uint8))
    down = cv2.morphologyEx(down, cv2.MORPH_CLOSE, np.ones((25, 1), np.uint8))
    grid = cv2.dilate(across | down, np.ones((3, 3), np.uint8))
    amount, labels, stats, _ = cv2.connectedComponentsWithStats(grid)
    tables: list[list[tuple[int, int, int, int]]] = []
    for label in range(1, amount):
        x, y, w, h, _ = (int(v) for v in stats[label])
        if w < 150 or h < 60 or len(tables) > 40 or not down[y : y + h, x : x + w].any():
            continue
        holes = (labels[y : y + h, x : x + w] != label).astype(np.uint8)
        _, _, parts, _ = cv2.connectedComponentsWithStats(holes, connectivity=4)
        inner = [(int(a) + x, int(b) + y, int(c), int(d)) for a, b, c, d, size in parts[1:]
                 if a > 0 and b > 0 and a + c < w and b + d < h and c >= 20 and d >= 20 and size > 0.8 * c * d]
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


def _tables(groups: list[list[tuple[int, int, int, int]]], words: dict[tuple[int, int, int, int], tuple[Line, ...]],
            shape: tuple[int, ...]) -> tuple[Table, ...]:
    high, wide = shape[:2]

    def box(x: int, y: int, w: int, h: int) -> Box:
        return (x / wide, y / high, (x + w) / wide, (y + h) / high)

    tables = []
    for group in groups:
        rows, columns = _ranks([r[1] for r in group]), _ranks([r[0] for r in group])
        cells = sorted((Cell(rows[r[1]], columns[r[0]], box(*r), words.get(r, ())) for r in group),
                       key=lambda c: (c.row, c.column))
        left, top = min(r[0] for r in group), min(r[1] for r in group)
        right, bottom = max(r[0] + r[2] for r in group), max(r[1] + r[3] for r in group)
        tables.append(Table(box(left, top, right - left, bottom - top), tuple(cells)))
    return tuple(tables)


def _inked(grey: Pixels, rect: tuple[int, int, int, int]) -> bool:
    x, y, w, h = rect
    return int((grey[y : y + h, x : x + w] < 150).sum()) > 15


def _read_scan(grey: Pixels) -> tuple[tuple[Line, ...], tuple[Table, ...], Pixels]:
    """Body and cells are read apart: a value wrapped in its cell stays whole. Last: the page without rules."""
    across, down = _rules(grey)
    groups = _cells(across, down)
    clean = grey.copy()
    clean[cv2.dilate(across | down, np.ones((3, 3), np.uint8)) > 0] = 255
    rects = [rect for group in groups for rect in group if _inked(clean, rect)]
    body = clean.copy()
    for x, y, w, h in rects:
        body[y : y + h, x : x + w] = 255
    words = dict(zip(rects, (tuple(lines) for lines in ocr.read(clean, rects, psm=6)), strict=True)) if rects else {}
    lines = ocr.read(body, psm=4)[0]
    tables = _tables(groups, words, grey.shape)
    for table in tables:
        at = next((i for i, line in enumerate(lines) if line.box[1] > table.box[1]), len(lines))
        lines[at:at] = [line for cell in table.cells for line in cell.lines]
    return tuple(lines), tables, clean


def _layer_tables(lines: Sequence[Line], grey: Pixels) -> tuple[Table, ...]:
    """Cells of a born-digital page: its words by their centres."""
    groups = _cells(*_rules(grey))
    high, wide = grey.shape
    words: dict[tuple[int, int, int, int], tuple[Line, ...]] = {}
    for rect in (rect for group in groups for rect in group):
        x, y, w, h = rect
        inside = [word for line in lines for word in line.words
                  if x <= (word.box[0] + word.box[2]) / 2 * wide < x + w
                  and y <= (word.box[1] + word.box[3]) / 2 * high < y + h]
        words[rect] = _as_lines(inside)
    return _tables(groups, words, grey.shape)


def _quality(lines: Sequence[Line]) -> float:
    """Confidence by length; few words or mostly single signs prove little."""
    words = [w.text for line in lines for w in line.words]
    real = sum(bool(re.search(r"\w{2}", word)) for word in words)
    quality: float = round(_sureness(lines) * min(1.0, real / 20) ** 0.5, 3)
    return quality


def _blank(grey: Pixels) -> bool:
    """Fewer than eight letter-sized spots inside the margins."""
    grey = cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    high, wide = grey.shape
    inner = grey[high // 40 : -high // 40, wide // 40 : -wide // 40]
    _, _, stats, _ = cv2.connectedComponentsWithStats((inner < 170).astype(np.uint8))
    return int(((stats[1:, 3] >= 4) & (stats[1:, 4] >= 6)).sum()) < 8


def warm() -> None:
    """Loads the models and runs them once, so that forked children inherit them; stays without threads."""
    cv2.setNumThreads(1)
    ocr.warm()


def read_page(path: str, type: str, number: int) -> PageReading:
    """Everything about one page (from 1); raises FileProblem when the file or the page cannot be opened."""
    page = _upright(path, type, number)
    flat = page.image if page.words is not None else _flatten(page.image)
    aspect = page.image.shape[0] / page.image.shape[1]
    scan = page.words is None
    grey = _without_ink(flat) if scan else cv2.cvtColor(flat, cv2.COLOR_BGR2GRAY)
    if scan and _blank(grey):
        return PageReading(number, "none", scan=True, blank=True, rotation=page.rotation, aspect=aspect)
    if page.words is not None:
        lines, tables, clean = page.words, _layer_tables(page.words, grey), grey
    else:
        lines, tables, clean = _read_scan(grey)
    kop, signature, stamp, colour = marks.find(flat, lines)
    if page.grey:
        stamp, colour = marks.cannot_judge(), False
    return PageReading(
        number, "ocr" if scan else "text", lines, tables, ocr.seconds(clean, lines, tables),
        marks.on_page(kop, number), marks.on_page(signature, number), marks.on_page(stamp, number),
        quality=_quality(lines) if scan else 1.0, scan=scan, colour=colour, rotation=page.rotation, aspect=aspect,
    )
