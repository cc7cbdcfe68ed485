"""One sweep over a mailbox: which mails count, in what order, and what becomes of one that fails (MAIL.md 1.2 to 1.5)."""

from __future__ import annotations

import datetime as dt
import errno
import shutil
from collections.abc import Container
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import DBAPIError

from mailbot import config, crash
from mailbot.mailbox import TOO_LARGE, FetchEmpty, Mailbox, MailboxError, Paused, Pending, StartMissing
from mailbot.model import RawMessage
from mailbot.store import mailboxes, mails
from mailbot.work import World, log
from mailbot.work.intake import take_in

AGAIN = (60, 300, 1800)  # seconds until a mail that failed is tried again (IN-33)
FEW = 20
EPOCH_LIMIT = 20  # "new" mails after a change of UIDVALIDITY that an operator must confirm (IN-21)


def sweep_all(world: World) -> int:
    """Takes what is new in every mailbox; how many mails. One failing mailbox does not stop the others: its error is raised last."""
    taken, troubles = 0, []
    for mailbox, section in world.mailboxes:
        try:
            taken += sweep(world, mailbox, section)
        except (MailboxError, OSError) as error:
            troubles.append(error)
    if troubles:
        raise troubles[0]
    return taken


def sweep(
    world: World, mailbox: Mailbox, section: config.MailboxSection, full: bool = True, skipped: set[str] | None = None
) -> int:
    """How many mails were taken. `skipped`: what lies before the start line, remembered between the sweeps of a run."""
    look = Look(world, section, set() if skipped is None else skipped)
    taken = 0
    for pending in mailbox.discover(look.known, full):
        if not look.skips(pending):
            look.check_epoch()
            _check_space(world)
            taken += _take(world, mailbox, pending, section, look)
    look.ended()
    if full:
        _mark_forgotten(world, mailbox, section, look.uidvalidity)
    crash.point("sweep-done")
    return taken


def gap(world: World, mailbox: Mailbox, section: config.MailboxSection) -> list[Pending]:
    """Mails on the server that are neither stored, nor set aside by name, nor before the start line. Changes nothing."""
    look = Look(world, section, set())
    return [pending for pending in mailbox.discover(look.known) if not look.skips(pending)]


def folder_of(section: config.MailboxSection) -> str:
    return section.folder if section.kind == "imap" else Path(section.path).name


@dataclass
class Look:
    """What one sweep knows: the start line (IN-13) and the epoch (IN-21) of its mailbox."""

    world: World
    section: config.MailboxSection
    skipped: set[str]
    uidvalidity: int = 0
    row: Row[Any] | None = None
    new: int = 0
    highest: int = 0
    _line: str = field(default="", init=False)

    def known(self, uidvalidity: int) -> Container[str]:
        account, folder = self.section.account, folder_of(self.section)
        with self.world.store.reading() as tx:
            self.row = mailboxes.get(tx, account, folder)
        if self.row and self.row.paused:
            raise Paused(self.row.paused)
        self.uidvalidity, self._line = uidvalidity, start_line(self.section, self.row)
        word, _, highest = self._line.partition(" ")
        below = int(highest or 0) if word == "none" and self.numbered and not self.epoch else 0
        return Ledger(Stored(self.world, account, folder, uidvalidity), self.skipped, below)

    @property
    def numbered(self) -> bool:
        """UIDs grow; names of files may be digits and mean nothing."""
        return self.section.kind == "imap"

    @property
    def epoch(self) -> bool:
        """The server numbers its mails anew: nothing of this sweep is answered by the machine."""
        return self.row is not None and self.row.uidvalidity != self.uidvalidity

    def skips(self, pending: Pending) -> bool:
        """It lies before the start line. A mail without a date is taken: doubt goes to a person."""
        word, _, date = self._line.partition(" ")
        self.highest = max(self.highest, int(pending.location.uid) if self.numbered else 0)
        if word == "none":
            old = self.row is None or pending.received_at < dt.datetime.fromisoformat(self.row.first_at)
            old = old and (self.row is None or self.epoch or not self.numbered)
        else:
            start = dt.datetime.fromisoformat(date).replace(tzinfo=dt.UTC) if word == "since" else None
            old = start is not None and pending.received_at < start and pending.received_at.year > 1970
        if old:
            self.skipped.add(pending.location.uid)
        return old

    def check_epoch(self) -> None:
        if not self.epoch or self.new < EPOCH_LIMIT or self.row is None:
            return
        why = f"UIDVALIDITY {self.row.uidvalidity} -> {self.uidvalidity}: more than {EPOCH_LIMIT} mails look new; confirm with: mailbot retry --confirm {self.section.account}"
        with self.world.store.transaction() as tx:
            mailboxes.pause(tx, self.section.account, folder_of(self.section), self.uidvalidity, why)
        raise Paused(why)

    def ended(self) -> None:
        account, folder, now = self.section.account, folder_of(self.section), self.world.now()
        with self.world.store.transaction() as tx:
            if self.row is None:
                line = f"none {self.highest}" if self._line == "none" else self._line
                mailboxes.open_first(tx, account, folder, self.uidvalidity, line, now)
            else:
                mailboxes.swept(tx, account, folder, self.uidvalidity, now)


