"""Outbox -> SMTP (or a folder): one mail at a time, its stage known at every moment (IN-50 to IN-54).

A hand-over that was cut off before its final dot begins anew. After the dot nobody knows (RFC 1047): then our copies are
searched, and only if none is found in ten minutes the identical bytes go out once more. After that it is a person's.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from sqlalchemy import Row

from mailbot import crash, jobs
from mailbot.mailbox import MailboxError
from mailbot.mailbox.imap import Imap
from mailbot.replies import compose
from mailbot.replies.smtp import Handover
from mailbot.sop.case import Refused
from mailbot.store import Stale, cases, mailboxes, mails, outbox
from mailbot.work import World, act, fingerprint, log, open_mailbox

RETRY = (60, 300, 1800, 3600, 6 * 3600)  # seconds between the attempts of a deferred mail
MOST_ATTEMPTS = 12  # about 48 hours
LOOK_AFTER = dt.timedelta(
    minutes=2
)  # an ambiguous mail is searched for so long after the hand-over, and again and again
REPEAT_AFTER = dt.timedelta(minutes=10)
LATE = dt.timedelta(
    minutes=2
)  # a receipt so long after the mail's arrival may have been sent by a database that was lost
FINAL = "final"
_BAD_ADDRESS = re.compile(r"\b5\.1\.\d")
_LOGIN_CODES = re.compile(r"^53[0458]\b")


def deliver(world: World, job: jobs.Job) -> None:
    """Hands over one due mail of the outbox; states and pauses after IN-50."""
    send_next(world)
    with world.store.transaction() as tx:
        jobs.done(tx, job)


def send_next(world: World) -> bool:
    """Hands over the next due mail; False: none is due, or a refused login forbids a try."""
    if _login_wait(world):
        return False
    with world.store.transaction() as tx:
        row = outbox.claim(tx, world.now())
    if row is None:
        return False
    crash.point("outbox-claimed")
    try:
        result = _already_sent(world, row) or world.send(
            row.data, _envelope(world, row), row.recipient, lambda: _final(world, row)
        )
    except outbox.TakenOver as late:
        log.warning("woke up too late; not sent", kind=row.kind, why=str(late))
        return True
    _conclude(world, row, result)
    log.info("mail handed over", kind=row.kind, state=result.state, stage=result.stage)
    return True


def _envelope(world: World, row: Row[Any]) -> str:
    """Who hears of it if the mail cannot be delivered (MAIL.md 2.2)."""
    wanted = world.settings.smtp.envelope
    tagged = compose.bounce_address(row.header_id, world.office) if wanted == "plus" else world.office.email
    return "" if wanted == "null" else tagged


def _final(world: World, row: Row[Any]) -> None:
    """Written before the dot leaves: from here on a kill means that nobody knows. A worker that slept beyond its lease stops here."""
    with world.store.transaction() as tx:
        outbox.stage(tx, row.id, row.attempts + 1, FINAL)


def _conclude(world: World, row: Row[Any], result: Handover) -> None:
    now, pause = world.now(), dt.timedelta(seconds=RETRY[min(row.attempts, len(RETRY) - 1)])
    worn_out = row.attempts + 1 >= MOST_ATTEMPTS
    state = "failed" if result.state == "deferred" and worn_out else result.state
    due_at = now + (LOOK_AFTER if state == "ambiguous" else pause)
    with world.store.transaction() as tx:
        if not outbox.finish(tx, row.id, row.attempts + 1, state, f"{result.stage}: {result.answer}", due_at, now):
            log.warning("another process has decided about this mail", outgoing=row.id, here=state)
            return
        _note_login(world, tx, result)
        if state == "failed" and _BAD_ADDRESS.search(result.answer) and result.stage == "rcpt":
            outbox.note_undeliverable(tx, row.recipient, "5.1.1", now)
        crash.point("sent-commit")
    crash.point("sent-committed")
    if state == "failed":
        tell(world, row, f"{result.stage}: {result.answer}")


def tell(world: World, row: Row[Any], why: str) -> None:
    """A note at the case, so that a person finds what no machine could deliver. The case itself stays as it is."""
    log.error("mail not delivered", outgoing=row.id, kind=row.kind, why=why)
    if not row.case_id:
        return
    reason = f"surat '{row.kind}' kepada {row.recipient} tidak terkirim ({why[:200]}); hubungi melalui telepon"
    try:
        with world.store.transaction() as tx:
            act(world, tx, cases.get(tx, row.case_id), "catatan", reason=reason)
    except (Refused, Stale) as error:  # the list of undelivered mail shows it all the same
        log.warning("note not stored", outgoing=row.id, error=str(error))


# ------------------------------------------------------------------ was it sent already?


def _already_sent(world: World, row: Row[Any]) -> Handover | None:
    """A first hand-over long after the mail came: perhaps a lost database has answered it (IN-54, G11)."""
    if row.attempts or world.settings.smtp.kind == "folder":
        return None
    with world.store.reading() as tx:
        came = mails.arrival(tx, row.key)
    if came is None or world.now() - came < LATE:
        return None
    try:
        found = copy_exists(world, row.header_id)
    except MailboxError as error:
        young = world.now() - dt.datetime.fromisoformat(row.created_at) < REPEAT_AFTER
        return Handover("deferred", "search", repr(error)[:200]) if young else None
    return Handover("sent", "search", "found in our mailbox") if found else None


def copy_exists(world: World, header_id: str) -> bool | None:
    """Does a copy of this mail of ours lie in INBOX or Sent? None: nobody can say."""
    with world.store.reading() as tx:
        if mails.with_header_id(tx, header_id):
            return True
    answers: list[bool | None] = []
    for section in world.settings.mailbox:
        if section.kind == "imap":
            mailbox = open_mailbox(section, read_only=True)
            assert isinstance(mailbox, Imap)
            try:
                answers.append(mailbox.has_copy(header_id))
            finally:
                mailbox.close()
    return True if True in answers else False if False in answers else None


def reconcile_next(world: World) -> bool:
    """One mail whose last hand-over is ambiguous (IN-52); False: none is due."""
    now = world.now()
    with world.store.transaction() as tx:
        row = outbox.claim_ambiguous(tx, now, now + LOOK_AFTER)
    if row is None:
        return False
    try:
        found = copy_exists(world, row.header_id)
    except MailboxError as error:
        log.warning("our copies cannot be searched", outgoing=row.id, error=repr(error)[:200])
        found = None
    crash.point("reconcile-searched")
    _settle(world, row, bool(found), now)
    crash.point("reconcile-committed")
    return True


def _settle(world: World, row: Row[Any], found: bool, now: dt.datetime) -> None:
    since = dt.datetime.fromisoformat(row.sent_at or row.created_at)
    if not found and now - since < REPEAT_AFTER:
        return  # claim_ambiguous has set the next look
    with world.store.transaction() as tx:
        if found:
            outbox.finish(tx, row.id, row.attempts, "sent", "found in our mailbox", now, since)
        elif row.repeats == 0:
            outbox.repeat(tx, row.id, now)
        else:
            outbox.finish(tx, row.id, row.attempts, "failed", "ambiguous twice", now, now)
    if not found and row.repeats:
        tell(world, row, "dua kali tidak jelas apakah sampai")


def recover(world: World) -> None:
    """A mail caught in the hand-over when the process ended."""
    now = world.now()
    with world.store.transaction() as tx:
        for row in outbox.interrupted(tx, now):
            # a folder keeps one file per Message-ID, so handing over again cannot double
            ambiguous = row.answer == FINAL and world.settings.smtp.kind == "smtp"
            state, due_at = ("ambiguous", now + LOOK_AFTER) if ambiguous else ("pending", now)
            outbox.finish(tx, row.id, row.attempts, state, "interrupted", due_at, now)


# ------------------------------------------------------------------ our login at the SMTP server (IN-05)


def _login_wait(world: World) -> bool:
    if world.settings.smtp.kind == "folder" or not world.settings.smtp.user:
        return False
    with world.store.reading() as tx:
        due_at = mailboxes.login_due(tx, fingerprint(world.settings.smtp))
    return due_at is not None and world.now() < due_at


def _note_login(world: World, tx: Any, result: Handover) -> None:
    if world.settings.smtp.kind == "folder" or not world.settings.smtp.user:
        return
    key = fingerprint(world.settings.smtp)
    if result.stage == "login" and _LOGIN_CODES.match(result.answer):
        mailboxes.login_refused(tx, key, result.answer, world.now())
    elif result.state == "sent":
        mailboxes.login_worked(tx, key)
