"""Whole cases through their callers: mail, desk, agency, clock."""

import datetime as dt
from pathlib import Path

import pytest

from mailbot.model import MISSING, Evidence, Found
from mailbot.sop.case import Refused
from mailbot.store import Stale, access, cases, chain, steps
from mailbot.work import agency, desk
from mailbot.work.agency import Result
from tests.worlds import AGENCY, HELPDESK, SUPERVISOR, Clock, Post, body_of, evidence, person, seen, world


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def post(tmp_path: Path, clock: Clock, database: str) -> Post:
    return Post(world(tmp_path, clock, database))


def test_a_complete_request_goes_all_the_way(post: Post, clock: Clock) -> None:
    w = post.world
    case = post.mail(evidence(person()))
    assert case.state == "diteruskan"
    with w.store.reading() as tx:
        (one,) = cases.persons(tx, case.id)
    clock.pass_(minutes=5)
    case = agency.record_result(w, seen(case), AGENCY, one.id, Result("berhasil", "BUDI.PPK"))
    assert case.state == "hasil_diterima"
    case = agency.notify(w, seen(case), HELPDESK)
    case = agency.hand_over(w, seen(case), HELPDESK, one.id, "tautan_lupa_password")

    assert case.state == "diberitahukan"
    mails = {str(m["To"]): body_of(m) for m in post.sent()}
    assert "BUDI.PPK" in mails["budi@contoh.example"]
    assert "BUDI.PPK" not in mails["dinas@contoh.example"]
    with w.store.reading() as tx:
        (right,) = access.of_nip(tx, "198507042010011007")
        assert (right.status, right.user_id, right.valid_until) == ("aktif", "BUDI.PPK", "2026-12-31")
        assert [s.name for s in steps.of_case(tx, case.id)] == ["T3", "T6", "T8", "T9"]
        assert not list(chain.faults(chain.events(tx, case.id)))
        assert len(chain.events(tx, case.id)) == case.version


def test_a_returned_file_comes_back_complete(post: Post) -> None:
    first = post.mail(evidence(person(), decree=False))
    assert first.state == "dikembalikan"
    returned = post.sent()[-1]
    again = post.mail(evidence(person(), letter=False), answers=str(returned["Message-ID"]))

    assert (again.id, again.round, again.state) == (first.id, 2, "diteruskan")


def test_two_officers_at_once_one_wins_and_the_other_is_told(post: Post) -> None:
    case = post.mail(evidence(person(email=Found(None, "budi @", 0.3))))
    assert case.state == "perlu_tinjauan"
    desk.simply(post.world, seen(case), "catatan", HELPDESK, "sedang saya periksa")

    with pytest.raises(Stale, match="siti"):
        desk.send_back(post.world, seen(case), HELPDESK)


def test_nobody_acts_outside_their_role(post: Post) -> None:
    case = post.mail(evidence(person()))

    with pytest.raises(Refused, match="wewenang"):
        desk.simply(post.world, seen(case), "kirim_balik", HELPDESK, "salah orang")
    back = desk.simply(post.world, seen(case), "kirim_balik", AGENCY, "SK untuk satker lain")
    assert back.state == "perlu_tinjauan"


def test_an_incomplete_person_is_not_forwarded_until_corrected(post: Post) -> None:
    case = post.mail(evidence(person(email=Found(None, "budi @", 0.3))))
    with pytest.raises(Refused, match="Email"):
        desk.forward(post.world, seen(case), HELPDESK)
    with post.world.store.reading() as tx:
        (one,) = cases.persons(tx, case.id)
    case = desk.correct(post.world, seen(case), HELPDESK, one.id, "email", "Budi@Contoh.example")

    assert desk.forward(post.world, seen(case), HELPDESK).state == "diteruskan"
    with post.world.store.reading() as tx:
        (one,) = cases.persons(tx, case.id)
    assert one.person.email.value == "budi@contoh.example"
    assert one.corrected == ("email",)


def test_a_changed_email_address_blocks_until_somebody_called_back(post: Post) -> None:
    w = post.world
    first = post.mail(evidence(person()))
    with w.store.reading() as tx:
        (one,) = cases.persons(tx, first.id)
    agency.record_result(w, seen(first), AGENCY, one.id, Result("berhasil", "BUDI.PPK"))
    other = person(email=Found("penipu@gratis.example", "", 0.98, agreed=True))
    second = post.mail(evidence(other, number="027/99/2026"))
    with w.store.reading() as tx:
        (again,) = cases.persons(tx, second.id)
    with pytest.raises(Refused, match="berbeda dengan register"):
        agency.record_result(w, seen(second), AGENCY, again.id, Result("berhasil", "BUDI.PPK"))
    second = desk.call_back(w, seen(second), HELPDESK, again.id, "(0285) 391234", "dibenarkan pemegang akun")

    assert (
        agency.record_result(w, seen(second), AGENCY, again.id, Result("berhasil", "BUDI.PPK")).state
        == "hasil_diterima"
    )


