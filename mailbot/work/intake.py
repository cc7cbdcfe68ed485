"""Mailbox -> blob -> one transaction with message, case, receipt and the job to read it (DESIGN.md 4)."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import tempfile
from pathlib import Path

from sqlalchemy import Connection

from mailbot import config, jobs, parsers
from mailbot.mailbox import FetchEmpty, Mailbox, MailboxError, Pending
from mailbot.model import Case, Guard, RawMessage, Reply, Submission
from mailbot.parsers.child import ChildFailed
from mailbot.replies import compose, guard
from mailbot.replies.render import safe
from mailbot.sop import case, clock
from mailbot.store import cases, mails, outbox
from mailbot.work import World, act, forms, log, put


def intake(world: World) -> int:
    """Takes what is new in every mailbox; how many mails. One failing mailbox does not stop the others: its error is raised last."""
    taken, troubles = 0, []
    for mailbox, section in world.mailboxes:
        try:
            taken += _intake_mailbox(world, mailbox, section)
        except (MailboxError, OSError) as error:
            troubles.append(error)
    if troubles:
        raise troubles[0]
    return taken


def _intake_mailbox(world: World, mailbox: Mailbox, section: config.MailboxSection) -> int:
    def known(uidvalidity: int) -> set[str]:
        with world.store.transaction() as tx:
            return mails.known_uids(tx, section.account, folder_of(section), uidvalidity, world.now())

    return sum(_take(world, mailbox, pending, section) for pending in mailbox.discover(known))


def folder_of(section: config.MailboxSection) -> str:
    return section.folder if section.kind == "imap" else Path(section.path).name


def _take(world: World, mailbox: Mailbox, pending: Pending, section: config.MailboxSection) -> int:
    with world.store.transaction() as tx:
        if mails.attempt(tx, pending.location) > mails.MAX_ATTEMPTS:
            return 0
    raw: RawMessage | None = None
    try:
        raw = mailbox.fetch(pending, world.blobs)
        take_in(world, raw, section.authserv_id)
    except FetchEmpty as error:
        _note(world, pending, repr(error), None)
        return 0
    except (MailboxError, OSError):
        # the server's or the disk's fault, not the mail's: it must not use up the mail's attempts
        with world.store.transaction() as tx:
            mails.forgive(tx, pending.location)
        raise
    except Exception as error:
        log.error("intake failed", uid=pending.location.uid, error=repr(error))
        _note(world, pending, repr(error), raw.path if raw else None)
        return 0
    mailbox.mark(pending.location)
    return 1


def _note(world: World, pending: Pending, error: str, path: str | None) -> None:
    with world.store.transaction() as tx:
        mails.note_failure(tx, pending.location, error, path)


def take_in(world: World, raw: RawMessage, authserv_id: str = "", channel: str = "email", ticket: str = "") -> int | None:
    """Location, message, guard result, case, receipt and job in one transaction; None for a known copy."""
    leaves = Path(tempfile.mkdtemp(prefix="leaves-", dir=world.root))
    try:
        mail = _parsed(raw, leaves)
        _foresee_form(world, raw, mail, authserv_id, channel)
        with world.store.transaction() as tx:
            return _register(world, tx, raw, mail, authserv_id, channel, ticket)
    finally:
        shutil.rmtree(leaves, ignore_errors=True)


def _foresee_form(world: World, raw: RawMessage, mail: Submission, authserv_id: str, channel: str) -> None:
    """Renders the form of a likely full receipt, so that the transaction need not wait for it."""
    if not world.settings.replies.form or channel != "email" or "unparsed" in mail.flags:
        return
    with world.store.reading() as tx:
        known = _continued(world, tx, mail)
        copied = mails.copy_of(tx, raw.sha256, compose.semantic_key(mail)) is not None
        if copied or guard.guard(mail, _around(world, tx, raw, mail, known, authserv_id)).policy != "reply":
            return
        prefix = world.settings.office.number_prefix
        number = known.number if known else cases.coming_number(tx, prefix, world.today.year)
    forms.at_receipt(world, number, mail, world.now())


def _parsed(raw: RawMessage, leaves: Path) -> Submission:
    """The mail; where it cannot be parsed, an empty one that the guard holds for a person (R13)."""
    try:
        return parsers.open_mail(raw.path, str(leaves))
    except ChildFailed as failure:
        log.warning("mail not parsed", sha256=raw.sha256, error=str(failure))
        return Submission(None, None, "", "", None, (), "", "", (), (), (), flags=("unparsed",))


def _register(world: World, tx: Connection, raw: RawMessage, mail: Submission, authserv_id: str, channel: str, ticket: str) -> int | None:
    unparsed = "unparsed" in mail.flags
    key = raw.sha256 if unparsed else compose.semantic_key(mail)
    copy = mails.copy_of(tx, raw.sha256, key)
    if copy is not None:
        mails.link(tx, raw.location, copy)
        return None
    known = _continued(world, tx, mail)
    verdict = guard.guard(mail, _around(world, tx, raw, mail, known, authserv_id))
    verdict = verdict if channel == "email" else Guard("hold", (f"saluran-{channel}",))
    if verdict.policy == "suppress":
        message_id = mails.add(tx, raw, key, mail, verdict, known, "ignored", raw.problem, world.now())
    elif unparsed or raw.problem == "TOO_LARGE":
        message_id = _set_aside(world, tx, raw, mail, key, verdict, known)
    else:
        message_id = _admit(world, tx, raw, mail, key, verdict, known, channel, ticket)
    mails.link(tx, raw.location, message_id)
    return message_id


def _set_aside(world: World, tx: Connection, raw: RawMessage, mail: Submission, key: str, verdict: Guard, known: Case | None) -> int:
    """Too large or not to be parsed: a person's, with a receipt where one is allowed."""
    found = known or _new_case(world, tx, mail)
    problem = raw.problem or "FILE-RUSAK"
    message_id = mails.add(tx, raw, key, mail, verdict, found, "quarantined", problem, world.now())
    receipt(world, tx, found, mail, key, verdict, "receipt")
    if found.state in case.ACTIONS["tinjau"].sources:
        act(world, tx, found, "tinjau", reason=problem)
    return message_id


