"""Attempts and quarantine of intake (IN-34)."""

from pathlib import Path

from mailbot.model import Location
from mailbot.store import Store

AT = Location("utama", "INBOX", 1, "7")


def known(store: Store) -> set[str]:
    return store.known_uids("utama", "INBOX", 1)


def test_three_failures_set_a_mail_aside_until_it_is_released(tmp_path: Path) -> None:
    store = Store(tmp_path / "m.db")
    assert [store.attempt(AT) for _ in range(3)] == [1, 2, 3]

    assert known(store) == {"7"}
    assert store.release_quarantine() == 1
    assert known(store) == set()


def test_a_failing_server_does_not_use_up_the_attempts_of_a_mail(tmp_path: Path) -> None:
    store = Store(tmp_path / "m.db")
    for _ in range(9):
        store.attempt(AT)
        store.forgive(AT)

    assert known(store) == set()
