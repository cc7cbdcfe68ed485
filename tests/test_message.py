"""Parsing of raw mails: nothing is lost, nothing is believed."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest

from mailbot.model import Submission
from mailbot.parsers import message
from mailbot.parsers.body import html_text, split_quotes
from mailbot.parsers.headers import decode_words
from mailbot.parsers.magic import magic
from mailbot.parsers.message import read

PDF = b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n" + bytes(range(256))
B64 = base64.encodebytes(PDF)
HEAD = b"From: Budi <budi@example.go.id>\r\nTo: lpse@example.go.id\r\nSubject: Permohonan\r\nMIME-Version: 1.0\r\n"


def parse(tmp_path: Path, data: bytes) -> Submission:
    (tmp_path / "raw").write_bytes(data)
    (tmp_path / "into").mkdir(exist_ok=True)
    return read(str(tmp_path / "raw"), str(tmp_path / "into"))


def mixed(*parts: bytes, kind: bytes = b"mixed", head: bytes = HEAD) -> bytes:
    body = b"".join(b"--b\r\n" + part + b"\r\n" for part in parts)
    return head + b"Content-Type: multipart/" + kind + b'; boundary="b"\r\n\r\n' + body + b"--b--\r\n"


TEXT = b"Content-Type: text/plain; charset=utf-8\r\n\r\nSelamat pagi"


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n",
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64 (comment)\r\n",
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: 7bit\r\nContent-Transfer-Encoding: base64\r\n",
        b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 8bit\r\n",
        b"Content-Type: application/pdf\r\n",
        b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n",
        b"Content-Type: image/jpeg; name=x.jpg\r\nContent-Transfer-Encoding: BASE64\r\nContent-Disposition: inline\r\n",
    ],
)
def test_a_pdf_is_found_whatever_its_headers_say(tmp_path: Path, head: bytes) -> None:
    for kind in (b"mixed", b"alternative"):
        (found,) = parse(tmp_path, mixed(TEXT, head + b"\r\n" + B64, kind=kind)).attachments
        assert (found.type, found.sha256) == ("pdf", hashlib.sha256(PDF).hexdigest())
        assert Path(found.path).read_bytes() == PDF and Path(found.path).name == found.sha256


def test_a_whole_mail_that_is_a_pdf(tmp_path: Path) -> None:
    head = HEAD + b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    (found,) = parse(tmp_path, head + B64).attachments
    assert found.name == "lampiran-1.pdf" and found.size == len(PDF)


def test_binary_quoted_printable_and_broken_base64(tmp_path: Path) -> None:
    binary = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: binary\r\n\r\n" + PDF
    (found,) = parse(tmp_path, mixed(TEXT, binary)).attachments
    assert Path(found.path).read_bytes() == PDF
    head = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    broken = head + B64[:50] + b"\x00!" + B64[50:-6]
    mail = parse(tmp_path, mixed(TEXT, broken))
    assert mail.attachments[0].type == "pdf" and "broken_base64" in mail.flags


def test_a_report_has_no_attachments(tmp_path: Path) -> None:
    status = b"Content-Type: message/delivery-status\r\n\r\nFinal-Recipient: rfc822; a@b.id\r\nAction: failed"
    pdf = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + B64
    inner = b"Content-Type: message/rfc822\r\n\r\n" + mixed(TEXT, pdf).replace(b"--b", b"--c").replace(b'"b"', b'"c"')
    mail = parse(tmp_path, mixed(TEXT, status, inner, pdf, kind=b"report"))
    assert mail.attachments == ()
    assert mail.leaf_types == ("text/plain", "message/delivery-status", "message/rfc822", "application/pdf")
    assert mail.body == "Selamat pagi"


def test_a_nested_mail_is_one_attachment(tmp_path: Path) -> None:
    pdf = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + B64
    nested = mixed(b"Content-Type: text/plain\r\n\r\nisi dalam", pdf).replace(b"--b", b"--c").replace(b'"b"', b'"c"')
    mail = parse(tmp_path, mixed(TEXT, b"Content-Type: message/rfc822; name=lama.eml\r\n\r\n" + nested))
    assert [(a.name, a.type) for a in mail.attachments] == [("lama.eml", "eml")]
    assert "isi dalam" not in mail.body


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (b'attachment; filename="../../etc/passwd.pdf"', "passwd.pdf"),
        (b'attachment; filename="C:\\\\x\\\\surat.pdf"', "surat.pdf"),
        (b"attachment; filename*=utf-8''Surat%20Tugas%20%E2%82%AC.pdf", "Surat Tugas €.pdf"),
        (b'attachment; filename*0="Surat "; filename*1="Tugas.pdf"', "Surat Tugas.pdf"),
        (b'attachment; filename="=?utf-8?B?U3VyYXQg4oKs?= =?utf-8?Q?=2Epdf?="', "Surat €.pdf"),
        ('attachment; filename="Keputusan é.pdf"'.encode(), "Keputusan é.pdf"),
        ('attachment; filename="Keputusan é.pdf"'.encode("latin-1"), "Keputusan é.pdf"),
        ('attachment; filename="a\u202efdp.exe"'.encode(), "afdp.exe"),
        (b'attachment; filename="=?utf-8?Q?a=0D=0AX=00.pdf?="', "aX.pdf"),
        (b"attachment; filename*=a\x00b''x.pdf", "x.pdf"),
        (b'attachment; filename="' + b"n" * 400 + b'.pdf"', "n" * 116 + ".pdf"),
    ],
)
def test_names(tmp_path: Path, header: bytes, name: str) -> None:
    part = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: " + header
    (found,) = parse(tmp_path, mixed(TEXT, part + b"\r\n\r\n" + B64)).attachments
    assert found.name == name


@pytest.mark.parametrize(
    ("value", "sender"),
    [
        (b"From: =?utf-8?q?Bu_Ani?= <Ani@Example.GO.ID>\r\n", "ani@example.go.id"),
        (b"From: a@example.com\r\nFrom: b@example.com\r\n", None),
        (b"From: a@example.com, b@example.com\r\n", None),
        (b"From: nobody\r\n", None),
        (b"", None),
    ],
)
def test_the_sender_must_be_single(tmp_path: Path, value: bytes, sender: str | None) -> None:
    mail = parse(tmp_path, value + b"Subject: x\r\n\r\nisi")
    assert mail.sender == sender and ("from_not_single" in mail.flags) == (sender is None)
    assert ("duplicate_from" in mail.flags) == (value.count(b"From:") == 2)


def test_headers_references_and_date(tmp_path: Path) -> None:
    mail = parse(
        tmp_path,
        b"From: a@example.com\r\nSUBJECT: =?utf-8?q?a=0D=0ABcc:_x?=\r\n =?utf-8?b?4oKs?= akhir\r\nMessage-ID: <m@x>\r\n"
        b"In-Reply-To: <3@x>\r\nReferences: <1@x> <> junk\r\n <2@x> <3@x>\r\n"
        b"Date: Mon, 3 Mar 2025 10:00:00 +0700\r\n\r\nisi",
    )
    assert mail.subject == "aBcc: x€ akhir"
    assert mail.references == ("<3@x>", "<2@x>", "<1@x>") and mail.message_id == "<m@x>"
    assert mail.date is not None and mail.date.isoformat() == "2025-03-03T03:00:00+00:00"


def test_charsets_and_nul(tmp_path: Path) -> None:
    for charset, raw in ((b"nonsense", "é".encode()), (b"x\x00y", "é".encode()), (b"latin-1", b"\xe9")):
        head = HEAD + b"Content-Type: text/plain; charset=" + charset + b"\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        assert parse(tmp_path, head + raw + b"\x00 isi").body == "é isi"
    assert parse(tmp_path, b"From: a@example.com\r\n\r\n\xe9 isi").body == "é isi"


def test_html_when_there_is_no_plain_text(tmp_path: Path) -> None:
    html = b"<head><title>t</title><style>x{}</style></head><body><p>Satu&nbsp;&amp;</p><script>y</script>dua"
    mail = parse(tmp_path, HEAD + b"Content-Type: text/html\r\n\r\n" + html)
    assert mail.body == "Satu &\ndua"
    assert "> lama" in html_text('baru<blockquote type="cite">lama</blockquote>')


def test_links(tmp_path: Path) -> None:
    text = b"lihat https://drive.google.com/file/d/1?x=1. dan https://s.id/abc, https://evils.id/ https://example.com"
    mail = parse(tmp_path, HEAD + b"\r\n" + text)
    assert mail.links == ("https://drive.google.com/file/d/1?x=1", "https://s.id/abc")


def test_a_logo_is_skipped_but_a_scan_is_not(tmp_path: Path) -> None:
    head = b"Content-Type: image/png\r\nContent-ID: <x>\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    png = b"\x89PNG\r\n\x1a\n"
    mail = parse(tmp_path, mixed(TEXT, head + base64.b64encode(png), head + base64.encodebytes(png + bytes(9000))))
    assert [a.type for a in mail.attachments] == ["png"]


@pytest.mark.parametrize(
    "quote",
    [
        "On Mon, 3 Mar 2025 LPSE <a@b.id> wrote:\n> lama\n> lagi",
        "Pada tanggal Sen, 3 Mar 2025 pukul 10.00 LPSE\n<a@b.id> menulis:\n\n> lama",
        "On Monday X wrote:\nlama tanpa tanda",
        "-----Original Message-----\nFrom: a\nlama",
        "-----Pesan Asli-----\nlama",
        "From: LPSE\nSent: Monday\nTo: Budi\nSubject: x\n\nlama",
        "Dari: LPSE\nDikirim: Senin\nKepada: Budi\nPerihal: x\n\nlama",
        "> lama",
    ],
)
def test_quotes_are_split_off(quote: str) -> None:
    own, quoted = split_quotes("Baik, terlampir.\n\n" + quote)
    assert own == "Baik, terlampir." and "lama" in quoted


def test_an_answer_below_a_quote_is_own_text() -> None:
    assert split_quotes("On Monday X wrote:\n> lama\njawaban")[0] == "jawaban"


def test_forwarded_text_is_not_a_quote() -> None:
    for mark in ("---------- Forwarded message ---------", "---------- Pesan yang diteruskan ----------"):
        text = f"{mark}\nDari: Budi\nDate: x\nTo: y\nSubject: z\n\n> isi\nNIP 1"
        assert split_quotes(text) == (text, "")
    block = "Dari: LPSE\nDikirim: Senin\nKepada: Budi\nPerihal: x\n\nisi"
    assert split_quotes(block, forwarded=True) == (block, "")


def test_a_service_note_in_the_body_is_own_text() -> None:
    text = "Kepada: LPSE\nDari: Dinas PU\nTanggal: 3 Maret 2025\nPerihal: Permohonan\n\nNama: Budi"
    assert split_quotes(text) == (text, "")


@pytest.mark.parametrize(
    "text",
    ["On On On " * 28000, "On x\n" * 60000, ">" * 250_000, "From: x\n" * 32000, "Pada\n\n" * 40000, "- " * 130_000],
)
def test_the_quote_scanner_loses_nothing_of_long_odd_texts(text: str) -> None:
    # were it quadratic, the time-out of the suite would end it
    own, quoted = split_quotes(text)
    assert len(own.split()) + len(quoted.split()) == len(text.split())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"\x00" * 1000,
        b"From: <\r\n\r\n",
        HEAD + b"Content-Type: multipart/mixed\r\n\r\nno boundary",
        HEAD + b'Content-Type: multipart/mixed; boundary="b"\r\n\r\nnever opened',
        HEAD + b"Content-Transfer-Encoding: base64\r\n\r\n%%%",
        b"Subject: =?utf-8?b?%%%?= =?x\r\nFrom: =?utf-8?q?=ZZ?= <a@b.id>\r\n\r\nx",
        HEAD + b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.b64encode(HEAD),
        b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(1500)),
        HEAD + b"X: " + b"a" * 300_000 + b"\r\nContent-Type: text/plain\r\n\r\nisi",
        mixed(*[b"Content-Type: text/plain\r\n\r\nx"] * 600),
    ],
)
def test_broken_mails_never_raise(tmp_path: Path, data: bytes) -> None:
    assert isinstance(parse(tmp_path, data), Submission)


def test_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pdf = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n" + B64
    mail = parse(tmp_path, mixed(*[pdf] * 60))
    assert len(mail.attachments) == 50 and "too_many_attachments" in mail.flags
    monkeypatch.setattr(message, "MAX_ATTACHMENT", 100)
    assert parse(tmp_path, mixed(pdf)).attachments[0].problem == "FILE-BESAR"
    with pytest.raises(message.TooLarge):
        read(str(tmp_path / "raw"), str(tmp_path), max_bytes=10)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"junk" * 250 + b"%PDF-1.7", "pdf"), (b"\xff\xd8\xff\xe0", "jpeg"), (b"PK\x03\x04junk", "zip"),
        (b"\0\0\0\x18ftypheic", "heic"), (b"RIFF\0\0\0\0WEBP", "webp"), (b"BM\0\1\0\0\0\0\0\0", "bmp"),
        (b"7z\xbc\xaf'\x1c", "7z"), (b"Rar!\x1a\x07\0", "rar"), (b"\x78\x9f\x3e\x22\0\0", "tnef"),
        (b"BEGIN:VCALENDAR\r\n", "ics"), (b"<!DOCTYPE html>", "html"), (b"halo", "text"), (b"", "empty"),
        (b"\0\0", "empty"), (b"\1\2\3", "other"), (b"{\\rtf1", "rtf"),
        (b"From: a@b\nTo: c\nMessage-ID: <x>\n\nx", "eml"),
    ],
)  # fmt: skip
def test_magic(data: bytes, kind: str) -> None:
    assert magic(data) == kind


def test_a_character_over_two_encoded_words() -> None:
    assert decode_words("=?utf-8?b?4oI=?= =?utf-8?b?rA==?= x =?utf-8?q?y?=") == "€ x y"
