"""`mailbot user` and `mailbot web`, and the pages on both databases."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mailbot.cli import app
from mailbot.store import search
from tests.web import PASSWORD, people, person
from tests.worlds import Clock, Post, evidence, world
from tests.worlds import person as requested


@pytest.fixture
def config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MAILBOT_USER_PASSWORD", PASSWORD)
    path = tmp_path / "config.toml"
    path.write_text(f'[storage]\npath = "{tmp_path / "data"}"\n')
    return path


def run(*arguments: str, config_file: Path) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["user", *arguments, "--config", str(config_file)])
    return found.exit_code, found.output


def test_people_are_added_listed_disabled_and_get_new_passwords(config_file: Path, tmp_path: Path) -> None:
    add = ("add", "Siti", "--name", "Siti Aminah", "--role", "helpdesk")
    assert run(*add, config_file=config_file)[0] == 0
    assert run(*add, config_file=config_file)[0] == 2  # the login is taken
    assert run("add", "budi", "--name", "Budi", "--role", "raja", config_file=config_file)[0] == 2
    assert "siti" in run("list", config_file=config_file)[1]
    assert run("password", "siti", config_file=config_file)[0] == 0
    assert run("disable", "siti", config_file=config_file)[0] == 0
    assert run("disable", "tidakada", config_file=config_file)[0] == 2
    rows = (
        sqlite3.connect(tmp_path / "data" / "mailbot.db")
        .execute("SELECT login, active, password_hash FROM app_user")
        .fetchall()
    )
    assert [(r[0], r[1]) for r in rows] == [("siti", 0)]
    assert rows[0][2].startswith("$argon2id$")


PAGES = {
    "helpdesk": ("/meja", "/meja?tab=selesai&saluran=email&sebab=DATA-&lewat=1", "/hasil?tab=cetak", "/hasil?tab=arsip", "/cari?q=budi%20san", "/cari?q=027/12"),
    "admin_agency": ("/persetujuan", "/penyimpangan", "/cari?q=budi"),
    "supervisor": ("/pengawas", "/penyimpangan?tab=diterima", "/jejak?oleh=mesin&dari=2026-11-01&sampai=2026-12-01", "/jejak.csv", "/akhir-tahun", "/kesehatan", "/pengguna", "/register?q=BUDI", "/register?tab=berakhir",
                   "/unduh/register.csv", "/unduh/pelanggaran.xlsx?dari=2026-11-01&sampai=2026-11-30"),
}  # fmt: skip


@pytest.mark.parametrize("near", [0, 10])  # 0: every search goes beyond the newest cases
def test_the_newest_cases_and_the_index_find_alike(
    tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    monkeypatch.setattr(search, "NEAR", {"sqlite": near, "postgresql": near})
    post = Post(world(tmp_path, Clock(), database))
    for n in range(1, 4):
        post.mail(evidence(requested(f"19850704201001100{n}", f"Budí Nomor{n}"), number=f"027/{n}/2026"))
    with post.world.store.reading() as tx:
        assert [search.ids(tx, typed, 1) for typed in ("nomor1", "198507042010011001", "budi")] == [[1], [1], [3]]
        assert [search.ids(tx, "budi", 1, offset) for offset in (1, 2, 3)] == [[2], [1], []]
        assert search.ids(tx, "19850704201001100", 5) == [3, 2, 1]
        assert search.ids(tx, "BUDÍ nom", 5) == search.ids(tx, "budi nom", 5) == [3, 2, 1]
        assert search.ids(tx, "bud nomor1", 5) == search.ids(tx, "udi", 5) == search.ids(tx, "tidakada", 5) == []
        assert search.ids(tx, "nomor1' OR \"x* 027/1", 5) == search.ids(tx, "'\"*", 5) == []


def test_the_pages_answer_alike_on_both_databases(tmp_path: Path, database: str) -> None:
    post = Post(world(tmp_path, Clock(), database))
    people(post.world)
    found = post.mail(evidence(requested()))
    for role, paths in PAGES.items():
        one = person(post.world, role)
        for path in (*paths, f"/berkas/{found.number}"):
            assert one.get(path).status_code == 200, path
    assert found.number in person(post.world, "helpdesk").get("/cari?q=budi%20san").text
    boss = person(post.world, "admin_agency")
    answer = boss.post(f"/berkas/{found.number}/tindakan/kirim_balik", {"version": found.version, "reason": "SK lain"})
    assert answer.status_code == 303
    assert "SK lain" in person(post.world, "supervisor").get("/pengawas").text
