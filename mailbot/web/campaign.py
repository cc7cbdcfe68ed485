"""The year-end campaign (SOP step 5): list, notice, one decision per account, execution, end."""

from __future__ import annotations

import datetime as dt

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailbot.sop.case import Refused
from mailbot.web.show import show
from mailbot.web.visit import Visit
from mailbot.work import yearend


def page(visit: Visit, said: str = "", status: int = 200) -> Response:
    year = _year(visit)
    try:
        found = yearend.status(visit.world, year)
    except Refused:
        found = None
    undecided = [a for a in found.accounts if not a.decision] if found else []
    return show(visit, "campaign.html", status, year=year, found=found, undecided=undecided, wrong=said, states=yearend.STATES,
                decisions=yearend.DECISIONS, today=visit.world.today)  # fmt: skip


def change(visit: Visit) -> Response:
    do = {"susun": _gather, "beritahu": _notify, "putuskan": _decide, "laksanakan": _execute, "selesai": _finish}.get(
        visit.text("ubah")
    )
    if do is None:
        raise HTTPException(400)
    try:
        do(visit, _year(visit))
    except Refused as refused:
        return page(visit, str(refused), 409)
    return RedirectResponse(f"/akhir-tahun?tahun={_year(visit)}", 303)


def _gather(visit: Visit, year: int) -> None:
    yearend.gather(visit.world, visit.actor, year, _day(visit.text("tanggal")))


def _notify(visit: Visit, year: int) -> None:
    yearend.notify(visit.world, visit.actor, year, _day(visit.text("tanggal")))


def _decide(visit: Visit, year: int) -> None:
    yearend.decide(visit.world, visit.actor, year, _item(visit), visit.text("decision"), visit.text("reason"))


def _execute(visit: Visit, year: int) -> None:
    yearend.execute(visit.world, visit.actor, year, _item(visit))


def _finish(visit: Visit, year: int) -> None:
    yearend.finish(visit.world, visit.actor, year)


def _item(visit: Visit) -> int:
    typed = visit.text("item")
    if not (typed.isascii() and typed.isdigit() and len(typed) < 12):
        raise HTTPException(400)
    return int(typed)


def _day(typed: str) -> dt.date:
    try:
        return dt.date.fromisoformat(typed)
    except ValueError as error:
        raise Refused("Isikan tanggal.") from error


def _year(visit: Visit) -> int:
    typed = visit.text("tahun") or visit.asked("tahun")
    return int(typed) if typed.isascii() and typed.isdigit() and 2000 < int(typed) < 2200 else visit.world.today.year
