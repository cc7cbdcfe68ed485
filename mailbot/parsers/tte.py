"""Electronic signatures (TTE) of a PDF: what the signature dictionary claims; nothing is verified here."""

from __future__ import annotations

import os

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject

from mailbot.model import Tte


def _text(value: object) -> str | None:
    return None if value is None else str(value).strip().lstrip("/") or None


def _covers(ranges: list[int], size: int) -> bool:
    """True when the two ranges leave out the signature value only (and up to two trailing line ends)."""
    if len(ranges) != 4:
        return False
    first, length, second, rest = ranges
    return first == 0 and 0 < length < second and size - 2 <= second + rest <= size


def _signature(field: DictionaryObject, size: int) -> Tte | None:
    value = field.get("/V")
    value = value.get_object() if value is not None else None
    if not isinstance(value, DictionaryObject) or "/ByteRange" not in value:
        return None
    raw = value["/ByteRange"].get_object()
    ranges = [int(str(number)) for number in raw] if isinstance(raw, ArrayObject) else []
    name, at, kind = (_text(value.get(key)) for key in ("/Name", "/M", "/SubFilter"))
    return Tte(name, at, kind, _covers(ranges, size))


def read(path: str) -> Tte | None:
    """The signature that covers the whole file, else the last one found, else None; never raises."""
    try:
        fields = PdfReader(path).get_fields() or {}
        size = os.path.getsize(path)
        raw = (f.indirect_reference.get_object() if f.indirect_reference else f
               for f in fields.values() if f.get("/FT") == "/Sig")
        found = [tte for field in raw if isinstance(field, DictionaryObject) and (tte := _signature(field, size))]
    except Exception:  # pypdf raises many kinds on damaged files; a damaged signature is no signature
        return None
    return next((tte for tte in found if tte.covers_file), found[-1] if found else None)
