"""Every query: model types in, model types out. One `Store` per process; each public write is one transaction."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Engine, Row, create_engine, event, func, select, update
from sqlalchemy.exc import IntegrityError

from mailbot.model import Case, Change, Evidence, Guard, Location, Outgoing, Submission, Verdict
from mailbot.store import tables as t

EVIDENCE, VERDICT = TypeAdapter(Evidence), TypeAdapter(Verdict)
MAX_ATTEMPTS = 3


class Stale(Exception):
    """Somebody else changed the case in the meantime; nothing was stored."""


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


def iso(at: dt.datetime) -> str:
    return at.astimezone(dt.UTC).isoformat(timespec="microseconds")


def open_engine(path: Path) -> Engine:
    """SQLite as DESIGN.md 6 asks for it: WAL, synchronous=FULL, BEGIN IMMEDIATE, foreign keys on."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 60})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=60000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    t.metadata.create_all(engine)
    return engine


class Store:
    def __init__(self, path: Path) -> None:
        self.engine = open_engine(path)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        with self.engine.begin() as tx:
            yield tx

    # ---------------------------------------------------------------- intake

    def known_uids(self, account: str, folder: str, uidvalidity: int) -> set[str]:
        """UIDs that need no fetch: stored, or set aside after three failures."""
        with self.transaction() as tx:
            found: set[str] = set()
            for table in (t.location, t.quarantine):
                query = select(table.c.uid).where(
                    table.c.account == account, table.c.folder == folder, table.c.uidvalidity == uidvalidity
                )
                if table is t.quarantine:
                    query = query.where(table.c.attempts >= MAX_ATTEMPTS)
                found |= set(tx.scalars(query))
            return found

    def attempt(self, at: Location) -> int:
        """Counts an attempt before it begins (IN-34); the number so far."""
        keys = _location(at)
        with self.transaction() as tx:
            where = [t.quarantine.c[k] == v for k, v in keys.items()]
            row = tx.execute(select(t.quarantine.c.attempts).where(*where)).first()
            if row is None:
                tx.execute(t.quarantine.insert().values(**keys, attempts=1, error=""))
                return 1
            tx.execute(update(t.quarantine).where(*where).values(attempts=row[0] + 1))
            return int(row[0]) + 1

    def forgive(self, at: Location) -> None:
        """Takes back the attempt that was just counted."""
        with self.transaction() as tx:
            where = [t.quarantine.c[k] == v for k, v in _location(at).items()]
            tx.execute(update(t.quarantine).where(*where).values(attempts=t.quarantine.c.attempts - 1))

    def release_quarantine(self) -> int:
        """Mails set aside at intake are fetched again with the next poll; how many."""
        with self.transaction() as tx:
            return tx.execute(t.quarantine.delete().where(t.quarantine.c.attempts >= MAX_ATTEMPTS)).rowcount

    def note_failure(self, at: Location, error: str, path: str | None) -> None:
        with self.transaction() as tx:
            where = [t.quarantine.c[k] == v for k, v in _location(at).items()]
            tx.execute(update(t.quarantine).where(*where).values(error=error[:500], path=path))

    def quarantined(self) -> list[Row[Any]]:
        with self.transaction() as tx:
            return list(tx.execute(select(t.quarantine).where(t.quarantine.c.attempts >= MAX_ATTEMPTS)))

    def link(self, tx: Connection, at: Location, message_id: int) -> None:
        tx.execute(t.location.insert().values(**_location(at), message_id=message_id))
        tx.execute(t.quarantine.delete().where(*(t.quarantine.c[k] == v for k, v in _location(at).items())))

    def copy_of(self, tx: Connection, content: str, semantic: str) -> int | None:
        """The message of which this is the same mail again (keys C and S of IN-20)."""
        query = select(t.message.c.id).where((t.message.c.content == content) | (t.message.c.semantic == semantic))
        return tx.scalar(query.order_by(t.message.c.id).limit(1))

    def add_message(self, tx: Connection, content: str, semantic: str, mail: Submission, received_at: dt.datetime,
                    guard: Guard, case: Case | None, state: str, problem: str | None) -> int:  # fmt: skip
        row = tx.execute(t.message.insert().values(
            content=content, semantic=semantic, header_id=mail.message_id, sender=mail.sender, subject=mail.subject,
            files=json.dumps(sorted(a.sha256 for a in mail.attachments)), received_at=iso(received_at), state=state,
            policy=guard.policy, rules=" ".join(guard.rules), case_id=case.id if case else None,
            round=case.round if case else 1, problem=problem))  # fmt: skip
        return int(row.inserted_primary_key[0])

    def case_of_references(self, tx: Connection, references: tuple[str, ...]) -> Case | None:
        """Newest reference first: our own mails, then mails of the thread that we hold."""
        for reference in references:
            for table in (t.outgoing, t.message):
                found = tx.scalar(select(table.c.case_id).where(table.c.header_id == reference, table.c.case_id.is_not(None)))
                if found:
                    return self.case(tx, found)
        return None

    def case_of_number(self, tx: Connection, number: str, sender: str) -> Case | None:
        query = select(t.case_file.c.id).where(t.case_file.c.number == number, t.case_file.c.requester == sender)
        found = tx.scalar(query)
        return self.case(tx, found) if found else None

    def case_of_files(self, tx: Connection, mail: Submission) -> Case | None:
        """The case that already holds exactly these files from this sender."""
        files = json.dumps(sorted(a.sha256 for a in mail.attachments))
        if not mail.attachments:
            return None
        query = select(t.message.c.case_id).where(t.message.c.files == files, t.message.c.sender == mail.sender)
        found = tx.scalar(query.where(t.message.c.case_id.is_not(None)).order_by(t.message.c.id.desc()).limit(1))
        return self.case(tx, found) if found else None

    def new_case(self, tx: Connection, requester: str, subject: str, prefix: str, now: dt.datetime) -> Case:
        start = f"{prefix}-{now.year}-"
        count = tx.scalar(select(func.count()).where(t.case_file.c.number.startswith(start))) or 0
        number = f"{start}{count + 1:06d}"
        row = tx.execute(t.case_file.insert().values(
            number=number, state="diterima", round=1, version=1, requester=requester, subject=subject,
            created_at=iso(now)))  # fmt: skip
        return self.case(tx, int(row.inserted_primary_key[0]))

    # ---------------------------------------------------------------- cases

    def case(self, tx: Connection, case_id: int) -> Case:
        c = tx.execute(select(t.case_file).where(t.case_file.c.id == case_id)).one()
        return Case(c.id, c.number, c.state, c.round, c.version, c.requester, c.subject)

    def cases(self) -> list[Case]:
        with self.transaction() as tx:
            return [self.case(tx, i) for i in tx.scalars(select(t.case_file.c.id).order_by(t.case_file.c.id)).all()]

    def apply(self, tx: Connection, change: Change) -> None:
        """Case row and event row; refused (Stale) where the case is no longer what the decider saw."""
        done = tx.execute(
            update(t.case_file)
            .where(t.case_file.c.id == change.case_id, t.case_file.c.version == change.version)
            .where(t.case_file.c.state == change.old)
            .values(state=change.new, round=change.round, version=change.version + 1)
        )
        if done.rowcount != 1:
            raise Stale(f"case {change.case_id} was changed by somebody else; look again")
        tx.execute(t.event.insert().values(
            case_id=change.case_id, at=iso(change.at), actor=change.actor, action=change.action, old=change.old,
            new=change.new, reason=change.reason))  # fmt: skip

    def messages_of(self, tx: Connection, case_id: int) -> list[Row[Any]]:
        """Newest first."""
        query = select(t.message).where(t.message.c.case_id == case_id).order_by(t.message.c.id.desc())
        return list(tx.execute(query))

    def message(self, tx: Connection, message_id: int) -> Stored:
        return _stored(tx.execute(select(t.message).where(t.message.c.id == message_id)).one())

    def messages(self) -> list[Stored]:
        with self.transaction() as tx:
            return [_stored(r) for r in tx.execute(select(t.message).order_by(t.message.c.id))]

    def evidence(self, tx: Connection, message_id: int) -> Evidence | None:
        text = tx.scalar(select(t.message.c.evidence).where(t.message.c.id == message_id))
        return EVIDENCE.validate_json(text) if text else None

    def verdict(self, tx: Connection, message_id: int) -> Verdict | None:
        text = tx.scalar(select(t.message.c.verdict).where(t.message.c.id == message_id))
        return VERDICT.validate_json(text) if text else None

    def save_reading(self, tx: Connection, message_id: int, evidence: Evidence) -> None:
        values = {"evidence": EVIDENCE.dump_json(evidence).decode(), "state": "read"}
        tx.execute(update(t.message).where(t.message.c.id == message_id).values(**values))

    def save_verdict(self, tx: Connection, message_id: int, verdict: Verdict, state: str = "judged") -> None:
        values = {"verdict": VERDICT.dump_json(verdict).decode(), "state": state}
        tx.execute(update(t.message).where(t.message.c.id == message_id).values(**values))

    def set_message_state(self, tx: Connection, message_id: int, state: str, problem: str | None = None) -> None:
        tx.execute(update(t.message).where(t.message.c.id == message_id).values(state=state, problem=problem))

    def same_letter(self, tx: Connection, case_id: int, key: str) -> Case | None:
        """Records the case's letter key (number, instansi, NIPs) and finds an earlier open case with the same one."""
        tx.execute(update(t.case_file).where(t.case_file.c.id == case_id).values(letter_key=key))
        closed = ("ditolak", "ditarik_pemohon", "duplikat", "bukan_permohonan", "dikembalikan")
        query = select(t.case_file.c.id).where(t.case_file.c.letter_key == key, t.case_file.c.id < case_id)
        found = tx.scalar(query.where(t.case_file.c.state.not_in(closed)).limit(1))
        return self.case(tx, found) if found else None

    # ---------------------------------------------------------------- outbox

    def add_outgoing(self, tx: Connection, case_id: int | None, mail: Outgoing, now: dt.datetime) -> int | None:
        """The new row's id; None where the same reply is there already (unique key, kind, seq)."""
        try:
            with tx.begin_nested():
                row = tx.execute(t.outgoing.insert().values(
                    case_id=case_id, key=mail.key, kind=mail.kind, seq=mail.seq, header_id=mail.message_id,
                    recipient=mail.recipient, data=mail.data, state="pending", created_at=iso(now), due_at=iso(now),
                    attempts=0, answer=""))  # fmt: skip
        except IntegrityError:
            return None
        return int(row.inserted_primary_key[0])

    def sent_counts(self, tx: Connection, recipient: str, now: dt.datetime) -> tuple[int, int]:
        """Automatic replies to an address within the last hour and the last 24 h (MAIL.md 2.4)."""
        def since(hours: int) -> int:
            start = iso(now - dt.timedelta(hours=hours))
            query = select(func.count()).where(t.outgoing.c.recipient == recipient, t.outgoing.c.created_at > start)
            return int(tx.scalar(query.where(t.outgoing.c.kind.in_(("receipt", "minimal", "duplicate")))) or 0)

        return since(1), since(24)

    def sent_in_thread(self, tx: Connection, case_id: int, now: dt.datetime) -> int:
        start = iso(now - dt.timedelta(hours=24))
        query = select(func.count()).where(t.outgoing.c.case_id == case_id, t.outgoing.c.created_at > start)
        return int(tx.scalar(query.where(t.outgoing.c.kind != "incomplete")) or 0)

    def claim_outgoing(self, now: dt.datetime) -> Row[Any] | None:
        """The next due mail, marked as sending in a transaction of its own; None: nothing due."""
        with self.transaction() as tx:
            due = t.outgoing.c.state.in_(("pending", "deferred")) & (t.outgoing.c.due_at <= iso(now))
            row = tx.execute(select(t.outgoing).where(due).order_by(t.outgoing.c.due_at, t.outgoing.c.id).limit(1)).first()
            if row:
                values = {"state": "sending", "attempts": row.attempts + 1}
                tx.execute(update(t.outgoing).where(t.outgoing.c.id == row.id).values(**values))
            return row

    def finish_outgoing(self, outgoing_id: int, state: str, answer: str, due_at: dt.datetime) -> None:
        with self.transaction() as tx:
            values = {"state": state, "answer": answer[:500], "due_at": iso(due_at)}
            tx.execute(update(t.outgoing).where(t.outgoing.c.id == outgoing_id).values(**values))

    def outbox(self) -> list[Row[Any]]:
        with self.transaction() as tx:
            return list(tx.execute(select(t.outgoing).order_by(t.outgoing.c.id)))


def _location(at: Location) -> dict[str, Any]:
    return {"account": at.account, "folder": at.folder, "uidvalidity": at.uidvalidity, "uid": at.uid}


def _stored(r: Row[Any]) -> Stored:
    guard = Guard(r.policy, tuple(r.rules.split()))
    return Stored(r.id, r.content, r.semantic, r.header_id, r.sender, r.subject,
                  dt.datetime.fromisoformat(r.received_at), r.state, guard, r.case_id, r.round, r.problem)  # fmt: skip
