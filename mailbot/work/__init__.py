"""The units of work: each does one thing and says whether there was work. Loops and sleeps live in `schedule`.

intake: mailbox -> case and receipt · reading: mail -> evidence -> verdict -> change · delivery: outbox -> SMTP · desk: what people do
"""

from __future__ import annotations

import datetime as dt
import functools
import gc
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Connection

from mailbot import config, jobs
from mailbot.mailbox import Mailbox
from mailbot.mailbox.folder import Folder
from mailbot.mailbox.imap import Imap
from mailbot.mailbox.oauth import Tokens, TokenSettings
from mailbot.mailbox.session import ImapSettings
from mailbot.model import Actor, Attachment, Case, Evidence, Reply, Update
from mailbot.replies import compose, smtp
from mailbot.sop import Sop, case, clock, load
from mailbot.store import Store, cases, outbox

log = structlog.get_logger()


class Sender(Protocol):
    def __call__(
        self, data: bytes, sender: str, recipient: str, final: smtp.Final | None = None, /
    ) -> smtp.Handover: ...


@dataclass(frozen=True)
class Opened:
    """What a mail held, what was read of it, and how many seconds that took (wall, CPU of all children)."""

    attachments: tuple[Attachment, ...]
    evidence: Evidence
    seconds: float
    cpu_seconds: float


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
    reader: Callable[[Path], Opened] | None = None  # reads a blob ahead of its job, where somebody did

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    @property
    def today(self) -> dt.date:
        """The day at the office, which at night is not the day in UTC."""
        return self.now().astimezone(ZoneInfo(self.hours.zone)).date()

    def due(self, limit: str) -> dt.datetime:
        """When a step that starts now is due; `limit` is a key of the SOP file's limits."""
        return self.hours.deadline(self.now(), self.sop.limits[limit])


def open_world(settings: config.Settings, now: Callable[[], dt.datetime], secret_key: str = "") -> World:
    root = Path(settings.storage.path).resolve()
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    h = settings.service_hours
    closed = frozenset(dt.date.fromisoformat(d) for d in h.closed)
    hours = clock.Hours(dt.time.fromisoformat(h.opens), dt.time.fromisoformat(h.closes), h.zone, closed)
    office = config.office(settings, secret_key or config.installation_secret(root))
    sop = replace(load(Path(settings.sop.file) if settings.sop.file else None), office=settings.office.name)
    mailboxes = tuple((open_mailbox(m), m) for m in settings.mailbox)
    store = Store(config.database_url(settings, root))
    return World(settings, root, store, sop, office, hours, mailboxes, _sender(settings), now)


def stay() -> None:
    """For a process that stays: what it has loaded is not walked by the collector again, which cost 0.8 ms of each mail."""
    gc.collect()
    gc.freeze()


def open_mailbox(m: config.MailboxSection, read_only: bool = False) -> Mailbox:
    """A connection of its own; nothing is opened before it is used."""
    most = m.max_mb << 20
    if m.kind == "folder":
        return Folder(m.account, Path(m.path), most)
    tokens = tokens_of(m) if m.auth != "password" else None
    return Imap(ImapSettings(
        account=m.account, host=m.host, port=m.port, tls=m.tls, user=m.user, secret=config.secret(m.secret_env),
        folder=m.folder, mark=m.mark, move_to=m.move_to, ca_file=_file(m.ca_file), max_bytes=most, sent=m.sent, tokens=tokens,
        mechanism="oauthbearer" if m.auth == "oauthbearer" else "xoauth2", read_only=read_only))  # fmt: skip


@functools.cache
def tokens_of(m: config.MailboxSection) -> Tokens:
    """One access token for all sessions of an account; `secret_env` names the refresh token."""
    secret = config.secret(m.client_secret_env) if m.client_secret_env else ""
    return Tokens(
        TokenSettings(m.token_url, m.client_id, config.secret(m.secret_env), secret, m.scope, ca_file=_file(m.ca_file))
    )


def _sender(settings: config.Settings) -> Sender:
    s = settings.smtp
    if s.kind == "folder":
        return smtp.Outfolder(Path(s.path)).hand_over
    found = smtp_settings(settings)
    return lambda data, sender, recipient, final=None: smtp.hand_over(data, sender, recipient, found, final)


def smtp_settings(settings: config.Settings) -> smtp.SmtpSettings:
    s = settings.smtp
    tokens = tokens_of(settings.mailbox[0]) if s.auth == "xoauth2" else None
    copy_to = settings.office.email if s.own_copy else ""
    secret = config.secret(s.secret_env)
    return smtp.SmtpSettings(
        s.host, s.port, s.tls, s.user, secret, ca_file=_file(s.ca_file), tokens=tokens, copy_to=copy_to
    )


def fingerprint(section: config.MailboxSection | config.SmtpSection) -> str:
    """Of host, user and secret: a new secret starts with a clean record."""
    secret = hashlib.sha256(config.secret(section.secret_env).encode()).hexdigest()
    return hashlib.sha256(f"{section.host}|{section.port}|{section.user}|{secret}".encode()).hexdigest()


def _file(name: str) -> Path | None:
    return Path(name) if name else None


# ------------------------------------------------------------------ the one door


def act(world: World, tx: Connection, found: Case, action: str, *, actor: Actor = case.MACHINE, reason: str = "",
        updates: tuple[Update, ...] = (), data: tuple[tuple[str, object], ...] = ()) -> Case:  # fmt: skip
    """Decides and stores one change; raises case.Refused or store.Stale with words for the person who tried."""
    change = case.decide(
        found, action, world.now(), actor=actor, reason=reason, updates=updates, data=data, due=world.due
    )
    return cases.apply(tx, change)


def put(
    world: World, tx: Connection, found: Case, reply: Reply, key: str, references: tuple[str | None, ...], seq: int = 0
) -> int | None:
    """A reply into the outbox, with the job that delivers it; None where it is there already. `seq` 0: the case's round."""
    thread = compose.Thread(reply.to, found.number, tuple(r for r in references if r))
    mail = compose.compose(reply.kind, seq or found.round, key, thread, dict(reply.values), world.office, world.now())
    outgoing_id = outbox.add(tx, found.id, mail, world.now())
    if outgoing_id is not None:
        jobs.enqueue(tx, "deliver", outgoing_id, world.now())
    return outgoing_id


def blob_path(blobs: Path, sha256: str) -> Path:
    return blobs / sha256[:2] / sha256
