"""Papers: what stands on them, that nothing is fetched, and that a hostile value stays text."""

import io
from email.message import EmailMessage
from pathlib import Path

import pypdf
import pytest
from weasyprint.urls import FatalURLFetchingError

from mailbot import config, paper
from mailbot.paper import Kop, form
from mailbot.paper.form import FileLine, Form
from tests.worlds import Clock, Post, body_of, evidence, person, world

KOP = Kop(("PEMERINTAH KABUPATEN CONTOH", "LPSE"), "Jalan Contoh 1")
WHEN = {"hari": "Senin", "tanggal": "23 November 2026", "jam": "09.00", "zona": "WIB"}


def text_of(data: bytes) -> str:
    """Without line breaks: they come where the paper ends."""
    return "".join("".join(page.extract_text().split("\n")) for page in pypdf.PdfReader(io.BytesIO(data)).pages)


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(world(tmp_path, Clock()))


def attached(mail: EmailMessage) -> list[tuple[str, bytes]]:
    return [(a.get_filename() or "", a.get_content()) for a in mail.iter_attachments()]


def test_the_full_receipt_carries_the_form_with_every_file(post: Post) -> None:
    case = post.mail(evidence(person()))
    receipt = post.sent()[0]
    ((name, data),) = attached(receipt)
    text = text_of(data)

    assert name == f"Formulir-Serah-Terima-{case.number}.pdf"
    for wanted in (
        case.number,
        "surat.pdf",
        "FORMULIR SERAH TERIMA BERKAS",
        "23 November 2026",
        "uji.1@contoh.example",
    ):
        assert wanted in text
    assert "Formulir Serah Terima Berkas dengan nomor yang sama" in body_of(receipt)


def test_the_form_can_be_switched_off(tmp_path: Path) -> None:
    post = Post(world(tmp_path, Clock(), replies=config.RepliesSection(form=False)))
    post.mail(evidence(person()))

    assert not attached(post.sent()[0])


def test_no_paper_fetches_anything(tmp_path: Path) -> None:
    secret = tmp_path / "rahasia.png"
    secret.write_bytes(b"x")
    for source in (f"file://{secret}", "http://127.0.0.1:9/x.png", "data:image/png;base64,AAAA", "gambar:lain"):
        with pytest.raises(FatalURLFetchingError):
            paper.pdf(f'<img src="{source}">')


def test_values_of_a_mail_stay_text(tmp_path: Path) -> None:
    evil = '<img src="file:///etc/passwd">{{ 7 * 7 }}.pdf'
    text = text_of(
        form.to_pdf(Form("LPSE-2026-000001", "SOP", WHEN, "email", files=(FileLine(evil, "1 KB", "a" * 64),)), KOP)
    )

    assert "".join(evil.split()) in "".join(text.split())


def test_an_office_may_override_a_form(tmp_path: Path) -> None:
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "serah_terima.html").write_text("<p>Formulir kami {{ f.number }}</p>")

    assert "Formulir kami LPSE-1" in text_of(form.to_pdf(Form("LPSE-1", "SOP", WHEN, "email"), KOP, tmp_path))
