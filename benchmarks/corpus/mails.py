"""Whole mails of the corpus: `mail(split, index)` is the same bytes and the same truth on every machine."""

from __future__ import annotations

import datetime as dt
import io
import random
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.policy import SMTP

import pypdf
from PIL import Image

from benchmarks.corpus import degrade, office, papers, wording
from benchmarks.corpus.people import Someone, Unit, someone, unit
from benchmarks.corpus.truth import CorpusMail, TruePaper, TruePerson
from mailbot.demo import letters as demo_letters
from mailbot.demo import scans
from mailbot.model import FIELDS

TODAY = dt.date(2026, 11, 23)
YEAR = TODAY.year
TO = "lpse@batangkab.example"
ALL_MARKS = frozenset(("kop", "tanda_tangan", "stempel"))
Made = tuple[str, str, bytes]


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper before it becomes a file. `digital`: it is sent as the PDF that the text program made."""

    kind: str
    name: str
    parts: Sequence[str]
    marks: frozenset[str] = frozenset()
    digital: bool = False
    made: Made | None = None  # an office file as it is


@dataclass(slots=True)
class Draft:
    """All that a scenario decides; `_mail` packs it."""

    c: wording.Choice
    st: papers.Style
    unit: Unit
    head: Someone
    papers: list[Paper] = field(default_factory=list)
    persons: list[TruePerson] = field(default_factory=list)
    subject: str = ""
    body: str = ""
    verdict: str = "complete"
    also: frozenset[str] = frozenset()
    codes: frozenset[str] = frozenset()
    pack: str = ""  # "" = by chance | separate | one | zip | locked | none
    degrade: str = ""
    forward: bool = False
    turn: bool = False

    @property
    def rng(self) -> random.Random:
        return self.c.rng


# ------------------------------------------------------------------ building blocks


@dataclass(slots=True)
class Ask:
    """What is asked and how it is written down; changed by the scenarios before the papers are made."""

    role: str
    action: str
    again: bool
    people: list[Someone]
    place: str  # letter | table | form | body | docx | xlsx
    basis: str  # surat_keputusan | surat_tugas | surat_penunjukan
    omit: frozenset[str] = frozenset()
    blank: frozenset[str] = frozenset()
    to: str = ""
    number: str = ""
    marks: papers.Ink = field(default_factory=papers.Ink)
    letterhead: bool = True
    memo: bool = False
    swap: bool = False


def ask(d: Draft, *, role: str = "", action: str = "", count: int = 0, place: str = "", basis: str = "") -> Ask:
    c = d.c
    role = role or c.rng.choice(("ppk", "ppk", "ppk", "pokja", "pejabat_pengadaan"))
    action = action or c.rng.choice(("pengaktifan", "pengaktifan", "pengaktifan", "penonaktifan"))
    count = count or (c.rng.choice((2, 3, 3, 4)) if role == "pokja" else c.rng.choice((1, 1, 1, 2)))
    kinds = (
        ("surat_keputusan", "surat_tugas")
        if role == "pokja"
        else ("surat_keputusan", "surat_keputusan", "surat_keputusan", "surat_penunjukan", "surat_tugas")
    )
    basis = basis or c.rng.choice(kinds)
    if count > 1 and basis == "surat_penunjukan":
        basis = "surat_keputusan"
    again = action == "pengaktifan" and c.chance(0.2)
    people = _distinct(d, count)
    return Ask(
        role, action, again, people, place or c.rng.choice(("letter", "letter", "letter", "table", "form")), basis
    )


def _distinct(d: Draft, count: int) -> list[Someone]:
    people: list[Someone] = []
    while len(people) < count:
        p = someone(d.rng, d.unit)
        if p.bare not in {x.bare for x in people} and p.email not in {x.email for x in people}:
            people.append(p)
    return people


def labels(c: wording.Choice) -> dict[str, str]:
    return {n: c.pick(wording.LABELS[n]) for n in FIELDS}


def number(d: Draft) -> str:
    n, code = d.rng.randint(3, 980), d.unit.code
    return d.c.pick((f"{code}/{n}/{YEAR}", f"{code}/ {n} /{d.unit.short.upper()}/{YEAR}", f"000.3.2/{n}/XI/{YEAR}", f"B-{n}/{code}.1/{YEAR}",
                     f"{code}.{n}/{d.unit.short.upper()}/{YEAR}", f"027/{n}-{d.unit.short.upper()}/{YEAR}"))  # fmt: skip


def letter(d: Draft, a: Ask) -> Paper:
    """The surat permohonan with or without the persons' data."""
    c, u = d.c, d.unit
    key = "kembali" if a.again else a.action
    role = c.pick(wording.ROLE_NAMES[a.role])
    base = f"{wording_kind(a.basis)} Nomor {d.rng.randint(10, 300)}/{YEAR}"
    values = {"office": u.full, "year": YEAR, "verb": c.pick(wording.VERBS[key]), "role": role, "basis": base}
    pool = wording.OPENINGS if a.place in ("letter", "table") else wording.OPENINGS_APART
    subject = f"{'Permohonan ' if c.chance(0.7) else ''}{c.pick(wording.ACTION_NAMES[key])} {'SPSE ' if c.chance(0.4) else ''}{role}".replace(
        "Permohonan Permohonan", "Permohonan"
    )
    if a.swap:
        pool, subject = (
            wording.SWAP_OPENINGS,
            c.pick(
                (
                    "Permohonan Penggantian Akun PPK",
                    f"Penonaktifan dan Pengaktifan Akun {role}",
                    f"Perubahan Akun SPSE {role}",
                )
            ),
        )
    to = a.to or c.pick(wording.ADDRESSEES).format(kind=u.kind, region=u.region)
    shown = to if a.memo else c.pick(wording.TO_FORMS).format(to=to, place=u.region)
    d.subject = d.subject or f"{subject} {u.name}"
    made = papers.Letter(u, d.head, TODAY - dt.timedelta(days=d.rng.randint(1, 20)), a.number or number(d), subject, shown, c.pick(pool).format(**values),
                         _content(d, a, role), c.pick(wording.CLOSINGS), a.marks, a.letterhead, a.memo)  # fmt: skip
    marks = {"kop"} if a.letterhead else set()
    marks |= ({"tanda_tangan"} if a.marks.signature else set()) | ({"stempel"} if a.marks.stamp else set())
    return Paper(
        "surat_permohonan",
        c.rng.choice(("Surat Permohonan", "surat", "Permohonan_akun", "scan0012")),
        [papers.letter(made, d.st, c.rng)],
        frozenset(marks),
    )


