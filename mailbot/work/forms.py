"""What the Formulir Serah Terima Berkas says: of a mail as it comes in, or of all that is known of its case later."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from mailbot.config import OfficeSection
from mailbot.model import Submission
from mailbot.paper import Kop, form
from mailbot.paper.form import FileLine, Form
from mailbot.replies.compose import Pdf, size_of
from mailbot.replies.render import safe
from mailbot.sop import clock
from mailbot.work import World

MAX_FILES = 50  # that the form of a receipt lists


def kop_of(world: World) -> Kop:
    return letterhead(world.settings.office)


def letterhead(o: OfficeSection) -> Kop:
    reach = (o.address, f"Telepon {o.phone}" if o.phone else "", o.email)
    lines = tuple(o.letterhead) or (o.name.upper(),)
    return Kop(lines, " | ".join(r for r in reach if r), Path(o.logo) if o.logo else None)


def at_receipt(world: World, number: str, mail: Submission, received: dt.datetime) -> Pdf:
    """The form that goes with the full receipt. Same words, same bytes: made before the transaction, it is at hand within it."""
    when = clock.spoken(received, world.hours.zone)
    files = tuple(FileLine(safe(a.name), size_of(a.size), a.sha256) for a in mail.attachments[:MAX_FILES])
    proof = (
        f"tanggal {when['tanggal']}, Message-ID {safe(mail.message_id)}"
        if mail.message_id
        else f"tanggal {when['tanggal']}"
    )
    filled = Form(number, world.sop.name, when, "email", sender=safe(mail.sender_name), contact=mail.sender or "",
                  subject=safe(mail.subject, 160), files=files, mail_proof=proof)  # fmt: skip
    return Pdf(name_of(number), form.to_pdf(filled, kop_of(world), world.office.templates))


def name_of(number: str) -> str:
    return f"Formulir-Serah-Terima-{number}.pdf"


def letter_line(number: str | None, day: str | None) -> str:
    """Number and date of a letter as one line; empty where neither was found."""
    parts = (number or "", f"tanggal {spoken_day(day)}" if day else "")
    return " ".join(p for p in parts if p)


def spoken_day(iso_day: str | None) -> str:
    if not iso_day:
        return ""
    date = dt.date.fromisoformat(iso_day[:10])
    return f"{date.day} {clock.MONTHS[date.month - 1]} {date.year}"


def spoken_time(world: World, at: str | dt.datetime | None) -> str:
    """23 November 2026 pukul 09.00 WIB; empty for None."""
    if not at:
        return ""
    when = clock.spoken(dt.datetime.fromisoformat(at) if isinstance(at, str) else at, world.hours.zone)
    return f"{when['tanggal']} pukul {when['jam']} {when['zona']}"
