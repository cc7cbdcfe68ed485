"""Hand-written text as page readings, for tests of the understanding without OCR."""

from __future__ import annotations

from mailbot.model import FileReading, Line, Mark, PageReading, Word

SEEN = Mark("seen", 0.9, 1, (0, 0, 1, 1))


def line(text: str, top: float, left: float = 0.1) -> Line:
    """One character is one hundredth of the page wide, so blanks make columns."""
    words, at = [], 0
    for part in text.split(" "):
        if part:
            words.append(Word(part, (left + at * 0.01, top, left + (at + len(part)) * 0.01, top + 0.012), 0.9))
        at += len(part) + 1
    return Line(tuple(words))


def page(text: str, number: int = 1, *, scan: bool = True, ink: bool = True) -> PageReading:
    rows = [r for r in text.strip("\n").split("\n")]
    lines = tuple(line(r, 0.03 + i * 0.018) for i, r in enumerate(rows) if r.strip())
    marks = {"kop": SEEN, "tanda_tangan": SEEN, "stempel": SEEN} if ink else {}
    return PageReading(number, "ocr" if scan else "text", lines, quality=0.9, scan=scan, colour=True, **marks)  # type: ignore[arg-type]


def file(name: str, *pages: PageReading, type: str = "pdf") -> FileReading:
    return FileReading(name, name, type, pages)
