"""The register by words: against a plain look at every right, on both databases."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import re

import pytest
from sqlalchemy import text

from mailbot.store import Connection, Store, access, schema, tables
from mailbot.store.access import AccessRight

NOW = dt.datetime(2026, 11, 23, 3, 0, tzinfo=dt.UTC)
NAMES = ("Sri", "Sriyani", "Sriyanto", "Budi", "Budiman", "Zainal", "Wahyu", *(f"Man{c}" for c in "abcdefghijklmnopqr"))
LATE = tuple(f"Zu{c}" for c in "abcdefghijklmnopqr")  # more than a beginning stands for, and not among the first names
OFFICES = ("Dinas Pendidikan", "Dinas Kesehatan", "Kecamatan Batang", "Sekretariat DPRD")
ASKED = ("sri", "s", "budi", "budi sri", "zainal", "zainal dinas", "dinas", "d", "dinas kes", "man", "m", "mana man", "man sri", "dinas zzz", "zzz",
         "zzz dinas", "ppk.1", "ppk", "1", "12 dinas", "sri sri", "batang kecamatan", "pendidikan dinas manb", "1985", "zu", "dinas zu", "zua zu")  # fmt: skip


@pytest.fixture
def store(database: str) -> Store:
    return Store(database)


def right(
    number: int, nama: str, instansi: str = "Dinas Contoh", status: str = "aktif", until: str = ""
) -> AccessRight:
    return AccessRight(
        f"PPK.{number}", nama, f"19850704201001{number:04d}", "ppk", instansi, status=status, valid_until=until
    )


def put(tx: Connection, *rights: AccessRight) -> None:
    for one in rights:
        access.record(tx, one, "uji", "impor", NOW)


def names(
    tx: Connection, typed: str, status: str = "aktif", until: str = "", offset: int = 0, limit: int = 9
) -> list[str]:
    return [r.nama for r in access.page(tx, status, typed, until, offset, limit)]


def told(one: AccessRight, typed: str, status: str, until: str) -> bool:
    """What the page promises, without any index."""
    words = re.findall(r"[a-z0-9]+", f"{one.nama} {one.user_id} {one.instansi} {one.nip}".lower())
    *whole, last = re.findall(r"[a-z0-9]+", typed)
    fits = all(w in words for w in whole) and any(w.startswith(last) for w in words)
    return fits and one.status == status and (not until or str(one.valid_until) <= until)


def test_every_page_is_what_a_look_at_all_rights_gives(store: Store) -> None:
    rng = random.Random(7)
    whole = [" ".join(rng.choices(LATE if n % 3 == 0 else NAMES, k=2)) for n in range(240)]
    rights = [
        right(n, f"{name} {n}", rng.choice(OFFICES), rng.choice(("aktif", "nonaktif")), f"2026-12-{n % 28 + 1:02d}")
        for n, name in enumerate(whole)
    ]  # fmt: skip
    with store.transaction() as tx:
        put(tx, *rights)
        for typed in ASKED:
            for status, until, offset in itertools.product(("aktif", "nonaktif"), ("", "2026-12-09"), (0, 3, 12)):
                wanted = sorted(r.nama for r in rights if told(r, typed, status, until))
                assert names(tx, typed, status, until, offset, 3) == wanted[offset : offset + 3], (typed, status, until)


def test_words_are_found_without_accents_and_a_nip_in_its_groups(store: Store) -> None:
    with store.transaction() as tx:
        put(tx, right(7, "Renée Contoh"), right(8, "Andi Contoh", "Dinas PU & Penataan Ruang (Kab. Batang)"))
        assert names(tx, "renee") == names(tx, "RENÉE con") == names(tx, "19850704 201001 0 007") == ["Renée Contoh"]
        assert names(tx, "pu penataan kab.") == names(tx, "contoh, andi") == ["Andi Contoh"]
        assert names(tx, "198507042010010") == names(tx, "contoh") == ["Andi Contoh", "Renée Contoh"]
        assert names(tx, "enée") == names(tx, "'%_\"") == names(tx, "198507042010010009") == []


def test_a_right_that_changes_is_found_by_what_it_is_now(store: Store) -> None:
    with store.transaction() as tx:
        put(tx, right(1, "Siti Lama"), right(2, "Andi Lama"))
        put(tx, right(1, "Siti Baru", status="nonaktif"))
        assert names(tx, "lama") == ["Andi Lama"] and names(tx, "siti") == []
        assert names(tx, "siti ba", "nonaktif") == names(tx, "ppk", "nonaktif") == ["Siti Baru"]


def test_words_without_end_and_none_at_all_are_kept(store: Store) -> None:
    with store.transaction() as tx:
        put(tx, right(1, "X" * 70), AccessRight("-", "-", "", "ppk", "-"))
        assert names(tx, "x" * 60) == names(tx, "x" * 70) == ["X" * 70]
        assert names(tx, "") == ["-", "X" * 70]


def test_an_older_register_is_found_after_the_upgrade(store: Store) -> None:
    with store.transaction() as tx:
        put(tx, right(1, "Siti Contoh"), right(2, "Andi Contoh", status="nonaktif"))
        before = tx.execute(tables.access_word.select().order_by(text("access_id, word"))).all()
    schema.downgrade(store.engine, "0002")
    with store.transaction() as tx:
        tx.execute(text("UPDATE access_right SET valid_until = '2027-01-31'"))  # the older program goes on with it
    schema.upgrade(store.engine)
    with store.reading() as tx:
        assert tx.execute(tables.access_word.select().order_by(text("access_id, word"))).all() == before != []
        assert names(tx, "con siti") == [] and names(tx, "contoh si") == ["Siti Contoh"]
