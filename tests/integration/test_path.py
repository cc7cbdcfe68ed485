"""The whole path on real scans: the service over a Maildir, killed at random moments; `check` against its schema."""

import datetime as dt
import json
import os
import random
import signal
import subprocess
import sys
import time
from email import message_from_bytes
from pathlib import Path

import jsonschema
import pytest
from sqlalchemy import create_engine, text

from mailbot import check
from mailbot.demo.mails import DemoMail, demo_mails

LIGHT = ("04", "09", "10", "11", "12", "13", "14")
MAILBOT = [sys.executable, "-m", "mailbot.cli"]


@pytest.fixture(scope="module")
def mails() -> list[DemoMail]:
    return [m for m in demo_mails(19, dt.datetime.now(dt.UTC)) if m.name[:2] in LIGHT]


def config_in(folder: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (folder / "inbox" / name).mkdir(parents=True)
    (folder / "sent").mkdir()
    path = folder / "config.toml"
    path.write_text(
        f'[[mailbox]]\npath = "{folder}/inbox"\npoll_seconds = 1\n[smtp]\npath = "{folder}/sent"\n[storage]\npath = "{folder}/data"\n'
    )
    return path


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    path = folder / "data" / "mailbot.db"
    if not path.exists():
        return []
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.connect() as connection:
            return [tuple(r) for r in connection.execute(text(query))]
    except Exception:  # the tables are not there yet
        return []
    finally:
        engine.dispose()


def finished(folder: Path, count: int) -> bool:
    states = rows(folder, "select state from message")
    waiting = rows(folder, "select 1 from job where state in ('waiting', 'running')")
    return len(states) == count and not waiting and all(s[0] != "stored" for s in states)


def run_for(config: Path, seconds: float) -> None:
    process = subprocess.Popen([*MAILBOT, "run", "--config", str(config)], stderr=subprocess.DEVNULL, start_new_session=True)
    time.sleep(seconds)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_killed_at_random_moments_each_mail_is_handled_exactly_once(tmp_path: Path, mails: list[DemoMail]) -> None:
    config, rng = config_in(tmp_path), random.Random(5)
    for mail in mails:
        (tmp_path / "inbox" / "new" / mail.name).write_bytes(mail.data)
    for _ in range(6):
        run_for(config, rng.uniform(1.0, 4.0))
    process = subprocess.Popen([*MAILBOT, "run", "--config", str(config)], stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 150
        while not finished(tmp_path, len(mails)) and time.monotonic() < end:
            time.sleep(0.5)
    finally:
        process.terminate()
        process.wait(30)

    assert finished(tmp_path, len(mails))
    assert rows(tmp_path, "select count(*) from location") == [(len(mails),)]
    sent = [message_from_bytes(p.read_bytes()) for p in (tmp_path / "sent").glob("*.eml")]
    receipts = [m["To"] for m in sent if "Tanda terima" in m["Subject"]]
    answered = [m for m in mails if m.expected != "ignore"]
    assert len(receipts) == len(set(receipts)) == len(answered)
    assert all(p.stat().st_size for p in (tmp_path / "sent").iterdir())


def test_a_second_process_is_refused(tmp_path: Path) -> None:
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
