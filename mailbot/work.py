"""Each function does one unit of work: intake of a mail, reading of a message, delivery of a reply."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy import Connection

from mailbot import config, jobs, parsers
from mailbot.mailbox import FetchEmpty, Mailbox, MailboxError, Pending
from mailbot.mailbox.folder import Folder
from mailbot.mailbox.imap import Imap, ImapSettings
from mailbot.model import Case, Evidence, Guard, Letter, Location, RawMessage, Reply, Submission, Verdict
from mailbot.parsers.child import ChildFailed
from mailbot.replies import compose, guard, smtp
from mailbot.sop import Sop, case, clock, judge, load
from mailbot.store import Store, Stored

log = structlog.get_logger()
MAX_ATTEMPTS = 3
RETRY = (60, 300, 1800, 3600, 6 * 3600)  # seconds between attempts of a deferred mail
GIVE_UP = dt.timedelta(hours=48)


class Sender(Protocol):
    def __call__(self, data: bytes, sender: str, recipient: str) -> smtp.Handover: ...


@dataclass(frozen=True)
class World:
    """What the units of work act on; put together once by `open_world`."""

    settings: config.Settings
    root: Path
    store: Store
    sop: Sop
    office: compose.Office
    hours: clock.Hours
    mailboxes: tuple[tuple[Mailbox, config.MailboxSection], ...]
    send: Sender
    now: Callable[[], dt.datetime]

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"


def open_world(settings: config.Settings, now: Callable[[], dt.datetime], secret_key: str = "") -> World:
    root = Path(settings.storage.path).resolve()
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    h = settings.service_hours
    closed = frozenset(dt.date.fromisoformat(d) for d in h.closed)
    hours = clock.Hours(dt.time.fromisoformat(h.opens), dt.time.fromisoformat(h.closes), h.zone, closed)
    office = config.office(settings, secret_key or config.installation_secret(root))
    sop = load(Path(settings.sop.file) if settings.sop.file else None)
    mailboxes = tuple((_mailbox(m), m) for m in settings.mailbox)
    return World(settings, root, Store(root / "mailbot.db"), sop, office, hours, mailboxes, _sender(settings), now)


def _mailbox(m: config.MailboxSection) -> Mailbox:
    if m.kind == "folder":
        return Folder(m.account, Path(m.path))
    return Imap(ImapSettings(
        account=m.account, host=m.host, port=m.port, tls=m.tls, user=m.user, secret=config.secret(m.secret_env),
        folder=m.folder, mark=m.mark, move_to=m.move_to, ca_file=Path(m.ca_file) if m.ca_file else None))  # fmt: skip


def _sender(settings: config.Settings) -> Sender:
    s = settings.smtp
    if s.kind == "folder":
        return smtp.Outfolder(Path(s.path)).hand_over
    secret = config.secret(s.secret_env)
    found = smtp.SmtpSettings(s.host, s.port, s.tls, s.user, secret, ca_file=Path(s.ca_file) if s.ca_file else None)
    return lambda data, sender, recipient: smtp.hand_over(data, sender, recipient, found)


# ------------------------------------------------------------------ intake


def intake(world: World) -> int:
    """Takes what is new in every mailbox; how many mails. A mail that fails is set aside, the next goes on."""
    return sum(_intake_mailbox(world, mailbox, section) for mailbox, section in world.mailboxes)


def _intake_mailbox(world: World, mailbox: Mailbox, section: config.MailboxSection) -> int:
    def known(uidvalidity: int) -> set[str]:
        return world.store.known_uids(section.account, _folder_of(section), uidvalidity)

    return sum(_take(world, mailbox, pending, section) for pending in mailbox.discover(known))


def _folder_of(section: config.MailboxSection) -> str:
    return section.folder if section.kind == "imap" else Path(section.path).name


def _take(world: World, mailbox: Mailbox, pending: Pending, section: config.MailboxSection) -> int:
    if world.store.attempt(pending.location) > MAX_ATTEMPTS:
        return 0
    raw: RawMessage | None = None
    try:
        raw = mailbox.fetch(pending, world.blobs)
        take_in(world, raw, section.authserv_id)
    except FetchEmpty as error:
        world.store.note_failure(pending.location, repr(error), None)
        return 0
    except (MailboxError, OSError):
        # the server's or the disk's fault, not the mail's: it must not use up the mail's attempts
        world.store.forgive(pending.location)
        raise
    except Exception as error:
        log.error("intake failed", uid=pending.location.uid, error=repr(error))
        world.store.note_failure(pending.location, repr(error), raw.path if raw else None)
        return 0
    mailbox.mark(pending.location)
    return 1


def take_in(world: World, raw: RawMessage, authserv_id: str = "") -> int | None:
    """Location, message, guard result, case, receipt and job in one transaction; None for a known copy."""
    leaves = Path(tempfile.mkdtemp(prefix="leaves-", dir=world.root))
    try:
        mail = _parsed(raw, leaves)
        with world.store.transaction() as tx:
            return _register(world, tx, raw, mail, authserv_id)
    finally:
        shutil.rmtree(leaves, ignore_errors=True)


def _parsed(raw: RawMessage, leaves: Path) -> Submission:
    """The mail; where it cannot be parsed, an empty one that the guard holds for a person (R13)."""
    try:
        return parsers.open_mail(raw.path, str(leaves))
    except ChildFailed as failure:
        log.warning("mail not parsed", sha256=raw.sha256, error=str(failure))
        return Submission(None, None, "", "", None, (), "", "", (), (), (), flags=("unparsed",))


def _register(world: World, tx: Connection, raw: RawMessage, mail: Submission, authserv_id: str) -> int | None:
    store, now = world.store, world.now()
    unparsed = "unparsed" in mail.flags
    key = raw.sha256 if unparsed else compose.semantic_key(mail)
    copy = store.copy_of(tx, raw.sha256, key)
    if copy is not None:
        store.link(tx, raw.location, copy)
        return None
    known = _continued(world, tx, mail)
    verdict = guard.guard(mail, _around(world, tx, raw, mail, known, authserv_id))
    if verdict.policy == "suppress":
        message_id = store.add_message(tx, raw.sha256, key, mail, raw.received_at, verdict, known, "ignored", raw.problem)
    elif unparsed or raw.problem == "TOO_LARGE":
        found = known or _new_case(world, tx, mail, now)
        problem = raw.problem or "FILE-RUSAK"
        message_id = store.add_message(tx, raw.sha256, key, mail, raw.received_at, verdict, found, "quarantined", problem)
        _receipt(world, tx, found, mail, key, verdict, "receipt")
        _to_person(world, tx, found, problem)
    else:
        message_id = _admit(world, tx, raw, mail, key, verdict, known)
    store.link(tx, raw.location, message_id)
    return message_id


def _admit(world: World, tx: Connection, raw: RawMessage, mail: Submission, key: str, verdict: Guard, known: Case | None) -> int:
    store, now = world.store, world.now()
    same = None if known else store.case_of_files(tx, mail)
    if same and same.state not in (case.RETURNED, *case.CLOSED):
        message_id = store.add_message(tx, raw.sha256, key, mail, raw.received_at, verdict, same, "duplicate", None)
        _receipt(world, tx, same, mail, key, verdict, "duplicate")
        return message_id
    found = _next_round(world, tx, known or same) if known or same else _new_case(world, tx, mail, now)
    message_id = store.add_message(tx, raw.sha256, key, mail, raw.received_at, verdict, found, "stored", raw.problem)
    _receipt(world, tx, found, mail, key, verdict, "receipt")
    jobs.enqueue(tx, "read", message_id, now)
    return message_id


def _new_case(world: World, tx: Connection, mail: Submission, now: dt.datetime) -> Case:
    return world.store.new_case(tx, mail.sender or "", mail.subject, world.settings.office.number_prefix, now)


def _next_round(world: World, tx: Connection, found: Case | None) -> Case:
    assert found is not None
    if found.state in (case.RETURNED, case.CHECKED_BY_PERSON, case.FORWARDED, case.NOT_REQUEST):
        change = case.decide(found, "lanjutkan", world.now(), actor="mesin", reason="balasan pemohon")
        world.store.apply(tx, change)
    return world.store.case(tx, found.id)


def _continued(world: World, tx: Connection, mail: Submission) -> Case | None:
    """DESIGN.md 4: references first, then the case code in the subject with the same sender; closed cases start anew."""
    found = world.store.case_of_references(tx, mail.references)
    prefix = re.escape(world.settings.office.number_prefix)
    code = re.search(rf"\[({prefix}-\d{{4}}-\d{{6}})\]", mail.subject)
    if found is None and code and mail.sender:
        found = world.store.case_of_number(tx, code.group(1), mail.sender)
    return found if found and (found.state not in case.CLOSED or found.state == case.NOT_REQUEST) else None


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
        sent_to_sender=world.store.sent_counts(tx, mail.sender or "", now),
        sent_in_thread=world.store.sent_in_thread(tx, known.id, now) if known else 0,
        deleted=raw.deleted,
    )


def _to_person(world: World, tx: Connection, found: Case, reason: str) -> None:
    if found.state in case.ACTIONS["tinjau"][0]:
        world.store.apply(tx, case.decide(found, "tinjau", world.now(), actor="mesin", reason=reason))


# ------------------------------------------------------------------ replies


def _receipt(world: World, tx: Connection, found: Case, mail: Submission, key: str, verdict: Guard, kind: str) -> None:
    """The receipt that the SOP demands, in the intake transaction; the guard says which, or none."""
    if verdict.policy not in ("reply", "minimal") or not mail.sender:
        return
    kind = "minimal" if verdict.policy == "minimal" else kind
    opens = world.hours.next_open(world.now())
    values = {
        "waktu": clock.spoken(world.now(), world.hours.zone),
        "perihal": compose.safe(mail.subject),
        "berkas": compose.files_of(mail),
        "mulai_periksa": clock.spoken(opens, world.hours.zone) if opens > world.now() else None,
    }
    _put(world, tx, found, Reply(kind, mail.sender, tuple(values.items())), key, (mail.message_id,))


def _put(world: World, tx: Connection, found: Case, reply: Reply, key: str, references: tuple[str | None, ...]) -> None:
    thread = compose.Thread(reply.to, found.number, tuple(r for r in references if r))
    mail = compose.compose(reply.kind, found.round, key, thread, dict(reply.values), world.office, world.now())
    outgoing_id = world.store.add_outgoing(tx, found.id, mail, world.now())
    if outgoing_id is not None:
        jobs.enqueue(tx, "deliver", outgoing_id, world.now())


# ------------------------------------------------------------------ read and judge


def work(world: World, lane: str) -> bool:
    """One job of a lane; whether there was one. A failing job waits, and after the fourth failure is set aside."""
    found = jobs.claim(world.store, lane, world.now())
    if found is None:
        return False
    try:
        TASKS[found.task](world, found)
    except Exception as error:
        log.exception("job failed", task=found.task, subject=found.subject_id)
        with world.store.transaction() as tx:
            if jobs.failed(tx, found, repr(error), world.now()) and found.task == "read":
                _set_aside(world, tx, found.subject_id)
    return True


def _set_aside(world: World, tx: Connection, message_id: int) -> None:
    """A mail that nobody can read is a person's: quarantine entry and the case before the help desk."""
    world.store.set_message_state(tx, message_id, "quarantined", "reading failed")
    stored = world.store.message(tx, message_id)
    if stored.case_id:
        _to_person(world, tx, world.store.case(tx, stored.case_id), "surat tidak dapat dibaca mesin")


