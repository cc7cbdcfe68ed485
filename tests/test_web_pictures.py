"""Pictures of pages: left by the reading, drawn again on demand, tidied by size; a child's files are not believed (T10)."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mailbot.config import StorageSection
from mailbot.mailbox import keep
from mailbot.parsers import pages, picture
from mailbot.store import chain, users
from mailbot.work import World, blob_path, pictures, reading, ticks
from tests.paperwork import Someone, letter
from tests.web import people, person, visitor
from tests.worlds import Clock, Post, evidence, world


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def w(tmp_path: Path, clock: Clock) -> World:
    return world(tmp_path, clock)


def kept(w: World) -> list[Path]:
    return sorted((w.root / "cache" / "pages").glob("*/*.jpg"))


def test_a_page_that_was_read_is_there_before_anybody_asks(w: World) -> None:
    paper = letter(Someone())
    post = Post(w)
    post.mail(evidence(), contents={paper.name: paper.data})
    with w.store.reading() as tx:
        (mail,) = tx.exec_driver_sql("SELECT content FROM message").scalars()
    reading.read_blob(w, blob_path(w.blobs, mail))
    made = kept(w)
    assert [p.name for p in made] == ["1-1400.jpg", "1-180.jpg"] and made[0].parent.name == paper.sha256
    before = made[0].stat().st_mtime_ns
    path = pictures.drawn(w, paper.sha256, "pdf", 1, pictures.LARGE)
    assert path == made[0] and path.stat().st_mtime_ns == before

    again = picture.pictures(blob_path(w.blobs, paper.sha256), "pdf", 1)
    assert again[0] == path.read_bytes()


def test_a_picture_shows_what_the_boxes_refer_to(w: World) -> None:
    """A page that lay on its side is shown upright."""
    path, _, _ = keep(iter((letter(Someone()).data,)), w.blobs)
    upright = pages.upright(str(path), "pdf", 1)
    on_its_side = path.with_suffix(".png")
    upright.rotate(90, expand=True).save(on_its_side)
    large, small = (cv2.imdecode(np.frombuffer(d, np.uint8), 0) for d in picture.pictures(Path(on_its_side), "png", 1))

    assert large.shape[1] <= pictures.LARGE and small.shape[1] == pictures.SMALL
    assert abs(large.shape[0] / large.shape[1] - upright.height / upright.width) < 0.01
    plain = cv2.resize(np.asarray(upright.convert("L")), (180, small.shape[0]), interpolation=cv2.INTER_AREA)
    assert float(np.abs(plain.astype(int) - small).mean()) < 12


def test_what_a_child_left_is_believed_only_where_it_is_a_plain_picture(tmp_path: Path) -> None:
    secret = tmp_path / "rahasia"
    secret.write_bytes(b"\xff\xd8\xff rahasia")
    os.symlink(secret, tmp_path / "1-1400.jpg")
    os.mkfifo(tmp_path / "1-180.jpg")
    (tmp_path / "2-1400.jpg").write_bytes(b"<svg onload=alert(1)>")
    (tmp_path / "3-1400.jpg").write_bytes(b"\xff\xd8\xff" + b"x" * (picture._LARGEST + 1))
    (tmp_path / "4-1400.jpg").write_bytes(b"\xff\xd8\xff\xe0")

    assert [picture.taken(str(tmp_path), n) for n in (1, 2, 3, 4, 5)] == [[], [], [], [b"\xff\xd8\xff\xe0"], []]


def test_pictures_that_nobody_looked_at_go_first_and_are_drawn_again(w: World) -> None:
    small = w.settings.model_copy(update={"storage": StorageSection(path=str(w.root), pictures_mb=1)})
    w = replace(w, settings=small)
    digests = []
    for n in range(4):
        _, digest, _ = keep(iter((letter(Someone(), f"551/{n}/2026").data,)), w.blobs)
        digests.append(digest)
        pictures.drawn(w, digest, "pdf", 1, pictures.LARGE)
        (w.root / "cache" / "pages" / digest / "9-1400.jpg").write_bytes(b"x" * 250_000)
        day = time.time() - 86_400 * (10 - n)
        os.utime(w.root / "cache" / "pages" / digest, (day, day))
    pictures.drawn(w, digests[0], "pdf", 1, pictures.SMALL)  # looked at again

    assert pictures.tidy(w) == 2
    assert {p.parent.name for p in kept(w)} == {digests[0], digests[3]}
    assert pictures.drawn(w, digests[1], "pdf", 1, pictures.SMALL).stat().st_size > 500


def test_pictures_of_a_file_that_is_gone_go_too(w: World) -> None:
    _, digest, _ = keep(iter((letter(Someone()).data,)), w.blobs)
    pictures.drawn(w, digest, "pdf", 1, pictures.LARGE)
    blob_path(w.blobs, digest).unlink()

    assert pictures.tidy(w) == 1
    assert not kept(w)


def test_a_full_disk_costs_the_picture_not_the_reading(w: World) -> None:
    (w.root / "cache").write_text("no folder")
    pictures.keep(w, "a" * 64, 1, [b"\xff\xd8\xff"])

    assert not kept(w)


def test_the_daily_tick_tidies_pictures_and_old_sessions(w: World, clock: Clock) -> None:
    people(w)
    old = person(w, "helpdesk")
    _, digest, _ = keep(iter((letter(Someone()).data,)), w.blobs)
    pictures.drawn(w, digest, "pdf", 1, pictures.LARGE)
    blob_path(w.blobs, digest).unlink()
    clock.pass_(days=3)
    fresh = person(w, "helpdesk")
    with w.store.transaction() as tx:
        users.failed(tx, None, "10.0.0.1", clock.at)
    ticks.tick(w)

    with w.store.reading() as tx:
        assert tx.exec_driver_sql("SELECT count(*) FROM app_session").scalar() == 1
        assert tx.exec_driver_sql("SELECT count(*) FROM login").scalar() == 1
        assert [e.action for e in chain.events(tx, chain.OFFICE)].count("masuk") == 2  # the trail stays
    assert fresh.get("/meja").status_code == 200
    assert old.get("/meja").headers["location"] == "/masuk"
    assert not kept(w) and visitor(w).get("/masuk").status_code == 200
