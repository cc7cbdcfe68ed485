"""The demo mailbox: whole synthetic mails with their attachments and the decision each should get."""

from __future__ import annotations

import datetime as dt
import email
import email.policy
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from email.message import EmailMessage
from email.utils import format_datetime
from pathlib import Path

from mailbot.demo import letters, scans
from mailbot.demo.letters import UNFILLED, YEAR, Assignment, Decree, Group, Request, Signing
from mailbot.demo.people import OFFICES, DemoPerson, Office, make_head, make_person

TO = "lpse@batangkab.example"
DOMAIN = "batangkab.example"
PPK = "Pejabat Pembuat Komitmen (PPK)"
FORMER_PPK = "Pejabat Pembuat Komitmen (diberhentikan)"
NEW_PPK = "Pejabat Pembuat Komitmen"
File = tuple[str, str, bytes]  # name, MIME type, content


@dataclass(frozen=True)
class DemoMail:
    """`answers`: name of the earlier mail whose reply of ours this one answers (see `with_references`)."""

    name: str
    data: bytes = field(repr=False)
    expected: str  # complete | incomplete | review | not_request | duplicate | ignore
    about: str
    phase: int = 1
    answers: str | None = None


@dataclass(frozen=True)
class _World:
    """What all mails of one run share; `now` fixes every date."""

    rng: random.Random
    now: dt.datetime
    heads: dict[str, DemoPerson]

    def letter_day(self) -> dt.date:
        return self.now.date() - dt.timedelta(days=2)

    def person(self, office: Office) -> DemoPerson:
        return make_person(self.rng, office)


def demo_mails(seed: int = 19, now: dt.datetime | None = None) -> list[DemoMail]:
    """All demo mails in order of their names; phase 2 is to be delivered after phase 1 was answered."""
    now = now or dt.datetime.now(dt.UTC)
    rng = random.Random(seed)
    world = _World(rng, now, {o.name: make_head(rng, o) for o in OFFICES})
    mails = _activation(world) + _missing_decree(world)
    makers: tuple[Callable[[_World], DemoMail], ...] = (
        _deactivation, _swap, _missing_fields, _unfilled, _locked, _drive_link,
        _vacation, _bounce, _newsletter, _question, _photo, _photocopy, _pokja,
    )  # fmt: skip
    mails += [make(world) for make in makers]
    return sorted(mails, key=lambda m: m.name)


