"""From a form to what the desk and the agency do: one entry per action of `case.ACTIONS` that people use."""

from __future__ import annotations

from collections.abc import Callable

from starlette.exceptions import HTTPException

from mailbot.model import Case
from mailbot.sop import case
from mailbot.sop.case import Refused
from mailbot.store import cases
from mailbot.web import confirm
from mailbot.web.visit import Visit
from mailbot.work import agency, archive, desk
from mailbot.work.agency import Result
from mailbot.work.desk import SIMPLE, Seen

MACHINE_ONLY = ("lanjutkan", "hasil_lengkap", "ingatkan")  # follow from other actions, or from mail and time

Do = Callable[[Visit, Seen], Case]


def _forward(visit: Visit, seen: Seen) -> Case:
    return desk.forward(visit.world, seen, visit.actor, visit.text("reason"))


def _send_back(visit: Visit, seen: Seen) -> Case:
    return desk.send_back(visit.world, seen, visit.actor, visit.text("body").replace("\r\n", "\n").strip())


def _refuse(visit: Visit, seen: Seen) -> Case:
    return desk.refuse(visit.world, seen, visit.actor, visit.text("reason"), visit.text("advice"))


def _call_back(visit: Visit, seen: Seen) -> Case:
    person = visit.text("person_id")
    return desk.call_back(
        visit.world,
        seen,
        visit.actor,
        int(person) if person.isdigit() else None,
        visit.text("phone"),
        visit.text("reason"),
    )


def _merge(visit: Visit, seen: Seen) -> Case:
    return desk.merge(visit.world, seen, visit.actor, visit.text("into").upper())


def _split(visit: Visit, seen: Seen) -> Case:
    chosen = [int(v) for v in visit.form.getlist("persons") if isinstance(v, str) and v.isdigit()]
    return desk.split(visit.world, seen, visit.actor, chosen)


def _printed(visit: Visit, seen: Seen) -> Case:
    return desk.printed(visit.world, seen, visit.actor)


def _correct(visit: Visit, seen: Seen) -> Case:
    """Only what differs from what is stored is a correction; each is one event."""
    person_id = _id(visit, "person_id")
    with visit.world.store.reading() as tx:
        found = cases.get(tx, seen.case_id)
        one = desk.person_of(tx, found, person_id)
    stored = {name: value.value or "" for name, value in one.person.fields()} | {
        "peran": one.person.peran or "",
        "tindakan": one.person.tindakan or "",
    }
    changed = [
        (k, v.strip()) for k in stored if isinstance(v := visit.form.get(k), str) and " ".join(v.split()) != stored[k]
    ]
    if not changed:
        raise Refused("Tidak ada data yang berubah.")
    for name, value in changed:
        found = desk.correct(visit.world, seen, visit.actor, person_id, name, value)
        seen = Seen(found.id, found.version)
    return found


def _result(visit: Visit, seen: Seen) -> Case:
    confirm.ask(visit)
    result = Result(visit.text("result"), visit.text("user_id"), visit.text("note"))
    return agency.record_result(visit.world, seen, visit.actor, _id(visit, "person_id"), result)


def _notify(visit: Visit, seen: Seen) -> Case:
    return agency.notify(visit.world, seen, visit.actor)


def _archive(visit: Visit, seen: Seen) -> Case:
    return archive.archive(visit.world, seen, visit.actor)


def _receipt(visit: Visit, seen: Seen) -> Case:
    return desk.send_receipt(visit.world, seen, visit.actor)


def _hand_over(visit: Visit, seen: Seen) -> Case:
    return agency.hand_over(visit.world, seen, visit.actor, _id(visit, "person_id"), visit.text("how"))


def _explain(visit: Visit, seen: Seen) -> Case:
    return desk.explain(visit.world, seen, visit.actor, _id(visit, "step_id"), visit.text("reason"))


def _accept(visit: Visit, seen: Seen) -> Case:
    return desk.accept(visit.world, seen, visit.actor, _id(visit, "step_id"))


def _simple(action: str) -> Do:
    return lambda visit, seen: desk.simply(visit.world, seen, action, visit.actor, visit.text("reason"))


DO: dict[str, Do] = {
    "lengkap": _forward, "kembalikan": _send_back, "tolak": _refuse, "koreksi": _correct, "panggil_balik": _call_back,
    "gabung": _merge, "pisah": _split, "cetak": _printed, "catat_hasil": _result, "beritahukan": _notify, "serahkan": _hand_over,
    "tanda_terima": _receipt, "arsipkan": _archive,
    "alasan": _explain, "terima_alasan": _accept, **{name: _simple(name) for name in SIMPLE},
}  # fmt: skip


def do(visit: Visit, case_id: int, action: str) -> Case:
    """Raises Refused or Stale with words for the person, HTTPException for what no page offers."""
    if action not in DO:
        raise HTTPException(404)
    if visit.user.role not in case.ACTIONS[action].roles:
        raise HTTPException(
            403, f"Tindakan '{case.ACTIONS[action].label}' tidak termasuk wewenang {case.ROLES[visit.user.role]}."
        )
    return DO[action](visit, Seen(case_id, _id(visit, "version")))


def offered(found: Case, role: str) -> tuple[str, ...]:
    """What the page shows as buttons and forms."""
    return tuple(a for a in case.allowed(found.state, role) if a in DO)


def _id(visit: Visit, name: str) -> int:
    typed = visit.text(name)
    if not typed.isascii() or not typed.isdigit() or len(typed) > 12:
        raise HTTPException(400, "Formulir tidak utuh. Muat ulang halaman, lalu ulangi.")
    return int(typed)
