"""Attempts and quarantine of intake (IN-34); versions of the schema; chains of events."""

import datetime as dt

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text

from mailbot.model import Location
from mailbot.store import Store, chain, mails, schema
from mailbot.store.tables import metadata

AT = Location("utama", "INBOX", 1, "7")
NOW = dt.datetime(2026, 11, 23, 3, 0, tzinfo=dt.UTC)


@pytest.fixture
def store(database: str) -> Store:
    return Store(database)


def known(tx: Connection) -> set[str]:
    return mails.known_uids(tx, "utama", "INBOX", 1, NOW)


def test_three_failures_set_a_mail_aside_until_it_is_released(store: Store) -> None:
    with store.transaction() as tx:
        for failures in range(3):
            assert mails.attempt(tx, AT, NOW) == failures
            assert mails.quarantined(tx) == []
            mails.note_failure(tx, AT, "rusak", None)
        assert known(tx) == {"7"}
        assert mails.release_quarantine(tx) == 1
        assert known(tx) == set()


def test_a_mail_at_which_the_process_dies_lets_the_others_go_first_and_is_set_aside_at_last(store: Store) -> None:
    """IN-34: a kill at an unlucky moment is not the mail's fault; a mail that kills the process each time is named."""
    with store.transaction() as tx:
        mails.attempt(tx, AT, NOW)
        assert known(tx) == set()
        mails.attempt(tx, AT, NOW)
        assert known(tx) == {"7"}
        later = NOW + dt.timedelta(seconds=6)
        assert mails.known_uids(tx, "utama", "INBOX", 1, later) == set()
        for _ in range(mails.MAX_BEGUN - 3):
            mails.attempt(tx, AT, later)
        assert mails.quarantined(tx) == []
        mails.attempt(tx, AT, later)
        assert [r.uid for r in mails.quarantined(tx)] == ["7"]


def test_a_failing_server_does_not_use_up_the_attempts_of_a_mail(store: Store) -> None:
    with store.transaction() as tx:
        for _ in range(9):
            mails.attempt(tx, AT, NOW)
            mails.forgive(tx, AT, "network", NOW)
        assert known(tx) == set()


def test_a_mail_that_waits_is_not_fetched_before_its_time(store: Store) -> None:
    with store.transaction() as tx:
        mails.attempt(tx, AT, NOW)
        mails.note_failure(tx, AT, "empty", None, NOW + dt.timedelta(minutes=5))
        assert known(tx) == {"7"}
        assert mails.known_uids(tx, "utama", "INBOX", 1, NOW + dt.timedelta(minutes=6)) == set()


def _own_tables(connection: Connection) -> MigrationContext:
    """Without the search index and the queue, which are made beside the tables."""
    mine = {
        "include_name": lambda name, kind, _: (
            not (kind == "table" and str(name).startswith(("case_text", "procrastinate_")))
        )
    }
    return MigrationContext.configure(connection, opts=mine)


def test_migrations_make_the_same_schema_as_the_tables(database: str) -> None:
    engine = Store(database).engine
    with engine.begin() as tx:
        for name in reversed(metadata.sorted_tables):
            tx.execute(text(f'DROP TABLE "{name.name}"'))
        tx.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    schema.upgrade(engine)
    with engine.connect() as connection:
        difference = compare_metadata(_own_tables(connection), metadata)

    assert schema.current(engine) == schema.head()
    assert not difference


@pytest.mark.parametrize("harm", ["UPDATE event SET reason = 'lain' WHERE seq = 2", "DELETE FROM event WHERE seq = 2",
                                  "UPDATE event SET at = '2020' WHERE seq = 3"])  # fmt: skip
def test_a_changed_or_removed_event_shows(store: Store, harm: str) -> None:
    with store.transaction() as tx:
        for number in range(3):
            chain.append(tx, chain.OFFICE, NOW, "siti", "masuk", reason=str(number))
        assert not list(chain.faults(chain.events(tx, chain.OFFICE)))
        tx.execute(text(harm))
        assert list(chain.faults(chain.events(tx, chain.OFFICE)))
