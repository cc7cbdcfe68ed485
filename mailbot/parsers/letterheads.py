"""The letterhead of an upright page at 100 dpi: its words, its address and its rule."""

from __future__ import annotations

import re
from collections.abc import Sequence

import cv2
import numpy as np
from rapidfuzz import fuzz

from mailbot.model import Line, Mark
from mailbot.parsers.ocr import Pixels

_HEADS = (
    "PEMERINTAH",
    "BUPATI",
    "WALIKOTA",
    "WALI KOTA",
    "GUBERNUR",
    "KEMENTERIAN",
    "PROVINSI",
    "KABUPATEN",
    "DINAS",
    "BADAN",
    "SEKRETARIAT",
    "KECAMATAN",
    "KELURAHAN",
    "INSPEKTORAT",
    "RUMAH SAKIT",
    "RSUD",
    "PUSKESMAS",
    "UPTD",
    "SATUAN POLISI",
    "UNIVERSITAS",
    "KEJAKSAAN",
    "KEPOLISIAN",
)
_BODY = (
    "LAMPIRAN",
    "KEPUTUSAN",
    "NOMOR",
    "NOMER",
    "SURAT",
    "TENTANG",
    "KEPADA",
    "YTH",
    "HAL",
    "SIFAT",
    "DAFTAR",
    "DISPOSISI",
    "LEMBAR",
    "TANGGAL",
    "FORMULIR",
)
_ADDRESS = re.compile(r"\b(?:jalan|jl|telp|telepon|fax|faks|kode pos|e-?mail|website|laman)\b|@|\d{4,}", re.IGNORECASE)


def _starts(text: str, words: Sequence[str]) -> bool:
    """Begins with one of the words; what a reader makes of an emblem in front of them is passed over."""
    upper = re.sub(r"^(?:[^A-Z]|[^ ]{1,3} (?=.*[A-Z]{4}))+", "", text.upper())
    return any(fuzz.ratio(upper[: len(word)], word) > 84 for word in words)


def headed(line: Line) -> bool:
    """A capital head word in front, as letterheads print it; body text names offices in mixed case."""
    text = line.text
    capital = sum(c.isupper() for c in text) > 0.6 * sum(c.isalpha() for c in text)
    return capital and _starts(text, _HEADS)


def _head_lines(lines: Sequence[Line]) -> list[Line]:
    """The lines at the top before the letter itself begins, from the first head word on."""
    top = sorted((line for line in lines if line.box[3] < 0.27), key=lambda line: line.box[1])
    body = next((i for i, line in enumerate(top) if _starts(line.text, _BODY)), len(top))
    first = next((i for i, line in enumerate(top[:body]) if headed(line)), None)
    return [] if first is None or top[first].box[1] > 0.16 else top[first:body]


def _rule_below(small: Pixels, bottom: float) -> bool:
    """A rule over a quarter of the width within a tenth of the page below `bottom`."""
    high, wide = small.shape[:2]
    part = cv2.cvtColor(small[int((bottom - 0.03) * high) : int((bottom + 0.08) * high)], cv2.COLOR_BGR2GRAY)
    dark = cv2.dilate((part < 190).astype(np.uint8), np.ones((3, 3), np.uint8))
    return bool(cv2.morphologyEx(dark, cv2.MORPH_OPEN, np.ones((1, wide // 4), np.uint8)).any())


def find(small: Pixels, lines: Sequence[Line]) -> Mark:
    if not lines:
        return Mark("cannot_judge")
    found = _head_lines(lines)
    heads = [line for line in found if headed(line)]
    if not heads:
        return Mark("not_found")
    end = max(line.box[3] for line in heads)
    ruled = _rule_below(small, end)
    addressed = any(_ADDRESS.search(line.text) for line in found[1:5])
    if not (addressed or (ruled and len(found) > 1) or len(heads) > 1):
        return Mark("not_found", 0.3)
    left, right = min(line.box[0] for line in heads), max(line.box[2] for line in heads)
    return Mark("seen", 0.95 if ruled or addressed else 0.75, box=(left, heads[0].box[1], right, end))
