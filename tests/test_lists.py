"""Lists whose cost must not grow with the history: what they show, and that they are taken from indexes."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from mailbot.model import Outgoing
from mailbot.replies.guard import Sent
from mailbot.store import Store, access, audit, chain, figures, outbox, queue

NOW = dt.datetime(2026, 11, 23, 3, 0, tzinfo=dt.UTC)
BIG = "event|outgoing|message|case_file|access_right|access_word|step|job|location"


@pytest.fixture
def store(database: str) -> Store:
    return Store(database)


def write(tx: Connection, key: str, state: str, bounced: str = "", age: int = 0) -> int:
    mail = Outgoing(key, "receipt", 1, f"<{key}@lpse.example>", "dinas@contoh.example", b"From: lpse\n\n")
    number = outbox.add(tx, None, mail, NOW - dt.timedelta(minutes=age))
    assert number is not None
    values = {"id": number, "state": state, "bounced": bounced}
    tx.execute(text("UPDATE outgoing SET state = :state, bounced = :bounced WHERE id = :id"), values)
    return number


def test_mail_that_needs_a_person_is_listed_newest_first(store: Store) -> None:
    with store.transaction() as tx:
        waits, fresh = write(tx, "lama", "deferred", age=30), write(tx, "baru", "pending")
        failed, unclear = write(tx, "gagal", "failed"), write(tx, "ragu", "ambiguous", age=900)
        sent, returned = write(tx, "sampai", "sent", age=900), write(tx, "kembali", "sent", "5.1.1", age=900)
        found = [r.id for r in figures.stuck_mail(tx, NOW - dt.timedelta(minutes=15))]
    assert found == [returned, unclear, failed, waits]
    assert not {fresh, sent} & set(found)


def test_the_trail_goes_back_in_time_and_keeps_the_order_of_one_moment(store: Store) -> None:
    with store.transaction() as tx:
        for n, (actor, action) in enumerate(
            (("siti", "masuk"), ("budi", "masuk"), ("siti", "buka"), ("siti", "keluar"))
        ):
            chain.append(tx, chain.OFFICE, NOW + dt.timedelta(minutes=n // 2), actor, action)
        assert [e.action for e in audit.events(tx)] == ["keluar", "buka", "masuk", "masuk"]
        assert [e.action for e in audit.events(tx, actor="siti", offset=1)] == ["buka", "masuk"]
        assert [e.actor for e in audit.events(tx, action="masuk")] == ["budi", "siti"]
        later = (NOW + dt.timedelta(minutes=1)).isoformat(timespec="microseconds")
        assert [e.action for e in audit.events(tx, until=later)] == ["masuk", "masuk"]
        assert [e.action for e in audit.events(tx, actor="siti", since=later)] == ["keluar", "buka"]


def test_the_replies_of_an_hour_and_a_day_are_counted(store: Store) -> None:
    replies = [
        ("a@dinas.example", "receipt", 5), ("a@dinas.example", "receipt", 1800), ("b@dinas.example", "minimal", 10),
        ("a@dinas.example", "duplicate", 7200), ("a@dinas.example", "result", 5), ("c@lain.example", "receipt", 5),
        ("a@dinas.example", "receipt", 90_000), ("x@anak.dinas.example", "receipt", 90),
    ]  # fmt: skip
    with store.transaction() as tx:
        for number, (to, kind, ago) in enumerate(replies):
            mail = Outgoing(f"k{number}", kind, 1, f"<{number}@lpse.example>", to, b"")
            outbox.add(tx, None, mail, NOW - dt.timedelta(seconds=ago))
        found = outbox.sent_counts(tx, "a@dinas.example", NOW)
    assert found == Sent(hour=2, day=3, domain_hour=3, all_hour=5, all_minute=3)


def test_lists_read_no_whole_table(tmp_path: Any) -> None:
    """SQLite's own account of each query: a scan without an index would grow with every case that ever was."""
    store = Store(f"sqlite:///{tmp_path / 'm.db'}")
    asked: list[tuple[str, Any]] = []
    with store.transaction() as tx:
        event.listen(tx, "before_cursor_execute", lambda _c, _k, sql, values, *_: asked.append((sql, values)))
        audit.events(tx)
        audit.events(tx, actor="siti")
        audit.events(tx, action="masuk")
        audit.events(tx, number="LPSE-2026-000001")
        audit.events(tx, since="2026-11-01", until="2026-12-01")
        figures.stuck_mail(tx, NOW)
        figures.deviations(tx, NOW, False)
        figures.waiting_jobs(tx)
        figures.failed_jobs(tx)
        outbox.sent_counts(tx, "dinas@contoh.example", NOW)
        access.page(tx, "aktif", "", "", 0, 60)
        held = access.AccessRight("PPK.1", "Siti", "198507042010011007", "ppk", "Dinas")
        access.record(tx, held, "uji", "impor", NOW)
        access.page(tx, "aktif", "dinas si", "2027-01-01", 0, 60)
        queue.newest(tx, ("diarsipkan", "ditolak"))
        queue.lines(tx, ("perlu_tinjauan",))
        queue.after(tx, (), 1)
        queue.after(tx, ("perlu_tinjauan",), 1)
        queue.some(tx, ("perlu_tinjauan", "diteruskan"))
        queries, asked = asked, []
        steps = [r[3] for q, v in queries for r in tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {q}", v)]
    assert len(queries) >= 13
    assert not [s for s in steps if re.fullmatch(rf"SCAN ({BIG})", s)]
    assert sum("outgoing_recipient (recipient=? AND created_at>?)" in s for s in steps) == 1  # a day
