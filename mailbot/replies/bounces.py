"""Delivery reports about our own mail (RFC 3464). Nothing in a report is believed before the outbox confirms it (MAIL.md 2.6).

Reads hostile bytes, so it runs in the limited child. flufl.bounce is asked only where a mail is no proper report, and its
answer is a hint, never a reason to act.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Literal

from mailbot.model import Submission

MAX_BYTES = 1024 * 1024  # of a report; what is behind is the returned mail
HINT_BYTES = 256 * 1024
MAX_RECIPIENTS = 50
MESSAGE_ID = re.compile(r"<[^<>\s@]{1,180}@[^<>\s@]{1,68}>")
TAGGED = re.compile(r"\+b-([a-z0-9-]+\.[a-z2-7]{26}@[^<>\s@,;]{1,68})", re.I)  # what compose.bounce_address made
OUR_FORM = re.compile(r"^<mb\.[a-z0-9-]+\.[a-z2-7]{26}@[^<>\s@]+>$")

Meaning = Literal["bad address", "full", "refused", "delayed", "failed", "delivered"]


@dataclass(frozen=True, slots=True)
class Recipient:
    """What a report says of one recipient; addresses in lower case, `status` as 5.1.1."""

    action: str
    status: str
    final: str
    original: str = ""
    diagnostic: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """`ids`: Message-IDs of our form that the report names. `hints`: addresses that flufl.bounce guessed."""

    recipients: tuple[Recipient, ...] = ()
    ids: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


def looks_like(mail: Submission) -> bool:
    """A report by its form (R03), or a mail of a null sender (R02)."""
    kinds = {*mail.leaf_types, *(v.split(";")[0].strip().lower() for v in mail.header("content-type"))}
    null = bool(mail.header("return-path")) and mail.header("return-path")[0].strip() == "<>"
    return null or bool(kinds & {"multipart/report", "message/delivery-status"})


def read(path: str) -> Report:
    with open(path, "rb") as file:
        data = file.read(MAX_BYTES)
    message = email.message_from_bytes(data)
    recipients = tuple(_recipients(message))[:MAX_RECIPIENTS]
    ids = tuple(dict.fromkeys(i for i in _ids(message) if OUR_FORM.match(i)))[:MAX_RECIPIENTS]
    return Report(recipients, ids, () if recipients else _hints(data))


def meaning(recipient: Recipient) -> Meaning:
    """MAIL.md 2.6 by Action and the enhanced status code."""
    subject, detail = [*recipient.status.split("."), "", "", ""][1:3]
    if recipient.action in ("delivered", "relayed", "expanded"):
        return "delivered"
    if recipient.action == "delayed" or recipient.status.startswith("4"):
        return "delayed"
    if subject == "1" or (subject, detail) == ("4", "4"):
        return "bad address"
    if (subject, detail) == ("2", "2"):
        return "full"
    return "refused" if subject == "7" else "failed"


def _recipients(message: Message) -> Iterator[Recipient]:
    """The groups of all message/delivery-status parts; the first group of each is about the report itself."""
    for part in message.walk():
        if part.get_content_type() != "message/delivery-status" or not isinstance(part.get_payload(), list):
            continue
        for group in part.get_payload():
            if isinstance(group, Message) and group.get("Final-Recipient"):
                yield Recipient(
                    _word(group, "Action").lower(), _status(group), _address(group, "Final-Recipient"),
                    _address(group, "Original-Recipient"), _word(group, "Diagnostic-Code")[:300])  # fmt: skip


def _word(group: Message, name: str) -> str:
    return " ".join(str(group.get(name) or "").split())


def _status(group: Message) -> str:
    found = re.match(r"[245]\.\d{1,3}\.\d{1,3}", _word(group, "Status"))
    return found.group() if found else ""


def _address(group: Message, name: str) -> str:
    """rfc822; a@b.example -> a@b.example"""
    return _word(group, name).rpartition(";")[2].strip().strip("<>").lower()


def _ids(message: Message) -> Iterator[str]:
    """In-Reply-To and References of the report, the address that it was sent to, and the Message-ID of the mail that it returns."""
    for name in ("In-Reply-To", "References"):
        yield from MESSAGE_ID.findall(str(message.get(name) or ""))
    for name in ("To", "Delivered-To", "X-Original-To", "Envelope-To"):
        yield from (f"<mb.{tag.lower()}>" for value in message.get_all(name, []) for tag in TAGGED.findall(str(value)))
    for part in message.walk():
        if part.get_content_type() == "text/rfc822-headers":
            text = part.get_payload(decode=True)
            returned = email.message_from_bytes(text if isinstance(text, bytes) else b"")
            yield from MESSAGE_ID.findall(str(returned.get("Message-ID") or ""))
        elif part is not message and part.get("Message-ID"):
            yield from MESSAGE_ID.findall(str(part["Message-ID"]))


def _hints(data: bytes) -> tuple[str, ...]:
    from flufl.bounce import all_failures  # loaded in the child only

    try:
        temporary, permanent = all_failures(email.message_from_bytes(data[:HINT_BYTES]))
    except Exception:  # its detectors trip over mails without the usual headers; without a hint nothing is lost
        return ()
    found = {a.decode("ascii", "replace").lower() for a in (*temporary, *permanent)}
    return tuple(sorted(found))[:MAX_RECIPIENTS]
