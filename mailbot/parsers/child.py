"""Run one function on hostile bytes in a forked child that has little memory, little time and no network.

The child sends JSON, never pickles; the parent believes none of it before pydantic has validated it.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import json
import multiprocessing
import os
import platform
import resource
import select
import signal
import struct
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")
Mode = Literal["required", "best-effort"]

MAX_RESULT = 32 * 1024 * 1024
SYSTEM_PATHS = (
    "/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone",
    "/etc/fonts", "/etc/mime.types", "/etc/ssl/openssl.cnf", "/proc/self", "/proc/cpuinfo", "/proc/meminfo",
    "/proc/stat", "/proc/filesystems", "/sys/devices/system", "/sys/fs/cgroup", "/dev/null", "/dev/zero",
    "/dev/urandom", "/dev/random",
)  # fmt: skip

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload([__name__])
_lock = threading.Lock()  # multiprocessing polls all children when it starts one, and no poll is safe for threads


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


class ChildFailed(Exception):
    """`kind`: timeout, crash, memory or error. `code`: the FILE-* code that the function raised, if any."""

    def __init__(self, kind: str, detail: str = "", code: str | None = None) -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind, self.detail, self.code = kind, detail, code


class SandboxUnavailable(RuntimeError):
    """The sandbox is required, but this kernel does not offer all of it."""


# ------------------------------------------------------------------ parent


def preload(modules: Sequence[str]) -> None:
    """Modules that the fork server imports once. Only of use before the first `run`."""
    _context.set_forkserver_preload([__name__, *modules])


def run(function: Callable[..., T], *args: object, result: type[T], limits: Limits) -> T:
    """`function(*args)` in a limited child; the function must be module-level, its value a `result`."""
    if limits.sandbox == "required":
        require_sandbox()
    os.environ.setdefault("OMP_THREAD_LIMIT", "1")
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    reader, writer = _context.Pipe(duplex=False)
    try:
        process = _context.Process(target=_child, args=(writer, function, args, result, limits), daemon=True)
        with _lock:
            process.start()
        writer.close()
        deadline = time.monotonic() + limits.seconds
        try:
            data = _receive(reader.fileno(), deadline)
            wait([process.sentinel], max(0.0, deadline - time.monotonic()) if data is not None else 0.0)
        finally:
            exitcode = _end(process)
        return _judge(data, exitcode, result)
    finally:
        reader.close()
        writer.close()


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


def _end(process: Any) -> int | None:
    """The exit code of the child, which is killed if it still runs."""
    with _lock:
        alive = process.is_alive()
        if alive:
            for kill in (os.killpg, os.kill):  # the group exists only after the child's setsid
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    kill(process.pid, signal.SIGKILL)
    if alive:
        wait([process.sentinel], 5)
    with _lock:
        code: int | None = process.exitcode
    return code


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
        told = TypeAdapter(dict[str, str]).validate_json(payload[:10_000])
    except ValueError:
        return ChildFailed("error", "unreadable failure")
    if told.get("kind") == "sandbox":
        return SandboxUnavailable(told.get("detail", "")[:500])
    kind = "memory" if told.get("kind") == "memory" else "error"
    return ChildFailed(kind, told.get("detail", "")[:500], told.get("code"))


_adapter: Callable[[Any], TypeAdapter[Any]] = functools.lru_cache(maxsize=64)(TypeAdapter)


# ------------------------------------------------------------------ child


def _child(
    writer: Connection, function: Callable[..., object], args: tuple[object, ...], result: Any, limits: Limits
) -> None:
    """Entry of the child. Leaves by `_exit`, so that no destructor of a C library can spoil a finished result."""
    os.setsid()
    try:
        adapter = _adapter(result)
        _confine(limits)
        data = b"ok\n" + adapter.dump_json(adapter.validate_python(function(*args)))
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
    _write(writer.fileno(), data)
    os._exit(0)


def _failure(kind: str, detail: str, code: str | None) -> bytes:
    told = {"kind": kind, "detail": detail[:500].encode("utf-8", "replace").decode()}
    return b"failed\n" + json.dumps(told | ({"code": code} if code else {})).encode()


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _confine(limits: Limits) -> None:
    _quiet()
    os.nice(5)
    _libc().prctl(1, signal.SIGKILL, 0, 0, 0)  # PR_SET_PDEATHSIG: do not outlive the fork server
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
    for step in (_landlock, _seccomp):
        try:
            step(limits)
        except OSError as error:
            if limits.sandbox == "required":
                raise SandboxUnavailable(f"{step.__name__}: {error}") from error


def _quiet() -> None:
    """What C libraries print about hostile files goes nowhere."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


# ------------------------------------------------------------------ kernel


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *args: Any) -> int:
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    value = int(_libc().syscall(ctypes.c_long(number), *wide))
    if value < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return value


def landlock_abi() -> int:
    """The kernel's Landlock version; 0 = none."""
    try:
        return _syscall(444, None, 0, 1)
    except OSError:
        return 0


def seccomp_available() -> bool:
    """The kernel filters system calls, and this machine's numbers are known."""
    action = ctypes.c_uint32(0x00050000)
    try:
        numbers = _ARCHES[platform.machine()].seccomp
        return _syscall(numbers, 2, 0, ctypes.byref(action)) == 0
    except (OSError, KeyError):
        return False


def sandbox_report() -> dict[str, str]:
    """What protects a child on this machine, for the health page."""
    abi = landlock_abi()
    return {
        "rlimits": "active",
        "landlock": f"active (ABI {abi})" if abi else "unavailable",
        "seccomp": "active" if seccomp_available() else "unavailable",
    }


