"""The register of access rights: import with a dry run, errors by line, history, lists."""

from pathlib import Path

import pytest

from mailbot.paper.sheets import Sheet, SheetError, load, to_csv, to_xlsx
from mailbot.sop.case import Refused
from mailbot.store import access
from mailbot.work import World, register
from tests.worlds import AGENCY, Clock, world

GOOD = (
    "BUDI.PPK",
    "Budi Santoso, S.T.",
    "19850704 201001 1 007",
    "PPK",
    "Dinas Contoh",
    "budi@contoh.example",
    "aktif",
    "31/12/2026",
)
COLUMNS = ("User ID", "Nama", "NIP", "Peran", "Instansi/Satker", "Email terdaftar", "Status", "Berlaku sampai")


@pytest.fixture
def w(tmp_path: Path) -> World:
    return world(tmp_path, Clock())


def written(folder: Path, *rows: tuple[str, ...], columns: tuple[str, ...] = COLUMNS, ending: str = "csv") -> Path:
    path = folder / f"daftar.{ending}"
    sheet = Sheet("Daftar", columns, rows)
    path.write_bytes(to_xlsx(sheet) if ending == "xlsx" else to_csv(sheet))
    return path


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_a_dry_run_stores_nothing_and_the_import_keeps_history(w: World, tmp_path: Path, ending: str) -> None:
    found = register.read_list(w, written(tmp_path, GOOD, ending=ending))
    assert (found.new, found.changed, found.errors) == (1, 0, ())
    with w.store.reading() as tx:
        assert access.everything(tx) == []
    assert register.take_over(w, AGENCY, found) == 1
    with w.store.reading() as tx:
        (right,) = access.of_nip(tx, "198507042010011007")
        (event,) = access.history(tx, right.id)

    assert (right.peran, right.valid_until, right.status) == ("ppk", "2026-12-31", "aktif")
    assert (event.actor, event.what) == ("budi", "impor")


def test_importing_the_same_list_again_changes_nothing(w: World, tmp_path: Path) -> None:
    path = written(tmp_path, GOOD)
    register.take_over(w, AGENCY, register.read_list(w, path))
    again = register.read_list(w, path)

    assert (again.new, again.changed) == (0, 0)
    assert register.take_over(w, AGENCY, again) == 0


@pytest.mark.parametrize(("column", "value", "word"), [
    pytest.param(0, "", "user_id kosong", id="no-user-id"), pytest.param(2, "1985070420100110", "NIK", id="a-nik"),
    pytest.param(2, "19851304 201001 1 007", "NIP", id="impossible-nip"), pytest.param(3, "Kepala Dinas", "peran 'Kepala Dinas'", id="unknown-role"),
    pytest.param(5, "budi contoh.example", "email", id="no-address"), pytest.param(6, "mungkin", "status", id="unknown-status"),
    pytest.param(7, "akhir tahun", "tanggal", id="no-date"),
])  # fmt: skip
def test_a_wrong_line_is_named_and_stops_the_whole_import(
    w: World, tmp_path: Path, column: int, value: str, word: str
) -> None:
    wrong = (*GOOD[:column], value, *GOOD[column + 1 :])
    other = ("SARI.PPK", "Sari Dewi", "19900101 201502 2 002", *GOOD[3:])
    found = register.read_list(w, written(tmp_path, other, wrong))

    assert len(found.errors) == 1 and found.errors[0].startswith("baris 3:") and word in found.errors[0]
    with pytest.raises(Refused):
        register.take_over(w, AGENCY, found)
    with w.store.reading() as tx:
        assert access.everything(tx) == []


def test_the_same_right_twice_in_a_list_is_an_error(w: World, tmp_path: Path) -> None:
    assert "sama dengan baris 2" in register.read_list(w, written(tmp_path, GOOD, GOOD)).errors[0]


@pytest.mark.parametrize("heading", ["Password", "Kata Sandi", "kata_sandi"])
def test_a_list_with_passwords_is_refused_whole(w: World, tmp_path: Path, heading: str) -> None:
    with pytest.raises(SheetError, match="kata sandi tidak pernah disimpan"):
        register.read_list(w, written(tmp_path, (*GOOD, "rahasia"), columns=(*COLUMNS, heading)))


@pytest.mark.parametrize("data", [b"", b"\xff\xfe\x00", b"PK\x03\x04rusak", b"Nama;Alamat\nx;y\n"])
@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_what_is_no_list_is_refused_in_words(w: World, tmp_path: Path, data: bytes, ending: str) -> None:
    path = tmp_path / f"x.{ending}"
    path.write_bytes(data)

    with pytest.raises(SheetError):
        register.read_list(w, path)


def test_semicolons_and_a_title_line_are_understood(w: World, tmp_path: Path) -> None:
    path = tmp_path / "daftar.csv"
    path.write_text("Daftar akun;;;;;;;\n" + ";".join(COLUMNS) + "\n" + ";".join(GOOD) + "\n")

    assert register.read_list(w, path).new == 1


@pytest.mark.parametrize("ending", ["csv", "xlsx"])
def test_an_exported_register_can_be_imported_again(w: World, tmp_path: Path, ending: str) -> None:
    register.take_over(w, AGENCY, register.read_list(w, written(tmp_path, GOOD)))
    path = tmp_path / f"ekspor.{ending}"
    sheet = register.everybody(w)
    path.write_bytes(to_xlsx(sheet) if ending == "xlsx" else to_csv(sheet))
    again = register.read_list(w, path)

    assert (again.new, again.changed, again.errors) == (0, 0, ())
    assert load(path)[0] == list(register.COLUMNS)


def test_rights_that_end_soon_are_listed(w: World, tmp_path: Path) -> None:
    register.take_over(w, AGENCY, register.read_list(w, written(tmp_path, GOOD)))

    assert len(register.ending(w, 37).rows) == 0
    assert [row[1] for row in register.ending(w, 38).rows] == ["BUDI.PPK"]  # 23 November to 31 December
