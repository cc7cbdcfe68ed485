"""Raw mail -> Submission, by an own walk over the leaves: no part is lost, none is believed.

The stdlib parser runs with the compat32 policy only; the newer policies are far slower on hostile headers.
"""

from __future__ import annotations

import binascii
import contextlib
import datetime as dt
import email
import email.errors
import email.utils
import hashlib
import io
import os
import quopri
import re
import unicodedata
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.generator import BytesGenerator
from email.message import Message
from html.parser import HTMLParser
from urllib.parse import urlsplit

from email_validator import EmailNotValidError, validate_email

from mailbot.model import Attachment, Submission

MAX_BYTES = 80 * 1024 * 1024
MAX_HEADERS = 256 * 1024
MAX_FIELD = 32 * 1024
MAX_PARTS = 500
MAX_DEPTH = 20
MAX_ATTACHMENTS = 50
MAX_ATTACHMENT = 25 * 1024 * 1024
MAX_DECODED = 60 * 1024 * 1024
MAX_TEXT = 256 * 1024
MAX_NAME = 120
TINY_IMAGE = 4 * 1024
STORES = (
    "drive.google.com", "docs.google.com", "dropbox.com", "onedrive.live.com", "onedrive.com", "1drv.ms",
    "sharepoint.com", "s.id", "bit.ly", "we.tl", "wetransfer.com", "mediafire.com",
)  # fmt: skip


class TooLarge(ValueError):
    """The raw mail is larger than `max_bytes`; nothing of it was parsed."""


@dataclass(slots=True)
class Leaf:
    """One MIME leaf with its decoded bytes. `report`: it lies within a multipart/report."""

    declared: str
    data: bytes
    name: str = ""
    disposition: str = ""
    charset: str = ""
    content_id: bool = False
    report: bool = False


@dataclass(slots=True)
class Walk:
    """What a walk has found so far."""

    leaves: list[Leaf] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    parts: int = 0

    def flag(self, word: str) -> None:
        if word not in self.flags:
            self.flags.append(word)


# ------------------------------------------------------------------ the whole mail


def read(path: str, into: str, *, max_bytes: int = MAX_BYTES) -> Submission:
    """Parse the mail at `path`; the bytes of its attachments go to `into/<sha256>`."""
    with open(path, "rb") as file:
        data = file.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise TooLarge(f"more than {max_bytes} bytes")
    message, walk = parse(data)
    headers = _headers(message)
    texts, attached = _split(walk)
    subject = _first(headers, "subject")
    html = [decode_text(leaf.data[: 4 * MAX_TEXT], leaf.charset) for leaf in texts if leaf.declared == "text/html"]
    body, quoted = split_quotes(_text(texts, html), forwarded=bool(_FORWARD_SUBJECT.match(subject)))
    sender, name = _sender(message, walk)
    return Submission(
        message_id=next(iter(_ids(_first(headers, "message-id"))), None),
        sender=sender,
        sender_name=name,
        subject=subject,
        date=_date(_first(headers, "date")),
        references=_references(headers),
        body=body,
        quoted=quoted,
        headers=headers,
        leaf_types=tuple(leaf.declared for leaf in walk.leaves),
        attachments=tuple(store(attached, into, walk)),
        links=_links("\n".join([body, *html])),
        flags=tuple(walk.flags),
    )


def parse(data: bytes) -> tuple[Message, Walk]:
    """The message and its leaves; one that cannot be parsed as a tree is read as a single part."""
    walk = Walk()
    data = _cap_headers(data, walk)
    try:
        message = email.message_from_bytes(data)
        _walk(message, walk, 0, False)
    except Exception:  # RecursionError and the parser's own crashes: still keep the header and the text
        walk.flag("broken_mime")
        message = email.message_from_bytes(re.split(rb"\r?\n\r?\n", data, maxsplit=1)[0] + b"\n\n")
        walk.leaves = [Leaf("text/plain", re.split(rb"\r?\n\r?\n", data, maxsplit=1)[-1][:MAX_TEXT])]
    for word in ("from", "message-id", "date", "subject"):
        if len(_raw(message, word)) > 1:
            walk.flag(f"duplicate_{word.replace('-', '_')}")
    return message, walk


def attachments_of(data: bytes) -> list[Leaf]:
    """The attachments of a nested mail; none of a report."""
    return _split(parse(data)[1])[1]


