"""A stored mail -> evidence -> verdict over the union of the case's rounds -> what follows for the case."""

from __future__ import annotations

import datetime as dt
import functools
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from mailbot import crash, jobs
from mailbot.mailbox import keep
from mailbot.model import Attachment, Case, Evidence, Letter, Reply, Verdict
from mailbot.parsers import child, fields, opening, scans, supplement
from mailbot.parsers.indonesian import name_key
from mailbot.replies import compose
from mailbot.sop import case, clock, judge
from mailbot.store import cases, mails, outbox
from mailbot.store.mails import Stored
from mailbot.work import Opened, World, act, blob_path, pictures, put


def read(world: World, job: jobs.Job) -> None:
    with world.store.transaction() as tx:
        stored = mails.get(tx, job.subject_id)
    path = blob_path(world.blobs, stored.content)
    crash.point("read-started")
    opened = world.reader(path) if world.reader else read_blob(world, path)
    crash.point("read-opened")
    with world.store.transaction() as tx:
        mails.save_reading(tx, stored.id, opened.evidence, opened.attachments, opened.seconds)
        crash.point("read-evidence")
        if stored.case_id:
            conclude(world, tx, stored.case_id)
        jobs.done(tx, job)
        crash.point("read-commit")
    crash.point("read-committed")


def read_blob(world: World, path: Path) -> Opened:
    """Reads one mail; its attachments are kept as blobs too, so that pages and papers can show them."""
    start = time.monotonic()
    leaves = Path(tempfile.mkdtemp(prefix="leaves-", dir=world.root))
    try:
        with child.metered() as spent:
            mail = opening.open_mail(str(path), str(leaves))
            for attachment in mail.attachments:
                _keep_leaf(world, attachment)
            keep_pages = functools.partial(pictures.keep, world)
            evidence = scans.read(mail, world.today, world.settings.reading.trust_anchors, keep_pages)
        return Opened(mail.attachments, evidence, time.monotonic() - start, sum(spent))
    finally:
        shutil.rmtree(leaves, ignore_errors=True)


def _keep_leaf(world: World, attachment: Attachment) -> None:
    source = Path(attachment.path)
    if not attachment.size or not source.is_file() or blob_path(world.blobs, attachment.sha256).exists():
        return
    with source.open("rb") as handle:
        keep(iter(lambda: handle.read(1 << 20), b""), world.blobs)


def set_aside(world: World, tx: Connection, message_id: int) -> None:
    """A mail that nobody can read is a person's: quarantine entry and the case before the help desk."""
    mails.set_state(tx, message_id, "quarantined", mails.UNREAD)
    stored = mails.get(tx, message_id)
    if stored.case_id and (found := cases.get(tx, stored.case_id)).state in case.ACTIONS["tinjau"].sources:
        act(world, tx, found, "tinjau", reason="surat tidak dapat dibaca mesin")


# ------------------------------------------------------------------ conclusion


def conclude(world: World, tx: Connection, case_id: int) -> None:
    """Judges the union of the case's rounds once all its mails are read, and stores what follows."""
    cases.lock(tx, case_id)
    rows = mails.of_case(tx, case_id)
    read_rows = [r for r in rows if r.evidence]
    if not read_rows or any(r.state == "stored" for r in rows):
        return
    found = cases.get(tx, case_id)
    whole = union(tx, read_rows)
    newest = mails.get(tx, read_rows[0].id)
    verdict = _heard(judge.judge(whole, world.sop, world.today), read_rows[0])
    mails.save_verdict(tx, newest.id, verdict)
    if found.state not in case.CHECKING:
        return
    key = _letter_key(whole)
    _remember(tx, found, whole, key)
    twin = cases.same_letter(tx, found.id, key) if key else None
    if twin:
        _double(world, tx, found, twin, newest)
    else:
        _follow(world, tx, found, whole, verdict, newest)


def _heard(verdict: Verdict, newest: Row[Any]) -> Verdict:
    """An answer without files may be an objection: it is read by a person, not returned once more."""
    silent = newest.round > 1 and newest.files == "[]" and verdict.decision == "incomplete"
    return replace(verdict, decision="review") if silent else verdict


def _remember(tx: Connection, found: Case, whole: Evidence, key: str) -> None:
    names = ", ".join(p.nama.value for p in whole.persons if p.nama.value)
    cases.remember_letter(tx, found.id, whole.letter, names, key or None)
    cases.set_persons(tx, found.id, [(p, name_key(p.nama.value) if p.nama.value else "") for p in whole.persons])


def _double(world: World, tx: Connection, found: Case, twin: Case, newest: Stored) -> None:
    """The same letter came before, perhaps through another channel: the requester is pointed to the first case."""
    mails.set_state(tx, newest.id, "duplicate")
    act(world, tx, found, "duplikat", reason=f"sama dengan {twin.number}")
    if newest.guard.policy == "reply" and found.requester:
        values = {"waktu": clock.spoken(world.now(), world.hours.zone)}
        reply = Reply("duplicate", found.requester, tuple(values.items()))
        put(world, tx, replace(found, number=twin.number), reply, newest.semantic, (newest.header_id,))


def _follow(world: World, tx: Connection, found: Case, whole: Evidence, verdict: Verdict, newest: Stored) -> None:
    change = case.by_verdict(found, verdict, newest.guard, world.now(), world.due)
    cases.apply(tx, change)
    for reply in change.replies:
        if (
            reply.kind == "out_of_scope"
            and outbox.sent_counts(tx, reply.to, world.now()).day >= world.settings.limits.bare_day
        ):
            continue  # somebody who asks for nothing, again and again: a robot without headers (G6)
        filled = Reply(reply.kind, reply.to, tuple(values_of(world, whole, verdict).items()))
        put(world, tx, found, filled, newest.semantic, (newest.header_id,))


def union(tx: Connection, rows: list[Row[Any]]) -> Evidence:
    """The rounds of a case, newest first in `rows`: the newest copy of each document wins; persons are joined anew over all of it."""
    whole = Evidence()
    for row in reversed(rows):
        new = mails.evidence(tx, row.id) or Evidence()
        documents = judge.with_rounds(judge.renumbered(new.documents, row.round), whole.documents)
        letter = new.letter if any(d.kind == "surat_permohonan" for d in new.documents) else whole.letter
        # the people are those of the newest letter; without a new letter, those of the earlier round with new data
        people = new.persons if letter != whole.letter or not whole.persons else whole.persons
        if letter == whole.letter and whole.persons:
            joined = fields.join(documents, (*new.persons, *whole.persons))
            people = supplement.completed(joined, new.body, _day(row))
        texts = (*new.texts, *whole.texts)
        whole = Evidence(
            documents, people, letter or Letter(), new.body, new.subject or whole.subject, new.links, texts
        )
    return whole


def _day(row: Row[Any]) -> dt.date:
    return dt.datetime.fromisoformat(row.received_at).date()


def _letter_key(evidence: Evidence) -> str:
    nips = sorted(p.nip.value for p in evidence.persons if p.nip.value)
    number, office = evidence.letter.nomor.value, evidence.letter.instansi.value
    return "|".join((number, office or "", *nips)).lower() if number and nips else ""


def values_of(world: World, evidence: Evidence, verdict: Verdict) -> dict[str, object]:
    """What the templates of a check's result may say."""
    return {
        "waktu": clock.spoken(world.now(), world.hours.zone),
        "kekurangan": compose.defects(verdict, world.sop),
        "sudah_baik": compose.received_well(evidence.documents, verdict, world.sop),
        "tte": world.sop.accept_tte,
    }
