"""Start line, epochs, quarantine, refused logins and the outbox, on a clock that the test holds."""

from __future__ import annotations

import datetime as dt
import email
import errno
import os
import re
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from email import policy
from pathlib import Path
from typing import Any

import pytest

from mailbot import config, diagnosis
from mailbot.mailbox import FetchEmpty, Known, NetworkTrouble, Paused, Pending, StartMissing, keep, raw_message
from mailbot.model import Location, RawMessage
from mailbot.parsers import child
from mailbot.parsers.child import Limits
from mailbot.parsers.picture import SCRATCH
from mailbot.replies.smtp import Handover
from mailbot.store import mailboxes, mails, outbox
from mailbot.work import World, alarm, delivery, lanes
from mailbot.work.sweep import gap, sweep
from mailbot.work.watch import Watch
from tests.worlds import MORNING, Clock, world

SECTION = config.MailboxSection(kind="imap", account="utama", host="127.0.0.1", user="lpse", start="all")


def mail(number: int) -> bytes:
    return f"From: p{number}@kantor.example\r\nTo: lpse@batangkab.example\r\nSubject: Permohonan\r\nMessage-ID: <{number}@kantor.example>\r\n\r\nIsi {number}\r\n".encode()


@dataclass
class Memory:
    """A mailbox in memory: mails by UID with their age in hours; `broken` maps a UID to the error of its fetch."""

    clock: Clock
    mails: dict[int, bytes] = field(default_factory=dict)
    hours: dict[int, float] = field(default_factory=dict)
    broken: dict[int, Exception] = field(default_factory=dict)
    uidvalidity: int = 1
    marked: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    healthy_for = 0.0

    def discover(self, known: Known, full: bool = True) -> Iterator[Pending]:
        have = known(self.uidvalidity)
        for uid in sorted(self.mails):
            if str(uid) not in have:
                at = self.clock() - dt.timedelta(hours=self.hours.get(uid, 0))
                yield Pending(Location("utama", "INBOX", self.uidvalidity, str(uid)), len(self.mails[uid]), at)

    def fetch(self, pending: Pending, into: Path) -> RawMessage:
        uid = int(pending.location.uid)
        self.fetched.append(pending.location.uid)
        if uid in self.broken:
            raise self.broken[uid]
        return raw_message(pending, keep([self.mails[uid]], into))

    def mark(self, location: Location) -> None:
        self.marked.append(location.uid)

    def unmarked(self, stored: Any) -> list[Location]:
        return [
            Location("utama", "INBOX", self.uidvalidity, str(u))
            for u in self.mails
            if str(u) in stored and str(u) not in self.marked
        ]

    def idle(self, seconds: float, stop: Any) -> None: ...

    def status(self) -> tuple[int, int]:
        return self.uidvalidity, len(self.mails)

    def close(self) -> None: ...


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def w(tmp_path: Path, clock: Clock) -> World:
    return world(tmp_path, clock, replies=config.RepliesSection(form=False), mailbox=(SECTION,))


@pytest.fixture
def box(clock: Clock) -> Memory:
    return Memory(clock, {n: mail(n) for n in (1, 2, 3)})


def taken(w: World) -> list[str]:
    with w.store.reading() as tx:
        return [str(m.header_id) for m in mails.everything(tx)]


# ------------------------------------------------------------------ start line (IN-13)


def test_in_13_first_contact_without_a_start_line_is_refused(w: World, box: Memory) -> None:
    with pytest.raises(StartMissing, match="start ="):
        sweep(w, box, SECTION.model_copy(update={"start": ""}))
    assert taken(w) == []


def test_in_13_none_takes_only_what_comes_later(w: World, box: Memory) -> None:
    none = SECTION.model_copy(update={"start": "none"})
    assert sweep(w, box, none) == 0
    box.mails[4] = mail(4)

    assert sweep(w, box, none) == 1
    assert sweep(w, box, none.model_copy(update={"start": ""})) == 0  # what was chosen at first contact is remembered
    assert taken(w) == ["<4@kantor.example>"]
    assert gap(w, box, none) == []


def test_in_13_since_a_date_and_nothing_old_is_answered(w: World, box: Memory) -> None:
    box.hours = {1: 24 * 30, 2: 80, 3: 1}

    assert sweep(w, box, SECTION.model_copy(update={"start": f"since {MORNING - dt.timedelta(days=10):%Y-%m-%d}"})) == 2
    with w.store.reading() as tx:
        assert [(m.header_id, m.guard.rules) for m in mails.everything(tx)] == [
            ("<2@kantor.example>", ("R16",)),
            ("<3@kantor.example>", ()),
        ]


