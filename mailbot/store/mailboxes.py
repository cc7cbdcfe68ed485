"""What is remembered of a mailbox between runs: its start line, its epoch, its last sweep, and refused logins."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import Connection, Row, func, select, update

from mailbot.mailbox import TOO_LARGE
from mailbot.store import iso
from mailbot.store import tables as t

LOGIN_PAUSES = (300, 1800, 6 * 3600)  # seconds after the first, second, and every further refused login (IN-05)
STOPPED_AFTER = 3


# ------------------------------------------------------------------ contact


def get(tx: Connection, account: str, folder: str) -> Row[Any] | None:
    return tx.execute(select(t.mailbox_state).where(*_of(account, folder))).first()


def everything(tx: Connection) -> list[Row[Any]]:
    return list(tx.execute(select(t.mailbox_state).order_by(t.mailbox_state.c.account)))


def open_first(tx: Connection, account: str, folder: str, uidvalidity: int, start: str, now: dt.datetime) -> None:
    """The first sweep ended: from now on the mailbox has a ledger."""
    tx.execute(t.mailbox_state.insert().values(
        account=account, folder=folder, uidvalidity=uidvalidity, start=start, first_at=iso(now), polled_at=iso(now)))  # fmt: skip


def swept(tx: Connection, account: str, folder: str, uidvalidity: int, now: dt.datetime) -> None:
    """A sweep ended well; an epoch is adopted with it (IN-21)."""
    values = {"polled_at": iso(now), "uidvalidity": uidvalidity}
    tx.execute(update(t.mailbox_state).where(*_of(account, folder)).values(**values))


def pause(tx: Connection, account: str, folder: str, uidvalidity: int, why: str) -> None:
    values = {"paused": why, "uidvalidity": uidvalidity}
    tx.execute(update(t.mailbox_state).where(*_of(account, folder)).values(**values))


def confirm(tx: Connection, account: str) -> int:
    """The operator has looked: a paused mailbox goes on; how many did."""
    where = (t.mailbox_state.c.account == account, t.mailbox_state.c.paused != "")
    return tx.execute(update(t.mailbox_state).where(*where).values(paused="")).rowcount


def ledger(tx: Connection, account: str, folder: str, uidvalidity: int) -> int:
    """How many mails of this folder and epoch are accounted for: stored, or set aside by name."""
    return sum(
        int(tx.scalar(select(func.count()).select_from(table).where(*_epoch(table, account, folder, uidvalidity))) or 0)
        for table in (t.location, t.quarantine)
    )


def stored_uids(tx: Connection, account: str, folder: str, uidvalidity: int) -> set[str]:
    """UIDs that may carry a mark: committed, and not too large (those stay as they are, IN-31)."""
    query = select(t.location.c.uid).join(t.message, t.message.c.id == t.location.c.message_id)
    query = query.where(*_epoch(t.location, account, folder, uidvalidity))
    return set(tx.scalars(query.where(func.coalesce(t.message.c.problem, "") != TOO_LARGE)))


def _of(account: str, folder: str) -> tuple[Any, Any]:
    return t.mailbox_state.c.account == account, t.mailbox_state.c.folder == folder


def _epoch(table: Any, account: str, folder: str, uidvalidity: int) -> tuple[Any, ...]:
    return table.c.account == account, table.c.folder == folder, table.c.uidvalidity == uidvalidity


# ------------------------------------------------------------------ logins (IN-05)


def login_due(tx: Connection, fingerprint: str) -> dt.datetime | None:
    """When the next try is allowed after refusals; None: nothing stands against it."""
    text = tx.scalar(select(t.login.c.next_at).where(t.login.c.fingerprint == fingerprint))
    return dt.datetime.fromisoformat(text) if text else None


def login_refused(tx: Connection, fingerprint: str, error: str, now: dt.datetime) -> int:
    """Counts a refusal; how many there were. The pauses keep a stale password from getting the address blocked."""
    row = tx.execute(select(t.login).where(t.login.c.fingerprint == fingerprint)).first()
    count = (row.failures if row else 0) + 1
    pause_for = LOGIN_PAUSES[min(count, len(LOGIN_PAUSES)) - 1]
    values = {"failures": count, "next_at": iso(now + dt.timedelta(seconds=pause_for)), "error": error[:300]}
    if row:
        tx.execute(update(t.login).where(t.login.c.fingerprint == fingerprint).values(**values))
    else:
        tx.execute(t.login.insert().values(fingerprint=fingerprint, first_at=iso(now), **values))
    return int(count)


def login_worked(tx: Connection, fingerprint: str) -> None:
    tx.execute(t.login.delete().where(t.login.c.fingerprint == fingerprint))


def refused_logins(tx: Connection) -> list[Row[Any]]:
    return list(tx.execute(select(t.login)))


def forgive_logins(tx: Connection) -> int:
    """The operator's button; how many."""
    return tx.execute(t.login.delete()).rowcount
