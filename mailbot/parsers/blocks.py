"""Label blocks in running text: "Nama : ..", "NIP : .." below each other, also across a page break."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from mailbot.model import Line, PageReading, Word
from mailbot.parsers import asking, labels
from mailbot.parsers import context as ctx
from mailbot.parsers import indonesian as ind
from mailbot.parsers.context import Context
from mailbot.parsers.labels import Labelled, text_of

_PAGE_NUMBER = re.compile(r"^\W*(?:hal(?:aman)?\.?\s*)?\d{1,3}(?:\s*(?:dari|/|of)\s*\d{1,3})?\W*$", re.I)
_GOES_ON = re.compile(r"(?::|\S,)\s*$")  # a comma that stands apart is a speck
_CONTENT = {"nip": re.compile(r"\d{3}"), "telepon": re.compile(r"\d{4}"), "email": re.compile(r"[@.]\w"),
            "pangkat_golongan": re.compile(r"[IV]{1,3}\s?[/.]|tingkat|tk|muda|penata|pembina|pengatur|\bgol", re.I)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """Words of a value and the page that they stand on."""

    words: tuple[Word, ...]
    page: PageReading


@dataclass(frozen=True, slots=True)
class Entry:
    """The values of one person as they were found, and what the text around says."""

    values: dict[str, Span]
    context: Context


@dataclass(slots=True)
class Reader:
    """Takes the lines of a document one after the other; `entries` are the persons found so far."""

    context: Context = field(default_factory=Context)
    entries: list[Entry] = field(default_factory=list)
    values: dict[str, Span] = field(default_factory=dict)
    seen: list[str] = field(default_factory=list)  # labels, also those with nothing behind them
    paragraph: list[str] = field(default_factory=list)
    running: list[tuple[Line, PageReading]] = field(default_factory=list)
    current: str | None = None
    last: Line | None = None
    left: float = 0.0
    column: float | None = None  # where values begin

    def line(self, line: Line, page: PageReading) -> None:
        for i, part in enumerate(labels.pieces(line)):
            self._line(part, page, beside=i > 0)

    def _line(self, line: Line, page: PageReading, beside: bool) -> None:
        item = labels.split(line)
        if item is not None and not (self.context.closed and item.field == "lain"):
            self._labelled(replace(item, left=self.left) if beside else item, line, page)
        elif item is None and self._unknown_label(line):
            self.current, self.last = None, line
        elif not self._continued(line, page):
            self._text(line, page)

    def heading(self, text: str) -> None:
        """Text that stands over what follows: a section row of a table, a cell across it."""
        self.paragraph.append(text)
        self._end_paragraph()

    def new_page(self) -> None:
        """A block stays open over the break; its next value need not be near the last."""
        self.last = None
        if not self.seen:
            self._end_paragraph()
            self.context = replace(self.context, closed=False)

    def end(self) -> None:
        self._close()
        self._end_paragraph()

    # -------------------------------------------------------------- steps

    def _labelled(self, item: Labelled, line: Line, page: PageReading) -> None:
        if self.paragraph:
            self._close()
            self._end_paragraph()
        if (
            self.seen
            and self.column is not None
            and abs(item.left - self.left) > 0.08
            and item.field in ("nip", "nama")
        ):
            self._close()  # another block, such as the signer's at the right
        if self._starts(item):
            self._close()
        if item.field in ("nama", "nip", "nama_nip") and not self.seen:
            self.left, self.column = item.left, None
        self.current = item.field if item.field != "lain" else None
        if self.current and (self.seen or self.current in ("nama", "nip", "nama_nip")):
            self.seen.append(self.current)
            if item.words:
                self.values.setdefault(self.current, Span(item.words, page))
                self.column = item.words[0].box[0]
        self.last = line

    def _starts(self, item: Labelled) -> bool:
        """A second "Nama" or "NIP", or a name after more than the NIP, is the next person."""
        if item.field in ("nama", "nip", "nama_nip") and item.field in self.seen:
            return True
        return item.field in ("nama", "nama_nip") and len(set(self.seen) - {"peran", "tindakan"}) > 1

    def _continued(self, line: Line, page: PageReading) -> bool:
        """A wrapped value, a wrapped label or noise inside a block; True when nothing more is to be done with the line."""
        if not self.seen or ctx.CLOSING.match(line.text) or ctx.POST.match(line.text):
            return False
        if _PAGE_NUMBER.match(line.text):
            return True
        if self.current is None or self.last is None or self.column is None:
            return False
        value = tuple(w for w in line.words if w.box[0] >= self.column - 0.02)
        rest = tuple(w for w in line.words if w.box[0] < self.column - 0.02)
        height = max(self.last.box[3] - self.last.box[1], 0.005)
        near = -0.2 * height <= line.box[1] - self.last.box[1] < 3.5 * height
        label_only = not rest or (
            rest[-1].box[2] < self.column - 0.004 and len(rest) <= 5 and abs(rest[0].box[0] - self.left) < 0.06
        )
        if (
            not near
            or not label_only
            or (value and (value[0].box[0] - self.column > 0.03 or (rest and value[0].box[0] - rest[-1].box[2] < 0.02)))
        ):
            return False
        if not value and (
            rest and (asking.actions(line.text).actions or ctx.LISTED.match(line.text) or line.text.endswith(":"))
        ):
            return False  # a heading at the margin, no second line of a label
        span = self.values.get(self.current)
        fits = _CONTENT.get(self.current)
        if value and span and (fits is None or fits.search(text_of(value))):
            self.values[self.current] = replace(span, words=span.words + value)
        elif value and not span and not rest:
            self.values[self.current] = Span(value, page)
        self.last = line
        return True

    def _unknown_label(self, line: Line) -> bool:
        """A row of the block whose label says nothing to us: its value stands behind a colon, below the other values."""
        if not self.seen or self.column is None or abs(line.words[0].box[0] - self.left) > 0.06:
            return False
        beside = pairwise(line.words)
        return any(a.text[-1:] in ":;" and abs(b.box[0] - self.column) < 0.015 for a, b in beside)

    def _text(self, line: Line, page: PageReading) -> None:
        if self.seen and not self._is_running(line):
            return  # a speck, a stamp's letters
        self._close()
        self.paragraph.append(line.text)
        self.running.append((line, page))

    def _is_running(self, line: Line) -> bool:
        text = line.text
        if ctx.CLOSING.match(text) or ctx.POST.match(text) or asking.actions(text).actions or ctx.LISTED.match(text):
            return True
        return len(text.split()) >= 4 or _GOES_ON.search(text) is not None or line.box[0] - self.left > 0.3

    def _close(self) -> None:
        """The block is over: a person, unless it is the signer's or only whom to ask."""
        values, known = self.values, set(self.seen)
        person = bool(values.get("nama") or values.get("nama_nip") or (values.get("nip") and len(known) > 1))
        if person and not (self.context.signer or self.context.contact or self.context.closed):
            self.entries.append(Entry(dict(values), self.context))
        if known & {"nama", "nip", "nama_nip"} and len(known) > 1:
            self.context = replace(self.context, signer=False, contact=False)
        self.values, self.seen, self.current, self.column = {}, [], None, None

    def _end_paragraph(self) -> None:
        if self.paragraph:
            self.entries += narrated(self.running, self.context)
            self.context = ctx.after(self.paragraph, self.context)
            self.paragraph, self.running = [], []


