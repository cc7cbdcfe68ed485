"""A page as a picture for people: upright, exactly as the found boxes refer to it; made in the limited child (T10)."""

from __future__ import annotations

import tempfile
from pathlib import Path

from mailbot.parsers import child

SECONDS = 30.0
PICTURED = ("pdf", "jpeg", "png", "tiff", "heic", "gif", "webp", "bmp")


def picture(path: Path, type: str, number: int, width: int = 1240) -> bytes:
    """JPEG bytes of one page, `width` pixels wide at most; raises child.ChildFailed."""
    with tempfile.TemporaryDirectory(prefix="mailbot-") as scratch:
        target = Path(scratch) / "page.jpg"
        limits = child.Limits(seconds=SECONDS, cpu_seconds=20, reads=(str(path.resolve()),), scratch=scratch)
        child.run(_draw, str(path), type, number, width, str(target), result=int, limits=limits)
        return target.read_bytes()


def _draw(path: str, type: str, number: int, width: int, target: str) -> int:
    from mailbot.parsers import pages

    image = pages.upright(path, type, number)
    if image.width > width:
        image = image.resize((width, round(image.height * width / image.width)))
    image.save(target, "JPEG", quality=80)
    return 1
