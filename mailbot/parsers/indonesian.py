"""Formats of Indonesian official letters: NIP, golongan, phones, dates, letter numbers, names, mail.

Everything here takes text and returns plain values; nothing raises on bad input and nothing reads the clock.
A repaired value is only ever a suggestion: callers decide whether a second reading confirms it.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Literal

from rapidfuzz import fuzz, process
from rapidfuzz.distance import OSA

NipKind = Literal["pns", "pppk", "nip_lama", "nik", "unknown", "invalid"]


# ------------------------------------------------------------------ NIP


@dataclass(frozen=True, slots=True)
class Nip:
    """A NIP as read. `suggestion`: 18 digits that validate after undoing usual OCR swaps, never a certain value."""

    kind: NipKind
    digits: str
    problems: tuple[str, ...] = ()
    born: dt.date | None = None
    suggestion: str | None = None


_SWAPS = str.maketrans({"O": "0", "o": "0", "Q": "0", "D": "0", "l": "1", "I": "1", "i": "1", "|": "1", "!": "1",
                        "S": "5", "s": "5", "B": "8", "Z": "2", "z": "2", "G": "6"})  # fmt: skip
_NIP_LABEL = re.compile(r"^\W{0,3}(?:N\s?I\s?P(?:\s?P\s?P\s?K)?|NI\s?PPPK|NRP)(?![A-Za-z])[\s.:;]*", re.I)
_NIPLIKE = re.compile(r"(?<![A-Za-z0-9])[0-9OoQDlIi|!SsBZzG][0-9OoQDlIi|!SsBZzG .\-\u00a0]{8,32}")
NIP_IN_TEXT = re.compile(
    r"(?<!\d)(?:19[4-9]\d|20[01]\d)(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[ .\-\u00a0]{0,3}"
    r"(?:19[7-9]\d|20[0-4]\d)[ .\-\u00a0]{0,3}(?:0[1-9]|1[0-2]|[2-9]\d)[ .\-\u00a0]{0,3}[12][ .\-\u00a0]{0,3}\d{3}(?!\d)"
)


def digits(raw: str) -> str:
    """ASCII digits only."""
    return re.sub(r"[^0-9]", "", raw)


def _date(year: int, month: int, day: int) -> dt.date | None:
    try:
        return dt.date(year, month, day)
    except ValueError:
        return None


def _check18(d: str, today: dt.date) -> Nip:
    problems: list[str] = []
    born = _date(int(d[:4]), int(d[4:6]), int(d[6:8]))
    if born is None:
        problems.append("bagian tanggal lahir bukan tanggal")
    year, code = int(d[8:12]), int(d[12:14])
    kind: NipKind = "pns" if 1 <= code <= 12 else "pppk" if code >= 21 else "unknown"
    if kind == "unknown":
        problems.append("angka ke-13 dan ke-14 bukan bulan maupun kode PPPK")
    if not 1970 <= year <= today.year:
        problems.append("tahun pengangkatan di luar rentang")
    if d[14] not in "12":
        problems.append("angka ke-15 harus 1 atau 2")
    if d[15:] == "000":
        problems.append("nomor urut 000")
    if born and not 17 <= (today - born).days // 365 <= 70:
        problems.append("umur tidak wajar")
    if born and year - born.year < 16:
        problems.append("diangkat sebelum umur 16 tahun")
    return Nip(kind, d, tuple(problems), born)


def parse_nip(raw: str, today: dt.date) -> Nip:
    """The NIP in a value as read, with what is wrong with it."""
    body = _NIP_LABEL.sub("", raw)
    d = digits(body)
    result = _plain_nip(d, today)
    if not result.problems:
        return result
    return Nip(result.kind, d, result.problems, result.born, _nip_suggestion(body, d, today))


def _plain_nip(d: str, today: dt.date) -> Nip:
    if len(d) == 18:
        return _check18(d, today)
    if len(d) == 9:
        return Nip("nip_lama", d, ("NIP lama 9 angka",))
    if len(d) == 16:
        return Nip("nik", d, ("16 angka: tampaknya NIK, bukan NIP",))
    return Nip("invalid", d, (f"{len(d)} angka, seharusnya 18",))


def _nip_suggestion(body: str, d: str, today: dt.date) -> str | None:
    for m in _NIPLIKE.finditer(body):
        fixed = digits(m.group().translate(_SWAPS))
        if len(fixed) == 18 and fixed != d and not _check18(fixed, today).problems:
            return fixed
    return None


def show_nip(d: str) -> str:
    """Spaced as on paper: 19850704 201001 1 007."""
    return f"{d[:8]} {d[8:14]} {d[14]} {d[15:]}" if len(d) == 18 else d


def find_nips(text: str) -> tuple[str, ...]:
    """18 digits of every NIP-shaped span in running text; line breaks inside a NIP are allowed."""
    return tuple(digits(m.group()) for m in NIP_IN_TEXT.finditer(text.replace("\n", " ")))


def looks_like_nip(text: str) -> bool:
    """A NIP-shaped span, also with letters read for digits."""
    return any(16 <= len(digits(m.group().translate(_SWAPS))) <= 19 and len(digits(m.group())) >= 12
               for m in _NIPLIKE.finditer(text))  # fmt: skip


# ------------------------------------------------------------------ pangkat / golongan

PANGKAT = {
    "I/a": "Juru Muda", "I/b": "Juru Muda Tingkat I", "I/c": "Juru", "I/d": "Juru Tingkat I",
    "II/a": "Pengatur Muda", "II/b": "Pengatur Muda Tingkat I", "II/c": "Pengatur", "II/d": "Pengatur Tingkat I",
    "III/a": "Penata Muda", "III/b": "Penata Muda Tingkat I", "III/c": "Penata", "III/d": "Penata Tingkat I",
    "IV/a": "Pembina", "IV/b": "Pembina Tingkat I", "IV/c": "Pembina Utama Muda", "IV/d": "Pembina Utama Madya",
    "IV/e": "Pembina Utama",
}  # fmt: skip
PPPK_GOLONGAN = frozenset(
    ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII", "XIII", "XIV", "XV", "XVI", "XVII"]
)
_BY_LENGTH = sorted(PANGKAT.items(), key=lambda kv: -len(kv[1]))
_RANK = {name: re.compile(rf"\b{name.lower()}\b".replace(" ", r"\s*")) for name in PANGKAT.values()}
_GOL = re.compile(r"(?<![A-Za-z0-9])([Il1|]{1,3}|[Il1|][Vv])\s?[/.,\-]?\s?\(?([a-eA-E])\)?(?![A-Za-z0-9])")
_TK = re.compile(
    r"\b(?:tingkat|tkt?|tk)(?![a-z])\s?\.?\s?[I1l|!?']?(?![A-Za-z])", re.I
)  # there is no other than the first
_PPPK = re.compile(r"(?:\bgol(?:ongan)?\.?|/|^)\s*(?:ruang\s?)?[:\-]?\s?([IVXl1]{1,5})\s*$", re.I)


@dataclass(frozen=True, slots=True)
class Golongan:
    """`code`: "III/d" or, for PPPK, a roman number. `mismatch`: the pangkat named belongs to another code."""

    code: str
    pangkat: str | None = None
    pppk: bool = False
    mismatch: bool = False


def parse_golongan(raw: str) -> Golongan | None:
    """Pangkat and golongan from either or both; None when neither can be recognised."""
    code = _golongan_code(raw)
    named = pangkat_code(raw)
    if code:
        return Golongan(code, PANGKAT[code], mismatch=named is not None and named != code)
    if named:
        return Golongan(named, PANGKAT[named])
    m = _PPPK.search(raw.strip(" ()."))
    roman = m.group(1).upper().replace("L", "I").replace("1", "I") if m else ""
    return Golongan(roman, pppk=True) if roman in PPPK_GOLONGAN else None


def rank_said_twice(raw: str) -> bool:
    """The rank in words, and no golongan beside it that means another: the text confirms itself."""
    golongan = parse_golongan(raw)
    return golongan is not None and not golongan.mismatch and pangkat_code(raw) == golongan.code != ""


def torn_stroke(one: str, other: str) -> bool:
    """II/b beside III/b: an engine loses a stroke of a roman number now and then."""
    mine, others = one.split("/"), other.split("/")
    return mine[-1] == others[-1] and set(mine[0]) == set(others[0]) == {"I"} and len(mine[0]) < len(others[0])


def _golongan_code(raw: str) -> str | None:
    for m in _GOL.finditer(raw):
        roman = re.sub(r"[l1|]", "I", m.group(1)).upper()
        code = f"{roman}/{m.group(2).lower()}"
        if code in PANGKAT:
            return code
    return None


def pangkat_code(raw: str) -> str | None:
    """The code of the rank that is named in words."""
    norm = " ".join(_TK.sub(" Tingkat I ", re.sub("[~=!_]+", " ", raw)).lower().split())
    return next((code for code, name in _BY_LENGTH if re.search(_RANK[name], norm)), None)


# ------------------------------------------------------------------ phone


def norm_phone(raw: str) -> str | None:
    """The first number in E.164; None when it is no Indonesian number. Several numbers may be joined by "/"."""
    for part in re.split(r"\s*(?:/|,|;|\bdan\b|\batau\b)\s*", raw.strip()):
        number = _phone_digits(part) or part
        found = None if re.search(r"\d[A-Za-z]+\d", number) else _one_phone(number)
        if found:
            return found
    return None if re.search(r"[A-Za-z]", raw) else _one_phone(raw)


def _phone_digits(part: str) -> str:
    """OCR swaps undone, but only where the text is mostly digits."""
    packed = re.sub(r"[\s().\-]", "", part)
    return (
        packed.translate(_SWAPS)
        if re.search(r"[A-Za-z|!]", packed) and len(digits(packed)) >= 0.7 * len(packed)
        else ""
    )


def _one_phone(raw: str) -> str | None:
    s = re.sub(r"[^0-9+]", "", re.sub(r"\(0\)", "", raw) if "+62" in raw else raw)
    if s.startswith("+62"):
        s = "0" + s[3:].lstrip("0")
    elif s.startswith("62") and len(s) > 9:
        s = "0" + s[2:]
    elif s.startswith("8"):
        s = "0" + s
    mobile = re.fullmatch(r"08[1-9][0-9]{7,10}", s)
    landline = re.fullmatch(r"0[2-79][0-9]{1,2}[0-9]{5,8}", s)
    return "+62" + s[1:] if mobile or landline else None


# ------------------------------------------------------------------ dates

MONTHS: dict[str, int] = {}
for _i, _names in enumerate(
    ["januari jan", "februari pebruari feb peb", "maret mar", "april apr", "mei", "juni jun", "juli jul",
     "agustus agust agst agu ags", "september sept sep", "oktober okt", "november nopember nov nop",
     "desember des"], 1):  # fmt: skip
    MONTHS.update(dict.fromkeys(_names.split(), _i))
_LONG_MONTHS = [name for name in MONTHS if len(name) > 4]
_D1 = re.compile(r"(?<![\w/])([0-9OolI]{1,2})\s{0,3}([A-Za-z0-9]{3,10})\.?,?\s{0,3}([12][0-9OolI]{3})(?!\w)")
_D2 = re.compile(r"(?<![\d/.\-])(\d{1,2})\s?([-/.])\s?(\d{1,2})\s?\2\s?(\d{4})(?![\d/])")


def month(name: str) -> int | None:
    """A month's number, tolerant of misread letters in the long names ("Nopernber", "Janvari", "Agu5tus")."""
    low = name.lower().strip(".")
    if low in MONTHS:
        return MONTHS[low]
    low = low.replace("0", "o").replace("1", "i").replace("5", "s")
    if low in MONTHS:
        return MONTHS[low]
    best = process.extract(low, _LONG_MONTHS, scorer=OSA.distance, score_cutoff=2, limit=4)
    nearest = {MONTHS[n] for n, d, _ in best if d == best[0][1] and d <= (2 if len(n) > 6 else 1)}
    return nearest.pop() if len(nearest) == 1 else None


