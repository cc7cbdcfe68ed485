"""How well submissions are understood and judged: generated mails with known truth through the real reading.

    scripts/bench accuracy --mails 300 --split test --cache DIR

`--degrade ideal` sends every paper as the text program made it and takes the marks as drawn: it shows the understanding
alone, without OCR. With `--cache` the readings of files are kept by their SHA-256, so a run can be resumed and a change of
rules is measured in seconds; delete the folder after a change of pages, ocr or marks.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import resource
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter
from rapidfuzz import fuzz

from benchmarks.corpus import mails
from benchmarks.corpus.truth import CorpusMail, TruePaper, TruePerson
from mailbot.model import BASIS_KINDS, FIELDS, MARKS, Attachment, Document, Evidence, FileReading, Mark, Person, Verdict
from mailbot.parsers import child, containers, indonesian, message, opening, scans
from mailbot.sop import judge, load

READING = TypeAdapter(tuple[FileReading, float])
EXACT = ("nip", "pangkat_golongan", "telepon", "email")
CLEAN = ("office300", "office200", "office150", "skewed", "sk_copy", "sk_text", "ideal")
GOOD = (
    "office300",
    "office200",
    "sk_copy",
    "sk_text",
)  # there the letter and the forms are scanned at 200 dpi or better
SEEN = Mark("seen", 1.0)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A mail with what was made of it. `cpu`: seconds for all its pages, 0 where all came from the cache."""

    mail: CorpusMail
    evidence: Evidence
    verdict: Verdict
    pages: int
    cpu: float


@dataclass(slots=True)
class Tally:
    """Counts of one degradation."""

    mails: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    kinds: int = 0
    kinds_right: int = 0
    marks: Counter[tuple[str, str]] = field(default_factory=Counter)
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    silent: int = 0
    flagged_nips: int = 0
    pages: int = 0
    cpu: float = 0.0


# ------------------------------------------------------------------ reading


def outcome(mail: CorpusMail, cache: Path | None) -> Outcome:
    with tempfile.TemporaryDirectory(prefix="accuracy-") as folder:
        raw = Path(folder) / "mail.eml"
        raw.write_bytes(mail.data)
        sent = message.read(str(raw), folder)  # our own bytes: no child is needed
        sent = replace(sent, attachments=containers.expand(sent.attachments, folder))
        unique = {a.sha256: a for a in sent.attachments if not scans.ignorable(a)}
        found = [_reading(a, cache) for a in unique.values()]
    readings = tuple(r if mail.degrade != "ideal" else _ideal(r, mail) for r, _ in found)
    evidence = scans.understand(sent, readings, mails.TODAY)
    verdict = judge.judge(evidence, load(), mails.TODAY)
    return Outcome(mail, evidence, verdict, sum(len(r.pages) for r in readings), sum(cpu for _, cpu in found))


def _reading(attachment: Attachment, cache: Path | None) -> tuple[FileReading, float]:
    kept = cache / f"{attachment.sha256}.json" if cache else None
    if kept and kept.exists():
        reading, cpu = READING.validate_json(kept.read_bytes())
        return replace(reading, file=attachment.name), cpu
    start = _cpu()
    (reading,) = scans.read_files([attachment])
    result = (reading, _cpu() - start)
    if kept:
        kept.write_bytes(READING.dump_json(result))
    return result


def _ideal(reading: FileReading, mail: CorpusMail) -> FileReading:
    """As if a perfect scanner and a perfect OCR had been at work: the marks are those of the truth."""
    digital = mail.scenario in ("typed_letter", "unfilled")
    pages = []
    for page in reading.pages:
        paper = next((p for p in mail.papers if p.file == reading.file and page.number in p.pages), None)
        marks = {m: SEEN if paper and m in paper.marks else Mark("not_found") for m in MARKS}
        scan = reading.type == "pdf" and not (digital and paper is not None and paper.kind == "surat_permohonan")
        pages.append(replace(page, scan=scan, colour=True, **marks))
    return replace(reading, pages=tuple(pages))


