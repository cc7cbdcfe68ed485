"""One IMAP session, thrown away at the first doubt.

imaplib is out of step with the stream after most errors, so every error but FetchEmpty discards the session with
`shutdown()`; the next operation opens a new one. Each operation has a hard deadline, kept by a timer that shuts the
socket down: a server that drips a byte per second never hits a read timeout (IN-02).
"""

from __future__ import annotations

import contextlib
import imaplib
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import LoginError, ProtocolError

from mailbot.mailbox import (
    MAX_BYTES,
    FetchEmpty,
    LoginRefused,
    MailboxError,
    NetworkTrouble,
    ProtocolTrouble,
    Throttled,
    is_loopback,
    verifying_context,
)
from mailbot.mailbox.oauth import Tokens

THROTTLED = re.compile(
    r"\[(THROTTLED|LIMIT|UNAVAILABLE|OVERQUOTA|INUSE)\b|simultaneous connections|too many connections|bandwidth", re.I
)
SERVER_FAULT = re.compile(r"\[(SERVERBUG|CONTACTADMIN|CORRUPTION)\b|command error: BAD", re.I)


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """`tls` "none" is refused unless the host is this machine. `ca_file` replaces the system's authorities.

    `tokens` instead of `secret`: the login is XOAUTH2 or OAUTHBEARER. `sent`: folder of our own mails, "" = ask the server.
    """

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
    tokens: Tokens | None = field(default=None, repr=False)
    mechanism: Literal["xoauth2", "oauthbearer"] = "xoauth2"
    sent: str = ""
    read_only: bool = False  # EXAMINE only, for a rehearsal

    def __post_init__(self) -> None:
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError(f"plaintext IMAP to {self.host} is refused")
        if self.mark == "move" and not self.move_to:
            raise ValueError("mark = move needs move_to")


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

    def _poll_socket(self, sock: socket.socket, timeout: float | None = None) -> Any:
        """With timeout 0 the lines are read that lie in the buffer already, where no poll sees them."""
        return [(sock.fileno(), 1)] if timeout == 0 else super()._poll_socket(sock, timeout)

    def idle_start(self) -> None:
        """As `idle`, but news that come before the server's consent are kept, not an error."""
        self._idle_tag = self._imap._command("IDLE")
        while self._imap._get_response() is not None:
            if self._imap.tagged_commands.get(self._idle_tag):
                raise imaplib.IMAP4.error("IDLE refused")

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Imap4(self._settings, self._timeout.connect, self._show)


class Line:
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


class Session:
    """Connects by itself when first needed; `ended` is called whenever the session is lost."""

    def __init__(self, settings: ImapSettings, ended: Callable[[], None]) -> None:
        self.settings = settings
        self.client: Any = None
        self.healthy_for = 0.0  # seconds that the last session worked
        self._ended = ended
        self._line = Line()
        self._since = 0.0

    @contextlib.contextmanager
    def operation(self, seconds: float | None = None) -> Iterator[None]:
        """Opens a session if there is none, sets the deadline, maps errors; any of them ends the session."""
        seconds = self.settings.deadline if seconds is None else seconds
        late = threading.Event()
        timer = threading.Timer(seconds, self._too_late, [late])
        timer.daemon = True
        timer.start()
        try:
            if self.client is None:
                self._connect()
            yield
        except FetchEmpty:
            raise
        except Exception as error:
            self.discard()
            if late.is_set():
                raise NetworkTrouble(f"not done within {seconds:.0f} s") from error
            raise translated(error) from error
        except BaseException:
            self.discard()
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """Logs out if the session is sound; never raises."""
        if self.client is None:
            return
        timer = threading.Timer(min(5.0, self.settings.deadline), self._line.cut)
        timer.start()
        with contextlib.suppress(Exception):
            self.client.logout()
        timer.cancel()
        self.discard()

    def discard(self) -> None:
        client, self.client = self.client, None
        if client is not None:
            self.healthy_for = time.monotonic() - self._since
        self._ended()
        self._line.cut()
        self._line.forget()
        if client is not None:
            with contextlib.suppress(Exception):
                client.shutdown()

    def _too_late(self, late: threading.Event) -> None:
        late.set()
        self._line.cut()

    def _connect(self) -> None:
        self.healthy_for = 0.0
        self._open()
        try:
            self._login(renew=False)
        except LoginError as error:
            if self.settings.tokens is None or isinstance(error.__context__, imaplib.IMAP4.abort):
                raise
            self.discard()  # the token may have been revoked early: once more with a new one
            self._open()
            self._login(renew=True)

    def _open(self) -> None:
        wanted = self.settings
        self.client, self._since = _Client(wanted, self._line.show), time.monotonic()
        if wanted.tls == "starttls":
            self.client.starttls(verifying_context(wanted.ca_file))

    def _login(self, renew: bool) -> None:
        wanted = self.settings
        if wanted.tokens is None:
            self.client.login(wanted.user, wanted.secret)
        elif wanted.mechanism == "oauthbearer":
            self.client.oauthbearer_login(wanted.user, wanted.tokens.access(renew))
        else:
            self.client.oauth2_login(wanted.user, wanted.tokens.access(renew))


def translated(error: Exception) -> MailboxError:
    """Five families of exceptions come out of the libraries; one goes on."""
    text = f"{type(error).__name__}: {error}"
    if isinstance(error, MailboxError):
        return error
    if isinstance(error, imaplib.IMAP4.error) and THROTTLED.search(text):
        return Throttled(text)
    if isinstance(error, LoginError):  # the library calls a line that broke during LOGIN so, too
        broke = isinstance(error.__context__, imaplib.IMAP4.abort)
        return NetworkTrouble(text) if broke else LoginRefused(text)
    if isinstance(error, imaplib.IMAP4.readonly):
        return ProtocolTrouble(text)
    if isinstance(error, ProtocolError):
        return ProtocolTrouble(text)
    if isinstance(error, OSError | ssl.SSLError | imaplib.IMAP4.abort) or "* BYE" in text:
        return NetworkTrouble(text)
    return ProtocolTrouble(text)
