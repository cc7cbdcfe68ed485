"""Read-only rehearsal: any mails or bare documents -> one record per message (DESIGN.md 5). No mail leaves."""

from __future__ import annotations

import datetime as dt
import email.utils
import hashlib
import mimetypes
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from email.message import EmailMessage, Message
from email.parser import BytesHeaderParser
from email.policy import compat32
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from mailbot import config, jobs, work
from mailbot.mailbox.folder import Folder
from mailbot.model import FIELDS, Attachment, Document, Evidence, Found, Mark, Person, Verdict
from mailbot.store import cases, mails, outbox
from mailbot.work import lanes, reading, sweep

SECRET = "rehearsal"
DOCUMENTS = {".pdf", ".jpg", ".jpeg", ".png", ".tif", ".tiff", ".docx"}
PLACED = {"value": {"type": ["string", "null"]}, "confidence": {"type": "number"}, "file": {"type": ["string", "null"]},
          "page": {"type": ["integer", "null"]}, "box": {"type": ["array", "null"]}}  # fmt: skip


def mails_of(paths: list[Path], scratch: Path) -> list[tuple[str, Path]]:
    """(name, file) of every mail in the paths, oldest Date first; a bare document becomes a mail of its own."""
    found: list[tuple[str, Path]] = []
    for path in paths:
        if path.suffix.lower() in DOCUMENTS:
            found.append((path.name, _wrapped(path, scratch)))
            continue
        folder = Folder("check", path)
        for pending in folder.discover(lambda _: set()):
            raw = folder.fetch(pending, scratch)
            found.append((pending.location.uid, Path(raw.path)))
    return sorted(found, key=lambda item: (_date(item[1]), item[0]))


def _wrapped(path: Path, scratch: Path) -> Path:
    mail = EmailMessage()
    mail["From"], mail["To"] = "pemohon@dokumen.invalid", "lpse@dokumen.invalid"
    mail["Subject"], mail["Message-ID"] = (
        path.name,
        f"<{hashlib.sha256(path.read_bytes()).hexdigest()[:32]}@dokumen.invalid>",
    )
    mail.set_content("")
    main, _, sub = (mimetypes.guess_type(path.name)[0] or "application/octet-stream").partition("/")
    mail.add_attachment(path.read_bytes(), maintype=main, subtype=sub, filename=path.name)
    target = scratch / f"wrapped-{path.name}.eml"
    target.write_bytes(mail.as_bytes())
    return target


def _headers(path: Path) -> Message:
    with path.open("rb") as handle:
        return BytesHeaderParser(policy=compat32).parsebytes(handle.read(262_144))


def _date(path: Path) -> dt.datetime:
    try:
        found = email.utils.parsedate_to_datetime(str(_headers(path)["Date"]))
    except (TypeError, ValueError):
        found = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class Rehearsal:
    """One message: what `--json` prints, and its attachments as long as the generator is not asked for the next."""

    record: dict[str, Any]
    attachments: tuple[Attachment, ...]


def check(paths: list[Path], settings: config.Settings | None, now: dt.datetime) -> Iterator[Rehearsal]:
    """One record per message, in order of their Date; a bad file never stops the others. All cores read ahead.

    Without `settings` the office is whoever most of the mails are written to, at no place: letters to any LPSE are its own.
    """
    with tempfile.TemporaryDirectory(prefix="mailbot-check-") as folder:
        root = Path(folder)
        for name in ("in", "inbox", "data/blobs"):
            (root / name).mkdir(parents=True)
        found = mails_of(paths, root / "in")
        world = work.open_world(_throw_away(settings, root, found), lambda: now, SECRET)
        with ThreadPoolExecutor(os.cpu_count() or 2, "check") as pool:
            ahead = _ahead(world, [path for _, path in found], pool)
            world = replace(world, reader=lambda path: ahead[path.name].result())
            for number, (name, path) in enumerate(found):
                yield _one(world, name, path, root / "inbox" / f"{number:06d}.eml", ahead)


