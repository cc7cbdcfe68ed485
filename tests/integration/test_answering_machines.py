"""Real machines that answer ours: Pigeonhole's vacation, Postfix's delivery reports; and the mails of lists, calendars and mail programs.

The office's receipts leave through Postfix and come into mailboxes of Dovecot; whatever these send back gets no answer.
"""

from __future__ import annotations

import datetime as dt
import smtplib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from mailbot import config, work
from mailbot.model import Guard
from mailbot.store import mails, outbox
from mailbot.work import delivery, sweep
from tests.servers import free_port
from tests.servers.dovecot import SECRET, dovecot
from tests.servers.postfix import local_delivery, needed, postfix
from tests.test_guard import ICS, RECEIPT, TEXT, mail, parts

pytestmark = pytest.mark.server
US = "lpse@batangkab.example"


@dataclass(frozen=True)
class Office:
    """The real units of work between a Dovecot and a Postfix."""

    world: work.World
    port: int

    def post(self, sender: str, data: bytes, to: str = US, *options: str) -> None:
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as smtp:
            smtp.ehlo()
            for code, words in (smtp.mail(sender), smtp.rcpt(to, options), smtp.data(data)):
                assert code == 250, words

    def taken(self, count: int) -> list[Guard]:
        """Takes in and answers until `count` mails came; what was decided about each, the oldest first."""
        end = time.monotonic() + 20
        while time.monotonic() < end:
            sweep.sweep_all(self.world)
            while delivery.send_next(self.world):
                pass
            with self.world.store.reading() as tx:
                found = [m.guard for m in mails.everything(tx)]
            if len(found) >= count:
                return found
            time.sleep(0.1)
        raise AssertionError(f"{len(found)} mails came, not {count}")

    def outgoing(self) -> list[tuple[str, str]]:
        with self.world.store.reading() as tx:
            return [(r.recipient, r.state) for r in outbox.everything(tx)]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[int, int]]:
    needed()
    port = free_port()
    with dovecot(more=local_delivery(port)) as boxes, postfix(boxes, port):
        yield boxes.port, port


@pytest.fixture
def office(servers: tuple[int, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setenv("MAILBOT_IMAP_SECRET", SECRET)
    imap, port = servers
    # only what comes from here on belongs to this test
    box = config.MailboxSection(kind="imap", host="127.0.0.1", port=imap, tls="none", user="lpse", start="none")
    settings = config.Settings(
        office=config.OfficeSection(email=US),
        mailbox=(box,),
        smtp=config.SmtpSection(kind="smtp", host="127.0.0.1", port=port, tls="none"),
        storage=config.StorageSection(path=str(tmp_path / "data"), min_free_mb=10),
        replies=config.RepliesSection(form=False),
    )
    world = work.open_world(settings, lambda: dt.datetime.now(dt.UTC), "kunci-uji")
    sweep.sweep_all(world)
    yield Office(world, port)
    world.mailboxes[0][0].close()


def request(sender: str, number: int = 1) -> bytes:
    return mail(From=sender, To=US, Message_ID=f"<{number}@{sender.partition('@')[2]}>", Date=None)


def test_r04_a_vacation_reply_of_pigeonhole_gets_no_answer(office: Office) -> None:
    """Our receipts carry all marks of a machine, so Pigeonhole is silent to them; it answers what an officer writes by hand."""
    office.post("bidang@cuti.example", request("bidang@cuti.example"))
    assert [g.policy for g in office.taken(1)] == ["reply"]
    office.post(US, mail(From=US, To="bidang@cuti.example", Subject="Mohon hubungi kami"), "bidang@cuti.example")
    _, answer = office.taken(2)

    assert answer.policy == "suppress"
    assert {"R02", "R04", "R05"} & {*answer.rules}
    assert office.outgoing() == [("bidang@cuti.example", "sent")]


def test_r02_r19_a_bounce_of_postfix_gets_no_answer_and_ends_writing_to_that_address(office: Office) -> None:
    office.post("orang@hilang.example", request("orang@hilang.example"))
    asked, bounce = office.taken(2)
    assert (asked.policy, bounce.policy) == ("reply", "suppress")
    assert {"R02", "R03", "R09"} <= {*bounce.rules}
    assert office.outgoing() == [("orang@hilang.example", "failed")]

    office.post("orang@hilang.example", request("orang@hilang.example", 2))
    assert office.taken(3)[2].rules == ("R19",)
    assert len(office.outgoing()) == 1


def test_r03_a_delivery_notice_of_postfix_gets_no_answer(office: Office) -> None:
    data = mail(From=US, To="bidang@cuti.example", Auto_Submitted="auto-generated")
    office.post(US, data, "bidang@cuti.example", "NOTIFY=SUCCESS")
    (notice,) = office.taken(1)

    assert notice.policy == "suppress"
    assert {"R02", "R03"} <= {*notice.rules}
    assert office.outgoing() == []


@pytest.mark.parametrize(
    ("rule", "data"),
    [
        ("R03", mail(RECEIPT, From="bidang@kota.example", To=US, Subject="Dibaca: Tanda terima")),
        ("R06", mail(From="bidang@kota.example", To=US, List_Id="Warga <warga.kota.example>")),
        ("R10", mail(parts("multipart/alternative", TEXT, ICS), From="bidang@kota.example", To=US)),
    ],
    ids=["mdn", "list", "calendar"],
)
def test_other_machines_get_no_answer(office: Office, rule: str, data: bytes) -> None:
    office.post("bidang@kota.example", data)
    (found,) = office.taken(1)

    assert found.policy == "suppress"
    assert rule in found.rules
    assert office.outgoing() == []
