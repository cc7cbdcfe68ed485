"""Headers of a mail as text, in all the ways that mailers write them; nothing in them is believed."""

from __future__ import annotations

import datetime as dt
import email.utils
import quopri
import re
import unicodedata
from email.message import Message

from email_validator import EmailNotValidError, validate_email

from mailbot.parsers.runs import Cut, decoded

MAX_FIELD = 32 * 1024
MAX_NAME = 120


def raw(part: Message, name: str) -> list[str]:
    """All values of a header as text, undecoded; raw 8-bit bytes are read as UTF-8 or else cp1252."""
    return [unescape(str(value)) for key, value in part.raw_items() if key.lower() == name]


def unescape(value: str) -> str:
    if value.isascii():
        return value
    data = value.encode("utf-8", "surrogateescape")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def pairs(message: Message) -> tuple[tuple[str, str], ...]:
    """All headers in order: name in lower case, decoded value."""
    found = ((str(key).lower(), unescape(str(value))) for key, value in message.raw_items())
    return tuple((clean(key), decode_words(value)) for key, value in found)


def first(headers: tuple[tuple[str, str], ...], name: str) -> str:
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
    data = text.encode("utf-8", "replace")
    return decoded(data, Cut())[0].whole() if encoding in "bB" else quopri.decodestring(data, header=True)


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


def parameter(part: Message, header: str, name: str) -> str:
    """A header parameter in all the ways that mailers write it: RFC 2231, RFC 2047, raw 8-bit."""
    for value in raw(part, header):
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


def sender(message: Message) -> tuple[str | None, str]:
    """Address and name of the one sender; no address where there is not exactly one valid one."""
    values = raw(message, "from")
    found = email.utils.getaddresses([re.sub(r"[\r\n]+", " ", v[:MAX_FIELD]) for v in values])
    found = [pair for pair in found if pair[1]]
    name = decode_words(found[0][0])[:200] if found else ""
    if len(values) != 1 or len(found) != 1:
        return None, name
    try:
        address = validate_email(found[0][1], check_deliverability=False, strict=True)
    except (EmailNotValidError, ValueError):
        return None, name
    return address.normalized.lower(), name


def ids(value: str) -> list[str]:
    return re.findall(r"<[^<>\s@]{1,250}@[^<>\s@]{1,250}>", value[:MAX_FIELD])


def references(headers: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    answered = [i for key, value in headers if key == "in-reply-to" for i in ids(value)]
    older = [i for key, value in headers if key == "references" for i in ids(value)]
    return tuple(dict.fromkeys([*answered, *reversed(older)]))


def date(value: str) -> dt.datetime | None:
    try:
        found = email.utils.parsedate_to_datetime(value[:200])
        return (found if found.tzinfo else found.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError, IndexError):
        return None


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
