"""Messages, where they lie, and what could not be taken in."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import ColumnElement, Connection, Row, Table, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mailbot.model import Attachment, Case, Evidence, Guard, Location, RawMessage, Submission, Verdict
from mailbot.store import iso
from mailbot.store import tables as t

EVIDENCE, VERDICT = TypeAdapter(Evidence), TypeAdapter(Verdict)
UNPARSED, UNREAD = "FILE-RUSAK", "reading failed"  # problems of a message, besides those of its fetching
MAX_FAILURES = 3
MAX_BEGUN = 20  # so often may the process die at a mail (kills, power cuts) before the mail is taken for the cause
SET_ASIDE = (t.quarantine.c.due_at == "") & (
    (t.quarantine.c.failures >= MAX_FAILURES) | (t.quarantine.c.attempts >= MAX_BEGUN)
)
# What every mail asks is built once: building a statement costs six times its execution on SQLite.
_PLACE = ("account", "folder", "uidvalidity", "uid")
_FAILED = select(t.quarantine).where(*(t.quarantine.c[key] == bindparam(key) for key in _PLACE))
_TRIED = {
    "sqlite": sqlite.insert(t.quarantine).on_conflict_do_nothing().returning(t.quarantine.c.attempts),
    "postgresql": postgresql.insert(t.quarantine).on_conflict_do_nothing().returning(t.quarantine.c.attempts),
}
_LINKED = t.location.insert()
_SETTLED = t.quarantine.delete().where(*(t.quarantine.c[key] == bindparam(key) for key in _PLACE))
_UID = select(t.location.c.uid).where(*(t.location.c[key] == bindparam(key) for key in _PLACE))
_SET_ASIDE_UID = (
    select(t.quarantine.c.uid)
    .where(*(t.quarantine.c[key] == bindparam(key) for key in _PLACE))
    .where(SET_ASIDE | (t.quarantine.c.due_at > bindparam("now")))
)
_COPY = (
    select(t.message.c.id)
    .where((t.message.c.content == bindparam("content")) | (t.message.c.semantic == bindparam("semantic")))
    .order_by(t.message.c.id)
    .limit(1)
)
_SAME_ID = select(t.message.c.id).where(t.message.c.header_id == bindparam("header_id")).limit(1)
_ANSWERED = (
    select(t.message.c.id)
    .where(*(t.message.c[key] == bindparam(key) for key in ("header_id", "sender", "subject", "files")))
    .where(t.message.c.stored_at > bindparam("start"), t.message.c.policy.in_(("reply", "minimal")))
    .limit(1)
)
_HOLDS = (
    select(t.message.c.case_id)
    .where(t.message.c.files == bindparam("held"), t.message.c.case_id.is_not(None))
    .order_by(t.message.c.id.desc())
    .limit(1)
)
_BEFORE, _BEFORE_OF_NOBODY = (
    select(*(part.scalar_subquery() for part in (_COPY, _SAME_ID, _ANSWERED, _HOLDS.where(sender))))
    for sender in (t.message.c.sender == bindparam("sender"), t.message.c.sender.is_(None))
)
_ADDED = t.message.insert().returning(t.message.c.id)


@dataclass(frozen=True, slots=True)
class Stored:
    """A message row, as the stages after intake need it."""

    id: int
    content: str
    semantic: str
    header_id: str | None
    sender: str | None
    subject: str
    received_at: dt.datetime
    state: str
    guard: Guard
    case_id: int | None
    round: int
    problem: str | None


@dataclass(frozen=True, slots=True)
class Before:
    """What the database knows of a mail at the door.

    `copy`: the message of which it is the same mail again (keys C and S of IN-20). `same_id`: another mail came with its Message-ID
    (remarkable, never a key). `answered`: the same mail but for its Date was answered by the machine within 24 h (MAIL.md 2.4).
    `case`: the one that already holds exactly these files from this sender.
    """

    copy: int | None
    same_id: bool
    answered: bool
    case: int | None


# ------------------------------------------------------------------ attempts and quarantine


def known_uids(
    tx: Connection, account: str, folder: str, uidvalidity: int, now: dt.datetime, only: str | None = None
) -> set[str]:
    """UIDs that need no fetch: stored, set aside after their last failure, or to be tried later. `only`: ask for this one."""
    if only is not None:
        asked = {"account": account, "folder": folder, "uidvalidity": uidvalidity, "uid": only}
        return {*tx.scalars(_UID, asked), *tx.scalars(_SET_ASIDE_UID, {**asked, "now": iso(now)})}
    found: set[str] = set()
    for table in (t.location, t.quarantine):
        query = select(table.c.uid).where(
            table.c.account == account, table.c.folder == folder, table.c.uidvalidity == uidvalidity
        )
        if table is t.quarantine:
            query = query.where(SET_ASIDE | (table.c.due_at > iso(now)))
        found |= set(tx.scalars(query))
    return found


def due_again(tx: Connection, account: str, folder: str, now: dt.datetime) -> bool:
    """A mail that failed before is to be tried again now."""
    q = t.quarantine.c
    query = select(q.uid).where(q.account == account, q.folder == folder, ~SET_ASIDE, q.due_at <= iso(now))
    return tx.scalar(query.limit(1)) is not None


def attempt(tx: Connection, at: Location, now: dt.datetime) -> int:
    """Counts an attempt before it begins (IN-34); the failures so far. If the process dies at it, the other mails go first."""
    first = {**_location(at), "attempts": 1, "error": "", "due_at": iso(now)}
    if tx.execute(_TRIED[tx.dialect.name], first).first():
        return 0
    row = tx.execute(_FAILED, _location(at)).one()
    begun = row.attempts + 1
    due_at = iso(now + dt.timedelta(seconds=5 * row.attempts)) if begun < MAX_BEGUN else ""
    tx.execute(update(t.quarantine).where(*_at(t.quarantine, at)).values(attempts=begun, due_at=due_at))
    return int(row.failures)


def forgive(tx: Connection, at: Location, error: str, again_at: dt.datetime) -> None:
    """Takes back the attempt that was just counted. A mail at which sessions end twice running lets the others go first."""
    row = tx.execute(select(t.quarantine).where(*_at(t.quarantine, at))).first()
    if row is None:
        return
    due_at = iso(again_at) if row.error else ""
    values = {"attempts": max(0, row.attempts - 1), "error": error[:500], "due_at": due_at}
    tx.execute(update(t.quarantine).where(*_at(t.quarantine, at)).values(**values))


def note_failure(tx: Connection, at: Location, error: str, path: str | None, due_at: dt.datetime | None = None) -> None:
    """`due_at`: when it is tried again; None with the last failure: set aside."""
    failures = t.quarantine.c.failures + 1
    values = {"error": error[:500], "path": path, "due_at": iso(due_at) if due_at else "", "failures": failures}
    tx.execute(update(t.quarantine).where(*_at(t.quarantine, at)).values(**values))


def release_quarantine(tx: Connection) -> int:
    """Mails set aside at intake are fetched again with the next full sweep; how many."""
    return tx.execute(t.quarantine.delete().where(SET_ASIDE)).rowcount


def quarantined(tx: Connection) -> list[Row[Any]]:
    return list(tx.execute(select(t.quarantine).where(SET_ASIDE)))


# ------------------------------------------------------------------ identity


def link(tx: Connection, at: Location, message_id: int) -> None:
    tx.execute(_LINKED, {**_location(at), "message_id": message_id})
    tx.execute(_SETTLED, _location(at))


def copy_of(tx: Connection, content: str, semantic: str) -> int | None:
    """The message of which this is the same mail again (keys C and S of IN-20)."""
    return tx.scalar(_COPY, {"content": content, "semantic": semantic})


def before(tx: Connection, content: str, semantic: str, mail: Submission, now: dt.datetime) -> Before:
    """In one look: a statement costs more than what it asks for."""
    files = _files(mail)
    asked = {
        "content": content, "semantic": semantic, "header_id": mail.message_id or None, "sender": mail.sender, "subject": mail.subject,
        "files": files, "held": files if mail.attachments else None, "start": iso(now - dt.timedelta(hours=24)),
    }  # fmt: skip
    copy, same_id, answered, case = tx.execute(_BEFORE_OF_NOBODY if mail.sender is None else _BEFORE, asked).one()
    return Before(copy, same_id is not None, answered is not None, case)


def add(tx: Connection, raw: RawMessage, semantic: str, mail: Submission, guard: Guard, case: Case | None, state: str,
        problem: str | None, now: dt.datetime, channel: str = "email") -> int:  # fmt: skip
    values = {
        "content": raw.sha256, "semantic": semantic, "header_id": mail.message_id, "sender": mail.sender,
        "sender_name": mail.sender_name[:200], "subject": mail.subject, "files": _files(mail), "size": raw.size,
        "received_at": iso(raw.received_at), "stored_at": iso(now), "channel": channel, "state": state,
        "policy": guard.policy, "rules": " ".join(guard.rules), "case_id": case.id if case else None,
        "round": case.round if case else 1, "problem": problem,
    }  # fmt: skip
    return int(tx.execute(_ADDED, values).scalar_one())


def _files(mail: Submission) -> str:
    return json.dumps(sorted(a.sha256 for a in mail.attachments))


def case_of_references(tx: Connection, references: tuple[str, ...]) -> int | None:
    """Newest reference first: our own mails, then mails of the thread that we hold."""
    for reference in references:
        for table in (t.outgoing, t.message):
            query = select(table.c.case_id).where(table.c.header_id == reference, table.c.case_id.is_not(None))
            if found := tx.scalar(query.order_by(table.c.id.desc()).limit(1)):
                return int(found)
    return None


# ------------------------------------------------------------------ reading and verdict


def get(tx: Connection, message_id: int) -> Stored:
    return _stored(tx.execute(select(t.message).where(t.message.c.id == message_id)).one())


def everything(tx: Connection) -> list[Stored]:
    return [_stored(r) for r in tx.execute(select(t.message).order_by(t.message.c.id))]


def of_case(tx: Connection, case_id: int) -> list[Row[Any]]:
    """Newest first; those of the case it was split from too."""
    query = select(t.message).where(_belongs(case_id)).order_by(t.message.c.id.desc())
    return list(tx.execute(query))


def _belongs(case_id: int) -> ColumnElement[bool]:
    parent = select(t.case_file.c.split_from).where(t.case_file.c.id == case_id).scalar_subquery()
    return (t.message.c.case_id == case_id) | (t.message.c.case_id == parent)


def at_uid(tx: Connection, uid: str) -> tuple[int | None, bool]:
    """The message at a location's uid, and whether that was its first location."""
    found = tx.scalar(select(t.location.c.message_id).where(t.location.c.uid == uid))
    first = select(t.location.c.uid).where(t.location.c.message_id == found).order_by(t.location.c.uid)
    return found, found is not None and tx.scalar(first) == uid


