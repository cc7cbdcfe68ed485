"""The office without pages: `mailbot case`, `register`, `year-end`, `archive`, `sop check`; roles are checked, refusals are words."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from mailbot import casecli
from mailbot.cli import app
from mailbot.model import Found
from mailbot.store import cases, users
from mailbot.work import World
from tests.worlds import MORNING, Clock, Post, evidence, person, world

PEOPLE = {"siti": "helpdesk", "budi": "admin_agency", "ratna": "supervisor"}


class Office:
    """A world and its command line."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        self.world: World = world(folder, clock)
        self.post = Post(self.world)
        self.config = folder / "config.toml"
        self.config.write_text(
            f'[storage]\npath = "{folder}/data"\n[smtp]\npath = "{folder}/sent"\n[[mailbox]]\npath = "{folder}/inbox"\n'
            '[database]\nurl_env = "MAILBOT_TEST_DATABASE_URL"\n'
        )
        with self.world.store.transaction() as tx:
            for login, role in PEOPLE.items():
                users.add(tx, login, login.title(), role, "tanpa", clock())

    def do(self, *words: str, code: int = 0, login: str = "") -> str:
        """The output of `mailbot WORDS`, which ends with `code`."""
        arguments = [*words, *(("--as", login) if login else ()), "--config", str(self.config)]
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == code, f"{words}: {done.output} {done.exception!r}"
        return done.output


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    clock = Clock(MORNING)
    opened = casecli.work.open_world
    monkeypatch.setattr(casecli, "opened", lambda file: opened(casecli.config.load(file), clock))
    monkeypatch.setattr("mailbot.officecli.opened", casecli.opened)
    yield Office(tmp_path, clock)


def test_a_case_from_review_to_the_archive_by_commands_only(office: Office) -> None:
    number = office.post.mail(evidence(person(email=Found(None, "budi @", 0.3)))).number
    assert number in office.do("case", "list")
    assert "Data personal" in office.do("case", "show", number)
    assert "Kepada: dinas@contoh.example" in office.do("case", "return", number, "--draft", login="siti")
    assert "Email" in office.do("case", "forward", number, login="siti", code=1)
    office.do(
        "case", "correct", number, "--person", "1", "--field", "email", "--value", "budi@contoh.example", login="siti"
    )
    assert "Diteruskan" in office.do("case", "forward", number, login="siti")
    assert "wewenang" in office.do(
        "case", "result", number, "--person", "1", "--result", "berhasil", "--user-id", "BUDI.PPK", login="siti", code=1
    )
    office.do("case", "result", number, "--person", "1", "--result", "berhasil", "--user-id", "BUDI.PPK", login="budi")
    office.do("case", "notify", number, login="siti")
    office.do("case", "handover", number, "--person", "1", "--how", "tautan_lupa_password", login="siti")
    assert "belum dicetak" in office.do("case", "archive", number, login="siti", code=1)
    office.do("case", "print", number, "--into", str(office.folder / "cetak"))
    office.do("case", "printed", number, login="siti")
    assert "Diarsipkan" in office.do("archive", "make", number, login="siti")

    assert {p.name for p in (office.folder / "cetak" / number).iterdir()} == {"formulir.pdf", "bundel.pdf"}
    assert "1 paket" in office.do("archive", "verify")
    assert number in office.do("archive", "list") and number not in office.do("archive", "list", "--due")
    office.do("archive", "export", str(office.folder / "salinan"), "--number", number)
    assert (office.folder / "salinan" / number / "bagit.txt").exists()


def test_a_changed_package_ends_with_one(office: Office) -> None:
    number = office.post.mail(evidence(person())).number
    office.do("case", "act", number, "tarik", "--reason", "dibatalkan", login="siti")
    office.do("case", "printed", number, login="siti")
    office.do("case", "archive", number, login="siti")
    next((office.world.root / "archive").rglob("berkas.json")).write_text("{}")

    assert "berkas.json: berubah" in office.do("archive", "verify", code=1)


def test_unknown_people_numbers_and_actions_are_named(office: Office) -> None:
    number = office.post.mail(evidence(person())).number
    assert "tidak ada pengguna" in office.do("case", "notify", number, login="orang", code=2)
    assert "tidak ada berkas" in office.do("case", "show", "LPSE-2026-999999", code=2)
    assert "orang nomor 7" in office.do(
        "case", "handover", number, "--person", "7", "--how", "langsung", login="siti", code=2
    )
    assert "pilih:" in office.do("case", "act", number, "hapus", login="siti", code=1)
    with office.world.store.transaction() as tx:
        user = users.by_login(tx, "siti")
        assert user
        users.set_active(tx, user.id, False, office.clock())
    assert "tidak ada pengguna" in office.do("case", "printed", number, login="siti", code=2)


