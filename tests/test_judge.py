"""Every doubt and every defect of DOMAIN.md 5 from hand-written papers: code, class, whom it is about."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest

from mailbot.model import MISSING, Evidence, FileReading, Submission, Verdict
from mailbot.parsers import scans
from mailbot.sop import absence, judge, load
from tests.pages import file, page
from tests.test_letters import DECREE, FORM, LETTER, NIP

TODAY = dt.date(2026, 11, 23)
SOP = load()
DIGITS = NIP.replace(" ", "")
LEAVES = LETTER.replace("Pengaktifan", "Penonaktifan").replace("pengaktifan", "penonaktifan")


def evidence(*readings: FileReading, subject: str = "Permohonan akun PPK", body: str = "") -> Evidence:
    mail = Submission("<a@b>", "a@b.example", "", subject, None, (), body, "", (), (), ())
    return scans.understand(mail, readings, TODAY)


def verdict(letter: str = LETTER, decree: str | None = DECREE, *more: str) -> Verdict:
    texts = [
        ("surat.pdf", letter),
        *([("sk.pdf", decree)] if decree else []),
        *((f"{i}.pdf", t) for i, t in enumerate(more)),
    ]
    return judge.judge(evidence(*(file(name, page(text)) for name, text in texts)), SOP, TODAY)


def codes(found: Verdict) -> dict[str, str]:
    return {f.code: f.cls for f in found.findings if f.cls != "note"}


@pytest.mark.parametrize(
    ("office", "decision"),
    [
        ("LPSE Kabupaten Contoh", "complete"),
        ("LPSE Kota Contoh", "review"),
        ("LPSE Kab. Kendal", "review"),
        ("", "complete"),
    ],
)
def test_a_letter_to_the_lpse_of_another_place_goes_to_a_person(office: str, decision: str) -> None:
    read = evidence(*(file(f"{i}.pdf", page(text)) for i, text in enumerate((LETTER, DECREE, FORM))))
    found = judge.judge(read, replace(SOP, office=office), TODAY)
    assert found.decision == decision
    assert codes(found) == ({} if decision == "complete" else {"SURAT-TUJUAN": "unsure"})


def test_letter_decree_and_form_are_complete() -> None:
    assert verdict(LETTER, DECREE, FORM).decision == "complete"


@pytest.mark.parametrize(("letter", "decree", "code", "cls"), [
    pytest.param(LETTER, None, "SK-TIDAK-ADA", "certain", id="no-decree"),
    pytest.param(LETTER.replace("Email            : budi@contoh.example\n", ""), DECREE, "DATA-EMAIL", "certain", id="no-email"),
    pytest.param(LETTER.replace("budi@contoh.example", ""), DECREE, "DATA-EMAIL", "certain", id="email-left-empty"),
    pytest.param(LETTER.replace("LPSE Kabupaten", "Badan Kepegawaian Kabupaten"), DECREE, "SURAT-TUJUAN", "unsure", id="addressee"),
    pytest.param(LETTER, DECREE.replace("Budi Santoso", "Joko Widodo").replace(NIP, "19700101 199503 1 002"), "SK-NAMA", "unsure", id="other-person"),
    pytest.param(LETTER, DECREE.replace(NIP, "19850704 201001 1 008"), "DATA-NIP-BEDA", "unsure", id="other-nip"),
    pytest.param(LETTER, DECREE.replace("PEJABAT PEMBUAT KOMITMEN", "PEJABAT PENGADAAN").replace("Pejabat Pembuat Komitmen", "Pejabat Pengadaan"),
                 "SK-PERAN", "unsure", id="other-role"),
    pytest.param(LETTER, DECREE.replace("2026", "2025"), "SK-TIDAK-BERLAKU", "unsure", id="last-year"),
    pytest.param(LETTER, DECREE.replace("TAHUN ANGGARAN 2026", "").replace("KEDUA : Keputusan ini berlaku sampai dengan 31 Desember 2026.", ""),
                 "SK-TIDAK-BERLAKU", "unsure", id="no-period-said"),
    pytest.param(LETTER, DECREE[: DECREE.index("MEMUTUSKAN")] + f"Nama : Budi Santoso\nNIP : {NIP}", "SK-TIDAK-LENGKAP", "unsure", id="no-ruling"),
    pytest.param(LETTER.replace(NIP, "3325011234560001"), DECREE, "DATA-NIP-SALAH", "unsure", id="nik"),
    pytest.param(LETTER.replace("budi@contoh.example", "budi.contoh.example"), DECREE, "DATA-EMAIL-SALAH", "unsure", id="no-address"),
    pytest.param(LETTER.replace("081234567890", "12345"), DECREE, "DATA-TELEPON", "unsure", id="no-number"),
    pytest.param(LETTER.replace("selaku PPK ", "").replace("Akun PPK", "Akun"), DECREE, "SURAT-MAKSUD", "unsure", id="no-role"),
    pytest.param(LETTER.replace("dengan data", "sebanyak 2 (dua) orang dengan data"), DECREE, "SURAT-MAKSUD", "unsure", id="one-of-two"),
])  # fmt: skip
def test_each_defect_has_its_code(letter: str, decree: str | None, code: str, cls: str) -> None:
    found = verdict(letter, decree)

    assert codes(found)[code] == cls
    assert found.decision in ("review", "incomplete")


def test_findings_name_the_person_and_the_place() -> None:
    found = {
        f.code: f
        for f in verdict(LETTER.replace("budi@contoh.example", "budi@"), DECREE.replace("2026", "2025")).findings
    }

    assert (found["SK-TIDAK-BERLAKU"].about, found["SK-TIDAK-BERLAKU"].file, found["SK-TIDAK-BERLAKU"].page) == (
        "surat_keputusan",
        "sk.pdf",
        1,
    )
    assert (found["DATA-EMAIL-SALAH"].about, found["DATA-EMAIL-SALAH"].file, found["DATA-EMAIL-SALAH"].page) == (
        DIGITS,
        "surat.pdf",
        1,
    )


def test_an_old_decree_beside_the_new_one_does_no_harm() -> None:
    old = DECREE.replace("2026", "2024")

    assert "SK-TIDAK-BERLAKU" not in codes(verdict(LETTER, old, DECREE))


def test_who_leaves_needs_no_decree_that_names_a_role() -> None:
    moved = DECREE.replace("PENETAPAN PEJABAT PEMBUAT KOMITMEN TAHUN ANGGARAN 2026", "MUTASI PEGAWAI").replace(
        "sebagai Pejabat Pembuat Komitmen", "ke Dinas Lain"
    )
    expired = DECREE.replace("2026", "2024")

    assert verdict(LEAVES, moved, FORM).decision == "complete"
    assert verdict(LEAVES, expired, FORM).decision == "complete"


def test_the_decree_of_the_successor_is_enough_to_leave() -> None:
    successor = DECREE.replace(f"Budi Santoso, NIP {NIP}", "Siti Rahma, NIP 19900215 202321 2 003")

    assert verdict(LEAVES, successor, FORM).decision == "complete"
    assert "SK-NAMA" in codes(verdict(LEAVES, successor.replace("DINAS KESEHATAN", "DINAS SOSIAL"), FORM))


def test_a_form_for_somebody_the_letter_does_not_name_is_a_doubt() -> None:
    other = FORM.replace("Budi Santoso", "Siti Rahma").replace(NIP, "19900215 202321 2 003")

    assert codes(verdict(LETTER, DECREE, FORM, other))["SURAT-MAKSUD"] == "unsure"


def test_a_photo_is_never_sent_back() -> None:
    photo = file("surat.jpg", page(LETTER), type="jpeg")

    assert judge.judge(evidence(photo), SOP, TODAY).decision == "review"


def test_what_could_not_be_opened_may_be_what_is_missing() -> None:
    locked = FileReading("sk.pdf", "b", "pdf", problem="FILE-SANDI")
    found = judge.judge(evidence(file("surat.pdf", page(LETTER)), file("form.pdf", page(FORM)), locked), SOP, TODAY)

    assert (codes(found), found.decision) == ({"FILE-SANDI": "certain"}, "incomplete")


def test_a_broken_extra_file_is_a_doubt_only() -> None:
    broken = FileReading("foto.jpg", "b", "jpeg", problem="FILE-RUSAK")
    papers = [file(n, page(t)) for n, t in (("a.pdf", LETTER), ("b.pdf", DECREE), ("c.pdf", FORM))]

    assert codes(judge.judge(evidence(*papers, broken), SOP, TODAY)) == {"FILE-RUSAK": "unsure"}


def test_a_gap_is_uncertain_while_such_a_value_stands_somewhere() -> None:
    stray = LETTER.replace("Email            : budi@contoh.example\n", "") + "Catatan budi@contoh.example\n"

    assert codes(verdict(stray, DECREE))["DATA-EMAIL"] == "unsure"


def test_the_word_file_beside_the_scan_is_a_convenience() -> None:
    typed = file("surat.docx", page(LETTER, scan=False, ink=False), type="docx")
    papers = [file(n, page(t)) for n, t in (("a.pdf", LETTER), ("b.pdf", DECREE), ("c.pdf", FORM))]

    assert judge.judge(evidence(*papers, typed), SOP, TODAY).decision == "complete"
    assert "SURAT-BUKAN-PINDAIAN" in codes(judge.judge(evidence(typed, *papers[1:]), SOP, TODAY))


def test_the_pages_of_a_decree_may_come_as_files_of_their_own() -> None:
    cut = DECREE.index("MEMUTUSKAN")
    papers = [
        file(n, page(t))
        for n, t in (("a.pdf", LETTER), ("c.pdf", FORM), ("1.pdf", DECREE[:cut]), ("2.pdf", DECREE[cut:]))
    ]

    assert "SK-TIDAK-LENGKAP" not in {
        f.code
        for f in judge.judge(evidence(*papers), SOP, TODAY).findings
        if f.about == "surat_keputusan" and f.file == "1.pdf"
    }


@pytest.mark.parametrize(("subject", "body", "decision"), [
    ("Lupa password", "Mohon reset kata sandi akun SPSE saya.", "not_request"),
    ("Tanya", "Kami penyedia CV Contoh, bagaimana aktivasi akun penyedia?", "not_request"),
    ("Perubahan satker", "Mohon perubahan satuan kerja pada akun SPSE.", "not_request"),
    ("Buletin", "Edisi bulan ini.", "not_request"),
    ("Akun PPK", "Mohon pengaktifan akun PPK pada SPSE.", "incomplete"),
    ("Penonaktifan", "Mohon penonaktifan hak akses SPSE Pejabat Pengadaan.", "incomplete"),
])  # fmt: skip
def test_what_is_no_request(subject: str, body: str, decision: str) -> None:
    assert judge.judge(evidence(subject=subject, body=body), SOP, TODAY).decision == decision


def test_a_decree_alone_without_a_word_is_for_a_person() -> None:
    assert judge.judge(evidence(file("sk.pdf", page(DECREE)), subject="Terlampir"), SOP, TODAY).decision == "review"


def test_an_unread_value_is_not_called_missing() -> None:
    found = evidence(*(file(n, page(t)) for n, t in (("a.pdf", LETTER), ("b.pdf", DECREE))))
    person = replace(found.persons[0], email=replace(found.persons[0].email, value=None, raw="b?di"))

    assert codes(judge.judge(replace(found, persons=(person,)), SOP, TODAY))["DATA-EMAIL"] == "unsure"


def test_rows_that_were_not_told_apart_are_no_certain_gap() -> None:
    whole = evidence(file("surat.pdf", page(LETTER)), file("sk.pdf", page(DECREE)))
    (person,) = whole.persons
    other = replace(person, nama=replace(person.nama, value="Ani Lestari"), telepon=MISSING)
    found = codes(judge.judge(replace(whole, persons=(person, other)), SOP, TODAY))
    assert (found["DATA-NIP-SALAH"], found["DATA-TELEPON"]) == ("unsure", "unsure")
    leaves = replace(other, peran="pokja", tindakan="penonaktifan")  # one person may ask for two things
    assert "DATA-NIP-SALAH" not in codes(judge.judge(replace(whole, persons=(person, leaves)), SOP, TODAY))


def test_a_ruling_on_a_further_page_of_the_letter_may_be_the_missing_paper() -> None:
    ruling = page("SURAY PFRIWTAN TVGAS\nMENUGASKAN\nNama : Budi Santoso, S.T.", number=2)
    found = judge.judge(evidence(file("surat.pdf", page(LETTER), ruling)), SOP, TODAY)
    assert codes(found)["SK-TIDAK-ADA"] == "unsure"
    plain = judge.judge(evidence(file("surat.pdf", page(LETTER), page("Tembusan : Arsip", number=2))), SOP, TODAY)
    assert codes(plain)["SK-TIDAK-ADA"] == "certain"


def test_a_value_behind_a_misread_colon_high_on_the_page_is_no_certain_gap() -> None:
    form = "BIODATA\nNama : Budi Santoso, S.T.\nGolongan terakhir>IVb\nTelepon dinas>0285390011"
    assert absence.loose(evidence(file("data.pdf", page(form)))) == {"pangkat_golongan"}  # a letterhead has a telephone
