"""The two independent engines: tesseract for pages and cells, the PP-OCR recogniser for value crops."""

from __future__ import annotations

import importlib.util
import itertools
import os
import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_THREAD_LIMIT", "1")  # before tesserocr: its OpenMP threads cost three to ten times more
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # before onnxruntime, which else reports to its maker over the network

import cv2
import numpy as np

from mailbot.model import Box, Line, SecondReading, Table, Word, union

try:
    import tesserocr
except ImportError:  # pragma: no cover
    tesserocr = None

Pixels = Any  # a numpy array of pixels: BGR, or grey in one channel
Rect = tuple[int, int, int, int]  # left, top, width, height in pixels
_MODEL = "ch_PP-OCRv4_rec_infer.onnx"
_MAX_SPANS = 80
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
            api.SetRectangle(*rect)
        api.Recognize()
        found.append(_collect(api, gray.shape))
    api.Clear()
    return found


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
def _recogniser() -> tuple[Any, list[str]] | None:
    """Session and character list, or None when the model is not installed. The package is not imported."""
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
    return session, ["", *characters, " "]


def second(image_crop: Pixels) -> tuple[str, float]:
    """Text and mean confidence of a one-line crop (BGR or gray); ("", 0.0) without a model."""
    signs, sure = _recognised(image_crop)
    return "".join(sign for sign, _ in signs).strip(), sure


def _recognised(image_crop: Pixels) -> tuple[list[tuple[str, float]], float]:
    """The signs of a line, each with its place as a fraction of the width, and the mean confidence."""
    engine = _recogniser()
    if engine is None or min(image_crop.shape[:2]) < 4:
        return [], 0.0
    session, characters = engine
    image = cv2.cvtColor(image_crop, cv2.COLOR_GRAY2BGR) if image_crop.ndim == 2 else image_crop
    wide = max(48, round(48 * image.shape[1] / image.shape[0]))
    data = cv2.resize(image, (wide, 48), interpolation=cv2.INTER_LINEAR).astype(np.float32) / 127.5 - 1
    output = session.run(None, {session.get_inputs()[0].name: data.transpose(2, 0, 1)[None]})[0][0]
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
    signs, sure = _recognised(_crop(image, line.box))
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


# ------------------------------------------------------------------ value spans

_DIGIT = "0-9OoQlI|SBZ"
_NIP = re.compile(rf"(?<![^\s:.(/-])[{_DIGIT}](?:[ .\-]{{0,2}}[{_DIGIT}]){{14,22}}(?!\w)")
_PHONE = re.compile(r"(?:\+?62|\(?[0Oo]\d)[\dOolI() .\-]{6,16}[\dOlI]")
_AT = re.compile(r"[@©®]|gmail|yahoo|\.go\.id", re.IGNORECASE)
_ENDED = re.compile(r"\.(?:com|id|net|org)[.,;)]?$", re.IGNORECASE)


def _words(lines: Iterable[Line]) -> list[tuple[int, Word]]:
    return [(row, word) for row, line in enumerate(lines) for word in line.words]


def _covered(words: list[tuple[int, Word]], start: int, end: int) -> list[int]:
    """Indices of the words that lie in a character range of their texts joined by blanks."""
    found, at = [], 0
    for index, (_, word) in enumerate(words):
        if at < end and at + len(word.text) > start:
            found.append(index)
        at += len(word.text) + 1
    return found


def _boxes(words: list[tuple[int, Word]], indices: Iterable[int]) -> tuple[Box, ...]:
    """One box per line, so that a wrapped value gives one crop per line."""
    rows: dict[int, list[Box]] = {}
    for index in indices:
        row, word = words[index]
        rows.setdefault(row, []).append(word.box)
    return tuple(union(tuple(boxes)) for boxes in rows.values())


def _emails(words: list[tuple[int, Word]]) -> Iterable[list[int]]:
    """An address with the pieces that stand close before it, and its neighbours above and below while it looks broken."""
    for index, (row, word) in enumerate(words):
        if not _AT.search(word.text):
            continue
        span = [index]
        if word.text[0] in "@©®" and index:
            span.insert(0, index - 1)
        while span[0] and _touch(words[span[0] - 1], words[span[0]]):
            span.insert(0, span[0] - 1)
        following = words[index + 1] if index + 1 < len(words) else None
        if (
            following
            and following[0] == row + 1
            and not _ENDED.search(word.text)
            and "." in following[1].text
            and "@" not in following[1].text
        ):
            span.append(index + 1)
        yield span


