"""Long bodies in base64 go past the parser; whatever the mail, what is found in it is the same as without that."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import os
import random
from pathlib import Path

import pytest

from mailbot.model import Submission
from mailbot.parsers import runs
from mailbot.parsers.leaves import Leaf
from mailbot.parsers.magic import magic
from mailbot.parsers.message import read

HEAD = b"From: Budi <budi@dinas.example>\nTo: lpse@dinas.example\nSubject: Permohonan\nMessage-ID: <m@dinas.example>\n"
TYPES = (
    b"application/pdf", b"image/jpeg; name=x.jpg", b"text/plain", b"text/html", b"application/octet-stream",
    b"message/rfc822", b"message/delivery-status", b"message/partial", b"text/plain; charset=utf-16",
)  # fmt: skip
ENCODINGS = (
    *[b"base64"] * 8, b"base64 (catatan)", b"BASE64", b"7bit", b"8bit", b"binary", b"quoted-printable", b"x-uuencode",
    b"base64\nContent-Transfer-Encoding: 8bit",
)  # fmt: skip
STARTS = (
    b"%PDF-1.4\n",
    b"\xff\xd8\xff",
    b"PK\x03\x04",
    b"From: a@b.example\nTo: x\nSubject: d\n\n",
    b"",
    b"begin 644 x\n",
)
ODD = (b"=", b"-", b" ", b"\r", b"\n", b"\n\n", b"\0", b"==\n", b"--b0\n", b"\xff", b"A")
DEV = Path(__file__).parent / "otherhand" / "dev"


def lines(data: bytes, width: int = 76, end: bytes = b"\r\n") -> bytes:
    letters = base64.b64encode(data)
    return b"".join(letters[n : n + width] + end for n in range(0, len(letters), width))


def body(rng: random.Random) -> bytes:
    """Base64 as it comes, and as it should not come: torn, with strange signs, two after each other, out of step."""
    data = rng.choice(STARTS) + rng.randbytes(rng.choice((60, 3000, 9000, 20_000)))
    text = lines(data, rng.choice((76, 76, 76, 72, 64, 60, 75, 40, 4, 1200)), rng.choice((b"\r\n", b"\n")))
    at = rng.randrange(len(text))
    return rng.choice((
        text, text, text, text, text[:at], text[:at] + rng.choice(ODD) + text[at:], text + text,
        b"a" * rng.randrange(1, 6) + b"\n\n" + text, text.rstrip() + b"==\n\n" + text,
    ))  # fmt: skip


def part(rng: random.Random, depth: int) -> bytes:
    if depth < 3 and rng.random() < 0.3:
        nested = b"" if rng.random() < 0.5 else b"Content-Type: message/rfc822\n\n"
        return nested + mail(rng, depth + 1)
    head = b"Content-Type: %s\nContent-Transfer-Encoding: %s\n" % (rng.choice(TYPES), rng.choice(ENCODINGS))
    return head + rng.choice((b"\n", b"\r\n", b"\n", b"")) + body(rng)


def mail(rng: random.Random, depth: int = 0) -> bytes:
    kind = rng.choice((b"mixed", b"alternative", b"report", b"digest", b"mixed"))
    limit = b"" if rng.random() < 0.05 else b'; boundary="b%d"' % depth
    out = HEAD + b"Content-Type: multipart/%s%s\n\n" % (kind, limit)
    out += body(rng) if rng.random() < 0.2 else b""
    for _ in range(rng.randrange(1, 4)):
        out += b"--b%d\n" % depth + part(rng, depth + 1) + rng.choice((b"", b"\r\n"))
    out += b"--b%d--\n" % depth if rng.random() < 0.9 else b""
    return out + (body(rng) if rng.random() < 0.2 else b"")


def torn(rng: random.Random, data: bytes) -> bytes:
    for _ in range(rng.choice((0, 0, 1, 2, 5))):
        at, other = rng.randrange(len(data)), rng.randrange(len(data))
        put = rng.choice((rng.choice(ODD), data[other : other + rng.randrange(3000)], b""))
        data = data[:at] + put + data[at + rng.choice((0, 1, 50)) :]
    return data


def found(data: bytes, folder: Path) -> tuple[Submission, list[str]]:
    into = folder / "into"
    into.mkdir(parents=True)
    (folder / "raw").write_bytes(data)
    sent = read(str(folder / "raw"), str(into))
    bare = tuple(dataclasses.replace(a, path=os.path.basename(a.path)) for a in sent.attachments)
    return dataclasses.replace(sent, attachments=bare), sorted(os.listdir(into))


def same(data: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many runs were cut out; that nothing else changes is asserted."""
    cut = found(data, folder / "cut")
    with monkeypatch.context() as patched:
        patched.setattr(runs, "LEAST", 10**9)
        assert runs.cut(data).runs == []
        assert found(data, folder / "whole") == cut
    return len(runs.cut(data).runs)


