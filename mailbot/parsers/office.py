"""Texts and office files become pages."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from xml.etree.ElementTree import Element

import defusedxml.ElementTree

from mailbot.model import Box, Cell, Line, PageReading, Table, Word
from mailbot.parsers.headers import decode_text
from mailbot.parsers.leaves import MAX_TEXT
from mailbot.parsers.problem import FileProblem

MAX_XML = 4 * 1024 * 1024
MAX_LINES = 5_000
MAX_SHEETS = 20
MAX_WIDTH = 100  # characters: a longer line of text is only a paragraph, it does not narrow the others
LONGEST_WORD = 200  # what is longer is no word of a letter, and costs the patterns dearly
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_S = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"

Block = list[list[str]]  # a row of cells, each of lines; a paragraph is a row of one cell


def text_page(text: str, number: int = 1) -> PageReading:
    """Text as a page: one Line per line with words, in boxes that keep order and columns."""
    lines = [line for line in text.replace("\f", "\n").split("\n") if line.strip()][:MAX_LINES]
    width = min(max(map(len, lines), default=1), MAX_WIDTH)
    made = tuple(_line(text, (0.0, i / len(lines), 1.0, (i + 1) / len(lines)), width) for i, text in enumerate(lines))
    return PageReading(number, "text", made, quality=1.0, blank=not made)


def _line(text: str, box: Box, width: int) -> Line:
    """Words of one line spread over `box`, which is `width` characters wide."""
    left, top, right, bottom = box
    unit = (right - left) / max(width, len(text), 1)
    words, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        words.append(Word(word[:LONGEST_WORD], (left + at * unit, top, left + (at + len(word)) * unit, bottom), 1.0))
        at += len(word)
    return Line(tuple(words))


def office_pages(path: str, type: str) -> tuple[PageReading, ...]:
    """The pages of a docx, xlsx or text file; raises FileProblem. A docx is one page, a sheet is one page."""
    try:
        if type == "text":
            with open(path, "rb") as file:
                return (text_page(decode_text(file.read(MAX_TEXT), "utf-8")),)
        with zipfile.ZipFile(path) as archive:
            if len(archive.infolist()) > 2_000:
                raise FileProblem("FILE-RUSAK")
            if type == "docx":
                return (_page(_docx(archive), 1),)
            if type == "xlsx":
                return tuple(_page([rows], n) for n, rows in enumerate(_xlsx(archive), 1))
    except FileProblem:
        raise
    except Exception as error:  # zipfile, XML and forbidden DTDs
        raise FileProblem("FILE-RUSAK") from error
    raise FileProblem("FILE-JENIS")


def _xml(archive: zipfile.ZipFile, name: str) -> Element:
    with archive.open(name) as stream:
        data = stream.read(MAX_XML + 1)
    if len(data) > MAX_XML:
        raise FileProblem("FILE-BESAR")
    root: Element = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    return root


def _docx(archive: zipfile.ZipFile) -> list[list[Block]]:
    """Groups of rows: a table is one group of several cells, a paragraph a group of one. Headers come first."""
    names = sorted(n for n in archive.namelist() if n.startswith("word/header") and n.endswith(".xml"))[:3]
    groups: list[list[Block]] = []
    for name in (*names, "word/document.xml"):
        root = _xml(archive, name)
        body = root.find(f"{_W}body")
        groups += _groups(root if body is None else body)
    return groups


def _groups(root: Element) -> list[list[Block]]:
    groups: list[list[Block]] = []
    waiting = list(root)[::-1]
    while waiting:
        element = waiting.pop()
        if element.tag == f"{_W}p":
            groups.append([[_paragraph(element)]])
        elif element.tag == f"{_W}tbl":
            groups.append([_row(row) for row in element.iter(f"{_W}tr")])
        else:  # content controls and the like wrap paragraphs
            waiting += list(element)[::-1]
    return groups


def _row(row: Element) -> Block:
    cells: Block = []
    for cell in row.iter(f"{_W}tc"):
        cells.append([line for p in cell.iter(f"{_W}p") for line in _paragraph(p)])
        span = cell.find(f"{_W}tcPr/{_W}gridSpan")
        cells += [[] for _ in range(min(_number(span), 64) - 1)]
    return cells[:256]


def _number(span: Element | None) -> int:
    value = "" if span is None else span.get(f"{_W}val", "")
    return int(value) if value.isascii() and value.isdigit() and len(value) < 6 else 1


def _paragraph(paragraph: Element) -> list[str]:
    """The lines of a paragraph, text boxes in it included once."""
    out: list[str] = []
    waiting = [paragraph]
    while waiting:
        element = waiting.pop()
        if element.tag == f"{_W}t":
            out.append(element.text or "")
        elif element.tag == f"{_W}tab":
            out.append("    ")
        elif element.tag in (f"{_W}br", f"{_W}cr") or (element.tag == f"{_W}p" and element is not paragraph):
            out.append("\n")
        if element.tag not in (_FALLBACK, f"{_W}pPr"):
            waiting += list(element)[::-1]
    return [line for line in "".join(out).split("\n") if line.strip()]


def _xlsx(archive: zipfile.ZipFile) -> Iterator[list[Block]]:
    names = set(archive.namelist())
    shared: list[str] = []
    if "xl/sharedStrings.xml" in names:
        shared = [_joined(item) for item in _xml(archive, "xl/sharedStrings.xml").iter(f"{_S}si")]
    sheets = [n for n in names if n.startswith("xl/worksheets/") and n.endswith(".xml") and n.count("/") == 2]
    for name in sorted(sheets, key=lambda n: (len(n), n))[:MAX_SHEETS]:
        rows = [_sheet_row(row, shared) for row in _xml(archive, name).iter(f"{_S}row")]
        yield [row for row in rows if any(row)][:MAX_LINES]


def _sheet_row(row: Element, shared: list[str]) -> Block:
    cells: Block = []
    for cell in row.iter(f"{_S}c"):
        column = _column(cell.get("r", ""))
        cells += [[] for _ in range(min(column, 256) - len(cells))]
        cells.append([line for line in _value(cell, shared).split("\n") if line.strip()])
    return cells[:256]


def _column(reference: str) -> int:
    """0 for "A7", 27 for "AB7"."""
    number = 0
    for letter in reference[:3]:
        number = number * 26 + ord(letter) - 64 if "A" <= letter <= "Z" else number
    return max(number - 1, 0)


def _value(cell: Element, shared: list[str]) -> str:
    if cell.get("t") == "inlineStr":
        return _joined(cell)
    value = cell.findtext(f"{_S}v") or ""
    if cell.get("t") == "s":
        return shared[int(value)] if value.isdigit() and int(value) < len(shared) else ""
    return value


def _joined(element: Element) -> str:
    return "".join(t.text or "" for t in element.iter(f"{_S}t"))


# ------------------------------------------------------------------ layout


def _page(groups: list[list[Block]], number: int) -> PageReading:
    """Lay rows out below each other, cells side by side."""
    groups = [g for g in groups if any(any(cell) for row in g for cell in row)]
    height = sum(_height(row) for group in groups for row in group)
    if height > MAX_LINES:
        raise FileProblem("FILE-BESAR")
    lines: list[Line] = []
    tables: list[Table] = []
    top = 0
    for group in groups:
        columns = max(map(len, group))
        cells: list[Cell] = []
        start = top
        for index, row in enumerate(group):
            cells += _cells(row, index, columns, top, height)
            top += _height(row)
        lines += [line for cell in cells for line in cell.lines]
        if columns > 1 or len(group) > 1:
            tables.append(Table((0.0, start / height, 1.0, top / height), tuple(cells)))
    return PageReading(number, "text", tuple(lines), tuple(tables), quality=1.0, blank=not lines)


def _height(row: Block) -> int:
    return max(map(len, row), default=0)


def _cells(row: Block, index: int, columns: int, top: int, height: int) -> Iterator[Cell]:
    for column, texts in enumerate(row):
        left, right = column / columns, (column + 1) / columns
        width = max(map(len, texts), default=1)
        lines = tuple(
            _line(text, (left, (top + i) / height, right, (top + i + 1) / height), width)
            for i, text in enumerate(texts)
        )
        yield Cell(index, column, (left, top / height, right, (top + _height(row)) / height), lines)
