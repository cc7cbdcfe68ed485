"""The value of a field from its words: normalised, with its place and with the independent second reading."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass

from rapidfuzz import fuzz

from mailbot.model import MISSING, Box, Found, PageReading, Word, union
from mailbot.parsers import indonesian as ind
from mailbot.parsers.labels import text_of

_TITLES = (  # as engines leave them; no name begins like these
    (r"^[Il]n[.,]?\s(?=[A-Z])", "Ir. "), (r"^Or(s?)[.,](?=\s)", r"Dr\1."), (r"\$(?=[.,]?\s?[A-Z1])", "S"), (r"(?<=S\.)1P\b", "IP"),
)  # fmt: skip
_ROMANS = (  # romans as engines leave them: one sign seen twice; the bar of "-/X"; an e that only IV has
    (r"(?<![A-Za-z])(?:X[Xx]*x[Xx]*|x[Xx]*X[Xx]*)(?![A-Za-z])", "X"), (r"(?<![A-Za-z])(?:Vv|vV)(?![A-Za-z])", "V"),
    (r"^[-–—]\s?[Il1|](?=[XV])", "-/"), (r"(?<=[Il1|]{2}/)e\b", "c"),
)  # fmt: skip
_BALI = "Wayan|Made|Nyoman|Ketut|Gede|Gusti|Gst|Putu|Dewa|Komang|Kadek|Nengah|Ngurah"  # names that follow an I
REPAIRED = 0.5  # confidence of a value that holds only after undoing OCR swaps


@dataclass(frozen=True, slots=True)
class Place:
    """Where words stand."""

    page: PageReading
    file: str
    today: dt.date


def normal(name: str, raw: str, today: dt.date, scanned: bool = False) -> str | None:
    """The normalised value, or the text itself where it cannot be normalised (the rules judge it later)."""
    text = _drawn_i(raw).strip(" :;|=>~") if name == "nama" and scanned else raw.strip(" :;|=>~")
    if ind.is_empty(text) or ind.PLACEHOLDER.fullmatch(text):
        return None
    if name == "nip":
        nip = ind.parse_nip(_without_colon(text) if scanned else text, today)
        return nip.suggestion or nip.digits or None
    if name == "telepon":
        if scanned:  # a colon that was read as a digit or a plus
            text = re.sub(r"^(?:\d|\W+)\s*(?=\+62|08)", "", text)
            text = re.sub(r"(?<=\d{6})\s*,\s*(?=\d{1,4}$)", "", text)  # a speck where it was broken
        return ind.norm_phone(text) or text
    if name == "email":
        return ind.parse_email(text).value or text.lower()
    if name == "pangkat_golongan":
        return _golongan(text, scanned) or text
    if name == "alamat" and scanned:  # no word "JI." exists: a small l between a capital and a point
        text = re.sub(r"\bJ(?:[I1|iL]|il)(?:[.,]|(?= [A-Z]))", "Jl.", text)
        text = re.sub(r"\$(?=\d{4}\b)", "5", text)
        text = re.sub(r"\b(R[TW]\.?\s?)[Oo](?=[\dlI|])", r"\g<1>0", text)
        text = re.sub(r"\b(R[TW]\.?\s?0)[lI|]", r"\g<1>1", text)
    if name == "jabatan" and scanned:  # nor an office of "Pit.": pelaksana tugas, pelaksana harian
        text = re.sub(r"\bP[iI1|]([th])\.", r"Pl\1.", text)
    if scanned:  # specks before a word
        text = re.sub(r"(?<!\S)[_‘’'\"`~]+(?=\w)", "", text)
    if name == "nama" and scanned:
        text = re.sub(r"^\d{1,2}[.)]?\s+(?=[A-Z])", "", text)  # its number in a list
        for seen, meant in _TITLES:
            text = re.sub(seen, meant, text)
    return text.strip(" ,")


def _without_colon(text: str) -> str:
    """ "2 19800504 ...": the colon before a number was read as a digit of its own."""
    return text[text.index(" ") :] if re.match(r"\W*\d (?=\d)", text) and len(ind.digits(text)) == 19 else text


def _drawn_i(text: str) -> str:
    """No name is "|": it is the I of Balinese names, also where a point of the page stands beside it."""
    text = re.sub(r"(?:^|(?<=\s))(?:[|l]|1!|[|1l]\s?[!|])(?=\s[A-Z])", "I", text)
    return re.sub(rf"(?<!\S)[1|l!I]\s?(?=(?:{_BALI})\b)", "I ", text)


def _golongan(text: str, scanned: bool) -> str | None:
    """On a scan the name of the rank is read more safely than a single letter, and a lone "I" may be what is left of III."""
    for seen, meant in (*_ROMANS, (r"\?", "I")) if scanned else ():  # at last an open stroke
        text = re.sub(seen, meant, text)
    golongan = ind.parse_golongan(text)
    if golongan is None or not scanned:
        return golongan.code if golongan else None
    named = ind.pangkat_code(text)
    if named and ind.PANGKAT.get(golongan.code, "").startswith(ind.PANGKAT[named]):
        return golongan.code  # "Pembina" may be what was read of "Pembina Tingkat I"
    return named or (None if golongan.code.startswith("I/") else golongan.code)


def valid(name: str, value: str | None, today: dt.date) -> bool:
    if not value:
        return False
    if name == "nip":
        return not ind.parse_nip(value, today).problems
    if name == "pangkat_golongan":
        return ind.parse_golongan(value) is not None and not value.upper().startswith(("I/", "1/"))  # a torn III
    return bool(ind.norm_phone(value) if name == "telepon" else ind.parse_email(value).value)


def found(name: str, words: tuple[Word, ...], place: Place) -> Found:
    """A value that only the second engine could read well is taken from there, but it stays unsure (agreed is False)."""
    raw = unbroken(words) if name == "email" else text_of(words)
    value = normal(name, raw, place.today, place.page.read_by == "ocr")
    if value is None:
        return MISSING
    box = union(tuple(w.box for w in words))
    confidence = sum(w.confidence for w in words) / len(words)
    if name == "nip" and value != ind.digits(raw) and ind.digits(raw):
        confidence = min(confidence, REPAIRED)
    second = _second(name, box, place)
    if second is None:
        return Found(value, raw, confidence, place.file, place.page.number, box)
    text, other, repeated = second
    if name == "pangkat_golongan" and ind.rank_said_twice(raw):
        return Found(value, raw, confidence, place.file, place.page.number, box, text, True)
    if repeated and other and valid(name, other, place.today) and not _more_beside(name, raw, other):
        return Found(other, raw, confidence, place.file, place.page.number, box, text, True)
    partly = other is not None and other != value and len(other) >= 3 and other in value
    if other != value and (partly or (place.page.read_by == "text" and _slip(name, value, other, place.today))):
        return Found(value, raw, confidence, place.file, place.page.number, box, text, None)
    if name == "pangkat_golongan" and ind.torn_stroke(value, other or ""):  # its strokes were counted
        return Found(other, raw, confidence, place.file, place.page.number, box, text, False)
    if other != value and valid(name, other, place.today) and not valid(name, value, place.today):
        value, text = other, raw
        return Found(value, raw, min(confidence, REPAIRED), place.file, place.page.number, box, text, False)
    agreed = other is not None and other == value and not _more_beside(name, raw, value)
    agreed = agreed and not (name == "pangkat_golongan" and _open_roman(raw, text, value))
    return Found(value, raw, confidence, place.file, place.page.number, box, text, agreed)


def _open_roman(raw: str, second: str, value: str) -> bool:
    """IX or X: a stroke is open, or may be the bar of "-/X"."""
    stroke = "?" in second or re.match(r"[-–—]\s?[Il1|][XV]", raw)
    return bool(stroke) and not re.search("[a-e]$", value)


def _more_beside(name: str, raw: str, value: str) -> bool:
    """Signs stand beside the value that may belong to it: "ani_ rangkuti81@..." read in two pieces."""
    if name == "telepon":
        more = len(ind.digits(raw)) - len(ind.digits(value).removeprefix("62").lstrip("0"))
        return re.search(r"\d\W{0,3}[A-Za-z](?:\W|$)", raw) is not None or ("62" not in raw[:5] and 2 <= more <= 6)
    if name == "nip":  # "19830714 2010022 oul": the number goes on
        return re.search(r"\d\W*[A-Za-z|!]{1,4}\W*$", raw) is not None
    if name != "email":
        return False
    signs = [len(re.sub(r"[^a-z0-9]", "", text.lower())) for text in (raw, value)]
    return signs[0] - signs[1] >= 2


def _slip(name: str, value: str, other: str | None, today: dt.date) -> bool:
    """Against the text layer of a page the image counts only when it says something clearly different."""
    if not other:
        return True
    return not valid("nip", other, today) if name == "nip" else fuzz.ratio(value, other) >= 80


def unbroken(words: tuple[Word, ...]) -> str:
    """An address that its cell broke over lines, in one piece again; blanks within a line stay."""
    out = ""
    for before, word in zip((None, *words), words, strict=False):
        same = before is not None and min(before.box[3], word.box[3]) - max(before.box[1], word.box[1]) > 0.3 * (
            word.box[3] - word.box[1]
        )
        out += (" " if same else "") + word.text
    return out.replace("\x02", "-")


def _second(name: str, box: Box, place: Place) -> tuple[str, str | None, bool] | None:
    """Text and value of the independent reading whose box overlaps this one best; letters are not read as digits here."""
    if name not in ("nip", "telepon", "email", "pangkat_golongan"):
        return None
    parts = [s for s in place.page.seconds if overlap(s.box, box) >= 0.3 and _down(s.box, box) > 0.5]
    if not parts:
        return None
    repeated = all(s.repeated for s in parts)
    # a wrapped value may have been read line by line
    raw = "".join(s.text for s in sorted(parts, key=lambda s: s.box[1]))
    text = raw.split(":", 1)[-1]
    if name == "nip":
        run = re.search(r"\d[\d .\-]*\d", text)
        return raw, ind.digits(run.group()) if run else None, repeated
    return raw, normal(name, text, place.today, place.page.read_by == "ocr"), repeated


def _down(inner: Box, outer: Box) -> float:
    """The share of the height of `inner` that lies within `outer`."""
    return (min(inner[3], outer[3]) - max(inner[1], outer[1])) / max(inner[3] - inner[1], 1e-6)


def overlap(a: Box, b: Box) -> float:
    """Shared area over the smaller of the two."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return width * height / smaller if smaller > 0 else 0.0
