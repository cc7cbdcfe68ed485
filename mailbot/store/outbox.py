"""Outgoing mail: rendered once, frozen, unique by (key, kind, seq) (IN-50)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from mailbot.model import Outgoing
from mailbot.replies.guard import Sent
from mailbot.store import iso
from mailbot.store import tables as t

LEASE = dt.timedelta(minutes=15)  # longer than any hand-over; after it a mail in the state sending counts as cut off
RECEIPTS = ("receipt", "minimal", "duplicate")
UNASKED = (*RECEIPTS, "out_of_scope")  # what the machine says to anybody who writes


# What every mail asks is built once: building a statement costs six times its execution on SQLite.
_TO, _ROBOTIC = t.outgoing.c.recipient == bindparam("to"), t.outgoing.c.kind.in_(UNASKED)
_IN_A_DAY = select(func.count()).where(_TO, t.outgoing.c.created_at > bindparam("day"), _ROBOTIC).correlate(None)
_SENT = select(  # in the order of `Sent`; the last hour is looked through once
    func.count().filter(_TO),
    _IN_A_DAY.scalar_subquery(),
    func.count().filter(t.outgoing.c.recipient.like(bindparam("domain"))),
    func.count(),
    func.count().filter(t.outgoing.c.created_at > bindparam("minute")),
).where(t.outgoing.c.created_at > bindparam("hour"), _ROBOTIC)
_ADDED = {
    "sqlite": sqlite.insert(t.outgoing).on_conflict_do_nothing().returning(t.outgoing.c.id),
    "postgresql": postgresql.insert(t.outgoing).on_conflict_do_nothing().returning(t.outgoing.c.id),
}
_UNDELIVERABLE = select(t.undeliverable.c.address).where(t.undeliverable.c.address == bindparam("address"))
_DUE = (
    select(t.outgoing)
    .where(t.outgoing.c.state.in_(("pending", "deferred")), t.outgoing.c.due_at <= bindparam("now"))
    .order_by(t.outgoing.c.due_at, t.outgoing.c.id)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_CHANGED = update(t.outgoing).where(t.outgoing.c.id == bindparam("this"))


class TakenOver(Exception):
    """A hand-over that was frozen beyond its lease: another process may have begun it anew."""


def add(tx: Connection, case_id: int | None, mail: Outgoing, now: dt.datetime) -> int | None:
    """The new row's id; None where the same reply is there already."""
    values = {
        "case_id": case_id, "key": mail.key, "kind": mail.kind, "seq": mail.seq, "header_id": mail.message_id,
        "recipient": mail.recipient, "data": mail.data, "state": "pending", "created_at": iso(now),
        "due_at": iso(now), "attempts": 0, "answer": "",
    }  # fmt: skip
    added = tx.execute(_ADDED[tx.dialect.name], values).scalar()
    return None if added is None else int(added)


def sent_counts(tx: Connection, recipient: str, now: dt.datetime) -> Sent:
    """Automatic replies so far, for the limits of MAIL.md 2.4."""
    starts = {name: iso(now - dt.timedelta(minutes=m)) for name, m in (("minute", 1), ("hour", 60), ("day", 1440))}
    asked = {**starts, "to": recipient, "domain": "%@" + recipient.rpartition("@")[2]}
    return Sent(*tx.execute(_SENT, asked).one())


def seconds_since(
    tx: Connection, references: tuple[str, ...], received_at: dt.datetime, now: dt.datetime
) -> float | None:
    """Seconds between our newest automatic reply among these ids and a mail's arrival; None: it references none (R17).

    Where the server's clock says that it came before our reply, that clock is wrong and ours counts.
    """
    if not references:
        return None
    query = select(func.max(t.outgoing.c.created_at)).where(t.outgoing.c.header_id.in_(references[:50]))
    text = tx.scalar(query.where(t.outgoing.c.kind.in_(UNASKED)))
    if not text:
        return None
    replied = dt.datetime.fromisoformat(text)
    return ((received_at if received_at >= replied else now) - replied).total_seconds()


