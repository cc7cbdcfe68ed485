"""Lists as CSV and XLSX. No cell can start a formula (T23): it is text in XLSX and carries an apostrophe in CSV."""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

STARTERS = ("=", "+", "-", "@", "\t", "\r")
MAX_BYTES = 20 * 1024 * 1024
CONTROLS = {c: " " for c in (*range(0, 9), 11, 12, *range(14, 32))}  # not allowed in XLSX


class SheetError(ValueError):
    """The file is no list that can be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Sheet:
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def to_csv(sheet: Sheet) -> bytes:
    """UTF-8 with a byte order mark, so that office programs show the letters right."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(sheet.columns)
    writer.writerows([harmless(cell) for cell in row] for row in sheet.rows)
    return out.getvalue().encode("utf-8-sig")


def harmless(cell: str) -> str:
    return f"'{cell}" if cell.lstrip(" ").startswith(STARTERS) else cell


def original(cell: str) -> str:
    """Undoes `harmless`."""
    return cell[1:] if cell.startswith("'") and cell[1:].lstrip(" ").startswith(STARTERS) else cell


def to_xlsx(*sheets: Sheet) -> bytes:
    import openpyxl  # 12 MB that the service does without until somebody asks for a list
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = openpyxl.Workbook()
    book.remove(book.active)
    for sheet in sheets:
        page = book.create_sheet(sheet.title[:31])
        page.freeze_panes = "A2"
        for number, values in enumerate((sheet.columns, *sheet.rows), 1):
            for column, value in enumerate(values, 1):
                cell = page.cell(number, column, value.translate(CONTROLS))
                cell.data_type = "s"  # never a formula, whatever it starts with
        for column, name in enumerate(sheet.columns, 1):
            page.cell(1, column).font = Font(bold=True)
            longest = max([len(name), *(len(row[column - 1]) for row in sheet.rows)])
            page.column_dimensions[get_column_letter(column)].width = min(48, longest + 2)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def save(sheet: Sheet, path: Path) -> None:
    """As the ending of the name says: .csv or .xlsx."""
    if path.suffix.lower() not in (".csv", ".xlsx"):
        raise SheetError(f"{path.name}: akhiran harus .csv atau .xlsx")
    path.write_bytes(to_xlsx(sheet) if path.suffix.lower() == ".xlsx" else to_csv(sheet))


def load(path: Path) -> list[list[str]]:
    """All rows of the first sheet as text; empty rows are kept, so that line numbers stay true."""
    if path.stat().st_size > MAX_BYTES:
        raise SheetError(f"{path.name}: lebih besar dari {MAX_BYTES >> 20} MB")
    try:
        rows = _from_xlsx(path) if path.suffix.lower() == ".xlsx" else _from_csv(path)
    except SheetError:
        raise
    except Exception as error:  # openpyxl raises whatever its ZIP and XML readers raise
        raise SheetError(f"{path.name}: bukan daftar yang dapat dibaca ({type(error).__name__})") from error
    return [[original(cell.strip()) for cell in row] for row in rows]


def _from_csv(path: Path) -> list[list[str]]:
    text = path.read_text("utf-8-sig")
    first = text.partition("\n")[0]
    mark = max(",;\t", key=first.count)
    return [list(row) for row in csv.reader(io.StringIO(text), delimiter=mark)]


def _from_xlsx(path: Path) -> list[list[str]]:
    import openpyxl

    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    try:
        return [[_spoken(cell) for cell in row] for row in book.worksheets[0].iter_rows(values_only=True)]
    finally:
        book.close()


def _spoken(cell: object) -> str:
    if isinstance(cell, dt.datetime):
        return cell.date().isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return "" if cell is None else str(cell)


def column_of(header: Sequence[str], names: Sequence[str]) -> int | None:
    """Where one of these headings stands, whatever its case and punctuation."""
    plain = ["".join(c for c in h.lower() if c.isalnum()) for h in header]
    return next((plain.index(n) for n in names if n in plain), None)
