"""Does somebody have to look? Nothing polled, nothing sent, mail stuck: the operator is told once a day per reason."""

from __future__ import annotations

import datetime as dt
import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from mailbot.mailbox import MailboxError
from mailbot.store import iso, mailboxes, mails, outbox, ticks
from mailbot.work import World, log, open_mailbox
from mailbot.work.sweep import folder_of, gap

YOUNG = dt.timedelta(hours=1)
IN_A_ROW = 5  # unreadable mails: one is the sender's, so many are this machine's


@dataclass(frozen=True, slots=True)
class Trouble:
    """`name` stays the same while the trouble lasts; `words` are for the operator."""

    name: str
    words: str


def look(world: World) -> None:
    """Tells the operator what is new today; each reason once a day."""
    for trouble in [*troubles(world), *_gaps(world)]:
        with world.store.transaction() as tx:
            first = ticks.claim(tx, f"alarm {trouble.name}", world.now().date().isoformat(), world.now())
        if first:
            log.error("alarm", reason=trouble.name, words=trouble.words)
            _tell(world, trouble)


def troubles(world: World) -> list[Trouble]:
    return [
        *_not_polled(world),
        *_not_sent(world),
        *_set_aside(world),
        *_unreadable(world),
        *_limited(world),
        *_disk(world),
    ]


def _not_polled(world: World) -> Iterator[Trouble]:
    late = world.now() - dt.timedelta(minutes=world.settings.alarm.after_minutes)
    for section in world.settings.mailbox:
        with world.store.reading() as tx:
            row = mailboxes.get(tx, section.account, folder_of(section))
        if row and row.paused:
            yield Trouble(f"paused {section.account}", f"Mailbox {section.account} waits for you: {row.paused}")
        elif row and row.polled_at and row.polled_at < iso(late):
            yield Trouble(
                f"poll {section.account}",
                f"Mailbox {section.account} was read last at {row.polled_at}. See: mailbot doctor",
            )
    with world.store.reading() as tx:
        for login in mailboxes.refused_logins(tx):
            if login.failures >= mailboxes.STOPPED_AFTER:
                yield Trouble(
                    f"login {login.fingerprint[:8]}",
                    f"A login was refused {login.failures} times ({login.error}). Set a new secret, then: mailbot retry",
                )


def _not_sent(world: World) -> Iterator[Trouble]:
    late = iso(world.now() - dt.timedelta(minutes=world.settings.alarm.after_minutes))
    with world.store.reading() as tx:
        oldest, rows = outbox.oldest_waiting(tx), outbox.undelivered(tx)
    failed = [r for r in rows if r.state == "failed"]
    if oldest and oldest < late:
        yield Trouble("outbox", f"The oldest mail in the outbox waits since {oldest}. See: mailbot outbox list")
    if failed:
        yield Trouble(
            "failed",
            f"{len(failed)} mails could not be delivered; tell these people by telephone. See: mailbot outbox list",
        )


def _set_aside(world: World) -> Iterator[Trouble]:
    with world.store.reading() as tx:
        count = len(mails.quarantined(tx))
    if count:
        yield Trouble(
            "quarantine", f"{count} mails could not be taken in. See: mailbot quarantine, then: mailbot retry"
        )


def _unreadable(world: World) -> Iterator[Trouble]:
    with world.store.reading() as tx:
        broken = mails.unreadable_in_a_row(tx, IN_A_ROW, world.now() - dt.timedelta(hours=24))
    if broken:
        yield Trouble(
            "unreadable",
            f"The last {IN_A_ROW} mails could not be opened or read; each went to a person. Does this machine let the reading child work? See: mailbot doctor",
        )


def _limited(world: World) -> Iterator[Trouble]:
    """The daily summary of R18: who waits for a receipt because too many were written."""
    with world.store.reading() as tx:
        numbers = mails.unanswered_by_limits(tx, world.now() - dt.timedelta(hours=24))
    if numbers:
        first = ", ".join(numbers[:10]) + (" ..." if len(numbers) > 10 else "")
        yield Trouble(
            "limits",
            f"{len(numbers)} mails of the last 24 hours got no receipt because of [limits]: {first}. A person may send it from the case.",
        )


def _disk(world: World) -> Iterator[Trouble]:
    free = shutil.disk_usage(world.root).free >> 20
    if free < world.settings.storage.min_free_mb:
        yield Trouble(
            "disk",
            f"{free} MB are free at {world.root}; intake waits until there are {world.settings.storage.min_free_mb}",
        )


def _gaps(world: World) -> Iterator[Trouble]:
    """Once a day: is every mail on the server in the ledger? What came within the last hour may still be on its way."""
    with world.store.transaction() as tx:
        if not ticks.claim(tx, "reconcile", world.now().date().isoformat(), world.now()):
            return
    for section in world.settings.mailbox:
        mailbox = open_mailbox(section, read_only=True)
        try:
            missing = [p for p in gap(world, mailbox, section) if world.now() - p.received_at > YOUNG]
        except (MailboxError, OSError) as error:  # that the mailbox cannot be reached is another alarm
            log.warning("mailbox not compared", account=section.account, error=repr(error)[:200])
            continue
        finally:
            mailbox.close()
        if missing:
            uids = ", ".join(p.location.uid for p in missing[:20])
            yield Trouble(
                f"gap {section.account}",
                f"{len(missing)} mails of mailbox {section.account} were not taken in: UID {uids}. See: mailbot doctor",
            )


def _tell(world: World, trouble: Trouble) -> None:
    """Straight to the operator's address, past the outbox: the outbox may be what is stuck. One try."""
    if not (to := world.settings.alarm.to):
        return
    mail, now = EmailMessage(policy=SMTP), world.now()
    mail["Date"], mail["From"], mail["To"] = format_datetime(now), world.office.email, to
    mail["Subject"], mail["Auto-Submitted"] = f"mailbot: {trouble.name}", "auto-generated"
    key = hashlib.sha256(f"{trouble.name}|{now.date()}".encode()).hexdigest()[:26]
    mail["Message-ID"] = f"<alarm.{key}@{world.office.domain}>"
    mail.set_content(trouble.words + "\n")
    result = world.send(mail.as_bytes(), world.office.email, to)
    log.info("operator told", reason=trouble.name, state=result.state)