def wording_kind(kind: str) -> str:
    return {
        "surat_keputusan": "Keputusan Kepala Dinas",
        "surat_tugas": "Surat Tugas",
        "surat_penunjukan": "Surat Penunjukan",
    }[kind]


def _content(d: Draft, a: Ask, role: str) -> str:
    names, how = labels(d.c), d.rng.randrange(60)
    if a.swap:
        old, new = a.people
        one, two = d.c.pick(wording.SWAP_HEADS)
        return f"<p>{one}</p>{papers.block(old, names, how, a.omit, a.blank)}<p>{two}</p>{papers.block(new, names, how, a.omit, a.blank)}"
    if a.place == "table":
        return papers.grid(
            a.people,
            names,
            how,
            ruled=d.c.chance(0.8),
            omit=a.omit,
            joint=d.c.chance(0.3),
            size=d.rng.choice((7.5, 8, 8.5)),
        )
    if a.place == "letter":
        extra = (("Selaku", role),) if d.c.chance(0.2) else ()
        many = len(a.people) > 1
        return "".join(
            papers.block(p, names, how, a.omit, a.blank, extra, f"{i}." if many else "")
            for i, p in enumerate(a.people, 1)
        )
    if d.c.chance(0.5):  # the names only; the data stand elsewhere
        few = frozenset(FIELDS) - {"nama", "nip", "jabatan"}
        return "".join(papers.block(p, names, how, few) for p in a.people)
    return ""


