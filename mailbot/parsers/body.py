"""What a person wrote: text in its charset, HTML as text, quotes apart, links to stores."""

from __future__ import annotations

import contextlib
import re
from html.parser import HTMLParser
from urllib.parse import urlsplit

from mailbot.parsers.headers import clean, decode_text
from mailbot.parsers.leaves import MAX_TEXT, Leaf

STORES = (
    "drive.google.com", "docs.google.com", "dropbox.com", "onedrive.live.com", "onedrive.com", "1drv.ms",
    "sharepoint.com", "s.id", "bit.ly", "we.tl", "wetransfer.com", "mediafire.com",
)  # fmt: skip


def read(texts: list[Leaf], forwarded: bool) -> tuple[str, str, tuple[str, ...]]:
    """(own text, quoted text, links) of the text parts. `forwarded`: as `split_quotes` takes it."""
    html = [decode_text(leaf.data[: 4 * MAX_TEXT], leaf.charset) for leaf in texts if leaf.declared == "text/html"]
    own, quoted = split_quotes(_text(texts, html), forwarded)
    return own, quoted, _links("\n".join([own, *html]))


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


FORWARD_SUBJECT = re.compile(r"(?i)\s*(fwd?|tr|teruskan|diteruskan)\s*:")
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
