import datetime as dt

import pytest

from mailbot.parsers import asking
from mailbot.parsers import indonesian as ind

TODAY = dt.date(2026, 11, 22)


@pytest.mark.parametrize(
    ("raw", "kind", "bad"),
    [
        ("19850704 201001 1 007", "pns", False), ("198507042010011007", "pns", False),
        ("19850704.201001.1.007", "pns", False), ("NIP. 19900215 202321 2 003", "pppk", False),
        ("NIPPPK. 19900215 202321 2 003", "pppk", False), ("131 263 190", "nip_lama", True),
        ("19851304 201001 1 007", "pns", True), ("19850704 201013 1 007", "unknown", True),
        ("19850704 201001 3 007", "pns", True), ("3325011234560001", "nik", True),
        ("19850704 20100 1 007", "invalid", True), ("20101231 202401 1 001", "pns", True), ("-", "invalid", True),
    ],
)  # fmt: skip
def test_nip(raw: str, kind: str, bad: bool) -> None:
    nip = ind.parse_nip(raw, TODAY)
    assert (nip.kind, bool(nip.problems)) == (kind, bad)


def test_nip_repair_is_only_a_suggestion() -> None:
    nip = ind.parse_nip("NIP. l9B50704 2O1001 1 007", TODAY)
    assert nip.kind == "invalid" and nip.suggestion == "198507042010011007"
    assert ind.parse_nip("l9B51304 2O1001 1 007", TODAY).suggestion is None
    assert ind.parse_nip("198507042010011007", TODAY).suggestion is None


def test_nips_in_text() -> None:
    assert len(ind.find_nips("BUDI\nNIP. 19850704\n201001 1 007 dan 199002152023212003; HP 081234567890")) == 2
    assert ind.find_nips("rekening 1234567890123456789") == ()
    assert ind.show_nip("198507042010011007") == "19850704 201001 1 007"
    assert ind.looks_like_nip("l9850704 201001 1 007") and not ind.looks_like_nip("081234567890")


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        ("Penata Tk. I / III.d", "III/d"), ("Penata Tingkat I (III/d)", "III/d"), ("PENATA MUDA/IIIa", "III/a"),
        ("Pembina Tk. 1, IV/b", "IV/b"), ("Pembina Tkt. I / IV.b", "IV/b"), ("III/c", "III/c"), ("IVd", "IV/d"),
        ("Pembina Utama Madya (IV/d)", "IV/d"), ("Ill/d", "III/d"), ("lV/a", "IV/a"), ("Penata", "III/c"),
        ("Penata Muda Tk.I", "III/b"), ("Pengatur Tk. I - II/d", "II/d"), ("- / IX", "IX"), ("Golongan IX", "IX"),
        ("Gol. X", "X"), ("IX", "IX"), ("Golongan XVII", "XVII"), ("III/d - Penata Tingkat I", "III/d"),
    ],
)  # fmt: skip
def test_golongan(raw: str, code: str) -> None:
    found = ind.parse_golongan(raw)
    assert found and found.code == code and not found.mismatch


def test_golongan_edges() -> None:
    found = ind.parse_golongan("Penata (III/d)")
    assert found and found.mismatch
    assert ind.parse_golongan("-") is None and ind.parse_golongan("Kepala Seksi") is None


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ("0812-3456-7890", "+6281234567890"), ("+62 812 3456 7890", "+6281234567890"), ("62812345678", "+62812345678"),
        ("(0285) 391234", "+62285391234"), ("021-29935577", "+622129935577"), ("812 3456 7890", "+6281234567890"),
        ("12345", None), ("08123", None), ("-", None), ("0812 3456 7890 / 0813 1111 2222", "+6281234567890"),
        ("O8l2-3456-7890", "+6281234567890"), ("+62812662R665", None),
    ],
)  # fmt: skip
def test_phone(raw: str, want: str | None) -> None:
    assert ind.norm_phone(raw) == want


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ("Batang, 8 Januari 2017", (2017, 1, 8)), ("Jakarta, 05 Desember 2022", (2022, 12, 5)),
        ("18-02-2011", (2011, 2, 18)), ("2 Pebruari 2026", (2026, 2, 2)), ("30 Nopember 2025", (2025, 11, 30)),
        ("1 Agst 2026", (2026, 8, 1)), ("31/12/2026", (2026, 12, 31)), ("3 Janvari 2026", (2026, 1, 3)),
        ("l2 Nopernber 2O25", (2025, 11, 12)), ("5 Agu5tus 2026", (2026, 8, 5)), ("31 Februari 2026", None),
        ("2 orang 2026", None), ("7 Junl 2026", None), ("99/99/2026", None),
    ],
)  # fmt: skip
def test_date(raw: str, want: tuple[int, int, int] | None) -> None:
    assert ind.parse_date(raw) == (dt.date(*want) if want else None)


