"""Papers of a case as it stands: the filled Formulir Serah Terima Berkas and the print bundle (R-09, R-10, R-12, A-18)."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from mailbot.model import BASIS_KINDS, CasePerson, Document, Evidence, Mark, Verdict
from mailbot.paper import bundle, form
from mailbot.paper.bundle import Bundle, Letter, Sheet
from mailbot.paper.form import Acted, Check, FileLine, Filing, Form, Outcome, PersonRow
from mailbot.parsers.child import ChildFailed
from mailbot.parsers.indonesian import show_nip
from mailbot.parsers.picture import PICTURED, page_count, picture
from mailbot.replies import compose
from mailbot.replies.render import safe
from mailbot.sop import clock
from mailbot.store import cases, chain, mails
from mailbot.work import World, blob_path
from mailbot.work.agency import HANDED
from mailbot.work.desk import latest
from mailbot.work.forms import kop_of, letter_line, spoken_day, spoken_time

MACHINE = "Mesin (otomatis)"
MAX_PAGES = 60  # of one attachment that the bundle prints


# ------------------------------------------------------------------ the form


def form_of(world: World, tx: Connection, case_id: int) -> Form:
    row = cases.row(tx, case_id)
    assert row is not None
    evidence, _ = latest(tx, case_id)
    people = cases.persons(tx, case_id)
    received = mails.of_case(tx, case_id)
    proof = _proof(world, received[-1]) if row.channel == "email" and received else ""
    sender = row.requester_name if row.requester_name else ""
    return Form(
        number=row.number, sop=world.sop.name, received=clock.spoken(_time(row.created_at), world.hours.zone),
        channel=row.channel, ticket=row.ticket, kinds=_kinds(people), instansi=_office(evidence, people),
        sender=safe(sender), contact=row.requester, letter=letter_line(evidence.letter.nomor.value, evidence.letter.tanggal.value),
        subject=safe(evidence.letter.perihal.value or row.subject, 160), people_count=len(people),
        files=_files(world, tx, case_id, evidence), checks=tuple(_checks(world, evidence)), fields=tuple(world.sop.fields.values()),
        people=tuple(_person(world, p) for p in people), outcomes=tuple(_outcomes(world, tx, case_id)),
        acted=tuple(_acted(world, tx, p) for p in people), filing=filing_of(world, tx, row), mail_proof=proof,
    )  # fmt: skip


def form_pdf(world: World, tx: Connection, case_id: int) -> bytes:
    return form.to_pdf(form_of(world, tx, case_id), kop_of(world), world.office.templates)


def _proof(world: World, row: Row[Any]) -> str:
    return f"tanggal {spoken_time(world, row.received_at)}" + (
        f", Message-ID {safe(row.header_id)}" if row.header_id else ""
    )


def _kinds(people: list[CasePerson]) -> frozenset[str]:
    asked = {
        ("kembali" if p.person.kembali else "baru") if p.person.tindakan == "pengaktifan" else p.person.tindakan
        for p in people
    }
    return frozenset(a for a in asked if a)


def _office(evidence: Evidence, people: list[CasePerson]) -> str:
    """Of the letter; where it names none, of the persons."""
    named = (evidence.letter.instansi.value, *(p.person.instansi.value for p in people))
    return next((n for n in named if n), "")


def _files(world: World, tx: Connection, case_id: int, evidence: Evidence) -> tuple[FileLine, ...]:
    return tuple(
        _file(world, row, [d for d in evidence.documents if d.sha256 == row.sha256])
        for row in mails.attachments(tx, case_id)
    )


def _file(world: World, row: Row[Any], documents: list[Document]) -> FileLine:
    kinds = dict.fromkeys(world.sop.kinds.get(d.kind, d.kind) for d in documents)
    pages = {n for d in documents for n in d.pages}
    return FileLine(
        safe(row.name), compose.size_of(row.size), row.sha256, ", ".join(kinds), str(len(pages) or ""), row.round
    )


def _checks(world: World, evidence: Evidence) -> list[Check]:
    """Section B as far as the machine saw it; what it cannot judge stays open for the officer's pen (R-04)."""
    letter = next((d for d in evidence.documents if d.kind == "surat_permohonan"), None)
    basis = next((d for d in evidence.documents if d.kind in world.sop.basis), None)
    others = [d for d in evidence.documents if d.kind == "lain"]
    rows = [
        Check(
            f"1. {world.sop.kinds['surat_permohonan']} kepada Kepala LPSE",
            bool(letter),
            safe(letter.file) if letter else "",
        )
    ]
    if letter:
        facts = letter.letter
        numbered = True if facts.nomor.value and facts.tanggal.value else None
        rows += [_mark("a. berkop", letter.kop), Check("b. bernomor dan bertanggal", numbered, letter_line(facts.nomor.value, facts.tanggal.value), 2),
                 _mark("c. tanda tangan", letter.tanda_tangan), _stamp(letter)]  # fmt: skip
    names = "/".join(world.sop.kinds[k] for k in BASIS_KINDS if k in world.sop.basis and k in world.sop.kinds)
    rows.append(Check(f"2. {names} yang berlaku", bool(basis), _basis(world, basis) if basis else ""))
    rows.append(Check("3. Data personal (lihat tabel di bawah)", True if evidence.persons else None))
    rows.append(
        Check("4. Berkas tambahan", bool(others) or None, ", ".join(dict.fromkeys(safe(d.file) for d in others)))
    )
    return rows


