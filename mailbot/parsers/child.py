"""Run one function on hostile bytes in a forked child that has little memory, little time and no network.

The child sends JSON, never pickles; the parent believes none of it before pydantic has validated it.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import gc
import json
import os
import pickle
import resource
import select
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from mailbot.parsers import forks, sandbox
from mailbot.parsers.sandbox import SandboxUnavailable, require_sandbox
from mailbot.parsers.sandbox import sandbox_report as sandbox_report  # for the doctor

if TYPE_CHECKING:
    from pydantic import TypeAdapter

T = TypeVar("T")
Mode = Literal["required", "best-effort"]

MAX_RESULT = 32 * 1024 * 1024
_GRACE = 5.0  # seconds after which even a server that does not kill is given up


@dataclass(frozen=True, slots=True)
class Limits:
    """What one child may use. `reads`: files or folders it may read; `scratch`: the one folder it may write."""

    seconds: float = 60.0
    cpu_seconds: int = 60
    memory: int = 1536 * 1024 * 1024
    file_size: int = 64 * 1024 * 1024
    open_files: int = 64
    reads: tuple[str, ...] = ()
    scratch: str | None = None
    sandbox: Mode = "best-effort"
    nice: int = 10  # reading scans gives way to everything; 0 for what a receipt waits for
    small: bool = False  # no pages are read: forked from a server without models, which costs a quarter


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
_server = forks.Server(answer=f"{__name__}:answer", rest=_REST)  # for pages
_small = forks.Server(answer=f"{__name__}:answer")  # for mails; a receipt never waits for its start
atexit.register(_server.close)
atexit.register(_small.close)
_usage = Usage()
_counting = threading.Lock()
_meter: ContextVar[list[float] | None] = ContextVar("meter", default=None)


# ------------------------------------------------------------------ parent


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
    answer, end = server.fork(limits.seconds, pickle.dumps((function, args, result, limits)))
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
        chunk = os.read(descriptor, 1 << 20)
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
            value: T = _adapter(result).validate_json(payload)
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
        told = _adapter(dict[str, str]).validate_json(payload[:10_000])
    except ValueError:
        return ChildFailed("error", "unreadable failure")
    if told.get("kind") == "sandbox":
        return SandboxUnavailable(told.get("detail", "")[:500])
    kind = "memory" if told.get("kind") == "memory" else "error"
    return ChildFailed(kind, told.get("detail", "")[:500], told.get("code"))


def _made(result: Any) -> TypeAdapter[Any]:
    """Imported here, because the small fork server does without: the more is loaded, the more a fork costs."""
    from pydantic import TypeAdapter

    return TypeAdapter(result)


_adapter: Callable[[Any], TypeAdapter[Any]] = functools.lru_cache(maxsize=64)(_made)


def learn(*results: Any) -> None:
    """For the fork server: makes what each of its children needs once, among it what checks these types."""
    sandbox.prepare(sandbox.SYSTEM_PATHS)
    for result in results:
        _adapter(result).rebuild()


def rehearse(function: Callable[..., Any], *args: object) -> None:
    """For the small fork server: the way of `answer`, on a harmless sample and without leaving."""
    sandbox.prepare(sandbox.FEW_PATHS)
    _encoded(function(*args), None)


# ------------------------------------------------------------------ child


def answer(task: int, writer: int) -> None:
    """Entry of the child. Leaves by `_exit`, so that no destructor of a C library can spoil a finished result."""
    os.setpgid(0, 0)
    try:
        with open(task, "rb") as file:
            function, args, result, limits = pickle.loads(file.read())  # from the parent, not from the file
        adapter = None if limits.small else _adapter(result)
        if limits.small:
            gc.disable()  # it ends before it has garbage worth the walk
        _confine(limits)
        data = b"ok\n" + _encoded(function(*args), adapter)
        if len(data) > MAX_RESULT:
            raise ValueError("result too large")
    except MemoryError:
        data = _failure("memory", "", None)
    except SandboxUnavailable as error:
        data = _failure("sandbox", str(error), None)
    except BaseException as error:
        code = getattr(error, "code", None)
        known = code if isinstance(code, str) and code.startswith("FILE-") else None
        data = _failure("error", f"{type(error).__name__}: {error}", known)
    _write(writer, data)
    os._exit(0)


def _encoded(value: Any, adapter: TypeAdapter[Any] | None) -> bytes:
    """JSON; by the adapter, which is quick on large values, or without one from a dataclass."""
    if adapter is None:
        return json.dumps(value, default=_plain).encode()
    return adapter.dump_json(adapter.validate_python(value))


def _plain(value: Any) -> Any:
    return {f.name: getattr(value, f.name) for f in fields(value)} if is_dataclass(value) else str(value)


def _failure(kind: str, detail: str, code: str | None) -> bytes:
    told = {"kind": kind, "detail": detail[:500].encode("utf-8", "replace").decode()}
    return b"failed\n" + json.dumps(told | ({"code": code} if code else {})).encode()


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _confine(limits: Limits) -> None:
    _quiet()
    try:
        _restrict(limits)
    except (OSError, ValueError) as error:  # this machine forbids it (systemd, container): no word about the file
        raise SandboxUnavailable(f"limits cannot be set: {error}") from error
    system = sandbox.FEW_PATHS if limits.small else sandbox.SYSTEM_PATHS
    steps: tuple[Callable[[], None], ...] = (
        lambda: sandbox.landlock(limits.reads, limits.scratch, system),
        sandbox.seccomp,
    )
    for step in steps:
        try:
            step()
        except OSError as error:
            if limits.sandbox == "required":
                raise SandboxUnavailable(str(error)) from error


def _restrict(limits: Limits) -> None:
    os.nice(limits.nice)
    sandbox.libc().prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG: do not outlive the fork server
    for kind, soft, hard in (
        (resource.RLIMIT_AS, limits.memory, limits.memory),
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 2),
        (resource.RLIMIT_FSIZE, limits.file_size, limits.file_size),
        (resource.RLIMIT_NOFILE, limits.open_files, limits.open_files),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))
    if limits.scratch:
        os.environ["TMPDIR"] = tempfile.tempdir = limits.scratch


def _quiet() -> None:
    """What C libraries print about hostile files goes nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
