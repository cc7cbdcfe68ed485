"""Containers and office files, the hostile ones too."""

from __future__ import annotations

import base64
import io
import struct
import zipfile
from pathlib import Path

import pytest

from mailbot.model import Attachment
from mailbot.parsers import message
from mailbot.parsers.containers import expand
from mailbot.parsers.magic import magic
from mailbot.parsers.office import office_pages, text_page
from mailbot.parsers.problem import FileProblem
from mailbot.parsers.runs import Content

PDF = b"%PDF-1.4\n%%EOF\n"
W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
S = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def packed(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def expanded(tmp_path: Path, data: bytes, name: str = "berkas.bin", kind: str = "") -> tuple[Attachment, ...]:
    attachment = message.save(Content((data,)), name, kind or magic(data), str(tmp_path), None, None)
    return expand((attachment,), str(tmp_path))


def problems(tmp_path: Path, data: bytes) -> list[str | None]:
    return [a.problem for a in expanded(tmp_path, data)]


def docx(tmp_path: Path, body: str, **more: bytes) -> str:
    document = f"<w:document {W}><w:body>{body}</w:body></w:document>".encode()
    path = tmp_path / "x.docx"
    path.write_bytes(packed({"[Content_Types].xml": b"<x/>", "word/document.xml": document} | more))
    return str(path)


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def test_a_zip_gives_way_to_its_files(tmp_path: Path) -> None:
    files = {"../../a/surat.pdf": PDF, "__MACOSX/._x": b"x", "/etc/b.pdf": PDF + b"2"}
    found = expanded(tmp_path, packed(files), "b.zip")
    assert [(a.name, a.type, a.inside, a.problem) for a in found] == [
        ("surat.pdf", "pdf", "b.zip", None),
        ("b.pdf", "pdf", "b.zip", None),
    ]
    assert all(Path(a.path).parent == tmp_path for a in found)


def test_bad_containers(tmp_path: Path) -> None:
    good = packed({"a.pdf": PDF})
    encrypted = bytearray(good)
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        encrypted[good.index(mark) + offset] |= 1
    assert problems(tmp_path, bytes(encrypted)) == ["FILE-SANDI"]
    assert problems(tmp_path, packed({"a": bytes(30_000_000)})) == ["FILE-BESAR"]
    assert problems(tmp_path, packed({f"{n}": b"x" for n in range(101)})) == ["FILE-ARSIP"]
    assert problems(tmp_path, packed({"in.zip": good})) == ["FILE-ARSIP"]
    assert problems(tmp_path, b"PK\x03\x04junk") == ["FILE-RUSAK"]
    assert problems(tmp_path, good[:-30]) == ["FILE-RUSAK"]
    assert problems(tmp_path, b"Rar!\x1a\x07\0") == ["FILE-ARSIP"]
    assert problems(tmp_path, b"7z\xbc\xaf'\x1c") == ["FILE-ARSIP"]
    assert problems(tmp_path, b"\x78\x9f\x3e\x22\0\0") in (["FILE-RUSAK"], [])


def test_a_bad_entry_does_not_take_the_good_ones_with_it(tmp_path: Path) -> None:
    data = bytearray(packed({"surat.pdf": PDF, "sk.pdf": PDF * 30, "foto.pdf": PDF + b"3"}))
    at = data.index(b"sk.pdf") + 6
    data[at : at + 4] = b"\xff\xff\xff\xff"  # torn data of one entry
    found = expanded(tmp_path, bytes(data))
    assert [(a.name, a.problem) for a in found] == [("surat.pdf", None), ("sk.pdf", "FILE-RUSAK"), ("foto.pdf", None)]
    assert len({a.sha256 for a in found}) == 3


def test_an_archive_in_a_forwarded_mail_is_opened(tmp_path: Path) -> None:
    part = b"--b\nContent-Type: application/zip\nContent-Transfer-Encoding: base64\n\n" + base64.b64encode(
        packed({"surat.pdf": PDF})
    )
    mail = b"From: a@b.id\nSubject: x\nContent-Type: multipart/mixed; boundary=b\n\n" + part + b"\n--b--\n"
    assert [(a.name, a.problem) for a in expanded(tmp_path, mail, "lama.eml", "eml")] == [("surat.pdf", None)]


def test_a_zip_that_lies_about_its_sizes(tmp_path: Path) -> None:
    data = bytearray(packed({"a": bytes(30_000_000)}))
    data[22:26] = struct.pack("<I", 10)
    at = data.index(b"PK\x01\x02") + 24
    data[at : at + 4] = struct.pack("<I", 10)
    assert problems(tmp_path, bytes(data)) in (["FILE-RUSAK"], ["FILE-BESAR"])


def test_types_that_are_not_read(tmp_path: Path) -> None:
    assert problems(tmp_path, b"") == ["FILE-RUSAK"]
    assert problems(tmp_path, b"<html>x") == ["FILE-JENIS"]
    ole = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    assert problems(tmp_path, ole) == ["FILE-JENIS"]
    assert problems(tmp_path, ole + "EncryptedPackage".encode("utf-16-le")) == ["FILE-SANDI"]
    assert problems(tmp_path, PDF) == [None]


def test_a_nested_mail_gives_its_attachments_but_a_report_none(tmp_path: Path) -> None:
    part = b"--b\nContent-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n" + base64.b64encode(PDF)
    for kind, names in ((b"mixed", ["lampiran.pdf"]), (b"report", [])):
        mail = b"From: a@b.id\nSubject: x\nContent-Type: multipart/" + kind + b"; boundary=b\n\n" + part + b"\n--b--\n"
        found = expanded(tmp_path, mail, "lama.eml", "eml")
        assert [a.name for a in found] == names and all(a.inside == "lama.eml" for a in found)


def tnef_attribute(level: int, kind: int, data: bytes) -> bytes:
    return bytes([level]) + struct.pack("<II", kind, len(data)) + data + struct.pack("<H", sum(data) & 0xFFFF)


def test_winmail(tmp_path: Path) -> None:
    data = struct.pack("<IH", 0x223E9F78, 1)
    data += tnef_attribute(2, 0x00069002, bytes(14))  # attAttachRenddata
    data += tnef_attribute(2, 0x00018010, b"surat.pdf\0")  # attAttachTitle
    data += tnef_attribute(2, 0x0006800F, PDF)  # attAttachData
    assert [(a.name, a.type, a.inside) for a in expanded(tmp_path, data, "winmail.dat")] == [
        ("surat.pdf", "pdf", "winmail.dat")
    ]


def test_text_keeps_its_lines_in_order() -> None:
    page = text_page("Nama : Budi\n\nNIP : 1")
    assert page.text == "Nama : Budi\nNIP : 1" and page.quality == 1.0
    assert page.lines[0].box[3] <= page.lines[1].box[1]
    assert page.lines[0].words[0].box[2] <= page.lines[0].words[1].box[0]
    assert text_page("").blank


def test_docx_paragraphs_and_tables(tmp_path: Path) -> None:
    pairs = (("Nama", "Budi"), ("NIP", "1"))
    rows = "".join(f"<w:tr><w:tc>{paragraph(k)}</w:tc><w:tc>{paragraph(v)}</w:tc></w:tr>" for k, v in pairs)
    header = f"<w:hdr {W}>{paragraph('DINAS PU')}</w:hdr>".encode()
    body = paragraph("Surat") + f"<w:tbl>{rows}</w:tbl>"
    (page,) = office_pages(docx(tmp_path, body, **{"word/header1.xml": header}), "docx")
    assert page.text.split("\n") == ["DINAS PU", "Surat", "Nama", "Budi", "NIP", "1"]
    assert [(c.row, c.column, c.lines[0].text) for c in page.tables[0].cells] == [
        (0, 0, "Nama"), (0, 1, "Budi"), (1, 0, "NIP"), (1, 1, "1"),
    ]  # fmt: skip


def test_xlsx(tmp_path: Path) -> None:
    row = '<row><c r="A1" t="s"><v>0</v></c><c r="C1"><v>7</v></c></row>'
    sheet = f"<worksheet {S}><sheetData>{row}</sheetData></worksheet>"
    path = tmp_path / "x.xlsx"
    path.write_bytes(packed({
        "[Content_Types].xml": b"", "xl/workbook.xml": b"", "xl/worksheets/sheet1.xml": sheet.encode(),
        "xl/sharedStrings.xml": f"<sst {S}><si><t>Nama</t></si></sst>".encode(),
    }))  # fmt: skip
    (page,) = office_pages(str(path), "xlsx")
    assert page.text == "Nama\n7" and page.tables[0].cells[2].lines[0].text == "7"


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (f'<!DOCTYPE x [<!ENTITY a "b">]><w:document {W}>&a;</w:document>', "FILE-RUSAK"),
        (f"<w:document {W}><w:p>", "FILE-RUSAK"),
        (f"<w:document {W}>{paragraph('x' * 5_000_000)}</w:document>", "FILE-BESAR"),
    ],
)
def test_hostile_office_files(tmp_path: Path, document: str, code: str) -> None:
    with pytest.raises(FileProblem, match=code):
        office_pages(docx(tmp_path, "", **{"word/document.xml": document.encode()}), "docx")


def test_deep_nesting_is_no_recursion(tmp_path: Path) -> None:
    deep = "<w:sdt>" * 50_000 + "</w:sdt>" * 50_000
    assert office_pages(docx(tmp_path, deep), "docx")[0].blank
