"""A request letter and a decree drawn pixel by pixel, with the place of everything on it: what a reading would give, without OCR."""

from __future__ import annotations

import hashlib
import io
import math
import random
from dataclasses import dataclass, replace

from PIL import Image, ImageDraw, ImageFont

from mailbot.model import FIELDS, Box, Document, Evidence, Found, Letter, Mark, Person

WIDE, HIGH = 1240, 1754
LABELS = ("Nama", "NIP", "Pangkat/Golongan", "Jabatan", "Instansi", "Alamat", "No. Telepon/HP", "Email")
INK, BLUE, VIOLET = (30, 30, 34), (34, 42, 130), (84, 62, 150)


@dataclass(frozen=True)
class Someone:
    nama: str = "Rina Kusumawati, S.E."
    nip: str = "198507042010012007"
    pangkat_golongan: str = "III/d"
    jabatan: str = "Kepala Subbagian Umum"
    instansi: str = "Dinas Perhubungan Kabupaten Batang"
    alamat: str = "Jalan Contoh Barat Nomor 9 Batang"
    telepon: str = "081234567890"
    email: str = "rina.kusumawati@dishub.example"


@dataclass(frozen=True)
class Paper:
    """A PDF with its bytes' hash and the boxes of what is written on it."""

    name: str
    data: bytes
    places: dict[str, Box]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def font(size: int, bold: bool = False) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(f"DejaVuSerif{'-Bold' if bold else ''}.ttf", size)


def letter(one: Someone, number: str = "551/118/2026", stamp: bool = True, name: str = "Surat permohonan.pdf") -> Paper:
    image = _sheet()
    draw, places = ImageDraw.Draw(image), {}
    places["kop"] = _head(draw)
    places["nomor"] = _line(draw, 150, 350, f"Nomor    : {number}")
    _line(draw, 840, 350, "Batang, 20 November 2026")
    _line(draw, 150, 385, "Hal      : Permohonan pengaktifan akun SPSE")
    places["tujuan"] = _line(draw, 150, 450, "Yth. Kepala LPSE Kabupaten Batang")
    _line(draw, 150, 560, "Bersama ini kami mohon pengaktifan akun SPSE selaku Pejabat Pembuat Komitmen")
    _line(draw, 150, 595, "(PPK) Tahun Anggaran 2026 dengan data sebagai berikut:")
    for row, (field, label) in enumerate(zip(FIELDS, LABELS, strict=True)):
        _line(draw, 190, 670 + row * 42, label)
        places[field] = _line(draw, 470, 670 + row * 42, str(getattr(one, field)), before=": ")
    _line(draw, 150, 1050, "Demikian disampaikan, atas perhatiannya diucapkan terima kasih.")
    places |= _signed(draw, image, stamp)
    return Paper(name, _pdf(image), places)


def decree(one: Someone, name: str = "SK PPK.pdf") -> Paper:
    image = _sheet()
    draw = ImageDraw.Draw(image)
    _head(draw)
    for row, text in enumerate(
        (
            "KEPUTUSAN KEPALA DINAS PERHUBUNGAN",
            "NOMOR 188/17/2026",
            "TENTANG PENUNJUKAN PEJABAT PEMBUAT KOMITMEN",
            "TAHUN ANGGARAN 2026",
        )
    ):
        draw.text((WIDE / 2, 370 + row * 38), text, fill=INK, font=font(23, True), anchor="mm")
    _line(draw, 150, 560, "MEMUTUSKAN:")
    _line(draw, 150, 610, f"KESATU : Menunjuk {one.nama}, NIP {one.nip},")
    _line(draw, 150, 645, "         sebagai Pejabat Pembuat Komitmen.")
    places = _signed(draw, image, True)
    return Paper(name, _pdf(image), places)


def _sheet() -> Image.Image:
    return Image.new("RGB", (WIDE, HIGH), (252, 251, 247))


def _head(draw: ImageDraw.ImageDraw) -> Box:
    draw.polygon([(170, 110), (270, 110), (270, 190), (220, 240), (170, 190)], fill=(28, 96, 60), outline=INK)
    for row, (text, size) in enumerate(
        (("PEMERINTAH KABUPATEN BATANG", 27), ("DINAS PERHUBUNGAN", 34), ("Jalan Contoh Barat Nomor 9 Batang", 20))
    ):
        draw.text((WIDE / 2 + 40, 130 + row * 46), text, fill=INK, font=font(size, row == 1), anchor="mm")
    draw.line([(140, 278), (1100, 278)], fill=INK, width=5)
    return _box(140, 95, 1100, 285)


