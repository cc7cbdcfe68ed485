"""The clock over a night, a holiday and a year's end; nothing twice, not even with two hosts."""

import datetime as dt
import threading
from pathlib import Path

import pytest

from mailbot import config
from mailbot.sop.clock import Hours
from mailbot.store import access, cases, chain, outbox, reports, steps
from mailbot.store.access import AccessRight
from mailbot.work import World, agency, ticks
from mailbot.work.agency import Result
from tests.worlds import AGENCY, MORNING, Clock, Post, body_of, evidence, person, seen, world

NOTICES = config.NoticesSection(late=("koordinator@batangkab.example",), digest=("ketua@batangkab.example",))


def jakarta(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(f"{text}+07:00")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def post(tmp_path: Path, clock: Clock) -> Post:
    return Post(world(tmp_path, clock, notices=NOTICES))


def kinds(post: Post, kind: str) -> list[str]:
    """Recipients of the mails of one kind."""
    with post.world.store.reading() as tx:
        return [r.recipient for r in outbox.everything(tx) if r.kind == kind]


def deviations(w: World) -> list[tuple[str, str]]:
    with w.store.reading() as tx:
        return [(r.name, r.number) for r in steps.deviations(tx)]


@pytest.mark.parametrize(("start", "end", "minutes"), [
    pytest.param("2026-11-23T09:00", "2026-11-23T09:07", 7, id="within-a-day"),
    pytest.param("2026-11-23T15:55", "2026-11-24T08:05", 10, id="over-a-night"),
    pytest.param("2026-11-27T15:55", "2026-11-30T08:01", 6, id="over-a-weekend"),
    pytest.param("2026-12-24T15:58", "2026-12-28T08:03", 5, id="over-christmas-and-a-weekend"),
    pytest.param("2026-12-31T15:59", "2027-01-04T08:01", 2, id="over-the-end-of-the-year"),
    pytest.param("2026-11-23T20:00", "2026-11-23T21:00", 0, id="closed-all-the-time"),
    pytest.param("2026-11-23T09:00", "2026-11-23T09:00", 0, id="no-time-at-all"),
])  # fmt: skip
def test_service_minutes(start: str, end: str, minutes: int) -> None:
    assert Hours().minutes(jakarta(start), jakarta(end)) == minutes


def test_a_late_step_enters_the_deviation_list_and_the_office_is_told_without_names(post: Post, clock: Clock) -> None:
    case = post.mail(evidence(person()))
    clock.pass_(minutes=9)
    ticks.tick(post.world)
    assert deviations(post.world) == []
    clock.pass_(minutes=2)
    assert ticks.tick(post.world)

    assert deviations(post.world) == [("T6", case.number)]
    (mail,) = [m for m in post.sent() if m["To"] == "koordinator@batangkab.example"]
    assert case.number in body_of(mail)
    assert "Budi" not in mail.as_string() and "198507042010011007" not in mail.as_string()
    clock.pass_(minutes=1)
    ticks.tick(post.world)
    assert kinds(post, "late_steps") == ["koordinator@batangkab.example"]


@pytest.mark.parametrize(("arrives", "fine", "late"), [
    pytest.param("2026-11-23T15:55", "2026-11-24T08:04", "2026-11-24T08:06", id="night"),
    pytest.param("2026-12-24T15:58", "2026-12-28T08:07", "2026-12-28T08:09", id="christmas"),
    pytest.param("2026-12-31T15:59", "2027-01-04T08:08", "2027-01-04T08:10", id="year-end"),
])  # fmt: skip
def test_the_clock_stands_still_while_the_office_is_closed(
    post: Post, clock: Clock, arrives: str, fine: str, late: str
) -> None:
    clock.at = jakarta(arrives)
    post.mail(evidence(person()))
    clock.at = jakarta(fine)
    ticks.tick(post.world)
    assert deviations(post.world) == []
    clock.at = jakarta(late)
    ticks.tick(post.world)

    assert [name for name, _ in deviations(post.world)] == ["T6"]


def test_cuti_bersama_of_the_configuration_is_closed(tmp_path: Path) -> None:
    clock = Clock(jakarta("2026-12-23T15:55"))
    w = world(tmp_path, clock, service_hours=config.HoursSection(closed=("2026-12-24",)))
    Post(w).mail(evidence(person()))
    clock.at = jakarta("2026-12-24T12:00")
    ticks.tick(w)

    assert deviations(w) == []


def test_the_clock_does_not_run_while_the_requester_has_the_file(post: Post, clock: Clock) -> None:
    post.mail(evidence(person(), decree=False))
    clock.pass_(days=3)
    ticks.tick(post.world)

    assert deviations(post.world) == []


def test_the_minutes_of_each_step_are_kept(post: Post, clock: Clock) -> None:
    case = post.mail(evidence(person()))
    clock.pass_(minutes=4)
    with post.world.store.reading() as tx:
        (one,) = cases.persons(tx, case.id)
    agency.record_result(post.world, seen(case), AGENCY, one.id, Result("berhasil", "BUDI.PPK"))
    ticks.tick(post.world)

    with post.world.store.reading() as tx:
        assert [(s.name, s.minutes) for s in steps.of_case(tx, case.id)] == [("T3", 0), ("T6", 4), ("T8", None)]


def test_requesters_are_reminded_at_each_distance_once(post: Post, clock: Clock) -> None:
    case = post.mail(evidence(person(), decree=False))
    for day in (3, 6, 8, 10, 20, 22, 30):
        clock.at = MORNING + dt.timedelta(days=day, minutes=5)
        ticks.tick(post.world)
        ticks.tick(post.world)
        if day == 6:
            assert kinds(post, "reminder") == []
        if day == 8:
            assert kinds(post, "reminder") == ["dinas@contoh.example"]

    assert kinds(post, "reminder") == ["dinas@contoh.example"] * 2
    reminders = [m for m in post.sent() if "Pengingat" in str(m["Subject"])]
    assert "Surat Keputusan" in body_of(reminders[0]) and case.number in str(reminders[0]["Subject"])


def test_a_new_round_starts_its_reminders_anew_and_a_standstill_is_not_made_up(post: Post, clock: Clock) -> None:
    case = post.mail(evidence(person(), decree=False))
    clock.pass_(days=60)
    ticks.tick(post.world)
    clock.pass_(hours=1)
    ticks.tick(post.world)
    assert len(kinds(post, "reminder")) == 1
    returned = next(m for m in post.sent() if "belum lengkap" in str(m["Subject"]))
    again = post.mail(evidence(person(), decree=False, number="027/13/2026"), answers=str(returned["Message-ID"]))
    assert (again.id, again.round, again.state) == (case.id, 2, "dikembalikan")
    clock.pass_(days=10)
    ticks.tick(post.world)

    assert len(kinds(post, "reminder")) == 2


def test_nobody_is_reminded_at_night(post: Post, clock: Clock) -> None:
    post.mail(evidence(person(), decree=False))
    clock.at = jakarta("2026-12-10T23:00")
    ticks.tick(post.world)

    assert kinds(post, "reminder") == []


def test_the_digest_goes_out_once_a_day_with_counts_and_no_names(post: Post, clock: Clock) -> None:
    post.mail(evidence(person(), decree=False))
    for _ in range(3):
        ticks.tick(post.world)
        clock.pass_(minutes=30)
    (mail,) = [m for m in post.sent() if m["To"] == "ketua@batangkab.example"]

    assert "Dikembalikan kepada pemohon: 1" in body_of(mail)
    assert "Budi" not in mail.as_string()
    clock.at = jakarta("2026-11-28T10:00")  # a Saturday
    ticks.tick(post.world)
    assert len(kinds(post, "digest")) == 1


def test_holders_are_warned_before_their_access_ends_and_only_once_per_distance(tmp_path: Path, clock: Clock) -> None:
    notices = config.NoticesSection(expiry_days=(30, 7), expiry_holders=True)
    w = world(tmp_path, clock, notices=notices)
    right = AccessRight(
        "BUDI.PPK",
        "Budi Santoso, S.T.",
        "198507042010011007",
        "ppk",
        "Dinas Contoh",
        "budi@contoh.example",
        valid_until="2026-12-31",
    )
    with w.store.transaction() as tx:
        access.record(tx, right, "uji", "impor", clock())
    for day in (0, 7, 8, 9, 20, 30, 31, 32, 37):
        clock.at = MORNING + dt.timedelta(days=day)
        ticks.tick(w)
    mails = Post(w).sent()

    assert [str(m["To"]) for m in mails] == ["budi@contoh.example"] * 2
    assert "31 Desember 2026" in body_of(mails[0])


def test_two_hosts_share_the_clock_without_doing_anything_twice(tmp_path: Path, clock: Clock, database: str) -> None:
    first = world(tmp_path, clock, database, notices=NOTICES)
    second = world(tmp_path, clock, database, notices=NOTICES)
    post = Post(first)
    for _ in range(3):
        post.mail(evidence(person(), decree=False, number=f"027/{post.count}/2026"))
    clock.pass_(days=8)
    errors: list[BaseException] = []

    def run(w: World) -> None:
        try:
            for _ in range(3):
                ticks.tick(w)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(w,)) for w in (first, second) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not errors
    with first.store.reading() as tx:
        returned = reports.per_state(tx)["dikembalikan"]
        reminded = [sum(e.action == "ingatkan" for e in chain.events(tx, c.id)) for c in cases.everything(tx)]
    assert returned == 3 and reminded == [1, 1, 1]
    assert len(kinds(post, "reminder")) == 3 and len(kinds(post, "digest")) == 1