def _cap_headers(data: bytes, walk: Walk) -> bytes:
    """Cut an oversized header block or field: the parser is quadratic in some of them."""
    end = min((i for i in (data.find(b"\n\n"), data.find(b"\n\r\n")) if i >= 0), default=len(data))
    block = data[:end]
    if end <= MAX_FIELD:
        return data
    walk.flag("oversized_header")
    if len(block) > MAX_HEADERS:
        block = block[:MAX_HEADERS].rpartition(b"\n")[0] or block[:MAX_FIELD]
    fields = re.split(rb"\n(?![ \t])", block)
    return b"\n".join(f[:MAX_FIELD].rstrip(b"\r") for f in fields) + data[end:]


# ------------------------------------------------------------------ leaves


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
    encodings = _raw(part, "content-transfer-encoding")
    if len(encodings) > 1:
        walk.flag("duplicate_cte")
    data = _bytes(part, encodings, walk)
    name = _parameter(part, "content-disposition", "filename") or _parameter(part, "content-type", "name")
    disposition = next(iter(_raw(part, "content-disposition")), "").partition(";")[0].strip().lower()
    charset = _parameter(part, "content-type", "charset")
    return Leaf(declared, data, clean_name(name), disposition, charset, bool(_raw(part, "content-id")), report)


def _bytes(part: Message, encodings: list[str], walk: Walk) -> bytes:
    """The decoded bytes. The payload is taken raw, since get_payload would push it through a charset."""
    payload = vars(part)["_payload"]
    words = [re.sub(r"\([^()]*\)", "", value).strip().lower() for value in encodings]
    if isinstance(payload, list):
        raw = b"".join(_flat(child) for child in payload)
        return _base64(raw.strip(), walk) if "base64" in words and magic(raw) == "other" else raw
    raw = str(payload or "").encode("ascii", "surrogateescape")
    if "base64" in words:
        return _base64(raw, walk)
    if "quoted-printable" in words:
        return quopri.decodestring(raw)
    if any(word in ("x-uuencode", "uuencode", "uue", "x-uue") for word in words):
        decoded = part.get_payload(decode=True)
        return decoded if isinstance(decoded, bytes) else raw
    return _undeclared(part, raw)


def _undeclared(part: Message, raw: bytes) -> bytes:
    """Base64 whose encoding header was lost, recognised by what it decodes to."""
    if part.get_content_maintype() == "text" or not re.fullmatch(rb"[A-Za-z0-9+/=\s]{16,}", raw[:4096]):
        return raw
    decoded = _base64(raw, Walk())
    return decoded if magic(decoded) not in ("other", "text", "empty") else raw


def _base64(raw: bytes, walk: Walk) -> bytes:
    clean = re.sub(rb"[^A-Za-z0-9+/=]", b"", raw)
    if len(clean) % 4 or len(clean) < 0.9 * len(re.sub(rb"\s", b"", raw)):
        walk.flag("broken_base64")
    pieces = []
    for piece in re.split(rb"=+", clean):
        piece = piece[:-1] if len(piece) % 4 == 1 else piece
        pieces.append(binascii.a2b_base64(piece + b"=" * (-len(piece) % 4)))
    return b"".join(pieces)


def _flat(message: Message) -> bytes:
    buffer = io.BytesIO()
    try:
        BytesGenerator(buffer, mangle_from_=False, maxheaderlen=0).flatten(message)
    except Exception:  # headers that the generator refuses to write
        buffer.write(str(vars(message)["_payload"]).encode("utf-8", "replace"))
    return buffer.getvalue()


def _split(walk: Walk) -> tuple[list[Leaf], list[Leaf]]:
    """(texts of the mail itself, attachments). A text leaf with binary content is an attachment."""
    texts, attached = [], []
    for leaf in walk.leaves:
        if _is_body(leaf):
            texts.append(leaf)
        elif not leaf.report and not _is_logo(leaf):
            attached.append(leaf)
    return texts, attached


def _is_body(leaf: Leaf) -> bool:
    if leaf.declared not in ("text/plain", "text/html") or leaf.name or leaf.disposition == "attachment":
        return False
    return magic(leaf.data) in ("text", "html", "other", "empty", "eml", "ics")


def _is_logo(leaf: Leaf) -> bool:
    return leaf.content_id and leaf.declared.startswith("image/") and len(leaf.data) < TINY_IMAGE


