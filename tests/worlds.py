"""A world on disk with a clock that the test holds, and mails whose pages were read before (no OCR)."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from mailbot import config
from mailbot.mailbox import keep
from mailbot.model import Actor, Attachment, Case, Document, Evidence, Found, Letter, Location, Mark, Person, RawMessage
from mailbot.store import cases, mails
from mailbot.work import World, delivery, open_world, reading
from mailbot.work.desk import Seen
from mailbot.work.intake import take_in

MORNING = dt.datetime(2026, 11, 23, 2, 0, tzinfo=dt.UTC)  # Monday 09.00 WIB
HELPDESK, AGENCY = Actor("siti", "helpdesk"), Actor("budi", "admin_agency")
SUPERVISOR = Actor("ratna", "supervisor")
SEEN = Mark("seen", 0.95, 1, (0.0, 0.0, 1.0, 0.2))


@dataclass
class Clock:
    """`now` of a world; moves only when the test moves it."""

    at: dt.datetime = MORNING

    def __call__(self) -> dt.datetime:
        return self.at

    def pass_(self, **span: float) -> None:
        self.at += dt.timedelta(**span)


def sqlite(folder: Path) -> str:
    """The default of `fresh`: a file beside the data."""
    return ""


fresh: Callable[[Path], str] = (
    sqlite  # the URL of the database of a world that names none; conftest.py may set another engine
)


def world(folder: Path, clock: Clock, database: str = "", **sections: config.Section) -> World:
    """`database`: a URL; without it a fresh one of the engine that this run is for."""
    settings = config.Settings(
        mailbox=(config.MailboxSection(path=str(folder / "inbox")),),
        smtp=config.SmtpSection(path=str(folder / "sent")),
        storage=config.StorageSection(path=str(folder / "data")),
        database=config.DatabaseSection(url_env="MAILBOT_TEST_DATABASE_URL"),
    ).model_copy(update=dict(sections))
    os.environ["MAILBOT_TEST_DATABASE_URL"] = database or fresh(folder)
    return open_world(settings, clock, "kunci-uji")


def found(value: str) -> Found:
    return Found(value, value, 0.98, "surat.pdf", 1, (0.1, 0.4, 0.5, 0.42), value, True)


def person(nip: str = "198507042010011007", nama: str = "Budi Santoso, S.T.", **changes: object) -> Person:
    one = Person(
        found(nama), found(nip), found("III/d"), found("Kepala Bidang"), found("Dinas Contoh"), found("Jalan Contoh 1"),
        found("+6281234567890"), found(f"{nama.split()[0].lower()}@contoh.example"), "ppk", "pengaktifan",
    )  # fmt: skip
    for name, value in changes.items():
        one = cases.with_field(one, name, value)
    return one


def evidence(*people: Person, number: str = "027/12/2026", letter: bool = True, decree: bool = True) -> Evidence:
    facts = Letter(found(number), found("2026-11-20"), found("Permohonan"), found("Kepala LPSE Kabupaten Batang"),
                   found("Dinas Contoh"), tindakan=("pengaktifan",))  # fmt: skip
    surat = Document(
        "surat.pdf", "a" * 64, (1,), "surat_permohonan", "ocr", facts, people, SEEN, SEEN, SEEN, None, 0.9, True
    )
    sk = Document("sk.pdf", "b" * 64, (1, 2), "surat_keputusan", "ocr", Letter(found("188/1/2026"), tahun_anggaran=2026, peran=("ppk",)),
                  people, quality=0.9)  # fmt: skip
    documents = ((surat,) if letter else ()) + ((sk,) if decree else ())
    return Evidence(documents, people, facts if letter else Letter(), "", "Permohonan")


@dataclass
class Post:
    """Lays mails into a world, as intake and reading would."""

    world: World
    count: int = 0
    ids: list[str] = field(default_factory=list)

    def mail(self, read: Evidence, sender: str = "dinas@contoh.example", answers: str | None = None,
             files: tuple[str, ...] = ("surat.pdf",), headers: dict[str, str] | None = None,
             contents: dict[str, bytes] | None = None) -> Case:  # fmt: skip
        self.count += 1
        message = EmailMessage()
        message["From"], message["To"] = sender, self.world.office.email
        message["Message-ID"] = f"<uji.{self.count}@contoh.example>"
        for name, value in {"Subject": f"Permohonan {self.count}", **(headers or {})}.items():
            message[name] = value
        if answers:
            message["In-Reply-To"] = answers
        message.set_content("Terlampir permohonan.")
        given = contents or {name: f"{name} {self.count}".encode() for name in files}
        for name, data in given.items():
            message.add_attachment(data, maintype="application", subtype="pdf", filename=name)
        path, sha256, size = keep(iter((message.as_bytes(),)), self.world.blobs)
        at = Location("utama", "INBOX", 1, str(self.count))
        message_id = take_in(self.world, RawMessage(at, str(path), sha256, size, self.world.now()))
        assert message_id is not None
        with self.world.store.transaction() as tx:
            mails.save_reading(tx, message_id, read, [self.kept(name, data) for name, data in given.items()])
            stored = mails.get(tx, message_id)
            assert stored.case_id is not None
            reading.conclude(self.world, tx, stored.case_id)
            return cases.get(tx, stored.case_id)

    def kept(self, name: str, data: bytes) -> Attachment:
        path, sha256, size = keep(iter((data,)), self.world.blobs)
        return Attachment(name, "pdf", sha256, size, str(path))

    def sent(self) -> list[EmailMessage]:
        """Everything that left so far, oldest first."""
        import email
        import email.policy

        while delivery.send_next(self.world):
            pass
        folder = Path(self.world.settings.smtp.path)
        files = sorted(folder.glob("*.eml"), key=lambda p: p.stat().st_mtime_ns)
        return [email.message_from_bytes(p.read_bytes(), policy=email.policy.default) for p in files]  # type: ignore[misc]


def seen(case: Case) -> Seen:
    return Seen(case.id, case.version)


def body_of(mail: EmailMessage) -> str:
    """The text of a mail, without what is attached to it."""
    body = mail.get_body(("plain",))
    assert body is not None
    return str(body.get_content())
