"""Two engines read an e-mail address differently: the person's own name or a well-known domain may decide.

An address has no checksum, but most are made of the name that stands beside them. The name is a third, independent print:
the reading that repeats it wins over one that misses it by a look-alike. Everything else stays a doubt.
"""

from __future__ import annotations

import re
from dataclasses import replace

from rapidfuzz.distance import OSA

from mailbot.model import Found
from mailbot.parsers import indonesian as ind

# How offices shorten their names; people's addresses repeat it: "ppk.dinkes@..."
OFFICES = (
    "bappeda", "bapenda", "bpkad", "bpkpad", "bkad", "bkd", "bkpsdm", "bkpp", "bpbd", "bpprd", "kesbangpol", "inspektorat",
    "setda", "setwan", "sekda", "dprd", "dinkes", "disdik", "disdikbud", "dindik", "dindikbud", "dikbud", "dpu", "dpupr",
    "dpupkp", "dpuprpkp", "perkim", "disperkim", "dishub", "dinhub", "diskominfo", "kominfo", "dinsos", "dinsosp", "dispora",
    "disparpora", "disbudpar", "dlh", "dkp", "dinpertan", "distan", "dispertan", "dispaperta", "disnaker", "disnakertrans",
    "disnak", "disperindag", "disperindagkop", "dinkop", "diskopukm", "dpmptsp", "dpmd", "dispermades", "dispermasdes",
    "disdukcapil", "dukcapil", "dispuspa", "dispersip", "dispusip", "satpol", "satpolpp", "pol", "pp", "damkar", "bpka", "umpeg",
    "kec", "kel", "kecamatan", "kelurahan", "desa", "rsud", "rsu", "puskesmas", "pkm", "uptd", "sekretariat", "bagian", "umum",
    "pbj", "ukpbj", "ulp", "lpse", "barjas",
)  # fmt: skip
_FIGURES = {"S": "5", "O": "0", "B": "8", "Z": "2"}


def settled(email: Found, name: str | None, office: str = "") -> Found:
    """The address with `agreed` set where the name or the domain decides; else as it was. `office`: words of its own.

    Where nothing decides, the value is the likelier of both readings, and `agreed` stays False.
    """
    tokens = [*ind.name_key(name or "").split(), *office.split(), *OFFICES]
    found = _decided(_joined(email, tokens), tokens)
    named = _as_named(found.value or "", tokens)
    doubt = found.value and found.confidence < 1.0 and named != found.value
    return replace(found, value=named, agreed=False) if doubt else found


def _joined(email: Found, tokens: list[str]) -> Found:
    """With the part of the name that a blank cut off: an address has none, it is what is left of an underscore."""
    closed = ind.parse_email(_closed(email.raw)).value
    if not email.value or not closed or not closed.endswith(f"_{email.value}"):
        return email
    cut = closed.removesuffix(f"_{email.value}")
    if not _is_name(cut, tokens):
        return email
    also = ind.parse_email(email.second or "").value == closed  # there the other engine saw the underscore
    return replace(email, value=closed, agreed=also)


def _decided(email: Found, tokens: list[str]) -> Found:
    if email.agreed and email.second and _page_knew_better(email, tokens):
        return replace(email, value=ind.parse_email(email.raw).value, agreed=False)
    if email.agreed or not email.value or not email.second:
        return email
    if "?" in email.second:
        value = _as_named(email.value, tokens)
        return replace(email, value=value, agreed=_same_but_for_doubt(value, email.second, tokens) or email.agreed)
    if email.agreed is None:
        return email
    other = ind.parse_email(_closed(email.second)).value
    if other is None:
        return email
    also = [email.value, *(ind.parse_email(raw).value for raw in _likely(email.raw))]
    closed = (
        len(_bare(email.raw)) <= len(_bare(email.value)) + 1
    )  # else what stands beside the address may belong to it
    if other in also[1:] and _letters(other) >= _letters(email.value):
        return replace(email, value=other, agreed=" " not in email.second)
    if other == email.value or not closed:
        return email
    winner = next((w for mine in also if mine and (w := _winner(mine, other, tokens))), None)
    if winner:
        return replace(email, value=winner, agreed=True)
    return replace(email, value=_likelier(email.value, other, tokens))


def _page_knew_better(email: Found, tokens: list[str]) -> bool:
    """The crop alone was read alike by both engines, but only what the page reading had is of the name."""
    first, second = (ind.parse_email(text).value or "" for text in (email.raw, email.second or ""))
    return first != email.value == second and [_is_name(x.partition("@")[0], tokens) for x in (first, second)] == [
        True,
        False,
    ]


def _likely(raw: str) -> tuple[str, ...]:
    """What an engine may have meant: with its blanks closed, its colons as points, its capital I as l, S at the end as 5."""
    capitals = re.sub(r"(?<=[a-z0-9])[SOBZ](?=[\d@]|[SOBZ]+[\d@])", lambda m: _FIGURES[m.group()], raw)
    return (_closed(raw), re.sub("[:;,]", ".", raw), raw.replace("I", "l"), capitals)