def store(leaves: list[Leaf], into: str, walk: Walk, inside: str | None = None) -> Iterator[Attachment]:
    """Write leaves to `into/<sha256>`. What is over a limit is named with its problem, never dropped in silence."""
    total = 0
    for number, leaf in enumerate(leaves, 1):
        if number > MAX_ATTACHMENTS:
            walk.flag("too_many_attachments")
            return
        kind = "eml" if leaf.declared == "message/rfc822" else magic(leaf.data)
        total += len(leaf.data)
        problem = "FILE-BESAR" if len(leaf.data) > MAX_ATTACHMENT or total > MAX_DECODED else None
        if total > MAX_DECODED:
            walk.flag("too_large_decoded")
        yield save(leaf.data, leaf.name or f"lampiran-{number}.{_suffix(kind)}", kind, into, inside, problem)


def save(data: bytes, name: str, kind: str, into: str, inside: str | None, problem: str | None) -> Attachment:
    """One attachment whose bytes lie under their hash; oversized bytes are not written (`path` is "")."""
    digest = hashlib.sha256(data).hexdigest()
    path = "" if problem == "FILE-BESAR" else os.path.join(into, digest)
    if path and not os.path.exists(path):
        with open(path, "wb") as file:
            file.write(data)
    return Attachment(name, kind, digest, len(data), path, inside, problem)


def _suffix(kind: str) -> str:
    return {"jpeg": "jpg", "text": "txt", "other": "bin", "empty": "bin", "ole": "doc"}.get(kind, kind)


