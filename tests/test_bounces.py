"""Delivery reports: read, believed only where the outbox confirms them, and what they change (MAIL.md 2.6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailbot.model import Outgoing
from mailbot.replies import bounces, compose
from mailbot.replies.bounces import Recipient, Report
from mailbot.store import outbox
from mailbot.work import World, bounced
from tests.worlds import Clock, world

TO = "dinas@kantor.example"


def report(header_id: str, status: str = "5.1.1", action: str = "failed", final: str = TO) -> bytes:
    return (
        "From: MAILER-DAEMON@mx.example\r\nTo: lpse@batangkab.example\r\nSubject: Undelivered\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nGagal.\r\n'
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
        f"Final-Recipient: rfc822; {final}\r\nAction: {action}\r\nStatus: {status}\r\nDiagnostic-Code: smtp; 550 {status}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nSubject: Tanda terima\r\nMessage-ID: {header_id}\r\n\r\n--b--\r\n"
    ).encode()


def read(tmp_path: Path, data: bytes) -> Report:
    (tmp_path / "r.eml").write_bytes(data)
    return bounces.read(str(tmp_path / "r.eml"))


@pytest.fixture
def w(tmp_path: Path) -> World:
    return world(tmp_path, Clock())


def sent(w: World, header_id: str | None = None) -> str:
    """A receipt that was handed over; its Message-ID."""
    header_id = header_id or compose.message_id("receipt", "s" * 64, 1, w.office)
    with w.store.transaction() as tx:
        number = outbox.add(tx, None, Outgoing("s" * 64, "receipt", 1, header_id, TO, b"x"), w.now())
        assert number
        assert outbox.claim(tx, w.now())
        assert outbox.finish(tx, number, 1, "sent", "250", w.now(), w.now())
    return header_id


def note(w: World, found: Report) -> tuple[str, str, str, bool]:
    """The word for the report, then the mail's state and status, and whether the address is marked."""
    with w.store.transaction() as tx:
        word = bounced.note(w, tx, found)
        row = outbox.everything(tx)[0]
        return word, row.state, row.bounced, outbox.is_undeliverable(tx, TO)


def test_a_report_is_read(tmp_path: Path, w: World) -> None:
    header_id = sent(w)
    found = read(tmp_path, report(header_id))

    assert found.ids == (header_id,)
    assert found.recipients == (Recipient("failed", "5.1.1", TO, "", "smtp; 550 5.1.1"),)


@pytest.mark.parametrize(
    ("status", "action", "expected"),
    [
        ("5.1.1", "failed", ("dsn: bad address", "failed", "5.1.1", True)),
        ("5.4.4", "failed", ("dsn: bad address", "failed", "5.4.4", True)),
        ("5.2.2", "failed", ("dsn: full", "deferred", "5.2.2", False)),
        ("5.7.1", "failed", ("dsn: refused", "failed", "5.7.1", False)),
        ("4.4.1", "delayed", ("dsn: delayed", "sent", "", False)),
        ("2.0.0", "delivered", ("dsn: delivered", "sent", "", False)),
        ("", "failed", ("dsn: failed", "failed", "5.0.0", False)),
    ],
)
def test_what_a_believed_report_changes(
    w: World, tmp_path: Path, status: str, action: str, expected: tuple[str, str, str, bool]
) -> None:
    assert note(w, read(tmp_path, report(sent(w), status, action))) == expected


def test_a_full_mailbox_is_tried_once_more_only(w: World, tmp_path: Path) -> None:
    found = read(tmp_path, report(sent(w), "5.2.2"))
    note(w, found)

    assert note(w, found)[1] == "failed"


@pytest.mark.parametrize("case", ["other recipient", "unknown id", "id not ours"])
def test_a_forged_report_changes_nothing(w: World, tmp_path: Path, case: str) -> None:
    ours = sent(w, "<mb.receipt.abcdefghijklmnopqrstuvwxyz@batangkab.example>" if case == "id not ours" else None)
    header_id = "<mb.receipt.zzzzzzzzzzzzzzzzzzzzzzzzzz@batangkab.example>" if case == "unknown id" else ours
    data = report(header_id, final="lain@kantor.example" if case == "other recipient" else TO)

    assert note(w, read(tmp_path, data)) == ("unmatched_dsn", "sent", "", False)


def test_a_report_to_a_tagged_address_names_the_mail(w: World, tmp_path: Path) -> None:
    """Some servers return nothing of the mail itself."""
    header_id = sent(w)
    tagged = compose.bounce_address(header_id, w.office)
    data = report("").replace(b"To: lpse@batangkab.example", f"To: <{tagged.upper()}>".encode())

    assert tagged.startswith("lpse+b-receipt.") and len(tagged.partition("@")[0]) <= 64
    assert note(w, read(tmp_path, data)) == ("dsn: bad address", "failed", "5.1.1", True)


@pytest.mark.parametrize("final", ["lain@kantor.example", ""])
def test_a_tagged_address_alone_proves_nothing(w: World, tmp_path: Path, final: str) -> None:
    tagged = compose.bounce_address(sent(w), w.office)
    data = report("", final=final).replace(b"To: lpse@batangkab.example", f"To: {tagged}".encode())

    assert note(w, read(tmp_path, data)) == ("unmatched_dsn", "sent", "", False)


def test_free_text_is_a_hint_and_no_reason_to_act(w: World, tmp_path: Path) -> None:
    sent(w)
    data = b"From: MAILER-DAEMON@mx.example\r\nReturn-Path: <>\r\nSubject: failure notice\r\n\r\nHi. This is the qmail-send program at mx.example.\r\nI'm afraid I wasn't able to deliver your message to the following addresses.\r\n\r\n<dinas@kantor.example>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n"

    assert note(w, read(tmp_path, data)) == ("dsn_hint", "sent", "", False)


@pytest.mark.parametrize(
    "data", [b"", b"\xff\x00", b"Content-Type: message/delivery-status\r\n\r\n", report("x") * 3, report("<a@b>")[:400]]
)
def test_broken_reports_are_read_without_an_error(tmp_path: Path, data: bytes) -> None:
    assert read(tmp_path, data).ids == ()
