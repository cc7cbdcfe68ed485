"""Headers that every answer carries, and the names under which this server may be called (T16, T17, T19)."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailbot.config import WebSection

CSP = (  # data: for the icons that are drawn inside of pico.css; an image can neither run nor send anything
    "default-src 'none'; img-src 'self' data:; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
FIXED = {
    "content-security-policy": CSP, "x-content-type-options": "nosniff", "x-frame-options": "DENY", "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin", "cross-origin-resource-policy": "same-origin", "cache-control": "no-store",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()", "x-robots-tag": "noindex",
    "x-permitted-cross-domain-policies": "none",
}  # fmt: skip
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class Guarded:
    """Sets the headers where an answer has not set its own, and refuses strange host names (DNS rebinding)."""

    def __init__(self, inner: ASGIApp, web: WebSection) -> None:
        self.inner, self.web = inner, web
        self.names = {*LOOPBACK, web.host.lower(), *(n.lower() for n in web.names)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.inner(scope, receive, send)
            return

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._complete(MutableHeaders(scope=message))
            await send(message)

        if self._known(scope):
            await self.inner(scope, receive, sent)
        else:
            await PlainTextResponse("Nama server tidak dikenal; tambahkan pada [web] names.", 421)(scope, receive, sent)

    def _known(self, scope: Scope) -> bool:
        host = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"host"), "").lower()
        name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
        return name in self.names or (self.web.host in ("0.0.0.0", "::") and not self.web.names)

    def _complete(self, headers: MutableHeaders) -> None:
        for name, value in FIXED.items():
            headers.setdefault(name, value)
        if self.web.https:
            headers.setdefault("strict-transport-security", "max-age=31536000; includeSubDomains")
