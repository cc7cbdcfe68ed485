"""The register of access rights as a list with masked numbers, and the lists that supervisors may take away (R-25, R-26, DOMAIN.md 4)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

from starlette.exceptions import HTTPException
from starlette.responses import Response

from mailbot.paper.sheets import Sheet, to_csv, to_xlsx
from mailbot.store import access, chain
from mailbot.web.overview import ROWS, span
from mailbot.web.show import show
from mailbot.web.visit import Visit
from mailbot.work import World, exports, register

TABS = (("aktif", "Aktif"), ("berakhir", "Segera berakhir"), ("nonaktif", "Nonaktif"))
SOON = 30  # days
TYPES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv; charset=utf-8",
}
WHOLE: dict[str, Callable[[World], list[Sheet]]] = {
    "register": lambda world: [register.everybody(world)],
    "berakhir": lambda world: [register.ending(world, SOON)],
}
OF_A_TIME: dict[str, Callable[[World, str, str], list[Sheet]]] = {
    "penyimpangan": lambda world, since, until: [exports.deviations(world, since, until)],
    "helpdesk": lambda world, since, until: [exports.standard_5(world, since, until)],
    "pelanggaran": lambda world, since, until: list(exports.breach(world, since, until)),
}
LABELS = {
    "register": "Register hak akses", "berakhir": f"Hak akses yang berakhir dalam {SOON} hari", "penyimpangan": "Penyimpangan mutu baku",
    "helpdesk": "Register helpdesk (standar 5)", "pelanggaran": "Orang dan berkas yang tersentuh, untuk laporan 3 × 24 jam",
}  # fmt: skip


def page(visit: Visit, said: str = "", status: int = 200) -> Response:
    tab = next((key for key, _ in TABS if key == visit.asked("tab")), "aktif")
    typed = visit.asked("q").strip()[:60]
    number = min(500, int(visit.asked("hal"))) if visit.asked("hal").isdigit() else 1
    until = (visit.world.today + dt.timedelta(days=SOON)).isoformat() if tab == "berakhir" else ""
    with visit.world.store.reading() as tx:
        rows = access.page(tx, "nonaktif" if tab == "nonaktif" else "aktif", typed, until, max(0, number - 1) * ROWS, ROWS + 1)  # fmt: skip
    return show(visit, "register.html", status, rows=rows[:ROWS], more=len(rows) > ROWS, page=max(1, number), tab=tab, tabs=TABS, q=typed,
                whole=WHOLE, of_a_time=OF_A_TIME, labels=LABELS, wrong=said, today=visit.world.today)  # fmt: skip


def download(visit: Visit) -> Response:
    """A list as a file; who took it, of which days and how many lines, stands in the trail."""
    name, _, kind = visit.request.path_params["list"].partition(".")
    if name not in LABELS or kind not in TYPES or (name == "pelanggaran" and kind == "csv"):
        raise HTTPException(404)
    since, until = span(visit)
    if name in OF_A_TIME and not (since and until):
        return page(visit, "Isikan tanggal awal dan akhir untuk daftar ini.", 422)
    sheets = WHOLE[name](visit.world) if name in WHOLE else OF_A_TIME[name](visit.world, since, until)
    rows = sum(len(s.rows) for s in sheets)
    told = {"daftar": LABELS[name], "dari": visit.asked("dari"), "sampai": visit.asked("sampai"), "baris": rows}
    with visit.world.store.transaction() as tx:
        chain.append(tx, chain.OFFICE, visit.world.now(), visit.user.login, "ekspor", data=told)
    data = to_xlsx(*sheets) if kind == "xlsx" else to_csv(sheets[0])
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return Response(data, media_type=TYPES[kind], headers=headers)
