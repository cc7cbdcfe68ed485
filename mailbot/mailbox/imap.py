"""Mail from an IMAP server.

    MailboxError
    |- NetworkTrouble    line dead, slow, closed, not trusted, or a deadline passed
    |- Throttled         the server asks for patience
    |- LoginRefused      wrong user or secret
    |- FolderMissing     the intake folder cannot be selected
    |- ProtocolTrouble   an answer that cannot be used; also a mail of an older UIDVALIDITY
    `- FetchEmpty        one mail without bytes: the only one after which the session is kept

Only UIDs are used, bodies are read by BODY.PEEK only, and nothing is deleted: `mark` is the only change.
How a session is opened and given up is `session`'s business, how long to wait after an error `patience`'s.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import imaplib
import threading
import time
from collections.abc import Container, Generator, Iterator
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from imapclient.exceptions import LoginError

from mailbot import crash
from mailbot.mailbox import (
    CHUNK,
    SIZE_DIFFERS,
    TOO_LARGE,
    FetchEmpty,
    FolderMissing,
    Known,
    NetworkTrouble,
    Pending,
    ProtocolTrouble,
    keep,
    raw_message,
)
from mailbot.mailbox.session import SERVER_FAULT, THROTTLED, ImapSettings, Session
from mailbot.model import Location, RawMessage

KEYWORD = b"$MailbotDone"
BATCH = 100
IDLE_SLICE = 60.0
SLOWEST = 50 * 1024  # bytes per second that a body may need at worst (IN-02)
UNDATED = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)  # no usable INTERNALDATE: so old that no machine answers it


class Imap:
    """The protocol `Mailbox` over IMAP. Connects by itself, when first needed."""

    def __init__(self, settings: ImapSettings) -> None:
        self.settings = settings
        self._session = Session(settings, self._forget)
        self._forget()

    def _forget(self) -> None:
        """What is only true within one session."""
        self._uidvalidity: int | None = None  # of the intake folder while it is the selected one
        self._keywords_kept = False
        self._exists = 0  # mails in the folder when it was selected
        self._swept: tuple[int, int] | None = None  # UIDVALIDITY and highest UID of a sweep that was worked off

    @property
    def healthy_for(self) -> float:
        return self._session.healthy_for

    # -------------------------------------------------------------- the protocol

    def discover(self, known: Known, full: bool = True) -> Iterator[Pending]:
        """A sweep over all UIDs, or only over those above the last sweep of this session (IN-10).

        Ends early if the mailbox changed its UIDVALIDITY meanwhile; the next one sees all.
        """
        with self._session.operation():
            uidvalidity = self._select()
            listed = self._listed(uidvalidity, full)
        have = known(uidvalidity)
        fresh = [uid for uid in listed if str(uid) not in have]
        for start in range(0, len(fresh), BATCH):
            with self._session.operation():
                if self._selected() != uidvalidity:
                    return
                batch = self._metadata(uidvalidity, fresh[start : start + BATCH])
            yield from batch
        swept = self._swept[1] if self._swept else 0
        self._swept = (uidvalidity, max([swept, *listed]))

    def _listed(self, uidvalidity: int, full: bool) -> list[int]:
        if full or self._swept is None or self._swept[0] != uidvalidity:
            self._swept = None
            return sorted(int(uid) for uid in self._session.client.search("ALL"))
        last = self._swept[1]
        found = self._session.client.search(["UID", f"{last + 1}:*"])  # a server answers the last UID if none is higher
        return sorted(int(uid) for uid in found if int(uid) > last)

    def fetch(self, pending: Pending, into: Path) -> RawMessage:
        """Too large by announcement or by growth: the header only. Another size twice: kept, with a flag."""
        if pending.size > self.settings.max_bytes:
            return self._fetch_header(pending, into)
        kept = self._fetch_body(pending, into)
        if kept and kept[2] != pending.size:
            kept = self._fetch_body(pending, into)
        if not kept:
            return self._fetch_header(pending, into)
        return raw_message(pending, kept, None if kept[2] == pending.size else SIZE_DIFFERS)

    def mark(self, location: Location) -> None:
        """A mail of an older UIDVALIDITY, or one that is gone, needs no mark."""
        if self.settings.mark == "none" or self.settings.read_only:
            return
        with self._session.operation():
            if self._selected() != location.uidvalidity:
                return
            if self.settings.mark == "move":
                self._move(int(location.uid))
            elif self._keywords_kept:
                self._session.client.add_flags([int(location.uid)], [KEYWORD], silent=True)
                crash.point("mark-sent")

    def unmarked(self, stored: Container[str]) -> list[Location]:
        """Keyword: UIDs without it. Move: UIDs that are still here."""
        if self.settings.mark == "none" or self.settings.read_only:
            return []
        with self._session.operation():
            uidvalidity = self._selected()
            if self.settings.mark == "keyword" and not self._keywords_kept:
                return []
            query = ["UNKEYWORD", KEYWORD] if self.settings.mark == "keyword" else "ALL"
            found = [str(uid) for uid in self._session.client.search(query)]
        return [
            Location(self.settings.account, self.settings.folder, uidvalidity, uid) for uid in found if uid in stored
        ]

    def close(self) -> None:
        self._session.close()

    def idle(self, seconds: float, stop: threading.Event) -> None:
        """Returns when something rang, the time passed or `stop` is set. A server without IDLE: just waits."""
        end = time.monotonic() + seconds
        with self._session.operation():
            self._selected()
            able = self._session.client.has_capability("IDLE")
        if not able:
            stop.wait(max(0.0, end - time.monotonic()))
            return
        while not stop.is_set() and (left := end - time.monotonic()) > 0:
            if self._idle_slice(min(left, IDLE_SLICE), stop):
                return

    def has_copy(self, message_id: str) -> bool | None:
        """Does a mail with this Message-ID lie in Sent or in the intake folder? None: Sent cannot be read (IN-52)."""
        with self._session.operation():
            sent = self.settings.sent or self._session.client.find_special_folder(b"\\Sent")
            folders = [self.settings.folder, *([sent] if sent else [])]
            found = any(self._holds(folder, message_id) for folder in folders)
        return True if found else False if sent else None

    def status(self) -> tuple[int, int]:
        """UIDVALIDITY of the intake folder and how many mails lie in it."""
        with self._session.operation():
            uidvalidity = self._select()
            return uidvalidity, len(self._session.client.search("ALL"))

    def newest(self) -> dt.datetime | None:
        """INTERNALDATE of the mail with the highest UID."""
        with self._session.operation():
            uidvalidity = self._selected()
            listed = self._session.client.search("ALL")
            found = self._metadata(uidvalidity, [max(listed)]) if listed else []
        return found[0].received_at if found else None

    def abilities(self) -> tuple[tuple[str, ...], bool]:
        """Capabilities after login, and whether the folder keeps keywords."""
        with self._session.operation():
            self._select()
            names = sorted(c.decode("ascii", "replace") for c in self._session.client.capabilities())
        return tuple(names), self._keywords_kept

    # -------------------------------------------------------------- folders

    def _holds(self, folder: str, message_id: str) -> bool:
        self._uidvalidity = None
        self._session.client.select_folder(folder, readonly=True)
        return bool(self._session.client.search(["HEADER", "Message-ID", message_id]))

    def _selected(self) -> int:
        return self._select() if self._uidvalidity is None else self._uidvalidity

    def _select(self) -> int:
        """Selects anew even if selected: only so a recreated folder shows."""
        self._uidvalidity = None
        try:
            answer = self._session.client.select_folder(
                self.settings.folder, readonly=self.settings.mark == "none" or self.settings.read_only
            )
        except (imaplib.IMAP4.abort, LoginError):
            raise
        except imaplib.IMAP4.error as error:
            if THROTTLED.search(str(error)) or SERVER_FAULT.search(str(error)):
                raise
            raise FolderMissing(f"{self.settings.folder}: {error}") from error
        flags = answer.get(b"PERMANENTFLAGS", ())
        self._keywords_kept = b"\\*" in flags or KEYWORD in flags
        if not isinstance(answer.get(b"UIDVALIDITY"), int):
            raise ProtocolTrouble("no UIDVALIDITY")
        self._uidvalidity = answer[b"UIDVALIDITY"]
        self._exists = answer.get(b"EXISTS", 0)
        return answer[b"UIDVALIDITY"]  # type: ignore[no-any-return]

    # -------------------------------------------------------------- reading

    def _metadata(self, uidvalidity: int, uids: list[int]) -> list[Pending]:
        """A UID that is not answered was expunged meanwhile and is left out."""
        answer = self._session.client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE", "FLAGS"])
        return [self._pending(uidvalidity, uid, answer[uid]) for uid in uids if uid in answer]

    def _pending(self, uidvalidity: int, uid: int, data: dict[bytes, Any]) -> Pending:
        location = Location(self.settings.account, self.settings.folder, uidvalidity, str(uid))
        size, date, flags = data.get(b"RFC822.SIZE"), data.get(b"INTERNALDATE"), data.get(b"FLAGS") or ()
        received_at = date.astimezone(dt.UTC) if isinstance(date, dt.datetime) else UNDATED
        deleted = b"\\deleted" in {flag.lower() for flag in flags if isinstance(flag, bytes)}
        return Pending(location, size if isinstance(size, int) else 0, received_at, deleted)

    def _fetch_body(self, pending: Pending, into: Path) -> tuple[Path, str, int] | None:
        """None: it is larger than allowed, whatever was announced."""
        chunks = self._chunks(pending)
        with contextlib.closing(chunks):
            try:
                return keep(chunks, into)
            except _Grown:
                return None

    def _fetch_header(self, pending: Pending, into: Path) -> RawMessage:
        with self._session.operation():
            self._same_epoch(pending)
            header = self._part(pending, f"HEADER]<0.{CHUNK}>")
        return raw_message(pending, keep([header], into), TOO_LARGE)

    def _chunks(self, pending: Pending) -> Generator[bytes, None, None]:
        """The whole fetch has one deadline; each chunk is an operation, so that errors of the disk stay such."""
        end = time.monotonic() + self.settings.deadline + pending.size / SLOWEST
        offset = 0
        while True:
            with self._session.operation(max(0.1, end - time.monotonic())):
                self._same_epoch(pending)
                chunk = self._part(pending, f"]<{offset}.{CHUNK}>")
            offset += len(chunk)
            crash.point("fetch-chunk")
            if offset > self.settings.max_bytes:
                raise _Grown
            yield chunk
            if not chunk or (len(chunk) < CHUNK and offset >= pending.size):
                return

    def _part(self, pending: Pending, section: str) -> bytes:
        """Past the end a server may answer b"" or NIL. Nothing at all for the UID: FetchEmpty."""
        uid = int(pending.location.uid)
        data = self._session.client.fetch([uid], [f"BODY.PEEK[{section}"]).get(uid)
        if data is None:
            raise FetchEmpty(f"UID {uid} is not answered")
        parts = [value for key, value in data.items() if key.startswith(b"BODY[")]
        if len(parts) != 1 or not isinstance(parts[0], bytes | None):
            raise ProtocolTrouble(f"UID {uid}: {len(parts)} bodies")
        return parts[0] or b""

    def _same_epoch(self, pending: Pending) -> None:
        if self._selected() != pending.location.uidvalidity:
            raise ProtocolTrouble("UIDVALIDITY changed since the mail was discovered")

    def _idle_slice(self, seconds: float, stop: threading.Event) -> bool:
        """True: something rang. An early empty answer is how a closed connection looks."""
        with self._session.operation(seconds + self.settings.deadline):
            self._selected()
            client, end = self._session.client, time.monotonic() + seconds
            rung: list[Any] = []
            client.idle_start()
            announced = client._imap.untagged_responses.pop("EXISTS", None) or [b""]
            if announced[-1].isdigit() and int(announced[-1]) != self._exists:  # between the sweep and IDLE
                rung = [(int(announced[-1]), b"EXISTS")]
            rung = [*rung, *client.idle_check(timeout=0)]  # what came together with the answer to IDLE (MAIL.md C2)
            while not rung and not stop.is_set() and (left := end - time.monotonic()) > 0:
                began, wait = time.monotonic(), min(left, 1.0)
                rung = client.idle_check(timeout=wait)
                if not rung and time.monotonic() - began < wait - 0.1:
                    raise NetworkTrouble("closed while waiting")
            rung = [*rung, *client.idle_done()[1]]
            if any(answer[0] == b"BYE" for answer in rung):
                raise NetworkTrouble("the server said BYE")
        return any(answer[0] != b"OK" for answer in rung)

    # -------------------------------------------------------------- moving

    def _move(self, uid: int) -> None:
        """MOVE, or copy and UID EXPUNGE of this one UID. Without either the mail stays where it is."""
        if not self._session.client.search(["UID", str(uid)]) or not self._target_ready():
            return
        if self._session.client.has_capability("MOVE"):
            self._session.client.move([uid], self.settings.move_to)
        elif self._session.client.has_capability("UIDPLUS"):
            self._copy_away(uid)
        else:
            return
        crash.point("move-done")
        if self._session.client.search(["UID", str(uid)]):
            raise ProtocolTrouble(f"UID {uid} is still there after the move")

    def _target_ready(self) -> bool:
        """Created once if missing; a server that refuses gets no marks."""
        try:
            if not self._session.client.folder_exists(self.settings.move_to):
                self._session.client.create_folder(self.settings.move_to)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error:
            return False
        return True

    def _copy_away(self, uid: int) -> None:
        if not self._is_in_target(uid):
            self._session.client.copy([uid], self.settings.move_to)
        crash.point("copy-done")
        self._session.client.add_flags([uid], [b"\\Deleted"], silent=True)
        crash.point("copy-flagged")
        self._session.client.uid_expunge([uid])

    def _is_in_target(self, uid: int) -> bool:
        """Was it copied by a run that died before the expunge?

        Message-ID alone is no key: size and INTERNALDATE must be the same too, else a mail would be lost.
        """
        wanted = ["RFC822.SIZE", "INTERNALDATE"]
        data = self._session.client.fetch([uid], [*wanted, "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"]).get(uid, {})
        header = next((v for k, v in data.items() if k.startswith(b"BODY[") and v), b"")
        message_id = str(BytesHeaderParser().parsebytes(header).get("Message-ID", "")).strip()
        if not message_id or not message_id.isascii() or not message_id.isprintable():
            return False
        intake = self._uidvalidity
        self._uidvalidity = None
        self._session.client.select_folder(self.settings.move_to, readonly=True)
        hits = self._session.client.search(["HEADER", "Message-ID", message_id])
        there = self._session.client.fetch(hits, wanted) if hits else {}
        if self._select() != intake:
            raise ProtocolTrouble("UIDVALIDITY changed during the move")
        return any(all(d.get(k) == data.get(k) for k in (b"RFC822.SIZE", b"INTERNALDATE")) for d in there.values())


class _Grown(Exception):
    """More bytes came than the limit allows."""