def basis(d: Draft, a: Ask, *, people: Sequence[Someone] = (), role: str = "", year: int | None = YEAR, ruling: bool = True,
          roles: Sequence[str] = ()) -> Paper:  # fmt: skip
    """SK, surat tugas or surat penunjukan that names the persons in their role."""
    c, u = d.c, d.unit
    people = list(people or a.people)
    role = role or c.pick(wording.ROLE_NAMES[a.role][:2] if a.role != "pokja" else wording.ROLE_NAMES["pokja"][:3])
    day = dt.date(year or YEAR, c.rng.randint(1, 2), c.rng.randint(2, 28))
    until = dt.date(year or YEAR, 12, 31) if c.chance(0.4) or year is None else None
    name = c.rng.choice(("SK", "SK PPK 2026", "Lampiran SK", "Surat Tugas", "dokumen2"))
    num = f"{u.code}/{c.rng.randint(1, 90):03d}/{year or YEAR}"
    if a.basis == "surat_tugas":
        return Paper(
            a.basis, name, [papers.assignment(u, d.head, day, num, people, role, year, until, d.st, c.rng)], ALL_MARKS
        )
    if a.basis == "surat_penunjukan":
        return Paper(
            a.basis,
            name,
            [papers.appointment(u, d.head, day, num, people[0], role, year, until, d.st, c.rng)],
            ALL_MARKS,
        )
    layout = c.pick(("annex", "annex_names", "bupati", "inline"))
    verb = "Menetapkan"
    about = f"Penetapan {role}"
    if a.action == "penonaktifan" and not a.swap and c.chance(0.5):
        verb, about = "Memberhentikan", f"Pemberhentian {role}"
    shown = list(zip(people, roles or [role] * len(people), strict=True))
    if layout in ("annex", "annex_names") and c.chance(0.4) and a.role != "pokja":
        other = next(r for r in ("Pejabat Pengadaan", "Bendahara Pengeluaran") if r != role)
        shown += [(someone(c.rng, u), other)]
        about = (
            about.replace(role, "Pejabat Pengelola Pengadaan")
            if not a.swap and verb == "Menetapkan" and c.chance(0.5)
            else about
        )
    made = papers.Decree(u, d.head, day, num, about, tuple(shown), year, until, layout, ruling, annex=True, verb=verb)
    return Paper("surat_keputusan", name, papers.decree(made, d.st, c.rng), ALL_MARKS)


def forms(d: Draft, a: Ask) -> list[Paper]:
    """The data of the persons outside the letter."""
    c, names, how = d.c, labels(d.c), d.rng.randrange(60)
    if a.place == "form":
        title = c.pick(wording.FORM_TITLES)
        day = TODAY - dt.timedelta(days=3)
        lettered = c.chance(0.7)
        return [Paper("data_personal", f"Data {i}", [papers.form(d.unit, p, day, title, names, how, d.st, c.rng, a.omit, a.blank, letterhead=lettered)])
                for i, p in enumerate(a.people, 1)]  # fmt: skip
    lines = [f"{names[n]}\t: {papers.text_of(p, n, how)}" for p in a.people for n in FIELDS if n not in a.omit]
    rows = [["No"] + [names[n] for n in FIELDS if n not in a.omit]]
    rows += [
        [str(i)] + [papers.text_of(p, n, how) for n in FIELDS if n not in a.omit] for i, p in enumerate(a.people, 1)
    ]
    if a.place == "docx":
        data = (
            office.docx(["DATA PERSONAL PENGGUNA SPSE", *lines])
            if c.chance(0.5)
            else office.docx(["DATA PERSONAL PENGGUNA SPSE"], rows)
        )
        return [
            Paper(
                "data_personal",
                "data",
                [],
                made=(
                    "Data Personal.docx",
                    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                    data,
                ),
            )
        ]
    if a.place == "xlsx":
        return [
            Paper(
                "data_personal",
                "data",
                [],
                made=(
                    "Data.xlsx",
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                    office.xlsx(rows),
                ),
            )
        ]
    if a.place == "body":
        d.body = "\n".join(["Dengan hormat,", "", "Kami sampaikan permohonan akun SPSE, surat dan SK terlampir. Data personal sebagai berikut:", "", *_spaced(lines, a), "", "Terima kasih.", "",
                            "--", f"{d.unit.name}", f"Telp {d.unit.phone}"])  # fmt: skip
    return []


