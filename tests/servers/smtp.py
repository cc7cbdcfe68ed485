"""An SMTP sink that behaves by the recipient's local part.

rcpt450 rcpt550: refused at RCPT. data451 data554: refused after the final dot. drop-after-dot: takes the
mail, then cuts the line. hang: takes the mail, then is silent. Anybody else: 250.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable, Iterator
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword

from tests.servers import free_port

USER, SECRET = "lpse", "rahasia"


class Sink:
    """`taken`: (recipient, bytes) of all mails whose final dot arrived and was not refused; `times`: when, of each."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.times: list[float] = []
        self.senders: list[str] = []  # envelope sender of each
        self.file_in: Callable[[bytes], object] | None = None  # a Sent folder, as some providers file accepted mail
        self.port = free_port()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Envelope, address: str, options: Any) -> str:
        local = address.partition("@")[0]
        if local == "rcpt450":
            return "450 4.2.1 try later"
        if local == "rcpt550":
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:
        address = envelope.rcpt_tos[0]
        local = address.partition("@")[0]
        if local == "data451":
            return "451 4.3.0 try later"
        if local == "data554":
            return "554 5.7.1 not wanted"
        content = envelope.content or b""
        if self.file_in:
            self.file_in(envelope.content if isinstance(envelope.content, bytes) else b"")
        self.times.append(time.time())
        self.senders.append(envelope.mail_from or "")
        self.taken.append((address, content if isinstance(content, bytes) else content.encode()))
        if local == "drop-after-dot":
            server.transport.abort()
        if local == "hang":
            await asyncio.sleep(30)
        return "250 2.0.0 taken"


def _authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (USER.encode(), SECRET.encode())
    return AuthResult(success=good, handled=False)


@contextlib.contextmanager
def smtp_sink(starttls: ssl.SSLContext | None = None) -> Iterator[Sink]:
    sink = Sink()
    controller = Controller(
        sink,
        hostname="127.0.0.1",
        port=sink.port,
        authenticator=_authenticate,
        auth_require_tls=False,
        tls_context=starttls,
    )
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()
