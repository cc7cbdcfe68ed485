"""Pages as pictures for the viewer: kept when a page is read, drawn again once they were tidied away."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

from mailbot.parsers.picture import WIDTHS, pictures
from mailbot.work import World, blob_path, log

LARGE, SMALL = WIDTHS
SEEN_AGAIN = 86_400  # seconds after which looking at a picture is written down once more
_locks = [threading.Lock() for _ in range(16)]  # one page is drawn once, however many ask at the same time


def keep(world: World, sha256: str, number: int, made: list[bytes]) -> None:
    """A full disk costs the picture, never the reading."""
    try:
        for width, data in zip(WIDTHS, made, strict=False):
            _write(_path(world, sha256, number, width), data)
    except OSError as error:
        log.warning("page picture not kept", sha256=sha256, page=number, error=str(error))


def drawn(world: World, sha256: str, type: str, number: int, width: int) -> Path:
    """The picture of a page in one of `WIDTHS`; raises child.ChildFailed where the page cannot be drawn."""
    target = _path(world, sha256, number, width)
    if not target.exists():
        with _locks[hash((sha256, number)) % len(_locks)]:
            if not target.exists():
                made = pictures(blob_path(world.blobs, sha256), type, number, nice=0)
                for wide, data in zip(WIDTHS, made, strict=True):
                    _write(_path(world, sha256, number, wide), data)
    _looked_at(target.parent)
    return target


def _path(world: World, sha256: str, number: int, width: int) -> Path:
    return _root(world) / sha256 / f"{number}-{width}.jpg"


def _root(world: World) -> Path:
    return world.root / "cache" / "pages"


def _write(target: Path, data: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}-{os.getpid()}-{threading.get_ident()}")
    temporary.write_bytes(data)
    os.replace(temporary, target)


def _looked_at(folder: Path) -> None:
    if time.time() - folder.stat().st_mtime > SEEN_AGAIN:
        os.utime(folder)


# ------------------------------------------------------------------ tidying up


def tidy(world: World) -> int:
    """Keeps the pictures of the files that were looked at last, within [storage] pictures_mb; how many files lost theirs."""
    left, removed = world.settings.storage.pictures_mb << 20, 0
    for folder in _newest_first(_root(world)):
        left -= sum(entry.stat().st_size for entry in os.scandir(folder))
        if left < 0 or not blob_path(world.blobs, folder.name).exists():
            shutil.rmtree(folder, ignore_errors=True)
            removed += 1
    return removed


def _newest_first(root: Path) -> list[Path]:
    folders = [p for p in root.iterdir() if p.is_dir()] if root.is_dir() else []
    return sorted(folders, key=lambda p: p.stat().st_mtime, reverse=True)
