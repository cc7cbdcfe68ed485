"""Who may enter: passwords, sessions, locks, the first person, forged forms (T19, T20)."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from mailbot import config
from mailbot.store import cases, chain, users
from mailbot.web import login, passwords
from mailbot.work import World
from tests.web import ORIGIN, PASSWORD, people, person, visitor
from tests.worlds import Clock, Post, evidence, world
from tests.worlds import person as requested


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def w(tmp_path: Path, clock: Clock) -> World:
    made = world(tmp_path, clock)
    people(made)
    return made


def enter(w: World, name: str = "siti", password: str = PASSWORD, address: str = "10.0.0.7", **more: str) -> int:
    answer = visitor(w, address).post(
        "/masuk", data={"login": name, "password": password, **more}, headers={"origin": ORIGIN}
    )
    return answer.status_code


def test_without_a_session_every_page_leads_to_the_login(w: World) -> None:
    for path in ("/meja", "/persetujuan", "/cari", "/berkas/LPSE-2026-000001", "/akun"):
        answer = visitor(w).get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, "/masuk")


def test_each_role_arrives_at_its_own_work(w: World) -> None:
    for name, home in (("siti", "/meja"), ("budi", "/persetujuan"), ("ratna", "/pengawas"), ("eko", "/kesehatan")):
        answer = visitor(w).post("/masuk", data={"login": name, "password": PASSWORD}, headers={"origin": ORIGIN})
        assert answer.headers["location"] == home


def test_a_session_is_a_strict_cookie_that_scripts_cannot_read(w: World) -> None:
    answer = visitor(w).post("/masuk", data={"login": "siti", "password": PASSWORD}, headers={"origin": ORIGIN})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "domain" not in cookie

    behind = dataclasses.replace(w, settings=w.settings.model_copy(update={"web": config.WebSection(https=True)}))
    secure = visitor(behind).post("/masuk", data={"login": "siti", "password": PASSWORD}, headers={"origin": ORIGIN})
    assert secure.headers["set-cookie"].startswith("__Host-") and "secure" in secure.headers["set-cookie"].lower()
    assert "max-age" in secure.headers["strict-transport-security"]


def test_only_hashes_are_stored(w: World, clock: Clock) -> None:
    one = person(w, "helpdesk")
    token = one.client.cookies["mailbot"]
    data = b"".join(p.read_bytes() for p in (w.root).glob("mailbot.db*"))

    assert token.encode() not in data and PASSWORD.encode() not in data


@pytest.mark.parametrize(
    ("name", "password"), [("siti", "salah-salah-salah"), ("tidakada", PASSWORD), ("", ""), ("siti", "x" * 5000)]
)
def test_a_wrong_login_says_the_same_whatever_is_wrong(w: World, name: str, password: str) -> None:
    answer = visitor(w).post("/masuk", data={"login": name, "password": password}, headers={"origin": ORIGIN})

    assert answer.status_code == 403
    assert login.WRONG in answer.text


def test_five_failures_lock_the_account_for_a_quarter_of_an_hour(w: World, clock: Clock) -> None:
    assert [enter(w, password="salah-salah", address=f"10.0.1.{n}") for n in range(5)] == [403] * 5
    assert enter(w) == 429
    clock.pass_(minutes=16)

    assert enter(w) == 303


def test_many_failures_from_one_address_lock_the_address_only(w: World) -> None:
    for n in range(users.SOURCE_TRIES):
        enter(w, name=f"orang{n}")
    assert enter(w, name="budi") == 429

    assert enter(w, name="budi", address="10.0.0.8") == 303


def test_a_session_ends_when_idle_when_old_and_when_left(w: World, clock: Clock) -> None:
    idle, old, left = (person(w, "helpdesk") for _ in range(3))
    assert left.post("/keluar").status_code == 303
    assert left.get("/meja").status_code == 303
    for _ in range(25):
        clock.pass_(minutes=25)
        if clock.at.hour < 12 and old.get("/meja").status_code != 200:
            break
    assert idle.get("/meja").status_code == 303
    assert old.get("/meja").status_code == 303


def test_watching_for_news_keeps_no_session_alive(w: World, clock: Clock) -> None:
    one = person(w, "helpdesk")
    for _ in range(5):
        clock.pass_(minutes=7)
        answer = one.get("/meja", **{"hx-request": "true", "x-watch": "1"})

    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/masuk")


def test_a_new_password_or_a_disabled_account_ends_all_sessions(w: World) -> None:
    first, second = person(w, "helpdesk"), person(w, "helpdesk")
    assert (
        first.post("/akun", {"ubah": "kata_sandi", "password": "bukan ini", "baru": "Baru-Sekali-2026"}).status_code
        == 422
    )
    assert (
        first.post("/akun", {"ubah": "kata_sandi", "password": PASSWORD, "baru": "Baru-Sekali-2026"}).status_code == 303
    )
    assert [p.get("/meja").status_code for p in (first, second)] == [303, 303]

    agency = person(w, "admin_agency")
    with w.store.transaction() as tx:
        user = users.by_login(tx, "budi")
        assert user
        users.set_active(tx, user.id, False, w.now())
    assert agency.get("/persetujuan").status_code == 303
    assert enter(w, "budi") == 403


def test_a_one_time_code_is_good_once(w: World, clock: Clock) -> None:
    secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    with w.store.transaction() as tx:
        user = users.by_login(tx, "siti")
        assert user
        users.set_totp(tx, user.id, secret)
    code = passwords.totp(secret, int(clock.at.timestamp()) // 30)

    assert enter(w) == 403
    assert enter(w, kode="000000") == 403
    assert enter(w, kode=code) == 303
    assert enter(w, kode=code) == 403


def test_one_time_codes_are_those_of_rfc_6238() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"  # "12345678901234567890"
    assert [passwords.totp(secret, t // 30) for t in (59, 1111111109, 2000000000)] == ["287082", "081804", "279037"]


# ------------------------------------------------------------------ still the same person


def test_a_result_long_after_the_login_asks_for_the_password_again(w: World, clock: Clock) -> None:
    w = dataclasses.replace(w, settings=w.settings.model_copy(update={"web": config.WebSection(idle_minutes=600)}))
    found, one = Post(w).mail(evidence(requested())), person(w, "admin_agency")
    with w.store.reading() as tx:
        (who,) = cases.persons(tx, found.id)
    form = {"version": found.version, "person_id": who.id, "result": "berhasil", "user_id": "BUDI.PPK"}
    assert "Kata sandi Anda" not in one.get(f"/berkas/{found.number}").text
    clock.pass_(hours=5)
    assert "Kata sandi Anda" in one.get(f"/berkas/{found.number}").text
    for wrong in ({}, {"own": "salah"}):
        answer = one.post(f"/berkas/{found.number}/tindakan/catat_hasil", {**form, **wrong})
        assert answer.status_code == 409 and "perlu diisikan kembali" in answer.text
    assert one.post(f"/berkas/{found.number}/tindakan/catat_hasil", {**form, "own": PASSWORD}).status_code == 303
    second = Post(w, 7).mail(evidence(requested("199001012015022002", "Sari Dewi"), number="027/77/2026"))
    assert "Kata sandi Anda" not in one.get(f"/berkas/{second.number}").text


def test_a_stolen_session_cannot_guess_the_password(w: World, clock: Clock) -> None:
    one = person(w, "sysadmin")
    form = {"ubah": "tambah", "login": "dewi", "name": "Dewi", "role": "helpdesk", "password": "Sandi-Baru-2026"}
    for n in range(5):
        assert one.post("/pengguna", {**form, "own": f"tebakan {n}"}).status_code == 422
    assert one.post("/pengguna", {**form, "own": PASSWORD}).status_code == 422
    assert (
        one.post("/akun", {"ubah": "kata_sandi", "password": PASSWORD, "baru": "Baru-Sekali-2026"}).status_code == 422
    )
    clock.pass_(minutes=16)
    assert one.post("/pengguna", {**form, "own": PASSWORD}).status_code == 303


# ------------------------------------------------------------------ forms that are not ours


@pytest.mark.parametrize("origin", ["http://jahat.example", "null", "https://127.0.0.1:8081", ""])
def test_a_form_from_another_site_is_refused(w: World, origin: str) -> None:
    one = person(w, "helpdesk")
    headers = {"origin": origin} if origin else {}

    assert one.post("/keluar", origin=origin).status_code == 403
    assert visitor(w).post("/masuk", data={"login": "siti", "password": PASSWORD}, headers=headers).status_code == 403
    assert one.get("/meja").status_code == 200


def test_a_form_without_or_with_another_sessions_token_is_refused(w: World) -> None:
    one, other = person(w, "helpdesk"), person(w, "helpdesk")
    for token in ("", "x" * 43, other.csrf):
        assert one.post("/keluar", {"_csrf": token}).status_code == 403
    assert one.get("/meja").status_code == 200


def test_a_strange_host_name_is_refused(w: World) -> None:
    assert visitor(w).get("/masuk", headers={"host": "jahat.example:8080"}).status_code == 421


def test_too_large_a_form_is_refused_before_it_is_read(w: World) -> None:
    one = person(w, "helpdesk")
    assert one.post("/akun", {"baru": "x" * (2 << 20)}).status_code == 413


# ------------------------------------------------------------------ the first person


def test_the_first_person_is_made_on_this_machine_only(tmp_path: Path, clock: Clock) -> None:
    w = world(tmp_path, clock)
    typed = {"login": "admin1", "name": "Admin", "password": "Cukup-Panjang-1"}
    for address, headers in (
        ("10.0.0.9", {}),
        ("127.0.0.1", {"x-forwarded-for": "10.0.0.9"}),
        ("127.0.0.1", {"host": "jahat.example"}),
    ):
        assert visitor(w, address).get("/awal", headers=headers).status_code in (404, 421)
    here = visitor(w)
    assert here.get("/masuk").headers["location"] == "/awal"
    assert here.post("/awal", data={**typed, "password": "pendek"}, headers={"origin": ORIGIN}).status_code == 422
    assert here.post("/awal", data=typed, headers={"origin": ORIGIN}).status_code == 303
    assert here.get("/awal").status_code == 404

    assert enter(w, "admin1", "Cukup-Panjang-1") == 303


def test_logins_are_written_down(w: World) -> None:
    person(w, "helpdesk")
    enter(w, password="salah-salah")
    with w.store.reading() as tx:
        rows = chain.events(tx, chain.OFFICE)
    assert [(r.actor, r.action) for r in rows[-2:]] == [("siti", "masuk"), ("siti", "gagal_masuk")]
    assert not list(chain.faults(rows))
