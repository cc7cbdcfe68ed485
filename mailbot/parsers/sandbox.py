"""What the Linux kernel takes away from a child: files (Landlock), system calls (seccomp)."""

from __future__ import annotations

import ctypes
import functools
import os
import struct
import sys
from dataclasses import dataclass
from typing import Any

SYSTEM_PATHS = (
    "/usr", "/lib", "/lib64", "/lib32", "/bin", "/etc/ld.so.cache", "/etc/localtime", "/etc/timezone",
    "/etc/fonts", "/etc/mime.types", "/etc/ssl/openssl.cnf", "/proc/cpuinfo", "/proc/meminfo",
    "/proc/stat", "/proc/filesystems", "/sys/devices/system", "/sys/fs/cgroup", "/dev/null", "/dev/zero",
    "/dev/urandom", "/dev/random",
)  # fmt: skip
FEW_PATHS = (
    "/usr",
    "/lib",
    "/lib64",
    "/etc/localtime",
    "/dev/null",
    "/dev/urandom",
)  # no fonts, no engines


class SandboxUnavailable(RuntimeError):
    """The sandbox is required, but this kernel does not offer all of it."""


@functools.cache
def libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _syscall(number: int, *args: Any) -> int:
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in args]
    value = int(libc().syscall(ctypes.c_long(number), *wide))
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
        numbers = _ARCHES[os.uname().machine].seccomp
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


def landlock(reads: tuple[str, ...], scratch: str | None, system: tuple[str, ...] = SYSTEM_PATHS) -> None:
    """Read only `system`, the interpreter and `reads`; write only `scratch`. Raises OSError where it cannot."""
    abi = landlock_abi()
    if not abi:
        raise OSError("no Landlock")
    handled = (1 << 13) - 1 | (abi >= 2) << 13 | (abi >= 3) << 14 | (abi >= 5) << 15
    attributes = struct.pack("QQQ", handled, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    ruleset = _syscall(444, attributes, 8 if abi < 4 else 16 if abi < 6 else 24, 0)
    try:
        for descriptor, rights in _opened(system):
            _permit(ruleset, descriptor, rights)
        for path in ("/proc/self", *reads):
            _allow(ruleset, path, _READ)
        if scratch:
            _allow(ruleset, scratch, handled & ~(1 << 0))
        libc().prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS
        _syscall(446, ruleset, 0)
    finally:
        os.close(ruleset)


@functools.cache
def _opened(system: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    """What every child may read, with its rights; a fork server opens it once. What lies in another of them is left out."""
    real = dict.fromkeys(os.path.realpath(path) for path in (*system, *sorted(_python_paths())))
    outer = [path for path in real if not any(path.startswith(other.rstrip("/") + "/") for other in real)]
    found = ((path, _descriptor(path), _READ | (1 << 1 if path == os.devnull else 0)) for path in outer)
    return tuple((d, _rights(path, rights)) for path, d, rights in found if d is not None)


def _descriptor(path: str) -> int | None:
    """None for what does not exist: it needs no rule."""
    try:
        return os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return None


def _rights(path: str, rights: int) -> int:
    return rights if os.path.isdir(path) else rights & _FILE_RIGHTS


def _allow(ruleset: int, path: str, rights: int) -> None:
    descriptor = _descriptor(path)
    if descriptor is None:
        return
    try:
        _permit(ruleset, descriptor, _rights(path, rights))
    finally:
        os.close(descriptor)


def _permit(ruleset: int, descriptor: int, rights: int) -> None:
    _syscall(445, ruleset, 1, struct.pack("=Qi", rights, descriptor), 0)


@functools.cache
def _python_paths() -> frozenset[str]:
    """The interpreter, its libraries and this package, but not the folder around the package."""
    found = {sys.prefix, sys.base_prefix, sys.exec_prefix, os.path.dirname(os.path.dirname(os.path.realpath(__file__)))}
    found.update(p for p in sys.path if p.rstrip("/").endswith(("site-packages", "dist-packages")))
    return frozenset(found)


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
            41, 42, 43, 44, 46, 49, 50, 288, 307,  # sockets; a pair of them leads nowhere and asyncio needs one
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
            198, 200, 201, 202, 203, 206, 211, 242, 269,
            221, 281, 157, 154,
            129, 130, 138, 240, 117, 270, 271,
            194, 190, 186, 180,
            52, 53, 54, 55, 5, 6, 7, 14, 15, 16, 88,
            164, 40, 39, 41, 51, 97, 268, 105, 106, 273, 104, 294, 142, 280, 241, 282, 217, 218, 219, 265,
        ),
    ),
}  # fmt: skip


def seccomp() -> None:
    """Deny network, programs, other processes and raising one's own limits; threads stay possible."""
    if os.uname().machine not in _ARCHES:
        raise OSError("unknown architecture")
    number, header, _ = _filter(os.uname().machine)
    libc().prctl(38, 1, 0, 0, 0)
    _syscall(number, 1, 1, header)  # SET_MODE_FILTER for all threads


def prepare(system: tuple[str, ...]) -> None:
    """For a process that forks children: opens and computes once what each of them would."""
    if landlock_abi():
        _opened(system)
    if os.uname().machine in _ARCHES:
        _filter(os.uname().machine)
    libc().prctl  # noqa: B018  ctypes makes a function of it the first time


@functools.cache
def _filter(machine: str) -> tuple[int, bytes, Any]:
    """The number of seccomp(2), its sock_fprog, and the instructions to which that points."""
    program = _program(_ARCHES[machine])
    buffer = ctypes.create_string_buffer(program, len(program))
    return _ARCHES[machine].seccomp, struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(buffer)), buffer


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