def _mark(label: str, mark: Mark) -> Check:
    notes = {
        "seen": f"terlihat (hal. {mark.page})" if mark.page else "terlihat",
        "not_found": "tidak terlihat oleh mesin; periksa lembar asli",
    }
    return Check(label, True if mark.state == "seen" else None, notes.get(mark.state, "tidak dapat dinilai mesin"), 2)


def _stamp(letter: Document) -> Check:
    if letter.tte is None:
        return _mark("d. stempel basah/TTE", letter.stempel)
    words = {True: "utuh", False: "tidak utuh", None: "belum diverifikasi"}[letter.tte.intact]
    return Check(
        "d. stempel basah/TTE",
        True if letter.tte.intact else None,
        f"TTE oleh {safe(letter.tte.signer or '-')}: {words}",
        2,
    )


def _basis(world: World, paper: Document) -> str:
    facts = paper.letter
    until = spoken_day(facts.berlaku_sampai) or (
        f"Tahun Anggaran {facts.tahun_anggaran}" if facts.tahun_anggaran else ""
    )
    return f"{world.sop.kinds[paper.kind]} {letter_line(facts.nomor.value, facts.tanggal.value)}" + (
        f"; berlaku: {until}" if until else ""
    )


def _person(world: World, one: CasePerson) -> PersonRow:
    values = dict(one.person.fields())
    ticks = tuple(bool(values[name].value) for name in world.sop.fields)
    nip = one.person.nip.value
    shown = show_nip(nip) if nip and len(nip) == 18 else nip or ""
    role = world.sop.roles.get(one.person.peran or "", "")
    return PersonRow(one.person.nama.value or "", shown, role, (one.person.tindakan or "").capitalize(), ticks)


def _outcomes(world: World, tx: Connection, case_id: int) -> list[Outcome]:
    """One per decided round, after the case's events."""
    number, found = 1, []
    for event in chain.events(tx, case_id):
        number += event.action == "lanjutkan"
        if event.action in ("lengkap", "kembalikan"):
            when = clock.spoken(_time(event.at), world.hours.zone)
            lacking = () if event.action == "lengkap" else _lacking(world, tx, case_id, number)
            found.append(
                Outcome(number, event.action == "lengkap", when, cases.name_of(tx, event.actor, MACHINE), lacking)
            )
    return found


def _lacking(world: World, tx: Connection, case_id: int, number: int) -> tuple[str, ...]:
    row = next((r for r in mails.of_case(tx, case_id) if r.round == number and r.verdict), None)
    verdict = mails.verdict(tx, row.id) if row else None
    return tuple(line for group in compose.defects(verdict or Verdict("review"), world.sop) for line in group["baris"])


def _acted(world: World, tx: Connection, one: CasePerson) -> Acted:
    name, handed = one.person.nama.value or one.person.key, one.handed_at or None
    return Acted(name, (one.person.tindakan or "").capitalize(), one.user_id, one.result, spoken_time(world, one.result_at),
                 cases.name_of(tx, one.result_by, MACHINE) if one.result_by else "", spoken_time(world, handed), name if handed else "",
                 HANDED.get(one.handed_how, ""))  # fmt: skip


