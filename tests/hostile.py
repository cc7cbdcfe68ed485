"""Files that mean harm, made or mutated from small good ones; seeded, so that a failure can be repeated by its name."""

from __future__ import annotations

import io
import random
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
import pypdf
from PIL import Image

File = tuple[str, bytes]
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def every() -> Iterator[File]:
    yield from _pdfs()
    yield from _images()
    yield from _offices()
    yield from _archives()


# ------------------------------------------------------------------ mutations


def _torn(name: str, data: bytes, seed: int, cuts: int, flips: int) -> Iterator[File]:
    """Cut short at random places, and with random bytes changed."""
    rng = random.Random(seed)
    stem, _, ending = name.rpartition(".")
    for n in range(cuts):
        yield f"{stem}-cut{n}.{ending}", data[: rng.randrange(4, len(data))]
    for n in range(flips):
        changed = bytearray(data)
        for _ in range(rng.choice((1, 3, 10, 60))):
            changed[rng.randrange(8, len(changed))] = rng.randrange(256)
        yield f"{stem}-flip{n}.{ending}", bytes(changed)


# ------------------------------------------------------------------ PDF


def pdf(*objects: bytes, root: int = 1, xref: bytes | None = None) -> bytes:
    """A PDF of these objects, numbered from 1, with a right cross-reference table unless one is given."""
    out, places = bytearray(b"%PDF-1.7\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(
        b"%010d 00000 n \n" % p for p in places
    )
    out += (table if xref is None else xref) + b"trailer\n<</Size %d/Root %d 0 R>>\n" % (len(objects) + 1, root)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>\nstream\n%s\nendstream" % (entries, len(data), data)


def page(content: bytes, box: bytes = b"[0 0 300 200]", entries: bytes = b"", resources: bytes = b"<<>>") -> bytes:
    return pdf(
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox %s/Contents 4 0 R/Resources %s%s>>" % (box, resources, entries), content,
        stream(b"/F Do", b"/Type/XObject/Subtype/Form/BBox[0 0 300 200]/Resources<</XObject<</F 5 0 R>>>>"),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    )  # fmt: skip


TEXT = b"BT /H 12 Tf 20 150 Td (Surat permohonan pengaktifan akun PPK) Tj ET"
FONT = b"<</Font<</H 6 0 R>>/XObject<</F 5 0 R>>>>"


def picture_pdf() -> bytes:
    out = io.BytesIO()
    Image.fromarray(_noise(120, 160)).save(out, "PDF")
    return out.getvalue()


