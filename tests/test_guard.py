"""R01 to R20 of MAIL.md 2.1: three mails that each rule must stop and three that it must let pass, as bytes read by the parser."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from mailbot.model import Submission
from mailbot.parsers import child, message
from mailbot.replies.guard import (
    Limits,
    Sent,
    Surroundings,
    authenticated,
    guard,
    organisation,
    plain_address,
    reply_address,
)

NOW = dt.datetime(2026, 11, 23, 3, 0, tzinfo=dt.UTC)
OURS = Surroundings(
    frozenset({"lpse@batang.example", "helpdesk@batang.example"}),
    now=NOW,
    received_at=NOW,
    own_lists=frozenset({"unit.batang.example"}),
)
BASE = (("Received", "from mx.dinas.example"), ("From", "Dinas <dinas@kantor.example>"), ("To", "LPSE <lpse@batang.example>"),
        ("Subject", "Permohonan akun PPK"), ("Message-ID", "<1@kantor.example>"), ("Date", "Mon, 23 Nov 2026 09:00:00 +0700"))  # fmt: skip
PDF = b'Content-Type: application/pdf; name="surat.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0xLjQK\r\n'


def mail(body: bytes = b"Content-Type: text/plain\r\n\r\nTerlampir.\r\n", **headers: object) -> bytes:
    """A mail; a keyword replaces a header (underscores are hyphens), a tuple repeats it, None drops it."""
    wanted = {k.replace("_", "-").lower(): v for k, v in headers.items()}
    lines = [(k, v) for k, v in BASE if k.lower() not in wanted]
    for name, value in wanted.items():
        lines += [(name, str(v)) for v in (value if isinstance(value, tuple) else (value,)) if v is not None]
    return b"".join(f"{k}: {v}\r\n".encode() for k, v in lines) + b"MIME-Version: 1.0\r\n" + body


def parts(kind: str, *inside: bytes) -> bytes:
    text = b"".join(b"--b\r\n" + part for part in inside)
    return f'Content-Type: {kind}; boundary="b"\r\n\r\n'.encode() + text + b"--b--\r\n"


TEXT, ICS = (
    b"Content-Type: text/plain\r\n\r\nIsi\r\n",
    b"Content-Type: text/calendar; method=REPLY\r\n\r\nBEGIN:VCALENDAR\r\n",
)
WITH_PDF = parts("multipart/mixed", TEXT, PDF)
REPORT = parts(
    'multipart/report; report-type="delivery-status"',
    TEXT,
    b"Content-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n",
)
RECEIPT = parts(
    "multipart/report; report-type=disposition-notification",
    TEXT,
    b"Content-Type: message/disposition-notification\r\n\r\nDisposition: x\r\n",
)


@dataclass(frozen=True)
class Sample:
    rule: str
    name: str
    stops: bool
    data: bytes
    around: dict[str, Any] = field(default_factory=dict)


def yes(rule: str, name: str, data: bytes | None = None, **around: object) -> Sample:
    return Sample(rule, name, True, data or mail(), around)


def no(rule: str, name: str, data: bytes | None = None, **around: object) -> Sample:
    return Sample(rule, name, False, data or mail(), around)


AUTH = {"authserv_id": "mx.batang.example"}
SAMPLES = [
    yes("R01", "from-ourselves", mail(From="lpse@batang.example")),
    yes("R01", "alias-with-tag-as-sender", mail(Sender="HelpDesk+antrean@batang.example")),
    yes("R01", "our-loop-mark", is_own=True),
    no("R01", "name-only", mail(From='"lpse@batang.example" <orang@kantor.example>')),
    no("R01", "same-local-part-elsewhere", mail(From="lpse@semarang.example")),
    no("R01", "longer-domain", mail(From="lpse@batang.example.kantor.example")),
    yes("R02", "null-return-path", mail(Return_Path="<>")),
    yes("R02", "null-with-spaces", mail(Return_Path=" <> ")),
    yes("R02", "topmost-null", mail(Return_Path=("<>", "<dinas@kantor.example>"))),
    no("R02", "own-return-path", mail(Return_Path="<dinas@kantor.example>")),
    no("R02", "no-return-path"),
    no("R02", "null-below", mail(Return_Path=("<dinas@kantor.example>", "<>"))),
    yes("R03", "delivery-report", mail(REPORT)),
    yes("R03", "read-receipt", mail(RECEIPT)),
    yes("R03", "status-part-in-mixed", mail(parts("multipart/mixed", TEXT, b"Content-Type: message/delivery-status\r\n\r\nAction: failed\r\n\r\n"))),
    no("R03", "forwarded-mail", mail(parts("multipart/mixed", TEXT, b"Content-Type: message/rfc822\r\n\r\nSubject: x\r\n\r\nisi\r\n"))),
    no("R03", "word-in-subject", mail(Subject="multipart/report")),
    no("R03", "with-file", mail(WITH_PDF)),
    yes("R04", "auto-replied", mail(Auto_Submitted="auto-replied (zimbra; vacation)")),
    yes("R04", "auto-generated-upper", mail(Auto_Submitted="AUTO-GENERATED")),
    yes("R04", "second-of-two", mail(Auto_Submitted=("no", "auto-notified; owner-email=a@b.example"))),
    no("R04", "no", mail(Auto_Submitted="no")),
    no("R04", "no-with-comment", mail(Auto_Submitted="No (ditulis orang)")),
    no("R04", "absent"),
    yes("R05", "bulk", mail(Precedence="bulk")),
    yes("R05", "x-precedence", mail(X_Precedence="Auto_Reply")),
    yes("R05", "list", mail(Precedence=" LIST ")),
    no("R05", "first-class", mail(Precedence="first-class")),
    no("R05", "special-delivery", mail(Precedence="special-delivery")),
    no("R05", "priority-is-not-precedence", mail(Priority="bulk")),
    yes("R06", "list-id", mail(List_Id="Warga <warga.kota.example>")),
    yes("R06", "unsubscribe-post", mail(List_Unsubscribe_Post="List-Unsubscribe=One-Click")),
    yes("R06", "beenthere", mail(X_BeenThere="warga@kota.example")),
    no("R06", "our-own-group", mail(List_Id="<unit.batang.example>", List_Post="<mailto:unit@batang.example>")),
    no("R06", "our-own-group-upper", mail(List_Id="Unit <UNIT.batang.example>")),
    no("R06", "word-list", mail(Subject="List-Id permohonan")),
    yes("R07", "all", mail(X_Auto_Response_Suppress="All")),
    yes("R07", "oof-among-others", mail(X_Auto_Response_Suppress="DR, RN, OOF")),
    yes("R07", "autoreply-lower", mail(X_Auto_Response_Suppress="autoreply")),
    no("R07", "dr-only", mail(X_Auto_Response_Suppress="DR")),
    no("R07", "receipts-only", mail(X_Auto_Response_Suppress="RN, NRN, NDR")),
    no("R07", "empty", mail(X_Auto_Response_Suppress="")),
    yes("R08", "x-autoreply", mail(X_Autoreply="yes")),
    yes("R08", "exchange-rule-loop", mail(X_MS_Exchange_Inbox_Rules_Loop="dinas@kantor.example")),
    yes("R08", "delivered-to-autoresponder", mail(Delivered_To="autoresponder")),
    no("R08", "x-mailer", mail(X_Mailer="Outlook")),
    no("R08", "delivered-to-us", mail(Delivered_To="lpse@batang.example")),
    no("R08", "x-originating-ip", mail(X_Originating_IP="[192.0.2.1]")),
    yes("R09", "mailer-daemon", mail(From="MAILER-DAEMON@kantor.example")),
    yes("R09", "no-reply", mail(From="no_reply@kantor.example")),
    yes("R09", "bounces-tag", mail(From="bounces+7@kantor.example")),
    no("R09", "person-with-no-in-name", mail(From="noreplyanto@kantor.example")),
    no("R09", "root-village", mail(From="rooteng.desa@kantor.example")),
    no("R09", "request-inside", mail(From="requestor@kantor.example")),
    yes("R10", "invitation-answer", mail(ICS)),
    yes("R10", "alternative-with-calendar", mail(parts("multipart/alternative", TEXT, ICS))),
    yes("R10", "calendar-and-ics-file", mail(parts("multipart/mixed", ICS, b'Content-Type: application/ics; name="u.ics"\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n'))),
    no("R10", "calendar-beside-a-letter", mail(parts("multipart/mixed", ICS, PDF))),
    no("R10", "letter-only", mail(WITH_PDF)),
    no("R10", "word-calendar", mail(Subject="Undangan text/calendar")),
    yes("R11", "balasan-otomatis", mail(Subject="Balasan otomatis: Tanda terima")),
    yes("R11", "sedang-dinas-luar", mail(Subject="Sedang dinas luar sampai Jumat")),
    yes("R11", "encoded-out-of-office", mail(Subject="=?utf-8?q?Out_of_Office=3A_rapat?=")),
    no("R11", "plain-request"),
    no("R11", "word-inside", mail(Subject="Permohonan akun, saya di luar kantor besok")),
    no("R11", "autoreply-word-later", mail(Subject="Re: tanya balasan otomatis")),
    yes("R12", "nobody-named", mail(To="undisclosed-recipients:;")),
    yes("R12", "other-address", mail(To="lpse@semarang.example")),
    yes("R12", "our-address-inside-another", mail(To="xlpse@batang.example.kantor.example")),
    no("R12", "plus-tag", mail(To="Lpse+akun@Batang.Example")),
    no("R12", "in-cc", mail(To="bupati@kota.example", Cc="helpdesk@batang.example")),
    no("R12", "envelope-only", mail(To="unit@kota.example", X_Original_To="lpse@batang.example")),
    yes("R13", "two-from-headers", mail(From=("a@kantor.example", "b@kantor.example"))),
    yes("R13", "two-mailboxes", mail(From="a@kantor.example, b@kantor.example")),
    yes("R13", "doubled-message-id", mail(Message_ID=("<1@kantor.example>", "<2@kantor.example>"))),
    no("R13", "one-of-each"),
    no("R13", "two-received", mail(Received=("from a", "from b"))),
    no("R13", "sender-once", mail(Sender="sekretaris@kantor.example")),
    yes("R14", "spam-flag", mail(X_Spam_Flag="YES")),
    yes("R14", "dmarc-fail", mail(Authentication_Results="mx.batang.example; dmarc=fail header.from=kantor.example"), **AUTH),
    yes("R14", "spam-status", mail(X_Spam_Status="Yes, score=9")),
    no("R14", "spam-no", mail(X_Spam_Flag="NO", X_Spam_Status="No, score=0")),
    no("R14", "fail-of-a-stranger", mail(Authentication_Results="mx.penipu.example; dmarc=fail"), **AUTH),
    no("R14", "fail-below-our-pass", mail(Authentication_Results=("mx.batang.example; dmarc=pass", "mx.batang.example; dmarc=fail")), **AUTH),
    yes("R15", "nothing-known", mail(), **AUTH),
    yes("R15", "pass-for-another-domain", mail(Authentication_Results="mx.batang.example; dkim=pass header.d=penipu.example"), **AUTH),
    yes("R15", "pass-by-a-stranger", mail(Authentication_Results="mx.penipu.example; dmarc=pass"), **AUTH),
    no("R15", "dmarc-pass", mail(Authentication_Results="mx.batang.example; dmarc=pass header.from=kantor.example"), **AUTH),
    no("R15", "aligned-spf", mail(Authentication_Results="mx.batang.example 1; spf=pass smtp.mailfrom=surat.kantor.example"), **AUTH),
    no("R15", "no-authserv-id-configured"),
    yes("R16", "four-days-old", received_at=NOW - dt.timedelta(days=4)),
    yes("R16", "just-over", received_at=NOW - dt.timedelta(hours=72, seconds=1)),
    yes("R16", "new-epoch", epoch=True),
    no("R16", "exactly-72-hours", received_at=NOW - dt.timedelta(hours=72)),
    no("R16", "now"),
    no("R16", "server-clock-ahead", received_at=NOW + dt.timedelta(days=1)),
    yes("R17", "many-hops", mail(Received=tuple(f"from h{n}" for n in range(31)))),
    yes("R17", "answers-our-reply-at-once", mail(), since_our_reply=1.0),
    yes("R17", "third-reply-in-thread", mail(), sent_in_thread=3),
    no("R17", "thirty-hops", mail(Received=tuple(f"from h{n}" for n in range(30)))),
    no("R17", "answers-at-once-with-a-file", mail(WITH_PDF), since_our_reply=1.0),
    no("R17", "answers-after-two-minutes", mail(), since_our_reply=120.0),
    yes("R18", "three-in-an-hour", sent=Sent(hour=3, day=3)),
    yes("R18", "whole-office-per-minute", mail(WITH_PDF), sent=Sent(all_minute=20)),
    yes("R18", "same-mail-again", mail(WITH_PDF), same_before=True),
    no("R18", "two-in-an-hour", sent=Sent(hour=2, day=2)),
    no("R18", "free-mail-domain", mail(From="orang@gmail.com"), sent=Sent(domain_hour=60)),
    no("R18", "seven-a-day-with-files", mail(WITH_PDF), sent=Sent(day=7)),
    yes("R19", "bounced-before", undeliverable=True),
    yes("R19", "bounced-before-with-file", mail(WITH_PDF), undeliverable=True),
    yes("R19", "bounced-and-authenticated", mail(Authentication_Results="mx.batang.example; dmarc=pass"), undeliverable=True, **AUTH),
    no("R19", "never-bounced"),
    no("R19", "never-bounced-with-file", mail(WITH_PDF)),
    no("R19", "free-mail", mail(From="orang@gmail.com")),
    yes("R20", "switched-off", enabled=False),
    yes("R20", "switched-off-with-file", mail(WITH_PDF), enabled=False),
    yes("R20", "switched-off-known-sender", mail(Authentication_Results="mx.batang.example; dmarc=pass"), enabled=False, **AUTH),
    no("R20", "switched-on"),
    no("R20", "switched-on-with-file", mail(WITH_PDF)),
    no("R20", "switched-on-free-mail", mail(From="orang@gmail.com")),
]  # fmt: skip


def read(tmp_path: Path, data: bytes) -> Submission:
    path = tmp_path / "mail.eml"
    path.write_bytes(data)
    (tmp_path / "leaves").mkdir(exist_ok=True)
    return message.read(str(path), str(tmp_path / "leaves"))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda s: f"{s.rule}-{'stops' if s.stops else 'passes'}-{s.name}")
def test_rule(sample: Sample, tmp_path: Path) -> None:
    spoke = guard(read(tmp_path, sample.data), replace(OURS, **sample.around))

    assert (sample.rule in spoke.rules) == sample.stops
    if sample.stops:
        assert spoke.policy != "reply"


def test_every_rule_has_three_mails_of_each_kind() -> None:
    counts = {(s.rule, s.stops): sum((o.rule, o.stops) == (s.rule, s.stops) for o in SAMPLES) for s in SAMPLES}

    assert counts == {(f"R{n:02d}", stops): 3 for n in range(1, 21) for stops in (True, False)}


@pytest.mark.parametrize(
    ("headers", "policy"),
    [
        ({}, "reply"),
        ({"From": "postmaster@kantor.example"}, "hold"),
        ({"Auto_Submitted": "auto-replied", "X_Spam_Flag": "YES"}, "suppress"),
    ],
)
def test_the_worst_rule_decides(headers: dict[str, object], policy: str, tmp_path: Path) -> None:
    assert guard(read(tmp_path, mail(**headers)), OURS).policy == policy


def test_files_in_a_busy_thread_go_to_a_person_and_are_never_ignored(tmp_path: Path) -> None:
    assert guard(read(tmp_path, mail(WITH_PDF)), replace(OURS, sent_in_thread=3)).policy == "hold"


def test_limits_come_from_the_configuration(tmp_path: Path) -> None:
    around = replace(OURS, sent=Sent(hour=3, day=3), limits=Limits(address_hour=9, address_day=9))

    assert guard(read(tmp_path, mail(WITH_PDF)), around).policy == "reply"


@pytest.mark.parametrize(
    ("wanted", "address", "differs"),
    [
        (None, "dinas@kantor.example", False),
        ("sekretariat@kantor.example", "sekretariat@kantor.example", False),
        ("Kepala <kepala@bidang.kantor.example>", "kepala@bidang.kantor.example", False),
        ("korban@lain.example", "dinas@kantor.example", True),
        (("a@kantor.example", "b@kantor.example"), "dinas@kantor.example", False),
        ("a@kantor.example, b@kantor.example", "dinas@kantor.example", False),
    ],
)
def test_a_reply_stays_within_the_senders_organisation(
    wanted: object, address: str, differs: bool, tmp_path: Path
) -> None:
    assert reply_address(read(tmp_path, mail(Reply_To=wanted))) == (address, differs)


def test_a_free_mail_neighbour_is_not_the_same_organisation(tmp_path: Path) -> None:
    assert reply_address(read(tmp_path, mail(From="a@gmail.com", Reply_To="b@gmail.com"))) == ("a@gmail.com", True)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("a@dinkes.batangkab.go.id", "batangkab.go.id"),
        ("a@batangkab.go.id", "batangkab.go.id"),
        ("a@x.y.kantor.example", "kantor.example"),
        ("a", ""),
    ],
)
def test_organisation(address: str, expected: str) -> None:
    assert organisation(address) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("A@Kantor.Example", "a@kantor.example"),
        ("prvs=0123ab=a@kantor.example", "a@kantor.example"),
        ("SRS0=Xy1z=AB=kantor.example=a@terusan.example", "a@kantor.example"),
    ],
)
def test_plain_address(address: str, expected: str) -> None:
    assert plain_address(address) == expected


def test_spf_of_another_part_does_not_count_for_dkim(tmp_path: Path) -> None:
    result = "mx.batang.example; dkim=fail header.d=kantor.example; spf=pass smtp.mailfrom=penipu.example"
    submission = read(tmp_path, mail(Authentication_Results=result))

    assert not authenticated(submission, replace(OURS, authserv_id="mx.batang.example"))


HOSTILE = ("x", "@", "a@", " ", "a ", "<", ";", "dkim=pass;", "srs0=", "()", ">,<")
FIELDS = (
    "To",
    "Cc",
    "Delivered-To",
    "Reply-To",
    "Authentication-Results",
    "List-Id",
    "References",
    "Subject",
    "Received",
)


def judged(mails: tuple[Submission, ...]) -> int:
    for submission in mails:
        guard(submission, OURS)
        reply_address(submission)
    return len(mails)


@pytest.mark.parametrize("name", FIELDS)
def test_t33_no_rule_takes_long_over_a_hostile_header(name: str, tmp_path: Path) -> None:
    """A pattern that is not linear needs minutes of CPU for one of these; the child has seconds for all."""
    bait = tuple(
        read(tmp_path, mail(**{name: tuple((piece * 30_000)[:30_000] for _ in range(7))})) for piece in HOSTILE
    )

    assert child.run(judged, bait, result=int, limits=child.Limits(cpu_seconds=10)) == len(HOSTILE)
