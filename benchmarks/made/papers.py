"""Varied synthetic pages for measuring the reading of pages: exact values and marks, drawn here and not by the demo.

`paper(seed)` draws a clean page with its truth, `degraded(paper, profile, seed)` makes the file somebody would send.
Seeds from TEST on are the fixed test split, on which nothing is tuned.
"""

from __future__ import annotations

import io
import random
import re
from dataclasses import dataclass, field

import cv2
import numpy as np
import pypdfium2 as pdfium
from PIL import Image
from weasyprint import HTML
from weasyprint.text.fonts import FontConfiguration

from benchmarks.made import inks

TEST = 100_000
DPI = 200
MM = DPI / 25.4
Pixels = np.ndarray
Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels of the clean page

PROFILES = ("office300", "office200", "office150", "skewed", "faint", "grey", "photocopy", "fax", "turned",
            "photo", "photo_wa", "photo_bad")  # fmt: skip
COLOUR = ("office300", "office200", "office150", "skewed", "turned")
FONTS = ("Liberation Serif", "Liberation Sans", "Carlito", "Caladea", "DejaVu Serif", "DejaVu Sans")
PLACES = ("BATANG", "BANTAENG", "SINJAI", "KENDAL", "PEMALANG", "SUKAMAJU")
OFFICES = ("DINAS KESEHATAN", "DINAS PENDIDIKAN DAN KEBUDAYAAN", "BADAN KEUANGAN DAERAH", "DINAS PERHUBUNGAN",
           "SEKRETARIAT DAERAH", "KECAMATAN TERSONO", "INSPEKTORAT DAERAH", "RUMAH SAKIT UMUM DAERAH",
           "SATUAN POLISI PAMONG PRAJA")  # fmt: skip
NAMES = ("Andi Rahmat", "Dewi Lestari", "Sri Wahyuni", "Bambang Purnomo", "Nur Hidayah", "Teguh Santoso",
         "Ratna Kusuma", "Yusuf Maulana", "Eko Prabowo", "Indah Permata", "Joko Susilo", "Fitri Handayani")  # fmt: skip
TITLES = ("", ", S.E.", ", S.T., M.T.", ", S.Sos.", ", S.H., M.H.", ", S.KM., M.Kes.")
BODY = (
    "Dengan hormat, sehubungan dengan pelaksanaan pengadaan barang/jasa Tahun Anggaran 2026, bersama ini kami mohon "
    "pengaktifan akun SPSE bagi pegawai tersebut di bawah ini :",
    "Menindaklanjuti surat Kepala Bagian Pengadaan Barang dan Jasa perihal pemutakhiran data pengguna, kami sampaikan "
    "permohonan penonaktifan akun Pejabat Pembuat Komitmen dengan data sebagai berikut :",
    "Berdasarkan Peraturan Presiden Nomor 16 Tahun 2018 tentang Pengadaan Barang/Jasa Pemerintah, dengan ini kami "
    "mengajukan permohonan hak akses aplikasi SPSE sebagaimana data berikut :",
)


@dataclass(frozen=True)
class Paper:
    """`pixels` BGR at 200 dpi; `kop`, `signature`, `stamp`: whether drawn; `traps`: what else lies on the page."""

    pixels: Pixels = field(repr=False)
    kind: str
    nips: frozenset[str]
    phones: frozenset[str]
    emails: frozenset[str]
    kop: bool
    signature: Box | None
    stamp: Box | None
    traps: tuple[str, ...]
    wrapped: bool = False


@dataclass(frozen=True)
class File:
    data: bytes = field(repr=False)
    type: str


# ------------------------------------------------------------------ clean pages


def nip(rng: random.Random) -> str:
    year = rng.randint(1968, 1995)
    return (f"{year}{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}{min(2024, year + rng.randint(22, 30))}"
            f"{rng.randint(1, 12):02d}{rng.randint(1, 2)}{rng.randint(1, 60):03d}")  # fmt: skip


def _spaced(value: str, rng: random.Random) -> str:
    return rng.choice((value, f"{value[:8]} {value[8:14]} {value[14]} {value[15:]}"))


def _person(rng: random.Random) -> dict[str, str]:
    name = rng.choice(NAMES)
    user = name.lower().replace(" ", rng.choice(("", ".", "_")))
    return {"Nama": name + rng.choice(TITLES), "NIP": nip(rng),
            "Pangkat/Golongan": rng.choice(("Penata / III/c", "Pembina / IV/a", "Penata Tingkat I / III/d")),
            "Jabatan": rng.choice(("Kepala Bidang Program", "Sekretaris", "Analis Kebijakan Ahli Muda")),
            "No. HP": f"08{rng.choice((12, 13, 21, 57))}{rng.randint(1000000, 99999999)}",
            "Email": f"{user}{rng.randint(1, 99)}@{rng.choice(('gmail.com', 'yahoo.co.id', 'batangkab.go.id'))}"}  # fmt: skip


