"""The lists that people work from: help desk, Admin Agency, results and archive, search."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.responses import RedirectResponse, Response

from mailbot.sop.case import (
    ACTED,
    AGAIN,
    ARCHIVED,
    CHECKED_BY_PERSON,
    CLOSED,
    FORWARDED,
    NOTIFIED,
    RECEIVED,
    RESULT,
    RETURNED,
)
from mailbot.store import Connection, cases, iso, queue, search, steps
from mailbot.store.queue import PAGE, Filter, Line
from mailbot.web.show import show
from mailbot.web.visit import Visit


@dataclass(frozen=True, slots=True)
class Tab:
    key: str
    label: str
    states: tuple[str, ...]


DESK = (
    Tab("tinjau", "Perlu tinjauan", (CHECKED_BY_PERSON,)), Tab("baca", "Sedang dibaca", (RECEIVED, AGAIN)),
    Tab("pemohon", "Menunggu pemohon", (RETURNED,)), Tab("agency", "Di Admin Agency", (FORWARDED, ACTED)),
    Tab("selesai", "Ditutup", tuple(sorted(CLOSED - {ARCHIVED}))),
)  # fmt: skip
AGENCY = (Tab("setuju", "Menunggu pelaksanaan", (FORWARDED, ACTED)), Tab("hasil", "Sudah dicatat", (RESULT, NOTIFIED)))
RESULTS = (
    Tab("hasil", "Hasil untuk disampaikan", (RESULT,)), Tab("arsipkan", "Siap diarsipkan", (NOTIFIED,)),
    Tab("cetak", "Belum dicetak", (RESULT, NOTIFIED)), Tab("arsip", "Arsip", (ARCHIVED,)),
)  # fmt: skip
WORK = {
    "helpdesk": (CHECKED_BY_PERSON,),
    "admin_agency": (FORWARDED, ACTED),
    "supervisor": (),
}  # what opens next by itself


def desk(visit: Visit) -> Response:
    return _queue(
        visit,
        DESK,
        "/meja",
        "Meja layanan",
        "Tidak ada berkas yang menunggu. Berkas baru muncul di sini dengan sendirinya.",
    )


def agency(visit: Visit) -> Response:
    return _queue(
        visit, AGENCY, "/persetujuan", "Persetujuan Admin Agency", "Tidak ada berkas yang menunggu pelaksanaan."
    )


def results(visit: Visit) -> Response:
    return _queue(visit, RESULTS, "/hasil", "Hasil dan arsip", "Tidak ada hasil yang perlu disampaikan.")


def _queue(visit: Visit, tabs: tuple[Tab, ...], path: str, title: str, nothing: str) -> Response:
    tab = next((t for t in tabs if t.key == visit.asked("tab")), tabs[0])
    now, page = iso(visit.world.now()), _page(visit)
    only = Filter(
        visit.asked("saluran"), visit.asked("sebab")[:40], now if visit.asked("lewat") else "", tab.key == "cetak"
    )
    with visit.world.store.reading() as tx:
        in_state = queue.some(tx, {s for t in tabs for s in t.states})
        rows = _rows(tx, tab, only, (page - 1) * PAGE)
        counts = {t.key: many(sum(in_state[s] for s in t.states)) for t in tabs}
        if "cetak" in counts:
            counts["cetak"] = many(queue.number(tx, RESULTS[2].states, Filter(unprinted=True)))
        late = queue.number(tx, tabs[0].states, Filter(late_at=now))
    return show(visit, "queue.html", tabs=tabs, tab=tab, rows=rows[:PAGE], more=len(rows) > PAGE, page=page, counts=counts,
                late=late, path=path, title=title, nothing=nothing, only=only)  # fmt: skip


def _rows(tx: Connection, tab: Tab, only: Filter, offset: int) -> list[Line]:
    if CLOSED.issuperset(tab.states) or tab.states == (RETURNED,):
        return queue.newest(tx, tab.states, only, offset, PAGE + 1)
    return queue.lines(tx, tab.states, only, offset, PAGE + 1)


def many(count: int) -> str:
    return f"{count}" if count < queue.MANY else f"{queue.MANY}+"


def _page(visit: Visit) -> int:
    typed = visit.asked("hal")
    return max(1, min(500, int(typed))) if typed.isdigit() else 1


def find(visit: Visit) -> Response:
    """A full number opens the case; anything else searches every word."""
    typed, page = visit.asked("q").strip()[:200], _page(visit)
    with visit.world.store.reading() as tx:
        exact = cases.with_number(tx, typed.upper()) if typed else None
        ids = search.ids(tx, typed, PAGE + 1, (page - 1) * PAGE) if typed and not exact else []
        if visit.user.role == "admin_agency":
            ids = steps.reached(tx, ids, "T6")
        rows = queue.of_ids(tx, ids)
    if exact:
        return RedirectResponse(f"/berkas/{exact.number}", 303)
    return show(visit, "search.html", q=typed, rows=rows[:PAGE], more=len(rows) > PAGE, page=page)
