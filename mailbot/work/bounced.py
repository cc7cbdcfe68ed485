"""What a delivery report changes: the mail that it is about and its address, never a case (MAIL.md 2.6)."""

from __future__ import annotations

import datetime as dt

from sqlalchemy import Connection, Row

from mailbot.model import RawMessage, Submission
from mailbot.parsers import child
from mailbot.replies import bounces, compose
from mailbot.store import outbox
from mailbot.work import World, log

UNMATCHED, HINT = "unmatched_dsn", "dsn_hint"
FULL_PAUSE = dt.timedelta(hours=24)


def read(raw: RawMessage, mail: Submission) -> bounces.Report | None:
    """The report in a mail that looks like one; opened in the limited child."""
    if not bounces.looks_like(mail):
        return None
    try:
        return child.run(
            bounces.read,
            raw.path,
            result=bounces.Report,
            limits=child.Limits(seconds=30, cpu_seconds=20, reads=(raw.path,), nice=0),
        )
    except child.ChildFailed as failure:
        log.warning("delivery report not read", sha256=raw.sha256, error=str(failure))
        return bounces.Report()


def note(world: World, tx: Connection, report: bounces.Report) -> str:
    """Notes what the outbox confirms; a word for the report's own row: what it meant, or that it fits nothing of ours."""
    meanings = []
    for header_id in report.ids:
        sent = outbox.with_header_id(tx, header_id)
        if sent is None or not genuine(world, sent):
            continue
        for recipient in report.recipients:
            if sent.recipient in (recipient.final, recipient.original):
                meanings.append(_apply(world, tx, sent, recipient))
    if meanings:
        return f"dsn: {meanings[0]}"
    return HINT if report.hints else UNMATCHED


def genuine(world: World, sent: Row[tuple[object, ...]]) -> bool:
    """The id was made by us: its HMAC is right, not only known."""
    return bool(sent.header_id == compose.message_id(sent.kind, sent.key, sent.seq, world.office))


def _apply(world: World, tx: Connection, sent: Row[tuple[object, ...]], recipient: bounces.Recipient) -> str:
    what, now = bounces.meaning(recipient), world.now()
    if what == "full" and sent.bounced == "":
        outbox.again(tx, sent.id, recipient.status, now + FULL_PAUSE)
    elif what not in ("delayed", "delivered"):
        outbox.bounced(tx, sent.id, recipient.status or "5.0.0", recipient.diagnostic)
    if what == "bad address":
        outbox.note_undeliverable(tx, sent.recipient, recipient.status, now)
    log.warning("delivery report", outgoing=sent.id, meaning=what, status=recipient.status)
    return what
