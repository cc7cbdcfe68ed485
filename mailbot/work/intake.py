"""Mailbox -> blob -> one transaction with message, case, receipt and the job to read it (DESIGN.md 4)."""

from __future__ import annotations

import datetime as dt
import errno
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection

from mailbot import crash, jobs
from mailbot.mailbox import TOO_LARGE
from mailbot.model import Case, Guard, RawMessage, Reply, Submission
from mailbot.parsers import opening
from mailbot.parsers.child import ChildFailed
from mailbot.replies import bounces, compose, guard
from mailbot.replies.render import safe
from mailbot.sop import case, clock
from mailbot.store import cases, mails, outbox
from mailbot.work import World, act, bounced, forms, log, put

REUSED = "message_id_reused"  # two different mails with one Message-ID (IN-20): both count, people are told
ELSEWHERE = "reply_to_domain_differs"  # a Reply-To outside of the sender's organisation is ignored (MAIL.md 2.5)


@dataclass(frozen=True)
class Arrival:
    """A mail at the door. `key`: its semantic key S. `epoch`: the server numbered its mails anew (IN-21)."""

    raw: RawMessage
    mail: Submission
    key: str
    authserv_id: str = ""
    channel: str = "email"
    ticket: str = ""
    epoch: bool = False
    report: bounces.Report | None = None

    @property
    def unparsed(self) -> bool:
        return "unparsed" in self.mail.flags


def take_in(
    world: World, raw: RawMessage, authserv_id: str = "", channel: str = "email", ticket: str = "", epoch: bool = False
) -> int | None:
    """Location, message, guard result, case, receipt and job in one transaction; None for a known copy."""
    leaves = Path(tempfile.mkdtemp(prefix="leaves-", dir=world.root))
    try:
        mail = _parsed(raw, leaves)
        crash.point("mail-parsed")
        key = raw.sha256 if "unparsed" in mail.flags else compose.semantic_key(mail)
        new = Arrival(raw, mail, key, authserv_id, channel, ticket, epoch, bounced.read(raw, mail))
        _foresee_form(world, new)
        with world.store.transaction() as tx:
            message_id = _register(world, tx, new)
            crash.point("intake-commit")
        crash.point("intake-committed")
        return message_id
    finally:
        shutil.rmtree(leaves, ignore_errors=True)


def _foresee_form(world: World, new: Arrival) -> None:
    """Renders the form of a likely full receipt, so that the transaction need not wait for it."""
    if not world.settings.replies.form or new.channel != "email" or new.unparsed:
        return
    with world.store.reading() as tx:
        known = _continued(world, tx, new.mail)
        before = mails.before(tx, new.raw.sha256, new.key, new.mail, world.now())
        if before.copy or guard.guard(new.mail, surroundings(world, tx, new, known, before)).policy != "reply":
            return
        prefix = world.settings.office.number_prefix
        number = known.number if known else cases.coming_number(tx, prefix, world.today.year)
    forms.at_receipt(world, number, new.mail, world.now())


def _parsed(raw: RawMessage, leaves: Path) -> Submission:
    """The mail; where it cannot be parsed, an empty one that the guard holds for a person (R13)."""
    try:
        return opening.open_mail(raw.path, str(leaves), bare=True)
    except ChildFailed as failure:
        if shutil.disk_usage(leaves).free < 2 * raw.size:  # says nothing about the mail; it is tried again
            raise OSError(errno.ENOSPC, f"no room to open a mail of {raw.size} bytes") from failure
        log.warning("mail not parsed", sha256=raw.sha256, error=str(failure))
        return Submission(None, None, "", "", None, (), "", "", (), (), (), flags=("unparsed",))


def _register(world: World, tx: Connection, new: Arrival) -> int | None:
    before = mails.before(tx, new.raw.sha256, new.key, new.mail, world.now())
    if before.copy is not None:
        mails.link(tx, new.raw.location, before.copy)
        return None
    known = _continued(world, tx, new.mail)
    verdict = guard.guard(new.mail, surroundings(world, tx, new, known, before))
    verdict = verdict if new.channel == "email" else Guard("hold", (f"saluran-{new.channel}",))
    if verdict.policy == "suppress":
        message_id = _ignore(world, tx, new, verdict, known)
    elif new.unparsed or new.raw.problem == TOO_LARGE:
        message_id = _set_aside(world, tx, new, verdict, known)
    else:
        message_id = _admit(world, tx, new, verdict, known, before)
    mails.link(tx, new.raw.location, message_id)
    return message_id


def _ignore(world: World, tx: Connection, new: Arrival, verdict: Guard, known: Case | None) -> int:
    """Stored and shown, never answered; a delivery report is noted at the mail that it is about."""
    problem = bounced.note(world, tx, new.report) if new.report else new.raw.problem
    return mails.add(tx, new.raw, new.key, new.mail, verdict, known, "ignored", problem, world.now())


def _set_aside(world: World, tx: Connection, new: Arrival, verdict: Guard, known: Case | None) -> int:
    """Too large or not to be parsed: a person's, with a receipt where one is allowed."""
    found = known or _new_case(world, tx, new)
    problem = new.raw.problem or mails.UNPARSED
    message_id = mails.add(tx, new.raw, new.key, new.mail, verdict, found, "quarantined", problem, world.now())
    receipt(world, tx, found, new, verdict, "receipt")
    if found.state in case.ACTIONS["tinjau"].sources:
        act(world, tx, found, "tinjau", reason=problem)
    return message_id