def filing_of(world: World, tx: Connection, row: Row[Any]) -> Filing:
    r = world.settings.retention
    printed = cases.name_of(tx, row.printed_by, MACHINE) if row.printed_by else ""
    return Filing(
        r.code,
        r.place,
        printed,
        spoken_time(world, row.printed_at),
        f"31 Desember {kept_until(world, row.changed_at or row.created_at)[1].year}",
    )


def kept_until(world: World, closed_at: str) -> tuple[dt.date, dt.date]:
    """The end of the active and of the whole retention time, counted from the end of the year in which the case was closed."""
    r = world.settings.retention
    year = _time(closed_at).astimezone(ZoneInfo(world.hours.zone)).year
    return dt.date(year + r.active_years, 12, 31), dt.date(year + r.active_years + r.inactive_years, 12, 31)


def _time(value: str) -> dt.datetime:
    return dt.datetime.fromisoformat(value)


# ------------------------------------------------------------------ the bundle


@dataclass(frozen=True, slots=True)
class Printed:
    """The bundle to print, and the files whose original must stay beside it (name, path)."""

    pdf: bytes
    originals: tuple[tuple[str, Path], ...]


def bundle_of(world: World, case_id: int) -> Printed:
    """Reads the case first and draws afterwards: no lock is held while pages are rendered."""
    with world.store.reading() as tx:
        filled = form_of(world, tx, case_id)
        letters = [_letter(world, r) for r in reversed(mails.of_case(tx, case_id))]
        rows = mails.attachments(tx, case_id)
        evidence, _ = latest(tx, case_id)
    signed = {d.sha256 for d in evidence.documents if d.tte}
    texts = _texts(evidence)
    sheets = tuple(_sheet(world, n, row, row.sha256 in signed, texts) for n, row in enumerate(rows, 1))
    pictures = {name: data for sheet in sheets for name, data in sheet.pictures}
    made = Bundle(filled, tuple(letters), sheets)
    originals = tuple(
        (f"{n:02d}-{plain(r.name)}", blob_path(world.blobs, r.sha256))
        for n, r in enumerate(rows, 1)
        if r.sha256 in signed
    )
    return Printed(bundle.to_pdf(made, kop_of(world), pictures, world.office.templates), originals)


def _letter(world: World, row: Row[Any]) -> Letter:
    body = json.loads(row.evidence).get("body", "") if row.evidence else ""
    sender = f"{safe(row.sender_name)} <{row.sender}>" if row.sender_name else row.sender or ""
    return Letter(
        spoken_time(world, row.received_at),
        sender,
        safe(row.subject, 200),
        row.header_id or "",
        row.round,
        body[:20_000],
    )


def _texts(evidence: Evidence) -> dict[str, str]:
    """What was read of files that have no picture (docx, xlsx, text)."""
    found: dict[str, str] = {}
    for file, _, text in evidence.texts:
        found[file] = f"{found.get(file, '')}{text}\n"
    return found


def _sheet(world: World, number: int, row: Row[Any], signed: bool, texts: dict[str, str]) -> Sheet:
    """One attachment, drawn page by page in limited children; a file that cannot be drawn keeps its place with a word why."""
    path, pictures, problem = blob_path(world.blobs, row.sha256), [], ""
    if row.type in PICTURED and path.exists():
        try:
            count = page_count(path, row.type)
            for page in range(1, min(count, MAX_PAGES) + 1):
                pictures.append((f"b{number}-{page}", picture(path, row.type, page)))
            problem = f"hanya {MAX_PAGES} dari {count} halaman dicetak" if count > MAX_PAGES else ""
        except ChildFailed as failure:
            problem = failure.code or "berkas tidak dapat dibuka"
    text = "" if pictures else texts.get(row.name, "")
    if not pictures and not text:
        problem = problem or "jenis berkas ini tidak dapat dicetak; berkas asli tersimpan"
    return Sheet(
        number, safe(row.name), row.sha256, compose.size_of(row.size), row.round, signed, tuple(pictures), text, problem
    )


def plain(name: str) -> str:
    return "".join(c if c.isalnum() or c in "._-" else "_" for c in name)[:80] or "berkas"