@dataclass
class Stored:
    """UIDs that need no fetch. A few are looked up one by one: after a million mails a poll costs what it did on the first day."""

    world: World
    account: str
    folder: str
    uidvalidity: int
    asked: int = 0
    everything: set[str] | None = None

    def __contains__(self, uid: object) -> bool:
        self.asked += 1
        only = str(uid) if self.asked <= FEW else None
        if self.everything is not None:
            return uid in self.everything
        with self.world.store.reading() as tx:
            found = mails.known_uids(tx, self.account, self.folder, self.uidvalidity, self.world.now(), only)
        self.everything = None if only else found
        return uid in found


@dataclass(frozen=True, slots=True)
class Ledger:
    """What needs no fetch: known or skipped UIDs, and all up to `below`."""

    uids: Container[str]
    skipped: set[str]
    below: int

    def __contains__(self, uid: object) -> bool:
        text = str(uid)
        return text in self.uids or text in self.skipped or (self.below > 0 and int(text) <= self.below)


def start_line(section: config.MailboxSection, row: Row[Any] | None) -> str:
    """none <highest UID then> | since DATE | all; what was chosen at first contact, unless the operator chose anew."""
    wanted = section.start or ("all" if section.kind == "folder" else "")
    if row and (not wanted or row.start.startswith(wanted)):
        return str(row.start)
    if not wanted:
        raise StartMissing(
            f'first contact with mailbox {section.account}: set start = "none", "since YYYY-MM-DD" or "all" in [[mailbox]]'
        )
    return wanted


def _check_space(world: World) -> None:
    least = world.settings.storage.min_free_mb << 20
    if (free := shutil.disk_usage(world.root).free) < least:
        raise OSError(errno.ENOSPC, f"{free >> 20} MB free, {least >> 20} MB wanted; intake waits")


# ------------------------------------------------------------------ one mail


def _take(world: World, mailbox: Mailbox, pending: Pending, section: config.MailboxSection, look: Look) -> int:
    at = pending.location
    with world.store.transaction() as tx:
        failures = mails.attempt(tx, at, world.now())
    crash.point("attempt-counted")
    raw: RawMessage | None = None
    try:
        raw = mailbox.fetch(pending, world.blobs)
        crash.point("mail-fetched")
        look.new += take_in(world, raw, section.authserv_id, epoch=look.epoch) is not None
    except FetchEmpty as error:
        _note(world, pending, repr(error), None, AGAIN[failures] if failures < len(AGAIN) else None)
        return 0
    except (MailboxError, OSError, DBAPIError) as error:
        # the server's, the disk's or the database's fault, not the mail's: it must not use up the mail's attempts
        with world.store.transaction() as tx:
            mails.forgive(tx, at, repr(error), world.now() + dt.timedelta(seconds=AGAIN[0]))
        raise
    except Exception as error:
        log.error("intake failed", uid=at.uid, error=repr(error))
        _note(
            world,
            pending,
            repr(error),
            raw.path if raw else None,
            AGAIN[failures] if failures < mails.MAX_FAILURES - 1 else None,
        )
        return 0
    if raw.problem != TOO_LARGE:
        mailbox.mark(at)
        crash.point("mail-marked")
    return 1


def _note(world: World, pending: Pending, error: str, path: str | None, again: int | None) -> None:
    due_at = world.now() + dt.timedelta(seconds=again) if again else None
    with world.store.transaction() as tx:
        mails.note_failure(tx, pending.location, error, path, due_at)


def _mark_forgotten(world: World, mailbox: Mailbox, section: config.MailboxSection, uidvalidity: int) -> None:
    """K5: a process died between its commit and the mark."""
    with world.store.reading() as tx:
        stored = mailboxes.stored_uids(tx, section.account, folder_of(section), uidvalidity)
    for location in mailbox.unmarked(stored):
        mailbox.mark(location)
