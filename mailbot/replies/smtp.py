"""Hands a frozen mail to an SMTP server (or a folder) and says how far it got.

smtplib is driven step by step: its `sendmail` reports the same error before and after the final dot, and
only the latter may have been delivered. Between that dot and the server's 250 nobody knows (RFC 1047),
which is why `ambiguous` exists and must not be sent again blindly (IN-52).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import re
import smtplib
import socket
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Literal

from mailbot import crash
from mailbot.mailbox import MailboxError, is_loopback, sync_folder, verifying_context
from mailbot.mailbox.oauth import Tokens
from mailbot.mailbox.session import Line

State = Literal["sent", "deferred", "failed", "ambiguous"]
Final = Callable[[], None]

SLOWEST = 50 * 1024  # bytes per second
_BEFORE_MAIL = ("connect", "ehlo", "starttls", "login")
_UNSAFE = re.compile(r"[\x00-\x20\x7f<>]|^$")
_AUTH_CODES = (530, 534, 535, 538)  # our login is wanted or wrong, whatever the stage


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """`tls` "none" is refused unless the host is this machine. No `user`: no login."""

    host: str
    port: int
    tls: Literal["tls", "starttls", "none"]
    user: str = ""
    secret: str = field(default="", repr=False)
    timeout: float = 60  # of silence
    ca_file: Path | None = None
    tokens: Tokens | None = field(default=None, repr=False)  # XOAUTH2 instead of the secret
    copy_to: str = ""  # our own address: a second recipient whose refusal does not matter
    deadline: float = 300  # of a whole hand-over, and its size at SLOWEST; the lease of the outbox is longer

    def __post_init__(self) -> None:
        if self.tls == "none" and not is_loopback(self.host):
            raise ValueError(f"plaintext SMTP to {self.host} is refused")


@dataclass(frozen=True, slots=True)
class Handover:
    """`stage`: connect ehlo starttls login mail rcpt data final, or write; `answer`: the last words heard."""

    state: State
    stage: str
    answer: str


def hand_over(
    outgoing_bytes: bytes, sender: str, recipient: str, settings: SmtpSettings, final: Final | None = None
) -> Handover:
    """One try for one recipient; an empty sender is the null one. Never raises for what a server or the line does.

    `final` is called before the last dot leaves.
    """
    for stage, address in (("mail", sender), ("rcpt", recipient)):
        nobody = stage == "mail" and not address  # the null sender: MAIL FROM:<>
        if _UNSAFE.search(address) and not nobody:  # smtplib would cut it short and send to what is left
            return Handover("failed", stage, f"not an address: {address!r}")
    attempt = _Attempt(settings, final)
    watchdog = threading.Timer(settings.deadline + len(outgoing_bytes) / SLOWEST, attempt.line.cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        answer = attempt.run(outgoing_bytes, sender, recipient)
    except smtplib.SMTPResponseException as error:
        return attempt.refused(error.smtp_code, _text(error.smtp_error))
    except (smtplib.SMTPException, OSError, MailboxError) as error:
        return Handover("ambiguous" if attempt.stage == "final" else "deferred", attempt.stage, _words(error))
    except ValueError as error:  # a line break or a character in an address that SMTP cannot carry
        return Handover("ambiguous" if attempt.stage == "final" else "failed", attempt.stage, _words(error))
    finally:
        watchdog.cancel()
        attempt.end()
    return Handover("sent", attempt.stage, answer)


def probe(settings: SmtpSettings) -> Handover:
    """Connects and logs in, and hands nothing over; "sent" means that all of it worked."""
    attempt = _Attempt(settings)
    try:
        attempt.connect()
        attempt.answered = True
        return Handover("sent", "login" if settings.user else "ehlo", "in order")
    except (smtplib.SMTPException, OSError, MailboxError) as error:
        return Handover("deferred", attempt.stage, _words(error))
    finally:
        attempt.end()


class _Smtp(smtplib.SMTP):
    """Shows its socket before TLS and greeting, so that the watchdog can cut a server that drips."""

    def __init__(self, wanted: SmtpSettings, show: Callable[[socket.socket], None]) -> None:
        self._wanted, self._show = wanted, show
        super().__init__(wanted.host, wanted.port, timeout=wanted.timeout)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        plain = socket.create_connection((host, port), timeout)
        self._show(plain)
        if self._wanted.tls != "tls":
            return plain
        return verifying_context(self._wanted.ca_file).wrap_socket(plain, server_hostname=host)


class _Attempt:
    """Knows its stage at every moment; `final` begins before the dot leaves."""

    def __init__(self, settings: SmtpSettings, final: Final | None = None) -> None:
        self.settings = settings
        self.final = final or _nothing
        self.stage = "connect"
        self.smtp: smtplib.SMTP | None = None
        self.line = Line()
        self.answered = False  # the server gave a well-formed reply to the final dot

    def run(self, data: bytes, sender: str, recipient: str) -> str:
        smtp = self.connect()
        self._envelope(smtp, data, sender, recipient)
        self.stage = "data"
        _expect(smtp.docmd("DATA"), 3)
        smtp.send(_dotted(data))
        crash.point("smtp-data")
        self.final()
        self.stage = "final"
        smtp.send(b".\r\n")
        crash.point("smtp-dot")
        code, text = smtp.getreply()
        self.answered = code // 100 in (2, 4, 5)
        crash.point("smtp-answered")
        return _expect((code, text), 2)

    def connect(self) -> smtplib.SMTP:
        wanted = self.settings
        self.smtp = _Smtp(wanted, self.line.show)
        self.stage = "ehlo"
        self.smtp.ehlo_or_helo_if_needed()
        if wanted.tls == "starttls":
            self.stage = "starttls"
            _expect(self.smtp.starttls(context=verifying_context(wanted.ca_file)), 2)
            self.smtp.ehlo_or_helo_if_needed()
        crash.point("smtp-connected")
        if wanted.user:
            self.stage = "login"
            self._login(self.smtp)
        return self.smtp

    def _login(self, smtp: smtplib.SMTP) -> None:
        wanted = self.settings
        if wanted.tokens is None:
            smtp.login(wanted.user, wanted.secret)
            return
        for renew in (False, True):
            words = f"user={wanted.user}\1auth=Bearer {wanted.tokens.access(renew)}\1\1"
            code, text = smtp.docmd("AUTH", "XOAUTH2 " + base64.b64encode(words.encode()).decode())
            if code == 334:  # the refusal's details; an empty line ends them
                code, text = smtp.docmd("")
            if code == 235:
                return
        raise smtplib.SMTPAuthenticationError(code, text)

    def _envelope(self, smtp: smtplib.SMTP, data: bytes, sender: str, recipient: str) -> None:
        options = [f"SIZE={len(data)}"] if smtp.has_extn("size") else []
        if not data.isascii() and smtp.has_extn("8bitmime"):
            options.append("BODY=8BITMIME")
        if not (sender + recipient).isascii() and smtp.has_extn("smtputf8"):
            options.append("SMTPUTF8")
            smtp.command_encoding = "utf-8"
        self.stage = "mail"
        _expect(smtp.mail(sender, options), 2)
        self.stage = "rcpt"
        _expect(smtp.rcpt(recipient), 2)
        if self.settings.copy_to:
            smtp.rcpt(self.settings.copy_to)
        crash.point("smtp-rcpt")

    def refused(self, code: int, text: str) -> Handover:
        """Before MAIL, and whenever it is about our login, a 5xx is the operator's problem: it waits."""
        answer = f"{code} {text}"
        if self.stage == "final" and not self.answered:
            return Handover("ambiguous", self.stage, answer)
        lasting = code // 100 == 5 and self.stage not in _BEFORE_MAIL and code not in _AUTH_CODES
        return Handover("failed" if lasting else "deferred", self.stage, answer)

    def end(self) -> None:
        """QUIT is a courtesy: after the 250 its errors change nothing; after trouble it is not tried."""
        self.line.forget()
        if self.smtp is None:
            return
        with contextlib.suppress(smtplib.SMTPException, OSError, ValueError):
            if self.answered:
                self.smtp.quit()
        self.smtp.close()


