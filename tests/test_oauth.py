"""IN-06: access tokens against a token endpoint and an IMAP server on this machine."""

from __future__ import annotations

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from mailbot.mailbox import LoginRefused, NetworkTrouble, ProtocolTrouble
from mailbot.mailbox.imap import Imap
from mailbot.mailbox.oauth import Tokens, TokenSettings
from mailbot.mailbox.session import ImapSettings
from mailbot.replies.smtp import SmtpSettings, hand_over
from tests.servers import smtp_script
from tests.servers.imap import Act, Fault, Line, Script, scripted, words


@dataclass
class Endpoint:
    """Gives token-1, token-2 ...; `answer` replaces (status, body)."""

    port: int = 0
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    answer: tuple[int, bytes] | None = None
    seconds: int = 3600


@contextmanager
def endpoint() -> Iterator[Endpoint]:
    made = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            made.asked.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            told = {"access_token": f"token-{len(made.asked)}", "expires_in": made.seconds}
            status, body = made.answer or (200, json.dumps(told).encode())
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    made.port = server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()


def tokens(served: Endpoint, clock: list[float] | None = None) -> Tokens:
    settings = TokenSettings(f"http://127.0.0.1:{served.port}/token", "klien", "segar-rahasia", "rahasia-klien")
    now = clock or [0.0]
    return Tokens(settings, lambda: now[0])


def test_in_06_a_token_is_kept_and_renewed_five_minutes_early() -> None:
    clock = [0.0]
    with endpoint() as served:
        kept = tokens(served, clock)
        assert [kept.access(), kept.access()] == ["token-1", "token-1"]
        clock[0] = 3600 - 299
        assert kept.access() == "token-2"

    assert served.asked[0] == {
        "grant_type": ["refresh_token"], "refresh_token": ["segar-rahasia"], "client_id": ["klien"], "client_secret": ["rahasia-klien"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, b'{"error": "invalid_grant"}'), LoginRefused),
        ((401, b"no"), LoginRefused),
        ((503, b"later"), NetworkTrouble),
        ((200, b"<html>"), ProtocolTrouble),
        ((200, b"{}"), ProtocolTrouble),
    ],
)
def test_in_06_a_refused_grant_stops_and_tells_no_secret(answer: tuple[int, bytes], error: type[Exception]) -> None:
    with endpoint() as served:
        served.answer = answer
        with pytest.raises(error) as raised:
            tokens(served).access()

    assert "rahasia" not in repr(raised.value) + repr(raised.value.__cause__) + repr(
        TokenSettings("https://x.example", "k", "segar-rahasia")
    )


def test_in_06_a_token_endpoint_without_tls_is_refused() -> None:
    with pytest.raises(ValueError, match="https"):
        TokenSettings("http://login.example/token", "klien", "x")


def test_in_06_a_silent_endpoint_is_network_trouble() -> None:
    with endpoint() as served:
        pass
    with pytest.raises(NetworkTrouble):
        tokens(served).access()


def challenge(seen: list[str]) -> Act:
    """Asks for the XOAUTH2 words, notes the token and lets in."""

    def act(line: Line, tag: bytes) -> None:
        line.say(b"+ ")
        seen.append(base64.b64decode(line.file.readline()).decode())
        line.ok()

    return act


def refused_in_two_steps(line: socket.socket) -> None:
    """As Google and Microsoft do: the reason first, and the refusal after an empty line."""
    line.sendall(b"334 eyJzdGF0dXMiOiI0MDAifQ==\r\n")
    assert line.recv(10) == b"\r\n"
    line.sendall(b"535 5.7.8 not accepted\r\n")


@pytest.mark.parametrize("refuse", [smtp_script.say("535 5.7.8 not accepted"), refused_in_two_steps])
def test_in_06_smtp_login_with_a_token_and_once_more_with_a_new_one(refuse: smtp_script.Act) -> None:
    script = smtp_script.Script("auth", refuse)
    with endpoint() as served, smtp_script.scripted(script):
        settings = SmtpSettings(
            "127.0.0.1", script.port, "none", "lpse@batang.example", timeout=5, tokens=tokens(served)
        )
        outcome = hand_over(b"Subject: x\r\n\r\nisi\r\n", "lpse@batang.example", "a@kantor.example", settings)

    logins = [base64.b64decode(h.split()[2]).decode() for h in script.heard if h.startswith(b"AUTH XOAUTH2")]
    assert (outcome.state, len(script.taken)) == ("sent", 1)
    assert logins == [f"user=lpse@batang.example\1auth=Bearer token-{n}\1\1" for n in (1, 2)]


def test_in_06_smtp_waits_where_the_grant_is_void() -> None:
    script = smtp_script.Script()
    with endpoint() as served, smtp_script.scripted(script):
        served.answer = (400, b'{"error": "invalid_grant"}')
        settings = SmtpSettings(
            "127.0.0.1", script.port, "none", "lpse@batang.example", timeout=5, tokens=tokens(served)
        )
        outcome = hand_over(b"Subject: x\r\n\r\nisi\r\n", "lpse@batang.example", "a@kantor.example", settings)

    assert (outcome.state, outcome.stage, script.taken) == ("deferred", "login", [])
    assert "rahasia" not in outcome.answer


@pytest.mark.parametrize("mechanism", ["xoauth2", "oauthbearer"])
def test_in_06_login_with_a_token_and_once_more_with_a_new_one(mechanism: str) -> None:
    seen: list[str] = []
    script = Script({1: b"Subject: x\r\n\r\nisi\r\n"}, capabilities=b"IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER")
    with endpoint() as served, scripted(script):
        settings = ImapSettings(
            "utama",
            "127.0.0.1",
            script.port,
            "none",
            "lpse@batang.example",
            "",
            tokens=tokens(served),
            mechanism=mechanism,
            deadline=5,
        )  # type: ignore[arg-type]
        source = Imap(settings)

        def first_refused_then_asked(line: Line, tag: bytes) -> None:
            script.fault = Fault("login", challenge(seen))
            words(b"NO [AUTHENTICATIONFAILED] expired")(line, tag)

        script.fault = Fault("login", first_refused_then_asked)
        assert len(list(source.discover(lambda _: set()))) == 1
        source.close()

    assert len(served.asked) == 2
    assert "Bearer token-2" in seen[0]
    assert "lpse@batang.example" in seen[0]
