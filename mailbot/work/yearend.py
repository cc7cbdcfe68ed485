"""Step 5: at year's end Admin Agency may deactivate PPK accounts (R-19, A-15): list, notice, exceptions, a decision per account by a
person, execution, notice, archive. Every step may be interrupted and called again; nothing is decided or executed by the machine.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row

from mailbot.model import Actor, Reply
from mailbot.paper import bag
from mailbot.sop import clock
from mailbot.sop.case import ROLES, Refused
from mailbot.store import Stale, access, campaigns, chain, reports
from mailbot.store.access import AccessRight
from mailbot.work import World
from mailbot.work.agency import day
from mailbot.work.archive import root
from mailbot.work.ticks import office_mail

MAY = ("admin_agency", "supervisor")
DECISIONS = {"nonaktif": "Dinonaktifkan", "kecuali": "Dikecualikan"}
STATES = {"disusun": "Disusun", "diumumkan": "Diumumkan", "dilaksanakan": "Dilaksanakan", "selesai": "Selesai"}


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the campaign. `hints`: what speaks for an exception, for the person who decides."""

    id: int
    user_id: str
    nama: str
    nip: str
    instansi: str
    email: str
    status: str
    notified_at: str | None
    decision: str
    reason: str
    decided_by: str | None
    executed_at: str | None
    hints: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Campaign:
    year: int
    planned_on: dt.date
    state: str
    accounts: tuple[Account, ...]

    def count(self) -> dict[str, int]:
        a = self.accounts
        return {"akun": len(a), "diberitahu": sum(bool(x.notified_at) for x in a), "belum diputuskan": sum(not x.decision for x in a),
                "dikecualikan": sum(x.decision == "kecuali" for x in a), "dinonaktifkan": sum(bool(x.executed_at) for x in a)}  # fmt: skip


def _may(actor: Actor) -> None:
    if actor.role not in MAY:
        raise Refused(f"Penonaktifan akhir tahun tidak termasuk wewenang {ROLES.get(actor.role, actor.role)}.")


def _campaign(tx: Connection, year: int) -> Row[Any]:
    found = campaigns.of_year(tx, year)
    if found is None:
        raise Refused(f"Belum ada daftar akhir tahun {year}; susun daftarnya lebih dahulu.")
    return found


def _note(world: World, tx: Connection, actor: Actor, action: str, reason: str = "", **data: object) -> None:
    chain.append(tx, chain.OFFICE, world.now(), actor.name, f"akhir_tahun_{action}", reason=reason, data=dict(data))


# ------------------------------------------------------------------ list and status


def gather(world: World, actor: Actor, year: int, planned_on: dt.date) -> Campaign:
    """Lists the active PPK accounts of the register; called again, it adds those that came since."""
    _may(actor)
    if planned_on < world.today:
        raise Refused(f"Tanggal rencana {planned_on.isoformat()} sudah lewat.")
    with world.store.transaction() as tx:
        found = campaigns.start(tx, year, planned_on.isoformat(), actor.name, world.now())
        if found.state == "selesai":
            raise Refused(f"Kampanye akhir tahun {year} sudah selesai.")
        added = campaigns.gather(tx, found.id, world.sop.year_end)
        _note(world, tx, actor, "daftar", tahun=year, ditambahkan=added, rencana=found.planned_on)
    return status(world, year)


def status(world: World, year: int) -> Campaign:
    with world.store.reading() as tx:
        found = _campaign(tx, year)
        rows = campaigns.items(tx, found.id)
        accounts = tuple(_account(tx, r, found.planned_on) for r in rows)
    return Campaign(year, dt.date.fromisoformat(found.planned_on), found.state, accounts)


def _account(tx: Connection, r: Row[Any], planned_on: str) -> Account:
    hints = [f"permohonan {number} sedang diproses" for number in reports.open_cases_of(tx, r.nip)]
    if r.valid_until and r.valid_until > planned_on:
        hints.append(f"dasar penugasan berlaku sampai {day(r.valid_until)}")
    return Account(r.id, r.user_id, r.nama, r.nip, r.instansi, r.email, r.status, r.notified_at, r.decision, r.reason, r.decided_by,
                   r.executed_at, tuple(hints))  # fmt: skip


# ------------------------------------------------------------------ notice


def notify(world: World, actor: Actor, year: int, answer_by: dt.date) -> int:
    """Tells every PPK who was not told yet (6.8), one transaction each; how many now."""
    _may(actor)
    with world.store.reading() as tx:
        found = _campaign(tx, year)
        waiting = [r for r in campaigns.items(tx, found.id) if not r.notified_at and r.status == "aktif"]
    if answer_by > dt.date.fromisoformat(found.planned_on):
        raise Refused("Batas tanggapan harus sebelum tanggal rencana penonaktifan.")
    told = sum([_tell(world, found, r, answer_by) for r in waiting])
    with world.store.transaction() as tx:
        if found.state == "disusun":
            campaigns.set_state(tx, found.id, "diumumkan")
        _note(world, tx, actor, "pemberitahuan", tahun=year, jumlah=told, batas=answer_by.isoformat())
    return told


def _tell(world: World, found: Row[Any], r: Row[Any], answer_by: dt.date) -> bool:
    values = {"sapaan": r.nama, "ta": found.year, "ta_berikut": found.year + 1, "rencana": day(found.planned_on),
              "batas": day(answer_by.isoformat()), "user_id": r.user_id, "satker": r.instansi}  # fmt: skip
    with world.store.transaction() as tx:
        if not campaigns.notified(tx, r.id, world.now()):
            return False
        if r.email:
            office_mail(
                world, tx, Reply("year_end", r.email, tuple(values.items())), f"akhir-tahun|{found.year}|{r.access_id}"
            )
        return True


