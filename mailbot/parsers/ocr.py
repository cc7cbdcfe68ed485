"""The two independent engines: tesseract for pages and cells, the PP-OCR recogniser for value crops."""

from __future__ import annotations

import importlib.util
import itertools
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # before tesserocr: its OpenMP threads cost three to ten times more
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before onnxruntime, which else reports to its maker over the network

import cv2
import numpy as np

from mailbot.model import Box, Line, Word

try:
    import tesserocr
except ImportError:  # pragma: no cover
    tesserocr = None

Pixels = Any  # a numpy array of pixels: BGR, or grey in one channel
Rect = tuple[int, int, int, int]  # left, top, width, height in pixels
_MODEL = "ch_PP-OCRv4_rec_infer.onnx"
_TESSDATA = ("/usr/share/tesseract-ocr/5/tessdata", "/usr/share/tesseract-ocr/4.00/tessdata", "/usr/share/tessdata")


# ------------------------------------------------------------------ tesseract


def _tessdata() -> str:
    own = os.environ.get("TESSDATA_PREFIX")
    return own or next((p for p in _TESSDATA if Path(p, "eng.traineddata").exists()), _TESSDATA[0])


@lru_cache(maxsize=1)
def _api() -> Any:
    return tesserocr.PyTessBaseAPI(path=_tessdata(), lang="eng", psm=4)


def _frac(left: float, top: float, right: float, bottom: float, shape: tuple[int, ...]) -> Box:
    high, wide = shape[:2]
    return (left / wide, top / high, right / wide, bottom / high)


def _collect(api: Any, shape: tuple[int, ...]) -> list[Line]:
    """All words of the last recognition. With SetRectangle boxes still count from the whole image."""
    lines: list[Line] = []
    words: list[Word] = []
    iterator = api.GetIterator()
    if iterator is None:
        return lines
    level, row = tesserocr.RIL.WORD, tesserocr.RIL.TEXTLINE
    for item in tesserocr.iterate_level(iterator, level):
        if item.IsAtBeginningOf(row) and words:
            lines.append(Line(tuple(words)))
            words = []
        if item.Empty(level):
            continue
        text = item.GetUTF8Text(level).strip()
        box = item.BoundingBox(level)
        if text and box:
            words.append(Word(text, _frac(box[0], box[1], box[2], box[3], shape), item.Confidence(level) / 100))
    return [*lines, Line(tuple(words))] if words else lines


def read(gray: Pixels, rects: Iterable[Rect | None] = (None,), psm: int = 4) -> list[list[Line]]:
    """One list of lines for each rectangle; None is the whole image. The image is handed over only once."""
    if tesserocr is None:
        return [_fallback(gray, rect, psm) for rect in rects]
    gray = np.ascontiguousarray(gray)
    api = _api()
    high, wide = gray.shape
    api.SetImageBytes(gray.tobytes(), wide, high, 1, wide)
    api.SetSourceResolution(200)
    api.SetPageSegMode(psm)
    found = []
    for rect in rects:
        if rect is not None:
            api.SetRectangle(*_narrower(rect, wide))
        api.Recognize()
        found.append(_collect(api, gray.shape))
    api.Clear()
    return found


def _narrower(rect: Rect, wide: int) -> Rect:
    """A rectangle as wide as the image is read from the wrong rows by tesseract: it takes the image for the rectangle."""
    left, top, width, height = rect
    return (left, top, width - 1, height) if width == wide > 1 else rect


def _fallback(gray: Pixels, rect: Rect | None, psm: int) -> list[Line]:
    """The same by the command line program; PGM, because PNG encoding costs as much as reading."""
    import pytesseract
    from PIL import Image

    left, top, wide, high = rect or (0, 0, gray.shape[1], gray.shape[0])
    image = Image.fromarray(gray[top : top + high, left : left + wide])
    image.format = "PPM"
    options = f"--psm {psm} --dpi 200"
    data = pytesseract.image_to_data(image, lang="eng", config=options, output_type=pytesseract.Output.DICT)
    rows: dict[tuple[int, int, int], list[Word]] = {}
    for i, text in enumerate(data["text"]):
        if text.strip():
            x, y = left + data["left"][i], top + data["top"][i]
            box = _frac(x, y, x + data["width"][i], y + data["height"][i], gray.shape)
            key = (data["block_num"][i], data["par_num"][i], data["line_num"][i])
            rows.setdefault(key, []).append(Word(text.strip(), box, float(data["conf"][i]) / 100))
    return [Line(tuple(words)) for words in rows.values()]


# ------------------------------------------------------------------ second engine


