"""The type of a file by its content; what it calls itself is not believed."""

from __future__ import annotations

import io
import re

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "jpeg"), (0, b"\x89PNG\r\n\x1a\n", "png"), (0, b"II*\0", "tiff"), (0, b"MM\0*", "tiff"),
    (0, b"GIF87a", "gif"), (0, b"GIF89a", "gif"), (8, b"WEBP", "webp"), (0, b"Rar!\x1a\x07", "rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"), (0, b"\x78\x9f\x3e\x22", "tnef"), (0, b"{\\rtf", "rtf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"), (0, b"PK\x05\x06", "zip"),
    *((4, b"ftyp" + brand, "heic") for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")),
)  # fmt: skip
SHOWN_LATE = frozenset({"empty", "zip", "docx", "xlsx", "text", "eml"})  # all others are known by the first 4096 bytes
_CONTENT = re.compile(rb"[^\0 \t\r\n]")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
_EML = re.compile(rb"(?i)(return-path|received|from|delivered-to|message-id|mime-version|x-[a-z-]{1,40}):")


def magic(data: bytes) -> str:
    """The type by content, one of those named in model.Attachment."""
    if not _CONTENT.search(data):
        return "empty"
    for offset, mark, kind in _MAGIC:
        if data.startswith(mark, offset):
            return kind
    if data.startswith(b"PK\x03\x04"):
        return _zip_kind(data)
    if data.startswith(b"BM") and data[6:10] == b"\0\0\0\0":
        return "bmp"
    return "pdf" if b"%PDF-" in data[:1029] else _text_kind(data)


def _zip_kind(data: bytes) -> str:
    import zipfile  # few mails need it, see containers

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
    except Exception:  # a torn central directory; the reader of the ZIP will report it
        return "zip"
    if "[Content_Types].xml" in names:
        return "docx" if "word/document.xml" in names else "xlsx" if "xl/workbook.xml" in names else "zip"
    return "zip"


def _text_kind(data: bytes) -> str:
    head = data[:4096]
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(b"begin:vcalendar"):
        return "ics"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body")):
        return "html"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "text"
    if _CONTROL.search(head):
        return "other"
    lines = start.split(b"\n", 6)[:6]
    headed = sum(bool(_EML.match(line)) for line in lines) >= 2
    return "eml" if headed and (b"\n\n" in data or b"\n\r\n" in data) else "text"