def require_sandbox() -> None:
    """Raises SandboxUnavailable unless every layer works here; for the start of the program."""
    lacking = [name for name, state in sandbox_report().items() if state == "unavailable"]
    if lacking:
        raise SandboxUnavailable(f"not offered by this kernel: {', '.join(lacking)}")


_READ = 1 << 2 | 1 << 3  # READ_FILE, READ_DIR
_FILE_RIGHTS = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15  # the rights that a rule on a plain file may have


def _landlock(limits: Limits) -> None:
    """Read only what the libraries need and `reads`; write only `scratch`."""
    abi = landlock_abi()
    if not abi:
        raise OSError("no Landlock")
    handled = (1 << 13) - 1 | (abi >= 2) << 13 | (abi >= 3) << 14 | (abi >= 5) << 15
    attributes = struct.pack("QQQ", handled, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    ruleset = _syscall(444, attributes, 8 if abi < 4 else 16 if abi < 6 else 24, 0)
    try:
        for path in (*SYSTEM_PATHS, *_python_paths(), *limits.reads):
            _allow(ruleset, path, _READ)
        _allow(ruleset, os.devnull, _READ | 1 << 1)
        if limits.scratch:
            _allow(ruleset, limits.scratch, handled & ~(1 << 0))
        _libc().prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        _syscall(446, ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what does not exist needs no rule
    try:
        if not os.path.isdir(path):
            rights &= _FILE_RIGHTS
        _syscall(445, ruleset, 1, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)


def _python_paths() -> set[str]:
    """The interpreter, its libraries and this package, but not the folder around the package."""
    found = {sys.prefix, sys.base_prefix, sys.exec_prefix, str(Path(__file__).resolve().parent.parent)}
    found.update(p for p in sys.path if p.rstrip("/").endswith(("site-packages", "dist-packages")))
    return found


@dataclass(frozen=True, slots=True)
class _Arch:
    audit: int
    seccomp: int
    clone: int
    prlimit: int
    denied: tuple[int, ...]


# Numbers shared by all architectures: pidfd_*, io_uring_*, new mount calls, fchmodat2, *xattrat.
_DENIED_EVERYWHERE = (424, 434, 438, 425, 426, 427, *range(428, 434), 442, 452, 463, 466)
_ARCHES = {
    "x86_64": _Arch(
        0xC000003E, 317, 56, 302,
        (
            41, 42, 43, 44, 46, 49, 50, 53, 288, 307,  # sockets
            57, 58, 59, 322, 112, 109,  # fork, vfork, execve, execveat, setsid, setpgid
            62, 200, 129, 297, 101, 310, 311,  # kill, tkill, queued signals, ptrace, other processes' memory
            29, 64, 68, 240,  # System V and POSIX queues
            90, 91, 268, 92, 93, 94, 260, 188, 189, 190, 197, 198, 199, 132, 235, 261, 280,  # not seen by Landlock
            160, 165, 166, 155, 161, 272, 308, 175, 176, 313, 246, 320, 169, 321, 298, 323, 248, 249, 250, 304,
        ),
    ),
    "aarch64": _Arch(
        0xC00000B7, 277, 220, 261,
        (
            198, 199, 200, 201, 202, 203, 206, 211, 242, 269,
            221, 281, 157, 154,
            129, 130, 138, 240, 117, 270, 271,
            194, 190, 186, 180,
            52, 53, 54, 55, 5, 6, 7, 14, 15, 16, 88,
            164, 40, 39, 41, 51, 97, 268, 105, 106, 273, 104, 294, 142, 280, 241, 282, 217, 218, 219, 265,
        ),
    ),
}  # fmt: skip


def _seccomp(_: Limits) -> None:
    """Deny network, programs, other processes and raising one's own limits; threads stay possible."""
    if platform.machine() not in _ARCHES:
        raise OSError("unknown architecture")
    arch = _ARCHES[platform.machine()]
    program = _program(arch)
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer))
    _libc().prctl(38, 1, 0, 0, 0)
    _syscall(arch.seccomp, 1, 1, header)  # SET_MODE_FILTER for all threads


def _program(arch: _Arch) -> bytes:
    """The BPF filter: every test jumps over exactly the return that follows it."""
    load, equal, at_least, any_bit, give = 0x20, 0x15, 0x35, 0x45, 0x06
    allow, deny, absent, kill = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38, 0x80000000
    steps = [(load, 0, 0, 4), (equal, 1, 0, arch.audit), (give, 0, 0, kill), (load, 0, 0, 0)]
    steps += [(at_least, 0, 1, 0x40000000), (give, 0, 0, deny)]  # the x32 numbers
    steps += [(equal, 0, 1, 435), (give, 0, 0, absent)]  # clone3 hides its flags; glibc falls back to clone
    for number in (*arch.denied, *_DENIED_EVERYWHERE):
        steps += [(equal, 0, 1, number), (give, 0, 0, deny)]
    # clone only with CLONE_THREAD; prlimit64 only to read (its third argument is 0)
    steps += [(equal, 0, 4, arch.clone), (load, 0, 0, 16), (any_bit, 1, 0, 0x10000), (give, 0, 0, deny)]
    steps += [(give, 0, 0, allow)]
    steps += [(equal, 0, 5, arch.prlimit), (load, 0, 0, 32), (equal, 0, 2, 0), (load, 0, 0, 36)]
    steps += [(equal, 1, 0, 0), (give, 0, 0, deny), (give, 0, 0, allow)]
    return b"".join(struct.pack("HBBI", *step) for step in steps)