def test_years_and_periods() -> None:
    for raw in ("Tahun Anggaran 2026", "TA 2026", "T.A. 2026", "TA. 2026", "TAHUN ANGGARAN 2026"):
        assert ind.tahun_anggaran(raw) == 2026
    assert ind.tahun_anggaran("tahun 2026") is None
    assert ind.berlaku_sampai("berlaku sampai dengan 31 Desember 2026") == dt.date(2026, 12, 31)
    assert ind.berlaku_sampai("1 Januari 2026 s.d. 31 Maret 2026") == dt.date(2026, 3, 31)
    assert ind.berlaku_sampai("sampai dengan selesai") is None


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ("027/123/2026", "027/123/2026"), ("B-1214/C.6/Cpl.1/12/2022      Jakarta, 05 Desember 2022", "B-1214/C.6/Cpl.1/12/2022"),
        ("050/ 01 /BLPBJ-LPSE/2012", "050/01/BLPBJ-LPSE/2012"), ("000.5.6.2/X /2025", "000.5.6.2/X/2025"),
        ("060/400 Tahun 2019", "060/400 Tahun 2019"), ("26 TAHUN 2022", "26 TAHUN 2022"), ("${nomor_naskah}", None),
        ("SEK-04.KP.05.02 TAHUN 2021", "SEK-04.KP.05.02 TAHUN 2021"), ("-", None), ("", None), ("800/489/BKD Jakarta", "800/489/BKD"),
    ],
)  # fmt: skip
def test_number(raw: str, want: str | None) -> None:
    assert ind.clean_number(raw) == want


def test_placeholders() -> None:
    assert ind.placeholders("${nomor_naskah} x $ {hal} ${nomor_naskah}") == ("${nomor_naskah}", "${hal}")
    assert ind.placeholders("Rp $ 100") == ()


ON, OFF = "pengaktifan", "penonaktifan"


@pytest.mark.parametrize(
    ("raw", "want", "again"),
    [
        ("Permohonan Penonaktifan Akun PPK", (OFF,), False), ("Permohonan non-aktif user PPK", (OFF,), False),
        ("Permohonan Pengaktifan Kembali Akun SPSE", (ON,), True), ("Reaktivasi akses ASN", (ON,), True),
        ("Permohonan User ID dan Password", (ON,), False), ("Permohonan hak akses SPSE", (ON,), False),
        ("Permohonan Penonaktifan dan Pengaktifan Akun PPK", (OFF, ON), False),
        ("menonaktifkan akun Sdr. X dan mengaktifkan akun Sdr. Y", (OFF, ON), False), ("Undangan rapat", (), False),
    ],
)  # fmt: skip
def test_actions(raw: str, want: tuple[str, ...], again: bool) -> None:
    assert asking.actions(raw) == asking.Actions(want, again)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ("Pejabat Pembuat Komitmen (PPK)", ("ppk",)), ("akun PPKom", ("ppk",)), ("Anggota Pokja ULP", ("pokja",)),
        ("Pejabat Pengadaan (PP)", ("pejabat_pengadaan",)), ("Kelompok Kerja Pemilihan", ("pokja",)),
        ("PPK dan PP", ("ppk", "pejabat_pengadaan")), ("Kepala UKPBJ", ()), ("PPK", ("ppk",)),
        ("Pejabat Pembina Kepegawaian (PPK)", ()), ("Panitia Pemilihan Kecamatan", ()), ("PP Nomor 94 Tahun 2021", ()),
    ],
)  # fmt: skip
def test_roles(raw: str, want: tuple[str, ...]) -> None:
    assert asking.roles(raw) == want


def test_names() -> None:
    assert ind.name_key("Drs. H. BUDI SANTOSO, S.Kom., M.M.") == "budi santoso" == ind.name_key("Budi Santoso")
    assert ind.name_key("Siti Aminah S.H.") == "siti aminah"
    assert ind.name_key("Sukarno") == "sukarno" and ind.name_key("Dr. Ir. Hj. Ani, MT") == "ani"
    assert ind.same_name("BUDI SANT0SO, ST", "Budi Santoso") and not ind.same_name("Budi Santoso", "Budi Hartono")
    assert not ind.same_name("", "")


def test_email() -> None:
    assert ind.parse_email("Budi.S @ Gmail. com") == ind.Email("budi.s@gmail.com")
    assert ind.parse_email("budi@gmial.com").suggestion == "budi@gmail.com"
    assert ind.parse_email("budi@dinkes.batangkab.go.id").suggestion is None
    assert ind.parse_email("budi@gmail,com").value == "budi@gmail.com"
    assert ind.parse_email("budigmail.com") == ind.Email(None, "budi@gmail.com")
    assert ind.parse_email("-") == ind.Email(None)


def test_text() -> None:
    assert ind.is_empty(" — ") and ind.is_empty("...") and ind.is_empty("") and not ind.is_empty("1")
    assert ind.plain("S U R A T  T U G A S") in ("SURATTUGAS", "SURAT TUGAS") and ind.plain("N a m a : x") == "NAMA : X"


@pytest.mark.parametrize("raw", ["teguh49@batangkab.goid", "teguh49@batangkab.go-id", "teguh49@batangkab.g0.id"])
def test_a_government_domain_without_its_point_is_a_likely_repair(raw: str) -> None:
    assert ind.parse_email(raw).suggestion == "teguh49@batangkab.go.id"


def test_a_lost_point_of_a_domain_is_closed() -> None:
    assert ind.parse_email("hartono.sri@gmail com").value == "hartono.sri@gmail.com"
    assert ind.parse_email("wulan86@ :mail.go.id").value == "wulan86@mail.go.id"