def _cpu() -> float:
    own = resource.getrusage(resource.RUSAGE_SELF)
    return own.ru_utime + own.ru_stime + child.usage().cpu_seconds


# ------------------------------------------------------------------ comparing


def alike(name: str, found: str | None, true: str) -> bool:
    """Numbers, golongan and addresses exactly; texts up to case, blanks and marks."""
    if found is None:
        return False
    if name in EXACT:
        return found == true
    bare = ["".join(c for c in x.lower() if c.isalnum()) for x in (found, true)]
    return bare[0] == bare[1]


def person_of(true: TruePerson, found: Sequence[Person]) -> Person | None:
    """The found person that is meant: same NIP, else the nearest name with the same action."""
    same = [p for p in found if p.nip.value == true.value("nip") and p.nip.value]
    if same:
        return same[0]
    key = indonesian.name_key(true.who.nama)
    near = [(fuzz.ratio(key, indonesian.name_key(p.nama.value or "")), p) for p in found]
    best = max(near, key=lambda n: n[0], default=(0.0, None))
    return best[1] if best[0] >= 70 else None


def wrong_fields(o: Outcome) -> list[tuple[str, str | None, str | None]]:
    """(field, true value, found value) of every value that is not as it should be; "person" where nobody was found."""
    wrong: list[tuple[str, str | None, str | None]] = []
    basis = {p.file for p in o.mail.papers if p.kind in BASIS_KINDS}
    for true in o.mail.persons:
        person = person_of(true, o.evidence.persons)
        if person is None:
            wrong.append(("person", true.who.nama, None))
            wrong += [(name, value, None) for name, value in true.fields().items() if value is not None]
            continue
        for name, value in true.fields().items():
            got = getattr(person, name)
            if value is None and got.value is not None and got.file not in basis:  # what the form lacks, the SK may say
                wrong.append((name, value, got.value))
            if value is not None and not alike(name, got.value, value):
                wrong.append((name, value, got.value))
        for name, value in (("peran", true.role), ("tindakan", true.action)):
            if getattr(person, name) != value:
                wrong.append((name, value, getattr(person, name)))
    known = [person_of(t, o.evidence.persons) for t in o.mail.persons]
    wrong += [("surplus", None, p.key) for p in o.evidence.persons if o.mail.persons and p not in known]
    return wrong


def document_of(paper: TruePaper, evidence: Evidence) -> Document | None:
    """The document that holds the paper's first page."""
    return next((d for d in evidence.documents if d.file == paper.file and paper.pages[0] in d.pages), None)


def missed_codes(o: Outcome) -> list[str]:
    said = {f.code for f in o.verdict.findings}
    return sorted(o.mail.codes - said)


def add(tally: Tally, o: Outcome) -> None:
    tally.mails += 1
    tally.pages, tally.cpu = tally.pages + o.pages, tally.cpu + o.cpu
    tally.verdicts[
        (
            o.mail.verdict if len(o.mail.accepted) == 1 or o.mail.verdict != "complete" else "complete|review",
            o.verdict.decision,
        )
    ] += 1
    for paper in o.mail.papers:
        document = document_of(paper, o.evidence)
        if document is None or "FILE-SANDI" in document.problems:
            continue
        tally.kinds += 1
        tally.kinds_right += document.kind == paper.kind and document.pages == paper.pages
        if paper.kind == "surat_permohonan":
            for mark in MARKS:
                tally.marks[(("has" if mark in paper.marks else "lacks"), getattr(document, mark).state)] += 1
    if o.mail.scenario in ("locked", "link"):
        return
    bad = wrong_fields(o)
    for true in o.mail.persons:
        tally.fields.update(name for name, value in true.fields().items() if value is not None)
    for name, _, _ in bad:
        tally.wrong[name] += 1
    tally.silent += o.verdict.decision == "complete" and any(
        name in ("nip", "email", "telepon", "person", "peran", "tindakan") for name, _, _ in bad
    )


