"""Lists as CSV and XLSX: the columns that auditors ask for, and no cell that a spreadsheet would calculate."""

import csv
import io
from pathlib import Path

import openpyxl
import pytest

from mailbot.model import Found
from mailbot.paper.sheets import Sheet, original, to_csv, to_xlsx
from mailbot.store import cases, steps
from mailbot.work import agency, desk, exports
from mailbot.work.agency import Result
from tests.worlds import AGENCY, HELPDESK, SUPERVISOR, Clock, Post, evidence, person, seen, world

EVIL = ("=1+1", "+62 812", "-2", "@SUM(A1)", "\t=1", "\r=1", " =cmd|' /C calc'!A0")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def post(tmp_path: Path, clock: Clock) -> Post:
    return Post(world(tmp_path, clock))


@pytest.mark.parametrize("evil", EVIL)
def test_no_cell_starts_a_formula(evil: str) -> None:
    sheet = Sheet("x", ("a",), ((evil,),))
    (_, (cell,)) = csv.reader(io.StringIO(to_csv(sheet).decode("utf-8-sig"), newline=""))
    page = openpyxl.load_workbook(io.BytesIO(to_xlsx(sheet))).active

    assert cell.startswith("'") and original(cell) == evil
    assert page is not None and page["A2"].data_type == "s"


def test_the_deviation_list_names_step_limit_actual_person_and_reason(post: Post, clock: Clock) -> None:
    case = post.mail(evidence(person()))
    clock.pass_(minutes=25)
    with post.world.store.reading() as tx:
        (one,) = cases.persons(tx, case.id)
    case = agency.record_result(post.world, seen(case), AGENCY, one.id, Result("berhasil", "BUDI.PPK"))
    with post.world.store.reading() as tx:
        (late,) = steps.deviations(tx)
    case = desk.explain(post.world, seen(case), AGENCY, late.id, "=SPSE tidak dapat diakses")
    desk.accept(post.world, seen(case), SUPERVISOR, late.id)
    (row,) = exports.deviations(post.world).rows

    assert dict(zip(exports.DEVIATIONS, row, strict=True)) == {
        "No": "1", "Nomor": case.number, "Langkah": "tindak lanjut", "Mulai": "23 November 2026 pukul 09.00 WIB",
        "Batas": "23 November 2026 pukul 09.10 WIB", "Selesai": "23 November 2026 pukul 09.25 WIB", "Menit layanan": "25", "Pelaksana": "budi",
        "Alasan": "=SPSE tidak dapat diakses", "Alasan oleh": "budi", "Diterima oleh": "ratna", "Diterima pada": "23 November 2026 pukul 09.25 WIB",
    }  # fmt: skip
    assert exports.deviations(post.world, since="2027").rows == ()


def test_the_help_desk_register_has_the_columns_of_standard_5(post: Post) -> None:
    told = post.mail(evidence(person()))
    with post.world.store.reading() as tx:
        (one,) = cases.persons(tx, told.id)
    told = agency.record_result(post.world, seen(told), AGENCY, one.id, Result("berhasil", "BUDI.PPK"))
    agency.notify(post.world, seen(told), HELPDESK)
    post.mail(
        evidence(
            person("199001012015022002", "Sari Dewi", peran="pokja", email=Found(None, "?", 0.2)), number="027/77/2026"
        )
    )
    rows = [dict(zip(exports.STANDARD_5, row, strict=True)) for row in exports.standard_5(post.world).rows]

    assert [(r["Media pelaporan"], r["User"], r["Status"], r["Status konfirmasi"]) for r in rows] == [
        ("E-Mail", "PPK", "Selesai", "Telah Diinformasikan"), ("E-Mail", "Panitia", "Proses", "Belum Diinformasikan")]  # fmt: skip
    assert rows[0]["Solusi"] == "pengaktifan berhasil" and rows[0]["Petugas"] == "siti"
    assert all(len(row) == len(exports.STANDARD_5) for row in exports.standard_5(post.world).rows)
