"""The loop of one mailbox: sweep, wait for the bell or the time, sweep again; with patience after each kind of trouble.

Each mailbox has its own thread, so that one that hangs never delays the others.
"""

from __future__ import annotations

import datetime as dt
import random
import threading
import time
from dataclasses import dataclass, field

from mailbot import config
from mailbot.mailbox import LoginRefused, Mailbox, MailboxError
from mailbot.mailbox.patience import Backoff
from mailbot.store import mailboxes, mails
from mailbot.work import World, fingerprint, log
from mailbot.work.sweep import folder_of, sweep

FULL_SWEEP = 600.0  # seconds between sweeps over all UIDs (IN-10)
DISK_PAUSE = 60.0
VAIN_BELLS = 5  # so many rings in a row without a mail are believed at once; a server that goes on is slowed down
VAIN_PAUSE = 1.0
LOGIN_LOOK = 60.0  # how often a stopped login is looked at: the operator's button or a new secret frees it


@dataclass
class Watch:
    """What the loop of one mailbox remembers between its rounds."""

    world: World
    mailbox: Mailbox
    section: config.MailboxSection
    stop: threading.Event
    backoff: Backoff = field(default_factory=lambda: Backoff(random.Random()))
    skipped: set[str] = field(default_factory=set)
    full_at: float = float("-inf")  # monotonic time of the last full sweep
    troubled: bool = False  # the last round failed
    vain: int = 0  # rings in a row that brought nothing

    def run(self) -> None:
        while not self.stop.is_set():
            pause = self.round()
            self.stop.wait(pause)
        self.mailbox.close()

    def round(self) -> float:
        """One sweep and the wait for the bell; seconds to pause before the next round."""
        try:
            if wait := self._login_wait():
                return wait
            taken, began = self._sweep(), time.monotonic()
            self.mailbox.idle(self.section.poll_seconds, self.stop)
            return self._after_bell(taken, time.monotonic() - began)
        except MailboxError as error:
            return self._after(error)
        except OSError as error:
            log.error("disk; intake waits", account=self.section.account, error=repr(error))
            self.troubled = True
            return DISK_PAUSE
        except Exception as error:  # e.g. a locked database: nothing of the mail is lost by waiting
            log.exception("sweep failed; goes on", account=self.section.account, error=repr(error))
            self.troubled = True
            return 5.0

    def _after_bell(self, taken: int, waited: float) -> float:
        """A bell that rings on and on (flags set by people, a mad server) must not keep a core busy."""
        self.vain = 0 if taken or waited > VAIN_PAUSE else self.vain + 1
        return VAIN_PAUSE if self.vain > VAIN_BELLS else 0.0

    def _sweep(self) -> int:
        due = time.monotonic() - self.full_at >= FULL_SWEEP or self.troubled or self._due_again()
        taken = sweep(self.world, self.mailbox, self.section, due, self.skipped)
        if due:
            self.full_at = time.monotonic()
        if self.troubled:
            self._login_worked()
        self.troubled = False
        return taken

    def _due_again(self) -> bool:
        with self.world.store.reading() as tx:
            return mails.due_again(tx, self.section.account, folder_of(self.section), self.world.now())

    def _after(self, error: MailboxError) -> float:
        if isinstance(error, LoginRefused):
            self._login_refused(error)
        pause = self.backoff.next_delay(error, self.mailbox.healthy_for)
        log.warning("mailbox trouble", account=self.section.account, error=repr(error)[:300], pause=round(pause))
        self.troubled = True
        return pause

    # -------------------------------------------------------------- logins (IN-05)

    def _login_wait(self) -> float:
        with self.world.store.reading() as tx:
            due_at = mailboxes.login_due(tx, fingerprint(self.section))
        left = (due_at - self.world.now()).total_seconds() if due_at else 0.0
        self.troubled = self.troubled or due_at is not None
        return max(0.0, min(left, LOGIN_LOOK))

    def _login_refused(self, error: MailboxError) -> None:
        with self.world.store.transaction() as tx:
            count = mailboxes.login_refused(tx, fingerprint(self.section), str(error), self.world.now())
        if count >= mailboxes.STOPPED_AFTER:
            log.error("login stopped; a new secret or `mailbot retry` frees it", account=self.section.account)

    def _login_worked(self) -> None:
        with self.world.store.transaction() as tx:
            mailboxes.login_worked(tx, fingerprint(self.section))


def silent_since(world: World, section: config.MailboxSection) -> dt.datetime | None:
    """When this mailbox was last swept well; None: never."""
    with world.store.reading() as tx:
        row = mailboxes.get(tx, section.account, folder_of(section))
    return dt.datetime.fromisoformat(row.polled_at) if row and row.polled_at else None
