"""A light part of the letters of another hand (the whole set: `scripts/bench otherhand`)."""

import pytest

from benchmarks.otherhand import SET, Result, compare_all, submissions

LIGHT = ("06-nip-berbeda", "12-srikandi-belum-jadi", "16-tanpa-stempel")


@pytest.fixture(scope="module")
def results() -> list[Result]:
    return compare_all([SET / "dev" / f"{name}.eml" for name in LIGHT])


def test_never_a_false_complete(results: list[Result]) -> None:
    assert not [r.name for r in results if r.false_complete]


def test_never_a_needless_return(results: list[Result]) -> None:
    assert not [r.name for r in results if r.needless_return]


def test_every_page_has_its_kind(results: list[Result]) -> None:
    kinds = [t for r in results for t in r.tallies if t.what == "kind"]

    assert sum(t.total for t in kinds) == 2 * len(LIGHT)
    assert not [line for t in kinds for line in t.wrong]


def test_every_nip_is_read_exactly(results: list[Result]) -> None:
    nips = [t for r in results for t in r.tallies if t.what == "nip"]

    assert sum(t.total for t in nips) == len(LIGHT)
    assert not [line for t in nips for line in t.wrong]


def test_the_set_has_two_halves_with_their_truth() -> None:
    halves = {split: {p.stem for p in submissions(split)} for split in ("dev", "held")}

    assert all(len(names) >= 9 for names in halves.values())
    assert not halves["dev"] & halves["held"]
