"""The service over a real Dovecot and an SMTP sink: bell, receipt, marks, Sent, the doctor's words and the daily comparison."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from mailbot import config, diagnosis, mailcli, work
from mailbot.grown import keeping
from mailbot.mailbox.imap import Imap
from mailbot.schedule import service
from mailbot.store import mails, outbox
from mailbot.work import alarm, delivery, sweep
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


def test_g11_yesterdays_backup_against_the_live_mailbox_repeats_no_receipt(
    server: Dovecot, sink: Sink, settings: config.Settings, tmp_path: Path
) -> None:
    """Three mails are in the backup, three came after it; all are answered. Then the database of yesterday takes over."""
    folder, old = settings.mailbox[0].folder, dt.datetime.now(dt.UTC) - dt.timedelta(hours=20)
    sink.file_in = lambda data: server.append(data, "Terkirim")
    first = opened(settings)
    for numbers in (range(100, 103), range(103, 106)):
        for number in numbers:
            server.append(mail(number), folder, at=old)
        work_off(first)
        if 103 not in numbers:
            keeping.backup(first, tmp_path / "backup")
    first.mailboxes[0][0].close()
    keeping.restore(tmp_path / "backup", tmp_path / "pulih", "sqlite://")
    storage = config.StorageSection(path=str(tmp_path / "pulih"), min_free_mb=10)
    restored = opened(settings.model_copy(update={"storage": storage}))
    assert len(sink.taken) == 6
    server.append(mail(106), folder)
    work_off(restored)

    assert sorted(to for to, _ in sink.taken) == [f"p{n}@kantor{n}.example" for n in range(100, 107)]
    with restored.store.reading() as tx:
        assert mails.count(tx) == 7
        assert {r.state for r in outbox.everything(tx)} == {"sent"}
    assert sweep.gap(restored, restored.mailboxes[0][0], settings.mailbox[0]) == []
    restored.mailboxes[0][0].close()


def work_off(world: work.World) -> None:
    sweep.sweep_all(world)
    while delivery.send_next(world):
        pass


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


def test_the_rehearse_command_tells_what_would_happen_and_changes_nothing(
    server: Dovecot, sink: Sink, settings: config.Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = settings.mailbox[0].folder
    server.append(mail(20), folder)
    server.append(mail(21).replace(b"From: p21", b"From: no-reply"), folder)
    server.append(mail(22), folder, at=dt.datetime.now(dt.UTC) - dt.timedelta(days=9))
    file = tmp_path / "config.toml"
    file.write_text(
        f'[[mailbox]]\nkind = "imap"\nhost = "localhost"\nport = {server.tls_port}\nca_file = "{server.cert}"\nuser = "lpse"\n'
        f'folder = "{folder}"\nstart = "all"\n[smtp]\nkind = "smtp"\nhost = "127.0.0.1"\nport = {sink.port}\ntls = "none"\n'
        f'[storage]\npath = "{tmp_path}/data"\n[replies]\nform = false\n'
    )
    with pytest.raises(typer.Exit) as ended:
        mailcli.rehearse(file, 20)
    told = capsys.readouterr().out

    assert ended.value.exit_code == 0
    assert "3 mails, 1 of them older than 72 hours" in told
    assert [w in told for w in ("answers: receipt", "none (R09)", "no answer: older than 72 hours")] == [True] * 3
    with server.client() as client:
        client.select_folder(folder, readonly=True)
        assert {flag for flags in client.get_flags([1, 2, 3]).values() for flag in flags} <= {b"\\Recent"}
    assert sink.taken == []
    assert not (tmp_path / "data").exists()


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


def test_the_daily_comparison_names_a_mail_that_was_not_taken_in(
    server: Dovecot, sink: Sink, settings: config.Settings
) -> None:
    folder = settings.mailbox[0].folder
    world = opened(settings.model_copy(update={"alarm": config.AlarmSection(to="operator@contoh.example")}))
    sweep.sweep_all(world)
    for number, hours in ((30, 2), (31, 0)):  # the second may still be on its way
        server.append(mail(number), folder, at=dt.datetime.now(dt.UTC) - dt.timedelta(hours=hours))
    alarm.look(world)
    alarm.look(world)

    ((to, told),) = sink.taken
    assert to == "operator@contoh.example"
    assert b"1 mails of mailbox utama were not taken in: UID 1" in told
    world.mailboxes[0][0].close()


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
