"""A small fork server (`forkserver`), asked from here: it forks a child for each task.

The one of `multiprocessing` imports the main program again in every child, which costs more than reading a page.
A task is (function, args, ...) pickled by this program itself; what children answer is never unpickled.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from mailbot.parsers.forkserver import ENDED as ENDED
from mailbot.parsers.forkserver import ORDER

# A page needs 100 MB, which its child gets from the kernel 4 KB at a time: 28,000 faults. One heap that grows in large steps and
# lies in pages of 2 MB makes them 10,000. `mallopt` cannot say the first of these, so a process is told before it starts.
_HEAP = (
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=67108864:glibc.malloc.trim_threshold=536870912"
    ":glibc.malloc.top_pad=67108864"
)
_TELL = "import sys; from mailbot.parsers.forkserver import serve; serve(*sys.argv[1:])"


@dataclass
class Server:
    """The client's side. `answer`: "module:function" that a child calls with the descriptors of its task and of its
    answer; `warm`: such names that the server calls once before it forks; `rest`: after so many seconds without work
    its memory is given back, and the next task starts it again."""

    answer: str
    warm: Sequence[str] = ()
    rest: float = float("inf")
    _under_way: int = 0
    _rest_at: float = 0.0
    _line: socket.socket | None = None
    _process: subprocess.Popen[bytes] | None = None
    _owner: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def fork(self, seconds: float, task: bytes) -> tuple[int, int]:
        """Descriptors of the child's answer and of its end (one ENDED); the caller closes both, and then calls `ended`."""
        answer, answers = os.pipe()
        end, ends = os.pipe()
        order = os.memfd_create("task", os.MFD_CLOEXEC)
        try:
            written = 0
            while written < len(task):
                written += os.write(order, memoryview(task)[written:])
            with self._lock:
                self._order(seconds, [order, answers, ends])
                self._under_way += 1
        except BaseException:
            os.close(answer)
            os.close(end)
            raise
        finally:
            for descriptor in (order, answers, ends):
                os.close(descriptor)
        return answer, end

    def ended(self) -> None:
        """The caller of `fork` has done with its child: without others the server's rest begins."""
        with self._lock:
            self._under_way -= 1
            self._rest_at = time.monotonic() + self.rest

    def _order(self, seconds: float, descriptors: list[int]) -> None:
        try:
            socket.send_fds(self._running(), [ORDER.pack(seconds)], descriptors)
        except (BrokenPipeError, ConnectionResetError):  # somebody killed the server: once more
            self.close()
            socket.send_fds(self._running(), [ORDER.pack(seconds)], descriptors)

    def _running(self) -> socket.socket:
        """A process that forked from this one needs a server of its own."""
        if self._line is None or self._owner != os.getpid():
            self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs:
                told = [str(theirs.fileno()), json.dumps(sys.path), json.dumps([*self.warm]), self.answer]
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", _TELL, *told], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
                    process_group=0, env=_environment(),
                )  # fmt: skip
            self._owner = os.getpid()
            if self.rest < float("inf"):
                threading.Thread(target=self._watch, args=(self._process,), name="rest", daemon=True).start()
        return self._line

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        """Closes the line of a server that has rested; the lock keeps an order from being sent into the end, and no child
        is under way that the end would kill."""
        while True:
            with self._lock:
                left = self.rest if self._under_way else self._rest_at - time.monotonic()
                if self._process is not process:
                    return
                if left <= 0 and not self._under_way:
                    self.close()
                    return
            time.sleep(max(left, 0.01))

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def close(self) -> None:
        """The server kills its children and ends when its line is closed."""
        if self._line is not None and self._owner == os.getpid():
            self._line.close()
            if self._process:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(5)
        self._line = self._process = None


def _environment() -> dict[str, str]:
    """One thread per library: threads would not survive the fork, and OpenMP's cost three times the CPU."""
    single = {"OMP_THREAD_LIMIT": "1", "OPENBLAS_NUM_THREADS": "1", "ORT_DISABLE_TELEMETRY": "1"}
    path = os.pathsep.join(p for p in sys.path if p)
    return {"GLIBC_TUNABLES": _HEAP, **os.environ, **single, "PYTHONPATH": path}
