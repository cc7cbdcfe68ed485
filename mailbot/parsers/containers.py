"""What lies in the attachments: containers are unpacked one level.

Nothing is unpacked to a path that a container names, and no external unpacker is called. What opens an archive is imported
with the first archive: most mails have none, and the server that forks for each mail stays small.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mailbot.model import Attachment
from mailbot.parsers import message
from mailbot.parsers.headers import clean_name
from mailbot.parsers.magic import magic
from mailbot.parsers.problem import FileProblem
from mailbot.parsers.runs import Content

if TYPE_CHECKING:
    import zipfile

READABLE = frozenset({"pdf", "jpeg", "png", "tiff", "heic", "gif", "webp", "bmp", "docx", "xlsx", "text"})
ARCHIVES = frozenset({"zip", "rar", "7z"})
MAX_ENTRIES = 100
MAX_RATIO = 100
MAX_UNPACKED = 100 * 1024 * 1024


def expand(attachments: Iterable[Attachment], into: str) -> tuple[Attachment, ...]:
    """The readable files: a container gives way to its contents, a bad file stays and gets its problem."""
    found: list[Attachment] = []
    for attachment in attachments:
        found += _expanded(attachment, into)
    return tuple(found)


def _expanded(attachment: Attachment, into: str) -> list[Attachment]:
    if attachment.problem or attachment.type not in ("zip", "tnef", "eml"):
        return [_judged(attachment)]
    try:
        with open(attachment.path, "rb") as file:
            data = file.read(message.MAX_ATTACHMENT + 1)
        unpack = {"zip": _zip, "tnef": _tnef, "eml": _eml}[attachment.type]
        found = [_inner(entry, into, attachment.name) for entry in unpack(data)]
    except FileProblem as problem:
        return [_with(attachment, problem.code)]
    if attachment.type == "eml":  # a forwarded mail may carry an archive; anything deeper stays closed
        return [x for a in found for x in (_expanded(_with(a, None), into) if a.type == "zip" else [a])]
    return found


@dataclass(frozen=True, slots=True)
class _Entry:
    """What a container holds; `problem` where this one entry could not be unpacked."""

    name: str
    data: bytes
    problem: str | None = None


def _inner(entry: _Entry, into: str, container: str) -> Attachment:
    kind = magic(entry.data)
    name = clean_name(entry.name) or f"lampiran.{kind}"
    if entry.problem:  # it has no bytes: its name tells it from the others
        digest = hashlib.sha256(f"{container}/{entry.name}".encode()).hexdigest()
        return Attachment(name, "other", digest, 0, "", container, entry.problem)
    problem = "FILE-BESAR" if len(entry.data) > message.MAX_ATTACHMENT else None
    return _judged(message.save(Content((entry.data,)), name, kind, into, container, problem), depth=1)


def _judged(attachment: Attachment, depth: int = 0) -> Attachment:
    """With the problem that the type alone shows. Containers are not opened below the first level."""
    if attachment.problem:
        return attachment
    kind = attachment.type
    if attachment.size > message.MAX_ATTACHMENT:
        return _with(attachment, "FILE-BESAR")
    if kind == "empty":
        return _with(attachment, "FILE-RUSAK")
    if kind in ARCHIVES or (depth and kind in ("tnef", "eml")):
        return _with(attachment, "FILE-ARSIP")
    if kind == "ole" and _is_encrypted_office(attachment.path):
        return _with(attachment, "FILE-SANDI")
    return attachment if kind in READABLE else _with(attachment, "FILE-JENIS")


def _with(attachment: Attachment, problem: str | None) -> Attachment:
    a = attachment
    return Attachment(a.name, a.type, a.sha256, a.size, a.path, a.inside, problem)


def _is_encrypted_office(path: str) -> bool:
    with open(path, "rb") as file:
        return "EncryptedPackage".encode("utf-16-le") in file.read(message.MAX_ATTACHMENT)


def _zip(data: bytes) -> list[_Entry]:
    """The files of a ZIP, inflated with caps; what its directory claims about sizes is not believed.

    An entry that is locked, torn or a bomb is named with its problem; the others are not lost with it.
    """
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir() and not _is_litter(e.filename)]
            if len(archive.infolist()) > MAX_ENTRIES:
                raise FileProblem("FILE-ARSIP")
            if entries and all(e.flag_bits & 1 for e in entries):
                raise FileProblem("FILE-SANDI")
            if not entries:
                raise FileProblem("FILE-RUSAK")
            found, left = [], MAX_UNPACKED
            for entry in entries:
                found.append(_unpacked(archive, entry, left))
                left -= len(found[-1].data)
            if len(entries) == 1 and found[0].problem:
                raise FileProblem(found[0].problem)
            return found
    except FileProblem:
        raise
    except Exception as error:  # zipfile raises many types on torn files
        raise FileProblem("FILE-RUSAK") from error


def _is_litter(name: str) -> bool:
    """What macOS and Windows add to archives."""
    return name.startswith("__MACOSX/") or name.rpartition("/")[2].lower() in (".ds_store", "thumbs.db", "desktop.ini")


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> _Entry:
    if entry.flag_bits & 1:
        return _Entry(entry.filename, b"", "FILE-SANDI")
    try:
        return _Entry(entry.filename, _inflate(archive, entry, left))
    except FileProblem as problem:
        return _Entry(entry.filename, b"", problem.code)
    except Exception:  # zlib.error, BadZipFile, NotImplementedError, ...
        return _Entry(entry.filename, b"", "FILE-RUSAK")


def _inflate(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes:
    allowed = min(left, MAX_RATIO * max(entry.compress_size, 1024))
    with archive.open(entry) as stream:
        content = stream.read(allowed + 1)
    if len(content) > allowed:
        raise FileProblem("FILE-BESAR")
    return content


def _tnef(data: bytes) -> list[_Entry]:
    from tnefparse import TNEF

    try:
        opened = TNEF(data, do_checksum=False)
        if not any(o.level in (1, 2) for o in opened.objects):  # torn: the files in it would vanish unseen
            raise FileProblem("FILE-RUSAK")
        found = opened.attachments
        return [_Entry(str(a.long_filename() or a.name or ""), bytes(a.data or b"")) for a in found[:MAX_ENTRIES]]
    except FileProblem:
        raise
    except Exception as error:  # struct.error, IndexError, UnicodeDecodeError, ...
        raise FileProblem("FILE-RUSAK") from error


def _eml(data: bytes) -> list[_Entry]:
    """The attachments of a nested mail, which a forwarder sends on; of a report there are none."""
    return [_Entry(leaf.name, leaf.data) for leaf in message.attachments_of(data)[: message.MAX_ATTACHMENTS]]