def _kop(rng: random.Random, place: str, office: str) -> str:
    """Letterheads as offices print them: with or without emblem and rule, centred or left."""
    align = rng.choice(("center", "center", "center", "left"))
    rule = rng.choice(("border-bottom:1mm solid #111", "border-bottom:3px double #111", "border-bottom:.4mm solid #111",
                       "border-bottom:.8mm solid #1a4f9c", ""))  # fmt: skip
    logo = rng.choice(("", f'<img src="data:image/svg+xml;base64,{inks.emblem(rng)}" '
                       f'style="position:absolute;left:0;top:0;width:{rng.randint(16, 24)}mm">'))  # fmt: skip
    first = rng.choice((f"PEMERINTAH KABUPATEN {place}", f"PEMERINTAH KOTA {place}", f"PEMERINTAH DAERAH {place}"))
    margin = "22mm" if logo and align == "left" else "0"
    return (f'<div style="position:relative;min-height:{24 if logo else 12}mm;text-align:{align};padding-bottom:2mm;'
            f'margin-bottom:5mm;{rule}">{logo}<div style="margin-left:{margin}"><div style="font-size:14pt">{first}</div>'
            f'<div style="font-size:16pt;font-weight:bold">{office}</div><div style="font-size:9pt">Jalan Merdeka Nomor '
            f"{rng.randint(1, 99)} {place.title()} Telepon (0285) {rng.randint(100000, 999999)}</div></div></div>")  # fmt: skip


def _block(person: dict[str, str], rng: random.Random) -> str:
    rows = "".join(f'<tr><td style="width:42mm">{key}<td style="width:4mm">:<td>'
                   f'{_spaced(value, rng) if key == "NIP" else value}' for key, value in person.items())  # fmt: skip
    return f'<table style="margin:2mm 0 3mm 10mm">{rows}</table>'


def _grid(persons: list[dict[str, str]], rng: random.Random, wrapped: bool, shaded: bool) -> str:
    weight, grey = rng.choice((".2mm", ".3mm", ".5mm")), rng.choice(("#111", "#444", "#888"))
    head = "".join(f"<th>{key}" for key in ("No", *persons[0]))
    colour = rng.choice(("#bcd6ee", "#4472c4", "#c6e0b4", "#f8cbad")) if shaded else "#fff"
    rows = ""
    for number, person in enumerate(persons, 1):
        cells = dict(person)
        n = person["NIP"]
        cells["NIP"] = f"{n[:8]} {n[8:14]}<br>{n[14]} {n[15:]}" if wrapped else _spaced(n, rng)
        cells["Email"] = person["Email"].replace("@", "<br>@") if wrapped else person["Email"]
        rows += f"<tr><td>{number}" + "".join(f"<td>{value}" for value in cells.values())
    return (f"<style>.g td,.g th{{border:{weight} solid {grey};padding:1mm}}.g th{{background:{colour}}}</style>"
            f'<table class="g" style="width:100%;font-size:{rng.choice((8, 8.5, 9))}pt;margin:3mm 0">'
            f"<tr>{head}{rows}</table>")  # fmt: skip


def _prose(rng: random.Random, lines: int) -> str:
    words = ["bahwa", "pegawai", "yang", "namanya", "tercantum", "dalam", "keputusan", "ini", "dipandang", "cakap", "dan", "memenuhi", "syarat", "untuk", "melaksanakan", "tugas", "pengadaan", "barang", "jasa", "sesuai", "ketentuan", "peraturan", "perundang-undangan"]  # fmt: skip
    return " ".join(rng.choice(words) for _ in range(lines * 11)).capitalize() + "."


