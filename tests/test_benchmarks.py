"""The benchmarks are no tests, but each of them can be started."""

from __future__ import annotations

import importlib
import re

import pytest

from benchmarks import __main__, _plots, report


@pytest.mark.parametrize("name", [n for n in __main__.NAMES if not n.startswith("_")])
def test_each_benchmark_teaches_how_it_is_used(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"benchmarks.{name}")

    with pytest.raises(SystemExit) as left:
        module.main(["--help"])

    assert left.value.code == 0 and "usage" in capsys.readouterr().out


def test_the_page_of_figures_is_what_was_saved() -> None:
    page = (report.DOCS / "benchmarks.md").read_text()

    assert report.BEGIN + report.section() + report.END in page
    for name, run, (_, svg, _) in report.drawn():
        assert (report.DOCS / "gambar" / f"ukur-{name}.svg").read_text() == svg
        assert __main__.NAMES.count(run["command"].split()[1]) == 1


def test_lines_end_at_the_largest_value_and_bars_keep_their_proportion() -> None:
    curve = _plots.lines("t", "ms", ["1", "2"], {"a": [0.0, 8.0]})
    heights = [float(y) for y in re.findall(r'<circle cx="[\d.]+" cy="([\d.]+)"', curve)]
    assert heights == [_plots.HIGH - _plots.BOTTOM, _plots.TOP]

    drawn = [
        float(w) for w in re.findall(r'<rect x="200" y="\d+" width="([\d.]+)"', _plots.bars("t", "s", {"a": 1, "b": 4}))
    ]
    assert drawn[1] == pytest.approx(4 * drawn[0], rel=0.01)
