"""The service over a real Dovecot and an SMTP sink: bell, receipt, marks, Sent, the doctor's words and the daily comparison."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailbot import config, diagnosis, work
from mailbot.mailbox.imap import Imap
from mailbot.schedule import service
from mailbot.store import mails
from mailbot.work import delivery, sweep
from tests.servers.dovecot import SECRET, Dovecot, dovecot
from tests.servers.smtp import Sink, smtp_sink

pytestmark = pytest.mark.server


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    with dovecot() as running:
        yield running


@pytest.fixture
def sink() -> Iterator[Sink]:
    with smtp_sink() as running:
        yield running


def mail(number: int) -> bytes:
    return f"From: p{number}@kantor{number}.example\r\nTo: lpse@batangkab.example\r\nSubject: Permohonan\r\nMessage-ID: <{number}@kantor.example>\r\n\r\nIsi {number}\r\n".encode()


@pytest.fixture
def settings(server: Dovecot, sink: Sink, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> config.Settings:
    monkeypatch.setenv("MAILBOT_IMAP_SECRET", SECRET)
    folder = tmp_path.name.replace("_", "-")
    with server.client() as client:
        client.create_folder(folder)
        if not client.folder_exists("Terkirim"):
            client.create_folder("Terkirim")
    box = config.MailboxSection(
        kind="imap",
        host="localhost",
        port=server.tls_port,
        ca_file=str(server.cert),
        user="lpse",
        folder=folder,
        start="all",
        sent="Terkirim",
    )
    return config.Settings(
        mailbox=(box,),
        smtp=config.SmtpSection(kind="smtp", host="127.0.0.1", port=sink.port, tls="none"),
        storage=config.StorageSection(path=str(tmp_path / "data"), min_free_mb=10),
        replies=config.RepliesSection(form=False),
    )


def opened(settings: config.Settings) -> work.World:
    return work.open_world(settings, lambda: dt.datetime.now(dt.UTC), "kunci-uji")


def until(seconds: float, done: object) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if done():  # type: ignore[operator]
            return True
        time.sleep(0.1)
    return False


def test_in_11_a_mail_that_rings_gets_its_receipt_and_its_mark(
    server: Dovecot, sink: Sink, settings: config.Settings
) -> None:
    folder = settings.mailbox[0].folder
    world = opened(settings)
    with service(world):
        server.append(mail(1), folder)
        assert until(45, lambda: len(sink.taken) >= 1)  # polling alone would take 60 s
        server.append(mail(2), folder)
        assert until(45, lambda: {to for to, _ in sink.taken} == {"p1@kantor1.example", "p2@kantor2.example"})

    with server.client() as client:
        client.select_folder(folder, readonly=True)
        assert len(client.search(["KEYWORD", "$MailbotDone"])) == 2
    assert sweep.gap(world, world.mailboxes[0][0], settings.mailbox[0]) == []
    world.mailboxes[0][0].close()


def test_in_52_our_copy_is_found_in_sent(server: Dovecot, sink: Sink, settings: config.Settings) -> None:
    world = opened(settings)
    server.append(b"Message-ID: <mb.receipt.ada@batangkab.example>\r\n\r\nx\r\n", "Terkirim")

    assert delivery.copy_exists(world, "<mb.receipt.ada@batangkab.example>") is True
    assert delivery.copy_exists(world, "<mb.receipt.tidak@batangkab.example>") is False


def test_in_54_a_lost_database_repeats_no_receipt(
    server: Dovecot, sink: Sink, settings: config.Settings, tmp_path: Path
) -> None:
    """Everything is answered and filed in Sent; then the program begins with an empty database and yesterday's mails."""
    server.append(mail(7), settings.mailbox[0].folder, at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=20))
    first = opened(settings)
    sweep.sweep_all(first)
    delivery.send_next(first)
    (_, receipt) = sink.taken[0]
    server.append(receipt, "Terkirim")
    second = opened(
        settings.model_copy(update={"storage": config.StorageSection(path=str(tmp_path / "pulih"), min_free_mb=10)})
    )
    sweep.sweep_all(second)
    while delivery.send_next(second):
        pass

    assert len(sink.taken) == 1
    for world in (first, second):
        world.mailboxes[0][0].close()


def test_a_rehearsal_opens_read_only(server: Dovecot, settings: config.Settings, tmp_path: Path) -> None:
    folder = settings.mailbox[0].folder
    server.append(mail(3), folder)
    mailbox = work.open_mailbox(settings.mailbox[0], read_only=True)
    assert isinstance(mailbox, Imap)
    pending = next(mailbox.discover(lambda _: set()))
    mailbox.fetch(pending, tmp_path)
    mailbox.mark(pending.location)
    mailbox.close()

    with server.client() as client:
        client.select_folder(folder, readonly=True)
        assert client.get_flags([1])[1] in ((), (b"\\Recent",))


def test_the_doctor_says_what_to_change(server: Dovecot, settings: config.Settings) -> None:
    good = {what: advice for fine, what, advice in diagnosis.mail_rows(settings) if fine}
    assert any("rings at once" in what for what in good)
    assert any(what.startswith("SMTP") for what in good)
    wrong = {"folder": "Tidak Ada", "ca_file": "", "secret_env": "TIDAK_ADA", "port": 1}
    told = {}
    for key, value in wrong.items():
        section = settings.mailbox[0].model_copy(update={key: value})
        rows = list(diagnosis.mail_rows(settings.model_copy(update={"mailbox": (section,)})))
        told[key] = next(advice for fine, _, advice in rows if not fine)

    words = {"folder": "set folder", "ca_file": "ca_file", "secret_env": "TIDAK_ADA", "port": "firewall"}
    assert all(words[key] in advice for key, advice in told.items())


def test_stored_mails_are_those_of_the_server(server: Dovecot, settings: config.Settings) -> None:
    folder = settings.mailbox[0].folder
    for number in range(10, 13):
        server.append(mail(number), folder)
    world = opened(settings)
    assert len(sweep.gap(world, world.mailboxes[0][0], settings.mailbox[0])) == 3
    sweep.sweep_all(world)

    assert sweep.gap(world, world.mailboxes[0][0], settings.mailbox[0]) == []
    with world.store.reading() as tx:
        assert mails.count(tx) == 3
    world.mailboxes[0][0].close()
