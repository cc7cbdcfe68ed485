"""The benchmarks are no tests, but each of them can be started."""

from __future__ import annotations

import importlib

import pytest

from benchmarks import __main__


@pytest.mark.parametrize("name", [n for n in __main__.NAMES if not n.startswith("_")])
def test_each_benchmark_teaches_how_it_is_used(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    module = importlib.import_module(f"benchmarks.{name}")

    with pytest.raises(SystemExit) as left:
        module.main(["--help"])

    assert left.value.code == 0 and "usage" in capsys.readouterr().out