def test_a_late_step_is_explained_and_accepted(post: Post, clock: Clock) -> None:
    case = post.mail(evidence(person()))
    clock.pass_(minutes=25)
    with post.world.store.reading() as tx:
        (one,) = cases.persons(tx, case.id)
    case = agency.record_result(post.world, seen(case), AGENCY, one.id, Result("berhasil", "BUDI.PPK"))
    with post.world.store.reading() as tx:
        (late,) = steps.deviations(tx)
    assert (late.name, late.ended_by, late.number) == ("T6", "budi", case.number)
    with pytest.raises(Refused, match="alasan"):
        desk.accept(post.world, seen(case), SUPERVISOR, late.id)
    case = desk.explain(post.world, seen(case), AGENCY, late.id, "SPSE tidak dapat diakses")
    desk.accept(post.world, seen(case), SUPERVISOR, late.id)

    with post.world.store.reading() as tx:
        (late,) = steps.deviations(tx)
    assert late.accepted_by == "ratna"


def test_a_case_of_two_persons_can_be_split_and_merged(post: Post) -> None:
    two = (person(), person("199001012015021002", "Sari Dewi", email=Found(None, "?", 0.2)))
    case = post.mail(evidence(*two))
    with post.world.store.reading() as tx:
        ids = [p.id for p in cases.persons(tx, case.id)]
    case = desk.split(post.world, seen(case), HELPDESK, ids[1:])
    with post.world.store.reading() as tx:
        other = cases.everything(tx)[-1]
        assert [len(cases.persons(tx, i)) for i in (case.id, other.id)] == [1, 1]
        assert desk.latest(tx, other.id)[0].documents == desk.latest(tx, case.id)[0].documents
    assert desk.forward(post.world, seen(case), HELPDESK).state == "diteruskan"


def test_refusing_needs_a_reason_and_tells_the_requester(post: Post) -> None:
    case = post.mail(evidence(person(email=Found(None, "?", 0.2))))
    with pytest.raises(Refused, match="alasan"):
        desk.refuse(post.world, seen(case), HELPDESK, " ")
    case = desk.refuse(post.world, seen(case), HELPDESK, "bukan wewenang LPSE ini")

    assert case.state == "ditolak"
    assert "bukan wewenang LPSE ini" in body_of(post.sent()[-1])


def test_the_day_is_that_of_the_office_not_of_utc(tmp_path: Path) -> None:
    clock = Clock(dt.datetime(2026, 12, 31, 18, 30, tzinfo=dt.UTC))  # 1 January 2027, 01.30 WIB
    case = Post(world(tmp_path, clock)).mail(evidence(person()))

    assert case.number.startswith("LPSE-2027-")
    assert case.state == "perlu_tinjauan"  # the SK was for 2026


def test_an_objection_without_files_reaches_a_person(post: Post) -> None:
    first = post.mail(evidence(person(), decree=False))
    returned = post.sent()[-1]
    again = post.mail(Evidence(body="Menurut kami SK sudah terlampir."), answers=str(returned["Message-ID"]), files=())

    assert (again.id, again.state) == (first.id, "perlu_tinjauan")
    assert len([m for m in post.sent() if "belum lengkap" in str(m["Subject"])]) == 1


def test_a_mail_during_the_execution_is_noted_for_a_person(post: Post) -> None:
    case = post.mail(evidence(person(), person("199001012015021002", "Sari Dewi")))
    with post.world.store.reading() as tx:
        ids = [p.id for p in cases.persons(tx, case.id)]
    agency.record_result(post.world, seen(case), AGENCY, ids[0], Result("berhasil", "BUDI.PPK"))
    receipt = next(m for m in post.sent() if "Tanda terima" in str(m["Subject"]))
    post.world.now.pass_(minutes=5)  # type: ignore[attr-defined]  # at once, and without a file, it would be a robot (R17)
    again = post.mail(Evidence(body="Bagaimana kabarnya?"), answers=str(receipt["Message-ID"]), files=())

    assert (again.id, again.state) == (case.id, "ditindaklanjuti")
    with post.world.store.reading() as tx:
        assert "email baru" in chain.events(tx, case.id)[-1].reason


def test_a_held_receipt_is_sent_by_a_person(post: Post) -> None:
    case = post.mail(evidence(person()), headers={"Subject": "Balasan otomatis: permohonan"})
    assert not post.sent()
    desk.send_receipt(post.world, seen(case), HELPDESK)

    assert "Tanda terima" in str(post.sent()[-1]["Subject"])


def test_an_answer_in_plain_words_completes_the_data(post: Post) -> None:
    first = post.mail(evidence(person(telepon=MISSING, email=MISSING)))
    body = "Berikut kami lengkapi:\nNo. HP : 0812-3456-7890\nEmail : budi.santoso@contoh.example\n\nTerima kasih."
    again = post.mail(Evidence(body=body), answers="<uji.1@contoh.example>", files=())

    assert (again.id, again.round, again.state) == (first.id, 2, "diteruskan")
    with post.world.store.reading() as tx:
        (one,) = cases.persons(tx, again.id)
    assert (one.person.telepon.value, one.person.email.value) == ("+6281234567890", "budi.santoso@contoh.example")
