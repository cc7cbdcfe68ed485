"""The hostile set goes through the entrances of the parsers: each file ends named or read, and the next one is read."""

from __future__ import annotations

import os
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailbot.model import Attachment, FileReading
from mailbot.parsers import opening, scans
from tests import hostile

CODES = {"FILE-SANDI", "FILE-RUSAK", "FILE-BESAR", "FILE-JENIS", "FILE-ARSIP"}
EVERY = list(hostile.every())
GOOD = ("baik.pdf", hostile.page(hostile.stream(hostile.TEXT), resources=hostile.FONT))


def mail(files: list[tuple[str, bytes]]) -> bytes:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@kab.example", "b@kab.example", "Permohonan"
    message["Message-ID"] = "<x@kab.example>"
    message.set_content("Terlampir.")
    for name, data in files:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


def opened(files: list[tuple[str, bytes]], folder: Path) -> tuple[Attachment, ...]:
    (folder / "in").mkdir(exist_ok=True)
    (folder / "mail.eml").write_bytes(mail(files))
    return opening.open_mail(str(folder / "mail.eml"), str(folder / "in")).attachments


def named_or_read(reading: FileReading) -> bool:
    if reading.problem:
        return reading.problem in CODES and not reading.pages
    return bool(reading.pages) and all(p.problem is None or p.problem in CODES for p in reading.pages)


def test_the_set_is_large_and_has_no_doubles() -> None:
    assert len(EVERY) >= 300 and len({name for name, _ in EVERY}) == len(EVERY)


@pytest.mark.parametrize(
    "batch", [EVERY[n : n + 24] for n in range(0, len(EVERY), 24)], ids=lambda batch: f"{batch[0][0]}..{batch[-1][0]}"
)
def test_hostile_files_end_named_and_the_next_file_is_read(batch, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(scans, "PAGE_SECONDS", 20.0)

    attachments = opened([*batch, GOOD], tmp_path)
    readings = scans.read_files(attachments)

    assert {a.name for a in attachments if not a.inside} | {a.inside for a in attachments} >= {GOOD[0]}
    assert [r.file for r in readings if not named_or_read(r)] == []
    assert readings[-1].file == GOOD[0] and "permohonan pengaktifan" in readings[-1].pages[0].text
    assert sorted(os.listdir(tmp_path)) == ["in", "mail.eml"]


@pytest.mark.parametrize(("name", "code"), [
    ("locked.pdf", "FILE-SANDI"), ("frames.tif", "FILE-BESAR"), ("many-pages.pdf", "FILE-BESAR"),
    ("bomb.png", "FILE-BESAR"), ("head-only.pdf", "FILE-RUSAK"), ("empty.pdf", "FILE-RUSAK"), ("x.rar", "FILE-ARSIP"),
    ("bomb.zip", "FILE-BESAR"), ("ole.doc", "FILE-JENIS"),
])  # fmt: skip
def test_well_known_harm_has_its_name(name: str, code: str, tmp_path: Path) -> None:
    attachments = opened([(name, dict(EVERY)[name])], tmp_path)

    assert [r.problem for r in scans.read_files(attachments)] == [code]


def test_a_file_that_brings_the_counting_down_takes_no_other_with_it(tmp_path: Path) -> None:
    frames = dict(EVERY)["few-frames.tif"]
    at = frames.rindex(b"\x00\x01\x04\x00")  # the width of the last image, without which the library fails
    broken = frames[:at] + b"\xe7\x03" + frames[at + 2 :]

    readings = scans.read_files(opened([("rusak.tif", broken), GOOD], tmp_path))

    assert [(r.file, r.problem, len(r.pages)) for r in readings] == [("rusak.tif", "FILE-RUSAK", 0), (GOOD[0], None, 1)]
