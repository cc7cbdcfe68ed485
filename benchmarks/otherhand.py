"""`scripts/bench otherhand`: letters written by another hand than the demo's, read by `mailbot check --json`, against what is on the paper.

tests/otherhand/{dev,held} hold one mail or bare document per submission and its truth as JSON (README.md there). The failures of
`dev` are printed; of `held` only figures, so that nobody tunes to it.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailbot.model import FIELDS

SET = Path(__file__).parent.parent / "tests" / "otherhand"
NOW = "2026-03-16T09:00:00+07:00"  # all letters are of the first months of 2026
SPLITS = ("dev", "held")
Truth = dict[str, Any]
Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tally:
    """Right ones of all of one kind of item, with a line for each wrong one."""

    what: str
    right: int
    total: int
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Result:
    """One submission: what `check` said against the truth."""

    name: str
    split: str
    want: str
    allow: tuple[str, ...]
    got: str
    tallies: tuple[Tally, ...]
    codes: tuple[str, ...]  # "-SK-NAMA": must be there; "+SK-NAMA": must not
    found: tuple[str, ...]  # codes of class certain or unsure, as given
    seconds: float

    @property
    def false_complete(self) -> bool:
        return self.got == "complete" and "complete" not in self.allow

    @property
    def needless_return(self) -> bool:
        return self.got == "incomplete" and "incomplete" not in self.allow

    @property
    def wrong_in_complete(self) -> bool:
        """A case that no person would look at, with a person's value read wrongly."""
        return self.got == "complete" and any(t.wrong for t in self.tallies if t.what in ("nip", "field"))


def submissions(split: str) -> list[Path]:
    """The mails and bare documents of one half, each with its truth beside it."""
    return sorted(p for p in (SET / split).iterdir() if p.suffix != ".json" and p.with_suffix(".json").exists())


