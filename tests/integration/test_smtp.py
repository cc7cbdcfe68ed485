"""Each stage of a hand-over against a real SMTP server; and the folder that stands in for one."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbot.replies.smtp import Outfolder, SmtpSettings, hand_over
from tests.servers import free_port
from tests.servers.dovecot import certificate
from tests.servers.smtp import SECRET, USER, Sink, smtp_sink

MAIL = b"From: bot@batang.test\r\nTo: a@pemohon.test\r\nMessage-ID: <mb.1@batang.test>\r\n\r\nSalam\r\n.titik\r\n"


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    with smtp_sink() as server:
        yield server


def settings(port: int, user: str = "", secret: str = "", timeout: float = 5) -> SmtpSettings:
    return SmtpSettings("127.0.0.1", port, "none", user, secret, timeout)


def test_sent_bytes_are_exact(sink: Sink) -> None:
    outcome = hand_over(MAIL, "bot@batang.test", "exact@pemohon.test", settings(sink.port, USER, SECRET))
    assert (outcome.state, outcome.stage) == ("sent", "final")
    assert [data for to, data in sink.taken if to == "exact@pemohon.test"] == [MAIL]


@pytest.mark.parametrize(
    ("local", "state", "stage", "code"),
    [
        ("rcpt450", "deferred", "rcpt", "450"),
        ("rcpt550", "failed", "rcpt", "550"),
        ("data451", "deferred", "final", "451"),
        ("data554", "failed", "final", "554"),
        ("drop-after-dot", "ambiguous", "final", "SMTPServerDisconnected"),
        ("hang", "ambiguous", "final", ""),
    ],
)
def test_stage_and_state(sink: Sink, local: str, state: str, stage: str, code: str) -> None:
    timeout = 1 if local == "hang" else 5
    outcome = hand_over(MAIL, "bot@batang.test", f"{local}@pemohon.test", settings(sink.port, timeout=timeout))
    assert (outcome.state, outcome.stage) == (state, stage)
    assert outcome.answer.startswith(code)


def test_wrong_secret_waits_for_the_operator(sink: Sink) -> None:
    outcome = hand_over(MAIL, "bot@batang.test", "a@pemohon.test", settings(sink.port, USER, "salah"))
    assert (outcome.state, outcome.stage) == ("deferred", "login")
    assert outcome.answer.startswith("535")


def test_refused_connection_is_deferred() -> None:
    outcome = hand_over(MAIL, "bot@batang.test", "a@pemohon.test", settings(free_port()))
    assert (outcome.state, outcome.stage) == ("deferred", "connect")


@pytest.mark.server
def test_starttls_with_the_office_authority(tmp_path: Path) -> None:
    certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    with smtp_sink(context) as sink:
        good = SmtpSettings("localhost", sink.port, "starttls", USER, SECRET, 5, tmp_path / "cert.pem")
        assert hand_over(MAIL, "bot@batang.test", "a@pemohon.test", good).state == "sent"
        untrusted = SmtpSettings("localhost", sink.port, "starttls", USER, SECRET, 5)
        outcome = hand_over(MAIL, "bot@batang.test", "a@pemohon.test", untrusted)
        assert (outcome.state, outcome.stage, len(sink.taken)) == ("deferred", "starttls", 1)


def test_starttls_not_offered_is_deferred(sink: Sink) -> None:
    wanted = SmtpSettings("localhost", sink.port, "starttls", "", "", 5)
    outcome = hand_over(MAIL, "bot@batang.test", "tls@pemohon.test", wanted)
    assert (outcome.state, outcome.stage) == ("deferred", "starttls")
    assert all(to != "tls@pemohon.test" for to, _ in sink.taken)


def test_line_break_in_an_address_fails(sink: Sink) -> None:
    outcome = hand_over(MAIL, "bot@batang.test", "a@pemohon.test>\r\nDATA", settings(sink.port))
    assert (outcome.state, outcome.stage) == ("failed", "rcpt")


def test_the_null_sender_leaves_as_such(sink: Sink) -> None:
    assert hand_over(MAIL, "", "null@pemohon.test", settings(sink.port)).state == "sent"
    assert sink.senders[-1] == "<>"
    assert hand_over(MAIL, "bot@batang.test", "", settings(sink.port)).state == "failed"


def test_bare_line_ends_cannot_smuggle(sink: Sink) -> None:
    data = MAIL + b"\n.\nMAIL FROM:<x@x.test>\n"
    assert hand_over(data, "bot@batang.test", "smuggle@pemohon.test", settings(sink.port)).state == "sent"
    assert [d.count(b"\r\n.\r\n") for to, d in sink.taken if to == "smuggle@pemohon.test"] == [1]


def test_plaintext_leaves_the_machine_never() -> None:
    with pytest.raises(ValueError, match="refused"):
        SmtpSettings("mail.batang.test", 25, "none", "", "")


def test_outfolder_same_message_id_same_file(tmp_path: Path) -> None:
    folder = Outfolder(tmp_path / "keluar")
    first = folder.hand_over(MAIL, "bot@batang.test", "a@pemohon.test")
    assert first == folder.hand_over(MAIL, "bot@batang.test", "a@pemohon.test")
    other = folder.hand_over(MAIL.replace(b"mb.1", b"mb.2"), "bot@batang.test", "a@pemohon.test")
    assert first.state == other.state == "sent"
    assert sorted(p.name for p in (tmp_path / "keluar").iterdir()) == sorted([first.answer, other.answer])
    assert (tmp_path / "keluar" / first.answer).read_bytes() == MAIL
