"""Official papers of an invented office as HTML, in many layouts; `pdf` renders them."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape

from weasyprint import HTML
from weasyprint.text.fonts import FontConfiguration

from benchmarks.corpus import wording as w
from benchmarks.corpus.people import Someone, Unit
from mailbot.demo import ink
from mailbot.demo.people import long_date

BREAK = '<div style="page-break-after:always"></div>'
CSS = """
@page {{ size: {size}; margin: {margin} }}
body {{ font: {points}pt/{leading} "{font}", serif; color: #111 }}
p {{ margin: 0 0 2mm; text-align: justify }} .in {{ text-indent: 11mm }}
.kop {{ position: relative; text-align: center; border-bottom: {rule} #111; padding-bottom: 1.5mm; margin-bottom: 4mm; min-height: 22mm; line-height: 1.22 }}
.kop svg {{ position: absolute; left: 0; top: 0 }} .kop .a {{ font-size: 13.5pt }} .kop .b {{ font-size: 16pt; font-weight: bold }} .kop .c {{ font-size: 9pt }}
table {{ border-collapse: collapse }} td, th {{ vertical-align: top; text-align: left; font-weight: normal }}
.head {{ width: 100%; margin-bottom: 3mm }} .head .l {{ width: 22mm }} .head .s {{ width: 4mm }} .head .d {{ text-align: right; white-space: nowrap }}
.to {{ margin: 2mm 0 4mm }} .right {{ margin-left: 95mm }}
h1 {{ font-size: 1.08em; text-align: center; margin: 0 0 1mm }} h2 {{ font-size: 1em; text-align: center; margin: 2mm 0 1mm }}
.person {{ margin: 0 0 2.5mm {indent} }} .person .l {{ width: 44mm }} .person .s {{ width: 4mm }} .person .v {{ max-width: 100mm }}
.plain td {{ text-align: justify; padding-bottom: .8mm }} .plain .l {{ width: 26mm }} .plain .s {{ width: 4mm }} .plain .n {{ width: 7mm }}
.ruled {{ width: 100%; margin: 1mm 0 3mm; line-height: 1.2 }} .ruled td, .ruled th {{ border: .3mm solid #111; padding: 1mm 1.2mm; overflow-wrap: anywhere }}
.ruled th {{ text-align: center; font-weight: bold; overflow-wrap: normal }} .open td, .open th {{ padding: .6mm 2.5mm .6mm 0 }}
.sign {{ position: relative; margin: 4mm 0 0 88mm; width: 78mm; page-break-inside: avoid }} .sign .gap {{ height: 25mm }} .sign u {{ font-weight: bold }}
.ink {{ position: absolute; left: 2mm; bottom: 15mm }} .stamp {{ position: absolute; left: -20mm; bottom: 8mm; opacity: .68 }}
.cc {{ font-size: .88em; margin-top: 4mm }}
"""


@dataclass(frozen=True, slots=True)
class Style:
    """How the papers of one office look."""

    font: str
    points: float
    leading: float
    margin: str
    rule: str
    indent: str
    kop: int
    date_place: str  # "number" | "above" | "sign"
    upper_names: bool
    size: str = "210mm 297mm"


@dataclass(frozen=True, slots=True)
class Ink:
    signature: bool = True
    stamp: bool = True


def style(c: w.Choice) -> Style:
    return Style(
        font=c.pick(w.FONTS), points=c.pick((11.5, 11, 12, 10.5)), leading=c.pick((1.3, 1.18, 1.4)),
        margin=c.pick(("14mm 20mm 14mm 25mm", "12mm 18mm 12mm 20mm", "18mm 22mm 15mm 28mm")),
        rule=c.pick(("1mm solid", "1.2mm double", ".6mm solid")), indent=c.pick(("11mm", "0", "18mm")),
        kop=c.rng.randrange(3), date_place=c.pick(("number", "number", "sign", "above")), upper_names=c.chance(0.3),
        size=c.pick(("210mm 297mm", "210mm 297mm", "215mm 330mm")),
    )  # fmt: skip


def pdf(parts: Sequence[str], st: Style) -> bytes:
    css = CSS.format(
        size=st.size,
        margin=st.margin,
        font=st.font,
        points=st.points,
        leading=st.leading,
        rule=st.rule,
        indent=st.indent,
    )
    body = BREAK.join(parts)
    page = f"<html lang=id><head><meta charset=utf-8><style>{css}</style></head><body>{body}</body></html>"
    return bytes(HTML(string=page).write_pdf(font_config=FontConfiguration()))


# ------------------------------------------------------------------ parts


def kop(u: Unit, st: Style) -> str:
    top = f"PEMERINTAH {u.kind.upper()} {u.region.upper()}"
    emblem = ink.emblem() if st.kop != 1 else ""
    mail = f"{u.short}@{u.region.lower().replace(' ', '')}kab.example"
    line = (
        f"Telepon {u.phone} Surel {mail}"
        if st.kop != 2
        else f"Telp. {u.phone}, Fax. {u.phone}, Website: {u.short}.example, E-mail: {mail}"
    )
    return (f'<div class="kop">{emblem}<div class="a">{top}</div><div class="b">{u.name.upper()}</div>'
            f'<div class="c">{escape(u.address)}</div><div class="c">{line}</div></div>')  # fmt: skip


def shown_nip(nip: str, how: int) -> str:
    spaced = f"{nip[:8]} {nip[8:14]} {nip[14]} {nip[15:]}"
    return (spaced, nip, spaced, f"{nip[:8]}.{nip[8:14]}.{nip[14]}.{nip[15:]}")[how % 4]


def shown_phone(e164: str, how: int) -> str:
    local = "0" + e164[3:]
    return (local, f"{local[:4]}-{local[4:8]}-{local[8:]}", f"{local[:4]} {local[4:8]} {local[8:]}", e164, local)[
        how % 5
    ]


def shown_rank(p: Someone, how: int) -> str:
    if p.pangkat == "-":
        return (f"- / {p.golongan}", p.golongan, f"Golongan {p.golongan}")[how % 3]
    short = p.pangkat.replace("Tingkat I", "Tk. I")
    return (f"{p.pangkat} ({p.golongan})", f"{p.pangkat} / {p.golongan}", f"{short} - {p.golongan}", f"{p.pangkat}, {p.golongan}", p.golongan,
            f"{short} ({p.golongan})", f"{p.pangkat} ({p.golongan.replace('/', '.')})")[how % 7]  # fmt: skip


def text_of(p: Someone, name: str, how: int) -> str:
    if name == "nip":
        return shown_nip(p.nip, how)
    if name == "telepon":
        return shown_phone(p.telepon, how)
    if name == "pangkat_golongan":
        return shown_rank(p, how)
    return str(getattr(p, name))


FIELD_ORDERS = (
    ("nama", "nip", "pangkat_golongan", "jabatan", "instansi", "alamat", "telepon", "email"),
    ("nama", "pangkat_golongan", "nip", "jabatan", "instansi", "alamat", "telepon", "email"),
    ("nama", "nip", "jabatan", "pangkat_golongan", "instansi", "alamat", "email", "telepon"),
)


def block(p: Someone, labels: dict[str, str], how: int, omit: frozenset[str] = frozenset(), blank: frozenset[str] = frozenset(),
          extra: Sequence[tuple[str, str]] = (), number: str = "") -> str:  # fmt: skip
    """Label, colon, value. `omit`: the line is not there; `blank`: nothing stands behind the colon."""
    rows = [
        (labels[n], "" if n in blank else text_of(p, n, how)) for n in FIELD_ORDERS[how % 3] if n not in omit
    ] + list(extra)
    lead = (lambda k: f'<td style="width:7mm">{number if k == 0 else ""}</td>') if number else (lambda k: "")
    cells = "".join(
        f'<tr>{lead(k)}<td class="l">{escape(a)}</td><td class="s">:</td><td class="v">{escape(b)}</td></tr>'
        for k, (a, b) in enumerate(rows)
    )
    return f'<table class="person">{cells}</table>'


def grid(people: Sequence[Someone], labels: dict[str, str], how: int, *, ruled: bool = True, names: Sequence[str] = FIELD_ORDERS[0],
         omit: frozenset[str] = frozenset(), joint: bool = False, size: float = 8.0, extra: tuple[str, Sequence[str]] | None = None) -> str:  # fmt: skip
    """A table of persons. `joint`: name and NIP in one cell; `extra`: a last column."""
    used = [n for n in names if n not in omit and not (joint and n == "nip")]
    titles = ["NO"] + ["NAMA / NIP" if joint and n == "nama" else labels[n].upper().replace("/", "/ ") for n in used]
    rows = []
    for i, p in enumerate(people):
        cells = [f"{i + 1}"]
        for n in used:
            cell = escape(text_of(p, n, how))
            if joint and n == "nama":
                cell += f"<br>NIP. {shown_nip(p.nip, 0)}"
            elif n == "email":
                cell = cell.replace("@", "@<wbr>")
            cells.append(cell)
        rows.append(cells + ([escape(extra[1][i])] if extra else []))
    head = "".join(f"<th>{t}</th>" for t in titles + ([extra[0]] if extra else []))
    body = "".join("<tr>" + "".join(f"<td>{c}</td>" for c in r) + "</tr>" for r in rows)
    css = "ruled" if ruled else "open"
    return f'<table class="{css}" style="font-size:{size}pt"><tr>{head}</tr>{body}</table>'


def sign(u: Unit, head: Someone, marks: Ink, rng: random.Random, *, titles: bool = True, post: str | None = None,
         before: str = "", upper: bool = False, name: str | None = None) -> str:  # fmt: skip
    drawn = ""
    if marks.signature:
        drawn += f'<div class="ink">{ink.signature(rng)}</div>'
    if marks.stamp:
        drawn += f'<div class="stamp">{ink.stamp(f"PEMERINTAH {u.kind.upper()}", u.region.upper(), u.name.upper()[:34], rng.uniform(-14, 10))}</div>'
    shown = name or (head.nama.upper() if upper else head.nama)
    who = (
        f"<u>{escape(shown)}</u><br>{head.pangkat}<br>NIP. {shown_nip(head.nip, 0)}"
        if titles
        else f"<b>{escape(head.bare.upper())}</b><br><br>"
    )
    post = post or f"{u.head_post}<br>{u.kind} {u.region}"
    post = post if titles else post.upper()
    return f'<div class="sign">{before}{post},<div class="gap"></div>{who}{drawn}</div>'


def clauses(rows: Sequence[tuple[str, str, str]]) -> str:
    text = ""
    for label, mark, value in rows:
        body = f'<td class="n">{mark}</td><td>{value}</td>' if mark else f'<td colspan="2">{value}</td>'
        text += f'<tr><td class="l">{label}</td><td class="s">{":" if label else ""}</td>{body}</tr>'
    return f'<table class="plain">{text}</table>'


# ------------------------------------------------------------------ whole papers


@dataclass(frozen=True, slots=True)
class Letter:
    office: Unit
    head: Someone
    day: dt.date
    number: str
    subject: str
    to: str  # a form of wording.TO_FORMS, filled
    opening: str
    content: str  # HTML of the persons, or ""
    closing: str
    marks: Ink = Ink()
    letterhead: bool = True
    memo: bool = False  # nota dinas


def letter(x: Letter, st: Style, rng: random.Random) -> str:
    label = rng.choice(("Hal", "Perihal"))
    day = f"{x.office.region}, {long_date(x.day)}"
    lines = (
        ("Nomor", x.number),
        ("Sifat", rng.choice(("Biasa", "Penting", "Segera"))),
        ("Lampiran", "1 (satu) berkas"),
        (label, x.subject),
    )
    rows = "".join(
        f'<tr><td class="l">{a}</td><td class="s">:</td><td>{escape(b)}</td>'
        f'<td class="d">{day if i == 0 and st.date_place == "number" else ""}</td></tr>' for i, (a, b) in enumerate(lines)
    )  # fmt: skip
    above = f'<div style="text-align:right">{day}</div>' if st.date_place == "above" else ""
    before = f"{day}<br>" if st.date_place == "sign" else ""
    head = kop(x.office, st) if x.letterhead else ""
    if x.memo:
        lines = (
            ("Kepada", x.to),
            ("Dari", x.office.head_post),
            ("Nomor", x.number),
            ("Tanggal", long_date(x.day)),
            ("Hal", x.subject),
        )
        rows = "".join(f'<tr><td class="l">{a}</td><td class="s">:</td><td>{b}</td></tr>' for a, b in lines)
        top = f'{head}<h1>NOTA DINAS</h1><table class="head">{rows}</table><hr>'
    else:
        top = f'{head}{above}<table class="head">{rows}</table><div class="to">{x.to}</div>'
    copies = (
        '<div class="cc">Tembusan:<br>1. Bupati (sebagai laporan);<br>2. Arsip.</div>' if rng.random() < 0.5 else ""
    )
    post = None if rng.random() < 0.8 else f"a.n. {x.office.head_post}<br>Sekretaris"
    return (top + f'<p class="in">{x.opening}</p>{x.content}<p class="in">{x.closing}</p>'
            + sign(x.office, x.head, x.marks, rng, before=before, upper=st.upper_names, post=post) + copies)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Decree:
    """`rows`: persons with their kedudukan; `layout` names where they stand."""

    office: Unit
    head: Someone
    day: dt.date
    number: str
    about: str
    rows: tuple[tuple[Someone, str], ...]
    year: int | None
    until: dt.date | None = None
    layout: str = "annex"  # annex | annex_names | inline | bupati
    ruling: bool = True  # False: the page with MEMUTUSKAN and signature is not there
    annex: bool = True
    verb: str = "Menetapkan"


def decree(d: Decree, st: Style, rng: random.Random) -> list[str]:
    """The pages of a surat keputusan."""
    u = d.office
    bupati = d.layout == "bupati"
    authority = (
        f"BUPATI {u.region.upper()}"
        if bupati
        else rng.choice(
            (f"{u.head_post.upper()} {u.kind.upper()} {u.region.upper()}", f"PENGGUNA ANGGARAN {u.name.upper()}")
        )
    )
    title = f"{rng.choice(('KEPUTUSAN', 'KEPUTUSAN', 'SURAT KEPUTUSAN'))} {authority}"
    period = f" TAHUN ANGGARAN {d.year}" if d.year else ""
    head = f"<h1>{title}</h1><h1>NOMOR {d.number}</h1><h2>TENTANG</h2><h1>{escape(d.about.upper())}{period}</h1><h2>{authority},</h2>"
    top = (
        f'<div style="text-align:center;font-size:15pt;font-weight:bold">{authority}</div><br>'
        if bupati
        else kop(u, st)
    )
    why = [("Menimbang", "a.", f"bahwa untuk kelancaran pelaksanaan pengadaan barang/jasa pada {u.full}{period.title()} perlu menetapkan pejabat pengelola pengadaan;"),
           ("", "b.", "bahwa berdasarkan pertimbangan sebagaimana dimaksud dalam huruf a, perlu menetapkan Keputusan;"),
           ("Mengingat", "1.", "Undang-Undang Nomor 23 Tahun 2014 tentang Pemerintahan Daerah (Lembaran Negara Tahun 2014 Nomor 244);"),
           ("", "2.", "Peraturan Presiden Nomor 16 Tahun 2018 tentang Pengadaan Barang/Jasa Pemerintah sebagaimana telah diubah dengan Peraturan Presiden Nomor 12 Tahun 2021;"),
           ("", "3.", "Peraturan Pemerintah Nomor 12 Tahun 2019 tentang Pengelolaan Keuangan Daerah;")]  # fmt: skip
    if rng.random() < 0.4:
        why.append(("Memperhatikan", "", f"Dokumen Pelaksanaan Anggaran {u.full}{period.title()};"))
    names = (
        ("KESATU", "KEDUA", "KETIGA", "KEEMPAT") if rng.random() < 0.7 else ("PERTAMA", "KEDUA", "KETIGA", "KEEMPAT")
    )
    roles = ", ".join(dict.fromkeys(r for _, r in d.rows))
    if d.layout == "inline":
        who = "<br>".join(
            f"Nama : {escape(p.nama)}<br>NIP : {shown_nip(p.nip, 0)}<br>Pangkat/Gol : {shown_rank(p, 0)}<br>Jabatan : {escape(p.jabatan)}"
            for p, _ in d.rows
        )
        first = f"{d.verb} pegawai yang namanya tersebut di bawah ini :<br>{who}<br>sebagai {roles} pada {u.full}{period.title()}."
    else:
        first = f"{d.verb} pegawai yang namanya tercantum dalam Lampiran Keputusan ini sebagai {roles} pada {u.full}{period.title()}."
    last = "Keputusan ini mulai berlaku pada tanggal ditetapkan" + (
        f" sampai dengan tanggal {long_date(d.until)}." if d.until else "."
    )
    points = [
        first,
        "Pejabat sebagaimana dimaksud melaksanakan tugas sesuai ketentuan peraturan perundang-undangan.",
        last,
    ]
    ruling = ("<h2>MEMUTUSKAN:</h2>" + clauses([("Menetapkan", "", f"KEPUTUSAN TENTANG {escape(d.about.upper())}."), *((names[i], "", t) for i, t in enumerate(points))])
              + f'<div style="margin:3mm 0 -2mm 88mm">Ditetapkan di {u.region}<br>pada tanggal {long_date(d.day)}</div>' + sign(u, d.head, Ink(), rng, titles=False, post=authority.title()))  # fmt: skip
    pages = [top + head + clauses(why) + (ruling if d.ruling else "")]
    if d.layout != "inline" and d.annex:
        pages.append(_annex(d, title, authority, st, rng))
    return pages


def _annex(d: Decree, title: str, authority: str, st: Style, rng: random.Random) -> str:
    people = [p for p, _ in d.rows]
    labels = {
        "nama": "Nama",
        "nip": "NIP",
        "pangkat_golongan": "Pangkat/Gol",
        "jabatan": rng.choice(("Jabatan", "Jabatan dalam Dinas")),
    }
    names = (
        ("nama",)
        if d.layout == "annex_names"
        else rng.choice((("nama", "nip", "pangkat_golongan", "jabatan"), ("nama", "nip"), ("nama", "nip", "jabatan")))
    )
    heads = (
        "KEDUDUKAN",
        "KEDUDUKAN DALAM TIM",
        "JABATAN DALAM PENGADAAN",
        "SELAKU",
        "JABATAN DALAM PENGELOLAAN KEUANGAN",
    )
    table = grid([replace(p, nama=p.bare.upper()) if d.layout == "annex_names" else p for p in people], labels, 0, names=names,
                 joint="nip" in names and rng.random() < 0.4, size=rng.choice((9.0, 10.0)), extra=(rng.choice(heads), [r for _, r in d.rows]))  # fmt: skip
    start = rng.choice((f"LAMPIRAN {title}", f"LAMPIRAN<br>{title}", f"Lampiran {title.title()}"))
    return (f'<div class="right">{start}<br>NOMOR {d.number}<br>TANGGAL {long_date(d.day).upper()}</div><br>'
            f"<h1>{rng.choice(('DAFTAR', 'SUSUNAN', 'DAFTAR NAMA'))} {escape(d.about.upper().removeprefix('PENETAPAN ').removeprefix('PENUNJUKAN '))}</h1>"
            f"{table}{sign(d.office, d.head, Ink(), rng, titles=False, post=authority.title())}")  # fmt: skip


def assignment(u: Unit, head: Someone, day: dt.date, number: str, people: Sequence[Someone], role: str, year: int | None,
               until: dt.date | None, st: Style, rng: random.Random) -> str:  # fmt: skip
    """Surat (perintah) tugas."""
    title = rng.choice(("SURAT PERINTAH TUGAS", "SURAT TUGAS"))
    verb = rng.choice(("MEMERINTAHKAN:", "MENUGASKAN:", "M E N U G A S K A N :", "MENUGASKAN"))
    labels = {"nama": "Nama", "nip": "NIP", "pangkat_golongan": "Pangkat/Gol. Ruang", "jabatan": "Jabatan"}
    omit = frozenset(("instansi", "alamat", "telepon", "email"))
    if len(people) > 1 and rng.random() < 0.5:
        who = "<p>Kepada :</p>" + grid(people, labels, 0, names=("nama", "nip", "pangkat_golongan", "jabatan"), size=10)
    else:
        who = "<p>Kepada :</p>" + "".join(
            block(p, labels, i % 2, omit, number=f"{i}.") for i, p in enumerate(people, 1)
        )
    period = f" Tahun Anggaran {year}" if year else ""
    tasks = [
        ("Untuk", "1.", f"Melaksanakan tugas sebagai {role} pada {u.full}{period};"),
        ("", "2.", "Melaporkan hasil pelaksanaan tugas kepada atasan;"),
    ]
    if until:
        tasks.append(("", "3.", f"Surat tugas ini berlaku sejak tanggal ditetapkan s.d. {long_date(until)}."))
    return (kop(u, st) + f"<h1><u>{title}</u></h1><h1>NOMOR : {number}</h1><br>"
            + clauses([("Dasar", "1.", "Peraturan Presiden Nomor 16 Tahun 2018 tentang Pengadaan Barang/Jasa Pemerintah;"),
                       ("", "2.", f"Dokumen Pelaksanaan Anggaran {u.full}{period}.")])
            + f"<h2>{verb}</h2>{who}" + clauses(tasks)
            + f'<div style="margin:3mm 0 -2mm 88mm">Ditetapkan di {u.region}<br>pada tanggal {long_date(day)}</div>'
            + sign(u, head, Ink(), rng, upper=st.upper_names))  # fmt: skip


def appointment(u: Unit, head: Someone, day: dt.date, number: str, p: Someone, role: str, year: int | None, until: dt.date | None,
                st: Style, rng: random.Random) -> str:  # fmt: skip
    """Surat penunjukan."""
    labels = {
        "nama": "Nama",
        "nip": "NIP",
        "pangkat_golongan": "Pangkat/Golongan",
        "jabatan": "Jabatan",
        "instansi": "Unit Kerja",
    }
    sig = block(head, labels, 0, frozenset(("alamat", "telepon", "email", "instansi")))
    who = block(p, labels, 1, frozenset(("alamat", "telepon", "email")))
    period = f" Tahun Anggaran {year}" if year else ""
    end = f" Penunjukan ini berlaku sampai dengan {long_date(until)}." if until else ""
    return (kop(u, st) + f"<h1>SURAT PENUNJUKAN {role.upper()}</h1><h1>Nomor : {number}</h1><br><p>Yang bertanda tangan di bawah ini :</p>{sig}"
            f"<p>dengan ini menunjuk :</p>{who}<p>sebagai {role} pada {u.full}{period}.{end}</p><p>Demikian surat penunjukan ini dibuat untuk dipergunakan sebagaimana mestinya.</p>"
            f'<div style="margin:3mm 0 -2mm 88mm">{u.region}, {long_date(day)}</div>' + sign(u, head, Ink(), rng))  # fmt: skip


def form(u: Unit, p: Someone, day: dt.date, title: str, labels: dict[str, str], how: int, st: Style, rng: random.Random,
         omit: frozenset[str] = frozenset(), blank: frozenset[str] = frozenset(), role: str = "", letterhead: bool = True) -> str:  # fmt: skip
    extra = (("Hak Akses", role),) if role else ()
    if rng.random() < 0.35:  # drawn as a ruled table
        rows = [
            (labels[n], "" if n in blank else text_of(p, n, how)) for n in FIELD_ORDERS[how % 3] if n not in omit
        ] + list(extra)
        cells = "".join(
            f"<tr><td style='width:8mm'>{i}</td><td style='width:48mm'>{a}</td><td>{escape(b)}</td></tr>"
            for i, (a, b) in enumerate(rows, 1)
        )
        body = f'<table class="ruled">{cells}</table>'
    else:
        body = block(p, labels, how, omit, blank, extra)
    top = kop(u, st) if letterhead else ""
    return (f"{top}<h1>{title}</h1><br>{body}<p>Data tersebut di atas diisi dengan sebenarnya.</p>"
            + sign(u, p, Ink(stamp=False), rng, before=f"{u.region}, {long_date(day)}<br>", post="Yang bersangkutan"))  # fmt: skip


def nothing_in(kind: str, u: Unit, p: Someone, st: Style, rng: random.Random) -> str:
    """Papers that are none of the wanted kinds."""
    nik = f"33250{rng.randint(10**10, 10**11 - 1)}"
    day = long_date(dt.date(2026, rng.randint(1, 9), rng.randint(1, 28)))
    texts = {
        "ktp": f"<h1>PROVINSI JAWA CONTOH</h1><h1>KABUPATEN {u.region.upper()}</h1>" + clauses([
            ("NIK", "", nik), ("Nama", "", p.bare.upper()), ("Tempat/Tgl Lahir", "", f"{u.region.upper()}, 04-07-1985"), ("Jenis Kelamin", "", "LAKI-LAKI"),
            ("Alamat", "", "DESA CONTOH"), ("RT/RW", "", "002/003"), ("Agama", "", "ISLAM"), ("Status Perkawinan", "", "KAWIN"), ("Pekerjaan", "", "PEGAWAI NEGERI SIPIL"),
            ("Kewarganegaraan", "", "WNI"), ("Berlaku Hingga", "", "SEUMUR HIDUP")]),
        "invoice": f"<h1>INVOICE</h1><p>CV CONTOH JAYA</p><p>No. Invoice : INV/{rng.randint(100, 999)}/2026</p><p>Kepada : {u.full}</p>"
                   + '<table class="ruled"><tr><th>No</th><th>Uraian</th><th>Jumlah</th><th>Harga</th></tr><tr><td>1</td><td>Kertas A4 70 gram</td><td>10 rim</td><td>Rp 550.000</td></tr>'
                   "<tr><td>2</td><td>Tinta printer</td><td>4 buah</td><td>Rp 480.000</td></tr></table><p>Total : Rp 1.030.000</p><p>Pembayaran melalui rekening 1234567890 a.n. CV CONTOH JAYA</p>",
        "regulation": f"<h1>PERATURAN BUPATI {u.region.upper()}</h1><h1>NOMOR 12 TAHUN 2024</h1><h2>TENTANG</h2><h1>TATA CARA PENGADAAN BARANG/JASA DI LINGKUNGAN PEMERINTAH DAERAH</h1>"
                      + clauses([("Menimbang", "", "bahwa untuk melaksanakan ketentuan Peraturan Presiden Nomor 16 Tahun 2018 perlu menetapkan Peraturan Bupati;"),
                                 ("Mengingat", "", "Undang-Undang Nomor 23 Tahun 2014;")])
                      + "<h2>MEMUTUSKAN:</h2><p>Menetapkan : PERATURAN BUPATI TENTANG TATA CARA PENGADAAN.</p><h2>Pasal 1</h2><p>Dalam Peraturan ini yang dimaksud dengan Pejabat Pembuat Komitmen yang selanjutnya disingkat PPK adalah pejabat yang diberi kewenangan oleh PA/KPA.</p>",
        "tender": f"<h1>CV CONTOH JAYA ABADI</h1><p>Jl. Contoh Niaga 5</p><p>Nomor : 021/CJA/PNW/2026<br>Lampiran : 1 berkas<br>Perihal : Penawaran Pekerjaan Rehabilitasi Gedung</p><p>Kepada Yth.<br>Pokja Pemilihan<br>"
                  f"{u.full}<br>di {u.region}</p><p>Sehubungan dengan pengumuman tender dan dokumen pemilihan pada SPSE, dengan ini kami mengajukan penawaran untuk pekerjaan tersebut sebesar Rp 1.245.000.000,- termasuk PPN.</p><p>Demikian surat penawaran ini kami sampaikan.</p>",
        "pakta": kop(u, st) + f"<h1>PAKTA INTEGRITAS</h1><p>Saya yang bertanda tangan di bawah ini, {escape(p.nama)}, dalam rangka pengadaan barang/jasa dengan ini menyatakan bahwa saya tidak akan melakukan praktik korupsi, kolusi dan nepotisme;</p>"
                 f"<p>Apabila saya melanggar, saya bersedia dikenakan sanksi sesuai ketentuan.</p><p>{u.region}, {day}</p>",
        "sertifikat": f"<h1>SERTIFIKAT</h1><h2>Nomor 0123/LKPP-C/{rng.randint(1000, 9999)}</h2><p style='text-align:center'>Diberikan kepada</p><h1>{escape(p.bare.upper())}</h1><p style='text-align:center'>"
                      "telah lulus ujian sertifikasi keahlian pengadaan barang/jasa pemerintah tingkat dasar.</p>",
        "undangan": kop(u, st) + f"<p>Nomor : 005/{rng.randint(10, 99)}/2026<br>Hal : Undangan Rapat</p><p>Yth. Kepala Perangkat Daerah<br>di tempat</p><p>Dengan hormat mengundang Saudara pada rapat koordinasi pengadaan yang diselenggarakan pada hari Senin, "
                    f"{day} pukul 09.00 WIB di Ruang Rapat Setda.</p><p>Demikian atas kehadirannya diucapkan terima kasih.</p>",
        "screenshot": "<p style='font-family:DejaVu Sans'>SPSE 4.5 &nbsp; Beranda &nbsp; Cari Paket &nbsp; Regulasi &nbsp; Login</p><p style='color:#a00'>User ID atau password salah. Silakan coba lagi.</p><p>User ID</p><p>Password</p><p>Masuk &nbsp; Lupa Password?</p>",
        "reset": kop(u, st) + f"<p>Nomor : 555/{rng.randint(10, 99)}/2026<br>Hal : Permohonan Reset Password</p><p>Yth. Kepala LPSE<br>di {u.region}</p><p>Bersama ini kami mohon bantuan reset password akun SPSE atas nama {escape(p.nama)} karena lupa kata sandi.</p>"
                 + sign(u, p, Ink(), rng),
    }  # fmt: skip
    return texts[kind]
