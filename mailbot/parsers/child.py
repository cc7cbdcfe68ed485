"""Run one function on hostile bytes in a forked child that has little memory, little time and no network.

The child sends JSON, never pickles; the parent believes none of it before pydantic has validated it.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import select
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

from mailbot.parsers import forks
from mailbot.parsers.confined import MAX_RESULT, adapter
from mailbot.parsers.confined import Limits as Limits
from mailbot.parsers.sandbox import SandboxUnavailable, require_sandbox
from mailbot.parsers.sandbox import sandbox_report as sandbox_report  # for the doctor

T = TypeVar("T")

ANSWER = "mailbot.parsers.confined:answer"
_GRACE = 5.0  # seconds after which even a server that does not kill is given up


@dataclass(frozen=True, slots=True)
class Usage:
    """CPU seconds of all children so far, and the peak memory (bytes) of the largest."""

    cpu_seconds: float = 0.0
    peak_memory: int = 0


class ChildFailed(Exception):
    """`kind`: timeout, crash, memory or error. `code`: the FILE-* code that the function raised, if any."""

    def __init__(self, kind: str, detail: str = "", code: str | None = None) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind, self.detail, self.code = kind, detail, code


_REST = 300.0  # models hold 140 MB; loading them again costs 0.6 s of CPU, a twentieth of a mail with scans
_server = forks.Server(answer=ANSWER, rest=_REST)  # for pages
_small = forks.Server(answer=ANSWER)  # for mails; a receipt never waits for its start
atexit.register(_server.close)
atexit.register(_small.close)
_usage = Usage()
_counting = threading.Lock()
_meter: ContextVar[list[float] | None] = ContextVar("meter", default=None)


def preload(pages: Sequence[str], mails: Sequence[str] = ()) -> None:
    """ "module:function" names that the two fork servers call once. Only of use before the first `run`."""
    _server.warm, _small.warm = tuple(pages), tuple(mails)


def usage() -> Usage:
    return _usage


@contextlib.contextmanager
def metered() -> Iterator[list[float]]:
    """CPU seconds of each child that is run in this context, also in threads that were given a copy of it."""
    spent: list[float] = []
    token = _meter.set(spent)
    try:
        yield spent
    finally:
        _meter.reset(token)


def run(function: Callable[..., T], *args: object, result: type[T], limits: Limits) -> T:
    """`function(*args)` in a limited child; the function must be module-level, its value a `result`."""
    if limits.sandbox == "required":
        require_sandbox()
    server = _small if limits.small else _server
    told = None if limits.small else result  # a small child answers without it
    answer, end = server.fork(limits.seconds, pickle.dumps((function, args, told, limits)))
    deadline = time.monotonic() + limits.seconds + _GRACE
    try:
        data = _receive(answer, deadline)
        exitcode = _ended(_receive(end, deadline) if data is not None else None)
    finally:
        os.close(answer)
        os.close(end)
        server.ended()
    return _judge(data, exitcode, result)


def _receive(descriptor: int, deadline: float) -> bytes | None:
    """All bytes up to the end of the pipe; None when the time was over first."""
    chunks: list[bytes] = []
    size = 0
    poller = select.poll()
    poller.register(descriptor, select.POLLIN | select.POLLHUP)
    while size <= MAX_RESULT:
        left = deadline - time.monotonic()
        if left <= 0 or not poller.poll(left * 1000):
            return None
        chunk = os.read(descriptor, 1 << 16)
        if not chunk:
            return b"".join(chunks)
        chunks.append(chunk)
        size += len(chunk)
    raise ChildFailed("error", "result too large")


def _ended(told: bytes | None) -> int | None:
    """The exit code that the server reported, None without a report; counts what the child used."""
    global _usage
    if not told or len(told) != forks.ENDED.size:
        return None
    exitcode, cpu, memory = forks.ENDED.unpack(told)
    with _counting:
        _usage = Usage(_usage.cpu_seconds + cpu, max(_usage.peak_memory, memory))
    if (spent := _meter.get()) is not None:
        spent.append(cpu)
    return int(exitcode)


def _judge(data: bytes | None, exitcode: int | None, result: type[T]) -> T:
    status, _, payload = (data or b"").partition(b"\n")
    if status == b"ok" and exitcode == 0:
        try:
            value: T = adapter(result).validate_json(payload)
            return value
        except ValueError as error:
            raise ChildFailed("error", f"invalid result: {str(error)[:300]}") from None
    if status == b"failed" and exitcode == 0:
        raise _told(payload)
    if data is None or exitcode == -signal.SIGXCPU:
        raise ChildFailed("timeout")
    raise ChildFailed("crash", f"exit {exitcode}")


def _told(payload: bytes) -> Exception:
    """The failure that the child reported in words, not trusted more than any text."""
    try:
        told = adapter(dict[str, str]).validate_json(payload[:10_000])
    except ValueError:
        return ChildFailed("error", "unreadable failure")
    if told.get("kind") == "sandbox":
        return SandboxUnavailable(told.get("detail", "")[:500])
    kind = "memory" if told.get("kind") == "memory" else "error"
    return ChildFailed(kind, told.get("detail", "")[:500], told.get("code"))