def _spaced(lines: list[str], a: Ask) -> list[str]:
    step = len(lines) // len(a.people)
    out: list[str] = []
    for i, line in enumerate(lines):
        out += [""] if i and i % step == 0 else []
        out.append(line.replace("\t", " "))
    return out


def whole(d: Draft, a: Ask, **more: object) -> Draft:
    """A complete submission after `a`."""
    d.papers = [letter(d, a), basis(d, a, **more), *forms(d, a)]  # type: ignore[arg-type]
    actions = ["penonaktifan", "pengaktifan"] if a.swap else [a.action] * len(a.people)
    d.persons = [TruePerson(p, a.role, x, a.omit | a.blank) for p, x in zip(a.people, actions, strict=True)]
    return d


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
DEGRADES = (
    ("office200", 30),
    ("office150", 14),
    ("office300", 10),
    ("skewed", 8),
    ("sk_copy", 10),
    ("sk_text", 10),
    ("gray", 4),
    ("photocopy", 4),
    ("fax", 3),
    ("photo", 7),
)


# ------------------------------------------------------------------ packing


def mail(split: str, index: int, degrade_as: str = "", scenario: str = "") -> CorpusMail:
    """Mail `index` of a split. `degrade_as` "ideal": every paper is sent as the text program made it."""
    rng = random.Random(f"{split}/{index}")
    c = wording.Choice(rng, split == "test")
    u = unit(rng)
    makers = [m for m, _ in SCENARIOS if m.__name__ == scenario] or rng.choices(
        [m for m, _ in SCENARIOS], [n for _, n in SCENARIOS]
    )
    d = Draft(c, papers.style(c), u, someone(rng, u, post=u.head_post, pppk=0))
    d.degrade = rng.choices([n for n, _ in DEGRADES], [n for _, n in DEGRADES])[0]
    d = makers[0](d)
    d.degrade = degrade_as or d.degrade
    files, true_papers = _files(d)
    also = d.also
    if d.verdict == "complete" and d.degrade in ("gray", "photocopy", "fax", "photo"):
        also |= {"review"}  # wet ink cannot be judged there
    return CorpusMail(
        f"{split}-{index:04d}",
        makers[0].__name__,
        d.degrade,
        _message(d, files, f"{split}-{index}"),
        d.verdict,
        also,
        d.codes,
        tuple(d.persons),
        true_papers,
    )


def _files(d: Draft) -> tuple[list[Made], tuple[TruePaper, ...]]:
    pack = d.pack or d.rng.choice(("separate", "separate", "separate", "one", "zip"))
    if any(p.digital or p.made for p in d.papers) and pack == "one":
        pack = "separate"
    if pack == "one" and d.papers:
        return _one_file(d)
    made: list[Made] = []
    truth: list[TruePaper] = []
    for i, paper in enumerate(d.papers, 1):
        for entry, pages in _file(
            d, paper, f"{paper.name} {i}" if any(p.name == paper.name for p in d.papers[: i - 1]) else paper.name, pack
        ):
            made.append(entry)
            truth.append(TruePaper(entry[0], pages, paper.kind, paper.marks))
    if pack == "zip" and made:
        made = [("berkas.zip", "application/zip", _zip(made))]
    return made, tuple(truth)


def _profile(d: Draft, paper: Paper) -> str:
    """The profile of one paper; "" for the PDF of the text program."""
    if paper.digital or d.degrade == "ideal":
        return ""
    if d.degrade == "sk_copy":
        return "photocopy" if paper.kind != "surat_permohonan" else "office200"
    if d.degrade == "sk_text":
        return "" if paper.kind != "surat_permohonan" else "office200"
    return d.degrade