def _throw_away(settings: config.Settings | None, root: Path, found: list[tuple[str, Path]]) -> config.Settings:
    """The settings on folders of their own. A rehearsal at one instant says nothing about rates, so none limits it."""
    office = settings.office if settings else config.OfficeSection(name="LPSE", aliases=_addressed(found))
    most = dict.fromkeys(config.LimitsSection.model_fields, 1_000_000)
    return (settings or config.Settings()).model_copy(update={
        "office": office, "limits": config.LimitsSection(**most), "database": config.DatabaseSection(url_env=""),
        "storage": config.StorageSection(path=str(root / "data")),
        "mailbox": (config.MailboxSection(path=str(root / "inbox")),),
        "smtp": config.SmtpSection(path=str(root / "sent"))})  # fmt: skip


def _addressed(found: list[tuple[str, Path]]) -> tuple[str, ...]:
    """The address that most mails are sent to."""
    to = Counter(
        address.lower()
        for _, path in found
        for _, address in email.utils.getaddresses([str(_headers(path)["To"] or "")])
        if address
    )
    return tuple(address for address, _ in to.most_common(1))


Ahead = dict[str, Future[work.Opened]]


def _ahead(world: work.World, paths: list[Path], pool: ThreadPoolExecutor) -> Ahead:
    """Readings that have begun, by the hash of the mail; equal mails are read once."""
    hashes = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in reversed(paths)}
    return {sha256: pool.submit(reading.read_blob, world, hashes[sha256]) for sha256 in reversed(hashes)}


def _one(world: work.World, name: str, source: Path, target: Path, ahead: Ahead) -> Rehearsal:
    target.write_bytes(source.read_bytes())
    sweep.sweep_all(world)
    while jobs.busy(world.store):
        if not (lanes.work(world, "mail") or lanes.work(world, "ocr")):
            break
    with world.store.reading() as tx:
        record = _record(world, tx, name, target.name)
    future = ahead[hashlib.sha256(source.read_bytes()).hexdigest()]
    opened = None if future.exception() else future.result()
    leaves = (
        tuple(replace(a, path=str(work.blob_path(world.blobs, a.sha256))) for a in opened.attachments) if opened else ()
    )
    return Rehearsal(
        {
            **record,
            "seconds": round(opened.seconds if opened else 0, 2),
            "cpu_seconds": round(opened.cpu_seconds if opened else 0, 2),
        },
        leaves,
    )


def _record(world: work.World, tx: Connection, name: str, uid: str) -> dict[str, Any]:
    message_id, first = mails.at_uid(tx, uid)
    if message_id is None:
        return _empty(name, "quarantine")
    row = mails.get(tx, message_id)
    if not first:
        return {**_empty(name, "duplicate"), "message_id": row.header_id}
    verdict = mails.verdict(tx, message_id)
    evidence = mails.evidence(tx, message_id) or Evidence()
    found = cases.get(tx, row.case_id) if row.case_id else None
    kinds = outbox.kinds_for(tx, row.semantic)
    return {
        "path": name,
        "message_id": row.header_id,
        "case": found.number if found else None,
        "round": row.round,
        "verdict": _word(row.state, verdict),
        "reply": {"policy": row.guard.policy, "rules": list(row.guard.rules), "kinds": kinds},
        **evidence_record(evidence, verdict),
    }


def _word(state: str, verdict: Verdict | None) -> str:
    words = {"ignored": "ignore", "quarantined": "quarantine", "duplicate": "duplicate"}
    return words.get(state) or (verdict.decision if verdict else "quarantine")


def _empty(name: str, word: str) -> dict[str, Any]:
    reply = {"policy": "suppress", "rules": ["IN-20"] if word == "duplicate" else ["IN-34"], "kinds": []}
    return {"path": name, "message_id": None, "case": None, "round": 1, "verdict": word, "reply": reply,
            **evidence_record(Evidence(), None)}  # fmt: skip


