"""Marks on drawn pages: a ring, a stroke, grey paper, a letterhead."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mailbot.model import Line, Word
from mailbot.parsers import marks


def _line(text: str, top: float, left: float = 0.3) -> Line:
    parts = text.split()
    return Line(
        tuple(
            Word(part, (left + i * 0.05, top, left + i * 0.05 + 0.04, top + 0.012), 0.95)
            for i, part in enumerate(parts)
        )
    )


HEAD = _line("PEMERINTAH KABUPATEN BANTAENG", 0.04)
OFFICE = _line("DINAS KESEHATAN", 0.055)
SIGNER = _line("NIP. 19690817 199603 1 004", 0.8, 0.55)


def _page() -> np.ndarray:
    """A4 at 100 dpi."""
    return np.full((1170, 827, 3), 250, np.uint8)


def _stamped(image: np.ndarray, colour: tuple[int, int, int]) -> np.ndarray:
    for radius in (70, 64):
        cv2.circle(image, (500, 875), radius, colour, 2)
    return image


def _signed(image: np.ndarray, left: int, colour: tuple[int, int, int]) -> np.ndarray:
    t = np.linspace(0, 1, 300)
    points = np.stack([left + 150 * t, 890 - 30 * np.sin(13 * t)], 1).astype(np.int32)
    cv2.polylines(image, [points], False, colour, 2)
    return image


VIOLET, BLUE, BLACK = (170, 70, 110), (140, 40, 20), (25, 25, 25)


@pytest.mark.parametrize(
    "colour", [VIOLET, BLUE, (60, 50, 190), (225, 190, 205)], ids=["violet", "blue", "red", "faded"]
)
def test_ring_is_a_stamp_and_no_signature(colour: tuple[int, int, int]) -> None:
    _, signature, stamp, seen = marks.find(_stamped(_page(), colour), (HEAD, SIGNER))
    assert seen and stamp.state == "seen" and signature.state == "cannot_judge"
    assert stamp.box is not None and abs((stamp.box[0] + stamp.box[2]) / 2 - 500 / 827) < 0.01


def test_framed_stamp_with_letters_is_a_stamp() -> None:
    image = _page()
    cv2.ellipse(image, (500, 875), (80, 45), 12, 0, 360, VIOLET, 2)
    for row, text in enumerate(("DINAS", "SOSIAL")):
        cv2.putText(image, text, (470, 870 + 22 * row), cv2.FONT_HERSHEY_SIMPLEX, 0.5, VIOLET, 1)
    assert marks.find(image, (HEAD, SIGNER))[2].state == "seen"


def test_stroke_is_a_signature_and_no_stamp() -> None:
    _, signature, stamp, _ = marks.find(_signed(_page(), 500, BLUE), (HEAD, SIGNER))
    assert signature.state == "seen" and stamp.state == "not_found"


def test_signature_over_the_stamp_is_found() -> None:
    _, signature, stamp, _ = marks.find(_signed(_stamped(_page(), VIOLET), 440, BLACK), (HEAD, SIGNER))
    assert signature.state == stamp.state == "seen"


def test_a_paraf_is_no_signature() -> None:
    image = _page()
    cv2.polylines(image, [np.array([[500, 890], [510, 870], [515, 895], [525, 875]], np.int32)], False, BLUE, 2)
    assert marks.find(image, (HEAD, SIGNER))[1].state == "cannot_judge"


@pytest.mark.parametrize("solid", [True, False], ids=["logo", "code"])
def test_a_printed_emblem_or_code_is_no_stamp(solid: bool) -> None:
    image = _page()
    if solid:
        cv2.circle(image, (500, 875), 70, VIOLET, -1)
    else:
        modules = np.random.default_rng(1).random((25, 25)) < 0.5
        code = cv2.resize(modules.astype(np.uint8), (75, 75), interpolation=cv2.INTER_NEAREST)
        image[840:915, 460:535][code > 0] = BLUE
    _, signature, stamp, _ = marks.find(image, (HEAD, SIGNER))
    assert stamp.state == "not_found" and signature.state == "cannot_judge"


def test_page_without_ink_colour_cannot_be_judged() -> None:
    _, signature, stamp, colour = marks.find(_page(), (HEAD, SIGNER))
    assert not colour and stamp.state == signature.state == "cannot_judge"


def test_a_grey_file_cannot_show_a_wet_stamp() -> None:
    assert marks.find(_stamped(_page(), VIOLET), (HEAD, SIGNER), grey=True)[2].state == "cannot_judge"


def test_letterhead_needs_its_words_and_its_rule() -> None:
    image = _page()
    assert marks.find(image, (HEAD, SIGNER))[0].state == "not_found"
    cv2.line(image, (75, 75), (750, 75), (0, 0, 0), 3)
    assert marks.find(image, (HEAD, OFFICE))[0].state == "seen"


def test_an_annex_that_names_the_bupati_has_no_letterhead() -> None:
    lines = (_line("LAMPIRAN", 0.04), _line("KEPUTUSAN BUPATI BANTAENG", 0.06), _line("BUPATI BANTAENG", 0.09))
    assert marks.find(_page(), lines)[0].state == "not_found"


def test_a_signers_block_at_the_top_of_a_page_of_its_own_is_found() -> None:
    """A page without letterhead: nothing above is an emblem."""
    image = np.roll(_signed(_stamped(_page(), VIOLET), 520, BLUE), -790, axis=0)
    lines = (_line("Kepala Dinas Kesehatan", 0.03, 0.55), _line("NIP. 19690817 199603 1 004", 0.125, 0.55))
    _, signature, stamp, _ = marks.find(image, lines)
    assert (signature.state, stamp.state) == ("seen", "seen")
    headed = marks.find(image, (HEAD, *lines))[2]
    assert headed.state == "not_found"


def _oval(image: np.ndarray, end: int) -> np.ndarray:
    cv2.ellipse(image, (480, 875), (75, 42), 8, 0, end, VIOLET, 2)
    for x in (450, 470, 490):
        cv2.putText(image, "E", (x, 880), cv2.FONT_HERSHEY_SIMPLEX, 0.5, VIOLET, 1)
    return image


def test_an_oval_stamp_crossed_by_the_pen_is_a_stamp() -> None:
    image = _signed(_oval(_page(), 360), 520, VIOLET)
    _, signature, stamp, _ = marks.find(image, (HEAD, SIGNER))
    assert (stamp.state, signature.state) == ("seen", "seen")


def test_the_loops_of_a_pen_that_nearly_close_an_oval_are_no_stamp() -> None:
    """A letter without a stamp was taken for stamped: three quarters of an oval are a signature."""
    image = _signed(_oval(_page(), 270), 520, VIOLET)
    assert marks.find(image, (HEAD, SIGNER))[2].state == "not_found"