def _file(d: Draft, paper: Paper, name: str, pack: str) -> list[tuple[Made, tuple[int, ...]]]:
    """The file of a paper; photos are one file for each page."""
    if paper.made:
        return [(paper.made, (1,))]
    data = papers.pdf(paper.parts, d.st)
    profile = _profile(d, paper)
    if not profile:
        data = scans.lock_pdf(data) if pack == "locked" else data
        return [((f"{name}.pdf", "application/pdf", data), tuple(range(1, _count(data, pack) + 1)))]
    images = _images(d, data, profile, paper.kind != "surat_permohonan")
    dpi = degrade.DPI.get(profile, 200)
    if profile == "photo":
        return [((f"{name} {i}.jpg", "image/jpeg", scans.to_jpeg(x, 72)), (1,)) for i, x in enumerate(images, 1)]
    numbers = tuple(range(1, len(images) + 1))
    if profile == "fax" or d.rng.random() < 0.08:
        return [((f"{name}.tif", "image/tiff", scans.to_tiff([x.convert("L") for x in images], dpi)), numbers)]
    out = scans.to_pdf(images, dpi)
    return [((f"{name}.pdf", "application/pdf", scans.lock_pdf(out) if pack == "locked" else out), numbers)]


def _count(data: bytes, pack: str) -> int:
    reader = pypdf.PdfReader(io.BytesIO(data))
    if pack == "locked":
        reader.decrypt("rahasia")
    return len(reader.pages)


def _images(d: Draft, data: bytes, profile: str, may_turn: bool) -> list[Image.Image]:
    images = degrade.degraded(demo_letters.page_images(data, degrade.DPI.get(profile, 200)), profile, d.rng)
    return degrade.turned(images, d.rng) if d.turn and may_turn else images


def _one_file(d: Draft) -> tuple[list[Made], tuple[TruePaper, ...]]:
    """Every paper in one PDF, in one profile."""
    truth, writer, images, at = [], pypdf.PdfWriter(), [], 1
    profile = d.degrade if d.degrade in degrade.PROFILES else ("" if d.degrade == "ideal" else "office200")
    profile = "office200" if profile == "photo" else profile
    for paper in d.papers:
        data = papers.pdf(paper.parts, d.st)
        count = _count(data, "")
        if profile:
            images += _images(d, data, profile, paper.kind != "surat_permohonan")
        else:
            writer.append(io.BytesIO(data))
        truth.append(TruePaper("Berkas lengkap.pdf", tuple(range(at, at + count)), paper.kind, paper.marks))
        at += count
    if profile:
        out = scans.to_pdf([x.convert("L") if x.mode == "1" else x for x in images], degrade.DPI.get(profile, 200))
    else:
        buffer = io.BytesIO()
        writer.write(buffer)
        out = buffer.getvalue()
    return [("Berkas lengkap.pdf", "application/pdf", out)], tuple(truth)


def _zip(made: list[Made]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, _, data in made:
            archive.writestr(zipfile.ZipInfo(f"berkas/{name}", (2026, 1, 2, 8, 0, 0)), data)
    return out.getvalue()


def _message(d: Draft, files: list[Made], key: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = f"{d.unit.name} <{d.unit.short}.{key}@contoh.example>"
    message["To"], message["Date"], message["Message-ID"] = (
        TO,
        "Mon, 23 Nov 2026 02:00:00 +0000",
        f"<{key}@contoh.example>",
    )
    subject, body = d.subject or "Permohonan", d.body or _cover(d)
    if d.forward:
        subject = f"Fwd: {subject}"
        body = f"\n---------- Forwarded message ---------\nFrom: Staf <staf@contoh.example>\nDate: Sun, Nov 22, 2026\nSubject: {d.subject}\nTo: <atasan@contoh.example>\n\n{body}"
    message["Subject"] = subject
    message.set_content(body)
    for name, kind, data in files:
        main, _, sub = kind.partition("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    if files:
        message.set_boundary("=-batas-contoh")
    return message.as_bytes()


def _cover(d: Draft) -> str:
    if d.verdict == "not_request":
        return "Terima kasih."
    return d.c.pick((
        "Yth. Kepala LPSE\n\nDengan hormat,\n\nBersama ini kami sampaikan surat permohonan beserta lampirannya. Mohon dapat ditindaklanjuti.\n\nTerima kasih.",
        "Selamat pagi, terlampir berkas permohonan akun SPSE. Terima kasih.", "Mohon izin mengirim berkas permohonan hak akses SPSE.\nTks."))  # fmt: skip
