"""Step 9: per case a sealed package, its verification, and what the retention times propose. Nothing is ever deleted (DOMAIN.md 4.6).

The seal of a package stands in the case's chain of events: a package that was remade does not fit it any more.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from mailbot.model import Actor, Case
from mailbot.paper import bag
from mailbot.sop import case
from mailbot.sop.case import Refused
from mailbot.store import Stale, cases, chain, mails, outbox, reports, steps
from mailbot.work import World, act, blob_path, papers
from mailbot.work.desk import Seen, looked_at

ON_PAPER = "langsung"  # came as paper: that paper itself is filed


@dataclass(frozen=True, slots=True)
class Package:
    number: str
    folder: Path
    seal: str
    archived_at: dt.datetime
    archived_by: str
    of_case: bool = True


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the retention times say of a package: still active, inactive, or due for its final fate. A person decides."""

    number: str
    code: str
    phase: str  # aktif | inaktif | usul musnah | usul dinilai kembali | usul permanen
    active_until: dt.date
    kept_until: dt.date


def root(world: World) -> Path:
    folder = world.settings.retention.folder
    return Path(folder) if folder else world.root / "archive"


# ------------------------------------------------------------------ making


def archive(world: World, seen: Seen, actor: Actor) -> Case:
    """Arsipkan: the package is made first, without any lock, and put in place with the change."""
    with world.store.reading() as tx:
        row = cases.row(tx, seen.case_id)
        if row is None or row.version != seen.version:
            raise Stale(cases.who_was_faster(tx, seen.case_id))
        case.decide(cases.get(tx, row.id), "arsipkan", world.now(), actor=actor)  # refuses before the work is done
    if not row.printed_at and row.channel != ON_PAPER:
        raise Refused(f"Berkas {row.number} belum dicetak. Cetak bundelnya dan catat pencetakannya sebelum diarsipkan.")
    final = root(world) / row.created_at[:4] / row.number
    made = bag.beside(final)
    try:
        seal = bag.write(made, _content(world, seen.case_id), _info(world, row, actor))
        with looked_at(world, seen) as (tx, found):
            data = (("paket", str(final.relative_to(root(world)))), ("segel", seal))
            after = act(world, tx, found, "arsipkan", actor=actor, data=data)
            if final.exists():  # left by a run that was killed before its change was stored
                shutil.rmtree(final)
            os.replace(made, final)
            return after
    finally:
        shutil.rmtree(made, ignore_errors=True)


def _info(world: World, row: Row[Any], actor: Actor) -> dict[str, str]:
    r = world.settings.retention
    return {
        "Source-Organization": world.office.name, "External-Identifier": row.number, "Bagging-Date": world.today.isoformat(),
        "Contact-Name": actor.name, "Klasifikasi": r.code, "Lokasi-Simpan": r.place or "-",
        "Retensi": f"aktif {r.active_years} tahun, inaktif {r.inactive_years} tahun, {r.fate}", "SOP": world.sop.name,
    }  # fmt: skip


def _content(world: World, case_id: int) -> dict[str, bytes | Path]:
    """Originals, mails received and sent, papers, evidence, events."""
    printed = papers.bundle_of(world, case_id)
    with world.store.reading() as tx:
        content: dict[str, bytes | Path] = {
            "formulir/serah-terima.pdf": papers.form_pdf(world, tx, case_id),
            "formulir/bundel.pdf": printed.pdf,
        }
        for number, row in enumerate(reversed(mails.of_case(tx, case_id)), 1):
            content[f"diterima/{number:02d}.eml"] = _original(world, row.content)
            content[f"bukti/{number:02d}.json"] = _json(
                {"pembacaan": _loaded(row.evidence), "hasil": _loaded(row.verdict), "putaran": row.round}
            )
        for number, row in enumerate(mails.attachments(tx, case_id), 1):
            path = blob_path(world.blobs, row.sha256)
            if path.exists():
                content[f"lampiran/{number:02d}-{papers.plain(row.name)}"] = path
        for number, row in enumerate(outbox.of_case(tx, case_id), 1):
            content[f"dikirim/{number:02d}-{row.kind}.eml"] = row.data
        content["berkas.json"] = _json(_facts(tx, case_id))
        content["kejadian.json"] = _json([_event(e) for e in chain.events(tx, case_id)])
    return content