def parse_dates(raw: str) -> tuple[dt.date, ...]:
    """Every date written in words, then every numeric one; impossible days are left out."""
    out: list[dt.date] = []
    for m in _D1.finditer(raw):
        k = month(m.group(2)) if re.search(r"[A-Za-z]{2}", m.group(2)) else None
        day, year = (digits(m.group(i).translate(_SWAPS)) for i in (1, 3))
        found = _date(int(year), k, int(day)) if k and day and year else None
        if found:
            out.append(found)
    for m in _D2.finditer(raw):
        found = _date(int(m.group(4)), int(m.group(3)), int(m.group(1)))
        if found:
            out.append(found)
    return tuple(out)


def parse_date(raw: str) -> dt.date | None:
    """The first date of a text."""
    return next(iter(parse_dates(raw)), None)


_TA = re.compile(r"\b(?:tahun\s{1,3}anggaran|t\.?\s?a\.?)\s{0,3}[:;]?\s{0,3}(20\d{2})", re.I)
_UNTIL = re.compile(r"\b(?:sampai\s{1,3}dengan|s\s?[./]?\s?d\.?|hingga|berakhir(?:\s{1,3}pada)?)\s", re.I)


def tahun_anggaran(text: str) -> int | None:
    """The budget year; of several the latest (a letter that closes the old year and opens the new one)."""
    return max((int(m.group(1)) for m in _TA.finditer(text)), default=None)


