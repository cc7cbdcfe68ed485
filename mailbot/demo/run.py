"""The embedded world of `mailbot demo`: generated mails through the real service, then a table of what happened."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import time
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

from mailbot import config, work
from mailbot.demo.journey import journey
from mailbot.demo.mails import DemoMail, demo_mails, with_references
from mailbot.schedule import service
from mailbot.store import mails as stored_mails
from mailbot.store import outbox
from mailbot.web import login, serve
from mailbot.work import lanes

MARKER = ".mailbot-demo"
PASSWORD = "contoh-sandi-2026"
PEOPLE = (
    ("siti", "Siti Aminah", "helpdesk"), ("budi", "Budi Hartono", "admin_agency"), ("ratna", "Ratna Dewi", "supervisor"),
    ("eko", "Eko Prasetyo", "sysadmin"),
)  # fmt: skip


def clean(folder: Path) -> bool:
    """Removes a demo folder; False where it is none."""
    if not (folder / MARKER).exists():
        return False
    shutil.rmtree(folder)
    return True


def world_in(folder: Path) -> work.World:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / MARKER).touch()
    for name in ("new", "cur", "tmp"):
        (folder / "inbox" / name).mkdir(parents=True, exist_ok=True)
    settings = config.Settings(
        office=config.OfficeSection(address="Jalan Contoh 1, Batang", phone="(0285) 000000"),
        mailbox=(config.MailboxSection(path=str(folder / "inbox"), poll_seconds=1),),
        smtp=config.SmtpSection(path=str(folder / "sent")),
        storage=config.StorageSection(path=str(folder / "data")),
    )
    (folder / "sent").mkdir(exist_ok=True)
    return work.open_world(settings, lambda: dt.datetime.now(dt.UTC))


def run(folder: Path, tell: Callable[[str], None], seed: int = 19) -> list[dict[str, str]]:
    """Every demo mail through the running service; one row per mail."""
    tell("Menyiapkan surat contoh ...")
    mails = demo_mails(seed, dt.datetime.now(dt.UTC))
    world = world_in(folder)
    with service(world):
        for phase in sorted({m.phase for m in mails}):
            batch = [m for m in mails if m.phase == phase]
            for mail in batch:
                _put(folder / "inbox", mail.name, _answered(world, mail, mails))
            _wait(world, len([m for m in mails if m.phase <= phase]), tell)
        rows = [_row(world, m) for m in mails]
        for line in journey(world):
            tell(line)
        while not lanes.idle(world):
            time.sleep(0.1)
    return rows


def keep_running(folder: Path, tell: Callable[[str], None]) -> None:
    """The service and its pages, with a demo login for each role, until Ctrl-C."""
    world = world_in(folder)
    for name, person, role in PEOPLE:
        login.add_user(world, name, person, role, PASSWORD, "mesin")
    with service(world) as stop, serve.beside(world) as url:
        tell(
            f"pages: {url}   logins: {', '.join(f'{n} ({r})' for n, _, r in PEOPLE)}   password of all: {PASSWORD}   Ctrl-C ends it"
        )
        stop.wait()


def _put(inbox: Path, name: str, data: bytes) -> None:
    (inbox / "tmp" / name).write_bytes(data)
    os.rename(inbox / "tmp" / name, inbox / "new" / name)


def _answered(world: work.World, mail: DemoMail, mails: list[DemoMail]) -> bytes:
    """The mail; an answer gets the Message-ID of what we sent for the mail that it answers."""
    if mail.answers is None:
        return mail.data
    original = next(m for m in mails if m.name == mail.answers)
    with world.store.reading() as tx:
        found = stored_mails.with_header_id(tx, _id(original))
        assert found is not None and found.case_id is not None
        sent = outbox.of_case(tx, found.case_id)[-1]
    return with_references(mail.data, sent.header_id, str(message_from_bytes(sent.data)["Subject"]))


def _id(mail: DemoMail) -> str:
    return str(message_from_bytes(mail.data)["Message-ID"]).strip()


def _wait(world: work.World, expected: int, tell: Callable[[str], None], limit: float = 600) -> None:
    shown, end = -1, time.monotonic() + limit
    while time.monotonic() < end:
        with world.store.reading() as tx:
            messages = stored_mails.everything(tx)
        finished = sum(m.state != "stored" for m in messages)
        if finished != shown:
            tell(f"{finished} dari {expected} email selesai diperiksa")
            shown = finished
        if finished >= expected and lanes.idle(world):
            return
        time.sleep(0.3)
    raise TimeoutError(f"the demo did not finish within {limit:.0f} s; see the log above")


def _row(world: work.World, mail: DemoMail) -> dict[str, str]:
    with world.store.reading() as tx:
        row = stored_mails.with_header_id(tx, _id(mail))
        assert row is not None
        verdict = stored_mails.verdict(tx, row.id)
        kinds = outbox.kinds_for(tx, row.semantic)
        seconds = stored_mails.reading_seconds(tx, row.id)
    words = {"ignored": "ignore", "quarantined": "quarantine", "duplicate": "duplicate"}
    word = words.get(row.state) or (verdict.decision if verdict else "?")
    codes = (
        dict.fromkeys(f.code for f in verdict.findings if f.cls != "note") if verdict and row.state == "judged" else ()
    )
    why = ", ".join(codes) or (" ".join(row.guard.rules) if word == "ignore" else mail.about)
    return {"mail": mail.name, "verdict": word, "expected": mail.expected, "why": why, "replies": ", ".join(kinds) or "-",
            "seconds": f"{seconds:.1f}"}  # fmt: skip