def evidence_record(evidence: Evidence, verdict: Verdict | None) -> dict[str, Any]:
    letter = evidence.letter
    facts = {n: getattr(letter, n).value for n in ("nomor", "tanggal", "perihal", "tujuan", "instansi")}
    return {
        "letter": facts,
        "persons": [_person(p) for p in evidence.persons],
        "documents": [_document(d) for d in evidence.documents],
        "findings": [
            {"code": f.code, "class": f.cls, "about": f.about, "file": f.file or None, "page": f.page}
            for f in (verdict.findings if verdict else ())
        ],
    }


def _person(person: Person) -> dict[str, Any]:
    fields = {n: _found(f) for n, f in person.fields()}
    return {"peran": person.peran, "tindakan": person.tindakan, **fields}


def _found(found: Found) -> dict[str, Any]:
    box = [round(x, 4) for x in found.box] if found.box else None
    return {
        "value": found.value,
        "confidence": round(found.confidence, 3),
        "file": found.file,
        "page": found.page,
        "box": box,
    }


def _mark(mark: Mark) -> dict[str, Any]:
    box = [round(x, 4) for x in mark.box] if mark.box else None
    return {"state": mark.state, "confidence": round(mark.confidence, 3), "page": mark.page, "box": box}


def _document(d: Document) -> dict[str, Any]:
    marks = {"kop": _mark(d.kop), "tanda_tangan": _mark(d.tanda_tangan), "stempel": _mark(d.stempel)}
    tte = (
        {
            "signer": d.tte.signer,
            "signed_at": d.tte.signed_at,
            "covers_file": d.tte.covers_file,
            "intact": d.tte.intact,
            "trusted": d.tte.trusted,
        }
        if d.tte
        else None
    )
    return {"file": d.file, "sha256": d.sha256, "pages": list(d.pages), "kind": d.kind, "read_by": d.read_by,
            "marks": marks, "tte": tte, "problems": list(d.problems)}  # fmt: skip


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _list(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def schema() -> dict[str, Any]:
    """The JSON Schema of one record of `mailbot check --json`."""
    text, maybe, number = {"type": "string"}, {"type": ["string", "null"]}, {"type": "number"}
    state = {"enum": ["seen", "not_found", "cannot_judge"]}
    mark = _object(
        {
            "state": state,
            "confidence": number,
            "page": {"type": ["integer", "null"]},
            "box": {"type": ["array", "null"]},
        }
    )
    roles, actions = [*("ppk", "pokja", "pejabat_pengadaan"), None], ["pengaktifan", "penonaktifan", None]
    verdicts = ["complete", "incomplete", "review", "not_request", "duplicate", "ignore", "quarantine"]
    kinds = ["surat_permohonan", "surat_keputusan", "surat_tugas", "surat_penunjukan", "data_personal", "lain"]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_object({
        "path": text, "message_id": maybe, "case": maybe, "round": {"type": "integer"}, "verdict": {"enum": verdicts},
        "reply": _object({"policy": {"enum": ["reply", "minimal", "hold", "suppress"]}, "rules": _list(text), "kinds": _list(text)}),
        "letter": _object({n: maybe for n in ("nomor", "tanggal", "perihal", "tujuan", "instansi")}),
        "persons": _list(_object({"peran": {"enum": roles}, "tindakan": {"enum": actions}, **{n: _object(PLACED) for n in FIELDS}})),
        "documents": _list(_object({
            "file": text, "sha256": text, "pages": _list({"type": "integer"}), "kind": {"enum": kinds},
            "read_by": {"enum": ["text", "ocr", "none"]},
            "marks": _object({"kop": mark, "tanda_tangan": mark, "stempel": mark}),
            "tte": {"type": ["object", "null"]}, "problems": _list(text)})),
        "findings": _list(_object({"code": text, "class": {"enum": ["certain", "unsure", "note"]}, "about": maybe,
                                   "file": maybe, "page": {"type": ["integer", "null"]}})),
        "seconds": number, "cpu_seconds": number})}  # fmt: skip
