"""A scripted IMAP server: answers like a small honest one, except where a test tells it to misbehave at a named moment.

One `Fault` is used up after `times` occurrences, so that a test can see the recovery. Moments: greeting capability login select search
metadata body idle done store move copy expunge logout.
"""

from __future__ import annotations

import contextlib
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

DATE = b'"23-Nov-2026 09:00:00 +0700"'
Act = Callable[["Line", bytes], None]  # (connection, tag)


@dataclass
class Fault:
    """`act` replaces the server's answer at `moment`."""

    moment: str
    act: Act
    times: int = 1


@dataclass
class Script:
    """What the server holds: mails by UID, and the fault. `seen` counts the moments, `logins` the tries."""

    mails: dict[int, bytes] = field(default_factory=dict)
    fault: Fault | None = None
    uidvalidity: int = 1
    capabilities: bytes = b"IMAP4rev1 IDLE UIDPLUS MOVE"
    folders: set[bytes] = field(default_factory=lambda: {b"INBOX", b"Selesai"})
    seen: Counter[str] = field(default_factory=Counter)
    opened: set[bytes] = field(default_factory=set)  # SELECT, EXAMINE
    port: int = 0
    copies: int = 0


class Line:
    """One connection."""

    def __init__(self, connection: socket.socket, script: Script) -> None:
        self.socket, self.script = connection, script
        self.file = connection.makefile("rb")
        self.tag = b"*"

    def say(self, *lines: bytes) -> None:
        self.socket.sendall(b"".join(line + b"\r\n" for line in lines))

    def ok(self, words: bytes = b"done") -> None:
        self.say(self.tag + b" OK " + words)

    def serve(self) -> None:
        if not self._faulty("greeting"):
            self.say(b"* OK [CAPABILITY " + self.script.capabilities + b"] hello")
        while line := self.file.readline():
            done = line.strip().upper() == b"DONE"
            self.tag, _, rest = (self.idling, b"", b"DONE") if done else line.strip().partition(b" ")
            moment = _moment(rest)
            if not self._faulty(moment):
                self._answer(moment, rest)

    def _faulty(self, moment: str) -> bool:
        script = self.script
        script.seen[moment] += 1
        if script.fault is None or script.fault.moment != moment or script.fault.times <= 0:
            return False
        script.fault.times -= 1
        script.fault.act(self, self.tag)
        return True

    def _answer(self, moment: str, rest: bytes) -> None:
        script = self.script
        if moment == "capability":
            self.say(b"* CAPABILITY " + script.capabilities)
        elif moment == "select":
            folder = rest.split()[1].strip(b'"')
            script.opened.add(rest.split()[0].upper())
            if folder not in script.folders:
                self.say(self.tag + b" NO [NONEXISTENT] no such folder")
                return
            self.say(
                b"* %d EXISTS" % len(script.mails),
                b"* OK [UIDVALIDITY %d] x" % script.uidvalidity,
                b"* OK [PERMANENTFLAGS (\\Deleted \\*)] x",
            )
        elif moment == "search":
            low = re.search(rb"UID (\d+):\*", rest)
            uids = [u for u in script.mails if not low or u >= int(low.group(1))]
            one = re.search(rb"SEARCH UID (\d+)\s*$", rest)
            uids = [u for u in uids if not one or u == int(one.group(1))]
            self.say(b"* SEARCH" + b"".join(b" %d" % u for u in sorted(uids)))
        elif moment == "metadata":
            for uid in self.uids(rest):
                self.say(
                    b"* 1 FETCH (UID %d RFC822.SIZE %d INTERNALDATE %s FLAGS ())" % (uid, len(script.mails[uid]), DATE)
                )
        elif moment == "body":
            for uid in self.uids(rest):
                self.body(uid, self.chunk(rest, script.mails[uid]))
        elif moment == "idle":
            self.idling = self.tag
            self.say(b"+ idling")
            return
        elif moment == "list":
            wanted = rest.split()[-1].strip(b'"')
            self.say(*(b'* LIST () "/" ' + f for f in sorted(script.folders) if wanted in (b"*", b"%", f)))
        elif moment in ("move", "expunge"):
            for uid in self.uids(rest):
                script.mails.pop(uid, None)
        elif moment == "copy":
            script.copies += 1
        self.ok()
        if moment == "logout":
            self.socket.shutdown(socket.SHUT_RDWR)

    idling = b""  # tag of the IDLE that goes on

    def uids(self, rest: bytes) -> list[int]:
        words = re.search(rb"UID \w+ ([\d,:]+)", rest)
        found = [int(w) for w in re.findall(rb"\d+", words.group(1))] if words else []
        return [u for u in found if u in self.script.mails]

    @staticmethod
    def chunk(rest: bytes, data: bytes) -> tuple[int, bytes]:
        found = re.search(rb"<(\d+)\.(\d+)>", rest)
        start, size = (int(found.group(1)), int(found.group(2))) if found else (0, len(data))
        return start, data[start : start + size]

    def body(self, uid: int, part: tuple[int, bytes], announced: int | None = None, key: bytes = b"BODY[]") -> None:
        start, data = part
        size = len(data) if announced is None else announced
        self.socket.sendall(b"* 1 FETCH (UID %d %s<%d> {%d}\r\n" % (uid, key, start, size) + data + b")\r\n")


def _moment(rest: bytes) -> str:
    words = rest.upper().split()
    if not words:
        return "empty"
    word = words[1] if words[0] == b"UID" and len(words) > 1 else words[0]
    if word == b"FETCH":
        return "body" if b"BODY.PEEK" in rest.upper() else "metadata"
    names = {b"EXAMINE": "select", b"AUTHENTICATE": "login"}
    return names.get(word, word.decode("ascii", "replace").lower())


@contextlib.contextmanager
def scripted(script: Script) -> Iterator[Script]:
    listener = socket.create_server(("127.0.0.1", 0))
    script.port = listener.getsockname()[1]
    open_lines: list[socket.socket] = []

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            open_lines.append(connection)
            threading.Thread(target=_serve, args=(connection, script), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield script
    finally:
        listener.close()
        for connection in open_lines:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()


def _serve(connection: socket.socket, script: Script) -> None:
    with contextlib.suppress(OSError, ValueError, IndexError):
        Line(connection, script).serve()


# ------------------------------------------------------------------ ways to misbehave


def cut(line: Line, tag: bytes) -> None:
    line.socket.shutdown(socket.SHUT_RDWR)


def reset(line: Line, tag: bytes) -> None:
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    line.file.close()  # it holds the socket too
    line.socket.close()


def stall(line: Line, tag: bytes) -> None:
    time.sleep(2.5)


def drip(line: Line, tag: bytes) -> None:
    for _ in range(12):
        line.socket.sendall(b"*")
        time.sleep(0.2)


def bye(line: Line, tag: bytes) -> None:
    line.say(b"* BYE server is going down")
    line.socket.shutdown(socket.SHUT_RDWR)


def garble(line: Line, tag: bytes) -> None:
    line.socket.sendall(b"\xff\xfe(((\x00 {zz}\r\n")


def words(text: bytes) -> Act:
    """A tagged answer: NO, BAD, and what they say."""
    return lambda line, tag: line.say(tag + b" " + text)


def lines(*texts: bytes) -> Act:
    """Untagged lines, then OK."""

    def act(line: Line, tag: bytes) -> None:
        line.say(*texts)
        line.ok()

    return act


def half(text: bytes) -> Act:
    def act(line: Line, tag: bytes) -> None:
        line.socket.sendall(text)
        line.socket.shutdown(socket.SHUT_RDWR)

    return act
