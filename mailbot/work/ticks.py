"""What time brings: late steps, reminders, the daily digest, access rights that end. Each tick claims its slot by a row,
so that of several hosts one does the work (DESIGN.md 7). Mail inside the office carries numbers and counts, never names.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Row

from mailbot.model import Case, Reply
from mailbot.replies import compose
from mailbot.sop import case, clock
from mailbot.store import access, cases, chain, mails, outbox, reports, steps, ticks, users
from mailbot.work import World, act, log, pictures, put
from mailbot.work.agency import day, masked
from mailbot.work.desk import latest, thread_of

STEPS = {"T3": "pemeriksaan kelengkapan", "T6": "tindak lanjut", "T8": "pemberitahuan", "T9": "pengarsipan"}
KEEP_SLOTS = dt.timedelta(days=40)
KEEP_SESSIONS = dt.timedelta(days=2)  # of web pages; none lives longer than session_hours


def tick(world: World) -> bool:
    """Everything that is due now; whether there was work. Called every minute; every unit is a transaction of its own."""
    minute = world.now().astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M")
    done = _claimed(world, "menit", minute, _minute)
    if world.hours.next_open(world.now()) <= world.now():
        today = world.now().astimezone(ZoneInfo(world.hours.zone)).date().isoformat()
        for name, work in DAILY.items():
            done = _claimed(world, name, today, work) or done
        if _claimed(world, "gambar", today, lambda *_: True):
            pictures.tidy(world)  # thousands of files: not within a transaction
        hour = minute[:13]
        done = (_claimed(world, "pengingat", hour, lambda *_: True) and remind(world)) or done
    return done


def _claimed(world: World, name: str, slot: str, work: Callable[[World, Connection, str], bool]) -> bool:
    """The work and its slot in one transaction: a kill in between leaves the slot to the next tick."""
    with world.store.transaction() as tx:
        return ticks.claim(tx, name, slot, world.now()) and work(world, tx, slot)


def _minute(world: World, tx: Connection, slot: str) -> bool:
    measured = measure(world, tx)
    late = steps.mark_late(tx, world.now())
    if late:
        log.info("steps late", count=len(late))
        _warn(world, tx, slot, late)
    return bool(measured or late)


def measure(world: World, tx: Connection) -> int:
    """Writes the service minutes that ended steps took; how many."""
    rows = steps.unmeasured(tx)
    for row in rows:
        started, ended = dt.datetime.fromisoformat(row.started_at), dt.datetime.fromisoformat(row.ended_at)
        steps.set_minutes(tx, row.id, world.hours.minutes(started, ended))
    return len(rows)


# ------------------------------------------------------------------ inside the office


def _warn(world: World, tx: Connection, slot: str, late: list[Row[tuple[object, ...]]]) -> None:
    rows = [{"nomor": cases.get(tx, r.case_id).number, "langkah": STEPS.get(r.name, r.name),
             "batas": clock.spoken(dt.datetime.fromisoformat(r.due_at), world.hours.zone)} for r in late]  # fmt: skip
    _inside(world, tx, "late_steps", slot, world.settings.notices.late, {"baris": rows})


def _inside(
    world: World, tx: Connection, kind: str, slot: str, addresses: Iterable[str], values: dict[str, object]
) -> None:
    """One mail per address of the office; the slot makes it unique."""
    values = {"waktu": clock.spoken(world.now(), world.hours.zone), **values}
    for address in addresses:
        office_mail(world, tx, Reply(kind, address, tuple(values.items())), f"kantor|{kind}|{slot}|{address}")


def office_mail(world: World, tx: Connection, reply: Reply, key: str) -> bool:
    """A mail that belongs to no case; whether it is new in the outbox."""
    number = world.settings.office.number_prefix
    mail = compose.compose(
        reply.kind, 1, key, compose.Thread(reply.to, number), dict(reply.values), world.office, world.now()
    )
    return outbox.add(tx, None, mail, world.now()) is not None


def _digest(world: World, tx: Connection, slot: str) -> bool:
    """Counts per state, late steps without a reason, what was not printed, access rights that end: for the supervisors."""
    if not world.settings.notices.digest:
        return False
    counts = {case.STATES[state]: count for state, count in reports.per_state(tx).items() if state in case.OPEN}
    soon = max(world.settings.notices.expiry_days, default=0)
    values: dict[str, object] = {
        "keadaan": counts, "terlambat": reports.running_late(tx), "tanpa_alasan": reports.unexplained(tx),
        "belum_dicetak": reports.unprinted(tx, sorted(case.OPEN)), "gagal_kirim": reports.undelivered(tx),
        "berakhir": len(access.ending(tx, _days(world, 0), _days(world, soon))), "hari": soon,
    }  # fmt: skip
    _inside(world, tx, "digest", slot, world.settings.notices.digest, values)
    return True


def _days(world: World, days: int) -> str:
    return (world.today + dt.timedelta(days=days)).isoformat()


def _expiring(world: World, tx: Connection, slot: str) -> bool:
    """Tells the holder of an access right that it ends, once per configured distance."""
    if not world.settings.notices.expiry_holders:
        return False
    sent = 0
    for days in sorted(world.settings.notices.expiry_days):
        for right in access.ending(tx, _days(world, 0), _days(world, days)):
            if right.email and _nearest(world, right.valid_until) == days:
                sent += _tell_holder(world, tx, right, days)
    return sent > 0


def _nearest(world: World, until: str) -> int:
    """The smallest configured distance that this day lies within: a missed day is made up, a passed one is not repeated."""
    left = (dt.date.fromisoformat(until) - world.today).days
    return min(d for d in world.settings.notices.expiry_days if left <= d)


def _tell_holder(world: World, tx: Connection, right: Row[tuple[object, ...]], days: int) -> bool:
    values = {"sapaan": right.nama, "nama": right.nama, "nip": masked(right.nip), "peran": world.sop.roles.get(right.peran, right.peran),
              "satker": right.instansi, "berlaku_sampai": day(right.valid_until)}  # fmt: skip
    return office_mail(
        world,
        tx,
        Reply("expiry", right.email, tuple(values.items())),
        f"berakhir|{right.id}|{right.valid_until}|{days}",
    )


def _prune(world: World, tx: Connection, slot: str) -> bool:
    ticks.forget(tx, world.now() - KEEP_SLOTS)
    users.forget(tx, world.now() - KEEP_SESSIONS)
    return False


DAILY: dict[str, Callable[[World, Connection, str], bool]] = {
    "ringkasan": _digest,
    "masa-berlaku": _expiring,
    "bersih": _prune,
}


# ------------------------------------------------------------------ requesters who do not come back


def remind(world: World) -> bool:
    """Reminds the requesters of returned files after the configured days, each distance once per round."""
    with world.store.reading() as tx:
        waiting = [c for c in cases.in_state(tx, case.RETURNED) if _due_reminder(world, tx, c) is not None]
    return any([_remind(world, found) for found in waiting])


def _due_reminder(world: World, tx: Connection, found: Case) -> int | None:
    """Which reminder (from 1) is due; None: none. After a long standstill only one goes out, the last that is due."""
    returned, reminded = None, 0
    for event in chain.events(tx, found.id):
        if event.action == "kembalikan":
            returned, reminded = dt.datetime.fromisoformat(event.at), 0
        if event.action == "ingatkan":
            reminded = max(reminded, _which(event.data))
    if returned is None:
        return None
    days = (world.now() - returned).days
    due = sum(days >= after for after in sorted(world.settings.replies.remind_after_days))
    return due if due > reminded else None


def _which(data: str) -> int:
    return int(json.loads(data).get("ke", 1))


def _remind(world: World, seen: Case) -> bool:
    """One reminder, looked at again within its transaction: two hosts, or an answer in between, send none twice."""
    with world.store.transaction() as tx:
        found = cases.get(tx, seen.id)
        number = _due_reminder(world, tx, found) if found.state == case.RETURNED else None
        rows = mails.of_case(tx, found.id)
        if number is None or not found.requester or not rows or rows[0].policy != "reply":
            return False
        _, verdict = latest(tx, found.id)
        returned = next(e for e in reversed(chain.events(tx, found.id)) if e.action == "kembalikan")
        values: dict[str, object] = {"kembali": clock.spoken(dt.datetime.fromisoformat(returned.at), world.hours.zone),
                                     "kekurangan": compose.defects(verdict, world.sop)}  # fmt: skip
        after = act(world, tx, found, "ingatkan", reason=f"pengingat ke-{number}", data=(("ke", number),))
        key, references = thread_of(tx, after)
        put(
            world,
            tx,
            after,
            Reply("reminder", found.requester, tuple(values.items())),
            key,
            references,
            outbox.next_seq(tx, key, "reminder"),
        )
        return True
