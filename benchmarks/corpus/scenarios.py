"""The scenarios: complete submissions, every defect of DOMAIN.md 5, and mails that ask for something else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import replace

from benchmarks.corpus import office, papers, wording
from benchmarks.corpus.drafts import ALL_MARKS, YEAR, Ask, Draft, Paper, ask, forms, labels, letter, number, whole
from benchmarks.corpus.people import someone
from benchmarks.corpus.truth import TruePerson
from mailbot.model import FIELDS

# ------------------------------------------------------------------ complete


def plain(d: Draft) -> Draft:
    return whole(d, ask(d))


def several(d: Draft) -> Draft:
    return whole(d, ask(d, count=d.rng.choice((2, 3, 4)), place=d.rng.choice(("letter", "table", "table"))))


def swap(d: Draft) -> Draft:
    a = ask(
        d,
        role=d.rng.choice(("ppk", "pejabat_pengadaan")),
        action="pengaktifan",
        count=2,
        place="letter",
        basis="surat_keputusan",
    )
    a.swap, a.again = True, False
    return whole(d, a)


def transfer(d: Draft) -> Draft:
    """Deactivation with a decree that moves or retires the person (A-06)."""
    a = ask(d, role=d.rng.choice(("ppk", "pejabat_pengadaan")), action="penonaktifan", count=1, basis="surat_keputusan")
    p = a.people[0]
    what = d.c.pick(
        (
            "Pemindahan Pegawai Negeri Sipil",
            "Pemberhentian dengan Hormat Pegawai Negeri Sipil yang Mencapai Batas Usia Pensiun",
            "Mutasi Pegawai Negeri Sipil",
        )
    )
    made = papers.Decree(
        d.unit,
        d.head,
        dt.date(YEAR, 9, 3),
        f"800/{d.rng.randint(10, 99)}/{YEAR}",
        what,
        ((p, "pegawai yang dipindahkan"),),
        None,
        None,
        "inline",
        verb="Memindahkan",
    )
    d.papers = [
        letter(d, a),
        Paper("surat_keputusan", "SK mutasi", papers.decree(made, d.st, d.rng), ALL_MARKS),
        *forms(d, a),
    ]
    d.persons = [TruePerson(p, a.role, a.action)]
    return d


def elsewhere(d: Draft) -> Draft:
    """The data stand in the mail, a DOCX or an XLSX."""
    return whole(d, ask(d, place=d.rng.choice(("body", "docx", "xlsx"))))


def extras(d: Draft) -> Draft:
    """With papers that nobody asked for."""
    whole(d, ask(d))
    kinds = d.rng.sample(("pakta", "sertifikat", "ktp", "undangan"), 2)
    d.papers += [
        Paper("lain", k, [papers.nothing_in(k, d.unit, d.persons[0].who, d.st, d.rng)], digital=d.c.chance(0.5))
        for k in kinds
    ]
    return d


def one_pdf(d: Draft) -> Draft:
    d.pack = "one"
    return whole(d, ask(d))


def zipped(d: Draft) -> Draft:
    d.pack = "zip"
    return whole(d, ask(d))


def forwarded(d: Draft) -> Draft:
    d.forward = True
    return whole(d, ask(d, place=d.rng.choice(("letter", "body"))))


def turned(d: Draft) -> Draft:
    d.turn = True
    return whole(d, ask(d))


# ------------------------------------------------------------------ defects


def no_letter(d: Draft) -> Draft:
    whole(d, ask(d, place="form"))
    d.papers = d.papers[1:]
    return _bad(d, "incomplete", "SURAT-TIDAK-ADA")


def no_basis(d: Draft) -> Draft:
    whole(d, ask(d))
    d.papers = [
        p for p in d.papers if p.kind != "surat_keputusan" and p.kind != "surat_tugas" and p.kind != "surat_penunjukan"
    ]
    if d.c.chance(0.5):
        kind = d.rng.choice(("pakta", "sertifikat", "invoice", "ktp", "regulation", "tender", "undangan"))
        d.papers.append(Paper("lain", kind, [papers.nothing_in(kind, d.unit, d.persons[0].who, d.st, d.rng)]))
    return _bad(d, "incomplete", "SK-TIDAK-ADA")


def other_person(d: Draft) -> Draft:
    a = ask(d, action="pengaktifan", count=1)
    return _bad(whole(d, a, people=[someone(d.rng, d.unit)]), "review", "SK-NAMA")


def other_role(d: Draft) -> Draft:
    a = ask(d, action="pengaktifan", count=1)
    role = d.rng.choice([r for r in wording.ROLE_NAMES if r != a.role])
    return _bad(whole(d, a, role=wording.ROLE_NAMES[role][0]), "review", "SK-PERAN")


def old_year(d: Draft) -> Draft:
    return _bad(whole(d, ask(d, action="pengaktifan"), year=YEAR - 1), "review", "SK-TIDAK-BERLAKU")


def no_ruling(d: Draft) -> Draft:
    a = ask(d, action="pengaktifan", basis="surat_keputusan")
    return _bad(whole(d, a, ruling=False), "review", "SK-TIDAK-LENGKAP")


def one_missing(d: Draft) -> Draft:
    """One of two persons is not named in the decree."""
    a = ask(d, action="pengaktifan", count=2, basis="surat_keputusan")
    return _bad(whole(d, a, people=a.people[:1]), "review", "SK-NAMA")


def missing_fields(d: Draft) -> Draft:
    a = ask(d)
    a.omit = frozenset(
        d.rng.sample(("pangkat_golongan", "jabatan", "instansi", "alamat", "telepon", "email"), d.rng.choice((1, 2)))
    )
    whole(d, a)
    d.papers = [p for p in d.papers if p.kind in ("surat_permohonan", "data_personal")] + _bare_basis(d, a)
    return _bad(d, "incomplete", *(f"DATA-{n.upper().replace('_', '-')}" for n in a.omit))


def _bare_basis(d: Draft, a: Ask) -> list[Paper]:
    """A decree with names only, so that it fills no gap of the data."""
    made = papers.Decree(d.unit, d.head, dt.date(YEAR, 1, 5), f"{d.unit.code}/007/{YEAR}", f"Penetapan {wording.ROLE_NAMES[a.role][0]}",
                         tuple((p, wording.ROLE_NAMES[a.role][0]) for p in a.people), YEAR, None, "annex_names")  # fmt: skip
    return [Paper("surat_keputusan", "SK", papers.decree(made, d.st, d.rng), ALL_MARKS)]


def blank_fields(d: Draft) -> Draft:
    a = ask(d, place=d.rng.choice(("letter", "form")))
    a.blank = frozenset(d.rng.sample(("alamat", "telepon", "email"), d.rng.choice((1, 2))))
    return _bad(whole(d, a), "incomplete", *(f"DATA-{n.upper()}" for n in a.blank))


def empty_form(d: Draft) -> Draft:
    a = ask(d, place="form", count=1)
    a.blank = frozenset(FIELDS)
    whole(d, a)
    return _bad(d, "incomplete")


def unfilled(d: Draft) -> Draft:
    a = ask(d)
    a.number, a.marks = "${nomor_naskah}", papers.Ink(False, False)
    whole(d, a)
    d.papers = [replace(p, digital=True) if p.kind == "surat_permohonan" else p for p in d.papers]
    return _bad(d, "incomplete", "SURAT-NASKAH-BELUM-JADI")


def wrong_nip(d: Draft) -> Draft:
    a = ask(d, count=1, action="pengaktifan", basis="surat_keputusan")
    p = a.people[0]
    bad = d.rng.choice((p.nip[:-1], p.nip[:4] + "13" + p.nip[6:], f"33250{d.rng.randint(10**10, 10**11 - 1)}"))
    a.people = [replace(p, nip=bad)]
    whole(d, a, people=[p])
    return _bad(d, "review", "DATA-NIP-SALAH")


def other_nip(d: Draft) -> Draft:
    a = ask(d, count=1, action="pengaktifan", basis="surat_penunjukan")
    p = a.people[0]
    changed = p.nip[:-1] + str((int(p.nip[-1]) + 3) % 10)
    return _bad(whole(d, a, people=[replace(p, nip=changed)]), "review", "DATA-NIP-BEDA")


def shared_email(d: Draft) -> Draft:
    a = ask(d, count=2)
    a.people = [a.people[0], replace(a.people[1], email=a.people[0].email)]
    return _bad(whole(d, a), "review", "DATA-EMAIL-GANDA")


def bad_email(d: Draft) -> Draft:
    a = ask(d, count=1)
    p = a.people[0]
    a.people = [replace(p, email=d.rng.choice((p.email.replace("@", ""), p.email.split("@")[0] + "@gmail", "-ada-")))]
    return _bad(whole(d, a), "review", "DATA-EMAIL-SALAH")


def addressee(d: Draft) -> Draft:
    a = ask(d)
    a.to = d.c.pick(
        (
            "Kepala Badan Kepegawaian Daerah",
            "Bupati Batang c.q. Sekretaris Daerah",
            "Kepala Dinas Komunikasi dan Informatika",
            "Direktur Bank Daerah",
        )
    )
    return _bad(whole(d, a), "review", "SURAT-TUJUAN")


def memo(d: Draft) -> Draft:
    a = ask(d)
    a.memo = True
    return _bad(whole(d, a), "review")


def typed_letter(d: Draft) -> Draft:
    """The letter as a DOCX or as the PDF of the text program, without ink."""
    a = ask(d, place="letter", count=1)
    a.marks = papers.Ink(False, False)
    whole(d, a)
    if d.c.chance(0.5):
        p, names = a.people[0], labels(d.c)
        lines = [d.unit.name.upper(), d.unit.address, f"Nomor : {number(d)}", f"Hal : {d.subject}", "Yth. Kepala LPSE Kabupaten Batang", "di Batang",
                 f"Bersama ini kami mengajukan permohonan {wording.VERBS[a.action][0]} SPSE selaku {wording.ROLE_NAMES[a.role][0]} dengan data sebagai berikut :",
                 *(f"{names[n]}\t: {papers.text_of(p, n, 0)}" for n in FIELDS), "Demikian disampaikan, terima kasih.", d.unit.head_post, d.head.nama]  # fmt: skip
        made = (
            "Surat Permohonan.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
            office.docx(lines),
        )
        d.papers[0] = Paper("surat_permohonan", "surat", [], made=made)
    else:
        d.papers[0] = replace(d.papers[0], digital=True)
    d.pack = "separate"
    return _bad(d, "incomplete", "SURAT-BUKAN-PINDAIAN")


def printed_tte(d: Draft) -> Draft:
    a = ask(d, place="letter")
    a.marks = papers.Ink(False, False)
    whole(d, a)
    foot = "<p style='font-size:8pt'>Dokumen ini telah ditandatangani secara elektronik menggunakan sertifikat elektronik yang diterbitkan oleh Balai Sertifikasi Elektronik (BSrE), BSSN</p>"
    d.papers[0] = replace(d.papers[0], parts=[d.papers[0].parts[0] + foot])
    return _bad(d, "review", "SURAT-TTE-CETAK")


def locked(d: Draft) -> Draft:
    d.pack = "locked"
    return _bad(whole(d, ask(d, place="letter")), "incomplete", "FILE-SANDI")


def link(d: Draft) -> Draft:
    whole(d, ask(d))
    d.pack, d.papers, d.persons = "none", [], []
    d.body = "Dengan hormat,\n\nKami mohon pengaktifan akun PPK. Surat permohonan dan SK dapat diunduh di https://drive.google.com/file/d/1abcContoh/view\n\nTerima kasih."
    return _bad(d, "incomplete", "FILE-TAUTAN")


def unsigned(d: Draft) -> Draft:
    a = ask(d)
    a.marks = papers.Ink(False, d.c.chance(0.5))
    return _bad(whole(d, a), "review", "SURAT-TTD")


def unstamped(d: Draft) -> Draft:
    a = ask(d)
    a.marks = papers.Ink(True, False)
    return _bad(whole(d, a), "review", "SURAT-STEMPEL")


def no_letterhead(d: Draft) -> Draft:
    a = ask(d)
    a.letterhead = False
    return _bad(whole(d, a), "review", "SURAT-KOP")


def _bad(d: Draft, verdict: str, *codes: str) -> Draft:
    d.verdict, d.codes = verdict, frozenset(codes)
    d.also = frozenset(("review",))
    return d


# ------------------------------------------------------------------ no request


def lost_password(d: Draft) -> Draft:
    d.subject = d.c.pick(("Lupa password SPSE", "Mohon reset kata sandi", "Tidak bisa login SPSE"))
    d.body = f"Selamat siang, saya {someone(d.rng, d.unit).bare}, lupa kata sandi akun SPSE saya. Mohon bantuan untuk reset password. Terima kasih."
    if d.c.chance(0.5):
        kind = d.rng.choice(("reset", "screenshot"))
        d.papers = [Paper("lain", kind, [papers.nothing_in(kind, d.unit, d.head, d.st, d.rng)])]
    return _not(d)


def provider(d: Draft) -> Draft:
    d.subject = d.c.pick(("Pertanyaan pendaftaran penyedia", "Akun penyedia terkunci", "Tanya verifikasi penyedia"))
    d.body = "Yth. Admin,\n\nKami CV Contoh Jaya Abadi, penyedia yang ingin mendaftar pada SPSE. Bagaimana cara verifikasi dan aktivasi akun penyedia kami?\n\nTerima kasih."
    if d.c.chance(0.4):
        d.papers = [Paper("lain", "penawaran", [papers.nothing_in("tender", d.unit, d.head, d.st, d.rng)])]
    return _not(d)


def satker(d: Draft) -> Draft:
    d.subject = d.c.pick(("Perubahan satuan kerja akun SPSE", "Perubahan email akun", "Pindah satker"))
    d.body = "Dengan hormat, mohon bantuan untuk perubahan satuan kerja / alamat email pada akun SPSE saya karena pindah tugas. Terima kasih."
    return _not(d)


def invitation(d: Draft) -> Draft:
    d.subject, d.body = (
        "Undangan Rapat Koordinasi",
        "Terlampir undangan rapat koordinasi pengadaan. Mohon kehadirannya.",
    )
    kind = d.rng.choice(("undangan", "invoice"))
    d.papers = [Paper("lain", kind, [papers.nothing_in(kind, d.unit, d.head, d.st, d.rng)], digital=True)]
    return _not(d)


def _not(d: Draft) -> Draft:
    d.verdict, d.also = "not_request", frozenset(("review",))
    return d


COMPLETE: tuple[tuple[Callable[[Draft], Draft], int], ...] = (
    (plain, 16), (several, 7), (swap, 6), (transfer, 3), (elsewhere, 7), (extras, 4), (one_pdf, 7), (zipped, 4), (forwarded, 4), (turned, 4))  # fmt: skip
DEFECTS: tuple[tuple[Callable[[Draft], Draft], int], ...] = (
    (no_letter, 2), (no_basis, 3), (other_person, 2), (other_role, 2), (old_year, 2), (no_ruling, 2), (one_missing, 2), (missing_fields, 3), (blank_fields, 2),
    (empty_form, 1), (unfilled, 1), (wrong_nip, 2), (other_nip, 1), (shared_email, 1), (bad_email, 1), (addressee, 1), (memo, 1), (typed_letter, 2), (printed_tte, 1),
    (locked, 1), (link, 1), (unsigned, 1), (unstamped, 1), (no_letterhead, 1))  # fmt: skip
OTHERS: tuple[tuple[Callable[[Draft], Draft], int], ...] = (
    (lost_password, 2),
    (provider, 1),
    (satker, 1),
    (invitation, 1),
)
SCENARIOS = COMPLETE + DEFECTS + OTHERS