def read(paths: list[Path]) -> Iterator[Record]:
    """What `mailbot check --json` says of each, in its order."""
    command = [sys.executable, "-m", "mailbot.cli", "check", "--json", "--now", NOW, *map(str, paths)]
    with subprocess.Popen(command, cwd=SET.parent.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for line in process.stdout:
            yield json.loads(line)
    if process.returncode:
        raise SystemExit(f"mailbot check ended with {process.returncode}")


def compare_all(paths: list[Path]) -> list[Result]:
    by_name = {p.name: p for p in paths}
    results = [compare(by_name[record["path"]], record) for record in read(paths)] if paths else []
    return sorted(results, key=lambda r: r.name)


def compare(path: Path, record: Record) -> Result:
    truth: Truth = json.loads(path.with_suffix(".json").read_text("utf-8"))
    found = tuple(f["code"] for f in record["findings"] if f["class"] != "note")
    said = {f["code"] for f in record["findings"]}
    codes = [f"-{c}" for c in truth.get("must", ()) if c not in said] + [
        f"+{c}" for c in truth.get("must_not", ()) if c in said
    ]
    tallies = (kinds(record, truth), letter(record, truth), *people(record, truth), *marks(record, truth))
    return Result(path.stem, path.parent.name, truth["verdict"], tuple(truth["allow"]), record["verdict"], tallies,
                  tuple(codes), found, record["seconds"])  # fmt: skip


def tally(what: str, items: Iterable[tuple[bool, str]]) -> Tally:
    rows = list(items)
    return Tally(what, sum(ok for ok, _ in rows), len(rows), tuple(line for ok, line in rows if not ok))


# ------------------------------------------------------------------ documents


def _of_page(record: Record, file: str, page: int) -> Record | None:
    return next((d for d in record["documents"] if d["file"] == file and page in d["pages"]), None)


def kinds(record: Record, truth: Truth) -> Tally:
    """The kind of each page."""

    def rows() -> Iterator[tuple[bool, str]]:
        for document in truth.get("documents", ()):
            for page in document["pages"]:
                found = _of_page(record, document["file"], page)
                kind = found["kind"] if found else None
                yield kind == document["kind"], f"kind {document['file']} p{page}: {kind}, is {document['kind']}"

    return tally("kind", rows())


def marks(record: Record, truth: Truth) -> tuple[Tally, Tally]:
    """Marks that are there in colour (a person need not look), and marks that are not there (never "seen")."""
    there: list[tuple[bool, str]] = []
    absent: list[tuple[bool, str]] = []
    for document in truth.get("documents", ()):
        found = _of_page(record, document["file"], document["pages"][0])
        for name, is_there in document.get("marks", {}).items():
            state = found["marks"][name]["state"] if found else "no document"
            line = f"mark {document['file']} p{document['pages'][0]} {name}: {state}"
            if is_there:
                there.append((state == "seen", line))
            else:
                absent.append((state != "seen", line + ", is not there"))
    return tally("mark there", there), tally("mark absent", absent)


def letter(record: Record, truth: Truth) -> Tally:
    """Number and date exactly; addressee and office must contain the words given."""

    def rows() -> Iterator[tuple[bool, str]]:
        for name, want in truth.get("letter", {}).items():
            got = record["letter"][name]
            same = (
                plain(want) in plain(got or "") if name in ("tujuan", "instansi") else plain(want) == plain(got or "")
            )
            yield same, f"letter {name}: {got!r}, is {want!r}"

    return tally("letter", rows())


# ------------------------------------------------------------------ persons


def plain(text: str) -> str:
    """Letters and digits only: spaces and points differ by convention, characters do not."""
    return re.sub(r"[\W_]+", "", text.casefold())


def _value(person: Record, name: str) -> str | None:
    found = person.get(name)
    return found["value"] if isinstance(found, dict) else found


def _same(name: str, got: str | None, want: str | None) -> bool:
    if got is None or want is None:
        return got == want
    return got.casefold() == want.casefold() if name in ("nip", "email", "telepon") else plain(got) == plain(want)


def _partner(want: Truth, left: list[Record]) -> Record:
    """The person found that is most like the one wanted; an empty one if nothing fits."""
    scored = [
        (sum(_same(n, _value(p, n), want[n]) for n in ("nip", "nama", "email", "telepon") if want.get(n)), -i)
        for i, p in enumerate(left)
    ]
    best = max(scored, default=(0, 0))
    if best[0] == 0:
        return left.pop(0) if len(left) == 1 else {}
    return left.pop(-best[1])


def people(record: Record, truth: Truth) -> tuple[Tally, Tally, Tally]:
    """NIP exactness, exactness of the other fields with role and action, and persons that nobody asked for."""
    left = list(record["persons"])
    nips: list[tuple[bool, str]] = []
    fields: list[tuple[bool, str]] = []
    for want in truth.get("persons", ()):
        got = _partner(want, left)
        for name in (n for n in (*FIELDS, "peran", "tindakan") if n in want):
            value = _value(got, name)
            row = _same(name, value, want[name]), f"{want['nama']} {name}: {value!r}, is {want[name]!r}"
            (nips if name == "nip" else fields).append(row)
    left = left if "persons" in truth else []  # nothing is known of the persons
    extra = [(False, f"person nobody asked for: {_value(p, 'nama')!r} {_value(p, 'nip')!r}") for p in left]
    return tally("nip", nips), tally("field", fields), tally("extra", extra)


# ------------------------------------------------------------------ report


def show(result: Result) -> None:
    mark = (
        "FALSE COMPLETE"
        if result.false_complete
        else "NEEDLESS RETURN"
        if result.needless_return
        else ""
        if result.got in result.allow
        else "not allowed"
    )
    print(f"{result.name:<28} {result.want:<12} {result.got:<12} {mark:<15} {' '.join(result.found)}")
    for line in (*(f"code {c}" for c in result.codes), *(w for t in result.tallies for w in t.wrong)):
        print(f"    {line}")


def _ratio(results: list[Result], what: str) -> str:
    tallies = [t for r in results for t in r.tallies if t.what == what]
    right, total = sum(t.right for t in tallies), sum(t.total for t in tallies)
    return f"{right}/{total}" + (f" {right / total:.1%}" if total else "")


def figures(results: list[Result]) -> list[tuple[str, str]]:
    whole = [r for r in results if r.want == "complete"]
    return [
        ("submissions", str(len(results))),
        ("verdict allowed", str(sum(r.got in r.allow for r in results))),
        ("verdict as wanted", str(sum(r.got == r.want for r in results))),
        ("false completes", str(sum(r.false_complete for r in results))),
        ("completes with a wrong value", str(sum(r.wrong_in_complete for r in results))),
        ("needless returns", str(sum(r.needless_return for r in results))),
        ("passes (complete when all is there)", f"{sum(r.got == 'complete' for r in whole)}/{len(whole)}"),
        ("NIP exact", _ratio(results, "nip")),
        ("fields, role, action exact", _ratio(results, "field")),
        ("persons nobody asked for", str(sum(len(t.wrong) for r in results for t in r.tallies if t.what == "extra"))),
        ("letter facts", _ratio(results, "letter")),
        ("kinds per page", _ratio(results, "kind")),
        ("marks there, seen", _ratio(results, "mark there")),
        ("marks absent, not seen", _ratio(results, "mark absent")),
        ("codes as they must be", f"{sum(not r.codes for r in results)}/{len(results)}"),
        ("seconds per submission", f"{sum(r.seconds for r in results) / max(1, len(results)):.1f}"),
    ]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench otherhand", description=__doc__)
    parser.add_argument("--split", choices=(*SPLITS, "all"), default="all")
    parser.add_argument("--only", default="", help="names beginning so")
    asked = parser.parse_args(argv)
    splits = SPLITS if asked.split == "all" else (asked.split,)
    paths = [p for s in splits for p in submissions(s) if p.name.startswith(asked.only)]
    results = compare_all(paths)
    for result in results:
        if result.split == "dev":
            show(result)
    columns = [(s, dict(figures([r for r in results if r.split == s]))) for s in splits]
    print(f"\n{'':<38}" + "".join(f"{s:>16}" for s, _ in columns))
    for row in dict(figures([])):
        print(f"{row:<38}" + "".join(f"{values[row]:>16}" for _, values in columns))
    return 1 if any(r.false_complete for r in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
