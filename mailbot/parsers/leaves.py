"""Raw mail -> its leaves, by an own walk: no part is lost, none is believed.

The stdlib parser runs with the compat32 policy only; the newer policies are far slower on hostile headers.
"""

from __future__ import annotations

import email
import email.errors
import io
import quopri
import re
from dataclasses import dataclass, field
from email.generator import BytesGenerator
from email.message import Message

from mailbot.parsers import headers, runs
from mailbot.parsers.headers import MAX_FIELD
from mailbot.parsers.magic import SHOWN_LATE, magic
from mailbot.parsers.runs import Content, Cut, Raw

MAX_HEADERS = 256 * 1024
MAX_PARTS = 500
MAX_DEPTH = 20
MAX_TEXT = 256 * 1024
_COMMENT = re.compile(r"\([^()]*\)")
_LOOKS_LIKE_BASE64 = re.compile(rb"[A-Za-z0-9+/=\s]{16,}")
_UUENCODE = ("x-uuencode", "uuencode", "uue", "x-uue")


@dataclass(slots=True)
class Leaf:
    """One MIME leaf with what it holds, decoded. `report`: it lies within a multipart/report."""

    declared: str
    content: Content
    name: str = ""
    disposition: str = ""
    charset: str = ""
    content_id: bool = False
    report: bool = False

    @property
    def data(self) -> bytes:
        return self.content.whole()

    @property
    def kind(self) -> str:
        """The type by content; most show it in their first bytes."""
        found = magic(self.content.head)
        return magic(self.data) if found in SHOWN_LATE else found


@dataclass(slots=True)
class Walk:
    """What a walk has found so far. `source`: the mail as the parser got it."""

    leaves: list[Leaf] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    parts: int = 0
    source: Cut = field(default_factory=Cut)

    def flag(self, word: str) -> None:
        if word not in self.flags:
            self.flags.append(word)


def parse(data: Raw) -> tuple[Message, Walk]:
    """The message and its leaves; one that cannot be parsed as a tree is read as a single part."""
    walk = Walk()
    data = _cap_headers(data, walk)
    walk.source = runs.cut(data)
    try:
        message = email.message_from_bytes(walk.source.data)
        _walk(message, walk, 0, False)
    except Exception:  # RecursionError and the parser's own crashes: still keep the header and the text
        walk.flag("broken_mime")
        message = email.message_from_bytes(re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0] + b"\n\n")
        text = re.split(rb"\r?\n\r?\n", data, maxsplit=1)[-1][:MAX_TEXT]
        walk.leaves = [Leaf("text/plain", Content((text,)))]
    for word in ("from", "message-id", "date", "subject"):
        if len(headers.raw(message, word)) > 1:
            walk.flag(f"duplicate_{word.replace('-', '_')}")
    return message, walk


def _cap_headers(data: Raw, walk: Walk) -> Raw:
    """Cut an oversized header block or field: the parser is quadratic in some of them."""
    empty = runs.EMPTY_LINE.search(data)
    end = empty.start() if empty else len(data)
    if end <= MAX_FIELD:
        return data
    walk.flag("oversized_header")
    block = data[:end]
    if len(block) > MAX_HEADERS:
        block = block[:MAX_HEADERS].rpartition(b"\n")[0] or block[:MAX_FIELD]
    fields = re.split(rb"\n(?![ \t])", block)
    return b"\n".join(f[:MAX_FIELD].rstrip(b"\r") for f in fields) + data[end:]


def _walk(part: Message, walk: Walk, depth: int, report: bool) -> None:
    walk.parts += 1
    if walk.parts > MAX_PARTS or depth > MAX_DEPTH:
        walk.flag("too_many_parts" if walk.parts > MAX_PARTS else "too_deep")
        return
    if any(type(d) is not email.errors.MultipartInvariantViolationDefect for d in part.defects):
        walk.flag("broken_mime")
    declared = part.get_content_type()
    children = vars(part)["_payload"]
    if isinstance(children, list) and not declared.startswith("message/"):
        inside = report or declared == "multipart/report"
        for child in children:
            _walk(child, walk, depth + 1, inside)
    else:
        walk.leaves.append(_leaf(part, declared, walk, report))


def _leaf(part: Message, declared: str, walk: Walk, report: bool) -> Leaf:
    encodings = headers.raw(part, "content-transfer-encoding")
    if len(encodings) > 1:
        walk.flag("duplicate_cte")
    content = _content(part, encodings, walk)
    name = headers.parameter(part, "content-disposition", "filename") or headers.parameter(part, "content-type", "name")
    disposition = next(iter(headers.raw(part, "content-disposition")), "").partition(";")[0].strip().lower()
    charset = headers.parameter(part, "content-type", "charset")
    content_id = bool(headers.raw(part, "content-id"))
    return Leaf(declared, content, headers.clean_name(name), disposition, charset, content_id, report)


def _content(part: Message, encodings: list[str], walk: Walk) -> Content:
    """What it holds, decoded. The payload is taken raw, since get_payload would push it through a charset."""
    payload = vars(part)["_payload"]
    words = [_COMMENT.sub("", value).strip().lower() for value in encodings]
    if isinstance(payload, list):
        nested = b"".join(walk.source.whole(_flat(child)) for child in payload)
        encoded = "base64" in words and magic(nested) == "other"
        return _base64(nested.strip(), walk) if encoded else Content((nested,))
    short = str(payload or "").encode("ascii", "surrogateescape")
    if "base64" in words:
        return _base64(short, walk)
    return Content((_otherwise(part, walk.source.whole(short), words),))


def _otherwise(part: Message, raw: bytes, words: list[str]) -> bytes:
    if "quoted-printable" in words:
        return quopri.decodestring(raw)
    if any(word in _UUENCODE for word in words):
        part.set_payload(raw.decode("ascii", "surrogateescape"))
        decoded = part.get_payload(decode=True)
        return decoded if isinstance(decoded, bytes) else raw
    return _undeclared(part, raw)


def _undeclared(part: Message, raw: bytes) -> bytes:
    """Base64 whose encoding header was lost, recognised by what it decodes to."""
    if part.get_content_maintype() == "text" or not _LOOKS_LIKE_BASE64.fullmatch(raw[:4096]):
        return raw
    decoded = runs.decoded(raw, Cut())[0].whole()
    return decoded if magic(decoded) not in ("other", "text", "empty") else raw


def _base64(raw: bytes, walk: Walk) -> Content:
    content, broken = runs.decoded(raw, walk.source)
    if broken:
        walk.flag("broken_base64")
    return content


def _flat(message: Message) -> bytes:
    buffer = io.BytesIO()
    try:
        BytesGenerator(buffer, mangle_from_=False, maxheaderlen=0).flatten(message)
    except Exception:  # headers that the generator refuses to write
        buffer.write(str(vars(message)["_payload"]).encode("utf-8", "replace"))
    return buffer.getvalue()
