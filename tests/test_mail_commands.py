"""`mailbot outbox | quarantine | retry`: what people do about mail without the pages."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from mailbot import config, work
from mailbot.cli import app
from mailbot.mailbox import keep
from mailbot.model import Location, RawMessage
from mailbot.store import mails, outbox
from mailbot.work.intake import take_in


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An office whose two receipts could not be delivered, and with one mail that was set aside."""
    path = tmp_path / "config.toml"
    path.write_text(
        f'[[mailbox]]\npath = "{tmp_path}/inbox"\n[smtp]\nkind = "smtp"\nhost = "127.0.0.1"\nport = 1\ntls = "none"\n'
        f'[storage]\npath = "{tmp_path}/data"\n[replies]\nform = false\n'
    )
    world = opened(path)
    for number in (1, 2):
        data = f"From: p{number}@kantor.example\r\nTo: lpse@batangkab.example\r\nSubject: x\r\nMessage-ID: <{number}@k.example>\r\n\r\nisi\r\n"
        stored, sha256, size = keep([data.encode()], world.blobs)
        take_in(world, RawMessage(Location("utama", "inbox", 0, str(number)), str(stored), sha256, size, world.now()))
    aside = Location("utama", "inbox", 0, "rusak")
    with world.store.transaction() as tx:
        for _ in (1, 2):
            row = outbox.claim(tx, world.now())
            assert row and outbox.finish(tx, row.id, 1, "failed", "550 5.7.1 no", world.now(), world.now())
        for _ in range(mails.MAX_FAILURES):
            mails.attempt(tx, aside, world.now())
            mails.note_failure(tx, aside, "ValueError()", None)
        outbox.note_undeliverable(tx, "p1@kantor.example", "5.1.1", world.now())
    return path


def opened(path: Path) -> work.World:
    import datetime as dt

    return work.open_world(config.load(path), lambda: dt.datetime.now(dt.UTC))


def run(file: Path, *words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, [*words, "--config", str(file)])
    return result.exit_code, result.output


def states(file: Path) -> list[str]:
    with opened(file).store.reading() as tx:
        return [r.state for r in outbox.everything(tx)]


def test_what_failed_is_listed_retried_and_cancelled(file: Path) -> None:
    code, told = run(file, "outbox", "list")
    assert code == 1 and told.count("550 5.7.1 no") == 2

    assert run(file, "outbox", "retry", "1") == (0, "1 mails are due now\n")
    assert states(file) == ["pending", "failed"]
    assert run(file, "outbox", "cancel", "2") == (0, "1 mails cancelled\n")
    assert run(file, "outbox", "cancel", "99")[0] == 1
    assert states(file) == ["pending", "cancelled"]
    assert run(file, "outbox", "list")[0] == 0


def test_without_numbers_all_that_failed_is_retried(file: Path) -> None:
    assert run(file, "outbox", "retry") == (0, "2 mails are due now\n")
    assert states(file) == ["pending", "pending"]


def test_an_address_works_again(file: Path) -> None:
    assert "answered again" in run(file, "outbox", "works-again", "P1@kantor.example")[1]
    assert "was not marked" in run(file, "outbox", "works-again", "p1@kantor.example")[1]


def test_mails_set_aside_are_shown_and_released(file: Path) -> None:
    code, told = run(file, "quarantine")
    assert code == 1 and "rusak" in told and "ValueError" in told

    assert "1 mails" in run(file, "retry")[1]
    assert run(file, "quarantine")[0] == 0


def test_the_doctor_ends_with_1_while_mail_is_undelivered(file: Path) -> None:
    code, told = run(file, "doctor")

    assert code == 1
    assert "NO  failed  -> 2 mails could not be delivered" in told
    assert "NO  quarantine" in told and "ok  disk:" in told and "ok  tesseract language" in told
