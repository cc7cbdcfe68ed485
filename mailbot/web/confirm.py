"""A logged-in person proves once more to be there: before changes of accounts, and before results long after the login (T19)."""

from __future__ import annotations

import datetime as dt

from mailbot.sop.case import Refused
from mailbot.store import chain, users
from mailbot.web import passwords
from mailbot.web.visit import Visit, source_of


def own_password(visit: Visit, typed: str) -> bool:
    """Wrong ones count like a wrong login: a stolen session guesses five times, not for ever."""
    now, user = visit.world.now(), visit.user
    if user.locked_until and user.locked_until > now:
        return False
    good = passwords.matches(user.password_hash, typed)
    with visit.world.store.transaction() as tx:
        if good:
            users.succeeded(tx, user.id)
            users.confirm(tx, visit.session.token_hash, now)
        else:
            source = source_of(visit.request)
            users.failed(tx, user, source, now)
            chain.append(tx, chain.OFFICE, now, user.login, "gagal_masuk", data={"dari": source})
    return good


def due(visit: Visit) -> bool:
    """The password was typed too long ago for a result."""
    longest = dt.timedelta(minutes=visit.world.settings.web.confirm_minutes)
    return visit.world.now() - visit.session.confirmed_at > longest


def ask(visit: Visit) -> None:
    """Raises Refused in words where the password is due and the form does not hold it."""
    if due(visit) and not own_password(visit, visit.text("own")):
        raise Refused("Kata sandi Anda perlu diisikan kembali sebelum hasil dicatat.")
