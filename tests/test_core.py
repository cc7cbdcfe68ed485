"""The pure core in milliseconds: judge, case, clock, guard, compose."""

import datetime as dt
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage

import pytest

from mailbot.model import Case, Document, Evidence, Found, Guard, Letter, Mark, Person, Submission, Verdict
from mailbot.replies import compose, guard
from mailbot.sop import case, clock, judge, load

SOP = load()
NOW = dt.datetime(2026, 11, 23, 3, 0, tzinfo=dt.UTC)
SEEN = Mark("seen", 0.9, 1, (0, 0, 1, 1))
OURS = guard.Surroundings(own_addresses=frozenset({"lpse@batangkab.example"}), now=NOW, received_at=NOW)
OFFICE = compose.Office("LPSE Contoh", "", "", "Senin-Jumat", "lpse@batangkab.example", "kunci")


def found(value: str) -> Found:
    return Found(value, value, 0.95, "surat.pdf", 1, (0, 0, 1, 1), value, True)


PERSON = Person(
    found("Budi Santoso, S.T."), found("198507042010011007"), found("III/d"), found("Kepala Bidang"), found("Dinas Contoh"),
    found("Jalan Contoh 1"), found("+6281234567890"), found("budi@contoh.go.id"), "ppk", "pengaktifan",
)  # fmt: skip
FACTS = Letter(
    found("1/2/2026"),
    found("2026-11-20"),
    found("Permohonan"),
    found("Kepala LPSE Kabupaten Batang"),
    tindakan=("pengaktifan",),
)
LETTER = Document(
    "surat.pdf", "a", (1,), "surat_permohonan", "ocr", FACTS, (PERSON,), SEEN, SEEN, SEEN, None, 0.9, True
)
DECREE = Document(
    "sk.pdf", "b", (1, 2), "surat_keputusan", "ocr", Letter(tahun_anggaran=2026, peran=("ppk",)), (PERSON,), quality=0.9
)
COMPLETE = Evidence(
    (LETTER, DECREE), (PERSON,), FACTS, texts=(("surat.pdf", 1, "Permohonan"), ("sk.pdf", 1, "Keputusan"))
)


def codes(evidence: Evidence) -> dict[str, str]:
    return {f.code: f.cls for f in judge.judge(evidence, SOP, NOW.date()).findings}


def test_a_complete_file_has_no_findings() -> None:
    assert judge.judge(COMPLETE, SOP, NOW.date()) == Verdict("complete")


@pytest.mark.parametrize(("evidence", "code", "cls", "decision"), [
    pytest.param(replace(COMPLETE, documents=(LETTER,)), "SK-TIDAK-ADA", "certain", "incomplete", id="no-decree"),
    pytest.param(replace(COMPLETE, documents=(replace(LETTER, quality=0.4),)), "SK-TIDAK-ADA", "unsure", "review", id="badly-read"),
    pytest.param(replace(COMPLETE, documents=(LETTER, replace(DECREE, kind="lain", unsure=True))), "SK-TIDAK-ADA", "unsure", "review",
                 id="something-may-be-the-decree"),
    pytest.param(replace(COMPLETE, documents=(DECREE,)), "SURAT-TIDAK-ADA", "certain", "incomplete", id="no-letter"),
    pytest.param(replace(COMPLETE, documents=(replace(LETTER, stempel=Mark("cannot_judge")), DECREE)), "SURAT-STEMPEL", "unsure", "review", id="stamp"),
    pytest.param(replace(COMPLETE, documents=(replace(LETTER, stempel=Mark("not_found")), DECREE)), "SURAT-STEMPEL", "unsure", "review", id="no-stamp"),
    pytest.param(replace(COMPLETE, persons=(replace(PERSON, email=Found(None)),)), "DATA-EMAIL", "certain", "incomplete", id="no-email"),
    pytest.param(replace(COMPLETE, persons=(replace(PERSON, nip=replace(PERSON.nip, agreed=False)),)), "DATA-NIP-SALAH", "unsure", "review", id="engines-differ"),
    pytest.param(replace(COMPLETE, persons=(replace(PERSON, nip=replace(PERSON.nip, agreed=None)),)), "DATA-NIP-SALAH", "unsure", "review", id="read-once"),
    pytest.param(replace(COMPLETE, persons=(replace(PERSON, email=replace(PERSON.email, agreed=None)),)), "DATA-EMAIL-SALAH", "unsure", "review", id="email-read-once"),
    pytest.param(replace(COMPLETE, persons=(replace(PERSON, telepon=replace(PERSON.telepon, agreed=False)),)), "DATA-TELEPON", "unsure", "review", id="phones-differ"),
    pytest.param(replace(COMPLETE, persons=(replace(PERSON, peran=None),)), "SURAT-MAKSUD", "unsure", "review", id="no-role"),
    pytest.param(replace(COMPLETE, documents=(LETTER, replace(DECREE, letter=Letter(tahun_anggaran=2025)))), "SK-TIDAK-BERLAKU", "unsure", "review", id="expired"),
    pytest.param(replace(COMPLETE, documents=(LETTER, replace(DECREE, persons=()))), "SK-NAMA", "unsure", "review", id="not-in-decree"),
    pytest.param(replace(COMPLETE, documents=(LETTER, replace(DECREE, persons=(replace(PERSON, nip=found("198507042010011009")),)))),
                 "DATA-NIP-BEDA", "unsure", "review", id="nip-differs"),
])  # fmt: skip
def test_each_defect_has_its_code_and_class(evidence: Evidence, code: str, cls: str, decision: str) -> None:
    verdict = judge.judge(evidence, SOP, NOW.date())

    assert codes(evidence)[code] == cls
    assert verdict.decision == decision