# ------------------------------------------------------------------ report


def faults(o: Outcome) -> list[str]:
    """One line for everything about this mail that is not as it should be."""
    lines = []
    if o.verdict.decision not in o.mail.accepted or (
        o.mail.verdict == "complete" and o.verdict.decision != "complete" and len(o.mail.accepted) == 1
    ):
        why = ", ".join(f"{f.code}/{f.cls}/{f.about or ''}" for f in o.verdict.findings)
        lines.append(f"verdict {o.verdict.decision}, should be {o.mail.verdict}: {why}")
    lines += [f"kind {paper.file} {paper.pages} {paper.kind}: {(d.kind, d.pages) if (d := document_of(paper, o.evidence)) else None}"
              for paper in o.mail.papers
              if not ((d := document_of(paper, o.evidence)) and d.kind == paper.kind and d.pages == paper.pages)]  # fmt: skip
    if o.mail.scenario not in ("locked", "link"):
        lines += [f"{name}: {true!r} read as {got!r}" for name, true, got in wrong_fields(o)]
    if o.mail.codes and (missing := missed_codes(o)):
        lines.append(f"codes missing: {missing}; said {sorted({f.code for f in o.verdict.findings})}")
    return lines


def share(part: float, whole: float) -> str:
    return f"{100 * part / whole:6.1f}" if whole else "     -"


def table(tallies: dict[str, Tally]) -> Iterable[str]:
    yield (
        f"{'degradation':12}{'mails':>6}{'pages':>6}"
        + "".join(f"{n[:8]:>9}" for n in (*FIELDS, "peran", "tindakan"))
        + f"{'kinds':>8}{'silent':>7}{'cpu/page':>9}"
    )
    for name, t in tallies.items():
        whole = t.fields["nama"]
        cells = "".join(f"   {share(t.fields[n] - t.wrong[n], t.fields[n])}" for n in FIELDS)
        cells += "".join(f"   {share(whole - t.wrong[n] - t.wrong['person'], whole)}" for n in ("peran", "tindakan"))
        cpu = t.cpu / t.pages if t.pages else 0.0
        yield f"{name:12}{t.mails:6}{t.pages:6}{cells}  {share(t.kinds_right, t.kinds)}{t.silent:7}{cpu:9.2f}"
    yield ""
    yield f"{'degradation':12}{'mark recall':>12}{'precision':>10}   verdicts: true -> said"
    for name, t in tallies.items():
        seen, false = t.marks[("has", "seen")], t.marks[("lacks", "seen")]
        has = sum(n for (kind, _), n in t.marks.items() if kind == "has")
        said = ", ".join(f"{a} -> {b} {n}" for (a, b), n in sorted(t.verdicts.items()))
        yield f"{name:12}{share(seen, has):>12}{share(seen, seen + false):>10}   {said}"


def claims(outcomes: Sequence[Outcome]) -> Iterable[str]:
    """The sentences of "done when" that this run can speak about."""
    bad = [o for o in outcomes if o.verdict.decision == "complete" and "complete" not in o.mail.accepted]
    whole = [o for o in outcomes if o.mail.verdict == "complete"]
    clean = [o for o in whole if o.mail.degrade in CLEAN]
    back = [o for o in outcomes if o.verdict.decision == "incomplete" and "incomplete" not in o.mail.accepted]
    returned = [o for o in outcomes if o.mail.verdict == "incomplete"]
    yield f"judged complete that are not: {len(bad)} of {len(outcomes) - len(whole)}   {[o.mail.name for o in bad][:8]}"
    yield f"returned that should not be: {len(back)} of {len(outcomes)}   {[o.mail.name for o in back][:8]}"
    passed = sum(o.verdict.decision == "complete" for o in clean)
    yield f"clean complete mails that pass: {passed} of {len(clean)} = {share(passed, len(clean)).strip()} %"
    sent = sum(o.verdict.decision == "incomplete" for o in returned)
    yield f"certain defects that were returned by machine: {sent} of {len(returned)} = {share(sent, len(returned)).strip()} %"
    coded = [o for o in outcomes if o.mail.codes]
    yield f"expected findings present: {sum(not missed_codes(o) for o in coded)} of {len(coded)} mails"
    complete = [o for o in outcomes if o.verdict.decision == "complete"]
    wrong = Counter(name for o in complete for name, _, _ in wrong_fields(o))
    yield f"wrong values in {len(complete)} mails judged complete: {dict(wrong) or 'none'}"
    yield from _scans(outcomes)