def paper(seed: int, kind: str | None = None, marked: bool | None = None) -> Paper:
    """`kind`: letter, grid, decree, annex, form or plain. `marked` None: as it comes; pages without marks are frequent."""
    rng = random.Random(seed)
    kind = kind or rng.choice(("letter", "letter", "grid", "decree", "annex", "form", "plain"))
    place, office = rng.choice(PLACES), rng.choice(OFFICES)
    persons = [_person(rng) for _ in range(rng.randint(2, 6) if kind in ("grid", "annex") else 1)]
    signer, signs = _person(rng), rng.random() < 0.8 if marked is None else marked
    has_kop = {"annex": 0.0, "plain": 0.0, "decree": 0.7, "form": 0.5}.get(kind, 0.92) > rng.random()
    wrapped, shaded = kind in ("grid", "annex") and rng.random() < 0.5, rng.random() < 0.3
    html = _kop(rng, place, office) if has_kop else ""
    if kind == "annex":
        html += f'<div style="margin-left:80mm">LAMPIRAN<br>KEPUTUSAN BUPATI {place}<br>NOMOR 027/{rng.randint(1, 99)} TAHUN 2026</div>'
    if kind in ("decree", "annex"):
        html += f'<p style="text-align:center">{"KEPUTUSAN" if kind == "decree" else "DAFTAR"} KEPALA {office}<br>TENTANG<br>PENETAPAN PPK</p>'
    html += f"<p>{rng.choice(BODY) if kind in ('letter', 'grid', 'form') else _prose(rng, rng.randint(8, 18))}</p>"
    html += (
        _grid(persons, rng, wrapped, shaded) if kind in ("grid", "annex") else "".join(_block(p, rng) for p in persons)
    )
    html += f"<p>{_prose(rng, rng.randint(3, 6))}</p>" if kind != "plain" else f"<p>{_prose(rng, 24)}</p>"
    signed = kind != "plain"
    if signed:
        shift = rng.choice((80, 90, 100, 55))
        html += (f'<div style="margin:6mm 0 0 {shift}mm;page-break-inside:avoid">KEPALA {office},'
                 f'<div style="height:{rng.randint(22, 32)}mm"></div><u>{signer["Nama"]}</u><br>Pembina Tingkat I<br>'
                 f'NIP. {_spaced(signer["NIP"], rng)}</div>')  # fmt: skip
    pixels, anchor, text = _drawn(html, rng, signer["Nama"] if signed else "")
    pixels, signature, stamp, traps = inks.mark(pixels, anchor if signs else None, anchor, place, office, rng)
    people = [*persons, signer] if signed else persons
    shown = {key: frozenset(p[key] for p in group if p[key] in text)
             for key, group in (("NIP", people), ("No. HP", persons), ("Email", persons))}  # fmt: skip
    traps += ("shaded",) if shaded and kind in ("grid", "annex") else ()
    return Paper(pixels, kind, shown["NIP"], shown["No. HP"], shown["Email"], has_kop, signature, stamp, traps, wrapped)


_FONTS = FontConfiguration()


def _drawn(html: str, rng: random.Random, signer: str) -> tuple[Pixels, Box | None, str]:
    """The first page as pixels, where the signer's name stands, and the page's text without blanks."""
    size = rng.choice((10, 10.5, 11, 11.5, 12))
    paper_size = rng.choice(("210mm 297mm", "210mm 297mm", "215mm 330mm"))
    css = (f"@page{{size:{paper_size};margin:14mm 20mm 14mm 24mm}}body{{font:{size}pt/1.3 '{rng.choice(FONTS)}';color:#111}}"
           "table{border-collapse:collapse}td,th{vertical-align:top;text-align:left}p{margin:2mm 0;text-align:justify}")  # fmt: skip
    data = HTML(string=f"<style>{css}</style>{html}").write_pdf(font_config=_FONTS)
    with pdfium.PdfDocument(data) as document:
        page = document[0]
        image = page.render(scale=DPI / 72).to_numpy()[..., :3].copy()
        text = re.sub(r"\s", "", page.get_textpage().get_text_bounded())
        return image, _found(page, signer, image.shape) if signer else None, text


def _found(page: object, text: str, shape: tuple[int, ...]) -> Box | None:
    layer = page.get_textpage()  # type: ignore[attr-defined]
    hit, last = layer.search(text), None
    while (got := hit.get_next()) is not None:
        last = got
    if last is None:
        return None
    boxes = [layer.get_charbox(last[0] + i) for i in range(last[1])]
    k = DPI / 72
    return (int(min(b[0] for b in boxes) * k), int(shape[0] - max(b[3] for b in boxes) * k),
            int(max(b[2] for b in boxes) * k), int(shape[0] - min(b[1] for b in boxes) * k))  # fmt: skip


# ------------------------------------------------------------------ what machines do to paper


def degraded(page: Pixels, profile: str, seed: int) -> File:
    """The file that a scanner, copier, fax or phone makes of the page."""
    rng = np.random.default_rng(seed)
    if profile in ("photo", "photo_wa", "photo_bad"):
        return _photo(page, profile, rng)
    skew = rng.uniform(1.5, 3.0) * rng.choice((-1, 1)) if profile == "skewed" else rng.uniform(-0.7, 0.7)
    image = _scanned(page, skew, rng)
    if profile in ("grey", "photocopy", "fax"):
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        if profile == "grey":
            return _pdf(Image.fromarray(grey), 200)
        bits = Image.fromarray(cv2.threshold(grey, 150, 255, cv2.THRESH_BINARY)[1]).convert("1")
        if profile == "photocopy":
            return _pdf(bits, 200)
        return _tiff(bits)
    if profile == "faint":
        image = (255 - (255 - image.astype(np.float32)) * 0.45).astype(np.uint8)
    if profile == "turned":
        image = np.ascontiguousarray(np.rot90(image, int(rng.integers(1, 4))))
    dpi = {"office300": 300, "office150": 150}.get(profile, 200)
    if dpi != 200:
        image = cv2.resize(image, None, fx=dpi / 200, fy=dpi / 200,
                           interpolation=cv2.INTER_CUBIC if dpi > 200 else cv2.INTER_AREA)  # fmt: skip
    return _pdf(Image.fromarray(image[..., ::-1]), dpi, int(rng.integers(60, 88)))


