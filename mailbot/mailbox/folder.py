"""Mail from the disk: a Maildir, a folder of .eml files, an mbox file or a single .eml.

Nothing is ever deleted or rewritten. Symbolic links and special files are passed over.
The uid is the file's name without Maildir flags; in an mbox, the file's name and the mail's sha256.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import re
import threading
import time
from collections.abc import Container, Iterator
from pathlib import Path
from typing import BinaryIO

from mailbot.mailbox import (
    CHUNK,
    MAX_BYTES,
    TOO_LARGE,
    FetchEmpty,
    FolderMissing,
    Known,
    Pending,
    keep,
    raw_message,
)
from mailbot.model import Location, RawMessage

PIECE = 64 * 1024  # read at a time
LOOK = 0.25  # seconds between two looks at a folder
_QUOTED_FROM = re.compile(rb">+From ")


class Folder:
    """A mailbox on disk. The kind is looked at anew in each sweep, so the path may appear later."""

    def __init__(self, account: str, path: Path, max_bytes: int = MAX_BYTES) -> None:
        self.account = account
        self.path = path
        self.max_bytes = max_bytes
        self._looked = 0.0  # state of the folder when it was last swept

    healthy_for = 0.0

    def discover(self, known: Known, full: bool = True) -> Iterator[Pending]:
        self._looked = self._changed()
        have, seen = known(0), set[str]()
        found = self._scan_mbox() if _is_mbox(self.path) else self._scan_files()
        for pending in sorted(found, key=_age):
            if pending.location.uid not in seen and pending.location.uid not in have:
                seen.add(pending.location.uid)
                yield pending

    def fetch(self, pending: Pending, into: Path) -> RawMessage:
        path = self._current(pending)
        with path.open("rb") as file:
            chunks = _lines(file, pending.span) if pending.span else _pieces(file)
            if pending.size > self.max_bytes:
                return raw_message(pending, keep(_header(chunks), into), TOO_LARGE)
            return raw_message(pending, keep(chunks, into))

    def mark(self, location: Location) -> None:
        """Maildir: new -> cur without any flag, so that it stays unread for people. Else nothing."""
        if not _is_maildir(self.path):
            return
        named = self.path / "new" / location.uid
        for file in (named,) if named.is_file() and not named.is_symlink() else _files(self.path / "new"):
            if _uid(file) == location.uid:
                os.replace(file, self.path / "cur" / f"{file.name.split(':')[0]}:2,")

    def unmarked(self, stored: Container[str]) -> list[Location]:
        """Stored mails of a Maildir that still lie in new."""
        if not _is_maildir(self.path):
            return []
        return [self._location(uid) for uid in map(_uid, _files(self.path / "new")) if uid in stored]

    def idle(self, seconds: float, stop: threading.Event) -> None:
        """The folder rings when it has changed and is quiet again, so that no mail is read while it is written."""
        end = time.monotonic() + seconds
        while not stop.wait(LOOK) and time.monotonic() < end:
            now = self._changed()
            if now != self._looked and (_is_maildir(self.path) or now < time.time() - LOOK):
                return

    def _changed(self) -> float:
        """When the folder, or the newest of its parts, was changed last; 0 while it is missing."""
        parts = (self.path, self.path / "new", self.path / "cur")
        return max((_modified(part) for part in parts), default=0.0)

    def status(self) -> tuple[int, int]:
        """As that of an IMAP folder: 0 and how many mails lie here."""
        found = self._scan_mbox() if _is_mbox(self.path) else self._scan_files()
        return 0, sum(1 for _ in found)

    def close(self) -> None:
        """Nothing is held open."""

    def _location(self, uid: str) -> Location:
        return Location(self.account, self.path.name, 0, uid)

    def _mail_files(self) -> Iterator[Path]:
        if _is_maildir(self.path):
            yield from _files(self.path / "new")
            yield from _files(self.path / "cur")
        elif self.path.is_dir():
            yield from (f for f in _files(self.path) if f.suffix.lower() == ".eml")
        elif self.path.is_file():
            yield self.path
        else:
            raise FolderMissing(str(self.path))

    def _scan_files(self) -> Iterator[Pending]:
        for file in self._mail_files():
            try:
                stat = file.stat()
            except FileNotFoundError:  # moved since it was listed: the next sweep sees it
                continue
            trashed = _is_maildir(self.path) and "T" in file.name.partition(":2,")[2]
            yield Pending(self._location(_uid(file)), stat.st_size, _utc(stat.st_mtime), trashed, file)

    def _scan_mbox(self) -> Iterator[Pending]:
        received_at = _utc(self.path.stat().st_mtime)
        with self.path.open("rb") as file:
            spans = list(_spans(file))
            for span in spans:
                digest, size = hashlib.sha256(), 0
                for line in _lines(file, span):
                    digest.update(line)
                    size += len(line)
                location = self._location(f"{_uid(self.path)}#{digest.hexdigest()}")
                yield Pending(location, size, received_at, False, self.path, span)

    def _current(self, pending: Pending) -> Path:
        """A mail reader may have moved the file from new to cur, or changed its flags."""
        path = pending.path
        if path is not None and path.exists():
            return path
        for file in self._mail_files():
            if _uid(file) == pending.location.uid:
                return file
        raise FetchEmpty(f"{pending.location.uid} is gone")


def _pieces(file: BinaryIO) -> Iterator[memoryview]:
    """Each is good until the next is asked for: memory that is used again costs less than memory that is asked for anew."""
    piece = memoryview(bytearray(PIECE))
    while count := file.readinto(piece):  # type: ignore[attr-defined]
        yield piece[:count]


def _modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _is_maildir(path: Path) -> bool:
    return (path / "new").is_dir() and (path / "cur").is_dir()


def _is_mbox(path: Path) -> bool:
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(5) == b"From "


def _files(folder: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if not entry.name.startswith(".") and entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _uid(file: Path) -> str:
    """Names that are not UTF-8 are escaped: the uid must go into a database."""
    name = file.name.partition(":2,")[0]
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _age(pending: Pending) -> tuple[dt.datetime, int, str]:
    return pending.received_at, pending.span[0] if pending.span else 0, pending.location.uid


def _utc(timestamp: float) -> dt.datetime:
    return dt.datetime.fromtimestamp(timestamp, dt.UTC)


def _spans(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """A mail begins at a "From " line that is first in the file or follows an empty line."""
    start: int | None = None
    blank, offset = True, 0
    for line in file:
        if blank and line.startswith(b"From "):
            if start is not None:
                yield start, offset
            start = offset + len(line)
        offset += len(line)
        blank = line in (b"\n", b"\r\n")
    if start is not None:
        yield start, offset


def _lines(file: BinaryIO, span: tuple[int, int]) -> Iterator[bytes]:
    """The mail without mbox dress: one ">" less before "From ", and no separating empty line at the end."""
    file.seek(span[0])
    left, held = span[1] - span[0], b""
    while left > 0:
        line = file.readline(left)
        if not line:
            break
        left -= len(line)
        yield held
        held = line[1:] if _QUOTED_FROM.match(line) else line
    if held not in (b"\n", b"\r\n"):
        yield held


def _header(chunks: Iterator[bytes | memoryview]) -> Iterator[bytes]:
    """The bytes up to the first empty line, at most one chunk."""
    data = b""
    for chunk in chunks:
        data += chunk
        end = re.search(rb"\r?\n\r?\n", data)
        if end or len(data) >= CHUNK:
            yield data[: end.end() if end else CHUNK]
            return
    yield data