def _scans(outcomes: Sequence[Outcome]) -> Iterable[str]:
    """Office scans of 200 dpi and better, and the marks of colour scans."""
    good, colour = Tally(), Tally()
    for o in outcomes:
        if o.mail.degrade in GOOD:
            add(good, o)
        if o.mail.degrade in CLEAN:
            add(colour, o)
    exact = (f"{n} {share(good.fields[n] - good.wrong[n], good.fields[n]).strip()}" for n in FIELDS)
    yield f"office scans of 200 dpi and better, {good.fields['nama']} persons, exact %: {', '.join(exact)}; kinds {share(good.kinds_right, good.kinds).strip()}"
    seen, false = colour.marks[("has", "seen")], colour.marks[("lacks", "seen")]
    has = sum(n for (kind, _), n in colour.marks.items() if kind == "has")
    yield f"marks of letters on clean scans: recall {share(seen, has).strip()} % of {has}, precision {share(seen, seen + false).strip()} %"


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(
        prog="accuracy", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--mails", type=int, default=20)
    options.add_argument("--from", type=int, default=0, dest="first", help="index of the first mail")
    options.add_argument("--split", choices=("dev", "test"), default="dev")
    options.add_argument("--degrade", default="", help="one profile for all mails, or ideal")
    options.add_argument("--scenario", default="")
    options.add_argument("--cache", type=Path, help="folder for readings")
    options.add_argument("--faults", action="store_true", help="list every fault of every mail")
    chosen = options.parse_args(argv)
    if chosen.cache:
        chosen.cache.mkdir(parents=True, exist_ok=True)
    opening.warm()
    tallies: dict[str, Tally] = {}
    outcomes: list[Outcome] = []
    with contextlib.suppress(KeyboardInterrupt):  # what was read so far is reported
        for index in range(chosen.first, chosen.first + chosen.mails):
            made = outcome(_mail(chosen, index), chosen.cache)
            outcomes.append(made)
            add(tallies.setdefault(made.mail.degrade, Tally()), made)
            if chosen.faults and (lines := faults(made)):
                print(f"{made.mail.name} {made.mail.scenario} {made.mail.degrade}", *lines, sep="\n    ", flush=True)
    print(f"accuracy: split {chosen.split}, mails {chosen.first} to {chosen.first + len(outcomes) - 1}")
    for line in [*table(dict(sorted(tallies.items()))), "", *claims(outcomes)]:
        print(line)
    return 1 if any(o.verdict.decision == "complete" and "complete" not in o.mail.accepted for o in outcomes) else 0


def _mail(chosen: argparse.Namespace, index: int) -> CorpusMail:
    """The mail of this index; kept beside the readings, because making it takes longer than judging it."""
    if not chosen.cache:
        return mails.mail(chosen.split, index, chosen.degrade, chosen.scenario)
    code = "".join(p.read_text("utf-8") for p in sorted(Path(mails.__file__).parent.glob("*.py")))
    key = hashlib.sha256(f"{code}{chosen.split}{index}{chosen.degrade}{chosen.scenario}".encode()).hexdigest()[:24]
    kept = chosen.cache / f"mail-{key}.json"
    adapter = TypeAdapter(CorpusMail)
    if kept.exists():
        return adapter.validate_json(kept.read_bytes())
    mail = mails.mail(chosen.split, index, chosen.degrade, chosen.scenario)
    kept.write_bytes(adapter.dump_json(mail))
    return mail
