"""States and actions of a case (DOMAIN.md 1.5) and the one function that decides a change. Pure: no I/O, `now` is given."""

from __future__ import annotations

import datetime as dt

from mailbot.model import Case, Change, Guard, Reply, Verdict

RECEIVED, CHECKED_BY_PERSON, RETURNED, FORWARDED = "diterima", "perlu_tinjauan", "dikembalikan", "diteruskan"
NOT_REQUEST, DUPLICATE, REFUSED, WITHDRAWN = "bukan_permohonan", "duplikat", "ditolak", "ditarik_pemohon"
RESULT, NOTIFIED, ARCHIVED = "hasil_diterima", "diberitahukan", "diarsipkan"

CLOSED = frozenset({NOT_REQUEST, DUPLICATE, REFUSED, WITHDRAWN, ARCHIVED})
OPEN = frozenset({RECEIVED, CHECKED_BY_PERSON, RETURNED, FORWARDED})

# action: (states it starts from, state it leads to)
ACTIONS: dict[str, tuple[frozenset[str], str]] = {
    "lengkap": (frozenset({RECEIVED, CHECKED_BY_PERSON}), FORWARDED),
    "kembalikan": (frozenset({RECEIVED, CHECKED_BY_PERSON, FORWARDED}), RETURNED),
    "tinjau": (frozenset({RECEIVED, CHECKED_BY_PERSON, FORWARDED}), CHECKED_BY_PERSON),
    "bukan_permohonan": (frozenset({RECEIVED, CHECKED_BY_PERSON}), NOT_REQUEST),
    "duplikat": (frozenset({RECEIVED, CHECKED_BY_PERSON}), DUPLICATE),
    "lanjutkan": (frozenset({RECEIVED, CHECKED_BY_PERSON, RETURNED, FORWARDED, NOT_REQUEST}), RECEIVED),
    "tolak": (frozenset({CHECKED_BY_PERSON, FORWARDED}), REFUSED),
    "tarik": (OPEN, WITHDRAWN),
    "catat_hasil": (frozenset({FORWARDED}), RESULT),
    "beritahukan": (frozenset({RESULT}), NOTIFIED),
    "arsipkan": (frozenset({NOTIFIED, RETURNED, REFUSED, WITHDRAWN}), ARCHIVED),
}

BY_VERDICT = {
    "complete": ("lengkap", None),
    "incomplete": ("kembalikan", "incomplete"),
    "review": ("tinjau", None),
    "not_request": ("bukan_permohonan", "out_of_scope"),
}


class Refused(ValueError):
    """The action does not fit the case's state; the text is for the person who tried."""


def decide(case: Case, action: str, now: dt.datetime, *, actor: str, reason: str = "", replies: tuple[Reply, ...] = ()) -> Change:
    """The change that `action` makes of `case`; raises Refused where the table does not allow it."""
    sources, target = ACTIONS[action]
    if case.state not in sources:
        raise Refused(f"Berkas {case.number} berstatus '{case.state}'; tindakan '{action}' tidak dapat dilakukan.")
    step = 1 if action == "lanjutkan" else 0
    return Change(case.id, case.version, case.state, target, action, actor, reason, now, replies, case.round + step)


def by_verdict(case: Case, verdict: Verdict, guard: Guard, now: dt.datetime) -> Change:
    """What the machine does with a verdict; a reply leaves only where the guard allows one."""
    action, kind = BY_VERDICT[verdict.decision]
    reason = ", ".join(dict.fromkeys(f.code for f in verdict.findings)) or verdict.decision
    if kind == "incomplete" and guard.policy != "reply":
        # nobody may be told by machine: a person decides how to return the file
        action, kind = "tinjau", None
    replies = (Reply(kind, case.requester),) if kind and guard.policy == "reply" else ()
    return decide(case, action, now, actor="mesin", reason=reason, replies=replies)