def berlaku_sampai(text: str) -> dt.date | None:
    """The end date that follows "sampai dengan", "s.d.", "hingga" or "berakhir"."""
    for m in _UNTIL.finditer(text):
        found = parse_date(text[m.end() : m.end() + 50])
        if found:
            return found
    return None


# ------------------------------------------------------------------ letter number

PLACEHOLDER = re.compile(r"\$\s?[{(]\s?([A-Za-z_]{2,40})\s?[})]")
_NUMBER = re.compile(r"[A-Z0-9][A-Z0-9./_\-]*(?:\s+TAHUN\s+\d{4})?", re.I)


def placeholders(text: str) -> tuple[str, ...]:
    """Unfilled merge variables, as "${name}" and without duplicates."""
    return tuple(dict.fromkeys("${" + m.group(1).lower() + "}" for m in PLACEHOLDER.finditer(text)))


def _roman(found: re.Match[str]) -> str:
    """A month such as "1I" or "V1" as it was written."""
    return re.sub(r"[1l|]", "I", found.group())


def clean_number(raw: str) -> str | None:
    """A letter's number without what stands behind it on the line; None when there is none."""
    v = PLACEHOLDER.sub("", raw).strip()
    v = re.split(r"\s{3,}|\t", v)[0]
    v = re.sub(r"\s?([./_\-])\s?", r"\1", v).strip(" :;,|")
    m = _NUMBER.match(v)
    if not m:
        return None
    number = re.sub(r"(?<=/)(?=[1l|]*[IVX])(?=[IVX]*[1l|])[IVX1l|]{2,5}(?=/)", _roman, m.group()).rstrip("./-_")
    if not re.search(r"\d", number) or len(number) > 60 or not re.search(r"[/.\-]|tahun", number, re.I):
        return None
    return number