def _admit(world: World, tx: Connection, raw: RawMessage, mail: Submission, key: str, verdict: Guard, known: Case | None,
           channel: str, ticket: str) -> int:  # fmt: skip
    same = None if known else mails.case_of_files(tx, mail)
    twin = cases.get(tx, same) if same else None
    if twin and twin.state not in (case.RETURNED, *case.CLOSED):
        message_id = mails.add(tx, raw, key, mail, verdict, twin, "duplicate", None, world.now(), channel)
        receipt(world, tx, twin, mail, key, verdict, "duplicate")
        return message_id
    before = known or (twin if twin and twin.state not in case.CLOSED else None)
    found = _next_round(world, tx, before) if before else _new_case(world, tx, mail, channel, ticket)
    message_id = mails.add(tx, raw, key, mail, verdict, found, "stored", raw.problem, world.now(), channel)
    receipt(world, tx, found, mail, key, verdict, "receipt")
    jobs.enqueue(tx, "read", message_id, world.now())
    return message_id


def _new_case(world: World, tx: Connection, mail: Submission, channel: str = "email", ticket: str = "") -> Case:
    number = cases.next_number(tx, world.settings.office.number_prefix, world.today.year)
    step, limit = case.TIMERS[case.RECEIVED]
    return cases.new(tx, mail.sender or "", mail.sender_name, mail.subject, number, world.now(), step, world.due(limit), channel, ticket)


def _next_round(world: World, tx: Connection, found: Case) -> Case:
    """A case that waits for its results is not checked again: the mail is noted for a person instead."""
    if found.state in case.CHECKING:
        return found
    action = "lanjutkan" if found.state in case.ACTIONS["lanjutkan"].sources else "catatan"
    return act(world, tx, found, action, reason="balasan pemohon" if action == "lanjutkan" else "email baru dari pemohon, mohon dibaca")


def _continued(world: World, tx: Connection, mail: Submission) -> Case | None:
    """DESIGN.md 4: references first, then the case code in the subject with the same sender; closed cases start anew."""
    same = mails.case_of_references(tx, mail.references)
    found = cases.get(tx, same) if same else None
    prefix = re.escape(world.settings.office.number_prefix)
    code = re.search(rf"\[({prefix}-\d{{4}}-\d{{6}})\]", mail.subject)
    if found is None and code and mail.sender:
        found = cases.with_number(tx, code.group(1), mail.sender)
    again = (case.NOT_REQUEST, case.OUTSIDE)
    return found if found and (found.state not in case.CLOSED or found.state in again) else None


def _around(world: World, tx: Connection, raw: RawMessage, mail: Submission, known: Case | None, authserv: str) -> guard.Surroundings:
    o, now = world.settings.office, world.now()
    return guard.Surroundings(
        own_addresses=frozenset(a.lower() for a in (o.email, *o.aliases)),
        own_lists=frozenset(o.own_lists),
        authserv_id=authserv,
        enabled=world.settings.replies.enabled,
        received_at=raw.received_at,
        now=now,
        is_own=compose.carries_mark(mail, world.office.secret),
        sent_to_sender=outbox.sent_counts(tx, mail.sender or "", now),
        sent_in_thread=outbox.sent_in_thread(tx, known.id, now) if known else 0,
        deleted=raw.deleted,
    )


def receipt(world: World, tx: Connection, found: Case, mail: Submission, key: str, verdict: Guard, kind: str) -> None:
    """The receipt that the SOP demands, in the intake transaction; the guard says which, or none."""
    if verdict.policy not in ("reply", "minimal") or not mail.sender:
        return
    kind = "minimal" if verdict.policy == "minimal" else kind
    values = receipt_values(world, mail.subject, compose.files_of([(a.name, a.size) for a in mail.attachments]), world.now())
    if kind == "receipt" and world.settings.replies.form:
        values["lampiran"] = (forms.at_receipt(world, found.number, mail, world.now()),)
    put(world, tx, found, Reply(kind, mail.sender, tuple(values.items())), key, (mail.message_id,))


def receipt_values(world: World, subject: str, files: list[dict[str, str]], at: dt.datetime) -> dict[str, object]:
    """What a receipt says of a mail that arrived at `at`."""
    opens = world.hours.next_open(at)
    return {
        "waktu": clock.spoken(at, world.hours.zone),
        "perihal": safe(subject),
        "berkas": files,
        "mulai_periksa": clock.spoken(opens, world.hours.zone) if opens - at > dt.timedelta(minutes=1) else None,
    }
