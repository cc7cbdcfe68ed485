"""The wheel carries what the program needs: SOP file, templates, migrations, pages."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
TRY = """
import datetime as dt, pathlib, sys
import mailbot
from mailbot.replies import compose
from mailbot.sop import load
from mailbot.store import Store
assert mailbot.__file__.startswith(sys.argv[1]), mailbot.__file__
Store(pathlib.Path(sys.argv[1]) / "m.db")
office = compose.Office("LPSE Contoh", "", "", "Senin-Jumat", "lpse@contoh.example", "kunci")
now = dt.datetime(2026, 11, 23, tzinfo=dt.UTC)
values = {"waktu": {"tanggal": "1", "jam": "2", "zona": "WIB"}}
print(load().name, len(compose.compose("forwarded", 1, "k", compose.Thread("a@b.example", "LPSE-2026-000001"), values, office, now).data))
"""


def test_the_wheel_works_without_the_checkout(tmp_path: Path) -> None:
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        str(tmp_path),
        str(ROOT),
    ]
    subprocess.run(build, check=True, capture_output=True, timeout=120)
    (wheel,) = tmp_path.glob("*.whl")
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    command = [sys.executable, "-c", TRY, str(unpacked)]
    done = subprocess.run(command, cwd=unpacked, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("SOP-LPSE.BTG-019 ")