# ------------------------------------------------------------------ persons named in a sentence

_LEAD = re.compile(
    r"(?:(?:^|[;:]\s*|\bdan\s+|\d{3}\W+)\d{1,2}\s?[.,)]|atas\s+nama|a\.\s?n\.|\ban\.|\bsdr[i]?\.?|saudar[ai]|bapak|\bibu|\byaitu|menetapkan|menunjuk|mengangkat|memberhentikan)\s*[:.]?\s*(?:\d{1,2}\s?[.,)]?\s+)?",
    re.I,
)
_MARK = re.compile(r"[\s,;(]*\(?\b(?:dengan\s+)?NIP(?:PPK)?\b[\s.:;]*", re.I)


def narrated(lines: Sequence[tuple[Line, PageReading]], context: Context) -> Iterator[Entry]:
    """ "... atas nama Budi Santoso, S.T. NIP 1985... selaku ...": the name between a lead word and the NIP."""
    if context.signer or context.closed:
        return
    words = [(w, page) for line, page in lines for w in line.words]
    text, starts = "", []
    for word, _ in words:
        starts.append(len(text))
        text += word.text + " "
    for nip in ind.NIP_IN_TEXT.finditer(text):
        before = text[max(0, nip.start() - 90) : nip.start()]
        mark = _last(_MARK, before)
        lead = _last(_LEAD, before[: mark.start()]) if mark else None
        if mark is None or lead is None:
            continue
        offset = max(0, nip.start() - 90)
        name = _between(words, starts, offset + lead.end(), offset + mark.start())
        number = _between(words, starts, nip.start(), nip.end())
        if name and number and name[0][0].text[:1].isupper() and len(name) <= 8:
            spans = {
                "nama": Span(tuple(w for w, _ in name), name[0][1]),
                "nip": Span(tuple(w for w, _ in number), number[0][1]),
            }
            yield Entry(
                spans, ctx.after([text[max(0, nip.start() - 160) : nip.end() + 60]], replace(context, closed=False))
            )


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(iter(list(pattern.finditer(text))[-1:]), None)


def _between(
    words: Sequence[tuple[Word, PageReading]], starts: Sequence[int], begin: int, end: int
) -> list[tuple[Word, PageReading]]:
    return [
        words[i]
        for i, at in enumerate(starts)
        if at >= begin - 1 and at + len(words[i][0].text) <= end + 1 and at < end
    ]
