"""The limited child: what hostile code can do in it, and what the libraries must still be able to do."""

from __future__ import annotations

import os
import pickle
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import mailbot
from mailbot.model import Line, PageReading, Word
from mailbot.parsers import child, forks, sandbox
from mailbot.parsers.child import ChildFailed, Limits

LIMITS = Limits(seconds=20, cpu_seconds=10)
TESSDATA = "/usr/share/tesseract-ocr/5/tessdata"


class Coded(Exception):
    code = "FILE-RUSAK"


def double(x: int) -> int:
    return 2 * x


def page() -> PageReading:
    return PageReading(1, "text", (Line((Word("é\u4e00", (0, 0, 1, 1), 1.0),)),))


def abort() -> int:
    os.abort()


def sleeper() -> int:
    time.sleep(60)
    return 1


def spin() -> int:
    while True:
        pass


def bomb() -> int:
    return len(bytearray(3 << 30))


def many_bytes() -> str:
    return "x" * (33 << 20)


def coded() -> int:
    raise Coded("broken")


def wrong() -> int:
    raise ValueError("line\nbreak \udc80")


def lying() -> int:
    return "no number"  # type: ignore[return-value]


def attempt(what: str, path: str) -> str:
    try:
        if what == "socket":
            socket.socket()
        elif what == "fork":
            os.fork()
        elif what == "exec":
            subprocess.run(["/bin/true"], check=True)
        elif what == "kill":
            os.kill(os.getppid(), 0)
        elif what == "chmod":
            os.chmod(path, 0o777)
        elif what == "read":
            Path(path).read_bytes()
        elif what == "write":
            Path(path).write_bytes(b"x")
        elif what == "limit":
            import resource

            resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
    except (OSError, ValueError) as error:
        return f"denied {type(error).__name__}"
    return "done"


