"""docs/sop.md names every requirement of the SOP and a test for it; the tests exist and pytest collects them."""

import os
import re
import subprocess
import sys
from pathlib import Path

import mailbot
from tests.conftest import named_tests

ROOT = Path(__file__).parents[1]
TABLE = (ROOT / "docs" / "sop.md").read_text("utf-8")
ROWS = dict(re.findall(r"^\| (R-\d\d) \|(.*)\|$", TABLE, re.M))
NAMED = sorted(named_tests())
LAW = re.compile(r"\b(?:Perpres|Peraturan Presiden|Perka LKPP|Permendagri|Undang-Undang|PP 82|PP 71)\b")


def test_no_requirement_is_missing() -> None:
    assert list(ROWS) == [f"R-{n:02d}" for n in range(1, 31)]
    assert all("::" in row for row in ROWS.values())


def test_every_named_test_is_collected() -> None:
    files = sorted({name.split("::")[0] for name in NAMED})
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=120, env={**os.environ, "PYTEST_ADDOPTS": ""}
    )
    there = {line.split("[")[0] for line in done.stdout.splitlines() if "::" in line}

    assert done.returncode == 0, done.stdout[-2000:]
    assert not [name for name in NAMED if name not in there]


def test_every_named_file_of_the_program_exists() -> None:
    places = re.findall(r"\b((?:work|sop|store|paper|parsers|web|replies)/\w+\.py|model\.py)\b", TABLE)

    assert not [p for p in places if not (Path(mailbot.__file__).parent / p).exists()]


def test_every_picture_exists() -> None:
    pictures = re.findall(r"\]\((gambar/[^)]+)\)", TABLE)

    assert len(pictures) >= 6
    assert not [p for p in pictures if not (ROOT / "docs" / p).exists()]


def test_no_code_names_a_law() -> None:
    """R-30: legal lines change; they stand in templates and in the SOP file."""
    found = [path.name for path in Path(mailbot.__file__).parent.rglob("*.py")
             if "demo" not in path.parts and LAW.search(path.read_text("utf-8"))]  # fmt: skip

    assert not found
