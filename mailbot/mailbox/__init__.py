"""Where mail comes from: the protocol every source keeps, its errors, and the safe way of bytes to disk.

Sources never decide anything. They say what lies there (`discover`), copy it out byte for byte (`fetch`)
and, once the caller has committed it, leave a mark for people (`mark`). The database is the truth.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import ipaddress
import os
import ssl
import tempfile
import threading
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mailbot import crash
from mailbot.model import Location, RawMessage

MAX_BYTES = 50 * 1024 * 1024
CHUNK = 1024 * 1024
TOO_LARGE = "TOO_LARGE"
SIZE_DIFFERS = "SIZE_DIFFERS"  # stored whole, but the server announced another size (IN-32)

Known = Callable[[int], Container[str]]  # UIDVALIDITY -> the uids that need no fetch


class MailboxError(Exception):
    """Root of all troubles with a mailbox."""


class NetworkTrouble(MailboxError):
    """The line is dead, slow or not trusted; the session is gone."""


class Throttled(MailboxError):
    """The server asks for patience."""


class LoginRefused(MailboxError):
    """Wrong user or secret; trying often gets the address blocked."""


class FolderMissing(MailboxError):
    """The intake folder is not there; it is never created by us."""


class ProtocolTrouble(MailboxError):
    """The server answered something that cannot be used."""


class StartMissing(MailboxError):
    """First contact, and nobody said what of the old mail counts (IN-13)."""


class Paused(MailboxError):
    """An operator must confirm before more is taken (IN-21)."""


class FetchEmpty(MailboxError):
    """The mail is listed but has no bytes (IN-33). About this mail only: the session stays usable."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A mail that lies in the mailbox and is not stored yet. `size` is what the source claims."""

    location: Location
    size: int
    received_at: dt.datetime
    deleted: bool = False
    path: Path | None = None  # folders only: the file that holds it
    span: tuple[int, int] | None = None  # mbox only: first byte after the "From " line, and end


class Mailbox(Protocol):
    """One connection to one folder; used by one thread."""

    @property
    def healthy_for(self) -> float:
        """Seconds that the last session worked."""
        ...

    def discover(self, known: Known, full: bool = True) -> Iterator[Pending]:
        """What is not known yet, oldest first. Not `full`: only what came since the last full sweep of this session."""
        ...

    def fetch(self, pending: Pending, into: Path) -> RawMessage:
        """Copies one mail to `into`/<first two of sha256>/<sha256>; durable when it returns."""
        ...

    def mark(self, location: Location) -> None:
        """Shows people that the mail is done. Idempotent; only for mails that are committed."""
        ...

    def unmarked(self, stored: Container[str]) -> list[Location]:
        """Stored mails that carry no mark: a process died before it could set it."""
        ...

    def idle(self, seconds: float, stop: threading.Event) -> None:
        """Waits until the mailbox rings, the time passed or `stop` is set. A doorbell only: always sweep afterwards."""
        ...

    def status(self) -> tuple[int, int]:
        """UIDVALIDITY (0 on disk) and how many mails lie here."""
        ...

    def close(self) -> None: ...


def keep(chunks: Iterable[bytes | memoryview], into: Path) -> tuple[Path, str, int]:
    """Stores bytes under their hash: temp file, fsync, rename, fsync of the folder. Returns path, sha256, size.

    A file that is already there is reused. Errors of the disk stay OSError: they are not the mailbox's.
    """
    into.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".incoming-", dir=into)
    temp = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            digest, size = hashlib.sha256(), 0
            for chunk in chunks:
                digest.update(chunk)
                size += file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        crash.point("blob-written")
        if not size:
            raise FetchEmpty("no bytes")
        return _settle(temp, into, digest.hexdigest()), digest.hexdigest(), size
    finally:
        temp.unlink(missing_ok=True)


def _settle(temp: Path, into: Path, sha256: str) -> Path:
    home = into / sha256[:2]
    home.mkdir(exist_ok=True)
    final = home / sha256
    if not final.exists():
        os.replace(temp, final)
        crash.point("blob-renamed")
    sync_folder(home)
    sync_folder(into)
    return final


def sync_folder(path: Path) -> None:
    """Makes renames in a folder survive power loss."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def raw_message(pending: Pending, kept: tuple[Path, str, int], problem: str | None = None) -> RawMessage:
    """A header kept for a mail that is too large has the size of the mail, not of the header."""
    path, sha256, size = kept
    size = pending.size if problem == TOO_LARGE else size
    return RawMessage(pending.location, str(path), sha256, size, pending.received_at, pending.deleted, problem)


def is_loopback(host: str) -> bool:
    """True only for names that cannot leave this machine; other names are not looked up."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def verifying_context(ca_file: str | Path | None) -> ssl.SSLContext:
    """The default context; `ca_file` replaces the system's authorities (an office with its own)."""
    return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