def read(world: World, job: jobs.Job) -> None:
    with world.store.transaction() as tx:
        stored = world.store.message(tx, job.subject_id)
    evidence = read_blob(world.root, blob_path(world.blobs, stored.content), world.now().date())
    with world.store.transaction() as tx:
        world.store.save_reading(tx, stored.id, evidence)
        if stored.case_id:
            conclude(world, tx, stored)
        jobs.done(tx, job)


def blob_path(blobs: Path, sha256: str) -> Path:
    return blobs / sha256[:2] / sha256


def read_blob(root: Path, path: Path, today: dt.date) -> Evidence:
    leaves = Path(tempfile.mkdtemp(prefix="leaves-", dir=root))
    try:
        return parsers.read(parsers.open_mail(str(path), str(leaves)), today)
    finally:
        shutil.rmtree(leaves, ignore_errors=True)


def conclude(world: World, tx: Connection, stored: Stored) -> None:
    """Judges the union of the case's rounds once all its mails are read, and stores what follows."""
    rows = world.store.messages_of(tx, stored.case_id or 0)
    if any(r.state == "stored" for r in rows):
        return
    found = world.store.case(tx, stored.case_id or 0)
    union = _union(world, tx, [(r.id, r.round) for r in rows if r.evidence])
    verdict = judge.judge(union, world.sop, world.now().date())
    newest = next(r for r in rows if r.evidence)
    world.store.save_verdict(tx, newest.id, verdict)
    if found.state != case.RECEIVED:
        return
    twin = world.store.same_letter(tx, found.id, key) if (key := _letter_key(union)) else None
    if twin:
        world.store.set_message_state(tx, newest.id, "duplicate")
        change = case.decide(found, "duplikat", world.now(), actor="mesin", reason=f"sama dengan {twin.number}")
        change = replace(change, replies=(Reply("duplicate", found.requester),) if stored.guard.policy == "reply" else ())
        found = replace(found, number=twin.number)
    else:
        change = case.by_verdict(found, verdict, stored.guard, world.now())
    world.store.apply(tx, change)
    for reply in change.replies:
        filled = Reply(reply.kind, reply.to, tuple(_values(world, union, verdict).items()))
        _put(world, tx, found, filled, newest.semantic, (newest.header_id,))


