"""Render synthetic official papers: HTML -> PDF (WeasyPrint) -> page images (pypdfium2)."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass, field
from functools import lru_cache
from html import escape
from typing import Literal

import pypdfium2 as pdfium
from PIL import Image
from weasyprint import HTML
from weasyprint.text.fonts import FontConfiguration

from mailbot.demo import ink
from mailbot.demo.people import DemoPerson, Office, long_date

DPI = 200
YEAR = 2026
UNFILLED = "${nomor_naskah}"

LABELS = (
    ("nama", "Nama"),
    ("nip", "NIP"),
    ("pangkat_golongan", "Pangkat/Golongan"),
    ("jabatan", "Jabatan"),
    ("instansi", "Instansi"),
    ("alamat", "Alamat"),
    ("telepon", "No. Telepon/HP"),
    ("email", "Email"),
)

CSS = """
@page { size: 210mm 297mm; margin: 14mm 20mm 14mm 25mm }
body { font: 11.5pt/1.32 "Liberation Serif", serif; color: #111 }
p { margin: 0 0 2.2mm; text-align: justify } .in { text-indent: 11mm }
.kop { position: relative; text-align: center; border-bottom: 1mm solid #111; padding-bottom: 1.5mm;
  min-height: 25mm; margin-bottom: .6mm; font-family: "Liberation Sans", sans-serif; line-height: 1.25 }
.kop svg { position: absolute; left: 0; top: 0 } .kop div { margin-left: 20mm }
.kop .a { font-size: 14pt } .kop .b { font-size: 17pt; font-weight: bold } .kop .c { font-size: 9.5pt }
.thin { border-top: .3mm solid #111; margin-bottom: 4mm }
table { border-collapse: collapse } td, th { vertical-align: top }
.head { width: 100%; margin-bottom: 3mm } .head .l { width: 20mm } .head .s { width: 4mm }
.head .d { text-align: right; white-space: nowrap }
.to { margin-bottom: 4mm } h1, h2 { font-size: 12pt; text-align: center; margin: 0 0 1mm } h2 { margin-top: 3mm }
.person { margin: 0 0 2.5mm 11mm } .person .l { width: 40mm } .person .s { width: 4mm }
.plain { margin-bottom: 2mm; width: 100% } .plain .l { width: 28mm } .plain .s { width: 4mm } .plain .n { width: 7mm }
.plain td { text-align: justify; padding-bottom: 1mm }
.ruled { width: 100%; margin: 1mm 0 3mm; font-size: 10pt; line-height: 1.25 }
.ruled td, .ruled th { border: .3mm solid #111; padding: 1.2mm 1.4mm } .ruled .no { text-align: center; width: 8mm }
.sign { position: relative; margin: 4mm 0 0 86mm; width: 79mm; text-align: left; page-break-inside: avoid }
.sign .gap { height: 28mm } .sign u { font-weight: bold }
.ink { position: absolute; left: 2mm; bottom: 17mm }
.stamp { position: absolute; left: -21mm; bottom: 9mm; opacity: .68 }
.cc { font-size: 10pt; margin-top: 5mm } .break { page-break-before: always } b.g { display: block; margin: 1mm 0 }
.box { border: .3mm solid #111; padding: 5mm; margin: 4mm 0 }
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Persons under one heading of the letter; an empty heading for a letter with one group only."""

    persons: tuple[DemoPerson, ...]
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Signing:
    """How a paper is signed. `titles`: letters carry titles, NIP and rank; an SK does not."""

    signature: bool = True
    stamp: bool = True
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Request:
    """All that a surat permohonan shows; `omit` names fields of `LABELS` to leave out."""

    office: Office
    head: DemoPerson
    day: dt.date
    number: str
    subject: str
    opening: str
    groups: tuple[Group, ...]
    omit: frozenset[str] = frozenset()
    table: bool = False
    narrow_nip: bool = False
    enclosures: str = "1 (satu) berkas"
    signing: Signing = field(default_factory=Signing)


@dataclass(frozen=True, slots=True)
class Decree:
    """All that an SK shows; `rows` are persons with their kedudukan."""

    office: Office
    head: DemoPerson
    day: dt.date
    number: str
    about: str
    clauses: tuple[str, ...]
    rows: tuple[tuple[DemoPerson, str], ...]
    signing: Signing = field(default_factory=Signing)


@dataclass(frozen=True, slots=True)
class Assignment:
    """All that a surat perintah tugas shows."""

    office: Office
    head: DemoPerson
    day: dt.date
    number: str
    tasks: tuple[str, ...]
    persons: tuple[DemoPerson, ...]
    signing: Signing = field(default_factory=Signing)


# ------------------------------------------------------------------ papers


def request_letter(r: Request) -> bytes:
    """Surat permohonan hak akses, as PDF bytes."""
    body = [kop(r.office), _letter_head(r), _paragraph(r.opening)]
    body += [_group(r, group) for group in r.groups]
    body.append(
        _paragraph(
            "Demikian surat permohonan ini kami sampaikan, atas perhatian dan kerja samanya diucapkan terima kasih."
        )
    )
    body.append(sign_block(r.office, r.head, r.signing))
    body.append(_copies(("Bupati Batang (sebagai laporan);", "Arsip.")))
    tight = sum(len(group.persons) for group in r.groups) > 1  # so that several persons still fit one page
    style = "font-size:10.5pt;line-height:1.18" if tight else ""
    return to_pdf(f'<div style="{style}">{"".join(body)}</div>')


def decree(d: Decree) -> bytes:
    """Surat keputusan with its lampiran on a second page, as PDF bytes."""
    title = f"KEPUTUSAN {d.office.head_post.upper()} KABUPATEN BATANG"
    heading = f"<h1>{title}</h1><h1>NOMOR {d.number}</h1><h2>TENTANG</h2><h1>{escape(d.about.upper())}</h1>"
    names = ("KESATU", "KEDUA", "KETIGA", "KEEMPAT", "KELIMA")
    clauses = [(names[i], "", text) for i, text in enumerate(d.clauses)]
    first = (
        kop(d.office)
        + heading
        + f"<h2>{d.office.head_post.upper()} KABUPATEN BATANG,</h2>"
        + _plain(_considering(d))
        + "<h2>MEMUTUSKAN:</h2>"
        + _plain([("Menetapkan", "", f"KEPUTUSAN {d.office.head_post.upper()} TENTANG {d.about.upper()}."), *clauses])
        + _place_and_day(d.day)
        + sign_block(d.office, d.head, d.signing, titles=False)
    )
    return to_pdf(first + _decree_annex(d, title))


def assignment(a: Assignment) -> bytes:
    """Surat perintah tugas, as PDF bytes; a second page when the persons need it."""
    tasks = [("Untuk" if i == 0 else "", f"{i + 1}.", text) for i, text in enumerate(a.tasks)]
    body = (
        kop(a.office)
        + f"<h1><u>SURAT PERINTAH TUGAS</u></h1><h1>NOMOR: {a.number}</h1>"
        + _plain([("Dasar", "1.", "Peraturan Presiden Nomor 16 Tahun 2018 tentang Pengadaan Barang/Jasa Pemerintah;"),
                  ("", "2.", f"Dokumen Pelaksanaan Anggaran {a.office.full_name} Tahun Anggaran {YEAR}.")])
        + "<h2>MEMERINTAHKAN:</h2><p>Kepada :</p>"
        + "".join(_numbered_person(i, p) for i, p in enumerate(a.persons, 1))
        + _plain(tasks)
        + _place_and_day(a.day)
        + sign_block(a.office, a.head, a.signing)
    )  # fmt: skip
    return to_pdf(body)


def personal_form(office: Office, person: DemoPerson, day: dt.date, omit: frozenset[str] = frozenset()) -> bytes:
    """Formulir data personal of one person, as PDF bytes."""
    body = (
        kop(office)
        + f"<h1>FORMULIR DATA PERSONAL</h1><h1>PENGGUNA SPSE TAHUN ANGGARAN {YEAR}</h1>"
        + f'<div class="box">{person_block(person, omit)}</div>'
        + "<p>Data tersebut di atas diisi dengan sebenarnya.</p>"
        + _place_and_day(day, "Batang,")
        + sign_block(office, person, Signing(stamp=False))
    )
    return to_pdf(body)


# ------------------------------------------------------------------ parts


def kop(office: Office) -> str:
    """The letterhead: emblem, names, address and the thick line."""
    return (
        f'<div class="kop">{ink.emblem()}<div class="a">PEMERINTAH KABUPATEN BATANG</div>'
        f'<div class="b">{office.name.upper()}</div><div class="c">{escape(office.address)}</div>'
        f'<div class="c">Telepon {office.phone} Email {office.mailbox}@batangkab.example</div></div>'
        '<div class="thin"></div>'
    )


def person_block(person: DemoPerson, omit: frozenset[str] = frozenset()) -> str:
    """Label, colon and value of each field that is not left out."""
    rows = "".join(
        f'<tr><td class="l">{label}</td><td class="s">:</td><td>{escape(field_text(person, name))}</td></tr>'
        for name, label in LABELS
        if name not in omit
    )
    return f'<table class="person">{rows}</table>'


def person_table(persons: tuple[DemoPerson, ...], omit: frozenset[str], narrow_nip: bool) -> str:
    """A ruled table of persons; `narrow_nip` breaks the NIP into two lines of its cell."""
    shown = [(name, label) for name, label in LABELS if name not in omit]
    head = '<th class="no">NO</th>' + "".join(f"<th>{label.upper().replace('/', '/ ')}</th>" for _, label in shown)
    rows = ""
    for i, person in enumerate(persons, 1):
        cells = "".join(f"<td>{_cell(person, name, narrow_nip)}</td>" for name, _ in shown)
        rows += f'<tr><td class="no">{i}</td>{cells}</tr>'
    return f'<table class="ruled" style="font-size:8pt"><tr>{head}</tr>{rows}</table>'


def sign_block(office: Office, head: DemoPerson, signing: Signing, titles: bool = True) -> str:
    """Post, space with ink, name; below it rank and NIP where titles are shown."""
    marks = ""
    rng = random.Random(signing.seed)
    if signing.signature:
        marks += f'<div class="ink">{ink.signature(rng)}</div>'
    if signing.stamp:
        short = office.name.upper()
        marks += f'<div class="stamp">{ink.stamp("PEMERINTAH KABUPATEN", "BATANG", short, rng.uniform(-14, 10))}</div>'
    name = f"<u>{escape(head.nama)}</u>" if titles else f"<b>{escape(head.bare_name.upper())}</b>"
    below = f"<br>{head.pangkat}<br>NIP. {head.nip_spaced}" if titles else "<br><br>"
    post = head.jabatan if head.jabatan != office.head_post else f"{office.head_post}<br>Kabupaten Batang"
    post = post if titles else post.upper()
    return f'<div class="sign">{post},<div class="gap"></div>{name}{below}{marks}</div>'


def field_text(person: DemoPerson, name: str) -> str:
    """How a field is written in a letter; the NIP in groups."""
    return person.nip_spaced if name == "nip" else str(getattr(person, name))


def _letter_head(r: Request) -> str:
    lines = (("Nomor", r.number), ("Sifat", "Biasa"), ("Lampiran", r.enclosures), ("Hal", r.subject))
    rows = ""
    for i, (label, value) in enumerate(lines):
        day = f'<td class="d">Batang, {long_date(r.day)}</td>' if i == 0 else "<td></td>"
        rows += f'<tr><td class="l">{label}</td><td class="s">:</td><td>{escape(value)}</td>{day}</tr>'
    to = '<div class="to">Yth. Kepala LPSE Kabupaten Batang<br>di<br>&emsp;&emsp;Batang</div>'
    return f'<table class="head">{rows}</table>{to}'


def _group(r: Request, group: Group) -> str:
    head = f'<b class="g">{escape(group.heading)}</b>' if group.heading else ""
    if r.table:
        return head + person_table(group.persons, r.omit, r.narrow_nip)
    return head + "".join(person_block(p, r.omit) for p in group.persons)


def _cell(person: DemoPerson, name: str, narrow_nip: bool) -> str:
    if name == "nip" and narrow_nip:
        n = person.nip
        return f"{n[:8]}&nbsp;{n[8:14]}<br>{n[14]}&nbsp;{n[15:]}"
    if name == "email":
        return escape(person.email).replace("@", "<br>@")
    return escape(field_text(person, name))


def _considering(d: Decree) -> list[tuple[str, str, str]]:
    return [
        ("Menimbang", "a.", "bahwa untuk kelancaran pengadaan barang/jasa pada "
         f"{d.office.full_name} Tahun Anggaran {YEAR}, perlu menetapkan keputusan ini;"),
        ("", "b.", "bahwa pegawai sebagaimana tercantum dalam Lampiran dipandang memenuhi syarat;"),
        ("Mengingat", "1.", "Undang-Undang Nomor 23 Tahun 2014 tentang Pemerintahan Daerah;"),
        ("", "2.", "Peraturan Presiden Nomor 16 Tahun 2018 tentang Pengadaan Barang/Jasa Pemerintah "
         "sebagaimana telah diubah dengan Peraturan Presiden Nomor 12 Tahun 2021;"),
    ]  # fmt: skip


def _decree_annex(d: Decree, title: str) -> str:
    rows = "".join(
        f'<tr><td class="no">{i}</td><td>{escape(p.nama)}</td><td>{p.nip_spaced}</td>'
        f"<td>{p.pangkat_golongan}</td><td>{escape(p.jabatan)}</td><td>{escape(role)}</td></tr>"
        for i, (p, role) in enumerate(d.rows, 1)
    )
    head = "".join(f"<th>{h}</th>" for h in ("NAMA", "NIP", "PANGKAT/GOL", "JABATAN", "KEDUDUKAN"))
    return (
        '<div class="break" style="margin-left:75mm;margin-bottom:6mm">'
        f"LAMPIRAN<br>{title}<br>NOMOR {d.number}<br>TANGGAL {long_date(d.day).upper()}</div>"
        f"<h1>DAFTAR {escape(d.about.upper())}</h1>"
        f'<table class="ruled"><tr><th class="no">NO</th>{head}</tr>{rows}</table>'
        + sign_block(d.office, d.head, d.signing, titles=False)
    )


def _numbered_person(i: int, person: DemoPerson) -> str:
    rows = (("Nama", person.nama), ("Pangkat/Gol. Ruang", person.pangkat_golongan),
            ("NIP", person.nip_spaced), ("Jabatan", person.jabatan))  # fmt: skip
    text = "".join(
        f'<tr><td style="width:8mm">{f"{i}." if k == 0 else ""}</td><td class="l">{label}</td>'
        f'<td class="s">:</td><td>{escape(value)}</td></tr>'
        for k, (label, value) in enumerate(rows)
    )
    return f'<table class="person">{text}</table>'


def _plain(rows: list[tuple[str, str, str]]) -> str:
    text = ""
    for label, mark, value in rows:
        body = f'<td class="n">{mark}</td><td>{escape(value)}</td>' if mark else f'<td colspan="2">{escape(value)}</td>'
        text += f'<tr><td class="l">{label}</td><td class="s">{":" if label else ""}</td>{body}</tr>'
    return f'<table class="plain">{text}</table>'


def _place_and_day(day: dt.date, place: str = "") -> str:
    style = 'style="margin:4mm 0 -2mm 86mm"'
    if place:
        return f"<div {style}>{place} {long_date(day)}</div>"
    return f"<div {style}>Ditetapkan di Batang<br>pada tanggal {long_date(day)}</div>"


def _copies(names: tuple[str, ...]) -> str:
    lines = "".join(f"<br>{i}. {name}" for i, name in enumerate(names, 1))
    return f'<div class="cc">Tembusan:{lines}</div>'


def _paragraph(text: str) -> str:
    return f'<p class="in">{escape(text)}</p>'


# ------------------------------------------------------------------ rendering


@lru_cache(maxsize=1)
def _fonts() -> FontConfiguration:
    return FontConfiguration()


def to_pdf(body: str) -> bytes:
    """A born-digital PDF of the HTML body."""
    page = f"<html lang=id><head><meta charset=utf-8><style>{CSS}</style></head><body>{body}</body></html>"
    return bytes(HTML(string=page).write_pdf(font_config=_fonts()))


def page_images(pdf: bytes, dpi: int = DPI, mode: Literal["RGB", "L"] = "RGB") -> list[Image.Image]:
    """Each page as an image."""
    document = pdfium.PdfDocument(pdf)
    try:
        return [page.render(scale=dpi / 72).to_pil().convert(mode) for page in document]
    finally:
        document.close()
