"""Which document a page is part of, what it says, and whom it asks for; on hand-written text."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from mailbot.model import Document, Evidence, FileReading, Submission
from mailbot.parsers import letters, scans
from tests.pages import file, line, page

TODAY = dt.date(2026, 11, 23)
NIP = "19850704 201001 1 007"
LETTER = f"""
PEMERINTAH KABUPATEN CONTOH
DINAS KESEHATAN
Jalan Contoh 1 Telepon (0285) 390011 Surel dinkes@contoh.example
Nomor : 440/101/2026                     Contoh, 10 November 2026
Lampiran : 1 (satu) berkas
Hal : Permohonan Pengaktifan Akun PPK
Yth. Kepala LPSE Kabupaten Contoh
di Contoh
Bersama ini kami mengajukan permohonan pengaktifan akun SPSE selaku PPK dengan data :
Nama             : Budi Santoso, S.T.
NIP              : {NIP}
Pangkat/Gol      : Penata (III/c)
Jabatan          : Kepala Seksi
Instansi         : Dinas Kesehatan
Alamat           : Jalan Contoh 1
No. HP           : 081234567890
Email            : budi@contoh.example
Demikian disampaikan, terima kasih.
Kepala Dinas,
SITI AMINAH
NIP. 19700101 199503 2 001
"""
DECREE = f"""
KEPUTUSAN KEPALA DINAS KESEHATAN
NOMOR 440/11/2026
TENTANG
PENETAPAN PEJABAT PEMBUAT KOMITMEN TAHUN ANGGARAN 2026
Menimbang : a. bahwa berdasarkan Keputusan Bupati Nomor 9 Tahun 2020;
Mengingat : 1. Peraturan Presiden Nomor 16 Tahun 2018;
MEMUTUSKAN:
KESATU : Menetapkan Budi Santoso, NIP {NIP}, sebagai Pejabat Pembuat Komitmen.
KEDUA : Keputusan ini berlaku sampai dengan 31 Desember 2026.
Ditetapkan di Contoh
pada tanggal 5 Januari 2026
KEPALA DINAS,
SITI AMINAH
"""
FORM = f"""
FORMULIR DATA PERSONAL
Nama Lengkap     : Budi Santoso, S.T.
NIP              : {NIP}
No. HP           : 081234567890
Email            : budi@contoh.example
"""


def kinds(*readings: FileReading) -> list[tuple[str, tuple[int, ...], bool]]:
    return [(d.kind, d.pages, d.unsure) for d in letters.documents(readings, TODAY)]


def only(text: str, **more: bool) -> Document:
    (found,) = letters.documents((file("a.pdf", page(text, **more)),), TODAY)
    return found


def evidence(*readings: FileReading, body: str = "") -> Evidence:
    mail = Submission("<a@b>", "a@b.example", "", "Permohonan", None, (), body, "", (), (), ())
    return scans.understand(mail, readings, TODAY)


@pytest.mark.parametrize(("text", "kind"), [
    (LETTER, "surat_permohonan"), (DECREE, "surat_keputusan"), (FORM, "data_personal"),
    ("SURAT PERINTAH TUGAS\nNOMOR : 1/2\nDasar : x\nMEMERINTAHKAN :\nKepada : Budi\nUntuk : menjadi PPK", "surat_tugas"),
    ("SURAT TUGAS\nNomor 1/2\nKepala Dinas menugaskan :\nNama : Budi", "surat_tugas"),
    ("SURAT PENUNJUKAN PEJABAT PENGADAAN\nNomor : 1/2\ndengan ini menunjuk :\nNama : Budi", "surat_penunjukan"),
    ("Nomor : 1/2/2026\nHal : Penunjukan PPK\nYth. Sdr. Budi\ndengan ini kami menunjuk Saudara sebagai PPK", "surat_penunjukan"),
    ("Lampiran Keputusan Bupati\nNomor 12\nDaftar Nama PPK", "surat_keputusan"),
    ("PERATURAN BUPATI CONTOH\nNOMOR 12\nMenimbang : x\nMEMUTUSKAN :\nMenetapkan : PERATURAN", "lain"),
    ("INVOICE\nKepada : Dinas\nTotal Rp 100", "lain"), ("PAKTA INTEGRITAS\nSaya, Budi, selaku PPK", "lain"),
    ("PROVINSI X\nNIK : 3325011234560001\nNama : BUDI\nAlamat : X\nAgama : Y\nKewarganegaraan : WNI\nStatus Perkawinan : Z", "lain"),
    ("Nomor : 021/PNW\nPerihal : Penawaran Pekerjaan\nKepada Yth. Pokja Pemilihan\nkami mengajukan penawaran melalui SPSE", "lain"),
    ("Nomor : 5\nHal : Permohonan Reset Password\nYth. Kepala LPSE\nmohon bantuan reset password akun SPSE PPK", "lain"),
    ("SPSE 4.5 Beranda Login\nUser ID atau password salah", "lain"),
])  # fmt: skip
def test_exactly_one_kind_wins(text: str, kind: str) -> None:
    found = only(text)

    assert (found.kind, found.unsure) == (kind, False)


def test_a_title_read_with_errors_still_counts() -> None:
    assert only("SURAT PERlNTAH TUGAS\nNOMOR 1\nMENUGASKAN :\nKepada : Budi").kind == "surat_tugas"
    assert only("S U R A T  T U G A S\nNomor 1\nM E N U G A S K A N :\nNama : Budi").kind == "surat_tugas"


def test_everything_in_one_pdf_is_split() -> None:
    annex = "LAMPIRAN KEPUTUSAN KEPALA DINAS\nNOMOR 440/11/2026\nTANGGAL 5 JANUARI 2026\nDaftar nama"
    stack = file("semua.pdf", page(LETTER), page(DECREE, 2), page(annex, 3), page(FORM, 4))

    assert kinds(stack) == [
        ("surat_permohonan", (1,), False),
        ("surat_keputusan", (2, 3), False),
        ("data_personal", (4,), False),
    ]


def test_a_block_goes_on_over_the_page_break() -> None:
    cut = LETTER.index("Jabatan")
    found = evidence(file("surat.pdf", page(LETTER[:cut]), page(f"- 2 -\n{LETTER[cut:]}", 2)))

    assert [d.pages for d in found.documents] == [(1, 2)]
    (person,) = found.persons
    assert (person.jabatan.value, person.jabatan.page, person.email.value) == ("Kepala Seksi", 2, "budi@contoh.example")


def test_facts_of_a_letter() -> None:
    facts = only(LETTER).letter

    assert (facts.nomor.value, facts.tanggal.value, facts.perihal.value) == (
        "440/101/2026",
        "2026-11-10",
        "Permohonan Pengaktifan Akun PPK",
    )
    assert (facts.tujuan.value, facts.instansi.value) == ("Kepala LPSE Kabupaten Contoh", "DINAS KESEHATAN")
    assert (facts.peran, facts.tindakan, facts.penandatangan.value) == (("ppk",), ("pengaktifan",), "SITI AMINAH")


def test_facts_of_a_decree_are_not_those_it_cites() -> None:
    found = only(DECREE)

    assert (found.letter.nomor.value, found.letter.tanggal.value) == ("440/11/2026", "2026-01-05")
    assert (found.letter.tahun_anggaran, found.letter.berlaku_sampai, found.letter.peran) == (
        2026,
        "2026-12-31",
        ("ppk",),
    )
    assert found.complete and found.persons == ()


def test_the_addressee_may_stand_in_the_right_column() -> None:
    text = LETTER.replace("Hal : Permohonan Pengaktifan Akun PPK\nYth. Kepala LPSE Kabupaten Contoh\ndi Contoh",
                          "Hal : Permohonan Akun PPK          Kepada\n                                   Yth. Kepala LPSE Contoh")  # fmt: skip
    facts = only(text).letter

    assert facts.perihal.value == "Permohonan Akun PPK"
    assert facts.tujuan.value == "Kepala LPSE Contoh"


def test_labels_read_apart_from_their_values_are_put_side_by_side() -> None:
    names = ["Nama", "NIP", "Jabatan", "Email"]
    values = ["Budi Santoso", NIP, "Staf", "budi@contoh.example"]
    lines = [line(n, 0.1 + i * 0.02) for i, n in enumerate(names)] + [
        line(v, 0.1 + i * 0.02, 0.4) for i, v in enumerate(values)
    ]
    base = page("FORMULIR DATA PERSONAL")
    found = evidence(file("form.pdf", replace(base, lines=(*base.lines, *lines))))

    (person,) = found.persons
    assert (person.nama.value, person.nip.value, person.email.value) == (
        "Budi Santoso",
        NIP.replace(" ", ""),
        "budi@contoh.example",
    )


def test_two_persons_beside_each_other() -> None:
    row = "{:<45}{}"
    text = LETTER[: LETTER.index("Nama  ")] + "\n".join([
        row.format("Nama : Budi Santoso", "Nama : Siti Rahma"), row.format(f"NIP : {NIP}", "NIP : 19900215 202321 2 003"),
        row.format("Jabatan : Kepala Seksi", "Jabatan : Staf"), "Demikian disampaikan."])  # fmt: skip
    a, b = evidence(file("a.pdf", page(text))).persons

    assert (a.nama.value, a.jabatan.value, b.nama.value, b.jabatan.value) == (
        "Budi Santoso",
        "Kepala Seksi",
        "Siti Rahma",
        "Staf",
    )


def test_a_person_named_in_a_sentence() -> None:
    text = (
        LETTER[: LETTER.index("Bersama")]
        + f"Kami mohon penonaktifan akun PPK atas nama Budi Santoso, S.T., NIP {NIP} karena pensiun.\nDemikian."
    )
    (person,) = evidence(file("a.pdf", page(text))).persons

    assert (person.nama.value, person.nip.value, person.tindakan, person.peran) == (
        "Budi Santoso, S.T.",
        NIP.replace(" ", ""),
        "penonaktifan",
        "ppk",
    )


def test_the_signer_is_nobody_that_is_asked_for() -> None:
    text = LETTER.replace(f"NIP              : {NIP}\n", "")
    (person,) = evidence(file("a.pdf", page(text))).persons

    assert person.nip.value is None


def test_an_empty_form_and_merge_variables_are_unfinished() -> None:
    form = "FORMULIR DATA PERSONAL\nNama :\nNIP : ........\nJabatan : -\nAlamat :\nEmail :\nNo. HP :"
    assert (only(form).kind, only(form).letter.placeholders) == ("lain", ("formulir kosong",))
    assert only(LETTER.replace("440/101/2026", "${nomor_naskah}")).problems == ("SURAT-NASKAH-BELUM-JADI",)


def test_letter_form_and_decree_confirm_each_other() -> None:
    (alone,) = evidence(file("a.pdf", page(LETTER))).persons
    (joined,) = evidence(file("a.pdf", page(LETTER)), file("b.pdf", page(DECREE)), file("c.pdf", page(FORM))).persons

    assert (alone.nip.agreed, alone.email.agreed) == (None, None)
    assert (joined.nip.agreed, joined.email.agreed, joined.telepon.agreed) == (True, True, True)


def test_a_typed_letter_is_no_scan() -> None:
    assert only(LETTER, scan=False).problems == ("SURAT-BUKAN-PINDAIAN",)
    footer = "Dokumen ini telah ditandatangani secara elektronik menggunakan sertifikat elektronik BSrE"
    assert only(LETTER + footer).problems == ("SURAT-TTE-CETAK",)


@pytest.mark.parametrize(("cell", "nama", "nip", "rank"), [
    (f"Budi Santoso, S.T. NIP. {NIP}", "Budi Santoso, S.T.", NIP, None),
    (f"Budi Santoso, S.T. NIP. {NIP} Penata (III/c)", "Budi Santoso, S.T.", NIP, "III/c"),
    (f"Budi Santoso, S.T. Penata (III/c) NIP. {NIP}", "Budi Santoso, S.T.", NIP, "III/c"),
])  # fmt: skip
def test_name_rank_and_nip_in_one_value(cell: str, nama: str, nip: str, rank: str | None) -> None:
    text = (
        LETTER[: LETTER.index("Nama  ")] + f"Nama/NIP         : {cell}\nJabatan          : Staf\nDemikian disampaikan."
    )
    (person,) = evidence(file("a.pdf", page(text))).persons

    assert (person.nama.value, person.nip.value, person.pangkat_golongan.value) == (nama, nip.replace(" ", ""), rank)


def test_several_labels_in_one_line_and_joint_contacts() -> None:
    text = (
        LETTER[: LETTER.index("Nama  ")]
        + f"Nama : Budi Santoso, NIP : {NIP}, Jabatan : Staf\nNo. HP / Email : 081234567890 / budi@contoh.example\nDemikian."
    )
    (person,) = evidence(file("a.pdf", page(text))).persons

    assert (person.nama.value, person.nip.value, person.jabatan.value) == ("Budi Santoso", NIP.replace(" ", ""), "Staf")
    assert (person.telepon.value, person.email.value) == ("+6281234567890", "budi@contoh.example")


def test_data_in_the_mail_even_as_an_html_table() -> None:
    from mailbot.parsers.body import html_text

    rows = {"Nama": "Budi Santoso", "NIP": NIP, "Jabatan": "Kepala Seksi", "Email": "budi@contoh.example"}
    body = html_text("<table>" + "".join(f"<tr><td>{a}</td><td>{b}</td></tr>" for a, b in rows.items()) + "</table>")
    (person,) = evidence(body=body).persons

    assert [getattr(person, n).value for n in ("nama", "nip", "jabatan", "email")] == [
        "Budi Santoso",
        NIP.replace(" ", ""),
        "Kepala Seksi",
        "budi@contoh.example",
    ]


def test_the_word_lampiran_over_the_title_makes_an_annex() -> None:
    annex = "LAMPIRAN\nKEPUTUSAN KEPALA DINAS KESEHATAN\nNOMOR 440/77/2026\nSUSUNAN PEJABAT PENGADAAN\n1 Budi"
    assert kinds(file("a.pdf", page(DECREE), page(annex, number=2))) == [("surat_keputusan", (1, 2), False)]


def test_a_paper_whose_title_was_not_read_is_what_its_annex_says() -> None:
    annex = "Lampiran Surat Keputusan\nKepala Dinas Kesehatan\nNOMOR 440/11/2026\n1 Budi"
    assert kinds(file("a.pdf", page("ae - _\nQM OR 440/11/20: Ce\nMBUAT K"), page(annex, number=2)))[0][:2] == (
        "surat_keputusan",
        (1, 2),
    )


@pytest.mark.parametrize(
    "title", ["SURAT PFERINTAH TUGAS", "SURAT PERNTAH TUGAS", "SURAT PERINTAH TUGAS", "SURAT PERINTAH TUGAS:"]
)
def test_a_title_with_a_sign_too_many_or_too_few(title: str) -> None:
    text = f"{title}\nNOMOR : 550/090/2026\nDasar : 1. Peraturan\nMENUGASKAN\nKepada : Nama : Budi\nUntuk : 1. Melaksanakan"
    assert only(text).kind == "surat_tugas"


@pytest.mark.parametrize("text", ["x" * 200_000 + "@", "a.b " * 50_000 + "@", "Nama : " * 6_000, "1985 " * 30_000])
def test_long_words_and_lines_take_no_time_of_their_own(text: str) -> None:
    """Quadratic rules would need minutes here; the test machine stops them (pytest-timeout)."""
    assert only(text).kind == "lain"
    evidence(file("a.pdf", page(text)), body=text)