def _letters(value: str) -> int:
    return len(_bare(value))


def _likelier(value: str, other: str, tokens: list[str]) -> str:
    """Of two readings that contradict each other the one that is of the name, perhaps after a look-alike is undone."""
    named = [x for x in (value, other) if _is_name(x.partition("@")[0], tokens)]
    return named[0] if len(named) == 1 else value if named else _as_named(value, tokens)


def _as_named(value: str, tokens: list[str]) -> str:
    """ "raharj09@" of somebody named Raharjo, "teguhll@" of Teguh: the number begins too early or too late.

    In many fonts 0 and o, 1 and l are drawn alike, and no engine can tell them apart.
    """
    local, at, domain = value.partition("@")
    return "".join(_part_as_named(p, tokens) for p in re.split(r"([._\-])", local)) + at + domain


def _part_as_named(part: str, tokens: list[str]) -> str:
    if _of_tokens(re.sub(r"\d{0,3}$", "", part), tokens):
        return part
    early = re.fullmatch(r"([a-z]{2,})0(\d{0,3})", part)
    if early and _of_tokens(early[1] + "o", tokens):
        return f"{early[1]}o{early[2]}"
    late = re.fullmatch(r"([a-z]{2,}?)([l1]*l[l1]*)(\d{0,3})", part)
    if late and _of_tokens(late[1], tokens):
        return late[1] + "1" * len(late[2]) + late[3]
    return part


def _closed(raw: str) -> str:
    """Without blanks; one between two letters is what is left of an underscore, or nothing that may be guessed."""
    local, at, domain = raw.lower().partition("@")
    return "".join((re.sub(r"(?<=[a-z0-9]) +(?=[a-z0-9])", "_", local) + at + domain).split())


def _same_but_for_doubt(value: str, second: str, tokens: list[str]) -> bool:
    """The second engine left a sign open, and the person's name has just what the first one read there."""
    second = "".join(second.split()).lower()
    if not re.fullmatch(re.escape(second).replace(r"\?", "."), value):
        return False
    local = value.partition("@")[0]
    doubtful = [i for i, sign in enumerate(second) if sign == "?"]
    letters = len(re.sub(r"\d{0,4}$", "", local))
    return all(i < letters for i in doubtful) and _is_name(local, tokens)


def _bare(text: str) -> str:
    return re.sub(r"[^a-z0-9]", "", text.lower())


def _winner(one: str, two: str, tokens: list[str]) -> str | None:
    local, domain = zip(one.split("@"), two.split("@"), strict=True)
    first = local[0] if local[0] == local[1] else _by_name(local[0], local[1], tokens)
    last = domain[0] if domain[0] == domain[1] else _by_list(domain[0], domain[1])
    return f"{first}@{last}" if first and last else None


def _by_list(one: str, two: str) -> str | None:
    """Of two like domains the one that is on the list, or of the government."""
    known = [d for d in (one, two) if d in ind.KNOWN_DOMAINS] or [d for d in (one, two) if d.endswith(".go.id")]
    return known[0] if len(known) == 1 and OSA.distance(one, two) <= 2 else None


def _by_name(one: str, two: str, tokens: list[str]) -> str | None:
    """The reading whose letters are all of the name, against a look-alike; never the one that is short of a sign."""
    named = [x for x in (one, two) if _is_name(x, tokens)] or [
        x for x in (one, two) if _is_name(_own(x, one, two), tokens)
    ]
    apart = re.sub(r"[^._\-]", "", one) != re.sub(r"[^._\-]", "", two)  # a name says nothing about "." and "_"
    if len(named) != 1 or OSA.distance(one, two) > 2 or apart:
        return None
    loser = two if named[0] == one else one
    return named[0] if len(named[0]) >= len(loser) else None


def _own(local: str, one: str, two: str) -> str:
    """The part in which the readings differ, where the other parts are the same."""
    parts = [re.split(r"[._\-]", x) for x in (local, one, two)]
    if len(parts[1]) != len(parts[2]):
        return ""
    return ".".join(a for a, b, c in zip(*parts, strict=True) if b != c)


def _is_name(local: str, tokens: list[str]) -> bool:
    """Made of parts of the name, separators and a number at the end."""
    letters = re.sub(r"\d{0,4}$", "", local)
    chunks = [c for c in re.split(r"[._\-]", letters) if c]
    return bool(chunks) and all(_of_tokens(c, tokens) for c in chunks) and max(map(len, chunks)) >= 3


def _of_tokens(chunk: str, tokens: list[str]) -> bool:
    """One token, or several written together."""
    return any(chunk == t or (chunk.startswith(t) and _of_tokens(chunk[len(t) :], tokens)) for t in tokens if t)
