"""A world whose clock only moves when told: mails are taken in, read and answered by the real units of work, and what leaves is caught."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from unittest import mock

from mailbot import config
from mailbot.mailbox import keep
from mailbot.model import Location, RawMessage
from mailbot.parsers import child
from mailbot.replies.smtp import Handover
from mailbot.work import World, delivery, lanes, open_world
from mailbot.work.intake import take_in

OFFICE = "lpse@batangkab.example"
MONDAY = dt.datetime(2026, 3, 2, 1, 0, tzinfo=dt.UTC)


@dataclass
class Virtual:
    """`out`: (time, recipient, bytes) of all that left and was not fetched by `left` yet."""

    now: dt.datetime = MONDAY
    out: list[tuple[dt.datetime, str, bytes]] = field(default_factory=list)
    refuse: set[str] = field(default_factory=set)  # recipients whose server says 451 the first time
    count: int = 0
    world: World | None = None

    def take(self, data: bytes, received_at: dt.datetime | None = None, authserv_id: str = "") -> None:
        """One mail arrives and is worked off, answers included."""
        assert self.world
        self.count += 1
        path, sha256, size = keep(iter((data,)), self.world.blobs)
        take_in(
            self.world,
            RawMessage(
                Location("utama", "INBOX", 1, str(self.count)), str(path), sha256, size, received_at or self.now
            ),
            authserv_id,
        )
        self.work()

    def work(self) -> None:
        assert self.world
        while lanes.work(self.world, "mail") or lanes.work(self.world, "ocr") or delivery.send_next(self.world):
            pass

    def send(self, data: bytes, sender: str, recipient: str, final: object = None) -> Handover:
        if recipient in self.refuse:
            self.refuse.discard(recipient)
            return Handover("deferred", "rcpt", "451 greylisted")
        self.out.append((self.now, recipient, data))
        return Handover("sent", "final", "250 ok")

    def left(self) -> list[tuple[dt.datetime, str, bytes]]:
        found, self.out = self.out, []
        return found


@contextmanager
def virtual() -> Iterator[Virtual]:
    """The mails are our own, so that they are opened in this process: a child for each would only cost time."""
    direct = mock.patch.object(child, "run", lambda function, *args, **_: function(*args))
    with tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True) as name, direct:
        settings = config.Settings(
            office=config.OfficeSection(email=OFFICE),
            smtp=config.SmtpSection(path=f"{name}/sent"),
            storage=config.StorageSection(path=f"{name}/data"),
            replies=config.RepliesSection(form=False),
        )
        made = Virtual()
        made.world = replace(open_world(settings, lambda: made.now, "kunci-simulasi"), send=made.send)
        yield made