def _nothing() -> None:
    """Nobody wants to know when the dot leaves."""


def _expect(reply: tuple[int, bytes], hundred: int) -> str:
    code, text = reply
    if code // 100 != hundred:
        raise smtplib.SMTPResponseException(code, text)
    return f"{code} {_text(text)}"


def _dotted(data: bytes) -> bytes:
    """CRLF line ends only (a bare one may smuggle a second mail), dots doubled, line end at the end."""
    data = re.sub(rb"\r\n|\r|\n", b"\r\n", data)
    data = re.sub(rb"(?m)^\.", b"..", data)
    return data if data.endswith(b"\r\n") else data + b"\r\n"


def _text(answer: bytes | str) -> str:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer


def _words(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


class Outfolder:
    """The embedded default: mails are laid into a folder. The same Message-ID gets the same name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def hand_over(self, outgoing_bytes: bytes, sender: str, recipient: str, final: Final | None = None) -> Handover:
        """The envelope is not written: the bytes stay exactly the frozen ones."""
        message_id = BytesHeaderParser().parsebytes(outgoing_bytes).get("Message-ID")
        key = str(message_id).strip().encode("utf-8", "replace") if message_id else outgoing_bytes
        target = self.path / f"{hashlib.sha256(key).hexdigest()[:32]}.eml"
        try:
            (final or _nothing)()
            _write(target, outgoing_bytes)
        except OSError as error:
            return Handover("deferred", "write", _words(error))
        return Handover("sent", "write", target.name)


def _write(final: Path, data: bytes) -> None:
    final.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".outgoing-", dir=final.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, final)
        sync_folder(final.parent)
    finally:
        Path(name).unlink(missing_ok=True)