def write_mailbox(folder: Path, seed: int = 19, now: dt.datetime | None = None) -> list[Path]:
    """Write every demo mail as an .eml file into the folder; return the paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for mail in demo_mails(seed, now):
        path = folder / f"{mail.name}.eml"
        path.write_bytes(mail.data)
        paths.append(path)
    return paths


def with_references(data: bytes, message_id: str, subject: str) -> bytes:
    """The same mail as an answer to `message_id`: In-Reply-To, References and "Re: subject"."""
    message = email.message_from_bytes(data, policy=email.policy.SMTP)
    for name in ("In-Reply-To", "References", "Subject"):
        del message[name]
    message["In-Reply-To"] = message_id
    message["References"] = message_id
    message["Subject"] = subject if subject.lower().startswith("re:") else f"Re: {subject}"
    return message.as_bytes()


# ------------------------------------------------------------------ complete and incomplete requests


def _activation(w: _World) -> list[DemoMail]:
    office = OFFICES[0]
    person = w.person(office)
    files = [
        _pdf("Surat Permohonan.pdf", _scan(letters.request_letter(_activate(w, office, person, 101)), 0.8)),
        _pdf("SK PPK 2026.pdf", _scan(_appointment(w, office, person, 11), -0.4)),
    ]
    subject = "Permohonan Pengaktifan Akun PPK Dinas Kesehatan"
    first = _mail(w, 1, office, subject, _cover("pengaktifan akun PPK"), files)
    again = _mail(w, 8, office, subject, _cover("pengaktifan akun PPK"), files)
    return [
        DemoMail("01-pengaktifan-lengkap", first, "complete", "Pengaktifan satu PPK, surat dan SK lengkap."),
        DemoMail("08-kiriman-ganda", again, "duplicate", "Lampiran yang sama dengan 01 dikirim sekali lagi.", 2),
    ]


def _missing_decree(w: _World) -> list[DemoMail]:
    office = OFFICES[3]
    person = w.person(office)
    letter = _pdf("Surat Permohonan.pdf", _scan(letters.request_letter(_activate(w, office, person, 104)), 0.5))
    basis = _pdf("SK PPK Dishub.pdf", _scan(_appointment(w, office, person, 14), 0.3))
    subject = "Permohonan Pengaktifan Akun PPK Dinas Perhubungan"
    first = _mail(w, 4, office, subject, _cover("pengaktifan akun PPK"), [letter])
    text = "Dengan hormat,\n\nBerikut kami lampirkan SK yang belum kami sertakan.\n\nTerima kasih.\n"
    later = _mail(w, 7, office, subject, text, [basis])
    name = "04-tanpa-sk"
    return [
        DemoMail(name, first, "incomplete", "Surat lengkap, tetapi SK/Surat Tugas tidak dilampirkan."),
        DemoMail("07-susulan-sk", later, "complete", "Susulan untuk 04: hanya SK yang dilampirkan.", 2, name),
    ]


def _deactivation(w: _World) -> DemoMail:
    office = OFFICES[1]
    person = w.person(office)
    request = replace(
        _activate(w, office, person, 102),
        subject="Permohonan Penonaktifan Akun PPK",
        opening="Sehubungan dengan diberhentikannya Pejabat Pembuat Komitmen (PPK) pada Dinas Pendidikan Kabupaten "
        f"Batang Tahun Anggaran {YEAR}, bersama ini kami mengajukan permohonan penonaktifan akun SPSE selaku {PPK} "
        "dengan data sebagai berikut :",
    )
    title = f"Pemberhentian Pejabat Pembuat Komitmen Tahun Anggaran {YEAR}"
    clauses = ("Memberhentikan pegawai sebagaimana tercantum dalam Lampiran sebagai Pejabat Pembuat Komitmen.",)
    basis = _decree(w, office, 12, title, clauses, ((person, FORMER_PPK),))
    files = _letter_and_decree(request, basis)
    data = _mail(w, 2, office, "Permohonan Penonaktifan Akun PPK", _cover("penonaktifan akun PPK"), files)
    return DemoMail("02-penonaktifan-lengkap", data, "complete", "Penonaktifan satu PPK, surat dan SK lengkap.")


def _swap(w: _World) -> DemoMail:
    office = OFFICES[2]
    old, new = w.person(office), w.person(office)
    request = replace(
        _activate(w, office, new, 103),
        subject="Permohonan Penggantian Akun PPK",
        opening=f"Sehubungan dengan penggantian {PPK} pada Dinas Pekerjaan Umum Kabupaten Batang Tahun Anggaran "
        f"{YEAR}, bersama ini kami mengajukan permohonan untuk menonaktifkan akun SPSE pejabat lama dan mengaktifkan "
        "akun SPSE pejabat baru dengan data sebagai berikut :",
        groups=(Group((old,), "Penonaktifan akun:"), Group((new,), "Pengaktifan akun:")),
    )
    title = f"Pemberhentian dan Penetapan Pejabat Pembuat Komitmen Tahun Anggaran {YEAR}"
    clauses = (
        f"Memberhentikan {old.nama} sebagai Pejabat Pembuat Komitmen.",
        f"Menetapkan {new.nama} sebagai Pejabat Pembuat Komitmen Tahun Anggaran {YEAR}.",
    )
    basis = _decree(w, office, 13, title, clauses, ((old, FORMER_PPK), (new, NEW_PPK)))
    files = _letter_and_decree(request, basis)
    data = _mail(w, 3, office, "Permohonan Penggantian Akun PPK", _cover("penggantian akun PPK"), files)
    return DemoMail("03-pergantian-ppk", data, "complete", "Satu surat: PPK lama dinonaktifkan, PPK baru diaktifkan.")


def _missing_fields(w: _World) -> DemoMail:
    office = OFFICES[0]
    person = w.person(office)
    request = replace(_activate(w, office, person, 105), omit=frozenset({"telepon", "email"}))
    files = _letter_and_decree(request, _appointment(w, office, person, 15))
    data = _mail(w, 5, office, "Permohonan Akun PPK", _cover("pengaktifan akun PPK"), files)
    return DemoMail("05-data-kurang", data, "incomplete", "Surat tidak memuat nomor telepon dan email.")


def _unfilled(w: _World) -> DemoMail:
    office = OFFICES[1]
    person = w.person(office)
    request = replace(_activate(w, office, person, 106), number=UNFILLED, signing=Signing(signature=False, stamp=False))
    files = [
        _pdf("surat_srikandi.pdf", letters.request_letter(request)),
        _pdf("SK PPK.pdf", _scan(_appointment(w, office, person, 16), 0.4)),
    ]
    data = _mail(w, 6, office, "Permohonan Pengaktifan Akun SPSE", _cover("pengaktifan akun PPK"), files)
    return DemoMail("06-naskah-belum-jadi", data, "incomplete", "Nomor surat masih berupa ${nomor_naskah}.")


def _locked(w: _World) -> DemoMail:
    office = OFFICES[2]
    request = _activate(w, office, w.person(office), 109)
    files = [_pdf("Permohonan.pdf", scans.lock_pdf(letters.request_letter(request)))]
    data = _mail(w, 9, office, "Permohonan Pengaktifan Akun PPK", _cover("pengaktifan akun PPK"), files)
    return DemoMail("09-pdf-bersandi", data, "incomplete", "Satu-satunya lampiran adalah PDF yang dikunci sandi.")


def _drive_link(w: _World) -> DemoMail:
    text = (
        "Dengan hormat,\n\nBersama ini kami mengajukan permohonan pengaktifan akun PPK. Berkas surat permohonan "
        "dan SK dapat diunduh pada tautan berikut:\nhttps://drive.google.com/file/d/1ContohTautanDemo/view?usp=sharing"
        "\n\nTerima kasih.\n"
    )
    data = _mail(w, 10, OFFICES[3], "Permohonan Pengaktifan Akun PPK", text)
    return DemoMail("10-tautan-drive", data, "incomplete", "Hanya tautan Google Drive, tanpa lampiran.")


def _photo(w: _World) -> DemoMail:
    office = OFFICES[1]
    person = w.person(office)
    pages = letters.page_images(letters.request_letter(_activate(w, office, person, 115)))
    files: list[File] = [
        (f"IMG_20260{i}15_0915.jpg", "image/jpeg", scans.to_jpeg(scans.photo(page, seed=i), 72))
        for i, page in enumerate(pages, 1)
    ]
    basis = [scans.scan(page, 0.4, seed=3) for page in letters.page_images(_appointment(w, office, person, 25))]
    basis[-1] = scans.sideways(basis[-1])
    files.append(_pdf("SK.pdf", scans.to_pdf(basis)))
    data = _mail(w, 15, office, "Permohonan Pengaktifan Akun PPK", _cover("pengaktifan akun PPK"), files)
    return DemoMail("15-foto-ponsel", data, "complete", "Surat berupa foto ponsel; satu halaman SK terputar.")


def _photocopy(w: _World) -> DemoMail:
    office = OFFICES[2]
    person = w.person(office)
    pages = letters.page_images(letters.request_letter(_activate(w, office, person, 116)))
    letter = scans.to_pdf([scans.photocopy(page, seed=i) for i, page in enumerate(pages, 1)])
    files = [
        _pdf("Surat fotokopi.pdf", letter),
        _pdf("SK.pdf", _scan(_appointment(w, office, person, 26), 0.5)),
    ]
    data = _mail(w, 16, office, "Permohonan Pengaktifan Akun PPK", _cover("pengaktifan akun PPK"), files)
    return DemoMail("16-fotokopi", data, "review", "Surat fotokopi hitam putih; stempel basah tidak dapat dinilai.")


def _pokja(w: _World) -> DemoMail:
    office = OFFICES[2]
    persons = tuple(w.person(office) for _ in range(3))
    request = replace(
        _activate(w, office, persons[0], 117),
        subject="Permohonan Pengaktifan Akun Pokja Pemilihan",
        opening=f"Sehubungan dengan pelaksanaan pemilihan penyedia Tahun Anggaran {YEAR}, bersama ini kami mengajukan "
        "permohonan pengaktifan akun SPSE selaku anggota Kelompok Kerja (Pokja) Pemilihan dengan data sebagai "
        "berikut :",
        groups=(Group(persons),),
        table=True,
        narrow_nip=True,
    )
    tasks = (
        f"Melaksanakan tugas sebagai anggota Kelompok Kerja (Pokja) Pemilihan Tahun Anggaran {YEAR};",
        f"Surat tugas ini berlaku sampai dengan tanggal 31 Desember {YEAR}.",
    )
    order = Assignment(office, _head(w, office), _basis_day(), f"094/27/{YEAR}", tasks, persons, Signing(seed=27))
    pages = letters.page_images(letters.assignment(order))
    pages += letters.page_images(letters.personal_form(office, persons[0], _basis_day()))
    files = [
        _pdf("Surat Permohonan Pokja.pdf", _scan(letters.request_letter(request), 0.3)),
        ("Surat Tugas.tif", "image/tiff", scans.to_tiff([scans.scan(p, -0.3, seed=4) for p in pages])),
    ]
    data = _mail(w, 17, office, "Permohonan Pengaktifan Akun Pokja", _cover("pengaktifan akun Pokja"), files)
    return DemoMail("17-pokja-tabel", data, "complete", "Tiga anggota Pokja dalam tabel; Surat Tugas berupa TIFF.")


# ------------------------------------------------------------------ mails that are no request


def _vacation(w: _World) -> DemoMail:
    text = "Saya sedang cuti sampai dengan hari Jumat. Email Anda akan saya balas setelah kembali bekerja.\n"
    extra = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}
    data = _mail(w, 11, OFFICES[0], "Balasan otomatis: sedang cuti", text, extra=extra)
    return DemoMail("11-balasan-cuti", data, "ignore", "Balasan otomatis karena cuti.", 2)


def _bounce(w: _World) -> DemoMail:
    recipient = f"tidak.ada@{DOMAIN}"
    message = EmailMessage(policy=email.policy.SMTP)
    sender = f"Mail Delivery System <MAILER-DAEMON@{DOMAIN}>"
    _headers(message, w, 12, sender, "Undelivered Mail Returned to Sender", "<>")
    message["Auto-Submitted"] = "auto-replied"
    message.set_content(f"The mail could not be delivered.\n\n<{recipient}>: user unknown\n")
    message.make_mixed()
    status = EmailMessage(policy=email.policy.SMTP)
    status["Content-Type"] = "message/delivery-status"
    per_mail, per_person = email.message.Message(), email.message.Message()
    per_mail["Reporting-MTA"] = f"dns; mail.{DOMAIN}"
    for name, value in (("Final-Recipient", f"rfc822; {recipient}"), ("Action", "failed"), ("Status", "5.1.1")):
        per_person[name] = value
    status.set_payload([per_mail, per_person])
    message.attach(status)
    message.set_type("multipart/report")
    message.set_param("report-type", "delivery-status")
    message.set_boundary("=-demo-12-batas")
    return DemoMail("12-surat-tertolak", message.as_bytes(), "ignore", "Pemberitahuan gagal kirim (bounce).")


def _newsletter(w: _World) -> DemoMail:
    text = "Buletin Pengadaan Contoh edisi bulan ini.\n\nBerhenti berlangganan: https://buletin.example/berhenti\n"
    extra = {
        "List-Id": "Buletin Pengadaan <buletin.buletin.example>",
        "List-Unsubscribe": "<https://buletin.example/berhenti>",
        "Precedence": "bulk",
    }
    sender = "Buletin Pengadaan <buletin@buletin.example>"
    data = _mail(w, 13, sender, "Buletin Pengadaan Edisi Bulan Ini", text, extra=extra)
    return DemoMail("13-buletin", data, "ignore", "Buletin dari milis.")


def _question(w: _World) -> DemoMail:
    text = (
        "Selamat pagi,\n\nKami penyedia CV Contoh Jaya. Kami lupa kata sandi akun penyedia. Bagaimana cara mereset "
        "password pada aplikasi SPSE?\n\nTerima kasih.\n"
    )
    sender = "CV Contoh Jaya <admin@contohjaya.example>"
    data = _mail(w, 14, sender, "Tanya cara reset password", text)
    return DemoMail("14-tanya-kata-sandi", data, "not_request", "Penyedia bertanya cara mereset kata sandi.")


# ------------------------------------------------------------------ parts


def _head(w: _World, office: Office) -> DemoPerson:
    return w.heads[office.name]


def _basis_day() -> dt.date:
    return dt.date(YEAR, 1, 5)


def _activate(w: _World, office: Office, person: DemoPerson, number: int) -> Request:
    opening = (
        f"Sehubungan dengan pelaksanaan pengadaan barang/jasa pada {office.full_name} Tahun Anggaran {YEAR}, bersama "
        f"ini kami mengajukan permohonan pengaktifan akun SPSE selaku {PPK} dengan data sebagai berikut :"
    )
    return Request(
        office, _head(w, office), w.letter_day(), f"{office.code}/{number}/{YEAR}", "Permohonan Pengaktifan Akun PPK",
        opening, (Group((person,)),), signing=Signing(seed=number),
    )  # fmt: skip


def _appointment(w: _World, office: Office, person: DemoPerson, number: int) -> bytes:
    title = f"Penetapan Pejabat Pembuat Komitmen Tahun Anggaran {YEAR}"
    clauses = (
        "Menetapkan pegawai sebagaimana tercantum dalam Lampiran sebagai Pejabat Pembuat Komitmen pada "
        f"{office.full_name} Tahun Anggaran {YEAR}.",
    )
    return _decree(w, office, number, title, clauses, ((person, NEW_PPK),))


def _decree(
    w: _World, office: Office, number: int, title: str, clauses: tuple[str, ...],
    rows: tuple[tuple[DemoPerson, str], ...],
) -> bytes:  # fmt: skip
    last = f"Keputusan ini mulai berlaku pada tanggal ditetapkan sampai dengan tanggal 31 Desember {YEAR}."
    name = f"{office.code}/{number:03d}/{YEAR}"
    signing = Signing(seed=number)
    return letters.decree(Decree(office, _head(w, office), _basis_day(), name, title, (*clauses, last), rows, signing))


def _letter_and_decree(request: Request, basis: bytes) -> list[File]:
    letter = _scan(letters.request_letter(request), 0.6)
    return [_pdf("Surat Permohonan.pdf", letter), _pdf("SK.pdf", _scan(basis, -0.5))]


def _scan(pdf: bytes, skew: float) -> bytes:
    pages = letters.page_images(pdf)
    return scans.to_pdf([scans.scan(page, skew, seed=i) for i, page in enumerate(pages, 1)])


def _pdf(name: str, data: bytes) -> File:
    return name, "application/pdf", data


def _cover(what: str) -> str:
    return (
        f"Yth. Kepala LPSE Kabupaten Batang\n\nDengan hormat,\n\nBersama ini kami sampaikan permohonan {what}. "
        "Berkas kami lampirkan.\n\nAtas perhatiannya kami ucapkan terima kasih.\n"
    )


def _mail(
    w: _World, number: int, sender: Office | str, subject: str, text: str, files: list[File] | None = None,
    extra: dict[str, str] | None = None,
) -> bytes:  # fmt: skip
    if isinstance(sender, Office):
        # an answer or a repeated mail comes from the person who wrote the first
        author = {7: 4, 8: 1}.get(number, number)
        sender = f"{sender.name} <{sender.mailbox}.{author:02d}@{DOMAIN}>"
    message = EmailMessage(policy=email.policy.SMTP)
    _headers(message, w, number, sender, subject, sender[sender.index("<") :])
    for name, value in (extra or {}).items():
        message[name] = value
    message.set_content(text)
    for name, kind, data in files or []:
        main, sub = kind.split("/")
        message.add_attachment(data, maintype=main, subtype=sub, filename=name)
    if files:
        message.set_boundary(f"=-demo-{number:02d}-batas")
    return message.as_bytes()


def _headers(message: EmailMessage, w: _World, number: int, sender: str, subject: str, path: str) -> None:
    sent = w.now - dt.timedelta(minutes=120 - 5 * number)
    message["Return-Path"] = path
    message["From"] = sender
    message["To"] = TO
    message["Subject"] = subject
    message["Date"] = format_datetime(sent.astimezone(dt.UTC))
    message["Message-ID"] = f"<demo-{number:02d}-{int(w.now.timestamp())}@{DOMAIN}>"
