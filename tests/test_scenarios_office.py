"""Whole cases through all callers (mail, desk, agency, clock, archive) under two SOP files and on both databases."""

import datetime as dt
from dataclasses import replace
from pathlib import Path

import pytest

from mailbot import config
from mailbot.model import Case, Document, Evidence, Found, Letter, Person
from mailbot.sop import LETTER, Sop, load
from mailbot.sop.case import Refused
from mailbot.store import Stale, access, cases, chain, mails, steps
from mailbot.work import World, agency, archive, desk, reading, ticks, yearend
from mailbot.work.agency import Result
from mailbot.work.entry import Entry, enter
from tests.worlds import AGENCY, HELPDESK, SEEN, SUPERVISOR, Clock, Post, body_of, found, person, seen, world

SOPS = {"batang": None, "contoh": Path(__file__).parent / "sop" / "SOP-CONTOH.toml"}
SARI = "199001012015022002"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=[
    "batang-sqlite", "contoh-sqlite", pytest.param("batang-postgresql", marks=pytest.mark.server),
])  # fmt: skip
def post(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Post:
    """A world under one SOP file on one database."""
    name, _, engine = request.param.partition("-")
    database = request.getfixturevalue("postgres_url") if engine == "postgresql" else ""
    return Post(world(tmp_path, clock, database, sop=config.SopSection(file=str(SOPS[name] or ""))))


def asked(sop: Sop, *people: Person, without: tuple[str, ...] = (), number: str = "027/12/2026") -> Evidence:
    """A file that has all that this SOP asks for, but the kinds in `without`."""
    need = sop.need(people[0].peran, people[0].tindakan)
    facts = Letter(found(number), found("2026-11-20"), found("Permohonan"), found("Kepala LPSE Kabupaten Batang"), found("Dinas Contoh"),
                   tindakan=("pengaktifan",))  # fmt: skip
    decree = Letter(found("188/1/2026"), tahun_anggaran=2026, peran=tuple(p.peran for p in people if p.peran))
    documents = [Document("surat.pdf", "a" * 64, (1,), LETTER, "ocr", facts, people, SEEN, SEEN, SEEN, None, 0.9, True)]
    documents += [
        Document(f"{kind}.pdf", kind[0] * 64, (1,), kind, "ocr", persons=people, quality=0.9)
        for kind in need.documents
        if kind != LETTER
    ]
    documents += [
        Document("dasar.pdf", "b" * 64, (1,), kind, "ocr", decree, people, quality=0.9) for kind in need.basis[:1]
    ]
    kept = tuple(d for d in documents if d.kind not in without)
    return Evidence(kept, people, facts if LETTER not in without else Letter(), "", "Permohonan")


def applicant(
    post: Post, nip: str = "198507042010011007", nama: str = "Budi Santoso, S.T.", **changes: object
) -> Person:
    return person(nip, nama, peran=next(iter(post.world.sop.roles)), **changes)


def complete(post: Post, *people: Person, number: str = "027/12/2026") -> Case:
    return post.mail(asked(post.world.sop, *(people or (applicant(post),)), number=number))


def ids(w: World, case: Case) -> list[int]:
    with w.store.reading() as tx:
        return [p.id for p in cases.persons(tx, case.id)]


def whole_way(post: Post, clock: Clock, case: Case) -> Case:
    """From forwarded to archived, each step two minutes."""
    w = post.world
    for number, one in enumerate(ids(w, case)):
        clock.pass_(minutes=2)
        case = agency.record_result(w, seen(case), AGENCY, one, Result("berhasil", f"AKUN.{number}"))
    clock.pass_(minutes=2)
    case = agency.notify(w, seen(case), HELPDESK)
    for one in ids(w, case):
        case = agency.hand_over(w, seen(case), HELPDESK, one, "tautan_lupa_password")
    clock.pass_(minutes=2)
    case = desk.printed(w, seen(case), HELPDESK)
    return archive.archive(w, seen(case), HELPDESK)


def test_a_case_goes_from_mail_to_archive_within_mutu_baku(post: Post, clock: Clock) -> None:
    case = complete(post)
    assert case.state == "diteruskan"
    case = whole_way(post, clock, case)
    ticks.tick(post.world)

    assert case.state == "diarsipkan"
    with post.world.store.reading() as tx:
        timers = steps.of_case(tx, case.id)
        (right,) = access.of_nip(tx, "198507042010011007")
    assert [(s.name, s.minutes, s.late) for s in timers] == [("T3", 0, 0), ("T6", 2, 0), ("T8", 2, 0), ("T9", 2, 0)]
    assert (right.status, right.user_id, right.case_number) == ("aktif", "AKUN.0", case.number)
    assert list(archive.verify(post.world)) == []


def test_a_returned_file_comes_back_is_reminded_and_ends_in_the_archive(post: Post, clock: Clock) -> None:
    sop = post.world.sop
    need = sop.need(next(iter(sop.roles)), "pengaktifan")
    first = post.mail(asked(sop, applicant(post), without=need.basis))
    assert first.state == "dikembalikan"
    returned = post.sent()[-1]
    assert sop.roles[next(iter(sop.roles))] in body_of(returned)
    clock.pass_(days=8)
    ticks.tick(post.world)
    assert "Pengingat" in str(post.sent()[-1]["Subject"])
    again = post.mail(asked(sop, applicant(post), without=(LETTER,)), answers=str(returned["Message-ID"]))

    assert (again.id, again.round, again.state) == (first.id, 2, "diteruskan")
    assert whole_way(post, clock, again).state == "diarsipkan"
    assert list(archive.verify(post.world)) == []


def test_one_letter_swaps_one_person_for_another(post: Post, clock: Clock) -> None:
    """A-07: action and result are per person."""
    w = post.world
    old = applicant(post, SARI, "Sari Dewi", email=found("sari@contoh.example"))
    case = whole_way(post, clock, complete(post, old, number="027/1/2026"))
    leaving = replace(old, tindakan="penonaktifan")
    swap = complete(post, applicant(post), leaving)
    assert swap.state == "diteruskan"
    first, second = ids(w, swap)
    swap = agency.record_result(w, seen(swap), AGENCY, first, Result("berhasil", "AKUN.BARU"))
    assert swap.state == "ditindaklanjuti"
    swap = agency.record_result(w, seen(swap), AGENCY, second, Result("berhasil", "AKUN.0"))
    assert swap.state == "hasil_diterima"
    with w.store.reading() as tx:
        assert [r.status for r in access.of_nip(tx, SARI)] == ["nonaktif"]
        assert [r.status for r in access.of_nip(tx, "198507042010011007")] == ["aktif"]
        (right,) = access.of_nip(tx, SARI)
        assert [h.what for h in access.history(tx, right.id)] == ["pengaktifan", "penonaktifan"]
    assert case.number != swap.number


def test_what_admin_agency_could_not_do_is_recorded_with_its_reason(post: Post) -> None:
    w, case = post.world, complete(post)
    (one,) = ids(w, case)
    with pytest.raises(Refused, match="alasan"):
        agency.record_result(w, seen(case), AGENCY, one, Result("gagal"))
    case = agency.record_result(w, seen(case), AGENCY, one, Result("gagal", note="SPSE menolak NIP"))
    agency.notify(w, seen(case), HELPDESK)

    assert "SPSE menolak NIP" in body_of(post.sent()[-1])
    with w.store.reading() as tx:
        assert access.of_nip(tx, "198507042010011007") == []


def test_a_hardcopy_case_goes_the_same_way(post: Post, clock: Clock) -> None:
    """R-08: handed in over the counter, entered by hand; nobody is written to by mail where no address was given."""
    w = post.world
    case = enter(w, HELPDESK, Entry("langsung", "Dinas Contoh", "Permohonan", (("surat.pdf", b"pindaian"),)))
    assert (case.channel, case.state) == ("langsung", "diterima")
    read = asked(w.sop, applicant(post))
    with w.store.transaction() as tx:
        (row,) = mails.of_case(tx, case.id)
        mails.save_reading(tx, row.id, read, ())
        reading.conclude(w, tx, case.id)
        case = cases.get(tx, case.id)
    case = case if case.state == "diteruskan" else desk.forward(w, seen(case), HELPDESK, "diperiksa pada loket")
    (one,) = ids(w, case)
    case = agency.record_result(w, seen(case), AGENCY, one, Result("berhasil", "AKUN.0"))
    case = agency.notify(w, seen(case), HELPDESK)

    assert archive.archive(w, seen(case), HELPDESK).state == "diarsipkan"  # the paper itself is filed: nothing to print
    assert {str(m["To"]) for m in post.sent()} == {"budi@contoh.example"}


def test_the_requester_withdraws_and_the_case_is_filed(post: Post) -> None:
    w, case = post.world, complete(post)
    with pytest.raises(Refused, match="alasan"):
        desk.simply(w, seen(case), "tarik", HELPDESK)
    case = desk.simply(w, seen(case), "tarik", HELPDESK, "surat dibatalkan instansi")
    case = desk.printed(w, seen(case), HELPDESK)

    assert archive.archive(w, seen(case), HELPDESK).state == "diarsipkan"


def test_a_case_over_the_end_of_the_year(post: Post, clock: Clock) -> None:
    """Arrives on the last afternoon, is executed in January: the night, the holiday and the weekend do not count."""
    clock.at = dt.datetime(2026, 12, 31, 8, 58, tzinfo=dt.UTC)  # 15.58 WIB
    case = complete(post)
    assert case.number.startswith("LPSE-2026-")
    clock.at = dt.datetime(2027, 1, 4, 1, 5, tzinfo=dt.UTC)  # Monday 08.05 WIB
    ticks.tick(post.world)
    (one,) = ids(post.world, case)
    agency.record_result(post.world, seen(case), AGENCY, one, Result("berhasil", "AKUN.0"))
    clock.pass_(minutes=1)
    ticks.tick(post.world)
    later = complete(post, applicant(post, SARI, "Sari Dewi"), number="027/1/2027")

    with post.world.store.reading() as tx:
        timers = {s.name: (s.minutes, s.late) for s in steps.of_case(tx, case.id)}
    assert timers["T6"] == (7, 0)
    assert later.number == "LPSE-2027-000001"


def test_a_late_step_over_a_night_is_explained_accepted_and_kept(post: Post, clock: Clock) -> None:
    w = post.world
    limit = w.sop.limits["tindak_lanjut"]
    clock.at = dt.datetime(2026, 11, 23, 8, 55, tzinfo=dt.UTC)  # 15.55 WIB
    case = complete(post)
    clock.at = dt.datetime(2026, 11, 24, 1, 0, tzinfo=dt.UTC) + dt.timedelta(minutes=limit - 4)
    ticks.tick(w)
    with w.store.reading() as tx:
        (late,) = steps.deviations(tx)
    case = desk.explain(w, seen(case), AGENCY, late.id, "SPSE tidak dapat diakses")
    case = desk.accept(w, seen(case), SUPERVISOR, late.id)
    (one,) = ids(w, case)
    agency.record_result(w, seen(case), AGENCY, one, Result("berhasil", "AKUN.0"))
    clock.pass_(minutes=1)
    ticks.tick(w)

    with w.store.reading() as tx:
        (late,) = steps.deviations(tx)
    assert (late.name, late.minutes, late.ended_by, late.reason_by, late.accepted_by) == (
        "T6",
        limit + 1,
        "budi",
        "budi",
        "ratna",
    )


def test_the_year_end_campaign_takes_what_the_cases_have_registered(post: Post, clock: Clock) -> None:
    w = post.world
    whole_way(post, clock, complete(post))
    (account,) = yearend.gather(w, AGENCY, 2026, dt.date(2026, 12, 30)).accounts
    yearend.notify(w, AGENCY, 2026, dt.date(2026, 12, 18))
    yearend.decide(w, AGENCY, 2026, account.id, "nonaktif", "")
    clock.at = dt.datetime(2026, 12, 30, 3, tzinfo=dt.UTC)
    yearend.execute(w, AGENCY, 2026, account.id)
    yearend.finish(w, AGENCY, 2026)

    with w.store.reading() as tx:
        assert [r.status for r in access.of_nip(tx, "198507042010011007")] == ["nonaktif"]
        assert not list(chain.faults(chain.events(tx, chain.OFFICE)))
    assert list(archive.verify(w)) == [] and len(archive.packages(w)) == 2


def test_somebody_who_looked_at_an_older_state_is_told_who_was_faster(post: Post) -> None:
    w, case = post.world, complete(post)
    desk.simply(w, seen(case), "kirim_balik", AGENCY, "SK untuk satker lain")
    (one,) = ids(w, case)
    with pytest.raises(Stale, match="budi"):
        agency.record_result(w, seen(case), AGENCY, one, Result("berhasil", "AKUN.0"))


def test_the_desk_completes_what_a_person_wrote_badly(post: Post) -> None:
    case = complete(post, applicant(post, email=Found(None, "budi @", 0.3)))
    assert case.state == "perlu_tinjauan"
    (one,) = ids(post.world, case)
    case = desk.correct(post.world, seen(case), HELPDESK, one, "email", "budi@contoh.example")

    assert desk.forward(post.world, seen(case), HELPDESK).state == "diteruskan"


# ------------------------------------------------------------------ what only the second file asks for


def contoh(tmp_path: Path, clock: Clock) -> Post:
    return Post(world(tmp_path, clock, sop=config.SopSection(file=str(SOPS["contoh"]))))


def test_a_further_paper_of_another_sop_is_asked_for(tmp_path: Path, clock: Clock) -> None:
    post = contoh(tmp_path, clock)
    case = post.mail(asked(post.world.sop, applicant(post), without=("data_personal",)))

    assert case.state == "dikembalikan"
    assert "Formulir data akun belum terlampir" in body_of(post.sent()[-1])


def test_another_sop_asks_less_for_a_deactivation(tmp_path: Path, clock: Clock) -> None:
    post = contoh(tmp_path, clock)
    leaving = applicant(post, tindakan="penonaktifan", email=Found(None), instansi=Found(None), alamat=Found(None))
    assert post.world.sop.need(leaving.peran, leaving.tindakan).basis == ()

    assert post.mail(asked(post.world.sop, leaving)).state == "diteruskan"


def test_a_basis_that_another_sop_does_not_accept_is_missing(tmp_path: Path, clock: Clock) -> None:
    post = contoh(tmp_path, clock)
    read = asked(post.world.sop, applicant(post))
    wrong = tuple(replace(d, kind="surat_tugas") if d.file == "dasar.pdf" else d for d in read.documents)

    assert post.mail(replace(read, documents=wrong)).state == "dikembalikan"


@pytest.mark.parametrize(("change", "word"), [
    pytest.param(("auto_return = \"certain\"", "auto_return = \"sometimes\""), "'auto_return'", id="value"),
    pytest.param(("accept_tte", "accept_signature"), "'accept_signature'", id="unknown-key"),
    pytest.param(("arsip = 10", "arsip = 0"), "'limits.arsip'", id="limit"),
    pytest.param(("periksa = 10", "pemeriksaan = 10"), "'limits.periksa': is missing", id="missing-limit"),
    pytest.param(("nip = \"NIP\"", "nipp = \"NIP\""), "'nipp'", id="field"),
    pytest.param(("basis = [\"surat_keputusan\",", "basis = [\"sk\","), "'basis': 'sk'", id="basis"),
    pytest.param(("{{ placeholder }}", "{{ isian }}"), "nobody fills in 'isian'", id="template-variable"),
    pytest.param(("[codes.SK-NAMA]", "[codes.SK-NAME]"), "'codes.SK-NAMA': is missing", id="code"),
    pytest.param(("class = \"unsure\"", "class = \"maybe\""), "class", id="class"),
])  # fmt: skip
def test_a_wrong_sop_file_is_refused_with_the_key(tmp_path: Path, change: tuple[str, str], word: str) -> None:
    from importlib.resources import files

    text = (files("mailbot.sop") / "SOP-LPSE.BTG-019.toml").read_text("utf-8")
    assert change[0] in text
    path = tmp_path / "sop.toml"
    path.write_text(text.replace(*change))
    with pytest.raises(ValueError, match=r"sop\.toml") as caught:
        load(path)

    assert word in str(caught.value)


def test_every_wrong_key_is_named_at_once(tmp_path: Path) -> None:
    path = tmp_path / "sop.toml"
    path.write_text(SOPS["contoh"].read_text().replace("arsip = 120", "arsip = 0").replace("periksa = 30", ""))  # type: ignore[union-attr]
    with pytest.raises(ValueError) as caught:
        load(path)

    assert "limits.arsip" in str(caught.value) and "limits.periksa" in str(caught.value)
