"""Whole mails of the corpus: `mail(split, index)` has the same content and the same truth on every machine."""

from __future__ import annotations

import io
import random
import zipfile
from email.message import EmailMessage
from email.policy import SMTP

import pypdf
from PIL import Image

from benchmarks.corpus import degrade, papers, wording
from benchmarks.corpus.drafts import TODAY, Draft, Made, Paper
from benchmarks.corpus.people import someone, unit
from benchmarks.corpus.scenarios import SCENARIOS
from benchmarks.corpus.truth import CorpusMail, TruePaper
from mailbot.demo import letters as demo_letters
from mailbot.demo import scans

TO = "lpse@batangkab.example"
DEGRADES = (
    ("office200", 30),
    ("office150", 14),
    ("office300", 10),
    ("skewed", 8),
    ("sk_copy", 10),
    ("sk_text", 10),
    ("gray", 4),
    ("photocopy", 4),
    ("fax", 3),
    ("photo", 7),
)


def mail(split: str, index: int, degrade_as: str = "", scenario: str = "") -> CorpusMail:
    """Mail `index` of a split. `degrade_as` "ideal": every paper is sent as the text program made it."""
    rng = random.Random(f"{split}/{index}")
    c = wording.Choice(rng, split == "test")
    u = unit(rng)
    makers = [m for m, _ in SCENARIOS if m.__name__ == scenario] or rng.choices(
        [m for m, _ in SCENARIOS], [n for _, n in SCENARIOS]
    )
    d = Draft(c, papers.style(c), u, someone(rng, u, post=u.head_post, pppk=0))
    d.degrade = rng.choices([n for n, _ in DEGRADES], [n for _, n in DEGRADES])[0]
    d = makers[0](d)
    d.degrade = degrade_as or d.degrade
    files, true_papers = _files(d)
    also = d.also
    if d.verdict == "complete" and d.degrade in ("gray", "photocopy", "fax", "photo"):
        also |= {"review"}  # wet ink cannot be judged there
    return CorpusMail(
        f"{split}-{index:04d}",
        makers[0].__name__,
        d.degrade,
        _message(d, files, f"{split}-{index}"),
        d.verdict,
        also,
        d.codes,
        tuple(d.persons),
        true_papers,
    )


def _files(d: Draft) -> tuple[list[Made], tuple[TruePaper, ...]]:
    pack = d.pack or d.rng.choice(("separate", "separate", "separate", "one", "zip"))
    if any(p.digital or p.made for p in d.papers) and pack == "one":
        pack = "separate"
    if pack == "one" and d.papers:
        return _one_file(d)
    made: list[Made] = []
    truth: list[TruePaper] = []
    for i, paper in enumerate(d.papers, 1):
        for entry, pages in _file(
            d, paper, f"{paper.name} {i}" if any(p.name == paper.name for p in d.papers[: i - 1]) else paper.name, pack
        ):
            made.append(entry)
            truth.append(TruePaper(entry[0], pages, paper.kind, paper.marks))
    if pack == "zip" and made:
        made = [("berkas.zip", "application/zip", _zip(made))]
    return made, tuple(truth)


def _profile(d: Draft, paper: Paper) -> str:
    """The profile of one paper; "" for the PDF of the text program."""
    if paper.digital or d.degrade == "ideal":
        return ""
    if d.degrade == "sk_copy":
        return "photocopy" if paper.kind != "surat_permohonan" else "office200"
    if d.pack == "locked" and d.degrade in ("photo", "fax"):
        return "gray"  # only a PDF can be locked
    if d.degrade == "sk_text":
        return "" if paper.kind != "surat_permohonan" else "office200"
    return d.degrade


