"""Mail from an IMAP server, over one session that is thrown away at the first doubt.

    MailboxError
    |- NetworkTrouble    line dead, slow, closed, not trusted, or a deadline passed
    |- Throttled         the server asks for patience
    |- LoginRefused      wrong user or secret
    |- FolderMissing     the intake folder cannot be selected
    |- ProtocolTrouble   an answer that cannot be used; also a mail of an older UIDVALIDITY
    `- FetchEmpty        one mail without bytes: the only one after which the session is kept

imaplib is out of step with the stream after most errors, so every other exception discards the session
with `shutdown()`; the next call opens a new one. How long to wait before that is `Backoff`'s to say.
Only UIDs are used, bodies are read by BODY.PEEK only, and nothing is deleted: `mark` is the only change.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import imaplib
import random
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any, Literal

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError, ProtocolError

from mailbot.mailbox import (
    CHUNK,
    MAX_BYTES,
    SIZE_DIFFERS,
    TOO_LARGE,
    FetchEmpty,
    FolderMissing,
    Known,
    LoginRefused,
    MailboxError,
    NetworkTrouble,
    Pending,
    ProtocolTrouble,
    Throttled,
    is_loopback,
    keep,
    raw_message,
    verifying_context,
)
from mailbot.model import Location, RawMessage

KEYWORD = b"$MailbotDone"
BATCH = 100
IDLE_SLICE = 60.0
SLOWEST = 50 * 1024  # bytes per second that a body may need at worst (IN-02)
UNDATED = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # no usable INTERNALDATE: so old that no machine answers it

_THROTTLED = re.compile(
    r"\[(THROTTLED|LIMIT|UNAVAILABLE|OVERQUOTA|INUSE)\b|simultaneous connections|too many connections|bandwidth", re.I
)
_SERVER_FAULT = re.compile(r"\[(SERVERBUG|CONTACTADMIN|CORRUPTION)\b|command error: BAD", re.I)


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """`tls` "none" is refused unless the host is this machine. `ca_file` replaces the system's authorities."""

    account: str
    host: str
    port: int
    tls: Literal["tls", "starttls", "none"]
    user: str
    secret: str = field(repr=False)
    folder: str = "INBOX"
    mark: Literal["keyword", "move", "none"] = "keyword"
    move_to: str | None = None
    max_bytes: int = MAX_BYTES
    ca_file: Path | None = None
    deadline: float = 120

    def __post_init__(self) -> None:
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError(f"plaintext IMAP to {self.host} is refused")
        if self.mark == "move" and not self.move_to:
            raise ValueError("mark = move needs move_to")


# ------------------------------------------------------------------ session


class _Imap4(imaplib.IMAP4):
    """Shows its socket before TLS and greeting, so that a deadline can cut those too."""

    def __init__(self, settings: ImapSettings, connect: float, show: Callable[[socket.socket], None]) -> None:
        self._settings, self._connect_timeout, self._show = settings, connect, show
        super().__init__(settings.host, settings.port)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        wanted = self._settings
        plain = socket.create_connection((wanted.host, wanted.port), self._connect_timeout)
        self._show(plain)
        if wanted.tls != "tls":
            return plain
        return verifying_context(wanted.ca_file).wrap_socket(plain, server_hostname=wanted.host)


class _Client(IMAPClient):  # type: ignore[misc]
    def __init__(self, settings: ImapSettings, show: Callable[[socket.socket], None]) -> None:
        self._settings, self._show = settings, show
        timeout = SocketTimeout(connect=min(15, settings.deadline), read=min(60, settings.deadline))
        super().__init__(settings.host, settings.port, ssl=settings.tls == "tls", timeout=timeout)
        self.normalise_times = False

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Imap4(self._settings, self._timeout.connect, self._show)


class _Line:
    """A second handle on the connection, which a timer may shut down while the first one is blocked."""

    def __init__(self) -> None:
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()

    def show(self, connection: socket.socket) -> None:
        self.forget()
        with self._lock:
            self._handle = connection.dup()

    def cut(self) -> None:
        with self._lock, contextlib.suppress(OSError):
            if self._handle is not None:
                self._handle.shutdown(socket.SHUT_RDWR)

    def forget(self) -> None:
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None