@lru_cache(maxsize=1)
def _recogniser() -> tuple[Any, list[str], Pixels] | None:
    """Session, its signs in ASCII and their places in its output, or None when the model is not installed.

    The model knows thousands of Chinese signs, and reads "o@" as one of them. The package is not imported.
    """
    spec = importlib.util.find_spec("rapidocr_onnxruntime")
    places = [Path(p) for p in (spec.submodule_search_locations or [])] if spec else []
    model = next((found for place in places for found in place.rglob(_MODEL)), None)
    if model is None:
        return None
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    characters = session.get_modelmeta().custom_metadata_map["character"].splitlines()
    signs = ["", *characters, " "]
    plain = [i for i, sign in enumerate(signs) if sign.isascii()]
    return session, [signs[i] for i in plain], np.array(plain)


def second(image_crop: Pixels) -> tuple[str, float]:
    """Text and mean confidence of a one-line crop (BGR or gray); ("", 0.0) without a model."""
    signs, sure = _recognised(image_crop)
    return "".join(sign for sign, _ in signs).strip(), sure


def _recognised(image_crop: Pixels) -> tuple[list[tuple[str, float]], float]:
    """The signs of a line, each with its place as a fraction of the width, and the mean confidence."""
    engine = _recogniser()
    if engine is None or min(image_crop.shape[:2]) < 4:
        return [], 0.0
    session, characters, plain = engine
    image = cv2.cvtColor(image_crop, cv2.COLOR_GRAY2BGR) if image_crop.ndim == 2 else image_crop
    wide = max(48, round(48 * image.shape[1] / image.shape[0]))
    data = cv2.resize(image, (wide, 48), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 127.5 - 1
    output = session.run(None, {session.get_inputs()[0].name: data.transpose(2, 0, 1)[None]})[0][0][:, plain]
    best, sure = output.argmax(1), output.max(1)
    changes = np.flatnonzero(np.concatenate(([True], best[1:] != best[:-1], [True])))
    runs = [(int(a), int(b)) for a, b in itertools.pairwise(changes) if best[a] != 0]
    peaks = [a + int(sure[a:b].argmax()) for a, b in runs]  # at the edge of a sign its neighbour is always likely too
    signs = [(_sign(output[at], characters), a / len(output)) for at, (a, _) in zip(peaks, runs, strict=True)]
    return signs, float(sure[peaks].mean()) if peaks else 0.0


def rescued(image: Pixels, lines: Iterable[Line]) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """For a page that tesseract could hardly read: (all lines, those left as they were).

    A doubtful line becomes what the second engine reads, where that is surer. It was then read by one engine only, so
    it must not be read a "second" time by the same.
    """
    mixed, kept = [], []
    for line in lines:
        other = _rescued_line(image, line) if line.confidence < 0.75 and len(line.text) >= 4 else None
        mixed.append(other or line)
        kept += [line] if other is None else []
    return tuple(mixed), tuple(kept)


def _rescued_line(image: Pixels, line: Line) -> Line | None:
    signs, sure = _recognised(crop(image, line.box))
    if sure < 0.8 or sure <= line.confidence or len(signs) < 4:
        return None
    left, top, right, bottom = line.box
    words: list[Word] = []
    for blank, run in itertools.groupby(signs, key=lambda sign: sign[0] == " "):
        part = [] if blank else list(run)
        if part:
            x0, x1 = (left + place * (right - left) for place in (part[0][1], part[-1][1]))
            words.append(Word("".join(sign for sign, _ in part), (x0, top, max(x1, x0), bottom), sure))
    return Line(tuple(words))


def _sign(shares: Pixels, characters: list[str]) -> str:
    """The likeliest sign; "?" where another letter or digit is nearly as likely, as with l and 1: no proof of either."""
    next_best, best = (int(i) for i in np.argpartition(shares, -2)[-2:])
    return "?" if shares[next_best] > 0.35 and characters[next_best].isalnum() else characters[best]


def warm() -> None:
    """Both engines loaded, and run once on an empty line, which makes them allocate what they keep."""
    line: Pixels = np.full((48, 320), 255, np.uint8)
    if tesserocr is not None:
        read(line, psm=7)
    second(line)


def crop(image: Pixels, box: Box) -> Pixels:
    """What stands in the box, with a little of its surroundings."""
    high, wide = image.shape[:2]
    left, top, right, bottom = box[0] * wide, box[1] * high, box[2] * wide, box[3] * high
    y = max(3, round((bottom - top) * 0.25))
    return image[max(0, int(top) - y) : int(bottom) + y + 1, max(0, int(left) - 5) : int(right) + 6]