def _line(draw: ImageDraw.ImageDraw, x: int, y: int, text: str, before: str = "") -> Box:
    face = font(23)
    draw.text((x, y), before + text, fill=INK, font=face)
    start = x + draw.textlength(before, font=face)
    return _box(start - 4, y - 2, start + draw.textlength(text, font=face) + 4, y + 30)


def _signed(draw: ImageDraw.ImageDraw, image: Image.Image, stamp: bool) -> dict[str, Box]:
    draw.text((720, 1140), "Kepala Dinas Perhubungan", fill=INK, font=font(23))
    rng = random.Random(4)
    points = [(730 + n * 13, 1260 + 42 * math.sin(n * 1.1) * rng.uniform(0.5, 1.2)) for n in range(22)]
    draw.line(points, fill=BLUE, width=4, joint="curve")
    draw.text((720, 1350), "Drs. Contoh Wibowo, M.M.", fill=INK, font=font(23, True))
    places = {"tanda_tangan": _box(715, 1200, 1030, 1320)}
    if stamp:
        for radius in (95, 70):
            draw.ellipse([(690 - radius, 1260 - radius), (690 + radius, 1260 + radius)], outline=VIOLET, width=4)
        draw.text((690, 1260), "DINAS\nHUBUNGAN", fill=VIOLET, font=font(16, True), anchor="mm", align="center")
        places["stempel"] = _box(590, 1160, 790, 1360)
    return places


def _box(left: float, top: float, right: float, bottom: float) -> Box:
    return (left / WIDE, top / HIGH, right / WIDE, bottom / HIGH)


def _pdf(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PDF", resolution=150, quality=82)
    return out.getvalue()


# ------------------------------------------------------------------ what a reading of them gives


def read(
    one: Someone,
    *papers: Paper,
    doubt: dict[str, Found] | None = None,
    number: str = "551/118/2026",
    stamp: bool = True,
) -> Evidence:
    """The evidence of a letter and, where there is a second paper, of its decree."""
    first = papers[0]
    fields = {
        f: Found(
            str(getattr(one, f)), str(getattr(one, f)), 0.97, first.name, 1, first.places[f], str(getattr(one, f)), True
        )
        for f in FIELDS
    }
    fields["telepon"] = replace(fields["telepon"], value="+62" + one.telepon[1:])
    for name, found in (doubt or {}).items():
        fields[name] = replace(found, file=first.name, page=1, box=first.places[name])
    person = Person(**fields, peran="ppk", tindakan="pengaktifan")
    facts = Letter(Found(number, number, 0.97, first.name, 1, first.places["nomor"]), Found("2026-11-20"), Found("Permohonan"),
                   Found("Kepala LPSE", "", 0.97, first.name, 1, first.places["tujuan"]), Found(one.instansi), tindakan=("pengaktifan",))  # fmt: skip
    marks = {n: Mark("seen", 0.95, 1, first.places[n]) for n in ("kop", "tanda_tangan")}
    mark = (
        Mark("seen", 0.95, 1, first.places["stempel"])
        if stamp
        else Mark("cannot_judge", 0.3, 1, first.places["tanda_tangan"])
    )
    documents = [
        Document(
            first.name,
            first.sha256,
            (1,),
            "surat_permohonan",
            "ocr",
            facts,
            (person,),
            stempel=mark,
            quality=0.93,
            scan=True,
            **marks,
        )
    ]
    for paper in papers[1:]:
        sk = Letter(Found("188/17/2026"), Found("2026-01-05"), tahun_anggaran=2026, peran=("ppk",))
        documents.append(
            Document(paper.name, paper.sha256, (1,), "surat_keputusan", "ocr", sk, (person,), quality=0.93, scan=True)
        )
    texts = tuple((p.name, 1, f"{one.nama} {one.nip} {number}") for p in papers)
    return Evidence(
        tuple(documents),
        (person,),
        facts,
        "Dengan hormat, terlampir permohonan kami.",
        "Permohonan pengaktifan",
        (),
        texts,
    )