def test_a_hardcopy_case_is_entered_with_its_scans(office: Office) -> None:
    scan = office.folder / "surat.pdf"
    scan.write_bytes(b"pindaian")
    words = ("case", "enter", str(scan), "--name", "Dinas Contoh", "--subject", "Permohonan")
    assert "wewenang" in office.do(*words, login="budi", code=1)
    office.do(*words, login="siti")

    with office.world.store.reading() as tx:
        (case,) = cases.everything(tx)
    assert (case.channel, case.requester) == ("langsung", "")


def test_the_register_is_imported_after_a_dry_run_and_exported(office: Office) -> None:
    path = office.folder / "daftar.csv"
    path.write_text("User ID,Nama,NIP,Peran,Instansi\nBUDI.PPK,Budi,198507042010011007,PPK,Dinas\nX,Y,123,PPK,Dinas\n")
    assert "baris 3" in office.do("register", "import", str(path), "--apply", login="budi", code=1)
    path.write_text(path.read_text().replace("X,Y,123,PPK,Dinas\n", ""))
    assert "1 baru" in office.do("register", "import", str(path))
    assert "0 baris" in office.do("register", "export", "register", str(office.folder / "leer.csv"))
    assert "1 disimpan" in office.do("register", "import", str(path), "--apply", login="budi")
    for what in ("register", "ending", "deviations", "standard5"):
        office.do("register", "export", what, str(office.folder / f"{what}.xlsx"))
        assert openpyxl.load_workbook(office.folder / f"{what}.xlsx").active is not None
    assert "akhiran" in office.do("register", "export", "register", str(office.folder / "daftar.doc"), code=1)


def test_the_year_end_campaign_by_commands(office: Office) -> None:
    path = office.folder / "daftar.csv"
    path.write_text(
        "User ID,Nama,NIP,Peran,Instansi,Email\nBUDI.PPK,Budi,198507042010011007,PPK,Dinas,budi@contoh.example\n"
    )
    office.do("register", "import", str(path), "--apply", login="budi")
    assert "wewenang" in office.do("year-end", "list", "2026", "--planned", "2026-12-30", login="siti", code=1)
    assert "bukan tanggal" in office.do("year-end", "list", "2026", "--planned", "akhir tahun", login="budi", code=1)
    assert "BUDI.PPK" in office.do("year-end", "list", "2026", "--planned", "2026-12-30", login="budi")
    assert "1 pemberitahuan" in office.do("year-end", "notify", "2026", "--answer", "2026-12-18", login="budi")
    office.do("year-end", "decide", "2026", "1", "nonaktif", login="budi")
    assert "30 Desember" in office.do("year-end", "execute", "2026", "1", login="budi", code=1)
    office.clock.at = dt.datetime(2026, 12, 30, 3, tzinfo=dt.UTC)
    office.do("year-end", "execute", "2026", "1", login="budi")
    assert "akhir-tahun-2026" in office.do("year-end", "finish", "2026", login="budi")
    assert "dinonaktifkan 1" in office.do("year-end", "status", "2026")


def test_the_list_after_a_breach_has_persons_and_files(office: Office) -> None:
    office.post.mail(evidence(person()))
    office.do("archive", "export", str(office.folder / "lapor"), "--breach", "2026-01-01", "2027-01-01")
    book = openpyxl.load_workbook(office.folder / "lapor" / "pelanggaran.xlsx")

    assert book.sheetnames == ["Orang", "Berkas"]
    # times are those of the office: the mail came on Monday at 09.00 WIB, 02.00 UTC
    assert "0 orang" in office.do(
        "archive", "export", str(office.folder / "pagi"), "--breach", "2026-11-23T00:00", "2026-11-23T08:59"
    )
    assert "1 orang" in office.do(
        "archive", "export", str(office.folder / "jam"), "--breach", "2026-11-23T08:59", "2026-11-23T09:01"
    )
    office.do("archive", "export", str(office.folder / "salah"), "--breach", "kemarin", "hari ini", code=2)
    assert [row[1] for row in book["Orang"].iter_rows(min_row=2, values_only=True)] == ["Budi Santoso, S.T."]


def test_sop_check_makes_guide_and_letter(office: Office) -> None:
    assert "in order" in office.do("sop", "check")
    words = office.do(
        "sop",
        "check",
        str(Path(__file__).parent / "sop" / "SOP-CONTOH.toml"),
        "--guide",
        "--letter",
        "--pdf",
        str(office.folder / "pdf"),
    )

    assert "PANDUAN PEMOHON" in words and "Formulir data akun" in words and "Pejabat Pemesan" in words
    assert {p.name for p in (office.folder / "pdf").iterdir()} == {"panduan-pemohon.pdf", "surat-permohonan.pdf"}
