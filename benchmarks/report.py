"""`scripts/bench report`: draws docs/gambar/ukur-*.svg from docs/figures/*.json and writes the tables into docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks import _figures, _plots

DOCS = Path(__file__).parents[1] / "docs"
BEGIN, END = "<!-- scripts/bench report writes from here -->\n", "<!-- to here -->\n"
Run = dict[str, Any]
Plot = tuple[str, str, list[list[str]]]  # title, SVG, table with its head

GROWING = ("a mail taken in", "a minute's tick", "page: desk", "page: a case", "page: search, common word", "page: trail",
           "page: figures")  # fmt: skip


def growth(run: Run) -> Plot:
    """All rows in the table; in the plot those that stand for the others."""
    rows = run["rows"]
    sizes = sorted({row["cases"] for row in rows})
    cpu = {
        name: [_of(rows, name, size)["cpu"] for size in sizes] for name in dict.fromkeys(row["what"] for row in rows)
    }
    places = [f"{size:,}" for size in sizes]
    engine = "PostgreSQL" if "postgresql" in run["command"] else "SQLite"
    shown = {name.removeprefix("page: "): cpu[name] for name in GROWING if name in cpu}
    title = f"Cost by number of cases, {engine}"
    table = [["", *places, "ratio, last : first"]]
    table += [[name, *(f"{v:.2f}" for v in values), f"{values[-1] / values[0]:.2f}"] for name, values in cpu.items()]
    return title, _plots.lines(title, "ms of CPU, service and database sessions, median", places, shown, "cases"), table


def _of(rows: list[Run], name: str, size: int) -> Run:
    return next(row for row in rows if row["what"] == name and row["cases"] == size)


def reading(run: Run) -> Plot:
    rows = run["rows"]
    title = "Reading a page"
    table = [["", "CPU s a page", "against tesseract", "wall s a page"]]
    table += [[r["what"], f"{r['cpu']:.3f}", f"{r['ratio']:.2f}", f"{r['wall']:.3f}"] for r in rows]
    return title, _plots.bars(title, "seconds of CPU", {r["what"]: r["cpu"] for r in rows}), table


def workers(run: Run) -> Plot:
    rows = run["rows"]
    title = "Workers, each on a core of its own"
    made = {f"{r['workers']} worker{'s' if r['workers'] > 1 else ''}": r["pages a minute"] for r in rows}
    table = [[*rows[0]], *([str(v) for v in r.values()] for r in rows)]
    return title, _plots.bars(title, "pages a minute", made), table


def plan(run: Run) -> Plot:
    rows = run["rows"]
    title = "Workers needed, by the queueing model"
    offices = [str(r["offices"]) for r in rows]
    needed = {name: [r[name] for r in rows] for name in ("usual day", "January")}
    table = [[*rows[0]], *([str(v) for v in r.values()] for r in rows)]
    return (
        title,
        _plots.lines(title, "workers: 95 % of the scans read within 15 minutes", offices, needed, "offices"),
        table,
    )


def receipt(run: Run) -> Plot:
    """How long the k-th quickest share of the requesters waited."""
    rows = run["rows"]
    where = "Dovecot and SMTP" if "--imap" in run["command"] else "folder"
    title = f"Receipt while scans wait to be read, {where}"
    shares = range(0, 101, 5)
    waited = {row["way"]: [_quantile(row["seconds"], share) for share in shares] for row in rows}
    table = [["", "mails", "p50, s", "p95, s", "longest, s"]]
    table += [
        [r["way"], str(len(r["seconds"])), *(f"{_quantile(r['seconds'], q):.2f}" for q in (50, 95, 100))] for r in rows
    ]
    places = [f"{share} %" if share % 25 == 0 else "" for share in shares]
    return title, _plots.lines(title, "seconds from mailbox to receipt", places, waited, "of the mails"), table


def _quantile(ordered: list[float], share: int) -> float:
    return ordered[round((len(ordered) - 1) * share / 100)]


PLOTS: dict[str, Callable[[Run], Plot]] = {
    "growth-sqlite": growth, "growth-postgresql": growth, "reading": reading, "workers": workers, "plan": plan,
    "receipt-folder": receipt, "receipt-imap": receipt,
}  # fmt: skip


def drawn() -> Iterator[tuple[str, Run, Plot]]:
    """What was saved, in the order of PLOTS."""
    for name, plot in PLOTS.items():
        file = _figures.FOLDER / f"{name}.json"
        if file.exists():
            run = json.loads(file.read_text())
            yield name, run, plot(run)


def section() -> str:
    parts = []
    for name, run, (title, _, table) in drawn():
        made = f"`{run['command']}`, {run['date']}, {run['cores']} cores ({run['cpu']}), load {run['load']}."
        head, *rows = (f"| {' | '.join(cells)} |" for cells in table)
        parts.append(f"### {title}\n{made}\n\n![{title}](gambar/ukur-{name}.svg)\n\n{head}\n"
                     + f"|{'---|' * len(table[0])}\n" + "".join(f"{row}\n" for row in rows))  # fmt: skip
    return "\n".join(parts)


def main(argv: list[str]) -> int:
    argparse.ArgumentParser(prog="scripts/bench report", description=__doc__).parse_args(argv)
    for name, _, (_, svg, _) in drawn():
        (DOCS / "gambar" / f"ukur-{name}.svg").write_text(svg)
    page = DOCS / "benchmarks.md"
    before, rest = page.read_text().split(BEGIN)
    page.write_text(before + BEGIN + section() + END + rest.split(END)[1])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