def _scanned(page: Pixels, skew: float, rng: np.random.Generator) -> Pixels:
    high, wide = page.shape[:2]
    turn = cv2.getRotationMatrix2D((wide / 2, high / 2), skew, 1)
    turned = cv2.warpAffine(page, turn, (wide, high), flags=cv2.INTER_LINEAR, borderValue=(246, 248, 248))
    soft = cv2.GaussianBlur(turned, (0, 0), float(rng.uniform(0.4, 0.9))).astype(np.float32)
    light = np.linspace(1 - rng.uniform(0, 0.08), 1.0, wide, dtype=np.float32)[None, :, None]
    tint = np.array([rng.uniform(0.94, 1.0), rng.uniform(0.97, 1.0), rng.uniform(0.96, 1.0)], np.float32)
    grain = rng.normal(0, rng.uniform(1.5, 5.0), page.shape[:2]).astype(np.float32)[..., None]
    return np.clip(soft * light * tint * 0.985 + grain, 0, 255).astype(np.uint8)


def _photo(page: Pixels, profile: str, rng: np.random.Generator) -> File:
    high, wide = page.shape[:2]
    size = (int(wide * 1.2), int(high * 1.15))
    corners = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    jitter = rng.uniform(-0.035, 0.035, (4, 2)).astype(np.float32) * wide
    target = corners + np.array([(size[0] - wide) / 2, (size[1] - high) / 2], np.float32) + jitter
    target[:2, 0] += np.array([wide * 0.03, -wide * 0.03], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, target)
    desk = np.array(((60, 80, 110), (40, 40, 45), (90, 100, 105), (70, 60, 50))[int(rng.integers(4))], np.float32)
    sheet = cv2.warpPerspective(page, matrix, size, flags=cv2.INTER_AREA).astype(np.float32)
    inside = cv2.warpPerspective(np.ones((high, wide), np.float32), matrix, size)[..., None]
    x, y = np.meshgrid(np.linspace(0, 1, size[0], dtype=np.float32), np.linspace(0, 1, size[1], dtype=np.float32))
    light = 1.0 - rng.uniform(0.1, 0.3) * np.abs(x - rng.uniform(0.2, 0.8)) - rng.uniform(0.05, 0.2) * np.abs(y - 0.4)
    if profile == "photo_bad":
        light *= np.where(x + 0.4 * y > rng.uniform(0.5, 0.9), 0.55, 1.0)
        light = cv2.GaussianBlur(light, (0, 0), 25)
    tint = np.array([rng.uniform(0.82, 0.95), rng.uniform(0.93, 0.98), 1.0], np.float32)
    image = (sheet * inside + desk * (1 - inside)) * light[..., None] * tint
    image = cv2.GaussianBlur(image, (0, 0), {"photo_bad": 1.6}.get(profile, 0.7))
    longest = {"photo": 3400, "photo_wa": 1600, "photo_bad": 1280}[profile]
    scale = longest / max(size)
    image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    image += rng.normal(0, 3, image.shape[:2])[..., None]
    out = io.BytesIO()
    pixels = np.clip(image, 0, 255).astype(np.uint8)[..., ::-1]
    Image.fromarray(pixels).save(out, "JPEG", quality={"photo": 85, "photo_wa": 60, "photo_bad": 45}[profile])
    return File(out.getvalue(), "jpeg")


def _pdf(image: Image.Image, dpi: int, quality: int = 80) -> File:
    out = io.BytesIO()
    image.save(out, "PDF", resolution=dpi, **({} if image.mode == "1" else {"quality": quality}))
    return File(out.getvalue(), "pdf")


def _tiff(bits: Image.Image) -> File:
    """Group 4 at the standard fax resolution: 204 x 98."""
    low = bits.convert("L").resize((1728, bits.height * 98 // 200), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    low.point(lambda v: 255 * (v > 140)).convert("1").save(out, "TIFF", compression="group4", dpi=(204, 98))
    return File(out.getvalue(), "tiff")