def test_in_13_a_folder_of_files_named_by_digits(w: World, tmp_path: Path, clock: Clock) -> None:
    import os

    from mailbot.mailbox.folder import Folder

    section = config.MailboxSection(path=str(tmp_path / "surat"))
    (tmp_path / "surat").mkdir()
    for number in (0, 7):
        (tmp_path / "surat" / f"{number}.eml").write_bytes(mail(number))
    maildir = tmp_path / "m"
    for part in ("new", "cur", "tmp"):
        (maildir / part).mkdir(parents=True)
    for number in (0, 9):
        (maildir / "new" / str(number)).write_bytes(mail(number + 100))
        os.utime(maildir / "new" / str(number), (clock().timestamp() - 9,) * 2)
    none = config.MailboxSection(account="dua", path=str(maildir), start="none")

    assert sweep(w, Folder("utama", tmp_path / "surat"), section) == 2
    assert sweep(w, Folder("dua", maildir), none) == 0
    (maildir / "new" / "3").write_bytes(mail(103))
    os.utime(maildir / "new" / "3", (clock().timestamp() + 9,) * 2)
    assert sweep(w, Folder("dua", maildir), none) == 1


# ------------------------------------------------------------------ epochs (IN-21)


def test_in_21_renumbered_mails_are_linked_and_not_answered_again(w: World, box: Memory) -> None:
    sweep(w, box, SECTION)
    box.uidvalidity, box.mails = 2, {11: mail(1), 12: mail(2), 13: mail(3), 14: mail(4)}
    sweep(w, box, SECTION)

    with w.store.reading() as tx:
        assert [m.guard.policy for m in mails.everything(tx)] == ["reply", "reply", "reply", "hold"]
        assert len(outbox.everything(tx)) == 3
    box.mails[15] = mail(5)
    sweep(w, box, SECTION)
    with w.store.reading() as tx:
        assert mails.everything(tx)[-1].guard.policy == "reply"


