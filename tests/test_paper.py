"""Papers: what stands on them, that nothing is fetched, and that a hostile value stays text."""

import hashlib
import io
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path

import pypdf
import pytest
from weasyprint.urls import FatalURLFetchingError

from mailbot import config, paper
from mailbot.model import Case, Tte
from mailbot.paper import Kop, form, guide
from mailbot.paper.form import FileLine, Form
from mailbot.sop import load
from mailbot.store import cases
from mailbot.work import agency, desk, papers
from mailbot.work.agency import Result
from tests.worlds import AGENCY, HELPDESK, Clock, Post, body_of, evidence, person, seen, world

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


def complete_case(post: Post, contents: dict[str, bytes]) -> Case:
    case = post.mail(evidence(person()), contents=contents)
    with post.world.store.reading() as tx:
        (one,) = cases.persons(tx, case.id)
    case = agency.record_result(post.world, seen(case), AGENCY, one.id, Result("berhasil", "BUDI.PPK"))
    case = agency.notify(post.world, seen(case), HELPDESK)
    return agency.hand_over(post.world, seen(case), HELPDESK, one.id, "tautan_lupa_password")


def test_the_form_of_a_closed_case_shows_every_section(post: Post) -> None:
    case = complete_case(post, {"surat.pdf": b"x", "sk.pdf": b"y"})
    desk.printed(post.world, seen(case), HELPDESK)
    with post.world.store.reading() as tx:
        text = text_of(papers.form_pdf(post.world, tx, case.id))

    for wanted in (
        "Dinas Contoh",
        "027/12/2026",
        "19850704 201001 1 007",
        "BUDI.PPK",
        "budi",
        "Menu Lupa Password",
        "000.3",
        "31 Desember 2031",
        "siti",
    ):
        assert wanted in text


def test_each_round_shows_its_result_and_what_was_lacking(post: Post) -> None:
    first = post.mail(evidence(person(), decree=False))
    returned = post.sent()[-1]
    post.mail(evidence(person(), letter=False), answers=str(returned["Message-ID"]))
    with post.world.store.reading() as tx:
        outcomes = papers.form_of(post.world, tx, first.id).outcomes

    assert [(o.round, o.complete) for o in outcomes] == [(1, False), (2, True)]
    assert "Surat Keputusan" in outcomes[0].lacking[0]


def test_the_bundle_holds_mail_form_and_every_page_with_running_numbers(post: Post) -> None:
    two = paper.pdf("<p>Isi halaman satu</p><p style='break-before:page'>Isi halaman dua</p>")
    case = complete_case(post, {"surat.pdf": two, "rusak.pdf": b"%PDF-1.4 rusak"})
    made = papers.bundle_of(post.world, case.id)
    pages = [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(made.pdf)).pages]
    drawn = pypdf.PdfReader(io.BytesIO(made.pdf)).pages[0].images

    assert all(f"Halaman {n} dari {len(pages)}" in " ".join(text.split()) for n, text in enumerate(pages, 1))
    assert [sum(f"surat.pdf, halaman {n} dari 2" in text for text in pages) for n in (1, 2)] == [1, 1]
    assert len(drawn) == 2
    assert "rusak.pdf" in pages[0] and "FILE-RUSAK" in "".join(pages[-2:])
    assert made.originals == ()


def test_a_signed_pdf_is_printed_as_a_copy_and_its_original_stays_beside(post: Post) -> None:
    data = paper.pdf("<p>Surat bertanda tangan elektronik</p>")
    sha256 = hashlib.sha256(data).hexdigest()
    read = evidence(person())
    signed = tuple(
        replace(d, sha256=sha256, tte=Tte("Kepala Dinas", None, None, True, True, True)) for d in read.documents[:1]
    )
    case = post.mail(replace(read, documents=(*signed, *read.documents[1:])), contents={"surat.pdf": data})
    made = papers.bundle_of(post.world, case.id)
    ((name, path),) = made.originals

    assert (name, path.read_bytes()) == ("01-surat.pdf", data)
    assert "salinan; berkas asli bertanda tangan elektronik" in text_of(made.pdf)


def test_guide_and_letter_say_what_the_sop_file_says() -> None:
    reach = guide.Reach("LPSE Contoh", "lpse@contoh.example", "Senin-Jumat")
    for sop in (load(), load(Path(__file__).parent / "sop" / "SOP-CONTOH.toml")):
        words = guide.guide_text(sop, reach) + guide.letter_text(sop, reach)
        whole = text_of(guide.guide_pdf(sop, reach, KOP)) + text_of(guide.letter_pdf(sop, reach))
        for label in (*sop.fields.values(), *sop.roles.values(), *(sop.kinds[k] for k in sop.basis)):
            assert label in words
            assert "".join(label.split()) in "".join(whole.split())
