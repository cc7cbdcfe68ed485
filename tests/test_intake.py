"""Which mail is which, what is left alone on the server, and how often we call there (MAIL.md 1.2 to 1.5)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from mailbot import config
from mailbot.mailbox import keep
from mailbot.mailbox.imap import Imap
from mailbot.mailbox.session import ImapSettings
from mailbot.model import Location, RawMessage
from mailbot.store import mails, outbox
from mailbot.work import World
from mailbot.work.intake import REUSED, take_in
from mailbot.work.watch import Watch
from tests.servers.imap import Fault, Script, scripted, words
from tests.worlds import Clock, world

SECTION = config.MailboxSection(kind="imap", account="utama", host="127.0.0.1", user="lpse", start="all")


@pytest.fixture
def w(tmp_path: Path) -> World:
    return world(tmp_path, Clock(), replies=config.RepliesSection(form=False), mailbox=(SECTION,))


def mail(
    message_id: str = "<1@kantor.example>", text: str = "Isi", trace: str = "", subject: str = "Permohonan"
) -> bytes:
    header = f"Message-ID: {message_id}\r\n" if message_id else ""
    return f"{trace}From: dinas@kantor.example\r\nTo: lpse@batangkab.example\r\nSubject: {subject}\r\n{header}\r\n{text}\r\n".encode()


def arrives(w: World, uid: int, data: bytes, deleted: bool = False) -> None:
    path, sha256, size = keep([data], w.blobs)
    take_in(w, RawMessage(Location("utama", "INBOX", 1, str(uid)), str(path), sha256, size, w.now(), deleted))


def stored(w: World) -> list[tuple[str | None, str, str | None]]:
    with w.store.reading() as tx:
        return [(m.header_id, m.guard.policy, m.problem) for m in mails.everything(tx)]


def receipts(w: World) -> int:
    with w.store.reading() as tx:
        return len(outbox.everything(tx))


# ------------------------------------------------------------------ identity (IN-20)

ONE = ("<1@kantor.example>", "reply", None)


@pytest.mark.parametrize(
    ("second", "mails_stored", "answers"),
    [
        (mail(), [ONE], 1),
        (mail(trace="Received: from alias.example\r\nDelivered-To: helpdesk@batangkab.example\r\n"), [ONE], 1),
        (mail(subject="Permohonan lain"), [ONE, ("<1@kantor.example>", "reply", REUSED)], 2),
        (mail("<2@kantor.example>"), [ONE, ("<2@kantor.example>", "reply", None)], 2),
        (mail(""), [ONE, (None, "reply", None)], 2),
    ],
    ids=["same bytes", "another copy of the same mail", "reused Message-ID", "another mail", "no Message-ID"],
)
def test_in_20_identity(
    w: World, second: bytes, mails_stored: list[tuple[str | None, str, str | None]], answers: int
) -> None:
    arrives(w, 1, mail())
    arrives(w, 2, second)

    assert stored(w) == mails_stored
    assert receipts(w) == answers


def test_in_20_two_mails_without_message_id_that_differ_are_two(w: World) -> None:
    arrives(w, 1, mail(""))
    arrives(w, 2, mail("", subject="Permohonan kedua"))

    assert len(stored(w)) == receipts(w) == 2


def test_in_12_a_mail_that_people_deleted_is_stored_and_not_answered(w: World) -> None:
    arrives(w, 1, mail(), deleted=True)

    assert stored(w) == [("<1@kantor.example>", "hold", None)]
    assert receipts(w) == 0


# ------------------------------------------------------------------ on the server


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted(Script({3: mail(), 7: mail("<7@kantor.example>", "Dua")})) as running:
        yield running


def source(script: Script, **other: object) -> Imap:
    return Imap(ImapSettings("utama", "127.0.0.1", script.port, "none", "lpse", "rahasia", deadline=5, **other))  # type: ignore[arg-type]


def watch(w: World, script: Script, **other: object) -> Watch:
    section = SECTION.model_copy(update={"poll_seconds": 0})
    return Watch(w, source(script, **other), section, Event())


def test_in_08_one_connection_does_it_all(w: World, script: Script) -> None:
    watched = watch(w, script)
    for uid in (9, 11, 13):
        assert watched.round() == 0.0
        script.mails[uid] = mail(f"<{uid}@kantor.example>", str(uid))
    watched.round()
    watched.mailbox.close()

    assert len(stored(w)) == 5
    assert (script.seen["greeting"], script.seen["login"]) == (1, 1)


def test_in_44_without_marks_nothing_is_changed_on_the_server(w: World, script: Script) -> None:
    watched = watch(w, script, mark="none")
    watched.round()
    watched.mailbox.close()

    assert len(stored(w)) == 2
    assert {*script.seen} <= {
        "greeting",
        "capability",
        "login",
        "select",
        "search",
        "metadata",
        "body",
        "idle",
        "done",
        "logout",
    }
    assert script.opened == {b"EXAMINE"}


def test_in_44_a_mail_that_is_not_committed_is_not_marked(
    w: World, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailbot.work import sweep

    def full(*_: object, **__: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sweep, "take_in", full)
    watched = watch(w, script)
    assert watched.round() > 0
    watched.mailbox.close()

    assert script.seen["body"] > 0
    assert (script.seen["store"], script.seen["move"], sorted(script.mails)) == (0, 0, [3, 7])


def test_in_42_a_target_folder_that_cannot_be_made_leaves_the_mails_where_they_are(w: World, script: Script) -> None:
    script.folders, script.fault = {b"INBOX"}, Fault("create", words(b"NO [CANNOT] not here"), 99)
    watched = watch(w, script, mark="move", move_to="Selesai")
    assert watched.round() == 0.0
    watched.mailbox.close()

    assert len(stored(w)) == 2
    assert (script.seen["create"] > 0, script.seen["move"], sorted(script.mails)) == (True, 0, [3, 7])
