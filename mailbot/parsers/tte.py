"""Electronic signatures (TTE) of a PDF: validated by pyHanko where it is installed, else only what they claim.

Nothing is fetched from the network: trust is judged from the configured anchors and what the file itself carries.
"""

from __future__ import annotations

import datetime as dt
import importlib.util
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject

from mailbot.model import Tte


def read(path: str, anchors: Sequence[str] = ()) -> Tte | None:
    """The signature of the file, None without one; never raises.

    Several signatures are one: the first signer, the worst state, and whether the last covers the whole file.
    `anchors`: files with trusted root certificates; without any, `trusted` stays None.
    """
    try:
        found = _validated(path, anchors) if importlib.util.find_spec("pyhanko") else _claimed(path)
    except Exception:  # damaged files raise many kinds of errors; what they claim may still be readable
        found = _claimed(path)
    if not found:
        return None
    intact, trusted = (_worst(getattr(tte, name) for tte in found) for name in ("intact", "trusted"))
    return replace(found[0], covers_file=found[-1].covers_file, intact=intact, trusted=trusted)


def _worst(states: Iterable[bool | None]) -> bool | None:
    every = list(states)
    return False if False in every else None if None in every else True


# ------------------------------------------------------------------ pyHanko


def _validated(path: str, anchors: Sequence[str]) -> list[Tte]:
    from pyhanko.keys import load_certs_from_pemder
    from pyhanko.pdf_utils.reader import PdfFileReader

    roots = list(load_certs_from_pemder(anchors)) if anchors else []
    with open(path, "rb") as file:
        return [
            _checked(s, roots, bool(anchors)) for s in PdfFileReader(file, strict=False).embedded_regular_signatures
        ]


def _checked(signature: Any, roots: list[Any], judged: bool) -> Tte:
    """One signature: its bytes and its certificate's path, valid at the time it says it was made."""
    from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
    from pyhanko.sign.validation.settings import KeyUsageConstraints
    from pyhanko_certvalidator import ValidationContext

    at: dt.datetime | None = signature.self_reported_timestamp
    name = signature.signer_cert.subject.native.get("common_name")
    kind = str(signature.sig_object.get("/SubFilter", "")).lstrip("/") or None
    claim = Tte(str(name) if name else None, at.isoformat() if at else None, kind, False)
    try:
        status = validate_pdf_signature(
            signature, ValidationContext(trust_roots=roots, moment=at, allow_fetching=False),
            key_usage_settings=KeyUsageConstraints(key_usage=set()),  # authorities differ in the usage they set
        )  # fmt: skip
    except Exception:  # pyHanko names many reasons; each means that nothing is proved
        return replace(claim, intact=False, trusted=False if judged else None)
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    intact = bool(status.intact and status.valid)
    return replace(claim, covers_file=whole, intact=intact, trusted=bool(intact and status.trusted) if judged else None)


# ------------------------------------------------------------------ claims only


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


def _claimed(path: str) -> list[Tte]:
    try:
        fields = PdfReader(path).get_fields() or {}
        size = os.path.getsize(path)
        raw = [
            f.indirect_reference.get_object() if f.indirect_reference else f
            for f in fields.values()
            if f.get("/FT") == "/Sig"
        ]
        return [tte for field in raw if isinstance(field, DictionaryObject) and (tte := _signature(field, size))]
    except Exception:  # pypdf raises many kinds on damaged files; a damaged signature is no signature
        return []