def _file(d: Draft, paper: Paper, name: str, pack: str) -> list[tuple[Made, tuple[int, ...]]]:
    """The file of a paper; photos are one file for each page."""
    if paper.made:
        return [(paper.made, (1,))]
    data = papers.pdf(paper.parts, d.st)
    profile = _profile(d, paper)
    if not profile:
        data = scans.lock_pdf(data) if pack == "locked" else data
        return [((f"{name}.pdf", "application/pdf", data), tuple(range(1, _count(data, pack) + 1)))]
    images = _images(d, data, profile, paper.kind != "surat_permohonan")
    dpi = degrade.DPI.get(profile, 200)
    if profile == "photo":
        return [((f"{name} {i}.jpg", "image/jpeg", scans.to_jpeg(x, 72)), (1,)) for i, x in enumerate(images, 1)]
    numbers = tuple(range(1, len(images) + 1))
    if profile == "fax" or (pack != "locked" and d.rng.random() < 0.08):
        return [
            (
                (
                    f"{name}.tif",
                    "image/tiff",
                    scans.to_tiff([x.convert("L") if x.mode == "1" else x for x in images], dpi),
                ),
                numbers,
            )
        ]
    out = scans.to_pdf(images, dpi)
    return [((f"{name}.pdf", "application/pdf", scans.lock_pdf(out) if pack == "locked" else out), numbers)]


def _count(data: bytes, pack: str) -> int:
    reader = pypdf.PdfReader(io.BytesIO(data))
    if pack == "locked":
        reader.decrypt("rahasia")
    return len(reader.pages)


def _images(d: Draft, data: bytes, profile: str, may_turn: bool) -> list[Image.Image]:
    images = degrade.degraded(demo_letters.page_images(data, degrade.DPI.get(profile, 200)), profile, d.rng)
    return degrade.turned(images, d.rng) if d.turn and may_turn else images


def _one_file(d: Draft) -> tuple[list[Made], tuple[TruePaper, ...]]:
    """Every paper in one PDF, in one profile."""
    truth, writer, images, at = [], pypdf.PdfWriter(), [], 1
    profile = d.degrade if d.degrade in degrade.PROFILES else ("" if d.degrade == "ideal" else "office200")
    profile = "office200" if profile == "photo" else profile
    for paper in d.papers:
        data = papers.pdf(paper.parts, d.st)
        count = _count(data, "")
        if profile:
            images += _images(d, data, profile, paper.kind != "surat_permohonan")
        else:
            writer.append(io.BytesIO(data))
        truth.append(TruePaper("Berkas lengkap.pdf", tuple(range(at, at + count)), paper.kind, paper.marks))
        at += count
    if profile:
        out = scans.to_pdf([x.convert("L") if x.mode == "1" else x for x in images], degrade.DPI.get(profile, 200))
    else:
        buffer = io.BytesIO()
        writer.write(buffer)
        out = buffer.getvalue()
    return [("Berkas lengkap.pdf", "application/pdf", out)], tuple(truth)


def _zip(made: list[Made]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, _, data in made:
            archive.writestr(zipfile.ZipInfo(f"berkas/{name}", (2026, 1, 2, 8, 0, 0)), data)
    return out.getvalue()


def _message(d: Draft, files: list[Made], key: str) -> bytes:
    message = EmailMessage(policy=SMTP)
    message["From"] = f"{d.unit.name} <{d.unit.short}.{key}@contoh.example>"
    message["To"], message["Date"], message["Message-ID"] = (
        TO,
        "Mon, 23 Nov 2026 02:00:00 +0000",
        f"<{key}@contoh.example>",
    )
    subject, body = d.subject or "Permohonan", d.body or _cover(d)
    if d.forward:
        subject = f"Fwd: {subject}"
        body = f"\n---------- Forwarded message ---------\nFrom: Staf <staf@contoh.example>\nDate: Sun, Nov 22, 2026\nSubject: {d.subject}\nTo: <atasan@contoh.example>\n\n{body}"
    message["Subject"] = subject
    message.set_content(body)
    for name, kind, data in files:
        main, _, sub = kind.partition("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    if files:
        message.set_boundary("=-batas-contoh")
    return message.as_bytes()


def _cover(d: Draft) -> str:
    if d.verdict == "not_request":
        return "Terima kasih."
    return d.c.pick((
        "Yth. Kepala LPSE\n\nDengan hormat,\n\nBersama ini kami sampaikan surat permohonan beserta lampirannya. Mohon dapat ditindaklanjuti.\n\nTerima kasih.",
        "Selamat pagi, terlampir berkas permohonan akun SPSE. Terima kasih.", "Mohon izin mengirim berkas permohonan hak akses SPSE.\nTks."))  # fmt: skip


__all__ = ["SCENARIOS", "TODAY", "mail"]
