"""Speed and memory of reading: everything mailbot does to a page against the plain tools, paired in one run.

CPU of mailbot counts the parent, the fork server and all limited children. `tesseract` is one command-line pass
(-l eng, OMP_THREAD_LIMIT=1) over the same page at 200 dpi; `ocrmypdf`, where it is installed, gets the scans themselves. Accuracy of the same pages is in `benchmarks.pages`.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import hashlib
import io
import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from pypdf import PdfWriter

from benchmarks import _figures
from benchmarks.made import papers
from mailbot.model import Attachment, Submission
from mailbot.parsers import child, opening, pages, scans

PROFILES = ("office200", "office200", "office150", "office300", "skewed", "grey", "photocopy", "turned")


def _attachment(data: bytes, type: str, folder: Path) -> Attachment:
    digest = hashlib.sha256(data).hexdigest()
    path = folder / digest
    path.write_bytes(data)
    return Attachment(f"{digest[:8]}.{type}", type, digest, len(data), str(path))


def _cpu_of(who: int) -> float:
    usage = resource.getrusage(who)
    return usage.ru_utime + usage.ru_stime


def _measured(work: Callable[[], object]) -> tuple[float, float]:
    """(CPU seconds, wall seconds) of this process, its children and the children of the fork server."""
    before, start = _cpu(), time.monotonic()
    work()
    return _cpu() - before, time.monotonic() - start


def _cpu() -> float:
    return _cpu_of(resource.RUSAGE_SELF) + _cpu_of(resource.RUSAGE_CHILDREN) + child.usage().cpu_seconds


def _mail(attachments: list[Attachment]) -> Submission:
    return Submission("<bench@example>", "a@b.example", "", "", None, (), "", "", (), (), tuple(attachments))


def _grey(path: str, type: str, folder: Path, number: int) -> Path:
    """The page as plain tools get it: upright grey pixels at 200 dpi."""
    image = np.asarray(pages.upright(path, type, 1).convert("L"))
    target = folder / f"page{number}.pgm"
    cv2.imwrite(str(target), image)
    return target


def _tesseract(images: list[Path]) -> None:
    environment = os.environ | {"OMP_THREAD_LIMIT": "1"}
    for image in images:
        subprocess.run(["tesseract", str(image), "stdout", "-l", "eng", "--dpi", "200"], env=environment,
                       check=True, capture_output=True)  # fmt: skip


def _ocrmypdf(files: list[Attachment], folder: Path) -> None:
    """As paperless-ngx runs it with deskew, rotate, clean and PDF/A, over the same scans as they came."""
    source, environment = folder / "all.pdf", os.environ | {"OMP_THREAD_LIMIT": "1"}
    with PdfWriter() as together:
        for file in files:
            together.append(file.path)
        together.write(source)
    options = ["--deskew", "--rotate-pages", "--clean", "--output-type", "pdfa", "-l", "eng"]
    subprocess.run(["ocrmypdf", *options, str(source), str(folder / "out.pdf")], env=environment,
                   check=True, capture_output=True)  # fmt: skip


def _kept(folder: Path) -> scans.Keep:
    """Pictures of the pages for the viewer, written as the service does."""

    def keep(sha256: str, number: int, made: list[bytes]) -> None:
        for width, data in enumerate(made):
            (folder / f"{sha256}-{number}-{width}.jpg").write_bytes(data)

    return keep


def _mean(found: list[tuple[float, float]]) -> tuple[float, float]:
    return sum(f[0] for f in found) / len(found), sum(f[1] for f in found) / len(found)


def _twenty_pages(folder: Path) -> Attachment:
    images = []
    for seed in range(20):
        pixels = papers.paper(seed).pixels
        images.append(Image.fromarray(cv2.resize(pixels, None, fx=1.5, fy=1.5)[..., ::-1]))
    out = io.BytesIO()
    images[0].save(out, "PDF", resolution=300, save_all=True, append_images=images[1:])
    return _attachment(out.getvalue(), "pdf", folder)


_rows: _figures.Rows = []


def _row(name: str, cpu: float, wall: float, count: int, base: float) -> None:
    _rows.append(
        {"what": name, "cpu": round(cpu / count, 3), "wall": round(wall / count, 3), "ratio": round(cpu / base, 2)}
    )
    print(f"{name:34}{cpu / count:12.3f}{cpu / base:9.2f}{wall / count:14.3f}{60 * count / wall:12.0f}")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench reading")
    parser.add_argument("--pages", type=int, default=40)
    options = parser.parse_args(argv)
    opening.warm()
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        files = []
        for seed in range(options.pages):
            file = papers.degraded(papers.paper(seed).pixels, PROFILES[seed % len(PROFILES)], seed)
            files.append(_attachment(file.data, file.type, folder))
        scans.read_files([_attachment(b"%PDF-1.4", "pdf", folder)])  # the fork server is up
        # in turn and back, so that neither gains from what else the machine does
        keep, today = _kept(folder), dt.date(2026, 3, 1)
        runs = [
            (k, _measured(functools.partial(scans.read, _mail(files), today, keep=k))) for k in (None, keep, keep, None)
        ]
        bare, whole = (_mean([m for k, m in runs if k is wanted]) for wanted in (None, keep))
        plain = [_grey(f.path, f.type, folder, number) for number, f in enumerate(files)]
        base = _measured(lambda: _tesseract(plain))
        print(f"{'what':34}{'CPU s/page':>12}{'ratio':>9}{'wall s/page':>14}{'pages/min':>12}")
        _row("tesseract -l eng, one pass", *base, len(files), base[0])
        _row("mailbot, without pictures", *bare, len(files), base[0])
        _row("mailbot, everything", *whole, len(files), base[0])
        if shutil.which("ocrmypdf") and shutil.which("unpaper"):
            other = _measured(lambda: _ocrmypdf(files, folder))
            _row("ocrmypdf as paperless-ngx runs it", *other, len(files), base[0])
            print(f"mailbot, everything : ocrmypdf = {whole[0] / other[0]:.2f}")
        else:
            print("ocrmypdf and unpaper are not installed (apt-get install ocrmypdf unpaper): not compared")
        _figures.keep("reading", _rows)
        five = _measured(lambda: scans.read(_mail(files[:5]), dt.date(2026, 3, 1)))
        print(f"a mail of 5 pages: {five[1]:.2f} s wall, {five[0]:.2f} s CPU")
        twenty = _twenty_pages(folder)
        scans.read_files([twenty])
        print(f"largest child, 20 pages of 300 dpi in one PDF: {child.usage().peak_memory / 2**20:.0f} MB")
    return 0
