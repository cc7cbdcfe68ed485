"""What people do after the machine: one complete request of the demo goes on to its result, one doubtful one is decided."""

from __future__ import annotations

from collections.abc import Iterator

from mailbot.model import Actor, Case
from mailbot.sop.case import FORWARDED, STATES
from mailbot.store import cases
from mailbot.work import World, agency, archive, desk
from mailbot.work.agency import Result
from mailbot.work.desk import Seen

HELPDESK, AGENCY = Actor("demo-helpdesk", "helpdesk"), Actor("demo-agency", "admin_agency")


def journey(world: World) -> Iterator[str]:
    """Lines that tell each step; the first complete case, by the same functions that pages and commands use."""
    found = _first(world, FORWARDED)
    if found is None:
        return
    yield f"{found.number}: {STATES[found.state]}"
    with world.store.reading() as tx:
        people = cases.persons(tx, found.id)
    for number, one in enumerate(people, 1):
        found = agency.record_result(world, _seen(found), AGENCY, one.id, Result("berhasil", f"DEMO.PPK.{number}"))
        yield f"{found.number}: Admin Agency mencatat {one.person.tindakan} {one.person.nama.value}: berhasil"
    found = agency.notify(world, _seen(found), HELPDESK)
    yield f"{found.number}: {STATES[found.state]} ke alamat email masing-masing, tanpa kata sandi"
    for one in people:
        found = agency.hand_over(world, _seen(found), HELPDESK, one.id, "tautan_lupa_password")
    found = desk.printed(world, _seen(found), HELPDESK)
    yield f"{found.number}: dicetak untuk arsip"
    found = archive.archive(world, _seen(found), HELPDESK)
    faults = list(archive.verify(world))
    yield f"{found.number}: {STATES[found.state]}; paket dan rantai kejadian {'utuh' if not faults else faults[0]}"


def _first(world: World, state: str) -> Case | None:
    with world.store.reading() as tx:
        return next((c for c in cases.everything(tx) if c.state == state), None)


def _seen(found: Case) -> Seen:
    return Seen(found.id, found.version)