# ------------------------------------------------------------------ types by content

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "jpeg"), (0, b"\x89PNG\r\n\x1a\n", "png"), (0, b"II*\0", "tiff"), (0, b"MM\0*", "tiff"),
    (0, b"GIF87a", "gif"), (0, b"GIF89a", "gif"), (8, b"WEBP", "webp"), (0, b"Rar!\x1a\x07", "rar"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"), (0, b"\x78\x9f\x3e\x22", "tnef"), (0, b"{\\rtf", "rtf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole"), (0, b"PK\x05\x06", "zip"),
    *((4, b"ftyp" + brand, "heic") for brand in (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")),
)  # fmt: skip
_EML = re.compile(rb"(?i)(return-path|received|from|delivered-to|message-id|mime-version|x-[a-z-]{1,40}):")


def magic(data: bytes) -> str:
    """The type by content, one of those named in model.Attachment."""
    if not data.strip(b"\0 \t\r\n"):
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
    if sum(c < 32 and c not in b"\t\n\r\f\x1b" for c in head):
        return "other"
    lines = start.split(b"\n", 6)[:6]
    headed = sum(bool(_EML.match(line)) for line in lines) >= 2
    return "eml" if headed and (b"\n\n" in data or b"\n\r\n" in data) else "text"


# ------------------------------------------------------------------ headers


def _raw(part: Message, name: str) -> list[str]:
    """All values of a header as text, undecoded; raw 8-bit bytes are read as UTF-8 or else cp1252."""
    return [_unescape(str(value)) for key, value in part.raw_items() if key.lower() == name]


def _unescape(value: str) -> str:
    if value.isascii():
        return value
    data = value.encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _headers(message: Message) -> tuple[tuple[str, str], ...]:
    pairs = ((str(key).lower(), _unescape(str(value))) for key, value in message.raw_items())
    return tuple((clean(key), decode_words(value)) for key, value in pairs)


def _first(headers: tuple[tuple[str, str], ...], name: str) -> str:
    return next((value for key, value in headers if key == name), "")


_WORD = re.compile(r"=\?([^?\s*]{1,40})(?:\*[^?\s]{0,20})?\?([bBqQ])\?([^?]{0,20000})\?=")


def decode_words(value: str) -> str:
    """RFC 2047 words decoded, unfolded, without control and bidi characters."""
    value = re.sub(r"\r?\n[ \t]*", " ", value[:MAX_FIELD])
    out: list[str] = []
    data, charset, end = b"", "", 0  # of the words that are still open: a character may span two of them
    for match in _WORD.finditer(value):
        between = value[end : match.start()]
        if data and (between.strip() or match[1].lower() != charset):
            out.append(decode_text(data, charset))
            data = b""
        out.append(between if between.strip() or not end else "")
        data, charset, end = data + _word(match[2], match[3]), match[1].lower(), match.end()
    return clean("".join([*out, decode_text(data, charset) if data else "", value[end:]])).strip()


def _word(encoding: str, text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    return _base64(raw, Walk()) if encoding in "bB" else quopri.decodestring(raw, header=True)


def clean(value: str) -> str:
    """Without control, format (bidi, zero width), surrogate and line separator characters."""
    kept = (c if c != "\t" else " " for c in value)
    return "".join(c for c in kept if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp"))


def clean_name(name: str) -> str:
    """A display name: last path component, clean, at most 120 characters, its suffix kept."""
    name = clean(name.replace("\\", "/").replace("\0", "").rstrip("/").rpartition("/")[2]).strip(" .")
    stem, dot, suffix = name.rpartition(".")
    if len(name) > MAX_NAME and dot and len(suffix) <= 8:
        return stem[: MAX_NAME - len(suffix) - 1] + dot + suffix
    return name[:MAX_NAME]


def _parameter(part: Message, header: str, name: str) -> str:
    """A header parameter in all the ways that mailers write it: RFC 2231, RFC 2047, raw 8-bit."""
    for value in _raw(part, header):
        probe = Message()
        probe[header] = re.sub(r"[\r\n]+[ \t]*", " ", value[:4096].replace("\0", ""))
        try:
            found = email.utils.collapse_rfc2231_value(probe.get_param(name, "", header))
        except Exception:  # a NUL or nonsense in the charset of RFC 2231
            match = re.search(rf'{name}\*?[^=;]{{0,3}}="?([^";]{{1,500}})', value)
            found = match[1] if match else ""
        if found:
            return decode_words(found)
    return ""


def _sender(message: Message, walk: Walk) -> tuple[str | None, str]:
    values = _raw(message, "from")
    pairs = email.utils.getaddresses([re.sub(r"[\r\n]+", " ", v[:MAX_FIELD]) for v in values])
    found = [pair for pair in pairs if pair[1]]
    name = decode_words(found[0][0])[:200] if found else ""
    if len(values) != 1 or len(found) != 1:
        walk.flag("from_not_single")
        return None, name
    try:
        address = validate_email(found[0][1], check_deliverability=False, strict=True)
    except (EmailNotValidError, ValueError):
        walk.flag("from_not_single")
        return None, name
    return address.normalized.lower(), name


def _ids(value: str) -> list[str]:
    return re.findall(r"<[^<>\s@]{1,250}@[^<>\s@]{1,250}>", value[:MAX_FIELD])


def _references(headers: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    answered = [i for key, value in headers if key == "in-reply-to" for i in _ids(value)]
    older = [i for key, value in headers if key == "references" for i in _ids(value)]
    return tuple(dict.fromkeys([*answered, *reversed(older)]))


def _date(value: str) -> dt.datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(value[:200])
        return (date if date.tzinfo else date.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


# ------------------------------------------------------------------ body


def decode_text(data: bytes, charset: str) -> str:
    """Text in the declared charset, else UTF-8, else cp1252; NUL and lone surrogates are dropped."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        charset = "utf-16"
    for name in (charset, "utf-8"):
        try:
            text = data.decode(name)
            break
        except (LookupError, ValueError):
            continue
    else:
        text = data.decode("cp1252", "replace")
    text = text.replace("\0", "").replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-8", "ignore").decode()


def _text(texts: list[Leaf], html: list[str]) -> str:
    plain = [decode_text(leaf.data[:MAX_TEXT], leaf.charset) for leaf in texts if leaf.declared == "text/plain"]
    text = "\n".join(part for part in plain if part.strip())
    return (text or "\n".join(html_text(part) for part in html))[:MAX_TEXT]


class _Text(HTMLParser):
    """Visible text; the lines of a cited blockquote get a ">"."""

    _LINES = frozenset({"p", "div", "br", "tr", "li", "table", "blockquote", "h1", "h2", "h3", "h4", "hr", "pre"})
    _HIDDEN = frozenset({"script", "style", "head", "title", "template", "noscript"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.hidden = 0
        self.cited: list[bool] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self._HIDDEN:
            self.hidden += 1
        if tag == "body":
            self.hidden = 0  # an unclosed <head> hides nothing below it
        if tag == "blockquote":
            given = dict(attrs)
            self.cited.append(given.get("type") == "cite" or "gmail_quote" in (given.get("class") or ""))
        self._break(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._HIDDEN and self.hidden:
            self.hidden -= 1
        if tag == "blockquote" and self.cited:
            self.cited.pop()
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.out.append(re.sub(r"\s+", " ", data))

    def _break(self, tag: str) -> None:
        if tag in self._LINES:
            self.out.append("\n> " if any(self.cited[-50:]) else "\n")
        elif tag in ("td", "th"):
            self.out.append("\u2003")  # a wide blank: the columns of a table stay apart


def html_text(html: str) -> str:
    """The visible text of HTML, with the limits of the body."""
    parser = _Text()
    with contextlib.suppress(Exception):  # the stdlib parser asserts on some declarations; what was read counts
        parser.feed(html[: 4 * MAX_TEXT])
        parser.close()
    lines = (
        line.strip("\u2003 \t").replace("\xa0", " ").replace("\u2003", "    ")
        for line in "".join(parser.out)[:MAX_TEXT].split("\n")
    )
    return re.sub(r"\n{3,}", "\n\n", "\n".join("" if line == ">" else line for line in lines)).strip()


_FORWARD_SUBJECT = re.compile(r"(?i)\s*(fwd?|tr|teruskan|diteruskan)\s*:")
_FORWARD = re.compile(
    r"(?i)[\s*_>-]{0,40}(begin forwarded message|forwarded message|pesan yang diteruskan|pesan terusan|"
    r"pesan diteruskan|awal pesan yang diteruskan)\b"
)
_ORIGINAL = re.compile(r"(?i)\s*-{2,20}\s{0,3}(original message|original appointment|pesan asli)\s{0,3}-{2,20}\s*$")
_FROM = re.compile(r"(?i)[\s*_]{0,9}(from|dari)[*_]?\s?:")
_BLOCK = (
    re.compile(r"(?i)[\s*_]{0,9}(sent|date|dikirim|tanggal)[*_]?\s?:"),
    re.compile(r"(?i)[\s*_]{0,9}(to|kepada|ke)[*_]?\s?:"),
    re.compile(r"(?i)[\s*_]{0,9}(subject|perihal|subjek|hal)[*_]?\s?:"),
)
_OPENERS = ("on ", "pada ")
_CLOSERS = ("wrote:", "menulis:")


def split_quotes(text: str, forwarded: bool = False) -> tuple[str, str]:
    """(own text, quoted text). Linear. Forwarded text is own text, since a request may be forwarded.

    `forwarded`: the subject says so; then a block of header lines opens forwarded text, not a quote.
    """
    lines = text.split("\n")
    own: list[str] = []
    quoted: list[str] = []
    index = 0
    while index < len(lines):
        line = lines[index]
        if not line.startswith(">") and (_FORWARD.match(line[:120]) or (forwarded and _is_block(lines, index))):
            own += lines[index:]
            break
        if _ORIGINAL.match(line[:120]) or _is_block(lines, index):
            quoted += lines[index:]
            break
        length = _attribution(lines, index)
        if length:
            quoted += lines[index : index + length]
            index += length
            if not _next(lines, index).lstrip().startswith(">"):
                quoted += lines[index:]
                break
            continue
        (quoted if line.lstrip().startswith(">") else own).append(line)
        index += 1
    return "\n".join(own).strip(), "\n".join(quoted).strip()


def _is_block(lines: list[str], index: int) -> bool:
    """A From line that is followed by Sent, To and Subject lines, as Outlook writes above a quote."""
    if not _FROM.match(lines[index][:60]):
        return False
    near = [line[:60] for line in lines[index + 1 : index + 8]]
    return all(any(pattern.match(line) for line in near) for pattern in _BLOCK)


def _attribution(lines: list[str], index: int) -> int:
    """How many lines "On ... wrote:" takes here; 0 for none. Mailers fold it over up to three."""
    if not lines[index][:10].lstrip().lower().startswith(_OPENERS):
        return 0
    for length, line in enumerate(lines[index : index + 3], 1):
        if len(line) > 400 or not line.strip():
            return 0
        if line.rstrip().lower().endswith(_CLOSERS):
            return length
    return 0


def _next(lines: list[str], index: int) -> str:
    return next((line for line in lines[index : index + 4] if line.strip()), "")


def _links(text: str) -> tuple[str, ...]:
    """URLs of online storage, in order, at most 50."""
    found: dict[str, None] = {}
    for url in re.findall(r"(?i)https?://[^\s<>\"']{1,2000}", text):
        url = url.replace("&amp;", "&").rstrip(".,;:!?)]}")
        try:
            host = (urlsplit(url).hostname or "").lower()
        except ValueError:
            continue
        if any(host == store or host.endswith("." + store) for store in STORES):
            found[clean(url)] = None
    return tuple(found)[:50]
