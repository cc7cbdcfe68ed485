"""What a scenario decides before the papers become files: who is asked for, how it is written, where the data stand."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.corpus import office, papers, wording
from benchmarks.corpus.people import Someone, Unit, someone
from benchmarks.corpus.truth import TruePerson
from mailbot.model import FIELDS

TODAY = dt.date(2026, 11, 23)
YEAR = TODAY.year
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