def with_header_id(tx: Connection, header_id: str) -> Stored | None:
    row = tx.execute(select(t.message).where(t.message.c.header_id == header_id).order_by(t.message.c.id)).first()
    return _stored(row) if row else None


def arrival(tx: Connection, semantic: str) -> dt.datetime | None:
    """When the mail with this key S reached its mailbox."""
    text = tx.scalar(select(t.message.c.received_at).where(t.message.c.semantic == semantic).limit(1))
    return dt.datetime.fromisoformat(text) if text else None


def evidence(tx: Connection, message_id: int) -> Evidence | None:
    text = tx.scalar(select(t.message.c.evidence).where(t.message.c.id == message_id))
    return EVIDENCE.validate_json(text) if text else None


def newest_evidence(tx: Connection, case_id: int) -> Evidence | None:
    """What was read of the newest mail of a case."""
    query = select(t.message.c.evidence).where(_belongs(case_id), t.message.c.evidence.is_not(None))
    text = tx.scalar(query.order_by(t.message.c.id.desc()).limit(1))
    return EVIDENCE.validate_json(text) if text else None


def verdict(tx: Connection, message_id: int) -> Verdict | None:
    text = tx.scalar(select(t.message.c.verdict).where(t.message.c.id == message_id))
    return VERDICT.validate_json(text) if text else None


