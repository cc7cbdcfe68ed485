"""Draws every paper of mailbot from a synthetic case into this folder: python docs/gambar/make.py

The case of the demo that is returned once and comes back complete is read by OCR, executed, announced and printed.
"""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
from email.message import EmailMessage
from html import escape
from pathlib import Path

import pypdfium2
from PIL import Image, ImageChops

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from mailbot import config  # noqa: E402
from mailbot.demo.mails import demo_mails, with_references  # noqa: E402
from mailbot.mailbox import keep  # noqa: E402
from mailbot.model import Case, Location, RawMessage  # noqa: E402
from mailbot.paper import guide, pdf  # noqa: E402
from mailbot.store import cases  # noqa: E402
from mailbot.work import World, agency, desk, lanes, papers, ticks, yearend  # noqa: E402
from mailbot.work.agency import Result  # noqa: E402
from mailbot.work.forms import kop_of  # noqa: E402
from mailbot.work.intake import take_in  # noqa: E402
from tests.worlds import AGENCY, HELPDESK, Clock, Post, body_of, seen, world  # noqa: E402

OFFICE = config.OfficeSection(
    letterhead=("PEMERINTAH KABUPATEN BATANG", "LAYANAN PENGADAAN SECARA ELEKTRONIK"),
    address="Jalan Contoh Nomor 1, Batang", phone="(0285) 391234",
)  # fmt: skip
NOTICES = config.NoticesSection(late=("koordinator@batangkab.example",), digest=("ketua@batangkab.example",))
NAMES = {
    "receipt": "tanda-terima", "incomplete": "belum-lengkap", "result-on": "hasil-pengaktifan", "result-copy": "tembusan-hasil", "reminder": "pengingat",
    "late-steps": "langkah-terlambat", "digest": "ringkasan", "year-end": "akhir-tahun", "year-end-result": "akhir-tahun-hasil", "duplicate": "ganda",
}  # fmt: skip


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        w = world(Path(folder), clock, office=OFFICE, notices=NOTICES)
        for name, data in walk(w, clock).items():
            draw(name, data)
        around(w, clock)
        for mail in Post(w).sent():
            draw(f"surat-{NAMES[kind_of(mail)]}", as_page(mail), cut=True)
    reach = guide.Reach(OFFICE.name, OFFICE.email, w.office.hours, OFFICE.address, OFFICE.phone)
    draw("panduan-pemohon", guide.guide_pdf(w.sop, reach, kop_of(w)))
    draw("surat-kosong", guide.letter_pdf(w.sop, reach))


def walk(w: World, clock: Clock) -> dict[str, bytes]:
    """The papers of one case: when it came, and when it was closed."""
    mails = {m.name: m for m in demo_mails()}
    again = next(m for m in mails.values() if m.answers)
    first = mails[str(again.answers)]
    case = laid(w, first.data, 1)
    receipt, returned = Post(w).sent()
    found = {"formulir-penerimaan": next(receipt.iter_attachments()).get_content()}
    clock.pass_(hours=2)
    case = laid(w, with_references(again.data, str(returned["Message-ID"]), str(returned["Subject"])), 2)
    if case.state != "diteruskan":
        case = desk.forward(w, seen(case), HELPDESK, "diperiksa pada lembar asli")
    with w.store.reading() as tx:
        people = cases.persons(tx, case.id)
    for number, one in enumerate(people, 1):
        clock.pass_(minutes=4)
        case = agency.record_result(w, seen(case), AGENCY, one.id, Result("berhasil", f"CONTOH.PPK{number}"))
    case = agency.notify(w, seen(case), HELPDESK)
    for one in people:
        case = agency.hand_over(w, seen(case), HELPDESK, one.id, "tautan_lupa_password")
    case = desk.printed(w, seen(case), HELPDESK)
    with w.store.reading() as tx:
        found["formulir-lengkap"] = papers.form_pdf(w, tx, case.id)
    return found | {"bundel": papers.bundle_of(w, case.id).pdf}


def around(w: World, clock: Clock) -> None:
    """What the clock and the end of the year send: a late step, the digest, a reminder, the campaign."""
    lacking = laid(w, {m.name: m for m in demo_mails(seed=20)}["04-tanpa-sk"].data, 3)
    if lacking.state != "dikembalikan":
        desk.send_back(w, seen(lacking), HELPDESK)
    clock.pass_(days=1)
    laid(w, {m.name: m for m in demo_mails(seed=20)}["01-pengaktifan-lengkap"].data, 4)
    clock.pass_(minutes=12)
    ticks.tick(w)
    clock.pass_(days=7)
    ticks.tick(w)
    account = yearend.gather(w, AGENCY, 2026, dt.date(2026, 12, 30)).accounts[0]
    yearend.notify(w, AGENCY, 2026, dt.date(2026, 12, 18))
    yearend.decide(w, AGENCY, 2026, account.id, "nonaktif", "")
    clock.at = dt.datetime(2026, 12, 30, 3, tzinfo=dt.UTC)
    yearend.execute(w, AGENCY, 2026, account.id)


def kind_of(mail: EmailMessage) -> str:
    """The kind of a mail of ours stands in its Message-ID."""
    return str(mail["Message-ID"]).split(".")[1]


def as_page(mail: EmailMessage) -> bytes:
    head = "".join(f"<tr><td>{name}</td><td>{escape(str(mail[name]))}</td></tr>" for name in ("From", "To", "Subject"))
    files = "".join(f"<p>Lampiran: {escape(str(a.get_filename()))}</p>" for a in mail.iter_attachments())
    style = "@page{size:A4;margin:12mm} body{font:9.5pt 'Liberation Sans'} table{border-bottom:.3mm solid #000;width:100%} pre{white-space:pre-wrap;font:inherit}"
    return pdf(f"<style>{style}</style><table>{head}</table><pre>{escape(body_of(mail))}</pre>{files}")


def laid(w: World, data: bytes, number: int) -> Case:
    path, sha256, size = keep(iter((data,)), w.blobs)
    take_in(w, RawMessage(Location("utama", "INBOX", 1, str(number)), str(path), sha256, size, w.now()))
    while lanes.work(w, "ocr"):
        pass
    with w.store.reading() as tx:
        return cases.everything(tx)[-1]


def draw(name: str, data: bytes, cut: bool = False) -> None:
    """`cut`: without the empty rest of the page."""
    with pypdfium2.PdfDocument(data) as document:
        for number, page in enumerate(document, 1):
            whole = page.render(scale=1.15).to_pil()
            ink = ImageChops.invert(whole.convert("L")).getbbox()
            picture = (whole.crop((0, 0, whole.width, ink[3] + 30)) if cut and ink else whole).quantize(
                128, method=Image.Quantize.FASTOCTREE
            )
            picture.save(HERE / f"{name}-{number}.png", optimize=True)


if __name__ == "__main__":
    main()
