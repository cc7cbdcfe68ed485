"""Accuracy of reading single pages: values, second readings and marks, per degradation.

`--split tune` shows the pages that rules may be tuned on, `--split test` (the default) pages that nobody tuned on.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from benchmarks.made import papers
from mailbot.model import Attachment, Mark, PageReading
from mailbot.parsers import opening, scans

_SWAPS = str.maketrans("OoQDlI|!SBZ", "00001111582")
COLUMNS = ("nip", "hp", "email")
MARKS = ("kop", "ttd", "stempel")


def value(text: str) -> str:
    """A NIP or phone as digits, an address in lower case; both without blanks."""
    text = re.sub(r"\s", "", text)
    if "@" in text or sum(c.isdigit() for c in text) < 8:
        return text.lower()
    return re.sub(r"\D", "", re.sub(r"^N[I1l]P", "", text.split(":")[-1]).translate(_SWAPS))


def kind(text: str) -> str | None:
    if re.fullmatch(r"\d{18}", text):
        return "nip"
    if re.fullmatch(r"08\d{8,11}", text):
        return "hp"
    return "email" if re.fullmatch(r"[a-z0-9._]+@[a-z0-9.]+\.(com|id)", text) else None


def pairs(page: PageReading) -> Iterable[tuple[str, str]]:
    """(first, second) reading of each place that was read twice."""
    for second in page.seconds:
        left, top, right, bottom = second.box
        words = [w.text for line in page.lines for w in line.words
                 if left - 0.002 <= (w.box[0] + w.box[2]) / 2 <= right + 0.002
                 and top - 0.002 <= (w.box[1] + w.box[3]) / 2 <= bottom + 0.002]  # fmt: skip
        yield value("".join(words)), value(second.text)


def _seen(mark: Mark) -> bool:
    return mark.state == "seen"


def score(paper: papers.Paper, page: PageReading, name: str, counts: Counter[str], notes: list[str]) -> None:
    _score_values(paper, page, name, counts, notes)
    real = (paper.kop, bool(paper.signature), bool(paper.stamp))
    for which, drawn, mark in zip(MARKS, real, (page.kop, page.tanda_tangan, page.stempel), strict=True):
        counts[f"{which} real"] += drawn
        counts[f"{which} hit"] += drawn and _seen(mark)
        counts[f"{which} false"] += _seen(mark) and not drawn
        if drawn != _seen(mark):
            what = "missed" if drawn else "false"
            notes.append(f"{name}: {what} {which} ({mark.state} {mark.confidence:.2f}) {paper.kind} {paper.traps}")


def _score_values(paper: papers.Paper, page: PageReading, name: str, counts: Counter[str], notes: list[str]) -> None:
    truth = {"nip": paper.nips, "hp": paper.phones, "email": paper.emails}
    every = {v for values in truth.values() for v in values}
    found = list(pairs(page))
    texts = ["".join(line.text for line in cell.lines) for table in page.tables for cell in table.cells]
    texts += [line.text for line in page.lines]
    plain = [re.sub(r"\s", "", text).translate(_SWAPS).lower() for text in texts]
    for which, values in truth.items():
        counts[which] += len(values)
        first = {v for v in values if any(v.translate(_SWAPS).lower() in text for text in plain)}
        counts[f"{which} first"] += len(first)
        counts[f"{which} agreed"] += sum((v, v) in found for v in values)
        notes += [f"{name}: {which} {v} not read" for v in values - first]
    for first_text, second_text in found:
        if first_text == second_text and kind(first_text) and first_text not in every:
            counts["wrong"] += 1
            notes.append(f"{name}: AGREED ON {first_text}, which is not there")


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}" if whole else "-"


def row(name: str, counts: Counter[str], pages: int) -> None:
    cells = [
        f"{_percent(counts[f'{c} first'], counts[c])}/{_percent(counts[f'{c} agreed'], counts[c])}" for c in COLUMNS
    ]
    for mark in MARKS:
        hit, false = counts[f"{mark} hit"], counts[f"{mark} false"]
        cells.append(f"{_percent(hit, hit + false)}/{_percent(hit, counts[f'{mark} real'])}")
    print(f"{name:11}{pages:5}{counts['turned']:7}" + "".join(f"{c:>13}" for c in cells) + f"{counts['wrong']:7}")


def _attachments(first: int, count: int, profiles: list[str], folder: Path) -> list[tuple[str, int, Attachment]]:
    made = []
    for profile in profiles:
        for offset in range(count):
            seed = first + papers.PROFILES.index(profile) * 1_000 + offset
            file = papers.degraded(papers.paper(seed).pixels, profile, seed)
            path = folder / hashlib.sha256(file.data).hexdigest()
            path.write_bytes(file.data)
            made.append((profile, seed, Attachment(path.name, file.type, path.name, len(file.data), str(path))))
    return made


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="bench pages")
    parser.add_argument("--split", choices=("tune", "test"), default="test")
    parser.add_argument("--count", type=int, default=12, help="pages per degradation")
    parser.add_argument("--profiles", nargs="*", default=papers.PROFILES, choices=papers.PROFILES)
    parser.add_argument("--notes", action="store_true", help="name every page where something was wrong")
    options = parser.parse_args(argv)
    opening.warm()
    totals: dict[str, Counter[str]] = {}
    notes: list[str] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        first = papers.TEST if options.split == "test" else 0
        made = _attachments(first, options.count, list(options.profiles), Path(name))
        for (profile, seed, _), reading in zip(made, scans.read_files([m[2] for m in made]), strict=True):
            counts = totals.setdefault(profile, Counter())
            page = reading.pages[0]
            counts["turned"] += (page.rotation != 0) != (profile == "turned")
            score(papers.paper(seed), page, f"{profile} {seed}", counts, notes)
    heads = [f"{c} %" for c in COLUMNS] + [f"{mark} P/R" for mark in MARKS]
    print(f"{'scan':11}{'pages':>5}{'misrot':>7}" + "".join(f"{h:>13}" for h in heads) + f"{'wrong':>7}")
    for profile, counts in totals.items():
        row(profile, counts, options.count)
    for label, group in (("in colour", papers.COLOUR), ("all", papers.PROFILES)):
        chosen = [totals[p] for p in group if p in totals]
        row(label, sum(chosen, Counter()), options.count * len(chosen))
    print("values: exact in the first reading / agreed by both engines; wrong: agreed upon, but not true")
    print("\n".join(notes) if options.notes else "")
    return 0
