"""States and actions of a case (DOMAIN.md 1.5) and the one function that decides a change. Pure: no I/O, `now` is given."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from mailbot.model import Actor, Case, Change, Guard, Reply, Update, Verdict
from mailbot.sop.secrets import REFUSAL, gives_password

RECEIVED, AGAIN, CHECKED_BY_PERSON, RETURNED, FORWARDED = (
    "diterima",
    "dilengkapi",
    "perlu_tinjauan",
    "dikembalikan",
    "diteruskan",
)
ACTED, RESULT, NOTIFIED, ARCHIVED = "ditindaklanjuti", "hasil_diterima", "diberitahukan", "diarsipkan"
NOT_REQUEST, OUTSIDE, DUPLICATE, REFUSED, WITHDRAWN = (
    "bukan_permohonan",
    "di_luar_sop",
    "duplikat",
    "ditolak",
    "ditarik_pemohon",
)

STATES = {
    RECEIVED: "Diterima", AGAIN: "Dilengkapi, diperiksa kembali", CHECKED_BY_PERSON: "Perlu tinjauan petugas",
    RETURNED: "Dikembalikan kepada pemohon", FORWARDED: "Diteruskan ke Admin Agency", ACTED: "Ditindaklanjuti",
    RESULT: "Hasil diterima", NOTIFIED: "Hasil diberitahukan", ARCHIVED: "Diarsipkan", NOT_REQUEST: "Bukan permohonan",
    OUTSIDE: "Di luar SOP", DUPLICATE: "Duplikat", REFUSED: "Ditolak", WITHDRAWN: "Ditarik pemohon",
}  # fmt: skip

CLOSED = frozenset({NOT_REQUEST, OUTSIDE, DUPLICATE, REFUSED, WITHDRAWN, ARCHIVED})
OPEN = frozenset(STATES) - CLOSED
CHECKING = frozenset({RECEIVED, AGAIN})  # the machine has not judged this round yet

# state -> (timer of DOMAIN.md 1.4, key of the SOP file's limits); the clock stands still in all others
TIMERS = {
    RECEIVED: ("T3", "periksa"), AGAIN: ("T3", "periksa"), CHECKED_BY_PERSON: ("T3", "periksa"),
    FORWARDED: ("T6", "tindak_lanjut"), ACTED: ("T6", "tindak_lanjut"), RESULT: ("T8", "pemberitahuan"),
    NOTIFIED: ("T9", "arsip"),
}  # fmt: skip

MACHINE = Actor("mesin", "mesin")
ROLES = {
    "helpdesk": "Meja layanan",
    "admin_agency": "Admin Agency",
    "supervisor": "Pengawas",
    "sysadmin": "Administrator sistem",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """`sources`: states it starts from; `target`: the state it leads to, None = it stays; `reason`: words are required."""

    sources: frozenset[str]
    target: str | None
    roles: frozenset[str]
    label: str
    reason: bool = False


def _rule(label: str, sources: frozenset[str] | set[str], target: str | None, roles: str, reason: bool = False) -> Rule:
    return Rule(frozenset(sources), target, frozenset(roles.split()), label, reason)


ACTIONS: dict[str, Rule] = {
    # step 3: the check of completeness
    "lengkap": _rule("Lengkap, teruskan", CHECKING | {CHECKED_BY_PERSON}, FORWARDED, "mesin helpdesk"),
    "kembalikan": _rule("Kembalikan", CHECKING | {CHECKED_BY_PERSON}, RETURNED, "mesin helpdesk"),
    "tinjau": _rule("Tinjau", CHECKING | {FORWARDED, RETURNED}, CHECKED_BY_PERSON, "mesin helpdesk"),
    "bukan_permohonan": _rule("Bukan permohonan", CHECKING | {CHECKED_BY_PERSON}, NOT_REQUEST, "mesin helpdesk"),
    "di_luar_sop": _rule("Di luar SOP", CHECKING | {CHECKED_BY_PERSON}, OUTSIDE, "mesin helpdesk"),
    "duplikat": _rule("Duplikat", CHECKING | {CHECKED_BY_PERSON}, DUPLICATE, "mesin helpdesk"),
    "gabung": _rule("Gabung", OPEN - {RESULT, NOTIFIED, ACTED}, DUPLICATE, "helpdesk"),
    "pisah": _rule("Pisah", {CHECKED_BY_PERSON, FORWARDED, RETURNED}, None, "helpdesk"),
    "lanjutkan": _rule(
        "Putaran baru",
        CHECKING | {CHECKED_BY_PERSON, RETURNED, FORWARDED, NOT_REQUEST, OUTSIDE},
        AGAIN,
        "mesin helpdesk",
    ),
    "tolak": _rule(
        "Tolak", {CHECKED_BY_PERSON, FORWARDED, ACTED, RETURNED}, REFUSED, "helpdesk admin_agency supervisor", True
    ),
    "tarik": _rule("Ditarik pemohon", OPEN - {RESULT, NOTIFIED}, WITHDRAWN, "helpdesk", True),
    "buka_kembali": _rule("Buka kembali", CLOSED - {ARCHIVED}, CHECKED_BY_PERSON, "helpdesk supervisor", True),
    # steps 6 to 9
    "kirim_balik": _rule("Kembalikan ke meja layanan", {FORWARDED, ACTED}, CHECKED_BY_PERSON, "admin_agency", True),
    "catat_hasil": _rule("Catat hasil", {FORWARDED, ACTED}, ACTED, "admin_agency"),
    "hasil_lengkap": _rule("Catat hasil", {FORWARDED, ACTED}, RESULT, "admin_agency"),
    "beritahukan": _rule("Beritahukan hasil", {RESULT}, NOTIFIED, "helpdesk"),
    "arsipkan": _rule("Arsipkan", {NOTIFIED, REFUSED, WITHDRAWN}, ARCHIVED, "helpdesk"),
    # records that leave the state as it is
    "koreksi": _rule("Perbaiki data", {CHECKED_BY_PERSON, FORWARDED, RETURNED}, None, "helpdesk"),
    "panggil_balik": _rule("Catat panggilan balik", OPEN, None, "helpdesk"),
    "minta_panggilan": _rule("Minta panggilan balik", {CHECKED_BY_PERSON, FORWARDED}, None, "helpdesk admin_agency"),
    "cetak": _rule("Sudah dicetak", frozenset(STATES), None, "helpdesk"),
    "serahkan": _rule("Catat penyerahan", {RESULT, NOTIFIED, ARCHIVED}, None, "helpdesk"),
    "tanda_terima": _rule("Kirim tanda terima", OPEN, None, "helpdesk"),
    "ingatkan": _rule("Ingatkan pemohon", {RETURNED}, None, "mesin helpdesk"),
    "alasan": _rule("Alasan penyimpangan", frozenset(STATES), None, "helpdesk admin_agency", True),
    "terima_alasan": _rule("Terima alasan", frozenset(STATES), None, "supervisor"),
    "catatan": _rule("Catatan", frozenset(STATES), None, "mesin helpdesk admin_agency supervisor", True),
}

BY_VERDICT = {
    "complete": ("lengkap", None),
    "incomplete": ("kembalikan", "incomplete"),
    "review": ("tinjau", None),
    "not_request": ("bukan_permohonan", "out_of_scope"),
}

Due = Callable[[str], dt.datetime]  # key of the SOP file's limits -> when a timer started now is due


class Refused(ValueError):
    """The action does not fit the case's state or the actor's role; the text is for the person who tried."""


def allowed(state: str, role: str) -> tuple[str, ...]:
    """What somebody of this role may do with a case in this state, in the order of the table."""
    return tuple(name for name, rule in ACTIONS.items() if state in rule.sources and role in rule.roles)


def decide(case: Case, action: str, now: dt.datetime, *, actor: Actor = MACHINE, reason: str = "", replies: tuple[Reply, ...] = (),
           updates: tuple[Update, ...] = (), data: tuple[tuple[str, object], ...] = (), due: Due | None = None) -> Change:  # fmt: skip
    """The change that `action` makes of `case`; raises Refused where the table does not allow it."""
    rule = ACTIONS[action]
    if actor.role not in rule.roles:
        raise Refused(f"Tindakan '{rule.label}' tidak termasuk wewenang {ROLES.get(actor.role, actor.role)}.")
    if case.state not in rule.sources:
        raise Refused(
            f"Berkas {case.number} berstatus '{STATES[case.state]}'; tindakan '{rule.label}' tidak dapat dilakukan."
        )
    if rule.reason and not reason.strip():
        raise Refused(f"Tindakan '{rule.label}' memerlukan alasan.")
    typed = [value for one in updates for _, value in one.values] + [value for _, value in data]
    if actor.role != "mesin" and gives_password(reason, *typed):
        raise Refused(REFUSAL)
    new = rule.target or case.state
    stops, starts, due_at = _timers(case, new, action, due)
    return Change(case.id, case.version, case.state, new, action, actor.name, reason, now, replies,
                  case.round + (action == "lanjutkan"), updates, data, stops, starts, due_at)  # fmt: skip


def _timers(case: Case, new: str, action: str, due: Due | None) -> tuple[str, str, dt.datetime | None]:
    """The timer that ends and the one that begins; a new round begins its check anew (DOMAIN.md 1.4)."""
    step, key = TIMERS.get(new, ("", ""))
    if step == case.step and action != "lanjutkan":
        return "", "", None
    return case.step, step, due(key) if due and step else None


def by_verdict(case: Case, verdict: Verdict, guard: Guard, now: dt.datetime, due: Due | None = None) -> Change:
    """What the machine does with a verdict; a reply leaves only where the guard allows one."""
    action, kind = BY_VERDICT[verdict.decision]
    reason = ", ".join(dict.fromkeys(f.code for f in verdict.findings)) or verdict.decision
    if kind == "incomplete" and guard.policy != "reply":
        # nobody may be told by machine: a person decides how to return the file
        action, kind = "tinjau", None
    replies = (Reply(kind, case.requester),) if kind and guard.policy == "reply" else ()
    return decide(case, action, now, reason=reason, replies=replies, due=due)
