"""The page of one case: the scan beside what was found, and what this person may do with it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from mailbot.model import CasePerson
from mailbot.sop.case import Refused
from mailbot.store import Connection, chain, queue
from mailbot.web import actions, checklist, confirm, opened, words
from mailbot.web.checklist import Item
from mailbot.web.lists import WORK
from mailbot.web.sheet import Datum, PageOf, Place, Sheet, case_row, data_of, gather, obstacle, pages
from mailbot.web.show import show
from mailbot.web.visit import HOME, Visit
from mailbot.work import World, agency, desk


@dataclass(frozen=True, slots=True)
class One:
    """A person of the case with everything the page asks or tells about the person."""

    person: CasePerson
    data: list[Datum]
    obstacle: str
    doubts: int


def case_page(visit: Visit, refused: str = "", typed: dict[str, str] | None = None, status: int = 200) -> Response:
    world, number = visit.world, visit.request.path_params["number"]
    with world.store.reading() as tx:
        sheet = gather(visit, tx, number)
        people = [_one(world, tx, sheet, p) for p in sheet.people]
        following = queue.after(tx, WORK[visit.user.role], sheet.case.id)
    opened.case(visit, sheet.case.number)
    one = _chosen(visit, people)
    items, shown = checklist.items(world, sheet), pages(sheet, world.sop.kinds)
    places = _places(items, one)
    return show(
        visit, "case.html", status, sheet=sheet, row=sheet.row, case=sheet.case, people=people, one=one, items=items, pages=shown,
        places=places, page=_page_shown(visit, shown, items, one, places), zoom=_step(visit, "zoom", ("100", "150", "200", "300")),
        turn=_step(visit, "putar", ("0", "90", "180", "270")), refused=refused, typed=typed or {}, following=following,
        warning=words.sender_warning(sheet.row.requester_name, sheet.row.requester), offered=actions.offered(sheet.case, visit.user.role),
        level=_level(world, sheet), handed=agency.HANDED, confirm_due=confirm.due(visit),
    )  # fmt: skip


def _one(world: World, tx: Connection, sheet: Sheet, person: CasePerson) -> One:
    data = data_of(world, tx, sheet, person)
    return One(person, data, obstacle(world, tx, sheet, person), sum(bool(d.doubt) for d in data))


def _chosen(visit: Visit, people: list[One]) -> One | None:
    """The person asked for, else the first one about whom there is doubt."""
    asked = next((p for p in people if str(p.person.id) == visit.asked("orang")), None)
    return asked or next((p for p in people if p.doubts), people[0] if people else None)


def _places(items: list[Item], one: One | None) -> list[Place]:
    found = [i.place for i in items if i.place]
    return found + [d.place for d in one.data if d.place] if one else found


def _page_shown(
    visit: Visit, shown: list[PageOf], items: list[Item], one: One | None, places: list[Place]
) -> PageOf | None:
    """The page asked for, else the one with the first doubtful place, else the first."""
    wanted = [f"{visit.asked('lampiran')}-{visit.asked('hal')}"]
    wanted += [i.place.page for i in items if i.place and i.state in ("unsure", "certain")]
    wanted += [d.place.page for d in one.data if d.place and d.doubt] if one else []
    wanted += [p.page for p in places]
    by_key = {p.key: p for p in shown}
    return next((by_key[k] for k in wanted if k in by_key), shown[0] if shown else None)


def _step(visit: Visit, name: str, steps: tuple[str, ...]) -> str:
    return visit.asked(name) if visit.asked(name) in steps else steps[0]


def _level(world: World, sheet: Sheet) -> str:
    with world.store.reading() as tx:
        return agency.level_of(world, tx, sheet.case, None)


# ------------------------------------------------------------------ news, the return mail, and acting


def news(visit: Visit) -> Response:
    """For a page that stands open: nothing while the case is as it was, else who changed it."""
    with visit.world.store.reading() as tx:
        row = case_row(visit, tx, visit.request.path_params["number"])
        last = chain.events(tx, row.id)[-1] if str(row.version) != visit.asked("versi") else None
    if last is None:
        return Response(status_code=204)
    return show(visit, "_news.html", row=row, last=last)


def return_page(visit: Visit, refused: str = "", body: str = "", status: int = 200) -> Response:
    """The mail exactly as it would leave, to be read and edited before it goes."""
    with visit.world.store.reading() as tx:
        sheet = gather(visit, tx, visit.request.path_params["number"])
    if "kembalikan" not in sheet.actions:
        return case_page(
            visit, f"Berkas berstatus '{words.STATES[sheet.case.state]}' tidak dapat dikembalikan.", status=409
        )
    draft = desk.draft_return(visit.world, sheet.case.id)
    return show(visit, "return.html", status, row=sheet.row, case=sheet.case, draft=draft, body=body or draft.body, refused=refused,
                items=checklist.items(visit.world, sheet))  # fmt: skip


def act(visit: Visit) -> Response:
    """One action on a case; afterwards the next case opens by itself where this one left the person's desk."""
    number, name = visit.request.path_params["number"], visit.request.path_params["action"]
    with visit.world.store.reading() as tx:
        row = case_row(visit, tx, number)
    try:
        after = actions.do(visit, row.id, name)
    except Refused as refused:
        if name == "kembalikan":
            return return_page(visit, str(refused), visit.text("body"), 409)
        return case_page(visit, str(refused), {k: visit.text(k) for k in visit.form}, 409)
    if visit.text("dari") == "penyimpangan":
        return RedirectResponse(f"/penyimpangan?pesan={name}:{number}", 303)
    return RedirectResponse(_onward(visit, after.id, after.number, after.state, name), 303)


def _onward(visit: Visit, case_id: int, number: str, state: str, action: str) -> str:
    said = f"?pesan={action}:{number}"
    working = WORK[visit.user.role]
    if visit.text("state") not in working or state in working:
        person = visit.text("person_id")
        return f"/berkas/{number}{said}" + (
            f"&orang={int(person)}" if person.isdigit() and action in ("koreksi", "panggil_balik") else ""
        )
    with visit.world.store.reading() as tx:
        following = queue.after(tx, working, case_id)
    return f"/berkas/{following}{said}" if following else f"{HOME[visit.user.role]}{said}"
