"""Pages as pictures for people: upright, exactly as the found boxes refer to them; made in the limited child (T10)."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from mailbot.model import PageReading
from mailbot.parsers import child

if TYPE_CHECKING:
    from mailbot.parsers.pages import Upright

SECONDS = 30.0
PICTURED = ("pdf", "jpeg", "png", "tiff", "heic", "gif", "webp", "bmp")
SCRATCH = "mailbot-scratch-"  # folders of children under the system's temporary one
WIDTHS = (1400, 180)  # pixels across: to read, to choose
_LARGEST = 16 << 20  # bytes of one picture
_FINE = 0.6  # below this scale plain interpolation would drop thin strokes


def picture(path: Path, type: str, number: int, width: int = 1240) -> bytes:
    """JPEG bytes of one page, `width` pixels wide at most; raises child.ChildFailed."""
    return pictures(path, type, number, (width,))[0]


def pictures(path: Path, type: str, number: int, widths: tuple[int, ...] = WIDTHS, nice: int = 10) -> list[bytes]:
    """One page in several sizes, the widest first; raises child.ChildFailed. `nice`: 0 where a person waits."""
    with tempfile.TemporaryDirectory(prefix=SCRATCH) as scratch:
        limits = child.Limits(seconds=SECONDS, cpu_seconds=20, reads=(str(path.resolve()),), scratch=scratch, nice=nice)
        child.run(_draw, str(path), type, number, widths, scratch, result=int, limits=limits)
        made = taken(scratch, number, widths)
    if len(made) < len(widths):
        raise child.ChildFailed("error", "the page left no picture")
    return made


def taken(scratch: str, number: int, widths: tuple[int, ...] = WIDTHS) -> list[bytes]:
    """What a child left in its folder. It had hostile bytes in hand: only plain files of JPEG bytes are believed."""
    found = (_plain(_name(scratch, number, width)) for width in widths)
    return [data for data in found if data.startswith(b"\xff\xd8\xff")]


def _plain(path: Path) -> bytes:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return b""
    with open(handle, "rb") as file:
        about = os.fstat(handle)
        return file.read() if stat.S_ISREG(about.st_mode) and about.st_size <= _LARGEST else b""


def _name(folder: str, number: int, width: int) -> Path:
    return Path(folder) / f"{number}-{width}.jpg"


# ------------------------------------------------------------------ in the child
# Who orders them names these functions only: what opens pages takes 40 MB, which the service need not hold.


def read_page(path: str, type: str, number: int, folder: str = "") -> PageReading:
    """Reads a page and leaves its pictures in `folder`: they cost little while the page is open."""
    from mailbot.parsers import pages

    page = pages.opened(path, type, number)
    if folder:
        with contextlib.suppress(OSError):  # a picture can be drawn again, a reading must not fail for it
            _save(page, number, WIDTHS, folder)
    return pages.read(page, number)


def _draw(path: str, type: str, number: int, widths: tuple[int, ...], folder: str) -> int:
    from mailbot.parsers import pages

    _save(pages.opened(path, type, number), number, widths, folder)
    return 1


def _save(page: Upright, number: int, widths: tuple[int, ...], folder: str) -> None:
    """Each size is made of the one before."""
    import cv2

    image = cv2.cvtColor(page.image, cv2.COLOR_BGR2GRAY) if page.grey else page.image
    for width in widths:
        high, wide = image.shape[:2]
        if wide > width:
            way = cv2.INTER_LINEAR if width > _FINE * wide else cv2.INTER_AREA
            image = cv2.resize(image, (width, max(1, round(high * width / wide))), interpolation=way)
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
        _name(folder, number, width).write_bytes(data.tobytes())


def page_count(path: Path, type: str) -> int:
    """How many pages a file has, counted in a limited child; raises child.ChildFailed."""
    limits = child.Limits(seconds=SECONDS, cpu_seconds=20, reads=(str(path.resolve()),))
    return child.run(count, str(path), type, result=int, limits=limits)


def count(path: str, type: str) -> int:
    from mailbot.parsers import pages

    return pages.count(path, type)


def counts(files: tuple[tuple[str, str], ...]) -> tuple[int | str, ...]:
    from mailbot.parsers import pages

    return pages.counts(files)