def save_reading(
    tx: Connection, message_id: int, found: Evidence, attachments: Iterable[Attachment], seconds: float = 0
) -> None:
    values = {"evidence": EVIDENCE.dump_json(found).decode(), "state": "read", "read_ms": round(seconds * 1000)}
    tx.execute(update(t.message).where(t.message.c.id == message_id).values(**values))
    tx.execute(t.attachment.delete().where(t.attachment.c.message_id == message_id))
    rows = [
        {"message_id": message_id, "seq": seq, "name": a.name, "type": a.type, "sha256": a.sha256, "size": a.size,
         "inside": a.inside, "problem": a.problem}
        for seq, a in enumerate(attachments, 1)
    ]  # fmt: skip
    if rows:
        tx.execute(t.attachment.insert(), rows)


def attachments(tx: Connection, case_id: int) -> list[Row[Any]]:
    """All attachments of a case in the order they came; columns of `attachment` and the round."""
    query = select(t.attachment, t.message.c.round).join(t.message, t.message.c.id == t.attachment.c.message_id)
    return list(tx.execute(query.where(_belongs(case_id)).order_by(t.message.c.id, t.attachment.c.seq)))


def save_verdict(tx: Connection, message_id: int, found: Verdict, state: str = "judged") -> None:
    values = {"verdict": VERDICT.dump_json(found).decode(), "state": state}
    tx.execute(update(t.message).where(t.message.c.id == message_id).values(**values))