def sent_in_thread(tx: Connection, case_id: int, now: dt.datetime) -> int:
    """Receipts of a case within the last 24 h."""
    start = iso(now - dt.timedelta(hours=24))
    query = select(func.count()).where(t.outgoing.c.case_id == case_id, t.outgoing.c.created_at > start)
    return int(tx.scalar(query.where(t.outgoing.c.kind.in_(RECEIPTS))) or 0)


def claim(tx: Connection, now: dt.datetime) -> Row[Any] | None:
    """The next due mail, marked as sending for `LEASE`; None: nothing due. Commit before the hand-over begins."""
    row = tx.execute(_DUE, {"now": iso(now)}).first()
    if row:
        values = {"state": "sending", "attempts": row.attempts + 1, "answer": "", "due_at": iso(now + LEASE)}
        tx.execute(_CHANGED, {"this": row.id, **values})
    return row


def stage(tx: Connection, outgoing_id: int, attempts: int, word: str) -> None:
    """How far hand-over number `attempts` has come; only the last stage is written down. TakenOver: it must not go on."""
    mine = (*_handover(outgoing_id, attempts), t.outgoing.c.state == "sending")
    if tx.execute(update(t.outgoing).where(*mine).values(answer=word)).rowcount != 1:
        raise TakenOver(f"mail {outgoing_id}: attempt {attempts} counts as cut off")


def finish(
    tx: Connection, outgoing_id: int, attempts: int, state: str, answer: str, due_at: dt.datetime, now: dt.datetime
) -> bool:
    """The outcome of hand-over number `attempts`; False where another one began or ended since: nothing is stored.

    `now` becomes sent_at of a sent mail, and of an ambiguous one that may have been sent.
    """
    values: dict[str, Any] = {"state": state, "answer": answer[:500], "due_at": iso(due_at)}
    if state in ("sent", "ambiguous"):
        values["sent_at"] = iso(now)
    mine = (*_handover(outgoing_id, attempts), t.outgoing.c.state.in_(("sending", "ambiguous")))
    return tx.execute(update(t.outgoing).where(*mine).values(**values)).rowcount == 1


def _handover(outgoing_id: int, attempts: int) -> tuple[ColumnElement[bool], ...]:
    return t.outgoing.c.id == outgoing_id, t.outgoing.c.attempts == attempts


def claim_ambiguous(tx: Connection, now: dt.datetime, next_look: dt.datetime) -> Row[Any] | None:
    """The next ambiguous mail that is to be looked for; its next look is set at once, so that a crash only delays it."""
    due = (t.outgoing.c.state == "ambiguous") & (t.outgoing.c.due_at <= iso(now))
    row = tx.execute(
        select(t.outgoing).where(due).order_by(t.outgoing.c.due_at).limit(1).with_for_update(skip_locked=True)
    ).first()
    if row:
        tx.execute(update(t.outgoing).where(t.outgoing.c.id == row.id).values(due_at=iso(next_look)))
    return row


def repeat(tx: Connection, outgoing_id: int, now: dt.datetime) -> None:
    """The one repetition of an ambiguous hand-over (IN-52)."""
    values = {"state": "pending", "due_at": iso(now), "repeats": 1}
    tx.execute(update(t.outgoing).where(t.outgoing.c.id == outgoing_id).values(**values))


# ------------------------------------------------------------------ what people do


def undelivered(tx: Connection) -> list[Row[Any]]:
    """Failed, ambiguous and deferred mail, for people; oldest first."""
    query = select(t.outgoing).where(t.outgoing.c.state.in_(("failed", "ambiguous", "deferred")))
    return list(tx.execute(query.order_by(t.outgoing.c.id)))


def retry_now(tx: Connection, now: dt.datetime, ids: tuple[int, ...] = ()) -> int:
    """Undelivered mail is due at once, with all its attempts again; without ids all of it but what is ambiguous. How many."""
    states = ("failed", "ambiguous", "deferred") if ids else ("failed", "deferred")
    change = update(t.outgoing).where(t.outgoing.c.state.in_(states))
    change = change.where(t.outgoing.c.id.in_(ids)) if ids else change.where(t.outgoing.c.bounced == "")
    return tx.execute(change.values(state="pending", due_at=iso(now), attempts=0)).rowcount


