"""A page as a picture for people: upright, exactly as the found boxes refer to it; made in the limited child (T10)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mailbot.parsers import child

SECONDS = 30.0
PICTURED = ("pdf", "jpeg", "png", "tiff", "heic", "gif", "webp", "bmp")


def picture(path: Path, type: str, number: int, width: int = 1240) -> bytes:
    """JPEG bytes of one page, `width` pixels wide at most; raises child.ChildFailed."""
    return pictures(path, type, number, (width,))[0]


def pictures(path: Path, type: str, number: int, widths: tuple[int, ...]) -> list[bytes]:
    """One page in several sizes; raises child.ChildFailed."""
    with tempfile.TemporaryDirectory(prefix="mailbot-") as scratch:
        limits = child.Limits(seconds=SECONDS, cpu_seconds=20, reads=(str(path.resolve()),), scratch=scratch)
        child.run(_draw, str(path), type, number, widths, scratch, result=int, limits=limits)
        return [(Path(scratch) / f"{width}.jpg").read_bytes() for width in widths]


def _draw(path: str, type: str, number: int, widths: tuple[int, ...], folder: str) -> int:
    from mailbot.parsers import pages

    image = pages.upright(path, type, number)
    for width in widths:
        small = image.resize((width, round(image.height * width / image.width))) if image.width > width else image
        small.save(Path(folder) / f"{width}.jpg", "JPEG", quality=80)
    return 1


def page_count(path: Path, type: str) -> int:
    """How many pages a file has, counted in a limited child; raises child.ChildFailed."""
    limits = child.Limits(seconds=SECONDS, cpu_seconds=20, reads=(str(path.resolve()),))
    return child.run(_count, str(path), type, result=int, limits=limits)


def _count(path: str, type: str) -> int:
    from mailbot.parsers import pages

    return pages.count(path, type)
