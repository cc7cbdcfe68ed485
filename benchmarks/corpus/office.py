"""Minimal DOCX and XLSX files with the data of persons."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

_TYPES = ('<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
          '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
          '<Override PartName="/{part}" ContentType="application/vnd.openxmlformats-officedocument.{kind}.main+xml"/></Types>')  # fmt: skip
_RELS = ('<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
         '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="{part}"/></Relationships>')  # fmt: skip


def docx(paragraphs: Sequence[str], rows: Sequence[Sequence[str]] = (), after: Sequence[str] = ()) -> bytes:
    """Paragraphs, a table, paragraphs; a tab in a paragraph stays a tab."""

    def para(text: str) -> str:
        runs = "<w:tab/>".join(f'<w:t xml:space="preserve">{escape(t)}</w:t>' for t in text.split("\t"))
        return f"<w:p><w:r>{runs}</w:r></w:p>"

    table = "".join("<w:tr>" + "".join(f"<w:tc>{para(c)}</w:tc>" for c in row) + "</w:tr>" for row in rows)
    table = f"<w:tbl>{table}</w:tbl>" if rows else ""
    body = "".join(map(para, paragraphs)) + table + "".join(map(para, after))
    main = f'<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>'
    return _package({"word/document.xml": main}, "word/document.xml", "wordprocessingml.document")


def xlsx(rows: Sequence[Sequence[str]]) -> bytes:
    cells = ""
    for r, row in enumerate(rows, 1):
        inner = "".join(
            f'<c r="{chr(65 + i)}{r}" t="inlineStr"><is><t>{escape(v)}</t></is></c>' for i, v in enumerate(row)
        )
        cells += f'<row r="{r}">{inner}</row>'
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'<?xml version="1.0"?><worksheet xmlns="{space}"><sheetData>{cells}</sheetData></worksheet>'
    book = (
        f'<?xml version="1.0"?><workbook xmlns="{space}"><sheets><sheet name="Data" sheetId="1"/></sheets></workbook>'
    )
    return _package(
        {"xl/workbook.xml": book, "xl/worksheets/sheet1.xml": sheet}, "xl/workbook.xml", "spreadsheetml.sheet"
    )


def _package(parts: dict[str, str], main: str, kind: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {
            "[Content_Types].xml": _TYPES.format(part=main, kind=kind),
            "_rels/.rels": _RELS.format(part=main),
            **parts,
        }.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text)
    return out.getvalue()