def threads() -> int:
    seen: list[int] = []
    workers = [threading.Thread(target=seen.append, args=(n,)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return len(seen)


def libraries() -> str:
    import cv2
    import numpy as np
    import pypdfium2
    import tesserocr
    from PIL import Image

    document = pypdfium2.PdfDocument.new()
    document.new_page(200, 100)
    rendered = np.array(document[0].render(scale=2).to_numpy())
    canvas = np.full((80, 300, 3), 255, np.uint8)
    cv2.putText(canvas, "HELLO", (20, 60), cv2.FONT_HERSHEY_SIMPLEX, 2, (0, 0, 0), 4)
    grey = cv2.cvtColor(canvas, cv2.COLOR_BGR2GRAY)
    cv2.GaussianBlur(cv2.resize(grey, None, fx=4, fy=4), (5, 5), 0)
    float(np.linalg.norm(np.ones((300, 300)) @ np.ones((300, 300))))
    with tesserocr.PyTessBaseAPI(path=TESSDATA, lang="eng") as api:
        api.SetImage(Image.fromarray(grey))
        text = api.GetUTF8Text().strip()
    return f"{rendered.shape[1]} {text}"


def onnx() -> int:
    import onnxruntime

    return len(onnxruntime.get_available_providers())


def failure(function: object, limits: Limits = LIMITS) -> ChildFailed:
    with pytest.raises(ChildFailed) as caught:
        child.run(function, result=int, limits=limits)  # type: ignore[arg-type]
    return caught.value


def test_values_come_back_typed() -> None:
    assert child.run(double, 21, result=int, limits=LIMITS) == 42
    assert child.run(page, result=PageReading, limits=LIMITS) == page()


@pytest.mark.parametrize(
    ("function", "kind"),
    [(abort, "crash"), (bomb, "memory"), (wrong, "error"), (lying, "error"), (many_bytes, "error")],
)
def test_failures_are_told_apart(function: object, kind: str) -> None:
    assert failure(function).kind == kind


def test_wall_clock_and_cpu_end_a_child() -> None:
    started = time.monotonic()
    assert failure(sleeper, Limits(seconds=1)).kind == "timeout"
    assert failure(spin, Limits(seconds=20, cpu_seconds=1)).kind == "timeout"
    assert time.monotonic() - started < 10


def test_a_killed_server_is_replaced() -> None:
    assert child.run(double, 1, result=int, limits=LIMITS) == 2
    server = child._server._process
    assert server is not None
    server.kill()
    server.wait(10)
    assert child.run(double, 2, result=int, limits=LIMITS) == 4
    assert child._server.pid != server.pid


def test_a_server_that_rested_gives_its_memory_back_and_comes_again() -> None:
    server = forks.Server(answer=child.ANSWER, rest=0.2)
    try:
        assert summed(server) == b"ok\n3"
        first = server._process
        assert first is not None and first.wait(20) == 0
        assert wait_for(lambda: server.pid is None)
        assert summed(server) == b"ok\n3" and server.pid not in (None, first.pid)
    finally:
        server.close()


def test_a_server_does_not_rest_under_a_child_that_still_may_run() -> None:
    server = forks.Server(answer=child.ANSWER, rest=0.0)
    try:
        with ThreadPoolExecutor() as threads:  # the short ones end while the long one is under way
            found = [threads.submit(summed, server, wait, 10.0) for wait in (1.0, 0.0, 0.2)]
            assert [f.result() for f in found] == [b"ok\n3"] * 3
    finally:
        server.close()


def summed(server: forks.Server, wait: float = 0.0, seconds: float = 10.0) -> bytes:
    """1 + 2, after a while, in a child that may take so many seconds."""
    limits = Limits(seconds=seconds)
    answer, end = server.fork(seconds, pickle.dumps((slow_sum, (wait,), int, limits)))
    try:
        with open(answer, "rb") as told, open(end, "rb") as ended:
            found = told.read()
            assert forks.ENDED.unpack(ended.read())[0] == 0
    finally:
        server.ended()
    return found


def slow_sum(wait: float) -> int:
    time.sleep(wait)
    return 3


def wait_for(true: Callable[[], bool]) -> bool:
    end = time.monotonic() + 10
    while not true() and time.monotonic() < end:
        time.sleep(0.01)
    return true()


def test_what_children_used_is_counted() -> None:
    before = child.usage().cpu_seconds
    child.run(double, 1, result=int, limits=LIMITS)
    assert child.usage().cpu_seconds > before and child.usage().peak_memory > 1 << 20


def test_the_server_has_no_threads() -> None:
    child.run(double, 1, result=int, limits=LIMITS)
    child.run(double, 1, result=int, limits=Limits(small=True))
    assert [len(os.listdir(f"/proc/{server.pid}/task")) for server in (child._server, child._small)] == [1, 1]


def test_the_server_for_mails_loads_nothing_that_hooks_into_forks() -> None:
    """Each child would pay for it: `threading` alone copied a hundred pages."""
    code = "import sys; from mailbot.parsers import forkserver, submission; submission.rehearsed(); print(*sys.modules)"
    path = {**os.environ, "PYTHONPATH": str(Path(mailbot.__file__).parent.parent)}
    loaded = subprocess.check_output([sys.executable, "-P", "-c", code], env=path, text=True).split()
    assert "mailbot.parsers.submission" in loaded
    assert {"threading", "logging", "subprocess", "zipfile", "pydantic"} & {*loaded} == set()


def test_modules_that_lie_about_in_the_working_folder_are_not_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('not ours')")
    monkeypatch.chdir(tmp_path)
    server = forks.Server(answer=child.ANSWER)
    try:
        assert summed(server) == b"ok\n3"
    finally:
        server.close()


def test_a_file_code_passes_through() -> None:
    assert failure(coded).code == "FILE-RUSAK"


def test_threads_of_the_parent_and_of_the_child() -> None:
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(child.run, double, n, result=int, limits=LIMITS) for n in range(100)]
        assert [job.result() for job in jobs] == [2 * n for n in range(100)]
    assert child.run(threads, result=int, limits=LIMITS) == 4


@pytest.mark.skipif("unavailable" in sandbox.sandbox_report().values(), reason="this kernel lacks a layer")
@pytest.mark.parametrize("what", ["socket", "fork", "exec", "kill", "chmod", "read", "write", "limit"])
@pytest.mark.parametrize("small", [False, True], ids=["pages", "mails"])
def test_the_sandbox_denies(what: str, small: bool, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"s")
    limits = Limits(seconds=20, sandbox="required", small=small)
    assert child.run(attempt, what, str(secret), result=str, limits=limits).startswith("denied")
    assert secret.read_bytes() == b"s"


def test_scratch_and_inputs_are_allowed(tmp_path: Path) -> None:
    (tmp_path / "in").write_bytes(b"x")
    (tmp_path / "scratch").mkdir()
    limits = Limits(reads=(str(tmp_path / "in"),), scratch=str(tmp_path / "scratch"))
    assert child.run(attempt, "read", str(tmp_path / "in"), result=str, limits=limits) == "done"
    assert child.run(attempt, "write", str(tmp_path / "scratch" / "out"), result=str, limits=limits) == "done"
    assert child.run(attempt, "write", str(tmp_path / "in"), result=str, limits=limits).startswith("denied")


@pytest.mark.skipif(not Path(TESSDATA, "eng.traineddata").exists(), reason="no tesseract data")
def test_the_libraries_work_inside() -> None:
    assert child.run(libraries, result=str, limits=LIMITS) == "400 HELLO"
    assert child.run(onnx, result=int, limits=LIMITS) > 0


def test_required_and_unavailable_is_loud(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox, "landlock_abi", lambda: 0)
    with pytest.raises(sandbox.SandboxUnavailable, match="landlock"):
        child.run(double, 1, result=int, limits=Limits(sandbox="required"))


def test_a_machine_that_forbids_the_limits_is_not_a_broken_file() -> None:
    with pytest.raises(sandbox.SandboxUnavailable, match="limits cannot be set"):
        child.run(double, 1, result=int, limits=Limits(open_files=1 << 31))
