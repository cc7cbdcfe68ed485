"""The four kinds of mail on disk."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path

import pytest

from mailbot.mailbox import FetchEmpty, FolderMissing, Mailbox
from mailbot.mailbox.folder import Folder

MAIL = b"Message-ID: <1@pemohon.test>\r\nSubject: Permohonan\r\n\r\nIsi\r\n"


def nothing(_: int) -> set[str]:
    return set()


def write(path: Path, data: bytes = MAIL, at: int = 1_700_000_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (at, at))
    return path


def bytes_of(source: Mailbox, into: Path) -> list[bytes]:
    return [Path(source.fetch(p, into).path).read_bytes() for p in source.discover(nothing)]


def test_folder_of_eml_oldest_first(tmp_path: Path) -> None:
    inbox = tmp_path / "in"
    write(inbox / "a.eml", MAIL + b"baru", 1_700_000_100)
    write(inbox / "b.EML")
    write(inbox / "catatan.txt")
    (inbox / "link.eml").symlink_to(inbox / "a.eml")
    source = Folder("demo", inbox)
    assert bytes_of(source, tmp_path / "blobs") == [MAIL, MAIL + b"baru"]
    first = next(source.discover(lambda _: {"a.eml"}))
    assert (first.location.uid, first.location.folder, first.location.uidvalidity) == ("b.EML", "in", 0)
    assert first.received_at == dt.datetime.fromtimestamp(1_700_000_000, dt.UTC)
    assert list(source.discover(lambda _: {"a.eml", "b.EML"})) == []


def test_single_eml_is_stored_once_under_its_hash(tmp_path: Path) -> None:
    source: Mailbox = Folder("demo", write(tmp_path / "satu.eml"))
    pending = next(source.discover(nothing))
    one, two = (source.fetch(pending, tmp_path / "blobs") for _ in range(2))
    assert one == two
    assert Path(one.path) == tmp_path / "blobs" / one.sha256[:2] / one.sha256
    assert [p for p in (tmp_path / "blobs").rglob("*") if p.is_file()] == [Path(one.path)]


def test_maildir_mark_moves_to_cur_and_keeps_the_uid(tmp_path: Path) -> None:
    for part in ("new", "cur", "tmp"):
        (tmp_path / "m" / part).mkdir(parents=True)
    write(tmp_path / "m" / "new" / "1.a.host")
    write(tmp_path / "m" / "cur" / "0.b.host:2,ST", MAIL + b"x", 1_600_000_000)
    source = Folder("demo", tmp_path / "m")
    trashed, new = list(source.discover(nothing))
    assert (trashed.location.uid, trashed.deleted, new.deleted) == ("0.b.host", True, False)
    source.mark(new.location)
    source.mark(new.location)
    assert (tmp_path / "m" / "cur" / "1.a.host:2,").read_bytes() == MAIL
    assert Path(source.fetch(new, tmp_path / "blobs").path).read_bytes() == MAIL
    assert list(source.discover(lambda _: {"0.b.host", "1.a.host"})) == []


def test_mbox_is_taken_apart(tmp_path: Path) -> None:
    text = b"From a Mon\nSubject: satu\n\n>From hati\nFrom tidak\n\nFrom b Tue\nSubject: dua\n\nisi\n\n"
    source = Folder("demo", write(tmp_path / "mail.mbox", text))
    wanted = [b"Subject: satu\n\nFrom hati\nFrom tidak\n", b"Subject: dua\n\nisi\n"]
    assert bytes_of(source, tmp_path / "blobs") == wanted
    first, second = list(source.discover(nothing))
    assert first.size == len(wanted[0])
    write(tmp_path / "mail.mbox", text + b"From c Wed\nSubject: tiga\n\nisi\n", 1_700_000_200)
    known = {first.location.uid, second.location.uid}
    assert [p.size for p in source.discover(lambda _: known)] == [len(b"Subject: tiga\n\nisi\n")]


def test_too_large_missing_and_empty(tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.eml", MAIL + b"x" * 5000)
    source = Folder("demo", tmp_path / "in", max_bytes=1000)
    pending = next(source.discover(nothing))
    kept = source.fetch(pending, tmp_path / "blobs")
    assert (kept.problem, kept.size) == ("TOO_LARGE", len(MAIL) + 5000)
    assert Path(kept.path).read_bytes() == MAIL[: MAIL.index(b"Isi")]
    (tmp_path / "in" / "a.eml").unlink()
    with pytest.raises(FetchEmpty):
        source.fetch(pending, tmp_path / "blobs")
    write(tmp_path / "in" / "kosong.eml", b"")
    with pytest.raises(FetchEmpty):
        source.fetch(next(source.discover(nothing)), tmp_path / "blobs")
    assert list((tmp_path / "blobs").glob(".incoming-*")) == []
    with pytest.raises(FolderMissing):
        list(Folder("demo", tmp_path / "tiada").discover(nothing))