def _admit(world: World, tx: Connection, new: Arrival, verdict: Guard, known: Case | None, before: mails.Before) -> int:
    twin = cases.get(tx, before.case) if before.case and not known else None
    if twin and twin.state not in (case.RETURNED, *case.CLOSED):
        message_id = mails.add(
            tx, new.raw, new.key, new.mail, verdict, twin, "duplicate", None, world.now(), new.channel
        )
        receipt(world, tx, twin, new, verdict, "duplicate")
        return message_id
    earlier = known or (twin if twin and twin.state not in case.CLOSED else None)
    found = _next_round(world, tx, earlier) if earlier else _new_case(world, tx, new)
    problem = new.raw.problem or _remarkable(new.mail, before)
    message_id = mails.add(tx, new.raw, new.key, new.mail, verdict, found, "stored", problem, world.now(), new.channel)
    crash.point("message-added")
    receipt(world, tx, found, new, verdict, "receipt")
    crash.point("receipt-added")
    jobs.enqueue(tx, "read", message_id, world.now())
    crash.point("read-enqueued")
    return message_id


def _remarkable(mail: Submission, before: mails.Before) -> str | None:
    """What people are shown of a mail that is taken all the same."""
    if before.same_id:
        return REUSED
    return ELSEWHERE if guard.reply_address(mail)[1] else None


def nobody(world: World, channel: str) -> str:
    """The sender of a hand entry without an address; it is never written to."""
    return f"entri-{channel}@{world.office.domain}"


def _new_case(world: World, tx: Connection, new: Arrival) -> Case:
    number = cases.next_number(tx, world.settings.office.number_prefix, world.today.year)
    step, limit = case.TIMERS[case.RECEIVED]
    mail, (to, _) = new.mail, guard.reply_address(new.mail)
    to = "" if to == nobody(world, new.channel) else to
    return cases.new(
        tx, to, mail.sender_name, mail.subject, number, world.now(), step, world.due(limit), new.channel, new.ticket
    )


def _next_round(world: World, tx: Connection, found: Case) -> Case:
    """A case that waits for its results is not checked again: the mail is noted for a person instead."""
    if found.state in case.CHECKING:
        return found
    action = "lanjutkan" if found.state in case.ACTIONS["lanjutkan"].sources else "catatan"
    return act(
        world,
        tx,
        found,
        action,
        reason="balasan pemohon" if action == "lanjutkan" else "email baru dari pemohon, mohon dibaca",
    )


def _continued(world: World, tx: Connection, mail: Submission) -> Case | None:
    """DESIGN.md 4: references first, then the case code in the subject with the same sender; closed cases start anew."""
    same = mails.case_of_references(tx, mail.references)
    found = cases.get(tx, same) if same else None
    prefix = re.escape(world.settings.office.number_prefix)
    code = re.search(rf"\[({prefix}-\d{{4}}-\d{{6}})\]", mail.subject)
    for address in dict.fromkeys(a for a in (mail.sender, guard.reply_address(mail)[0]) if a and code):
        found = found or cases.with_number(tx, code.group(1) if code else "", address)
    again = (case.NOT_REQUEST, case.OUTSIDE)
    return found if found and (found.state not in case.CLOSED or found.state in again) else None


def surroundings(
    world: World, tx: Connection, new: Arrival, known: Case | None, before: mails.Before
) -> guard.Surroundings:
    """What the guard must know besides the mail itself."""
    o, now, mail, r = world.settings.office, world.now(), new.mail, world.settings.limits
    to, _ = guard.reply_address(mail)
    own = frozenset(
        guard.untagged(a.lower())
        for a in (o.email, *o.aliases, *(m.user for m in world.settings.mailbox if "@" in m.user))
    )
    return guard.Surroundings(
        own_addresses=own,
        own_lists=frozenset(o.own_lists),
        authserv_id=new.authserv_id,
        enabled=world.settings.replies.enabled,
        received_at=new.raw.received_at,
        now=now,
        is_own=compose.carries_mark(mail, world.office.secret),
        limits=guard.Limits(
            r.per_address_hour,
            r.per_address_day,
            r.per_domain_hour,
            r.all_hour,
            r.all_minute,
            r.unknown_day,
            r.bare_day,
        ),
        sent=outbox.sent_counts(tx, guard.plain_address(to), now),
        same_before=before.answered,
        sent_in_thread=outbox.sent_in_thread(tx, known.id, now) if known else 0,
        since_our_reply=outbox.seconds_since(tx, mail.references, new.raw.received_at, now),
        undeliverable=outbox.is_undeliverable(tx, to),
        epoch=new.epoch,
        deleted=new.raw.deleted,
    )


def receipt(world: World, tx: Connection, found: Case, new: Arrival, verdict: Guard, kind: str) -> None:
    """The receipt that the SOP demands, in the intake transaction; the guard says which, or none."""
    mail, (to, _) = new.mail, guard.reply_address(new.mail)
    if verdict.policy not in ("reply", "minimal") or not to:
        return
    kind = "minimal" if verdict.policy == "minimal" else kind
    values = receipt_values(
        world, mail.subject, compose.files_of([(a.name, a.size) for a in mail.attachments]), world.now()
    )
    if kind == "receipt" and world.settings.replies.form:
        values["lampiran"] = (forms.at_receipt(world, found.number, mail, world.now()),)
    thread = () if kind == "minimal" else (mail.message_id,)  # no byte of a mail that may be forged (MAIL.md 2.3)
    put(world, tx, found, Reply(kind, to, tuple(values.items())), new.key, thread)


def receipt_values(world: World, subject: str, files: list[dict[str, str]], at: dt.datetime) -> dict[str, object]:
    """What a receipt says of a mail that arrived at `at`."""
    opens = world.hours.next_open(at)
    return {
        "waktu": clock.spoken(at, world.hours.zone),
        "perihal": safe(subject),
        "berkas": files,
        "mulai_periksa": clock.spoken(opens, world.hours.zone) if opens - at > dt.timedelta(minutes=1) else None,
    }
