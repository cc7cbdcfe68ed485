"""Pages of `mailbot check --html`: the scans with the places of everything that was found, so that a person sees why."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

from mailbot.model import FIELDS, Attachment
from mailbot.parsers.child import ChildFailed
from mailbot.parsers.picture import PICTURED, picture

STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 0; color: #1b1f24; background: #f4f5f7 }
header { padding: 14px 22px; background: #fff; border-bottom: 1px solid #d8dce2 } h1 { font-size: 19px; margin: 0 0 4px }
main { display: grid; grid-template-columns: minmax(340px, 30%) 1fr; gap: 18px; padding: 18px 22px }
.card { background: #fff; border: 1px solid #d8dce2; border-radius: 8px; padding: 12px 16px; margin-bottom: 14px }
.complete { color: #116329 } .incomplete { color: #a40e26 } .review { color: #8a4b00 }
table { border-collapse: collapse; width: 100%; font-size: 14px } td { padding: 3px 6px 3px 0; vertical-align: top; overflow-wrap: anywhere }
td:first-child { color: #57606a; white-space: nowrap; overflow-wrap: normal } li.certain { color: #a40e26 } li.unsure { color: #8a4b00 } li.note { color: #57606a }
figure { margin: 0 0 18px; background: #fff; border: 1px solid #d8dce2; border-radius: 8px; padding: 8px } figcaption { color: #57606a; font-size: 13px; padding: 4px }
svg { width: 100%; height: auto; display: block } rect { fill: none; stroke-width: 3 } text { font: 15px sans-serif; paint-order: stroke; stroke: #fff; stroke-width: 4px }
.field { stroke: #0a58ca } .field-t { fill: #0a58ca } .doubt { stroke: #d9480f } .doubt-t { fill: #d9480f } .mark { stroke: #2b8a3e } .mark-t { fill: #2b8a3e }
"""


def write(folder: Path, record: dict[str, Any], attachments: tuple[Attachment, ...], number: int) -> Path:
    """One page for one message; `attachments` must still lie at their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", Path(record["path"]).name)[:80]
    target = folder / f"{number:04d}-{name}.html"
    figures = "".join(_figures(record, attachments))
    body = f"<main><div>{_findings(record)}{_persons(record)}{_documents(record)}</div><div>{figures or '<p>Tidak ada halaman.</p>'}</div></main>"
    target.write_text(_page(record["path"], f"{_header(record)}{body}"), "utf-8")
    return target


def index(folder: Path, pages: list[tuple[Path, dict[str, Any]]]) -> None:
    rows = "".join(
        f'<tr><td><a href="{escape(p.name)}">{escape(r["path"])}</a></td><td class="{r["verdict"]}">{r["verdict"]}</td>'
        f"<td>{escape(', '.join(f['code'] for f in r['findings']))}</td></tr>"
        for p, r in pages
    )
    (folder / "index.html").write_text(
        _page("mailbot check", f"<main><div class=card><table>{rows}</table></div></main>"), "utf-8"
    )


def _page(title: str, body: str) -> str:
    return f'<!doctype html><html lang="id"><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>{body}'


def _header(r: dict[str, Any]) -> str:
    kinds = ", ".join(r["reply"]["kinds"]) or "tanpa balasan"
    return f'<header><h1>{escape(r["path"])}: <span class="{r["verdict"]}">{r["verdict"]}</span></h1>{escape(str(r["case"] or "-"))} · {escape(kinds)}</header>'


def _findings(r: dict[str, Any]) -> str:
    rows = "".join(
        f'<li class="{f["class"]}">{f["code"]} {escape(str(f["about"] or f["file"] or ""))}</li>' for f in r["findings"]
    )
    return f'<div class="card"><b>Temuan</b><ul>{rows or "<li>tidak ada</li>"}</ul></div>'


def _persons(r: dict[str, Any]) -> str:
    cards = ""
    for p in r["persons"]:
        rows = "".join(f"<tr><td>{name}</td><td>{escape(p[name]['value'] or '—')}</td></tr>" for name in FIELDS)
        cards += f'<div class="card"><b>{p["tindakan"]} {p["peran"]}</b><table>{rows}</table></div>'
    return cards


def _documents(r: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td>{d['kind']}</td><td>{escape(d['file'])} hal. {', '.join(map(str, d['pages']))}</td></tr>"
        for d in r["documents"]
    )
    return f'<div class="card"><b>Dokumen</b><table>{rows}</table></div>'


def _figures(r: dict[str, Any], attachments: tuple[Attachment, ...]) -> Iterator[str]:
    by_hash = {a.sha256: a for a in attachments}
    for d in r["documents"]:
        attachment = by_hash.get(d["sha256"])
        if attachment is None or attachment.type not in PICTURED:
            continue
        for page in d["pages"]:
            yield _figure(r, d, attachment, page)


def _figure(r: dict[str, Any], d: dict[str, Any], attachment: Attachment, page: int) -> str:
    caption = f"<figcaption>{escape(d['file'])} · halaman {page} · {d['kind']}</figcaption>"
    try:
        data = picture(Path(attachment.path), attachment.type, page, 1000)
    except ChildFailed as failure:
        return f"<figure>{caption}<p>Halaman tidak dapat ditampilkan ({escape(failure.kind)}).</p></figure>"
    wide, high = _size(data)
    image = f'<image href="data:image/jpeg;base64,{base64.b64encode(data).decode()}" width="{wide}" height="{high}"/>'
    boxes = "".join(_box(b, label, css, wide, high) for b, label, css in _places(r, d, page))
    return f'<figure>{caption}<svg viewBox="0 0 {wide} {high}">{image}{boxes}</svg></figure>'


def _places(r: dict[str, Any], d: dict[str, Any], page: int) -> Iterator[tuple[list[float], str, str]]:
    doubtful = {f["code"] for f in r["findings"] if f["class"] == "unsure"}
    for p in r["persons"]:
        for name in FIELDS:
            f = p[name]
            if f["box"] and f["file"] == d["file"] and f["page"] == page:
                code = f"DATA-{name.upper().replace('_', '-')}"
                yield f["box"], name, "doubt" if any(c.startswith(code) for c in doubtful) else "field"
    for name, mark in d["marks"].items():
        if mark["box"] and mark["page"] == page and mark["state"] == "seen":
            yield mark["box"], name, "mark"


def _box(box: list[float], label: str, css: str, wide: int, high: int) -> str:
    x, y, w, h = box[0] * wide - 3, box[1] * high - 3, (box[2] - box[0]) * wide + 6, (box[3] - box[1]) * high + 6
    return (f'<rect class="{css}" x="{x:.0f}" y="{y:.0f}" width="{w:.0f}" height="{h:.0f}"/>'
            f'<text class="{css}-t" x="{x + w + 5:.0f}" y="{y + h - 4:.0f}">{escape(label)}</text>')  # fmt: skip


def _size(jpeg: bytes) -> tuple[int, int]:
    """Width and height from the frame header of a JPEG that we made ourselves."""
    at = 2
    while at < len(jpeg):
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4])
        if marker in (0xC0, 0xC1, 0xC2):
            return int.from_bytes(jpeg[at + 7 : at + 9]), int.from_bytes(jpeg[at + 5 : at + 7])
        at += 2 + length
    return 1000, 1414