@pytest.mark.parametrize("seed", range(40))
def test_mutated_mails_say_the_same_with_and_without_their_runs(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "LEAST", 16)
    rng = random.Random(seed)

    cut = [same(torn(rng, mail(rng)), tmp_path / str(n), monkeypatch) for n in range(10)]

    assert sum(cut) > 0


@pytest.mark.parametrize("path", sorted(DEV.glob("*.eml")), ids=lambda path: path.name)
def test_mails_of_another_hand_say_the_same(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert same(path.read_bytes(), tmp_path, monkeypatch) > 0


def test_a_cut_mail_is_short_and_can_be_made_whole() -> None:
    data = HEAD + b"Content-Transfer-Encoding: base64\n\n" + lines(bytes(range(256)) * 1000)
    source = runs.cut(data)

    assert len(source.data) < 600 and source.whole(source.data) == data
    assert source.whole(source.data.replace(b"\r\n", b"\n")) == data.replace(b"\r\n", b"\n")


def test_the_line_end_before_a_boundary_is_not_cut_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What follows the last line of the body happens to end where one more line would."""
    parts = b"Content-Type: application/pdf\n\n" + lines(bytes(6000), 40)
    data = HEAD + b'Content-Type: multipart/mixed; boundary="b0"\n\n--b0\n' + parts
    after = b"--b0\nContent-Type: image/jpeg; name=x.jpg\n"
    assert len(after) == 42

    assert same(data + after + b"\n" + lines(bytes(9), 40) + b"--b0--\n", tmp_path, monkeypatch) == 1


def test_a_body_is_decoded_to_the_byte(tmp_path: Path) -> None:
    for size in range(30_000, 30_007):
        data = b"%PDF-1.4\n" + random.Random(size).randbytes(size)
        head = HEAD + b"Content-Type: application/pdf\nContent-Transfer-Encoding: base64\n\n"
        sent, _ = found(head + lines(data), tmp_path / str(size))
        assert [a.sha256 for a in sent.attachments] == [hashlib.sha256(data).hexdigest()]
        assert sent.flags == ()


@pytest.mark.parametrize(
    "start", [*STARTS, b"<html>", b"BM12\0\0\0\0\0\0", b"begin:vcalendar", b"\n" * 5000, b"{\\rtf", b"RIFF1234WEBP"]
)
def test_the_type_of_a_long_body_is_that_of_all_its_bytes(start: bytes) -> None:
    for end in (random.Random(1).randbytes(30_000), b"kata " * 6000, b"\n\n" * 15_000, b"%PDF-" * 6000):
        data = start + end
        source = runs.cut(b"\n\n" + lines(data))
        (piece,) = [*source.runs]
        assert len(piece.head) < len(data)
        assert Leaf("", runs.decoded(source.data, source)[0]).kind == magic(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\n" * 1_000_000,
        b"\n\r\n" * 300_000,
        (b"\n" + b"A" * 40) * 25_000,
        (b"A" * 39 + b"\n\n") * 25_000,
        b"\n\n" + (b"A" * 43 + b"-\n") * 25_000,
        b"\n\n" + (b"A" * 20 + b"\n\n" + b"A" * 22 + b"\n") * 25_000,
    ],
)
def test_what_only_looks_like_a_run_stays_as_it_is(data: bytes) -> None:
    # were the search quadratic, the time-out of the suite would end it
    source = runs.cut(data)

    assert source.whole(source.data) == data
