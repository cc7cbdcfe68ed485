"""Two officers at once, as threads and as processes, on both databases: one wins, the other is told by whom, nothing is lost."""

import multiprocessing
import threading
from pathlib import Path
from queue import SimpleQueue

import pytest

from mailbot.model import Actor
from mailbot.sop.case import Refused
from mailbot.store import Stale, cases, chain
from mailbot.work import World, archive, desk
from mailbot.work.desk import Seen
from tests.worlds import MORNING, Clock, Post, evidence, person, seen, world

OFFICERS = ("siti", "wati", "joko", "dewi")
ROUNDS = 3


def attempt(w: World, at: Seen, login: str) -> str:
    """ "won", or the sentence that the slower one reads."""
    try:
        desk.simply(w, at, "catatan", Actor(login, "helpdesk"), f"catatan {login}")
    except Stale as stale:
        return str(stale)
    return "won"


def process(folder: str, database: str, at: Seen, login: str, start, said) -> None:  # type: ignore[no-untyped-def]
    w = world(Path(folder), Clock(MORNING), database)
    start.wait(60)
    said.put((login, attempt(w, at, login)))


def judge(w: World, case_id: int, before: int, said: dict[str, str]) -> None:
    winners = [login for login, word in said.items() if word == "won"]
    with w.store.reading() as tx:
        events = chain.events(tx, case_id)
        after = cases.get(tx, case_id)

    assert len(said) == len(OFFICERS) and len(winners) == 1
    assert all(winners[0] in word and "Muat ulang" in word for word in said.values() if word != "won")
    assert after.version == before + 1 == len(events)
    assert (events[-1].actor, events[-1].reason) == (winners[0], f"catatan {winners[0]}")
    assert not list(chain.faults(events))


@pytest.fixture
def post(tmp_path: Path, database: str) -> Post:
    return Post(world(tmp_path, Clock(), database))


def test_threads(post: Post) -> None:
    case = post.mail(evidence(person()))
    for _ in range(ROUNDS):
        with post.world.store.reading() as tx:
            case = cases.get(tx, case.id)
        said: SimpleQueue[tuple[str, str]] = SimpleQueue()
        gate = threading.Barrier(len(OFFICERS))

        def act(
            login: str,
            at: Seen = seen(case),
            gate: threading.Barrier = gate,
            said: "SimpleQueue[tuple[str, str]]" = said,
        ) -> None:
            gate.wait(60)
            said.put((login, attempt(post.world, at, login)))

        threads = [threading.Thread(target=act, args=(login,)) for login in OFFICERS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        judge(post.world, case.id, case.version, dict(said.get() for _ in OFFICERS))


def test_two_officers_archive_the_same_case(post: Post) -> None:
    w = post.world
    case = desk.printed(
        w,
        seen(desk.simply(w, seen(post.mail(evidence(person()))), "tarik", Actor("siti", "helpdesk"), "dibatalkan")),
        Actor("siti", "helpdesk"),
    )
    said: SimpleQueue[str] = SimpleQueue()
    gate = threading.Barrier(2)

    def put_away(login: str) -> None:
        gate.wait(60)
        try:
            archive.archive(w, seen(case), Actor(login, "helpdesk"))
            said.put("won")
        except (Stale, Refused) as lost:
            said.put(str(lost))

    threads = [threading.Thread(target=put_away, args=(login,)) for login in OFFICERS[:2]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    words = sorted(said.get() for _ in threads)

    assert words.count("won") == 1 and any("siti" in word or "wati" in word for word in words)
    assert len(archive.packages(w)) == 1 and list(archive.verify(w)) == []
    assert [p.name for p in (archive.root(w) / "2026").iterdir()] == [case.number]


def test_processes(post: Post, tmp_path: Path, database: str) -> None:
    case = post.mail(evidence(person()))
    context = multiprocessing.get_context("spawn")
    start, said = context.Event(), context.Queue()
    running = [
        context.Process(target=process, args=(str(tmp_path), database, seen(case), login, start, said))
        for login in OFFICERS
    ]
    for one in running:
        one.start()
    start.set()
    told = dict(said.get(timeout=120) for _ in OFFICERS)
    for one in running:
        one.join(30)

    assert [one.exitcode for one in running] == [0] * len(OFFICERS)
    judge(post.world, case.id, case.version, told)