def test_certain_and_unsure_together_go_to_a_person() -> None:
    evidence = replace(COMPLETE, documents=(replace(LETTER, stempel=Mark("cannot_judge")),))

    assert judge.judge(evidence, SOP, NOW.date()).decision == "review"


def test_a_resubmission_joins_the_rounds() -> None:
    union = judge.with_rounds((DECREE,), (LETTER, Document("x", "c", (1,), "lain", "none", problems=("FILE-SANDI",))))

    assert union == (DECREE, LETTER)


CASE = Case(1, "LPSE-2026-000001", case.RECEIVED, 1, 1, "pemohon@contoh.go.id", "Permohonan")


@pytest.mark.parametrize(("decision", "policy", "state", "kinds"), [
    ("complete", "reply", case.FORWARDED, []), ("incomplete", "reply", case.RETURNED, ["incomplete"]),
    ("incomplete", "hold", case.CHECKED_BY_PERSON, []), ("review", "reply", case.CHECKED_BY_PERSON, []),
    ("not_request", "reply", case.NOT_REQUEST, ["out_of_scope"]), ("not_request", "minimal", case.NOT_REQUEST, []),
])  # fmt: skip
def test_what_the_machine_does_with_a_verdict(decision: str, policy: str, state: str, kinds: list[str]) -> None:
    change = case.by_verdict(CASE, Verdict(decision), Guard(policy), NOW)  # type: ignore[arg-type]

    assert (change.new, [r.kind for r in change.replies]) == (state, kinds)


def test_an_action_outside_the_table_is_refused() -> None:
    with pytest.raises(case.Refused, match="Diarsipkan"):
        case.decide(replace(CASE, state=case.ARCHIVED), "lengkap", NOW)


def test_service_minutes_skip_nights_weekends_and_holidays() -> None:
    hours = clock.Hours()
    friday_evening = dt.datetime(2026, 11, 20, 8, 55, tzinfo=dt.UTC)  # 15.55 WIB

    assert hours.deadline(friday_evening, 10) == dt.datetime(2026, 11, 23, 1, 5, tzinfo=dt.UTC)
    assert not hours.is_open_day(dt.date(2026, 8, 17))


MAIL = Submission("<a@b.example>", "pemohon@contoh.go.id", "Pemohon", "Permohonan", NOW, (), "", "",
                  (("to", "lpse@batangkab.example"), ("from", "pemohon@contoh.go.id")), ("text/plain",), ())  # fmt: skip


def with_header(name: str, value: str) -> Submission:
    return replace(MAIL, headers=(*MAIL.headers, (name, value)))


@pytest.mark.parametrize(("mail", "rule", "policy"), [
    (with_header("return-path", "<>"), "R02", "suppress"),
    (with_header("content-type", "multipart/report; report-type=x"), "R03", "suppress"),
    (with_header("auto-submitted", "auto-replied (zimbra; vacation)"), "R04", "suppress"),
    (with_header("precedence", "Bulk"), "R05", "suppress"),
    (with_header("list-id", "<a.b>"), "R06", "suppress"),
    (with_header("x-auto-response-suppress", "DR, OOF"), "R07", "suppress"),
    (with_header("x-loop", "1"), "R08", "suppress"),
    (replace(MAIL, sender="no-reply@x.example"), "R09", "suppress"),
    (replace(MAIL, sender="postmaster@x.example"), "R09", "hold"),
    (replace(MAIL, leaf_types=("text/calendar",)), "R10", "suppress"),
    (replace(MAIL, subject="Balasan otomatis: sedang cuti"), "R11", "hold"),
    (replace(MAIL, headers=(("to", "lain@x.example"),)), "R12", "hold"),
    (replace(MAIL, sender=None), "R13", "hold"),
    (with_header("x-spam-flag", "YES"), "R14", "hold"),
])  # fmt: skip
def test_robots_are_not_answered(mail: Submission, rule: str, policy: str) -> None:
    result = guard.guard(mail, OURS)

    assert rule in result.rules and result.policy == policy


