"""A hardcopy or TTS case, entered by hand with its scans, goes the same way as a mail (R-08, A-11)."""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from mailbot.mailbox import keep
from mailbot.model import Actor, Case, Location, RawMessage
from mailbot.sop.case import Refused
from mailbot.store import cases, chain, mails
from mailbot.work import World
from mailbot.work.intake import nobody, take_in

CHANNELS = {"langsung": "Langsung (hardcopy)", "tts": "TTS / LPSE Support"}


@dataclass(frozen=True, slots=True)
class Entry:
    """What the officer noted at the counter. `email` may be empty: then nobody is written to."""

    channel: str
    name: str
    subject: str
    files: tuple[tuple[str, bytes], ...]
    email: str = ""
    ticket: str = ""
    note: str = ""


def enter(world: World, actor: Actor, entry: Entry) -> Case:
    """Keeps the scans as one mail-like original and takes it in; the case of it, or of the same files before."""
    if entry.channel not in CHANNELS:
        raise Refused("Pilih cara penyampaian: langsung atau TTS.")
    if not entry.files:
        raise Refused("Unggah sedikitnya satu berkas pindaian.")
    data = _wrapped(world, entry)
    path, sha256, size = keep(iter((data,)), world.blobs)
    at = Location(entry.channel, "entri", 1, sha256)
    raw = RawMessage(at, str(path), sha256, size, world.now())
    with world.store.reading() as tx:
        known = mails.copy_of(tx, sha256, sha256)
    message_id = known or take_in(world, raw, channel=entry.channel, ticket=entry.ticket)
    with world.store.transaction() as tx:
        found = mails.get(tx, message_id or mails.copy_of(tx, sha256, sha256) or 0)
        chain.append(tx, chain.OFFICE, world.now(), actor.name, "entri", reason=entry.note,
                     data={"berkas": [name for name, _ in entry.files], "saluran": entry.channel})  # fmt: skip
        return cases.get(tx, found.case_id or 0)


def _wrapped(world: World, entry: Entry) -> bytes:
    """The same files and words give the same bytes, so that a repeated click enters one case only."""
    mail = EmailMessage(policy=SMTP)
    mail["Date"] = format_datetime(world.now().replace(hour=0, minute=0, second=0, microsecond=0))
    mail["From"] = entry.email or nobody(world, entry.channel)
    mail["To"], mail["Subject"] = world.office.email, entry.subject
    words = "\0".join((entry.name, entry.subject, entry.email, entry.note)).encode()
    digest = hashlib.sha256(b"\0".join((words, *(data for _, data in entry.files)))).hexdigest()[:32]
    mail["Message-ID"] = f"<entri.{digest}@{world.office.domain}>"
    mail.set_content(f"{entry.name}\n{entry.note}\n")
    for name, data in entry.files:
        main, _, sub = (mimetypes.guess_type(name)[0] or "application/octet-stream").partition("/")
        mail.add_attachment(data, maintype=main, subtype=sub, filename=name)
    mail.set_boundary(f"entri-{digest}")  # a random one would make other bytes of a second click
    return mail.as_bytes()
