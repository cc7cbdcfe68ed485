"""G10: a disk that is really full, at the intake of mail. Nothing is lost, and what was held up goes on once there is room."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError

from mailbot import config
from mailbot.store import mails, outbox
from mailbot.work import World, delivery, lanes
from mailbot.work.sweep import sweep_all
from tests.worlds import Clock, world

MAILS = 8


def mail(number: int) -> bytes:
    data = base64.encodebytes(random.Random(number).randbytes(600_000)).replace(b"\n", b"\r\n")
    head = (
        f"From: p{number}@kantor{number}.example\r\nTo: lpse@batangkab.example\r\nSubject: Permohonan {number}\r\nMessage-ID: <{number}@penuh.example>\r\n"
        'MIME-Version: 1.0\r\nContent-Type: application/octet-stream; name="a.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n'
    )
    return head.encode() + data


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 5 MB; a test makes it larger when it likes."""
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=5m", "none", disk], capture_output=True)
    if made.returncode:
        pytest.skip("a small file system cannot be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


@pytest.fixture
def w(small_disk: Path, tmp_path: Path, database: str) -> World:
    """On PostgreSQL the database has room while the mails have none."""
    for part in ("new", "cur", "tmp"):
        (tmp_path / "inbox" / part).mkdir(parents=True)
    for number in range(MAILS):
        (tmp_path / "inbox/new" / f"{number}.eml").write_bytes(mail(number))
    storage = config.StorageSection(path=str(small_disk / "data"), min_free_mb=0)  # its warning in time is another test
    url = "" if database.startswith("sqlite") else database
    return world(tmp_path, Clock(), url, storage=storage, replies=config.RepliesSection(form=False))


def until_full(w: World) -> int:
    """Works as the service does; how often the disk stopped it."""
    stopped = 0
    for _ in range(6):
        try:
            sweep_all(w)
        except (OSError, DBAPIError):
            stopped += 1
        w.now.pass_(minutes=2)  # type: ignore[attr-defined]
    return stopped


def test_g10_a_disk_that_is_really_full_loses_nothing(w: World, small_disk: Path) -> None:
    assert until_full(w) == 6
    with w.store.reading() as tx:
        before = [m.header_id for m in mails.everything(tx)]
        assert mails.quarantined(tx) == []
    assert 0 < len(before) < MAILS

    subprocess.run(["mount", "-o", "remount,size=60m", small_disk], check=True)
    assert sweep_all(w) == MAILS - len(before)
    while delivery.send_next(w):
        pass
    lanes.recover(w)
    with w.store.reading() as tx:
        stored = mails.everything(tx)
        assert {m.header_id for m in stored} == {f"<{n}@penuh.example>" for n in range(MAILS)}
        assert {(m.state, m.guard.policy) for m in stored} == {("stored", "reply")}
        assert [r.state for r in outbox.everything(tx)] == ["sent"] * MAILS
    blobs = [p for p in w.blobs.rglob("*") if p.is_file()]
    assert all(hashlib.sha256(p.read_bytes()).hexdigest() == p.name for p in blobs)
    assert not list(w.blobs.glob(".incoming-*")) and os.listdir(small_disk) == ["data"]
