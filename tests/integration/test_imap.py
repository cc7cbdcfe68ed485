"""The IMAP source against a real Dovecot, and its deadlines against servers that misbehave."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import hashlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbot.mailbox import (
    FetchEmpty,
    FolderMissing,
    LoginRefused,
    MailboxError,
    NetworkTrouble,
    Pending,
    ProtocolTrouble,
    Throttled,
)
from mailbot.mailbox.imap import Imap
from mailbot.mailbox.patience import Backoff
from mailbot.mailbox.session import ImapSettings
from tests.servers import free_port
from tests.servers.dovecot import POOR, SECRET, Dovecot, dovecot

pytestmark = pytest.mark.server
NEVER = threading.Event()


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture(scope="module")
def poor() -> Iterator[Dovecot]:
    with dovecot(POOR) as running:
        yield running


def settings(server: Dovecot, folder: str, **other: object) -> ImapSettings:
    base = ImapSettings(
        "utama", "localhost", server.tls_port, "tls", "lpse", SECRET, folder, ca_file=server.cert, deadline=20
    )
    return dataclasses.replace(base, **other)  # type: ignore[arg-type]


@contextlib.contextmanager
def opened(wanted: ImapSettings) -> Iterator[Imap]:
    source = Imap(wanted)
    try:
        yield source
    finally:
        source.close()


def mail(number: int, body: bytes = b"Mohon aktivasi.\r\n") -> bytes:
    return b"Message-ID: <%d@pemohon.test>\r\nSubject: Permohonan %d\r\n\r\n" % (number, number) + body


def nothing(_: int) -> set[str]:
    return set()


def unseen(server: Dovecot, folder: str) -> list[int]:
    with server.client() as client:
        client.select_folder(folder, readonly=True)
        return list(client.search("UNSEEN"))


def sizes(server: Dovecot, folder: str) -> int:
    with server.client() as client:
        return int(client.folder_status(folder, ["MESSAGES"])[b"MESSAGES"])


@pytest.mark.parametrize("tls", ["tls", "starttls", "none"])
def test_in_30_in_40_discover_fetch_keyword_and_second_sweep(server: Dovecot, tmp_path: Path, tls: str) -> None:
    folder = f"Kata-{tls}"
    at = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.timezone(dt.timedelta(hours=7)))
    server.append(mail(1), folder, at=at)
    server.append(mail(2), folder, (b"\\Deleted",))
    port = server.tls_port if tls == "tls" else server.port
    with opened(settings(server, folder, tls=tls, port=port)) as source:
        first, second = list(source.discover(nothing))
        raw = source.fetch(first, tmp_path)
        assert Path(raw.path).read_bytes() == mail(1)
        assert raw.path == str(tmp_path / raw.sha256[:2] / raw.sha256)
        assert (raw.size, raw.problem, raw.deleted) == (len(mail(1)), None, False)
        assert (raw.received_at, raw.received_at.tzinfo) == (at, dt.UTC)
        assert source.fetch(second, tmp_path).deleted
        assert unseen(server, folder) == [1, 2]
        source.mark(first.location)
        source.mark(first.location)
        known = {first.location.uidvalidity: {first.location.uid, second.location.uid}}
        assert list(source.discover(lambda v: known.get(v, set()))) == []
    with server.client() as client:
        client.select_folder(folder)
        assert b"$MailbotDone" in client.get_flags([1])[1]
    assert sorted(p.name for p in tmp_path.glob(".incoming-*")) == []


def test_in_30_more_than_one_batch_in_order(server: Dovecot) -> None:
    with server.client() as client:
        client.create_folder("Banyak")
        for number in range(205):
            client.append("Banyak", mail(number))
    with opened(settings(server, "Banyak")) as source:
        found = [int(p.location.uid) for p in source.discover(lambda _: {"7"})]
    assert found == [n for n in range(1, 206) if n != 7]


@pytest.mark.parametrize("extra", [0, 137])
def test_in_30_large_mail_is_byte_exact(server: Dovecot, tmp_path: Path, extra: int) -> None:
    head = mail(1, b"")
    line = random.Random(3).randbytes(38).hex().encode() + b"\r\n"
    raw = (head + line * 50000)[: 3 * 1024 * 1024 + extra - 2] + b"\r\n"
    server.append(raw, f"Besar{extra}")
    with opened(settings(server, f"Besar{extra}")) as source:
        kept = source.fetch(next(source.discover(nothing)), tmp_path)
    assert kept.sha256 == hashlib.sha256(raw).hexdigest()
    assert (kept.size, kept.problem) == (len(raw), None)


def test_in_31_too_large_keeps_the_header_only(server: Dovecot, tmp_path: Path) -> None:
    raw = mail(1, b"x" * 5000 + b"\r\n")
    server.append(raw, "Terlalu")
    with opened(settings(server, "Terlalu", max_bytes=1000)) as source:
        pending = next(source.discover(nothing))
        kept = source.fetch(pending, tmp_path)
        assert (kept.problem, kept.size, Path(kept.path).read_bytes()) == ("TOO_LARGE", len(raw), mail(1, b""))
        lied = source.fetch(dataclasses.replace(pending, size=10), tmp_path)
        assert lied.problem == "TOO_LARGE"


def test_in_32_wrong_size_is_kept_with_a_flag(server: Dovecot, tmp_path: Path) -> None:
    server.append(mail(1), "Ukuran")
    with opened(settings(server, "Ukuran")) as source:
        pending = next(source.discover(nothing))
        for size in (3, 900):
            kept = source.fetch(dataclasses.replace(pending, size=size), tmp_path)
            assert (kept.problem, Path(kept.path).read_bytes()) == ("SIZE_DIFFERS", mail(1))


def test_in_33_vanished_mail_is_empty_and_session_goes_on(server: Dovecot, tmp_path: Path) -> None:
    server.append(mail(1), "Hilang")
    server.append(mail(2), "Hilang")
    with opened(settings(server, "Hilang")) as source:
        first, second = list(source.discover(nothing))
        gone = dataclasses.replace(first, location=dataclasses.replace(first.location, uid="999"))
        with pytest.raises(FetchEmpty):
            source.fetch(gone, tmp_path)
        assert source.fetch(second, tmp_path).size == len(mail(2))


def test_in_21_recreated_folder_is_a_new_epoch(server: Dovecot, tmp_path: Path) -> None:
    server.append(mail(1), "Epoch")
    with opened(settings(server, "Epoch")) as source:
        old = next(source.discover(nothing))
    with server.client() as client:
        client.delete_folder("Epoch")
    server.append(mail(2), "Epoch")
    known = {old.location.uidvalidity: {old.location.uid}}
    with opened(settings(server, "Epoch")) as source:
        new = list(source.discover(lambda v: known.get(v, set())))
        assert [p.location.uid for p in new] == [old.location.uid]
        assert new[0].location.uidvalidity != old.location.uidvalidity
        source.mark(old.location)
        with pytest.raises(ProtocolTrouble):
            source.fetch(old, tmp_path)
    with server.client() as client:
        client.select_folder("Epoch")
        assert b"$MailbotDone" not in client.get_flags([1])[1]


@pytest.mark.parametrize("kind", ["server", "poor"])
def test_in_40_in_41_move_is_idempotent(kind: str, request: pytest.FixtureRequest) -> None:
    running: Dovecot = request.getfixturevalue(kind)
    running.append(mail(1), "Masuk")
    running.append(mail(2), "Masuk", (b"\\Deleted",))
    with opened(settings(running, "Masuk", mark="move", move_to="Selesai")) as source:
        first = next(source.discover(nothing))
        source.mark(first.location)
        source.mark(first.location)
        assert [p.location.uid for p in source.discover(nothing)] == ["2"]
    assert (sizes(running, "Masuk"), sizes(running, "Selesai")) == (1, 1)


def test_k7_copy_done_before_a_crash_is_not_repeated(poor: Dovecot) -> None:
    poor.append(mail(5), "Tamat")
    poor.append(mail(5, b"isi lain\r\n"), "Tamat")  # a reused Message-ID is another mail
    with poor.client() as client:
        client.create_folder("Arsip5")
        client.select_folder("Tamat")
        client.copy([1], "Arsip5")
    with opened(settings(poor, "Tamat", mark="move", move_to="Arsip5")) as source:
        for pending in list(source.discover(nothing)):
            source.mark(pending.location)
    assert (sizes(poor, "Tamat"), sizes(poor, "Arsip5")) == (0, 2)


def test_in_42_login_refused_and_folder_missing(server: Dovecot) -> None:
    with opened(settings(server, "INBOX", secret="salah")) as source, pytest.raises(LoginRefused):
        list(source.discover(nothing))
    with opened(settings(server, "Tidak Ada")) as source, pytest.raises(FolderMissing):
        list(source.discover(nothing))
    with server.client() as client:
        assert not client.folder_exists("Tidak Ada")


def test_in_01_untrusted_certificate_and_plaintext_are_refused(server: Dovecot) -> None:
    with opened(settings(server, "INBOX", ca_file=None)) as source, pytest.raises(NetworkTrouble, match="CERTIFICATE"):
        list(source.discover(nothing))
    with pytest.raises(ValueError, match="refused"):
        settings(server, "INBOX", tls="none", host="mail.batang.test")
    with opened(settings(server, "INBOX", port=free_port())) as source, pytest.raises(NetworkTrouble):
        list(source.discover(nothing))


def test_in_11_idle_rings_and_times_out(server: Dovecot) -> None:
    server.append(mail(1), "Bel")
    with opened(settings(server, "Bel")) as source:
        list(source.discover(nothing))
        began = time.monotonic()
        source.idle(1, NEVER)
        assert 0.9 < time.monotonic() - began < 5
        bell = threading.Timer(0.5, server.append, [mail(2), "Bel"])
        bell.start()
        source.idle(30, NEVER)
        bell.join()
        assert time.monotonic() - began < 20
        assert len(list(source.discover(nothing))) == 2


@contextlib.contextmanager
def drip(first: bytes) -> Iterator[int]:
    """A server that says `first` and then a byte each 0.2 s, for ever."""
    stop = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while not stop.is_set():
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.sendall(first)
                    while not stop.wait(0.2):
                        connection.sendall(b"*")

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        stop.set()
        listener.close()


@pytest.mark.parametrize("first", [b"", b"* OK [CAPABILITY IMAP4rev1] hello\r\n"])
def test_in_02_deadline_cuts_a_dripping_server(first: bytes) -> None:
    with drip(first) as port:
        source = Imap(ImapSettings("utama", "127.0.0.1", port, "none", "lpse", SECRET, deadline=1.5))
        began = time.monotonic()
        with pytest.raises(NetworkTrouble):
            list(source.discover(nothing))
        assert time.monotonic() - began < 3.5
        source.close()


def test_in_05_line_that_breaks_during_login_is_no_refusal() -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"* OK [CAPABILITY IMAP4rev1] hello\r\n")
            connection.recv(1000)

    thread = threading.Thread(target=serve)
    thread.start()
    source = Imap(ImapSettings("utama", "127.0.0.1", listener.getsockname()[1], "none", "lpse", SECRET, deadline=5))
    with pytest.raises(NetworkTrouble):
        list(source.discover(nothing))
    thread.join()
    listener.close()


def test_poor_server_has_no_move(poor: Dovecot) -> None:
    with poor.client() as client:
        assert not client.has_capability("MOVE")
        assert client.has_capability("UIDPLUS")


def test_in_03_server_that_ends_while_waiting_is_network_trouble(tmp_path: Path) -> None:
    with dovecot() as running:
        running.append(mail(1))
        source = Imap(settings(running, "INBOX"))
        pending: Pending = next(source.discover(nothing))
    with pytest.raises(NetworkTrouble):
        source.idle(10, NEVER)
    with pytest.raises(NetworkTrouble):
        source.fetch(pending, tmp_path)
    source.close()


@pytest.mark.parametrize(
    ("error", "steps"),
    [
        (NetworkTrouble(), [1, 2, 4]),
        (ProtocolTrouble(), [1, 2, 4]),
        (Throttled(), [300, 600, 1200, 2400, 3600, 3600]),
        (FolderMissing(), [300, 300]),
    ],
)
def test_in_04_backoff_steps(error: MailboxError, steps: list[float]) -> None:
    backoff = Backoff(random.Random(1))
    for step in steps:
        assert 0.8 * step <= backoff.next_delay(error) <= 1.2 * step


def test_in_04_backoff_begins_anew_after_health() -> None:
    backoff = Backoff(random.Random(1))
    for _ in range(20):
        assert backoff.next_delay(NetworkTrouble()) <= 360
    assert backoff.next_delay(NetworkTrouble(), healthy_for=301) <= 1.2
