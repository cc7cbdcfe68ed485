"""The child's side of `child`: limits itself, runs one function on hostile bytes, answers in JSON and is gone.

Imports little: the more is loaded, the more a fork costs.
"""

from __future__ import annotations

import functools
import gc
import json
import os
import pickle
import resource
import signal
import sys
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from mailbot.parsers import sandbox
from mailbot.parsers.sandbox import SandboxUnavailable

if TYPE_CHECKING:
    from pydantic import TypeAdapter

Mode = Literal["required", "best-effort"]

MAX_RESULT = 32 * 1024 * 1024


class Limits(NamedTuple):
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


# ------------------------------------------------------------------ in the fork server


def _made(result: Any) -> TypeAdapter[Any]:
    """Imported here, because the small fork server does without: the more is loaded, the more a fork costs."""
    from pydantic import TypeAdapter

    return TypeAdapter(result)


adapter: Callable[[Any], TypeAdapter[Any]] = functools.lru_cache(maxsize=64)(_made)


def learn(*results: Any) -> None:
    """For the fork server: makes what each of its children needs once, among it what checks these types."""
    sandbox.prepare(sandbox.SYSTEM_PATHS)
    for result in results:
        adapter(result).rebuild()


def rehearse(function: Callable[..., Any], *args: object) -> None:
    """For the small fork server: the way of `answer`, on a harmless sample and without leaving."""
    sandbox.prepare(sandbox.FEW_PATHS)
    _encoded(function(*args), None)


# ------------------------------------------------------------------ in the child


def answer(task: int, writer: int) -> None:
    """Entry of the child. Leaves by `_exit`, so that no destructor of a C library can spoil a finished result."""
    os.setpgid(0, 0)
    try:
        function, args, result, limits = pickle.loads(_read(task))  # from the parent, not from the file
        checked = None if limits.small else adapter(result)
        if limits.small:
            gc.disable()  # it ends before it has garbage worth the walk
        _confine(limits)
        data = b"ok\n" + _encoded(function(*args), checked)
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


def _read(descriptor: int) -> bytes:
    """All of a file in memory; `open` would touch more of the interpreter than the rest of the way."""
    size, data = os.fstat(descriptor).st_size, b""
    while len(data) < size:
        data += os.pread(descriptor, size - len(data), len(data))
    return data


def _encoded(value: Any, checked: TypeAdapter[Any] | None) -> bytes:
    """JSON; by the adapter, which is quick on large values, or without one from a dataclass."""
    if checked is None:
        return json.dumps(value, default=_plain).encode()
    return checked.dump_json(checked.validate_python(value))


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
    if limits.scratch and (tempfile := sys.modules.get("tempfile")):
        os.environ["TMPDIR"] = tempfile.tempdir = limits.scratch  # type: ignore[attr-defined]


def _quiet() -> None:
    """What C libraries print about hostile files goes nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)
