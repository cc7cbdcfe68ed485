"""People who log in, their sessions, and who tried too often. Only hashes of passwords and session tokens are stored."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, func, select, update
from sqlalchemy.exc import IntegrityError

from mailbot.store import iso
from mailbot.store import tables as t

ACCOUNT_TRIES, SOURCE_TRIES = 5, 20
LOCK = dt.timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class User:
    id: int
    login: str
    name: str
    role: str
    active: bool
    password_hash: str
    totp_secret: str
    totp_used: int
    locked_until: dt.datetime | None


@dataclass(frozen=True, slots=True)
class Session:
    """A logged-in browser. `csrf` stands in each form of its pages."""

    token_hash: str
    csrf: str
    user: User
    created_at: dt.datetime
    seen_at: dt.datetime
    confirmed_at: dt.datetime


def add(tx: Connection, login: str, name: str, role: str, password_hash: str, now: dt.datetime) -> bool:
    """False where the login is taken."""
    values = {"login": login, "name": name, "role": role, "password_hash": password_hash, "created_at": iso(now)}
    try:
        with tx.begin_nested():
            tx.execute(t.user.insert().values(**values))
    except IntegrityError:
        return False
    return True


def everybody(tx: Connection) -> list[User]:
    return [_user(r) for r in tx.execute(select(t.user).order_by(t.user.c.active.desc(), t.user.c.name))]


def count(tx: Connection) -> int:
    return int(tx.scalar(select(func.count()).select_from(t.user)) or 0)


def by_login(tx: Connection, login: str) -> User | None:
    found = tx.execute(select(t.user).where(t.user.c.login == login)).first()
    return _user(found) if found else None


def set_password(tx: Connection, user_id: int, password_hash: str, now: dt.datetime) -> None:
    """Ends all sessions of the person as well, and any lock."""
    values = {"password_hash": password_hash, "failures": 0, "locked_until": None}
    tx.execute(update(t.user).where(t.user.c.id == user_id).values(**values))
    end_all(tx, user_id, now)


def set_active(tx: Connection, user_id: int, active: bool, now: dt.datetime) -> None:
    tx.execute(update(t.user).where(t.user.c.id == user_id).values(active=int(active), failures=0, locked_until=None))
    if not active:
        end_all(tx, user_id, now)


def set_totp(tx: Connection, user_id: int, secret: str) -> None:
    """Empty: the second factor is off."""
    tx.execute(update(t.user).where(t.user.c.id == user_id).values(totp_secret=secret, totp_used=0))


def use_totp(tx: Connection, user_id: int, step: int) -> bool:
    """A time step is good once (replay); False where it or a later one was used."""
    where = (t.user.c.id == user_id, t.user.c.totp_used < step)
    return tx.execute(update(t.user).where(*where).values(totp_used=step)).rowcount == 1


# ------------------------------------------------------------------ who tried too often


def failed(tx: Connection, user: User | None, source: str, now: dt.datetime) -> None:
    """Counts a wrong login for the account and for the address it came from."""
    if user is not None:
        failures = int(tx.scalar(select(t.user.c.failures).where(t.user.c.id == user.id)) or 0) + 1
        until = iso(now + LOCK) if failures >= ACCOUNT_TRIES else None
        kept = 0 if until else failures
        tx.execute(update(t.user).where(t.user.c.id == user.id).values(failures=kept, locked_until=until))
    row = tx.execute(select(t.login).where(t.login.c.fingerprint == _source(source))).first()
    if row is None or row.first_at < iso(now - LOCK):
        tx.execute(t.login.delete().where(t.login.c.fingerprint == _source(source)))
        values = {
            "fingerprint": _source(source),
            "failures": 1,
            "first_at": iso(now),
            "next_at": iso(now),
            "error": "web",
        }
        tx.execute(t.login.insert().values(**values))
        return
    wait = LOCK if row.failures + 1 >= SOURCE_TRIES else dt.timedelta()
    values = {"failures": row.failures + 1, "next_at": iso(now + wait)}
    tx.execute(update(t.login).where(t.login.c.fingerprint == _source(source)).values(**values))


def source_blocked(tx: Connection, source: str, now: dt.datetime) -> bool:
    found = tx.scalar(select(t.login.c.next_at).where(t.login.c.fingerprint == _source(source)))
    return bool(found) and str(found) > iso(now)


def succeeded(tx: Connection, user_id: int) -> None:
    tx.execute(update(t.user).where(t.user.c.id == user_id).values(failures=0, locked_until=None))


def _source(address: str) -> str:
    return f"web:{address}"


# ------------------------------------------------------------------ sessions


def begin(tx: Connection, user_id: int, token_hash: str, csrf: str, now: dt.datetime) -> None:
    times = dict.fromkeys(("created_at", "seen_at", "confirmed_at"), iso(now))
    values = {"token_hash": token_hash, "user_id": user_id, "csrf": csrf, **times}
    tx.execute(t.session.insert().values(**values))


def session(tx: Connection, token_hash: str) -> Session | None:
    """A session that nobody ended, of a person who may log in; its age is for the caller to judge."""
    query = select(t.session, t.user).join(t.user, t.user.c.id == t.session.c.user_id)
    query = query.where(t.session.c.token_hash == token_hash, t.session.c.ended_at.is_(None), t.user.c.active == 1)
    row = tx.execute(query).first()
    if row is None:
        return None
    times = (row._mapping[t.session.c.created_at], row.seen_at, row.confirmed_at)
    return Session(row.token_hash, row.csrf, _user(row, row.user_id), *(dt.datetime.fromisoformat(v) for v in times))


def touch(tx: Connection, token_hash: str, now: dt.datetime) -> None:
    tx.execute(update(t.session).where(t.session.c.token_hash == token_hash).values(seen_at=iso(now)))


def confirm(tx: Connection, token_hash: str, now: dt.datetime) -> None:
    """The password was typed again."""
    tx.execute(update(t.session).where(t.session.c.token_hash == token_hash).values(confirmed_at=iso(now)))


def end(tx: Connection, token_hash: str, now: dt.datetime) -> None:
    tx.execute(update(t.session).where(t.session.c.token_hash == token_hash).values(ended_at=iso(now)))


def end_all(tx: Connection, user_id: int, now: dt.datetime) -> int:
    where = (t.session.c.user_id == user_id, t.session.c.ended_at.is_(None))
    return tx.execute(update(t.session).where(*where).values(ended_at=iso(now))).rowcount


def forget(tx: Connection, before: dt.datetime) -> None:
    """Sessions that nobody used since then, and old counts of wrong logins."""
    tx.execute(t.session.delete().where(t.session.c.seen_at < iso(before)))
    tx.execute(t.login.delete().where(t.login.c.fingerprint.like("web:%"), t.login.c.next_at < iso(before)))


def _user(r: Row[Any], user_id: int | None = None) -> User:
    locked = dt.datetime.fromisoformat(r.locked_until) if r.locked_until else None
    return User(
        user_id or r.id, r.login, r.name, r.role, bool(r.active), r.password_hash, r.totp_secret, r.totp_used, locked
    )
