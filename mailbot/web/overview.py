"""For supervisors and the system's administrator: deviations, the audit trail, people, and whether all runs."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from mailbot.store import audit, chain, figures, iso, users
from mailbot.store.figures import Alarm
from mailbot.web import confirm, login, passwords, words
from mailbot.web.show import show
from mailbot.web.visit import Visit

ROWS = 60  # of a long list


def deviations(visit: Visit) -> Response:
    """The list of deviations from mutu baku (R-26); everybody gives reasons for the own steps, supervisors accept them."""
    tab = "diterima" if visit.asked("tab") == "diterima" else "terbuka"
    since = visit.world.now() - dt.timedelta(weeks=12)
    own = "T6" if visit.user.role == "admin_agency" else ""
    with visit.world.store.reading() as tx:
        rows = figures.deviations(tx, since, tab == "diterima", own, ROWS + 1)
    return show(visit, "deviations.html", rows=rows[:ROWS], more=len(rows) > ROWS, tab=tab)


# ------------------------------------------------------------------ the audit trail


def trail(visit: Visit) -> Response:
    page = max(1, int(visit.asked("hal"))) if visit.asked("hal").isdigit() else 1
    since, until = span(visit)
    with visit.world.store.reading() as tx:
        rows = audit.events(tx, actor=visit.asked("oleh")[:40], action=visit.asked("tindakan")[:40], number=visit.asked("nomor").strip().upper()[:40],
                            since=since, until=until, offset=(page - 1) * ROWS, limit=ROWS + 1)  # fmt: skip
        people = users.everybody(tx)
    return show(visit, "trail.html", rows=rows[:ROWS], more=len(rows) > ROWS, page=page, people=people)


def trail_file(visit: Visit) -> Response:
    """Who touched what between two days, for the notice within 3 x 24 hours (DOMAIN.md 4.5)."""
    since, until = span(visit)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("waktu", "oleh", "tindakan", "berkas", "dari", "menjadi", "keterangan", "data"))
    with visit.world.store.transaction() as tx:
        chain.append(
            tx, chain.OFFICE, visit.world.now(), visit.user.login, "ekspor", data={"dari": since, "sampai": until}
        )
        for e in audit.all_between(tx, since, until or "9999"):
            writer.writerow(
                [harmless(str(v or "")) for v in (e.at, e.actor, e.action, e.number, e.old, e.new, e.reason, e.data)]
            )
    headers = {"Content-Disposition": 'attachment; filename="jejak.csv"'}
    return Response("\ufeff" + out.getvalue(), media_type="text/csv; charset=utf-8", headers=headers)


def harmless(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula (T23)."""
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t", "\r", "\n", "|") else cell


def span(visit: Visit) -> tuple[str, str]:
    """The days asked for, in the office's time; the end is included."""
    zone = ZoneInfo(visit.world.hours.zone)
    found = []
    for name, more in (("dari", 0), ("sampai", 1)):
        try:
            day = dt.date.fromisoformat(visit.asked(name)) + dt.timedelta(days=more)
            found.append(iso(dt.datetime.combine(day, dt.time(), zone)))
        except ValueError:
            found.append("")
    return found[0], found[1]


# ------------------------------------------------------------------ people


def people(visit: Visit, said: str = "", status: int = 200) -> Response:
    with visit.world.store.reading() as tx:
        found = users.everybody(tx)
    return show(visit, "people.html", status, people=found, wrong=said, now=visit.world.now())


def change_people(visit: Visit) -> Response:
    """Adding, disabling and new passwords; whoever does it gives the own password again."""
    if not confirm.own_password(visit, visit.text("own")):
        return people(visit, "Kata sandi Anda sendiri tidak cocok.", 422)
    act = {"tambah": _add, "nonaktif": _switch, "aktif": _switch, "sandi": _reset}.get(visit.text("ubah"))
    if act is None:
        raise HTTPException(400)
    wrong = act(visit)
    return people(visit, wrong, 422) if wrong else RedirectResponse("/pengguna", 303)


def _add(visit: Visit) -> str:
    return login.add_user(
        visit.world,
        visit.text("login"),
        visit.text("name"),
        visit.text("role"),
        visit.text("password"),
        visit.user.login,
    )


def _switch(visit: Visit) -> str:
    world, active = visit.world, visit.text("ubah") == "aktif"
    with world.store.transaction() as tx:
        user = users.by_login(tx, visit.text("login"))
        if user is None or user.id == visit.user.id:
            return "Pengguna tidak ada, atau Anda sendiri."
        users.set_active(tx, user.id, active, world.now())
        data = {"pengguna": user.login, "tindakan": "aktifkan" if active else "nonaktifkan"}
        chain.append(tx, chain.OFFICE, world.now(), visit.user.login, "pengguna", data=dict(data))
    return ""


def _reset(visit: Visit) -> str:
    world = visit.world
    try:
        password_hash = passwords.hashed(visit.text("password"), visit.text("login"))
    except passwords.Weak as weak:
        return str(weak)
    with world.store.transaction() as tx:
        user = users.by_login(tx, visit.text("login"))
        if user is None:
            return "Pengguna tidak ada."
        users.set_password(tx, user.id, password_hash, world.now())
        users.set_totp(tx, user.id, "")
        chain.append(tx, chain.OFFICE, world.now(), visit.user.login, "kata_sandi", data={"pengguna": user.login})
    return ""


# ------------------------------------------------------------------ is everything running


def health(visit: Visit) -> Response:
    world, now = visit.world, visit.world.now()
    with world.store.reading() as tx:
        polled, mail = figures.mailboxes(tx), figures.quarantined_mail(tx)
        jobs, stuck = figures.failed_jobs(tx), figures.stuck_mail(tx, now - dt.timedelta(minutes=15))
        waiting = figures.waiting_jobs(tx)
    alarms = [
        *_polls(visit, polled),
        Alarm("Surat yang gagal diambil", "bad" if mail else "good", f"{len(mail)} di karantina"),
        Alarm("Pekerjaan yang gagal", "bad" if jobs else "good", f"{len(jobs)} di karantina, {waiting} menunggu"),
        Alarm("Surat keluar", "bad" if stuck else "good", f"{len(stuck)} perlu dilihat"),
    ]
    return show(visit, "health.html", alarms=alarms, mail=mail, jobs=jobs, stuck=stuck)


def _polls(visit: Visit, rows: list[Any]) -> list[Alarm]:
    """Every mailbox that is configured, also one that was never reached."""
    known = {r.account for r in rows}
    never = [m.account for m in visit.world.settings.mailbox if m.account not in known]
    return [_poll(visit, r.account, r.polled_at, r.paused) for r in rows] + [_poll(visit, a, None, "") for a in never]


def _poll(visit: Visit, account: str, polled: str | None, paused: str) -> Alarm:
    if paused:
        return Alarm(f"Kotak surat {account}", "bad", f"dihentikan: {paused}")
    if not polled:
        return Alarm(f"Kotak surat {account}", "bad", "belum pernah diperiksa")
    old = visit.world.now() - dt.datetime.fromisoformat(polled) > dt.timedelta(minutes=15)
    return Alarm(
        f"Kotak surat {account}", "bad" if old else "good", f"terakhir diperiksa {words.when(visit.world, polled)}"
    )