def cancel(tx: Connection, ids: tuple[int, ...]) -> int:
    """Mail that has not left never leaves; how many."""
    open_ = t.outgoing.c.state.in_(("pending", "deferred", "failed", "ambiguous"))
    return tx.execute(update(t.outgoing).where(t.outgoing.c.id.in_(ids), open_).values(state="cancelled")).rowcount


def last_sent(tx: Connection) -> str | None:
    found: str | None = tx.scalar(select(func.max(t.outgoing.c.sent_at)).where(t.outgoing.c.state == "sent"))
    return found


def oldest_waiting(tx: Connection) -> str | None:
    """When the oldest mail that has not left was written."""
    waiting_states = ("pending", "sending", "deferred", "ambiguous")
    found: str | None = tx.scalar(
        select(func.min(t.outgoing.c.created_at)).where(t.outgoing.c.state.in_(waiting_states))
    )
    return found


# ------------------------------------------------------------------ lists


def everything(tx: Connection) -> list[Row[Any]]:
    return list(tx.execute(select(t.outgoing).order_by(t.outgoing.c.id)))


def of_case(tx: Connection, case_id: int) -> list[Row[Any]]:
    return list(tx.execute(select(t.outgoing).where(t.outgoing.c.case_id == case_id).order_by(t.outgoing.c.id)))


def kinds_for(tx: Connection, key: str) -> list[str]:
    return list(tx.scalars(select(t.outgoing.c.kind).where(t.outgoing.c.key == key).order_by(t.outgoing.c.id)))


def waiting(tx: Connection) -> bool:
    """Mail that could be handed over now or is just being handed over."""
    query = select(t.outgoing.c.id).where(t.outgoing.c.state.in_(("pending", "sending"))).limit(1)
    return tx.scalar(query) is not None


def interrupted(tx: Connection, now: dt.datetime) -> list[Row[Any]]:
    """Mails whose hand-over was cut off. On PostgreSQL others may be at it: those whose lease is over."""
    query = select(t.outgoing).where(t.outgoing.c.state == "sending")
    if tx.dialect.name == "postgresql":
        query = query.where(t.outgoing.c.due_at < iso(now)).with_for_update(skip_locked=True)
    return list(tx.execute(query))


def next_seq(tx: Connection, key: str, kind: str) -> int:
    """For mails that a person sends: the same kind may go out more than once for one incoming mail."""
    query = select(func.max(t.outgoing.c.seq)).where(t.outgoing.c.key == key, t.outgoing.c.kind == kind)
    return int(tx.scalar(query) or 0) + 1


# ------------------------------------------------------------------ delivery reports (MAIL.md 2.6)


def with_header_id(tx: Connection, header_id: str) -> Row[Any] | None:
    return tx.execute(select(t.outgoing).where(t.outgoing.c.header_id == header_id)).first()


def again(tx: Connection, outgoing_id: int, status: str, due_at: dt.datetime) -> None:
    """The mailbox was full: once more later, the identical bytes."""
    values = {"state": "deferred", "bounced": status, "due_at": iso(due_at), "created_at": iso(due_at)}
    tx.execute(update(t.outgoing).where(t.outgoing.c.id == outgoing_id).values(**values))


def bounced(tx: Connection, outgoing_id: int, status: str, diagnostic: str) -> None:
    values = {"state": "failed", "bounced": status, "answer": diagnostic[:500]}
    tx.execute(update(t.outgoing).where(t.outgoing.c.id == outgoing_id).values(**values))


def note_undeliverable(tx: Connection, address: str, status: str, now: dt.datetime) -> None:
    if not is_undeliverable(tx, address):
        tx.execute(t.undeliverable.insert().values(address=address, status=status, at=iso(now)))


def is_undeliverable(tx: Connection, address: str) -> bool:
    return tx.scalar(_UNDELIVERABLE, {"address": address}) is not None


def forget_undeliverable(tx: Connection, address: str) -> bool:
    """A person has asked by telephone: the address works again."""
    return tx.execute(t.undeliverable.delete().where(t.undeliverable.c.address == address)).rowcount == 1