def test_a_machine_whose_child_opens_no_mail_is_told_apart_from_a_bad_mail(
    w: World, box: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hurried(**wanted: Any) -> Limits:
        return Limits(**{**wanted, "seconds": 0.0})

    def told() -> bool:
        return "unreadable" in [t.name for t in alarm.troubles(w)]

    with monkeypatch.context() as hurry:
        hurry.setattr(child, "Limits", hurried)
        box.mails = {n: mail(n) for n in range(1, 5)}
        sweep(w, box, SECTION)
        assert not told()
        box.mails[5] = mail(5)
        sweep(w, box, SECTION)
        assert told()
    with w.store.reading() as tx:
        assert {m.state for m in mails.everything(tx)} == {"quarantined"}
    box.mails[6] = mail(6)
    sweep(w, box, SECTION)
    assert not told()


def test_in_21_many_new_mails_wait_for_the_operator(w: World, box: Memory) -> None:
    sweep(w, box, SECTION)
    box.uidvalidity, box.mails = 2, {n: mail(n) for n in range(100, 130)}
    with pytest.raises(Paused, match="retry --confirm"):
        sweep(w, box, SECTION)
    with pytest.raises(Paused):
        sweep(w, box, SECTION)
    assert len(taken(w)) == 3 + 20
    assert "paused utama" in [t.name for t in alarm.troubles(w)]
    with w.store.transaction() as tx:
        mailboxes.confirm(tx, "utama")

    assert sweep(w, box, SECTION) == 10


# ------------------------------------------------------------------ single mails that fail (IN-33, IN-34)


def test_in_33_a_mail_without_bytes_is_tried_after_1_5_and_30_minutes(w: World, box: Memory, clock: Clock) -> None:
    box.broken[2] = FetchEmpty("nothing")
    for minutes in (0, 0.5, 1, 5, 30, 60, 600):
        clock.pass_(minutes=minutes)
        sweep(w, box, SECTION)

    assert box.fetched.count("2") == 4
    assert taken(w) == ["<1@kantor.example>", "<3@kantor.example>"]
    with w.store.transaction() as tx:
        assert [r.uid for r in mails.quarantined(tx)] == ["2"]
        mails.release_quarantine(tx)
    del box.broken[2]
    assert sweep(w, box, SECTION) == 1


def test_in_34_a_session_that_always_ends_at_one_mail_does_not_stop_the_others(w: World, box: Memory) -> None:
    box.broken[1] = NetworkTrouble("cut")
    for _ in range(2):
        with pytest.raises(NetworkTrouble):
            sweep(w, box, SECTION)
    sweep(w, box, SECTION)

    assert taken(w) == ["<2@kantor.example>", "<3@kantor.example>"]
    with w.store.reading() as tx:
        assert mails.quarantined(tx) == []


def test_in_43_a_full_disk_stops_before_the_fetch(w: World, box: Memory) -> None:
    small = replace(
        w,
        settings=w.settings.model_copy(
            update={"storage": w.settings.storage.model_copy(update={"min_free_mb": 1 << 40})}
        ),
    )
    with pytest.raises(OSError) as raised:
        sweep(small, box, SECTION)

    assert (raised.value.errno, box.fetched, box.marked) == (errno.ENOSPC, [], [])
    assert sweep(w, box, SECTION) == 3


def test_k5_a_forgotten_mark_is_set_by_the_next_sweep(w: World, box: Memory) -> None:
    sweep(w, box, SECTION)
    box.marked.remove("2")
    sweep(w, box, SECTION)

    assert sorted(box.marked) == ["1", "2", "3"]


def test_in_03_a_bell_that_rings_in_vain_is_slowed_down_until_a_mail_comes(w: World, clock: Clock) -> None:
    from threading import Event

    box = Memory(clock)  # its bell rings at once
    watch = Watch(w, box, SECTION, Event())

    assert [watch.round() for _ in range(7)] == [0.0] * 5 + [1.0] * 2
    box.mails[1] = mail(1)
    assert (watch.round(), watch.round()) == (0.0, 0.0)
    assert taken(w) == ["<1@kantor.example>"]


# ------------------------------------------------------------------ refused logins (IN-05)


def test_in_05_few_logins_even_if_the_service_starts_again_and_again(w: World, clock: Clock) -> None:
    from threading import Event

    from mailbot.mailbox import LoginRefused

    tries: list[float] = []

    class Refusing(Memory):
        def discover(self, known: Known, full: bool = True) -> Iterator[Pending]:
            tries.append((clock() - MORNING).total_seconds())
            raise LoginRefused("wrong")

    for _ in range(24 * 60):
        Watch(w, Refusing(clock), SECTION, Event()).round()
        clock.pass_(minutes=1)

    assert sum(t < 3600 for t in tries) <= 3
    assert len(tries) <= 7
    assert any(t.name.startswith("login") for t in alarm.troubles(w))
    with w.store.transaction() as tx:
        assert mailboxes.forgive_logins(tx) == 1


# ------------------------------------------------------------------ outbox (IN-50 to IN-54)


@dataclass
class Server:
    """Takes mail as told: a list of states, then sent."""

    states: list[str]
    taken: list[bytes] = field(default_factory=list)

    def __call__(self, data: bytes, sender: str, recipient: str, final: Any = None) -> Handover:
        state = self.states.pop(0) if self.states else "sent"
        if state in ("sent", "ambiguous"):
            final()
            self.taken.append(data)
        return Handover(
            state,
            "final" if state in ("sent", "ambiguous") else "rcpt",
            {"failed": "550 5.1.1 unknown"}.get(state, state),
        )  # type: ignore[arg-type]


def over_smtp(w: World, *states: str) -> tuple[World, Server]:
    server = Server(list(states))
    smtp = config.SmtpSection(kind="smtp", host="127.0.0.1", tls="none")
    return replace(w, send=server, settings=w.settings.model_copy(update={"smtp": smtp})), server


def state_of(w: World) -> tuple[str, int, int]:
    with w.store.reading() as tx:
        row = outbox.everything(tx)[0]
        return row.state, row.attempts, row.repeats


@pytest.fixture
def one(w: World, box: Memory) -> World:
    box.mails = {1: mail(1)}
    sweep(w, box, SECTION)
    return w


@pytest.mark.parametrize("copy", [True, False, None])
def test_in_52_an_ambiguous_mail_is_looked_for_and_repeated_once(
    one: World, clock: Clock, copy: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    w, server = over_smtp(one, "ambiguous", "ambiguous")
    monkeypatch.setattr(delivery, "copy_exists", lambda world, header_id: copy)
    delivery.send_next(w)
    for _ in range(40):
        clock.pass_(minutes=1)
        delivery.reconcile_next(w)
        delivery.send_next(w)

    assert len(server.taken) == (1 if copy else 2)
    assert len(set(server.taken)) == 1
    assert state_of(w)[0] == ("sent" if copy else "failed")


def test_in_52_nothing_is_repeated_before_ten_minutes(
    one: World, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    w, server = over_smtp(one, "ambiguous")
    monkeypatch.setattr(delivery, "copy_exists", lambda world, header_id: False)
    delivery.send_next(w)
    for _ in range(9):
        clock.pass_(minutes=1)
        delivery.reconcile_next(w)
        delivery.send_next(w)

    assert len(server.taken) == 1
    assert state_of(w) == ("ambiguous", 1, 0)


def test_in_50_a_deferred_mail_is_tried_for_two_days_and_then_told(one: World, clock: Clock) -> None:
    w, server = over_smtp(one, *["deferred"] * 99)
    for _ in range(60 * 24 * 3 // 5):
        clock.pass_(minutes=5)
        delivery.send_next(w)

    assert (state_of(w)[0], server.taken) == ("failed", [])
    assert "failed" in [t.name for t in alarm.troubles(w)]
    with w.store.transaction() as tx:
        assert outbox.retry_now(tx, w.now()) == 1
    server.states.clear()
    assert delivery.send_next(w)
    assert state_of(w)[0] == "sent"


@pytest.mark.parametrize(
    ("wanted", "sender"), [("office", r"lpse@"), ("plus", r"lpse\+b-receipt\.[a-z2-7]{26}@"), ("null", "$")]
)
def test_the_envelope_says_who_hears_of_bounces(one: World, wanted: str, sender: str) -> None:
    seen: list[str] = []

    def send(data: bytes, sender: str, recipient: str, final: Any = None) -> Handover:
        seen.append(sender)
        return Handover("sent", "final", "250")

    section = one.settings.smtp.model_copy(update={"envelope": wanted})
    delivery.send_next(replace(one, send=send, settings=one.settings.model_copy(update={"smtp": section})))

    assert len(seen) == 1 and re.match(sender, seen[0])


def test_r19_an_address_refused_for_good_is_not_written_to_again(one: World, box: Memory) -> None:
    w, _ = over_smtp(one, "failed")
    delivery.send_next(w)
    box.mails[2] = mail(1).replace(b"<1@", b"<2@")
    sweep(w, box, SECTION)

    with w.store.reading() as tx:
        assert mails.everything(tx)[-1].guard.rules == ("R19",)


def test_a_cancelled_mail_never_leaves(one: World) -> None:
    w, server = over_smtp(one)
    with w.store.transaction() as tx:
        assert outbox.cancel(tx, (outbox.everything(tx)[0].id,)) == 1

    assert not delivery.send_next(w)
    assert server.taken == []


@pytest.mark.parametrize(("stage", "state"), [("", "pending"), ("final", "ambiguous")])
def test_k10_k11_only_a_hand_over_cut_after_its_dot_is_ambiguous(
    one: World, clock: Clock, stage: str, state: str
) -> None:
    w, _ = over_smtp(one)
    with w.store.transaction() as tx:
        row = outbox.claim(tx, w.now())
        assert row
        outbox.stage(tx, row.id, row.attempts + 1, stage)
    clock.at += outbox.LEASE + dt.timedelta(seconds=1)  # another host may still be at it until then
    delivery.recover(w)

    assert state_of(w)[0] == state


def test_pages_that_a_killed_process_left_are_swept(
    one: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for name, minutes in (("old", 61), ("young", 1)):  # the young one may be another process's
        folder = tmp_path / f"{SCRATCH}{name}"
        folder.mkdir()
        (folder / "1-1400.jpg").write_bytes(b"a page")
        since = time.time() - minutes * 60
        os.utime(folder, (since, since))
    lanes.recover(one)
    assert [p.name for p in tmp_path.glob(f"{SCRATCH}*")] == [f"{SCRATCH}young"]


def test_in_54_a_restored_database_repeats_no_receipt(
    w: World, box: Memory, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    box.hours = dict.fromkeys(box.mails, 5)
    sweep(w, box, SECTION)
    restored, server = over_smtp(w)
    monkeypatch.setattr(delivery, "copy_exists", lambda world, header_id: True)
    while delivery.send_next(restored):
        pass

    assert server.taken == []
    assert state_of(w)[0] == "sent"


# ------------------------------------------------------------------ what operators are told


def test_r18_one_daily_summary_of_those_whom_the_limits_left_without_a_receipt(
    w: World, box: Memory, clock: Clock
) -> None:
    box.mails = {n: mail(n).replace(f"p{n}@".encode(), b"satu@") for n in range(1, 6)}
    told: list[bytes] = []

    def send(data: bytes, *_: Any) -> Handover:
        told.append(data)
        return Handover("sent", "final", "250")

    section = config.AlarmSection(to="operator@contoh.example")
    watched = replace(w, send=send, settings=w.settings.model_copy(update={"alarm": section}))
    sweep(w, box, SECTION)
    for _ in range(4):
        clock.pass_(hours=2)
        alarm.look(watched)

    summaries = [m for m in told if b"Subject: mailbot: limits" in m]
    assert len(summaries) == 1
    words = str(email.message_from_bytes(summaries[0], policy=policy.default).get_content())  # type: ignore[attr-defined]
    assert "2 mails of the last 24 hours" in words and "LPSE-2026-000004, LPSE-2026-000005" in words


@pytest.mark.parametrize(("minutes", "fine"), [(1, True), (24 * 60, False)])
def test_the_doctor_sees_a_clock_that_is_ahead(w: World, box: Memory, clock: Clock, minutes: float, fine: bool) -> None:
    box.mails = {}
    sweep(w, box, SECTION)  # first contact
    clock.pass_(days=2)
    box.mails, box.hours = {1: mail(1), 2: mail(2)}, {1: minutes / 60, 2: minutes / 60 + 3}
    sweep(w, box, SECTION)

    assert diagnosis._ahead(w)[0] == fine


def test_the_doctor_looks_at_the_disk_that_holds_the_data(w: World, tmp_path: Path) -> None:
    least = config.StorageSection(path=str(tmp_path / "belum" / "ada"), min_free_mb=1 << 40)

    assert diagnosis.disk_row(w.settings)[0]
    assert not diagnosis.disk_row(w.settings.model_copy(update={"storage": least}))[0]


def test_the_doctor_opens_something_in_a_limited_child() -> None:
    assert diagnosis.child_row() == (True, "limited child: works", "")
    fine, told, _ = diagnosis.child_row(Limits(open_files=1 << 31, small=True))
    assert not fine and "cannot be set" in told


# ------------------------------------------------------------------ clocks and locks (G10)


@pytest.mark.parametrize("hours", [-24.0, 24.0])
def test_g10_a_clock_that_is_off_by_a_day_loses_nothing(w: World, box: Memory, hours: float) -> None:
    box.hours = dict.fromkeys(box.mails, hours)

    assert sweep(w, box, SECTION) == 3
    with w.store.reading() as tx:
        assert [m.guard.policy for m in mails.everything(tx)] == ["reply"] * 3


@pytest.mark.parametrize("hours", [-24.0, 24.0])
def test_g10_a_clock_that_jumps_while_mail_waits_delays_it_and_no_more(
    w: World, box: Memory, clock: Clock, hours: float
) -> None:
    """Deferred under the wrong clock; then the clock is set, and everything goes out once."""
    late, server = over_smtp(w, *["deferred"] * 3)
    clock.pass_(hours=hours)
    sweep(late, box, SECTION)
    for _ in range(3):
        assert delivery.send_next(late)
    clock.pass_(hours=-hours)
    box.mails[4] = mail(4)
    sweep(late, box, SECTION)
    for _ in range(25 * 6):
        clock.pass_(minutes=10)
        while delivery.send_next(late):
            pass

    assert len(taken(w)) == 4
    assert sorted(email.message_from_bytes(d)["To"] for d in server.taken) == [
        f"p{n}@kantor.example" for n in (1, 2, 3, 4)
    ]


def test_g10_a_locked_database_only_delays(w: World, box: Memory, tmp_path: Path) -> None:
    import sqlite3
    import threading

    other = sqlite3.connect(tmp_path / "data" / "mailbot.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    free = threading.Timer(2.0, other.execute, ["ROLLBACK"])
    free.start()

    assert sweep(w, box, SECTION) == 3
    free.join()
    other.close()


def test_g10_a_database_that_fails_does_not_use_up_the_attempts_of_a_mail(
    w: World, box: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    from mailbot.work import sweep as module

    def locked(*_: object, **__: object) -> int:
        raise OperationalError("insert", {}, Exception("database is locked"))

    with monkeypatch.context() as patched:
        patched.setattr(module, "take_in", locked)
        for _ in range(8):
            with pytest.raises(OperationalError):
                sweep(w, box, SECTION)
            w.now.pass_(minutes=2)  # type: ignore[attr-defined]

    assert sweep(w, box, SECTION) == 3
