"""The fork server's side of `forks`: one warm process without threads that forks a child for each order.

Whatever runs here between a fork and the child's own work is paid by every child in copied pages. So nothing is imported that
hooks into forks (`threading`, `logging`) and no signal is handled: the end of a child is seen at its pidfd.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

ENDED = struct.Struct(
    "idq"
)  # exit code as in subprocess, -SIGXCPU also for a killed one; CPU seconds, peak memory in bytes
ORDER = struct.Struct("d")  # seconds until the child is killed

Answer = Callable[[int, int], None]  # what a child calls with the descriptors of its task and of its answer


@dataclass(slots=True)
class _Child:
    pid: int
    end: int
    deadline: float
    killed: bool = False


def serve(line: str, path: str, warm: str, answer: str) -> None:
    """The server's main: forks until its line is closed."""
    sys.path[:] = json.loads(path)
    for name in json.loads(warm):
        _named(name)()
    answering = _named(answer)
    gc.collect()
    gc.freeze()  # the collector of a child would copy all pages
    _loop(socket.socket(fileno=int(line)), answering)


def _named(name: str) -> Callable[..., None]:
    module, _, function = name.partition(":")
    found: Callable[..., None] = getattr(importlib.import_module(module), function)
    return found


def _loop(line: socket.socket, answer: Answer) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    children: dict[int, _Child] = {}  # by pidfd
    order = line.fileno()
    while True:
        nearest = min((c.deadline for c in children.values() if not c.killed), default=None)
        left = None if nearest is None else max(0.0, nearest - time.monotonic())
        ready = select.select([order, *children], [], [], left)[0]
        for pidfd in ready:
            if pidfd != order:
                _reap(pidfd, children.pop(pidfd))
        _kill(children, time.monotonic())
        if order in ready and not _fork(line, children, answer):
            _kill(children, float("inf"))
            os._exit(0)


def _fork(line: socket.socket, children: dict[int, _Child], answer: Answer) -> bool:
    """Forks for one order; False at the end of the line."""
    order, descriptors, _, _ = socket.recv_fds(line, ORDER.size, 3)
    if not order:
        return False
    task, answers, end = descriptors
    pid = os.fork()
    if pid == 0:
        for descriptor in (line.fileno(), end, *children, *(c.end for c in children.values())):
            os.close(descriptor)
        try:
            answer(task, answers)
        finally:
            os._exit(70)
    os.close(task)
    os.close(answers)
    children[os.pidfd_open(pid)] = _Child(pid, end, time.monotonic() + ORDER.unpack(order)[0])
    return True


def _kill(children: dict[int, _Child], now: float) -> None:
    """Children over their time; each leads a group of its own, and none is reaped yet, so no pid can be another's."""
    for child in children.values():
        if child.deadline <= now and not child.killed:
            child.killed = True
            for kill in (os.killpg, os.kill):
                with contextlib.suppress(ProcessLookupError):
                    kill(child.pid, signal.SIGKILL)


def _reap(pidfd: int, child: _Child) -> None:
    os.close(pidfd)
    _, status, usage = os.wait4(child.pid, 0)
    code = -signal.SIGXCPU if child.killed else os.waitstatus_to_exitcode(status)
    cpu = usage.ru_utime + usage.ru_stime + _since_last()
    with contextlib.suppress(BrokenPipeError):
        os.write(child.end, ENDED.pack(code, cpu, usage.ru_maxrss * 1024))
    os.close(child.end)


def _since_last(billed: list[float] = [0.0]) -> float:  # noqa: B006
    """CPU seconds of the server itself since the last call: what its children owe it."""
    now = time.process_time()
    spent, billed[0] = now - billed[0], now
    return spent
