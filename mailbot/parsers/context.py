"""What the running text around a person says: which action and which role, whether a block is the signer's."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailbot.model import Action, Role
from mailbot.parsers import asking

SIGNER = re.compile(r"\byang\s+ber\s?tanda\s?tangan\b|\bbertandatangan\b", re.I)
TARGET = re.compile(
    r"\b(?:dengan\s+ini|mengajukan|memohon|mohon|mengusulkan|menugaskan|menunjuk|memerintahkan|adapun|berikut|kepada|memberi\w*)\b",
    re.I,
)
_POSTS = (
    r"(?:kepala|bupati|wali|sekretaris|gubernur|camat|direktur|inspektur|ketua|lurah|pengguna|kuasa|menteri|pj|plt|plh)"
)
CLOSING = re.compile(
    r"^\W*(?:demikian|tembusan|ditetapkan\s+di|dikeluarkan\s+di|pada\s+tanggal|hormat\s+kami|atas\s+perhatian|atas\s+perkenan)\b"
    r"|^\W*(?:mengetahui|menyetujui|pemohon|yang\s+mengajukan|yang\s+bersangkutan)\W*$"
    rf"|^\W*(?:a\.?\s?n\.?|u\.?\s?b\.?|pl[th]\.?|pj\.?)\W+{_POSTS}\b", re.I,
)  # fmt: skip
POST = re.compile(
    r"^\W*(?:kepala|camat|direktur|sekretaris|bupati|wali\s?kota|inspektur|ketua|gubernur|lurah|pengguna\s+anggaran|kuasa\s+pengguna)\b[^:]{0,70},\s*$",
    re.I,
)
OPENS_LIST = re.compile(r"^\W*(?:lampiran|daftar|data\s+personal|formulir|data\s+p)", re.I)
CONTACT = re.compile(
    r"\b(?:narahubung|contact\s+person|kontak\s+person|nara\s+hubung|dapat\s+menghubungi|konfirmasi)\b", re.I
)
RULED = re.compile(r"\b(?:memutuskan|menetapkan|menugaskan|memerintahkan|menunjuk)\b", re.I)
HEADER = re.compile(r"^\W*(?:hal|perihal|nomor|lampiran|sifat|dari|tanggal|kepada)\b\W*[:;]", re.I)
LISTED = re.compile(r"^\W{0,3}(?:[A-Z]|[IVX]{1,4}|\d{1,2}|[a-h])\s?[.)]\s*\S")


@dataclass(frozen=True, slots=True)
class Context:
    """`signer`: the next block is the signer's. `contact`: the next block is only whom to ask."""

    actions: tuple[Action, ...] = ()
    kembali: bool = False
    role: Role | None = None
    signer: bool = False
    closed: bool = False
    contact: bool = False


def after(paragraph: Sequence[str], context: Context) -> Context:
    """The context behind a paragraph: its last heading-like line that names one action wins, else the whole paragraph."""
    text = " ".join(line for line in paragraph if not HEADER.match(line))
    context = replace(context, contact=bool(CONTACT.search(text)))
    if SIGNER.search(text) and not TARGET.search(text[SIGNER.search(text).end() :]):  # type: ignore[union-attr]
        return replace(context, signer=True)
    if context.signer and TARGET.search(text):
        context = replace(context, signer=False)
    if any(OPENS_LIST.match(line) for line in paragraph):
        context = replace(context, signer=False, closed=False)
    if any(CLOSING.match(line) for line in paragraph):
        return replace(context, closed=True)
    if RULED.search(text):
        context = replace(context, closed=False, signer=False)
    asked = _asked(paragraph, text)
    if asked.actions:
        context = replace(context, actions=asked.actions, kembali=asked.kembali)
    named = _named(paragraph, text)
    return replace(context, role=named[0] if len(named) == 1 else None) if named else context


def is_heading(line: str) -> bool:
    """Short, or numbered, or ending with a colon: it speaks of what stands right below."""
    return len(line.split()) <= 7 or bool(LISTED.match(line)) or line.rstrip().endswith(":")


def _asked(paragraph: Sequence[str], text: str) -> asking.Actions:
    for line in reversed(paragraph):
        asked = asking.actions(line)
        if (
            len(asked.actions) == 1
            and is_heading(line)
            and not HEADER.match(line)
            and len(paragraph) > 1
            and line is paragraph[-1]
        ):
            return asked
    return asking.actions(text)


def _named(paragraph: Sequence[str], text: str) -> tuple[Role, ...]:
    last = asking.roles(paragraph[-1]) if paragraph and is_heading(paragraph[-1]) else ()
    return last if len(last) == 1 else asking.roles(text)