# ------------------------------------------------------------------ decision and execution


def decide(world: World, actor: Actor, year: int, item_id: int, decision: str, reason: str) -> None:
    """Nonaktif or kecuali for one account; an exception needs its basis."""
    _may(actor)
    if decision not in DECISIONS:
        raise Refused("Pilih keputusan: nonaktif atau kecuali.")
    if decision == "kecuali" and not reason.strip():
        raise Refused("Pengecualian memerlukan dasar, misalnya nomor kontrak tahun jamak atau SK yang baru.")
    with world.store.transaction() as tx:
        row = _item(tx, _campaign(tx, year), item_id)
        if not campaigns.decided(tx, row.id, decision, reason.strip(), actor.name, world.now()):
            raise Stale(f"Akun {row.user_id} sudah dinonaktifkan; keputusannya tidak dapat diubah.")
        _note(world, tx, actor, "keputusan", reason, tahun=year, akun=row.user_id, keputusan=decision)


def execute(world: World, actor: Actor, year: int, item_id: int) -> None:
    """Records that Admin Agency deactivated one account in SPSE: register, notice to its holder, event."""
    if actor.role != "admin_agency":
        raise Refused("Hanya Admin Agency yang mencatat pelaksanaan penonaktifan.")
    with world.store.transaction() as tx:
        found = _campaign(tx, year)
        row = _item(tx, found, item_id)
        _ready(world, found, row)
        if not campaigns.executed(tx, row.id, actor.name, world.now()):
            raise Stale(f"Penonaktifan akun {row.user_id} sudah dicatat.")
        if found.state != "dilaksanakan":
            campaigns.set_state(tx, found.id, "dilaksanakan")
        _end(world, tx, actor, row)
        _note(world, tx, actor, "pelaksanaan", tahun=year, akun=row.user_id)


def _ready(world: World, found: Row[Any], row: Row[Any]) -> None:
    if row.decision != "nonaktif":
        raise Refused(f"Akun {row.user_id} belum diputuskan untuk dinonaktifkan.")
    if not row.notified_at:
        raise Refused(f"Pemegang akun {row.user_id} belum diberitahu tentang rencana penonaktifan.")
    if world.today.isoformat() < found.planned_on:
        raise Refused(f"Penonaktifan direncanakan pada {day(found.planned_on)}; belum dapat dicatat sebelum hari itu.")
    if row.status != "aktif":
        raise Refused(f"Akun {row.user_id} sudah tidak aktif dalam register.")


def _item(tx: Connection, found: Row[Any], item_id: int) -> Row[Any]:
    row = next((r for r in campaigns.items(tx, found.id) if r.id == item_id), None)
    if row is None:
        raise Refused("Akun ini tidak ada dalam daftar akhir tahun.")
    return row


def _end(world: World, tx: Connection, actor: Actor, row: Row[Any]) -> None:
    reason = f"kewenangan Admin Agency pada akhir tahun anggaran ({world.sop.name} langkah 5)"
    old = {k: v for k, v in access.get(tx, row.access_id)._mapping.items() if k != "id"}
    new = AccessRight(
        **{
            **old,
            "status": "nonaktif",
            "ended_at": world.today.isoformat(),
            "ended_reason": reason,
            "valid_until": None,
            "executor": actor.name,
        }
    )
    access.record(tx, new, actor.name, "penonaktifan akhir tahun", world.now())
    values = {"sapaan": row.nama, "nama": row.nama, "user_id": row.user_id, "peran": world.sop.roles.get(row.peran, row.peran), "satker": row.instansi,
              "dasar": reason, "waktu": clock.spoken(world.now(), world.hours.zone)}  # fmt: skip
    if row.email:
        office_mail(
            world,
            tx,
            Reply("year_end_result", row.email, tuple(values.items())),
            f"akhir-tahun-hasil|{row.campaign_id}|{row.access_id}",
        )


# ------------------------------------------------------------------ the end


def finish(world: World, actor: Actor, year: int) -> Path:
    """Closes the campaign when every account is decided and executed, and packs its record; the package's folder."""
    _may(actor)
    found = status(world, year)
    still = [
        a.user_id
        for a in found.accounts
        if not a.decision or (a.decision == "nonaktif" and not a.executed_at and a.status == "aktif")
    ]
    if still:
        raise Refused(f"Belum selesai: {', '.join(still[:10])}{' ...' if len(still) > 10 else ''}.")
    final = root(world) / str(year) / f"akhir-tahun-{year}"
    made = bag.beside(final)
    try:
        seal = bag.write(
            made,
            {"kampanye.json": _record(found)},
            {"External-Identifier": final.name, "Bagging-Date": world.today.isoformat()},
        )
        with world.store.transaction() as tx:
            row = _campaign(tx, year)
            if row.state == "selesai":
                raise Stale(f"Kampanye akhir tahun {year} sudah diselesaikan.")
            campaigns.set_state(tx, row.id, "selesai")
            _note(world, tx, actor, "selesai", tahun=year, paket=str(final.relative_to(root(world))), segel=seal)
            if final.exists():  # left by a run that was killed before its change was stored
                shutil.rmtree(final)
            os.replace(made, final)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return final


def _record(found: Campaign) -> bytes:
    return (json.dumps(asdict(found), ensure_ascii=False, indent=1, default=str) + "\n").encode()
