"""Step 5: the campaign of PPK accounts; every decision is a person's, and every step can be called again."""

import datetime as dt
from pathlib import Path

import pytest

from mailbot.sop.case import Refused
from mailbot.store import Stale, access, chain
from mailbot.store.access import AccessRight
from mailbot.work import World, archive, yearend
from tests.worlds import AGENCY, HELPDESK, SUPERVISOR, Clock, Post, body_of, evidence, person, world

PLANNED, ANSWER = dt.date(2026, 12, 30), dt.date(2026, 12, 18)
PPK = ("198507042010011007", "199001012015022002", "198801022012011003")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def w(tmp_path: Path, clock: Clock) -> World:
    made = world(tmp_path, clock)
    with made.store.transaction() as tx:
        for number, nip in enumerate(PPK):
            right = AccessRight(
                f"PPK{number}",
                f"Orang {number}",
                nip,
                "ppk",
                "Dinas Contoh",
                f"orang{number}@contoh.example",
                valid_until="2026-12-31",
            )
            access.record(tx, right, "uji", "impor", clock())
        access.record(
            tx, AccessRight("POKJA", "Orang Pokja", "198801022012011004", "pokja", "UKPBJ"), "uji", "impor", clock()
        )
        access.record(
            tx,
            AccessRight("LAMA", "Orang Lama", "198801022012011005", "ppk", "Dinas", status="nonaktif"),
            "uji",
            "impor",
            clock(),
        )
    return made


def listed(w: World) -> yearend.Campaign:
    return yearend.gather(w, AGENCY, 2026, PLANNED)


def test_only_active_ppk_accounts_are_listed_and_later_ones_are_added(w: World, clock: Clock) -> None:
    assert [a.user_id for a in listed(w).accounts] == ["PPK0", "PPK1", "PPK2"]
    with w.store.transaction() as tx:
        access.record(tx, AccessRight("PPK3", "Orang 3", "198801022012011006", "ppk", "Dinas"), "uji", "impor", clock())

    assert [a.user_id for a in listed(w).accounts] == ["PPK0", "PPK1", "PPK2", "PPK3"]


def test_what_speaks_for_an_exception_is_shown(w: World) -> None:
    case = Post(w).mail(evidence(person(PPK[0])))
    with w.store.transaction() as tx:
        old = access.of_nip(tx, PPK[1])[0]
        access.record(
            tx,
            AccessRight(old.user_id, old.nama, old.nip, "ppk", old.instansi, old.email, valid_until="2027-06-30"),
            "uji",
            "ubah",
            w.now(),
        )
    hints = [a.hints for a in listed(w).accounts]

    assert case.number in hints[0][0] and "30 Juni 2027" in hints[1][0] and "31 Desember 2026" in hints[2][0]


def test_everybody_is_told_once_even_when_called_again(w: World) -> None:
    listed(w)
    assert yearend.notify(w, AGENCY, 2026, ANSWER) == 3
    assert yearend.notify(w, AGENCY, 2026, ANSWER) == 0
    mails = Post(w).sent()

    assert sorted(str(m["To"]) for m in mails) == [f"orang{n}@contoh.example" for n in range(3)]
    assert (
        "18 Desember 2026" in body_of(mails[0])
        and "30 Desember 2026" in body_of(mails[0])
        and "Tahun Anggaran 2027" in body_of(mails[0])
    )
    assert yearend.status(w, 2026).state == "diumumkan"


def test_nothing_is_executed_without_notice_decision_and_the_planned_day(w: World, clock: Clock) -> None:
    first = listed(w).accounts[0]
    with pytest.raises(Refused, match="belum diputuskan"):
        yearend.execute(w, AGENCY, 2026, first.id)
    yearend.decide(w, AGENCY, 2026, first.id, "nonaktif", "")
    with pytest.raises(Refused, match="belum diberitahu"):
        yearend.execute(w, AGENCY, 2026, first.id)
    yearend.notify(w, AGENCY, 2026, ANSWER)
    with pytest.raises(Refused, match="30 Desember"):
        yearend.execute(w, AGENCY, 2026, first.id)
    clock.at = dt.datetime(2026, 12, 30, 3, tzinfo=dt.UTC)
    yearend.execute(w, AGENCY, 2026, first.id)

    with pytest.raises(Stale):
        yearend.decide(w, AGENCY, 2026, first.id, "kecuali", "terlambat")
    with pytest.raises(Refused, match="tidak aktif"):
        yearend.execute(w, AGENCY, 2026, first.id)
    with w.store.reading() as tx:
        (right,) = access.of_nip(tx, PPK[0])
        assert (right.status, right.ended_at, right.executor) == ("nonaktif", "2026-12-30", "budi")
        assert "langkah 5" in right.ended_reason
        assert [h.what for h in access.history(tx, right.id)] == ["impor", "penonaktifan akhir tahun"]


def test_the_whole_campaign_ends_in_the_archive(w: World, clock: Clock) -> None:
    accounts = listed(w).accounts
    yearend.notify(w, AGENCY, 2026, ANSWER)
    with pytest.raises(Refused, match="dasar"):
        yearend.decide(w, AGENCY, 2026, accounts[1].id, "kecuali", " ")
    yearend.decide(w, AGENCY, 2026, accounts[1].id, "kecuali", "kontrak tahun jamak 027/5/2026")
    for account in (accounts[0], accounts[2]):
        yearend.decide(w, AGENCY, 2026, account.id, "nonaktif", "")
    clock.at = dt.datetime(2026, 12, 30, 3, tzinfo=dt.UTC)
    yearend.execute(w, AGENCY, 2026, accounts[0].id)
    with pytest.raises(Refused, match="PPK2"):
        yearend.finish(w, AGENCY, 2026)
    yearend.execute(w, AGENCY, 2026, accounts[2].id)
    folder = yearend.finish(w, AGENCY, 2026)

    assert yearend.status(w, 2026).count() == {
        "akun": 3,
        "diberitahu": 3,
        "belum diputuskan": 0,
        "dikecualikan": 1,
        "dinonaktifkan": 2,
    }
    assert (folder / "data" / "kampanye.json").exists() and list(archive.verify(w)) == []
    results = [m for m in Post(w).sent() if "Hasil penonaktifan" in str(m["Subject"])]
    assert sorted(str(m["To"]) for m in results) == ["orang0@contoh.example", "orang2@contoh.example"]
    with w.store.reading() as tx:
        assert not list(chain.faults(chain.events(tx, chain.OFFICE)))
    (folder / "data" / "kampanye.json").write_text("{}")
    assert list(archive.verify(w))


def test_only_admin_agency_and_supervisors_may(w: World) -> None:
    with pytest.raises(Refused, match="wewenang"):
        yearend.gather(w, HELPDESK, 2026, PLANNED)
    first = yearend.gather(w, SUPERVISOR, 2026, PLANNED).accounts[0]
    with pytest.raises(Refused, match="Admin Agency"):
        yearend.execute(w, SUPERVISOR, 2026, first.id)