class Imap:
    """The protocol `Mailbox` over IMAP, and `idle` as doorbell. Connects by itself, when first needed."""

    def __init__(self, settings: ImapSettings) -> None:
        self.settings = settings
        self._line = _Line()
        self._client: Any = None
        self._uidvalidity: int | None = None  # of the intake folder while it is the selected one
        self._keywords_kept = False

    # -------------------------------------------------------------- the protocol

    def discover(self, known: Known) -> Iterator[Pending]:
        """A full sweep. Ends early if the mailbox changed its UIDVALIDITY meanwhile; the next one sees all."""
        with self._operation():
            uidvalidity = self._select()
            listed = sorted(int(uid) for uid in self._client.search("ALL"))
        have = known(uidvalidity)
        fresh = [uid for uid in listed if str(uid) not in have]
        for start in range(0, len(fresh), BATCH):
            with self._operation():
                if self._selected() != uidvalidity:
                    return
                batch = self._metadata(uidvalidity, fresh[start : start + BATCH])
            yield from batch

    def fetch(self, pending: Pending, into: Path) -> RawMessage:
        """Too large by announcement or by growth: the header only. Another size twice: kept, with a flag."""
        if pending.size > self.settings.max_bytes:
            return self._fetch_header(pending, into)
        kept = self._fetch_body(pending, into)
        if kept and kept[2] != pending.size:
            kept = self._fetch_body(pending, into)
        if not kept:
            return self._fetch_header(pending, into)
        return raw_message(pending, kept, None if kept[2] == pending.size else SIZE_DIFFERS)

    def mark(self, location: Location) -> None:
        """A mail of an older UIDVALIDITY, or one that is gone, needs no mark."""
        if self.settings.mark == "none":
            return
        with self._operation():
            if self._selected() != location.uidvalidity:
                return
            if self.settings.mark == "move":
                self._move(int(location.uid))
            elif self._keywords_kept:
                self._client.add_flags([int(location.uid)], [KEYWORD], silent=True)

    def close(self) -> None:
        """Logs out if the session is sound; never raises."""
        if self._client is None:
            return
        timer = threading.Timer(min(5.0, self.settings.deadline), self._line.cut)
        timer.start()
        with contextlib.suppress(Exception):
            self._client.logout()
        timer.cancel()
        self._discard()

    def idle(self, seconds: float) -> None:
        """Returns when something rang or the time passed. It is a doorbell only: always sweep afterwards.

        A server without IDLE: just waits.
        """
        end = time.monotonic() + seconds
        with self._operation():
            self._selected()
            able = self._client.has_capability("IDLE")
        if not able:
            time.sleep(max(0.0, end - time.monotonic()))
            return
        while (left := end - time.monotonic()) > 0:
            if self._idle_slice(min(left, IDLE_SLICE)):
                return

    # -------------------------------------------------------------- session

    @contextlib.contextmanager
    def _operation(self, seconds: float | None = None) -> Iterator[None]:
        """Opens a session if there is none, sets the deadline, maps errors; any of them ends the session."""
        seconds = self.settings.deadline if seconds is None else seconds
        late = threading.Event()
        timer = threading.Timer(seconds, self._too_late, [late])
        timer.daemon = True
        timer.start()
        try:
            if self._client is None:
                self._connect()
            yield
        except FetchEmpty:
            raise
        except Exception as error:
            self._discard()
            if late.is_set():
                raise NetworkTrouble(f"not done within {seconds:.0f} s") from error
            raise translated(error) from error
        except BaseException:
            self._discard()
            raise
        finally:
            timer.cancel()

    def _too_late(self, late: threading.Event) -> None:
        late.set()
        self._line.cut()

    def _connect(self) -> None:
        wanted = self.settings
        self._client = _Client(wanted, self._line.show)
        if wanted.tls == "starttls":
            self._client.starttls(verifying_context(wanted.ca_file))
        self._client.login(wanted.user, wanted.secret)

    def _discard(self) -> None:
        client, self._client, self._uidvalidity = self._client, None, None
        self._line.cut()
        self._line.forget()
        if client is not None:
            with contextlib.suppress(Exception):
                client.shutdown()

    def _selected(self) -> int:
        return self._select() if self._uidvalidity is None else self._uidvalidity

    def _select(self) -> int:
        """Selects anew even if selected: only so a recreated folder shows."""
        self._uidvalidity = None
        try:
            answer = self._client.select_folder(self.settings.folder, readonly=self.settings.mark == "none")
        except (imaplib.IMAP4.abort, LoginError):
            raise
        except imaplib.IMAP4.error as error:
            if _THROTTLED.search(str(error)) or _SERVER_FAULT.search(str(error)):
                raise
            raise FolderMissing(f"{self.settings.folder}: {error}") from error
        flags = answer.get(b"PERMANENTFLAGS", ())
        self._keywords_kept = b"\\*" in flags or KEYWORD in flags
        if not isinstance(answer.get(b"UIDVALIDITY"), int):
            raise ProtocolTrouble("no UIDVALIDITY")
        self._uidvalidity = answer[b"UIDVALIDITY"]
        return answer[b"UIDVALIDITY"]  # type: ignore[no-any-return]

    # -------------------------------------------------------------- reading

    def _metadata(self, uidvalidity: int, uids: list[int]) -> list[Pending]:
        """A UID that is not answered was expunged meanwhile and is left out."""
        answer = self._client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE", "FLAGS"])
        return [self._pending(uidvalidity, uid, answer[uid]) for uid in uids if uid in answer]

    def _pending(self, uidvalidity: int, uid: int, data: dict[bytes, Any]) -> Pending:
        location = Location(self.settings.account, self.settings.folder, uidvalidity, str(uid))
        size, date, flags = data.get(b"RFC822.SIZE"), data.get(b"INTERNALDATE"), data.get(b"FLAGS") or ()
        received_at = date.astimezone(dt.UTC) if isinstance(date, dt.datetime) else UNDATED
        deleted = b"\\deleted" in {flag.lower() for flag in flags if isinstance(flag, bytes)}
        return Pending(location, size if isinstance(size, int) else 0, received_at, deleted)

    def _fetch_body(self, pending: Pending, into: Path) -> tuple[Path, str, int] | None:
        """None: it is larger than allowed, whatever was announced."""
        chunks = self._chunks(pending)
        with contextlib.closing(chunks):
            try:
                return keep(chunks, into)
            except _Grown:
                return None

    def _fetch_header(self, pending: Pending, into: Path) -> RawMessage:
        with self._operation():
            self._same_epoch(pending)
            header = self._part(pending, f"HEADER]<0.{CHUNK}>")
        return raw_message(pending, keep([header], into), TOO_LARGE)

    def _chunks(self, pending: Pending) -> Generator[bytes, None, None]:
        """The whole fetch has one deadline; each chunk is an operation, so that errors of the disk stay such."""
        end = time.monotonic() + self.settings.deadline + pending.size / SLOWEST
        offset = 0
        while True:
            with self._operation(max(0.1, end - time.monotonic())):
                self._same_epoch(pending)
                chunk = self._part(pending, f"]<{offset}.{CHUNK}>")
            offset += len(chunk)
            if offset > self.settings.max_bytes:
                raise _Grown
            yield chunk
            if not chunk or (len(chunk) < CHUNK and offset >= pending.size):
                return

    def _part(self, pending: Pending, section: str) -> bytes:
        """Past the end a server may answer b"" or NIL. Nothing at all for the UID: FetchEmpty."""
        uid = int(pending.location.uid)
        data = self._client.fetch([uid], [f"BODY.PEEK[{section}"]).get(uid)
        if data is None:
            raise FetchEmpty(f"UID {uid} is not answered")
        parts = [value for key, value in data.items() if key.startswith(b"BODY[")]
        if len(parts) != 1 or not isinstance(parts[0], bytes | None):
            raise ProtocolTrouble(f"UID {uid}: {len(parts)} bodies")
        return parts[0] or b""

    def _same_epoch(self, pending: Pending) -> None:
        if self._selected() != pending.location.uidvalidity:
            raise ProtocolTrouble("UIDVALIDITY changed since the mail was discovered")

    def _idle_slice(self, seconds: float) -> bool:
        """True: something rang. An early empty answer is how a closed connection looks."""
        with self._operation(seconds + self.settings.deadline):
            self._selected()
            client, began = self._client, time.monotonic()
            client.idle()
            rung = client.idle_check(timeout=seconds)
            if not rung and time.monotonic() - began < seconds - 0.1:
                raise NetworkTrouble("closed while waiting")
            rung = [*rung, *client.idle_done()[1]]
            if any(answer[0] == b"BYE" for answer in rung):
                raise NetworkTrouble("the server said BYE")
        return any(answer[0] != b"OK" for answer in rung)

    # -------------------------------------------------------------- moving

    def _move(self, uid: int) -> None:
        """MOVE, or copy and UID EXPUNGE of this one UID. Without either the mail stays where it is."""
        if not self._client.search(["UID", str(uid)]) or not self._target_ready():
            return
        if self._client.has_capability("MOVE"):
            self._client.move([uid], self.settings.move_to)
        elif self._client.has_capability("UIDPLUS"):
            self._copy_away(uid)
        else:
            return
        if self._client.search(["UID", str(uid)]):
            raise ProtocolTrouble(f"UID {uid} is still there after the move")

    def _target_ready(self) -> bool:
        """Created once if missing; a server that refuses gets no marks."""
        try:
            if not self._client.folder_exists(self.settings.move_to):
                self._client.create_folder(self.settings.move_to)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            return False
        return True

    def _copy_away(self, uid: int) -> None:
        if not self._is_in_target(uid):
            self._client.copy([uid], self.settings.move_to)
        self._client.add_flags([uid], [b"\\Deleted"], silent=True)
        self._client.uid_expunge([uid])

    def _is_in_target(self, uid: int) -> bool:
        """Was it copied by a run that died before the expunge?

        Message-ID alone is no key: size and INTERNALDATE must be the same too, else a mail would be lost.
        """
        wanted = ["RFC822.SIZE", "INTERNALDATE"]
        data = self._client.fetch([uid], [*wanted, "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"]).get(uid, {})
        header = next((v for k, v in data.items() if k.startswith(b"BODY[") and v), b"")
        message_id = str(BytesHeaderParser().parsebytes(header).get("Message-ID", "")).strip()
        if not message_id or not message_id.isascii() or not message_id.isprintable():
            return False
        intake = self._uidvalidity
        self._uidvalidity = None
        self._client.select_folder(self.settings.move_to, readonly=True)
        hits = self._client.search(["HEADER", "Message-ID", message_id])
        there = self._client.fetch(hits, wanted) if hits else {}
        if self._select() != intake:
            raise ProtocolTrouble("UIDVALIDITY changed during the move")
        return any(all(d.get(k) == data.get(k) for k in (b"RFC822.SIZE", b"INTERNALDATE")) for d in there.values())