def _original(world: World, sha256: str) -> Path:
    path = blob_path(world.blobs, sha256)
    if not path.is_file():
        raise Refused(
            f"Email asli {sha256[:8]} tidak ada pada penyimpanan; pulihkan dari cadangan sebelum mengarsipkan."
        )
    return path


def _facts(tx: Connection, case_id: int) -> dict[str, Any]:
    row = cases.row(tx, case_id)
    assert row is not None
    return {
        "berkas": dict(row._mapping), "orang": [asdict(p) for p in cases.persons(tx, case_id)],
        "langkah": [dict(s._mapping) for s in steps.of_case(tx, case_id)],
        "verifikasi": [dict(v._mapping) for v in cases.verifications(tx, case_id)],
        "pengiriman": [{k: v for k, v in r._mapping.items() if k != "data"} for r in outbox.of_case(tx, case_id)],
    }  # fmt: skip


def _event(row: Row[Any]) -> dict[str, Any]:
    return {k: v for k, v in row._mapping.items() if k not in ("id", "case_id")}


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, default=str) + "\n").encode()


def _loaded(text: str | None) -> Any:
    return json.loads(text) if text else None


# ------------------------------------------------------------------ looking after


def packages(world: World) -> list[Package]:
    """Of the cases and of the year-end campaigns, in the order they were made."""
    with world.store.reading() as tx:
        rows = [(r.number, r) for r in reports.events_of(tx, "arsipkan")]
        rows += [("", r) for r in reports.office_events(tx, "akhir_tahun_selesai")]
    return [_package(world, number, row) for number, row in rows]


def _package(world: World, number: str, row: Row[Any]) -> Package:
    data = json.loads(row.data)
    # a case that was closed without a package is shown as one whose package is missing
    folder = root(world) / data.get("paket", f"tanpa-paket/{number}")
    return Package(
        number or folder.name, folder, data.get("segel", ""), dt.datetime.fromisoformat(row.at), row.actor, bool(number)
    )


def verify(world: World) -> Iterator[str]:
    """Every package byte by byte, every chain event by event; nothing means: in order."""
    for package in packages(world):
        yield from bag.faults(package.folder, package.seal)
        if package.of_case:
            yield from _unlike(world, package)
    yield from chains(world)
    known = {p.folder for p in packages(world)}
    strangers = {p.parent for p in root(world).glob("*/*/bagit.txt")} - known
    yield from (f"{folder.name}: paket tidak tercatat" for folder in sorted(strangers))


def _unlike(world: World, package: Package) -> Iterator[str]:
    """The events in the package against those of the database."""
    with world.store.reading() as tx:
        found = cases.with_number(tx, package.number)
        own = [e.hash for e in chain.events(tx, found.id)] if found else []
    try:
        kept = [e["hash"] for e in json.loads((package.folder / "data" / "kejadian.json").read_text("utf-8"))]
    except (OSError, ValueError, KeyError, TypeError):
        yield f"{package.number}: kejadian dalam paket tidak dapat dibaca"
        return
    if own[: len(kept)] != kept:
        yield f"{package.number}: kejadian dalam paket berbeda dengan basis data"


def chains(world: World) -> Iterator[str]:
    """Edited, removed or added events; a cut tail shows in the case's version and in the office's counter."""
    with world.store.reading() as tx:
        for found in cases.everything(tx):
            rows = chain.events(tx, found.id)
            yield from chain.faults(rows)
            if len(rows) != found.version:
                yield f"rantai {found.id} ({found.number}): {found.version} kejadian diharapkan, {len(rows)} ada"
        rows = chain.events(tx, chain.OFFICE)
        yield from chain.faults(rows)
        counted = reports.counter(tx, "chain")
        if len(rows) != counted:
            yield f"rantai kantor: {counted} kejadian diharapkan, {len(rows)} ada"
        for start, given, there in reports.numbered(tx):
            if given != there:
                yield f"{start}: {given} nomor diberikan, {there} berkas ada"


def proposals(world: World) -> list[Proposal]:
    """The daftar usul: what each package's retention time says today."""
    r = world.settings.retention
    found = []
    for package in packages(world):
        active, kept = papers.kept_until(world, package.archived_at.isoformat())
        phase = "aktif" if world.today <= active else "inaktif" if world.today <= kept else f"usul {r.fate}"
        found.append(Proposal(package.number, r.code, phase, active, kept))
    return found