def _union(world: World, tx: Connection, ids: list[tuple[int, int]]) -> Evidence:
    """Newest copy of each document wins; persons are joined anew over all of it."""
    union = Evidence()
    for message_id, number in reversed(ids):
        new = world.store.evidence(tx, message_id) or Evidence()
        documents = judge.with_rounds(judge.renumbered(new.documents, number), union.documents)
        letter = new.letter if any(d.kind == "surat_permohonan" for d in new.documents) else union.letter
        # the people are those of the newest letter; without a new letter, those of the earlier round with new data
        people = new.persons if letter != union.letter or not union.persons else union.persons
        if letter == union.letter and union.persons:
            people = parsers.fields.join(documents, new.persons)
        links = new.links
        union = Evidence(documents, people, letter or Letter(), new.body, new.subject or union.subject, links)
    return union


def _letter_key(evidence: Evidence) -> str:
    nips = sorted(p.nip.value for p in evidence.persons if p.nip.value)
    number, office = evidence.letter.nomor.value, evidence.letter.instansi.value
    return "|".join((number, office or "", *nips)).lower() if number and nips else ""


def _values(world: World, evidence: Evidence, verdict: Verdict) -> dict[str, object]:
    return {
        "waktu": clock.spoken(world.now(), world.hours.zone),
        "kekurangan": compose.defects(verdict, world.sop),
        "sudah_baik": compose.received_well(evidence.documents, verdict, world.sop),
        "tte": world.sop.accept_tte,
    }


