"""Marks on drawn pages: a ring, a stroke, grey paper, a letterhead."""

from __future__ import annotations

import cv2
import numpy as np

from mailbot.model import Line, Word
from mailbot.parsers import marks


def _line(text: str, top: float, left: float = 0.3) -> Line:
    parts = text.split()
    return Line(tuple(Word(part, (left + i * 0.05, top, left + i * 0.05 + 0.04, top + 0.012), 0.95)
                      for i, part in enumerate(parts)))


HEAD = _line("PEMERINTAH KABUPATEN BANTAENG", 0.04)
SIGNER = _line("NIP. 19690817 199603 1 004", 0.8, 0.55)


def _page() -> np.ndarray:
    return np.full((2339, 1654, 3), 250, np.uint8)


def test_ring_is_a_stamp_and_no_signature() -> None:
    image = _page()
    for radius in (140, 130):
        cv2.circle(image, (1000, 1750), radius, (170, 70, 110), 4)
    _, signature, stamp, colour = marks.find(image, (HEAD, SIGNER))
    assert colour and stamp.state == "seen" and signature.state == "cannot_judge"
    assert stamp.box is not None and abs((stamp.box[0] + stamp.box[2]) / 2 - 1000 / 1654) < 0.01


def test_stroke_is_a_signature_and_no_stamp() -> None:
    image = _page()
    t = np.linspace(0, 1, 300)
    points = np.stack([1000 + 300 * t, 1780 - 60 * np.sin(13 * t)], 1).astype(np.int32)
    cv2.polylines(image, [points], False, (140, 40, 20), 4)
    _, signature, stamp, _ = marks.find(image, (HEAD, SIGNER))
    assert signature.state == "seen" and stamp.state == "not_found"


def test_page_without_ink_colour_cannot_be_judged() -> None:
    _, signature, stamp, colour = marks.find(_page(), (HEAD, SIGNER))
    assert not colour and stamp.state == signature.state == "cannot_judge"


def test_letterhead_needs_its_words_and_its_rule() -> None:
    image = _page()
    assert marks.find(image, (HEAD,))[0].state == "not_found"
    cv2.line(image, (150, 160), (1500, 160), (0, 0, 0), 6)
    assert marks.find(image, (HEAD,))[0].state == "seen"
