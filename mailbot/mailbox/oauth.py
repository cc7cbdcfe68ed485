"""Access tokens for mailboxes that take no password (IN-06): kept in memory only, fetched with a refresh token.

The refresh token comes from the environment or a 0600 file; neither kind is ever logged or stored in the database.
"""

from __future__ import annotations

import json
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from mailbot.mailbox import LoginRefused, NetworkTrouble, ProtocolTrouble, is_loopback, verifying_context

EARLY = 300.0  # a token is renewed this many seconds before it expires
MAX_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """`url`: the provider's token endpoint; https, unless it is on this machine."""

    url: str
    client_id: str
    refresh_token: str = field(repr=False)
    client_secret: str = field(default="", repr=False)
    scope: str = ""
    timeout: float = 20
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
            raise ValueError(f"token_url {self.url}: only https is accepted")


class Tokens:
    """One access token at a time, shared by all sessions of an account."""

    def __init__(self, settings: TokenSettings, clock: Callable[[], float] = time.monotonic) -> None:
        self._settings, self._clock = settings, clock
        self._lock = threading.Lock()
        self._token, self._ends = "", 0.0

    def access(self, renew: bool = False) -> str:
        """`renew`: the server refused the present one. Raises LoginRefused where the grant itself is void."""
        with self._lock:
            if renew or not self._token or self._clock() > self._ends - EARLY:
                self._token, seconds = self._fetch()
                self._ends = self._clock() + seconds
            return self._token

    def _fetch(self) -> tuple[str, float]:
        wanted = self._settings
        form = {"grant_type": "refresh_token", "refresh_token": wanted.refresh_token, "client_id": wanted.client_id}
        form |= {"client_secret": wanted.client_secret} if wanted.client_secret else {}
        form |= {"scope": wanted.scope} if wanted.scope else {}
        answer = self._post(urllib.parse.urlencode(form).encode())
        token, seconds = answer.get("access_token"), answer.get("expires_in", 3600)
        if not isinstance(token, str) or not token:
            raise ProtocolTrouble("the token endpoint gave no access_token")
        return token, float(seconds) if isinstance(seconds, int | float | str) else 3600.0

    def _post(self, body: bytes) -> dict[str, object]:
        wanted = self._settings
        request = urllib.request.Request(wanted.url, body, {"Accept": "application/json"})
        context = verifying_context(wanted.ca_file) if wanted.url.startswith("https") else None
        try:
            with urllib.request.urlopen(request, timeout=wanted.timeout, context=context) as answer:
                return _json(answer.read(MAX_ANSWER))
        except urllib.error.HTTPError as error:
            raise _refusal(error) from None  # the request in its context carries the refresh token
        except OSError as error:
            raise NetworkTrouble(f"token endpoint: {type(error).__name__}: {error}") from None


def _json(data: bytes) -> dict[str, object]:
    try:
        found = json.loads(data)
    except ValueError:
        raise ProtocolTrouble("the token endpoint did not answer in JSON") from None
    return found if isinstance(found, dict) else {}


def _refusal(error: urllib.error.HTTPError) -> Exception:
    """400 and 401 are about our grant (RFC 6749 5.2); everything else may pass."""
    if error.code not in (400, 401):
        return NetworkTrouble(f"token endpoint: HTTP {error.code}")
    try:
        word = _json(error.read(MAX_ANSWER)).get("error")
    except (ProtocolTrouble, OSError):
        word = None
    return LoginRefused(f"token endpoint: {word or error.code}")