def set_state(tx: Connection, message_id: int, state: str, problem: str | None = None) -> None:
    tx.execute(update(t.message).where(t.message.c.id == message_id).values(state=state, problem=problem))


def move_to_case(tx: Connection, message_ids: Iterable[int], case_id: int, number: int) -> None:
    """For merging and splitting: the messages become round `number` of another case."""
    where = t.message.c.id.in_(list(message_ids))
    tx.execute(update(t.message).where(where).values(case_id=case_id, round=number))


def reading_seconds(tx: Connection, message_id: int) -> float:
    return int(tx.scalar(select(t.message.c.read_ms).where(t.message.c.id == message_id)) or 0) / 1000


def unanswered_by_limits(tx: Connection, since: dt.datetime) -> list[str]:
    """Numbers of the cases whose mail since then got no receipt because of the limits (R18), and has none by now."""
    m, c, o = t.message.c, t.case_file.c, t.outgoing.c
    held = m.rules.like("%R18%") & (m.policy == "hold") & (m.stored_at > iso(since))
    answered = select(o.id).where(o.key == m.semantic, o.kind.in_(("receipt", "minimal", "duplicate"))).exists()
    query = select(c.number).join(t.message, m.case_id == c.id).where(held, ~answered).order_by(m.id)
    return list(dict.fromkeys(tx.scalars(query)))


def unreadable_in_a_row(tx: Connection, count: int, since: dt.datetime) -> bool:
    """The last `count` mails that were to be read all failed at it, the newest since then."""
    m = t.message.c
    read = select(m.state, m.problem, m.stored_at).where(m.state.not_in(("ignored", "duplicate")))
    rows = tx.execute(read.order_by(m.id.desc()).limit(count)).all()
    failed = [r for r in rows if r.state == "quarantined" and r.problem in (UNPARSED, UNREAD)]
    return len(failed) == count and failed[0].stored_at > iso(since)


def shortest_delay(tx: Connection, since: dt.datetime) -> float | None:
    """Seconds between a mail's arrival at the server and its intake here, the least since then; None: no mail.

    What lay in the mailbox at first contact does not count.
    """
    m, first = t.message.c, select(func.min(t.mailbox_state.c.first_at)).scalar_subquery()
    rows = tx.execute(select(m.received_at, m.stored_at).where(m.stored_at > iso(since), m.received_at > first))
    parse = dt.datetime.fromisoformat
    return min(((parse(r.stored_at) - parse(r.received_at)).total_seconds() for r in rows), default=None)


def count(tx: Connection) -> int:
    return int(tx.scalar(select(func.count()).select_from(t.message)) or 0)


def _location(at: Location) -> dict[str, Any]:
    return {"account": at.account, "folder": at.folder, "uidvalidity": at.uidvalidity, "uid": at.uid}


def _at(table: Table, at: Location) -> list[ColumnElement[bool]]:
    return [table.c[key] == value for key, value in _location(at).items()]


def _stored(r: Row[Any]) -> Stored:
    guard = Guard(r.policy, tuple(r.rules.split()))
    return Stored(r.id, r.content, r.semantic, r.header_id, r.sender, r.subject,
                  dt.datetime.fromisoformat(r.received_at), r.state, guard, r.case_id, r.round, r.problem)  # fmt: skip