def _locked(data: bytes, user: str) -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    writer.encrypt(user, "owner", algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _pdfs() -> Iterator[File]:
    good = page(stream(TEXT), resources=FONT)
    yield from _torn("text.pdf", good, 1, 14, 44)
    yield from _torn("scan.pdf", picture_pdf(), 2, 12, 34)
    zeros = zlib.compress(bytes(80_000_000), 9)
    yield "bomb.pdf", page(stream(zeros, b"/Filter/FlateDecode"))
    yield "bomb-twice.pdf", page(stream(zlib.compress(zeros * 20, 9), b"/Filter[/FlateDecode/FlateDecode]"))
    image = b"/Type/XObject/Subtype/Image/Width 60000/Height 60000/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/FlateDecode"
    yield "bomb-image.pdf", pdf(
        b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 200]/Contents 4 0 R/Resources<</XObject<</I 5 0 R>>>>>>",
        stream(b"q 300 0 0 200 0 0 cm /I Do Q"), stream(zeros, image),
    )  # fmt: skip
    yield "calls-itself.pdf", page(stream(b"/F Do"), resources=FONT)
    yield "many-calls.pdf", page(stream(b"/F Do " * 2_000), resources=FONT)
    yield "deep.pdf", page(stream(b"[" * 200_000 + b"]" * 200_000))
    yield (
        "deep-object.pdf",
        pdf(
            b"<</Type/Catalog/Pages 2 0 R/X " + b"[" * 100_000 + b"]" * 100_000 + b">>",
            b"<</Type/Pages/Kids[]/Count 0>>",
        ),
    )
    yield "deep-states.pdf", page(stream(b"q " * 200_000))
    for n, box in enumerate(
        (
            b"[0 0 1e9 1e9]",
            b"[0 0 0 0]",
            b"[0 0 -5 -5]",
            b"[nan inf 3 4]",
            b"[]",
            b"(x)",
            b"[0 0 20000 10]",
            b"[9 9 9 9]",
        )
    ):
        yield f"box{n}.pdf", page(stream(TEXT), box, resources=FONT)
    for n, entries in enumerate(
        (b"/Rotate 45", b"/Rotate (x)", b"/UserUnit 1e30", b"/CropBox[5 5 5 5]", b"/Annots[3 0 R 3 0 R]")
    ):
        yield f"entry{n}.pdf", page(stream(TEXT), entries=entries, resources=FONT)
    yield "kids-loop.pdf", pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>")
    yield (
        "count-lies.pdf",
        pdf(
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[3 0 R]/Count 2147483647>>",
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        ),
    )
    kids = b" ".join(b"3 0 R" for _ in range(5_000))
    yield (
        "many-pages.pdf",
        pdf(
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[%s]/Count 5000>>" % kids,
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
        ),
    )
    yield "no-pages.pdf", pdf(b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Kids[]/Count 0>>")
    yield "root-loop.pdf", pdf(b"1 0 R")
    yield "root-missing.pdf", pdf(b"<<>>", root=99)
    for n, xref in enumerate(
        (b"", b"xref\n0 99999999\n", b"xref\n0 2\n0000000000 65535 f \n9999999999 00000 n \n", b"xref\n-1 -1\n")
    ):
        yield (
            f"xref{n}.pdf",
            pdf(
                b"<</Type/Catalog/Pages 2 0 R>>",
                b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
                b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>",
                xref=xref,
            ),
        )
    yield "prev-loop.pdf", good.replace(b"/Root 1", b"/Prev 9/Root 1")
    yield "locked.pdf", _locked(good, "rahasia")
    yield "locked-for-owner.pdf", _locked(good, "")
    yield "signed-nothing.pdf", good.replace(b"%%EOF", b"%/ByteRange[0 1 2 99999999]\n%%EOF")
    yield "head-only.pdf", b"%PDF-1.7\n"
    yield "late-head.pdf", b"\0" * 900 + good
    yield "not-a.pdf", b"<html>%PDF-1.7</html>"


# ------------------------------------------------------------------ images


def _noise(high: int, wide: int, seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (high, wide, 3), np.uint8)


def _saved(image: Image.Image, format: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(wide: int, high: int, depth: int, colour: int, data: bytes) -> bytes:
    head = struct.pack(">IIBBBBB", wide, high, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(data, 9)) + _chunk(b"IEND", b"")


def _images() -> Iterator[File]:
    small = Image.fromarray(_noise(90, 70))
    for format, ending, cuts, flips in (("JPEG", "jpg", 6, 22), ("PNG", "png", 6, 18), ("TIFF", "tif", 6, 20),
                                        ("GIF", "gif", 4, 10), ("BMP", "bmp", 4, 8), ("WEBP", "webp", 4, 10)):  # fmt: skip
        yield from _torn(f"image.{ending}", _saved(small, format), cuts * 100 + flips, cuts, flips)
    yield "bomb.png", _png(30_000, 30_000, 8, 0, bytes(1_000_000))
    yield "bomb-header.png", _png(2**31 - 1, 2**31 - 1, 8, 2, b"")
    yield "bomb-full.png", _png(6_000, 6_000, 1, 0, bytes(6_000 * 751))
    yield (
        "text-bomb.png",
        _saved(small, "PNG")[:33]
        + _chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(90_000_000), 9))
        + _saved(small, "PNG")[33:],
    )
    yield "wrong-size.png", _png(100, 100, 8, 2, b"\0" * 40)
    yield "zero.png", _png(0, 0, 8, 2, b"")
    yield "thin.png", _png(1, 30_000, 8, 0, bytes(60_000))
    yield "wide.png", _png(30_000, 1, 8, 0, bytes(30_001))
    yield "dot.png", _png(1, 1, 8, 0, b"\0\0")
    yield "deep.png", _png(60, 60, 16, 2, bytes(60 * 361))
    big = bytearray(_saved(small, "JPEG"))
    at = big.index(b"\xff\xc0")
    big[at + 5 : at + 9] = b"\xff\xff\xff\xff"
    yield "bomb.jpg", bytes(big)
    frames = [Image.new("1", (8, 8), n % 2) for n in range(3_000)]
    yield "frames.tif", _saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    yield "few-frames.tif", _saved(small, "TIFF", save_all=True, append_images=[small.convert("1"), small.convert("L")])
    yield "cmyk.jpg", _saved(small.convert("CMYK"), "JPEG")
    yield "cmyk.tif", _saved(small.convert("CMYK"), "TIFF")
    yield "lab.tif", _saved(small.convert("LAB"), "TIFF")
    yield "float.tif", _saved(small.convert("F"), "TIFF")
    yield "deep.tif", _saved(Image.fromarray(np.arange(6_400, dtype=np.uint16).reshape(80, 80)), "TIFF")
    yield "palette.png", _saved(small.quantize(7), "PNG", transparency=3)
    yield "clear.png", _saved(small.convert("RGBA"), "PNG")
    yield "moving.gif", _saved(small.convert("P"), "GIF", save_all=True, append_images=[small.convert("P")] * 50)
    yield "moving.webp", _saved(small, "WEBP", save_all=True, append_images=[small] * 20)
    yield "moving.png", _saved(small, "PNG", save_all=True, append_images=[small] * 20)
    yield "dpi.tif", _saved(small, "TIFF", dpi=(1, 100_000))
    yield "exif.jpg", _saved(small, "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(40))
    loop = bytearray(_saved(small, "TIFF"))
    loop[-4:] = loop[4:8]
    yield "directory-loop.tif", bytes(loop)
    yield "turned.jpg", _saved(small, "JPEG", exif=_turned())
    yield "not-a.heic", b"\0\0\0\x18ftypheic" + bytes(200)


def _turned() -> Image.Exif:
    exif = Image.Exif()
    exif[274] = 8
    return exif


# ------------------------------------------------------------------ office files and archives


def packed(files: dict[str, bytes], level: int = 9) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return out.getvalue()


def docx(body: bytes, **more: bytes) -> bytes:
    return packed({"[Content_Types].xml": b"<x/>", "word/document.xml": body} | more)


def _offices() -> Iterator[File]:
    body = f"<w:document {W}><w:body><w:p><w:r><w:t>Surat permohonan</w:t></w:r></w:p></w:body></w:document>".encode()
    laughs = b"<!DOCTYPE x [<!ENTITY a 'haha'>" + b"".join(
        b"<!ENTITY %c '%s'>" % (98 + n, b"&%c;" % (97 + n) * 10) for n in range(9)
    )
    yield from _torn("letter.docx", docx(body), 5, 8, 20)
    sheet = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row><c r="A1"><v>1</v></c></row></sheetData></worksheet>'
    book = {"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>", "xl/worksheets/sheet1.xml": sheet}
    yield from _torn("data.xlsx", packed(book), 6, 6, 14)
    yield "laughs.docx", docx(laughs + b"]>" + body.replace(b"Surat", b"&j;"))
    yield (
        "outside.docx",
        docx(b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + body.replace(b"Surat", b"&a;")),
    )
    yield "huge.docx", docx(body.replace(b"Surat", b"x" * 60_000_000))
    yield (
        "deep.docx",
        docx(b"<w:document %s>" % W.encode() + b"<w:p>" * 100_000 + b"</w:p>" * 100_000 + b"</w:document>"),
    )
    yield "wide.docx", docx(body.replace(b"<w:p>", b"<w:p/>" * 200_000 + b"<w:p>"))
    yield "no-document.docx", packed({"[Content_Types].xml": b"<x/>", "word/x.xml": b""})
    yield "far-cell.xlsx", packed(book | {"xl/worksheets/sheet1.xml": sheet.replace(b"A1", b"ZZZ99999999")})
    yield (
        "shared.xlsx",
        packed(book | {"xl/worksheets/sheet1.xml": sheet.replace(b"<c ", b'<c t="s" ').replace(b">1<", b">999999<")}),
    )
    yield "sheets.xlsx", packed(book | {f"xl/worksheets/sheet{n}.xml": sheet for n in range(300)})
    yield "zeros.txt", bytes(3_000)
    yield "long.txt", b"a" * 2_000_000


def _archives() -> Iterator[File]:
    good = packed({"surat.pdf": page(stream(TEXT), resources=FONT)})
    yield from _torn("berkas.zip", good, 8, 6, 16)
    yield "bomb.zip", packed({"a.pdf": bytes(150_000_000)})
    yield "many.zip", packed({f"{n}.txt": b"x" for n in range(2_000)}, 1)
    nested = good
    for _ in range(30):
        nested = packed({"x.zip": nested}, 1)
    yield "nested.zip", nested
    yield (
        "climb.zip",
        packed({"../../../../etc/x.pdf": b"%PDF-", "C:\\x.pdf": b"%PDF-", "/abs.pdf": b"%PDF-", "a\0b.pdf": b"%PDF-"}),
    )
    locked = bytearray(good)
    for mark, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        locked[locked.index(mark) + flag] |= 1
    yield "locked.zip", bytes(locked)
    yield "empty.zip", packed({})
    yield "x.rar", b"Rar!\x1a\x07\x01\0" + bytes(300)
    yield "x.7z", b"7z\xbc\xaf\x27\x1c" + bytes(300)
    for n in range(8):
        yield f"winmail{n}.dat", b"\x78\x9f\x3e\x22" + random.Random(n).randbytes(400)
    yield "ole.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000)
    yield "nested.eml", b"".join(b"Content-Type: message/rfc822\r\n\r\n" for _ in range(200)) + b"x"
    yield "empty.pdf", b""
