"""A scripted SMTP server: honest, except at one moment of the first connection: greeting ehlo auth mail rcpt data final quit."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

Act = Callable[[socket.socket], None]


@dataclass
class Script:
    moment: str = ""
    act: Act | None = None
    heard: list[bytes] = field(default_factory=list)  # lines of commands
    taken: list[bytes] = field(default_factory=list)  # mails whose dot arrived
    port: int = 0

    def faulty(self, moment: str, line: socket.socket) -> bool:
        if moment != self.moment or self.act is None:
            return False
        act, self.act = self.act, None
        act(line)
        return True


def say(text: str) -> Act:
    return lambda line: line.sendall(text.encode() + b"\r\n")


def cut(line: socket.socket) -> None:
    line.shutdown(socket.SHUT_RDWR)


def reset(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    line.close()
    raise ConnectionResetError  # ends the thread, which lets go of the socket: only then the reset leaves


def stall(line: socket.socket) -> None:
    time.sleep(2.0)


def drip(line: socket.socket) -> None:
    """Never silent for long, and never done."""
    for _ in range(20):
        line.sendall(b"x")
        time.sleep(0.15)


def garble(line: socket.socket) -> None:
    line.sendall(b"\xff\xfe nonsense\r\n")


def half(line: socket.socket) -> None:
    line.sendall(b"25")
    line.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def scripted(script: Script) -> Iterator[Script]:
    listener = socket.create_server(("127.0.0.1", 0))
    script.port = listener.getsockname()[1]

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=_serve, args=(connection, script), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield script
    finally:
        listener.close()


def _serve(line: socket.socket, script: Script) -> None:
    with line, contextlib.suppress(OSError, ValueError):
        file = line.makefile("rb")
        if not script.faulty("greeting", line):
            line.sendall(b"220 ready\r\n")
        while request := file.readline():
            word = request.split()[0].upper().decode("ascii", "replace") if request.split() else ""
            script.heard.append(request)
            moment = {"HELO": "ehlo"}.get(word, word.lower())
            if script.faulty(moment, line):
                continue
            answers = {
                "ehlo": b"250-here\r\n250-AUTH PLAIN\r\n250 8BITMIME\r\n",
                "auth": b"235 welcome\r\n",
                "data": b"354 go on\r\n",
                "quit": b"221 bye\r\n",
            }
            line.sendall(answers.get(moment, b"250 ok\r\n"))
            if moment == "data":
                _data(file, line, script)
            if moment == "quit":
                return


def _data(file: object, line: socket.socket, script: Script) -> None:
    lines: list[bytes] = []
    for row in file:  # type: ignore[attr-defined]
        if row == b".\r\n":
            script.taken.append(b"".join(lines))
            if not script.faulty("final", line):
                line.sendall(b"250 taken\r\n")
            return
        lines.append(row)