# ------------------------------------------------------------------ names

_TITLES = frozenset([
    "drs", "dra", "ir", "dr", "h", "hj", "r", "rr", "kh", "prof", "apt", "ns", "drg", "drh", "amd", "ama", "se",
    "sh", "st", "sp", "sip", "si", "skom", "ssos", "spd", "skm", "sag", "shut", "sstp", "spt", "mm", "mt", "mh",
    "msi", "mpd", "mkom", "mkes", "mag", "msc", "ma", "map", "map", "mba", "phd", "ssi", "spsi", "sak", "ak",
    "ca", "stp", "mp", "sked", "lc", "akt", "sst", "mtr", "sikom", "ssn", "skep", "skeb", "shi", "shum", "mhum",
    "msp", "mec", "mpa", "mak", "spi", "spdi", "msos",
])  # fmt: skip
_BEFORE = frozenset([
    "drs", "dra", "ir", "dr", "h", "hj", "r", "rr", "kh", "prof", "apt", "ns", "drg", "drh", "tgk", "sdr", "sdri",
    "bapak", "ibu", "yth", "saudara", "saudari",
])  # fmt: skip


def name_key(name: str) -> str:
    """For comparing only: lower case, no titles, no dots. Never stored as the name."""
    head, *_ = name.split(",", 1)
    head = re.sub(r"\b((?:Drs?|Dra|Ir|Hj?|Prof|drg?)\.)(?=[A-Z][a-z])", r"\1 ", head)
    words = re.sub(r"[^a-z' ]", " ", re.sub(r"(?<=[A-Za-z])\.(?=[A-Za-z])", "", head).lower()).replace("'", "").split()
    while len(words) > 1 and words[0] in _BEFORE:
        words = words[1:]
    while len(words) > 1 and _is_title(words[-1], head):
        words = words[:-1]
    return " ".join(words)


