"""Outgoing mail: rendered once, frozen, unique by (key, kind, seq) (IN-50)."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.exc import IntegrityError

from mailbot.model import Outgoing
from mailbot.store import iso
from mailbot.store import tables as t

RECEIPTS = ("receipt", "minimal", "duplicate")


def add(tx: Connection, case_id: int | None, mail: Outgoing, now: dt.datetime) -> int | None:
    """The new row's id; None where the same reply is there already."""
    try:
        with tx.begin_nested():
            row = tx.execute(t.outgoing.insert().values(
                case_id=case_id, key=mail.key, kind=mail.kind, seq=mail.seq, header_id=mail.message_id,
                recipient=mail.recipient, data=mail.data, state="pending", created_at=iso(now), due_at=iso(now),
                attempts=0, answer="").returning(t.outgoing.c.id))  # fmt: skip
            return int(row.scalar_one())
    except IntegrityError:
        return None


def sent_counts(tx: Connection, recipient: str, now: dt.datetime) -> tuple[int, int]:
    """Automatic replies to an address within the last hour and the last 24 h (MAIL.md 2.4)."""

    def since(hours: int) -> int:
        start = iso(now - dt.timedelta(hours=hours))
        query = select(func.count()).where(t.outgoing.c.recipient == recipient, t.outgoing.c.created_at > start)
        return int(tx.scalar(query.where(t.outgoing.c.kind.in_(RECEIPTS))) or 0)

    return since(1), since(24)


def sent_in_thread(tx: Connection, case_id: int, now: dt.datetime) -> int:
    """Receipts of a case within the last 24 h."""
    start = iso(now - dt.timedelta(hours=24))
    query = select(func.count()).where(t.outgoing.c.case_id == case_id, t.outgoing.c.created_at > start)
    return int(tx.scalar(query.where(t.outgoing.c.kind.in_(RECEIPTS))) or 0)


def claim(tx: Connection, now: dt.datetime) -> Row[Any] | None:
    """The next due mail, marked as sending; None: nothing due. Commit before the hand-over begins."""
    due = t.outgoing.c.state.in_(("pending", "deferred")) & (t.outgoing.c.due_at <= iso(now))
    query = select(t.outgoing).where(due).order_by(t.outgoing.c.due_at, t.outgoing.c.id).limit(1)
    row = tx.execute(query.with_for_update(skip_locked=True)).first()
    if row:
        values = {"state": "sending", "attempts": row.attempts + 1}
        tx.execute(update(t.outgoing).where(t.outgoing.c.id == row.id).values(**values))
    return row


def finish(tx: Connection, outgoing_id: int, state: str, answer: str, due_at: dt.datetime, now: dt.datetime) -> None:
    values: dict[str, Any] = {"state": state, "answer": answer[:500], "due_at": iso(due_at)}
    if state == "sent":
        values["sent_at"] = iso(now)
    tx.execute(update(t.outgoing).where(t.outgoing.c.id == outgoing_id).values(**values))


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


def interrupted(tx: Connection) -> list[int]:
    """Mails whose hand-over was cut off by the end of the process."""
    return list(tx.scalars(select(t.outgoing.c.id).where(t.outgoing.c.state == "sending")))


def next_seq(tx: Connection, key: str, kind: str) -> int:
    """For mails that a person sends: the same kind may go out more than once for one incoming mail."""
    query = select(func.max(t.outgoing.c.seq)).where(t.outgoing.c.key == key, t.outgoing.c.kind == kind)
    return int(tx.scalar(query) or 0) + 1
