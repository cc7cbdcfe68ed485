"""Raw mail -> Submission: runs (long bodies apart) -> leaves (the parts) -> headers, body, attachments."""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator

from mailbot.model import Attachment, Submission
from mailbot.parsers import body, headers
from mailbot.parsers.leaves import Leaf, Walk, parse
from mailbot.parsers.runs import Content, Raw

MAX_BYTES = 80 * 1024 * 1024
MAX_ATTACHMENTS = 50
MAX_ATTACHMENT = 25 * 1024 * 1024
MAX_DECODED = 60 * 1024 * 1024
TINY_IMAGE = 4 * 1024
CONTAINERS = ("zip", "tnef", "eml", "ole")  # what is looked into


class TooLarge(ValueError):
    """The raw mail is larger than `max_bytes`; nothing of it was parsed."""


def read(path: str, into: str, *, max_bytes: int = MAX_BYTES, bare: bool = False) -> Submission:
    """Parse the mail at `path`; the bytes of its attachments go to `into/<sha256>`, if `bare` only those of containers."""
    message, walk = parse(_mapped(path, max_bytes))
    named = headers.pairs(message)
    texts, attached = _split(walk)
    subject = headers.first(named, "subject")
    own, quoted, links = body.read(texts, bool(body.FORWARD_SUBJECT.match(subject)))
    sender, name = headers.sender(message)
    if sender is None:
        walk.flag("from_not_single")
    return Submission(
        message_id=next(iter(headers.ids(headers.first(named, "message-id"))), None),
        sender=sender,
        sender_name=name,
        subject=subject,
        date=headers.date(headers.first(named, "date")),
        references=headers.references(named),
        body=own,
        quoted=quoted,
        headers=named,
        leaf_types=tuple(leaf.declared for leaf in walk.leaves),
        attachments=tuple(store(attached, into, walk, bare)),
        links=links,
        flags=tuple(walk.flags),
    )


def _mapped(path: str, max_bytes: int) -> Raw:
    """The file as it lies in memory: nothing is copied before it is needed."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        if size > max_bytes:
            raise TooLarge(f"more than {max_bytes} bytes")
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""


def attachments_of(data: bytes) -> list[Leaf]:
    """The attachments of a nested mail; none of a report."""
    return _split(parse(data)[1])[1]


def _split(walk: Walk) -> tuple[list[Leaf], list[Leaf]]:
    """(texts of the mail itself, attachments). A text leaf with binary content is an attachment."""
    texts, attached = [], []
    for leaf in walk.leaves:
        if _is_body(leaf):
            texts.append(leaf)
        elif not leaf.report and not _is_logo(leaf):
            attached.append(leaf)
    return texts, attached


def _is_body(leaf: Leaf) -> bool:
    if leaf.declared not in ("text/plain", "text/html") or leaf.name or leaf.disposition == "attachment":
        return False
    return leaf.kind in ("text", "html", "other", "empty", "eml", "ics")


def _is_logo(leaf: Leaf) -> bool:
    return leaf.content_id and leaf.declared.startswith("image/") and leaf.content.size < TINY_IMAGE


def store(leaves: list[Leaf], into: str, walk: Walk, bare: bool = False) -> Iterator[Attachment]:
    """Write leaves to `into/<sha256>`. What is over a limit is named with its problem, never dropped in silence."""
    total = 0
    for number, leaf in enumerate(leaves, 1):
        if number > MAX_ATTACHMENTS:
            walk.flag("too_many_attachments")
            return
        kind = "eml" if leaf.declared == "message/rfc822" else leaf.kind
        size = leaf.content.size
        total += size
        problem = "FILE-BESAR" if size > MAX_ATTACHMENT or total > MAX_DECODED else None
        if total > MAX_DECODED:
            walk.flag("too_large_decoded")
        name = leaf.name or f"lampiran-{number}.{_suffix(kind)}"
        yield save(leaf.content, name, kind, "" if bare and kind not in CONTAINERS else into, None, problem)


def save(content: Content, name: str, kind: str, into: str, inside: str | None, problem: str | None) -> Attachment:
    """One attachment whose bytes lie under their hash; oversized bytes, and those without `into`, are not written (`path` is "")."""
    digest = content.sha256()
    path = "" if problem == "FILE-BESAR" or not into else os.path.join(into, digest)
    if path and not os.path.exists(path):
        with open(path, "wb") as file:
            file.write(content.whole())
    return Attachment(name, kind, digest, content.size, path, inside, problem)


def _suffix(kind: str) -> str:
    return {"jpeg": "jpg", "text": "txt", "other": "bin", "empty": "bin", "ole": "doc"}.get(kind, kind)