def _is_title(word: str, head: str) -> bool:
    """A trailing word without comma is a title only if it is one of the list and written like one (dot or capitals)."""
    if word not in _TITLES:
        return False
    tail = head.strip().split()[-1]
    return "." in tail or (tail.isupper() and not head.isupper()) or len(word) > 2


def same_name(a: str, b: str) -> bool:
    """Same person by name: equal keys, or keys that differ only by a misread letter in about ten."""
    ka, kb = name_key(a), name_key(b)
    if not ka or not kb:
        return False
    return ka == kb or (min(len(ka), len(kb)) >= 8 and fuzz.ratio(ka, kb) >= 91.0)


# ------------------------------------------------------------------ email

KNOWN_DOMAINS = ("gmail.com", "yahoo.com", "yahoo.co.id", "ymail.com", "hotmail.com", "outlook.com", "rocketmail.com",
                 "icloud.com", "live.com", "mail.go.id", "pnsmail.go.id")  # fmt: skip
_EMAIL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,5}")


@dataclass(frozen=True, slots=True)
class Email:
    """`value`: as read, in lower case, or None if it is no address. `suggestion`: a likely repair, never certain."""

    value: str | None
    suggestion: str | None = None


def parse_email(raw: str, domains: tuple[str, ...] = KNOWN_DOMAINS) -> Email:
    """The address in a value: spaces round "@" and "." are closed, near misses of known domains are suggested."""
    text = re.sub(r"\s?([@._])\s?", r"\1", raw.strip().replace("©", "@").replace("®", "@"))
    text = re.sub(r"@\s?[:;]\s?", "@", text)
    text = re.sub(r"\s?[\[(](?:at|a)[\])]\s?", "@", text, flags=re.I)
    text = re.sub(r"(?<=\w)\s?,\s?(?=(?:com|co|go|id|net|org)\b)", ".", text)
    text = re.sub(r"(@[\w\-]+) (?=(?:com|co\.id|go\.id|net|org)\b)", r"\1.", text)  # the point was lost
    m = _EMAIL.search(text)
    if m:
        value = m.group().lower().rstrip(".-")
        return Email(value, _domain_repair(value, domains))
    return Email(None, _missing_at(text.replace(" ", ""), domains))


def _domain_repair(value: str, domains: tuple[str, ...]) -> str | None:
    local, _, domain = value.partition("@")
    if domain in domains or domain.endswith(".go.id"):
        return None
    best = process.extractOne(domain, domains, scorer=OSA.distance, score_cutoff=2)
    if best is None and (government := re.fullmatch(r"(.+)\.(?:g0\.id|go\.ld|go\.1d|qo\.id|go-?id)", domain)):
        return f"{local}@{government.group(1)}.go.id"
    return f"{local}@{best[0]}" if best else None


def _missing_at(text: str, domains: tuple[str, ...]) -> str | None:
    """ "budigmail.com" or "budiQgmail.com": the "@" was lost or read as a letter."""
    low = text.lower()
    for domain in domains:
        if low.endswith(domain) and len(low) > len(domain) + 2:
            local = low[: -len(domain)]
            local = local[:-1] if text[len(local) - 1] in "Q2" and not local[:-1].isdigit() else local
            if re.fullmatch(r"[a-z0-9._\-]{2,64}", local):
                return f"{local}@{domain}"
    return None


# ------------------------------------------------------------------ text


def is_empty(raw: str) -> bool:
    """Dashes, dots, underscores and the like stand for "not filled in"."""
    return not re.search(r"[^\W_]", raw)


def plain(text: str) -> str:
    """For keyword search: upper case, single spaces, letters spaced out joined ("N a m a" -> "NAMA")."""
    flat = " ".join(text.split())
    return re.sub(r"(?<![^\W_])(?:[A-Za-z] ){2,}[A-Za-z](?![^\W_])", lambda m: m.group().replace(" ", ""), flat).upper()
