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


def settled(email: Found, name: str | None, office: str = "") -> Found:
    """The address with `agreed` set where the name or the domain decides; else as it was. `office`: words of its own."""
    tokens = [*ind.name_key(name or "").split(), *office.split()]
    found = _decided(email, tokens)
    doubt = found.value and found.confidence < 1.0 and _numbered_with_l(found.value, tokens)
    return replace(found, agreed=False) if doubt else found


def _decided(email: Found, tokens: list[str]) -> Found:
    if email.agreed or not email.value or not email.second:
        return email
    if "?" in email.second:
        return replace(email, agreed=True) if _same_but_for_doubt(email, tokens) else email
    if email.agreed is None:
        return email
    other = ind.parse_email(email.second).value
    if other is None:
        return email
    also = (_closed(email.raw), re.sub("[:;,]", ".", email.raw), email.raw.replace("I", "l"))
    if other in {ind.parse_email(raw).value for raw in also}:
        return replace(email, value=other, agreed=True)
    if other == email.value or len(_bare(email.raw)) > len(_bare(email.value)) + 1:
        return email  # what stands beside the address may belong to it
    winner = _winner(email.value, other, tokens)
    return replace(email, value=winner, agreed=True) if winner else email


def _numbered_with_l(value: str, tokens: list[str]) -> bool:
    """ "teguhll@" of somebody named Teguh: in many fonts the number 11 is drawn as two l, and no engine can tell them apart."""
    parts = [re.sub(r"\d{0,3}$", "", c) for c in re.split(r"[._\-]", value.partition("@")[0])]
    return any(p.endswith("l") and not _of_tokens(p, tokens) and _shorter(p, tokens) for p in parts)


def _shorter(part: str, tokens: list[str]) -> bool:
    """Without one or more l at its end it is of the name."""
    return part.endswith("l") and (_of_tokens(part[:-1], tokens) or _shorter(part[:-1], tokens))


def _closed(raw: str) -> str:
    """Without blanks; one between two letters is what is left of an underscore, or nothing that may be guessed."""
    local, at, domain = raw.lower().partition("@")
    return "".join((re.sub(r"(?<=[a-z0-9]) +(?=[a-z0-9])", "_", local) + at + domain).split())


def _same_but_for_doubt(email: Found, tokens: list[str]) -> bool:
    """The second engine left a sign open, and the person's name has just what the first one read there."""
    value, second = email.value or "", "".join((email.second or "").split()).lower()
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