@pytest.mark.parametrize("mail", [
    MAIL, with_header("auto-submitted", "no"), with_header("x-auto-response-suppress", "DR, RN"), with_header("precedence", "first-class"),
    replace(MAIL, sender="budi.bounces@x.example"), replace(MAIL, subject="Re: Permohonan otomatisasi akun"),
])  # fmt: skip
def test_people_are_answered(mail: Submission) -> None:
    assert guard.guard(mail, OURS) == Guard("reply")


def test_unauthenticated_senders_get_the_minimal_reply_where_an_authserv_id_is_set() -> None:
    around = replace(OURS, authserv_id="mx.batang.example")

    assert guard.guard(MAIL, around) == Guard("minimal", ("R15",))
    assert guard.guard(with_header("authentication-results", "mx.batang.example; dmarc=pass"), around) == Guard("reply")


@pytest.mark.parametrize(
    ("counts", "policy"), [((2, 2), "reply"), ((3, 3), "hold"), ((0, 8), "hold"), ((0, 2), "reply")]
)
def test_limits_per_address(counts: tuple[int, int], policy: str) -> None:
    assert guard.guard(MAIL, replace(OURS, sent=guard.Sent(*counts), received_at=NOW)).policy == policy


def receipt(subject: str) -> bytes:
    values = {"waktu": clock.spoken(NOW, "Asia/Jakarta"), "perihal": compose.safe(subject), "mulai_periksa": None,
              "berkas": compose.files_of([("a.pdf", 2048)])}  # fmt: skip
    thread = compose.Thread("pemohon@contoh.go.id", "LPSE-2026-000001", ("<" + "x" * 120 + "@b.example>", "bad id"))
    return compose.compose("receipt", 1, "S", thread, values, OFFICE, NOW).data


def test_in_51_the_receipt_is_deterministic_threaded_and_marked() -> None:
    mail = message_from_bytes(receipt("Permohonan"))

    assert receipt("Permohonan") == receipt("Permohonan")
    assert mail["In-Reply-To"] == "<" + "x" * 120 + "@b.example>"
    assert (mail["Auto-Submitted"], mail["Precedence"]) == ("auto-replied", "bulk")
    own = replace(MAIL, message_id=mail["Message-ID"], headers=(("x-mailbot-loop", mail["X-Mailbot-Loop"]),))
    assert compose.carries_mark(own, "kunci") and not compose.carries_mark(own, "lain")


def test_mail_text_is_never_a_template_nor_a_header() -> None:
    data = receipt("{{7*7}}\r\nBcc: korban@x.example\u202e")

    assert b"{{7*7}}" in data and b"\nBcc:" not in data and "\u202e".encode() not in data


@pytest.mark.parametrize(
    "subject", ["Tanda terima", "é € 日本", "=?utf-8?q?x?= y=1", "a" * 1200, 'kutip " dan \\ ; (x)']
)
@pytest.mark.parametrize("name", ["LPSE Contoh", "Dinas é", 'Dinas "PU"', "x" * 70])
@pytest.mark.parametrize("body", ["Isi\n", "é\r\nFrom x\n.\n\n", "x" * 1200, ""])
def test_a_plain_reply_is_written_as_the_standard_library_writes_it(subject: str, name: str, body: str) -> None:
    thread = compose.Thread("a.b+c=d@contoh.example", "LPSE-2026-000001", ("<1=x@b.example>", "<2@b.example>"))
    headers = compose._headers("<mb.x@d.example>", subject, thread, replace(OFFICE, name=name), NOW)
    slow = EmailMessage(policy=compose.POLICY)
    for key, value in headers:
        slow[key] = value
    slow.set_content(body, cte="8bit")
    slow["Content-Language"] = "id"

    assert compose._plain(headers, body) == slow.as_bytes()


def test_a_header_with_line_ends_is_refused() -> None:
    with pytest.raises(ValueError):
        compose._plain([("Subject", "a\r\nBcc: b@c.example")], "isi")