def _touch(left: tuple[int, Word], right: tuple[int, Word]) -> bool:
    """Pieces of one address: on one line, and closer than a blank or joined by its punctuation."""
    (row, before), (same, after) = left, right
    gap, tall = after.box[0] - before.box[2], (after.box[3] - after.box[1]) * 1.4  # fractions of width and of height
    return row == same and (
        gap < 0.15 * tall or ((before.text[-1] in "._-" or after.text[0] in "._-") and gap < 0.9 * tall)
    )


def _spans(lines: Iterable[Line]) -> Iterable[tuple[Box, ...]]:
    words = _words(lines)
    text = " ".join(word.text for _, word in words)
    used: set[int] = set()
    matches = [
        _covered(words, *match.span())
        for pattern in (_NIP, _PHONE)
        for match in pattern.finditer(text)
        if sum(c.isdigit() for c in match.group()) >= 8
    ]
    for indices in [*matches, *_emails(words)]:
        if indices and not used.intersection(indices):
            used.update(indices)
            yield _boxes(words, indices)


def _whole_address(lines: Iterable[Line]) -> list[tuple[Box, ...]]:
    """A narrow cell that holds one address and nothing else, broken over its lines anywhere."""
    words = _words(lines)
    texts = [word.text for _, word in words]
    one_each = len(words) == len({row for row, _ in words})
    if 1 < len(words) <= 4 and one_each and sum("@" in text for text in texts) == 1:
        return [_boxes(words, range(len(words)))]
    return []


def value_spans(lines: Iterable[Line], tables: Iterable[Table]) -> list[tuple[Box, ...]]:
    """Where a NIP, a phone number or an address seems to stand: one tuple per value, one box per line of it."""
    cells = [cell for table in tables for cell in table.cells]
    inside = {word for cell in cells for line in cell.lines for word in line.words}
    rest = (Line(tuple(word for word in line.words if word not in inside)) for line in lines)
    found = [span for cell in cells for span in (_whole_address(cell.lines) or _spans(cell.lines))]
    found += [span for line in rest for span in _spans((line,))]
    return found[:_MAX_SPANS]


def _crop(image: Pixels, box: Box) -> Pixels:
    high, wide = image.shape[:2]
    left, top, right, bottom = box[0] * wide, box[1] * high, box[2] * wide, box[3] * high
    y = max(3, round((bottom - top) * 0.25))
    return image[max(0, int(top) - y) : int(bottom) + y + 1, max(0, int(left) - 5) : int(right) + 6]


def seconds(image: Pixels, lines: Iterable[Line], tables: Iterable[Table]) -> tuple[SecondReading, ...]:
    """The second reading of every value-like span; the texts of a wrapped value are joined without a blank."""
    lines = tuple(lines)
    words = [word for line in lines for word in line.words]
    result = []
    for boxes in value_spans(lines, tables):
        crops = [_crop(image, box) for box in boxes]
        parts = [second(crop) for crop in crops]
        text = "".join(part[0] for part in parts)
        if text:
            repeated = _plain(_text_in(words, boxes)) != _plain(text) and _read_again(crops, _plain(text))
            result.append(SecondReading(union(boxes), text, min(part[1] for part in parts), repeated))
    return tuple(result)


def _plain(text: str) -> str:
    return re.sub(r"\s", "", text).lower()


def _text_in(words: Iterable[Word], boxes: tuple[Box, ...]) -> str:
    """What the page reading has in these boxes."""
    near = 0.001
    return "".join(w.text for b in boxes for w in words if b[0] - near <= w.box[0] and w.box[2] <= b[2] + near
                   and b[1] - near <= w.box[1] and w.box[3] <= b[3] + near)  # fmt: skip


def _read_again(crops: Iterable[Pixels], text: str) -> bool:
    """Whether tesseract reads this from the crops alone, at once or enlarged: its page reading depends on the neighbours."""
    grey = [c if c.ndim == 2 else cv2.cvtColor(c, cv2.COLOR_BGR2GRAY) for c in crops]
    grey = [cv2.copyMakeBorder(c, 12, 12, 12, 12, cv2.BORDER_CONSTANT, value=255) for c in grey]
    for scale in (1, 2):
        sized = [cv2.resize(c, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC) for c in grey]
        found = "".join(line.text for crop in sized for line in read(crop, psm=7)[0])
        if _plain(found) == text:
            return True
    return False