class _Grown(Exception):
    """More bytes came than the limit allows."""


# ------------------------------------------------------------------ errors and patience


def translated(error: Exception) -> MailboxError:
    """Five families of exceptions come out of the libraries; one goes on."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, MailboxError):
        return error
    if isinstance(error, imaplib.IMAP4.error) and _THROTTLED.search(text):
        return Throttled(text)
    if isinstance(error, LoginError):  # the library calls a line that broke during LOGIN so, too
        broke = isinstance(error.__context__, imaplib.IMAP4.abort)
        return NetworkTrouble(text) if broke else LoginRefused(text)
    if isinstance(error, imaplib.IMAP4.readonly):
        return ProtocolTrouble(text)
    if isinstance(error, ProtocolError):
        return ProtocolTrouble(text)
    if isinstance(error, OSError | ssl.SSLError | imaplib.IMAP4.abort):
        return NetworkTrouble(text)
    return ProtocolTrouble(text)


class Backoff:
    """How long to wait before the next session, by class of error, each with its own count (IN-04, IN-05).

    After five healthy minutes all counts begin anew, but that of refused logins only by `forgive`.
    """

    HEALTHY = 300.0
    _STEPS: tuple[tuple[type[MailboxError], tuple[float, ...]], ...] = (
        (Throttled, (300, 600, 1200, 2400, 3600)),
        (LoginRefused, (300, 1800, 21600)),
        (FolderMissing, (300,)),
        (MailboxError, (1, 2, 4, 8, 16, 32, 64, 128, 256, 300)),
    )

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._counts: dict[type[MailboxError], int] = {}

    def next_delay(self, error: MailboxError, healthy_for: float = 0.0) -> float:
        """Seconds, with a jitter of a fifth. `healthy_for`: how long the lost session had worked."""
        if healthy_for >= self.HEALTHY:
            self._counts = {kind: n for kind, n in self._counts.items() if kind is LoginRefused}
        kind, steps = next(pair for pair in self._STEPS if isinstance(error, pair[0]))
        count = self._counts.get(kind, 0)
        self._counts[kind] = count + 1
        return steps[min(count, len(steps) - 1)] * self._rng.uniform(0.8, 1.2)

    def forgive(self) -> None:
        """A login worked, or there is a new secret."""
        self._counts.clear()
