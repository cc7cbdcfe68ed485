"""Whatever is thrown at it ends in a stored original, a named problem, and words for the sender; the next mail is always handled."""

import datetime as dt
import io
import os
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import SMTP
from types import SimpleNamespace

import pypdf
import pytest
from PIL import Image

from mailbot.demo.scans import lock_pdf
from mailbot.store import mails, outbox
from mailbot.work import World, blob_path
from mailbot.work.lanes import work
from mailbot.work.sweep import sweep_all as intake
from tests.worlds import Clock, world

RAR = b"Rar!\x1a\x07\x01\x00" + bytes(200)
WINMAIL = bytes.fromhex("789f3e22") + os.urandom(64)


def pdf() -> bytes:
    out = io.BytesIO()
    writer = pypdf.PdfWriter()
    writer.add_blank_page(595, 842)
    writer.write(out)
    return out.getvalue()


def image_bomb() -> bytes:
    out = io.BytesIO()
    Image.new("1", (30_000, 30_000)).save(out, "PNG")
    return out.getvalue()


def zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("surat.pdf", bytes(300 * 1024 * 1024))
    return out.getvalue()


def mail(number: int, name: str = "", data: bytes | None = None) -> EmailMessage:
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"] = f"dinas{number}@contoh.example", "lpse@batangkab.example"
    message["Subject"] = "Permohonan pengaktifan akun PPK"
    message["Message-ID"], message["Date"] = f"<buruk.{number}@contoh.example>", "Mon, 23 Nov 2026 08:00:00 +0700"
    message.set_content("Terlampir surat permohonan pengaktifan akun PPK.")
    if data is not None:
        message.add_attachment(data, maintype="application", subtype="octet-stream", filename=name)
    return message


def broken_mime() -> bytes:
    raw = mail(20, "surat.pdf", pdf()).as_bytes()
    return raw[: len(raw) // 2].replace(b"boundary", b"bound ary")


def wrong_charset() -> bytes:
    raw = mail(21).as_bytes().replace(b'charset="utf-8"', b'charset="tidak-ada-123"')
    return raw.replace(b"Terlampir", b"Terl\xff\xfe\x00ampir")


CASES: dict[str, tuple[bytes, set[str]]] = {
    "empty-file": (mail(1, "surat.pdf", b"").as_bytes(), {"FILE-RUSAK"}),
    "encrypted-pdf": (mail(2, "surat.pdf", lock_pdf(pdf())).as_bytes(), {"FILE-SANDI"}),
    "corrupt-pdf": (mail(3, "surat.pdf", pdf()[:200] + os.urandom(300)).as_bytes(), {"FILE-RUSAK"}),
    "image-bomb": (mail(4, "surat.png", image_bomb()).as_bytes(), {"FILE-BESAR", "FILE-RUSAK"}),
    "zip-bomb": (mail(5, "berkas.zip", zip_bomb()).as_bytes(), {"FILE-BESAR", "FILE-ARSIP"}),
    "rar": (mail(6, "berkas.rar", RAR).as_bytes(), {"FILE-ARSIP", "FILE-JENIS"}),
    "winmail": (mail(7, "winmail.dat", WINMAIL).as_bytes(), {"FILE-ARSIP", "FILE-JENIS", "FILE-RUSAK"}),
    "broken-mime": (broken_mime(), set()),
    "wrong-charset": (wrong_charset(), set()),
    "no-mail-at-all": (b"\x00\xff\xfe" * 1000, set()),
}


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    folder = tmp_path_factory.mktemp("buruk")
    inbox = folder / "inbox"
    inbox.mkdir()
    for number, (name, (data, _)) in enumerate(CASES.items()):
        (inbox / f"{number:02d}-{name}.eml").write_bytes(data)
    with (inbox / "90-large.eml").open("wb") as handle:
        handle.write(mail(90).as_bytes())
        for _ in range(60):
            handle.write(b"A" * 1023 + b"\n" + b"B" * 1_047_552)
    (inbox / "99-good.eml").write_bytes(mail(99).as_bytes())
    w = world(folder, Clock(dt.datetime.now(dt.UTC)))
    taken = intake(w)
    while work(w, "mail") or work(w, "ocr"):
        pass
    yield SimpleNamespace(world=w, taken=taken, inbox=inbox)


def stored(w: World, uid: str) -> mails.Stored:
    with w.store.reading() as tx:
        message_id, _ = mails.at_uid(tx, uid)
        assert message_id is not None
        return mails.get(tx, message_id)


@pytest.mark.parametrize("name", CASES)
def test_bad_input_is_kept_and_named(lived: SimpleNamespace, name: str) -> None:
    number = list(CASES).index(name)
    data, codes = CASES[name]
    row = stored(lived.world, f"{number:02d}-{name}.eml")
    with lived.world.store.reading() as tx:
        verdict = mails.verdict(tx, row.id)
        replies = [r for r in outbox.everything(tx) if r.key == row.semantic]
    found = {f.code for f in verdict.findings} if verdict else set()

    assert blob_path(lived.world.blobs, row.content).read_bytes() == data
    assert (found & codes) if codes else (row.state == "quarantined" or verdict is not None)
    if codes:
        assert verdict is not None
        assert verdict.decision == "incomplete"
        text = replies[-1].data.decode("utf-8", "replace")
        assert [r.kind for r in replies] == ["receipt", "incomplete"]
        assert "Mohon" in text


def test_a_mail_of_60_mb_waits_for_a_person_with_its_header_kept(lived: SimpleNamespace) -> None:
    row = stored(lived.world, "90-large.eml")

    assert (row.state, row.problem) == ("quarantined", "TOO_LARGE")
    with lived.world.store.reading() as tx:
        assert [r.kind for r in outbox.everything(tx) if r.key == row.semantic] == ["receipt"]


def test_the_next_mail_is_always_handled(lived: SimpleNamespace) -> None:
    assert lived.taken == len(CASES) + 2
    assert stored(lived.world, "99-good.eml").state == "judged"
