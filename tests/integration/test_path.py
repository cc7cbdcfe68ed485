"""The whole path on real scans: the service over a Maildir, killed at random moments; `check` against its schema."""

import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from email import message_from_bytes
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from sqlalchemy import create_engine, text

from mailbot import check
from mailbot.demo.mails import DemoMail, demo_mails, with_references

LIGHT = ("04", "09", "10", "11", "12", "13", "14")
MAILBOT = [sys.executable, "-m", "mailbot.cli"]


@pytest.fixture(scope="module")
def mailbox() -> list[DemoMail]:
    return demo_mails(19, dt.datetime.now(dt.UTC))


@pytest.fixture(scope="module")
def mails(mailbox: list[DemoMail]) -> list[DemoMail]:
    return [m for m in mailbox if m.name[:2] in LIGHT]


def config_in(folder: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (folder / "inbox" / name).mkdir(parents=True)
    (folder / "sent").mkdir()
    path = folder / "config.toml"
    path.write_text(
        f'[[mailbox]]\npath = "{folder}/inbox"\npoll_seconds = 1\n[smtp]\npath = "{folder}/sent"\n[storage]\npath = "{folder}/data"\n[web]\nenabled = false\n'
    )
    return path


def rows(folder: Path, query: str, **values: str) -> list[tuple[Any, ...]]:
    path = folder / "data" / "mailbot.db"
    if not path.exists():
        return []
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            return [tuple(r) for r in connection.execute(text(query), values)]
    except Exception:  # the tables are not there yet
        return []
    finally:
        engine.dispose()


def finished(folder: Path, count: int) -> bool:
    states = rows(folder, "select state from message")
    waiting = rows(folder, "select 1 from job where state in ('waiting', 'running')")
    return len(states) == count and not waiting and all(s[0] != "stored" for s in states)


def run_for(config: Path, seconds: float) -> None:
    process = subprocess.Popen(
        [*MAILBOT, "run", "--config", str(config)], stderr=subprocess.DEVNULL, start_new_session=True
    )
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def finish(folder: Path, config: Path, count: int) -> None:
    process = subprocess.Popen([*MAILBOT, "run", "--config", str(config)], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 280
        while not finished(folder, count) and time.monotonic() < end:
            time.sleep(0.5)
    finally:
        process.terminate()
        process.wait(60)
    assert finished(folder, count)


def lay(folder: Path, mail: DemoMail, mails: list[DemoMail]) -> None:
    """Into the Maildir; an answer answers what was sent for the mail that it names."""
    data = mail.data
    if mail.answers:
        query = "select o.header_id, o.data from outgoing o join message m on m.case_id = o.case_id where m.subject = :s order by o.id desc"
        original = next(m for m in mails if m.name == mail.answers)
        header_id, sent = rows(folder, query, s=str(message_from_bytes(original.data)["Subject"]))[0]
        data = with_references(data, str(header_id), str(message_from_bytes(bytes(sent))["Subject"]))
    (folder / "inbox" / "new" / mail.name).write_bytes(data)


@pytest.mark.long
@pytest.mark.timeout(700)
def test_killed_at_20_random_moments_each_mail_is_handled_exactly_once(tmp_path: Path, mailbox: list[DemoMail]) -> None:
    config, rng, mails = config_in(tmp_path), random.Random(5), mailbox
    for phase, kills in ((1, 14), (2, 6)):
        for mail in (m for m in mails if m.phase == phase):
            lay(tmp_path, mail, mails)
        for _ in range(kills):
            run_for(config, rng.uniform(0.7, 4.0))
        finish(tmp_path, config, sum(m.phase <= phase for m in mails))

    assert rows(tmp_path, "select count(*) from location") == [(len(mails),)]
    sent = [message_from_bytes(p.read_bytes()) for p in (tmp_path / "sent").glob("*.eml")]
    receipts = Counter(
        str(m["In-Reply-To"]) for m in sent if ".receipt." in m["Message-ID"] or ".duplicate." in m["Message-ID"]
    )
    answered = {str(message_from_bytes(m.data)["Message-ID"]) for m in mails if m.expected != "ignore"}
    assert receipts == dict.fromkeys(answered, 1)
    returns = [m["In-Reply-To"] for m in sent if ".incomplete." in m["Message-ID"]]
    assert len(returns) == len(set(returns)) == sum(m.expected == "incomplete" for m in mails)
    assert all(p.stat().st_size for p in (tmp_path / "sent").iterdir())
    assert not list((tmp_path / "data").glob("leaves-*"))


def test_in_07_a_second_process_is_refused(tmp_path: Path) -> None:
    config = config_in(tmp_path)
    first = subprocess.Popen([*MAILBOT, "run", "--config", str(config)], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 20
        while not (tmp_path / "data" / "mailbot.db").exists() and time.monotonic() < end:
            time.sleep(0.2)
        second = subprocess.run([*MAILBOT, "run", "--config", str(config)], capture_output=True, timeout=60)
    finally:
        first.terminate()
        first.wait(30)

    assert second.returncode == 3


def checked(folder: Path) -> list[dict[str, object]]:
    command = [*MAILBOT, "check", "--json", "--now", "2026-11-23T10:00:00+07:00", str(folder)]
    done = subprocess.run(command, capture_output=True, timeout=250, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_check_validates_and_repeats(tmp_path: Path, mails: list[DemoMail]) -> None:
    for mail in mails:
        (tmp_path / f"{mail.name}.eml").write_bytes(mail.data)
    (tmp_path / "99-rusak.eml").write_bytes(b"\xff\xfe\x00 not a mail")
    records = checked(tmp_path)

    for record in records:
        jsonschema.validate(record, check.schema())
    said = {str(r["path"])[:2]: r["verdict"] for r in records}
    assert len(records) == len(mails) + 1
    assert {m.name[:2]: m.expected for m in mails}.items() <= said.items()

    def without_time(items: list[dict[str, object]]) -> list[dict[str, object]]:
        return [{k: v for k, v in r.items() if "seconds" not in k} for r in items]

    assert without_time(checked(tmp_path)) == without_time(records)


def test_check_takes_the_office_from_the_mails_and_is_bound_to_no_rate(tmp_path: Path) -> None:
    for number in range(6):
        head = f"From: a@kantor.example\nTo: lpse@lain.example\nMessage-ID: <{number}@kantor.example>\nSubject: Permohonan akun PPK {number}\n"
        (tmp_path / f"{number}.eml").write_text(
            f"{head}Date: Mon, 23 Nov 2026 0{number}:00:00 +0700\n\nMohon pengaktifan akun PPK.\n"
        )
    records = checked(tmp_path)

    assert [r["reply"]["policy"] for r in records] == ["reply"] * 6