# ------------------------------------------------------------------ deliver


def deliver(world: World, job: jobs.Job) -> None:
    """Hands over one due mail of the outbox; states and pauses after IN-50."""
    send_next(world)
    with world.store.transaction() as tx:
        jobs.done(tx, job)


def send_next(world: World) -> bool:
    row = world.store.claim_outgoing(world.now())
    if row is None:
        return False
    result = world.send(row.data, world.office.email, row.recipient)
    pause = dt.timedelta(seconds=RETRY[min(row.attempts, len(RETRY)) - 1 if row.attempts else 0])
    too_old = world.now() - dt.datetime.fromisoformat(row.created_at) > GIVE_UP
    state = "failed" if result.state == "deferred" and too_old else result.state
    world.store.finish_outgoing(row.id, state, f"{result.stage}: {result.answer}", world.now() + pause)
    log.info("mail handed over", kind=row.kind, state=state, stage=result.stage)
    return True


TASKS: dict[str, Callable[[World, jobs.Job], None]] = {"read": read, "deliver": deliver}


def recover(world: World) -> None:
    """After a kill: running jobs are due again; a mail caught in the hand-over is decided by the sender's kind."""
    jobs.recover(world.store)
    for leftover in (*world.root.glob("leaves-*"), *world.blobs.glob(".incoming-*")):
        shutil.rmtree(leftover, ignore_errors=True) if leftover.is_dir() else leftover.unlink(missing_ok=True)
    # a folder keeps one file per Message-ID, so handing over again cannot double; over SMTP a person looks first
    again = "pending" if world.settings.smtp.kind == "folder" else "ambiguous"
    for row in world.store.outbox():
        if row.state == "sending":
            world.store.finish_outgoing(row.id, again, "interrupted", world.now())


def idle(world: World) -> bool:
    """Nothing waits in any lane or in the outbox."""
    return not jobs.busy(world.store) and all(r.state not in ("pending", "sending") for r in world.store.outbox())


__all__ = ["Location", "World", "deliver", "intake", "open_world", "read", "recover", "send_next", "work"]
