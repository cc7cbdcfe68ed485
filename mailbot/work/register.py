"""The register of access rights: import of an existing list, and its export (R-25, DOMAIN.md 6A). Never a password."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Row

from mailbot.model import Actor
from mailbot.paper.sheets import Sheet, SheetError, column_of, load
from mailbot.parsers.indonesian import parse_nip
from mailbot.sop.case import Refused
from mailbot.store import access, chain
from mailbot.store.access import AccessRight
from mailbot.work import World
from mailbot.work.desk import normal

# field -> headings under which lists have it, without blanks and in lower case
HEADINGS = {
    "user_id": ("userid", "username", "user", "namapengguna"), "nama": ("nama", "namalengkap"), "nip": ("nip", "nipnrp"),
    "peran": ("peran", "role", "jabatanpengadaan"), "instansi": ("instansisatker", "instansi", "satker", "satuankerja", "opd"),
    "email": ("emailterdaftar", "email", "surel"), "telepon": ("telepon", "notelepon", "notelponhp", "hp", "nohp"),
    "status": ("status",), "active_since": ("aktifsejak", "tanggalaktif"), "valid_until": ("berlakusampai", "berlakuhingga"),
    "basis": ("dasarnomortanggal", "dasar", "sk"), "case_number": ("tiketterakhir",), "ended_at": ("dinonaktifkanpada",),
    "ended_reason": ("alasan",), "executor": ("pelaksana",),
}  # fmt: skip
REQUIRED = ("user_id", "nama", "nip", "peran", "instansi")
DATES = ("active_since", "valid_until", "ended_at")
SECRET = re.compile(r"pass|sandi|pin$", re.I)
COLUMNS = ("No", "User ID", "Nama", "NIP", "Peran", "Instansi/Satker", "Email terdaftar", "Telepon", "Status", "Aktif sejak", "Berlaku sampai",
           "Dasar (nomor, tanggal)", "Tiket terakhir", "Dinonaktifkan pada", "Alasan", "Pelaksana")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Import:
    """What a list would do. `errors`: one per wrong line, with its number; nothing is stored while there is one."""

    rights: tuple[AccessRight, ...]
    new: int
    changed: int
    errors: tuple[str, ...]


def read_list(world: World, path: Path) -> Import:
    """The dry run: what the list holds, and what is wrong with it."""
    rows = load(path)
    header = next((n for n, row in enumerate(rows) if column_of(row, HEADINGS["nip"]) is not None), None)
    if header is None:
        raise SheetError(f"{path.name}: tidak ada baris judul dengan kolom NIP")
    where = _columns(path, rows[header])
    rights: dict[tuple[str, str, str], tuple[int, AccessRight]] = {}
    errors: list[str] = []
    for number, row in enumerate(rows[header + 1 :], header + 2):
        if not any(row):
            continue
        try:
            right = _right(world, {name: row[at] if at < len(row) else "" for name, at in where.items()})
            key = (right.nip, right.peran, right.instansi)
            if key in rights:
                raise Refused(f"sama dengan baris {rights[key][0]}")
            rights[key] = (number, right)
        except Refused as error:
            errors.append(f"baris {number}: {error}")
    found = tuple(right for _, right in rights.values())
    new, changed = _against(world, found)
    return Import(found, new, changed, tuple(errors))


def _columns(path: Path, header: Sequence[str]) -> dict[str, int]:
    if secret := [h for h in header if SECRET.search(h)]:
        raise SheetError(f"{path.name}: hapus kolom {', '.join(secret)}; kata sandi tidak pernah disimpan")
    where = {name: at for name, names in HEADINGS.items() if (at := column_of(header, names)) is not None}
    if missing := [name for name in REQUIRED if name not in where]:
        raise SheetError(f"{path.name}: kolom tidak ada: {', '.join(missing)}")
    return where


def _right(world: World, cells: dict[str, str]) -> AccessRight:
    """One line; Refused names everything that is wrong with it."""
    wrong = [f"kolom {name} kosong" for name in REQUIRED if not cells[name]]
    values: dict[str, Any] = {name: text for name, text in cells.items() if text}
    checks = _checks(world)
    for name in [n for n in checks if n in values]:
        try:
            values[name] = checks[name](values[name])
        except Refused as error:
            wrong.append(str(error))
    if wrong:
        raise Refused("; ".join(wrong))
    return AccessRight(**values)


def _checks(world: World) -> dict[str, Callable[[str], str | None]]:
    days: dict[str, Callable[[str], str | None]] = dict.fromkeys(DATES, _day)
    return days | {
        "nip": lambda text: _nip(world, text), "peran": lambda text: _role(world, text), "status": _status,
        "email": lambda text: normal("email", text), "telepon": lambda text: normal("telepon", text),
    }  # fmt: skip


def _nip(world: World, text: str) -> str:
    found = parse_nip(text, world.today)
    if found.problems:
        raise Refused(f"NIP '{text}': {'; '.join(found.problems)}")
    return found.digits


def _role(world: World, text: str) -> str:
    plain = text.lower().strip()
    for role, label in world.sop.roles.items():
        if plain in (role, role.replace("_", " "), label.lower()) or f"({plain})" in label.lower():
            return role
    raise Refused(f"peran '{text}' tidak dikenal; gunakan {', '.join(world.sop.roles)}")


def _status(text: str) -> str:
    plain = text.lower().replace("-", "").replace(" ", "")
    if plain in ("aktif", "nonaktif", "tidakaktif"):
        return "aktif" if plain == "aktif" else "nonaktif"
    raise Refused(f"status '{text}' harus aktif atau nonaktif")


def _day(text: str) -> str:
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y"):
        try:
            return dt.datetime.strptime(text, form).date().isoformat()
        except ValueError:
            continue
    raise Refused(f"tanggal '{text}' harus seperti 2026-12-31 atau 31/12/2026")


def _against(world: World, rights: tuple[AccessRight, ...]) -> tuple[int, int]:
    """How many are new to the register, and how many differ from what it holds."""
    new = changed = 0
    with world.store.reading() as tx:
        for right in rights:
            old = access.same(tx, right)
            new += old is None
            changed += old is not None and any(getattr(old, k) != v for k, v in asdict(right).items())
    return new, changed


def take_over(world: World, actor: Actor, found: Import) -> int:
    """Stores a list without errors; lines that change nothing leave no trace in the history. How many were stored."""
    if found.errors:
        raise Refused("Daftar masih memuat kesalahan; tidak ada yang disimpan.")
    stored = 0
    with world.store.transaction() as tx:
        for right in found.rights:
            old = access.same(tx, right)
            if old is None or any(getattr(old, k) != v for k, v in asdict(right).items()):
                access.record(tx, right, actor.name, "impor", world.now())
                stored += 1
        chain.append(
            tx,
            chain.OFFICE,
            world.now(),
            actor.name,
            "impor_register",
            data={"baris": len(found.rights), "disimpan": stored},
        )
    return stored


# ------------------------------------------------------------------ lists


def everybody(world: World) -> Sheet:
    with world.store.reading() as tx:
        rows = access.everything(tx)
    return Sheet("Register hak akses", COLUMNS, tuple(_line(world, n, r) for n, r in enumerate(rows, 1)))


def ending(world: World, days: int) -> Sheet:
    """Active rights that end within so many days; those that ended already come first."""
    until = (world.today + dt.timedelta(days=days)).isoformat()
    with world.store.reading() as tx:
        rows = access.ending(tx, "", until)
    return Sheet("Hak akses berakhir", COLUMNS, tuple(_line(world, n, r) for n, r in enumerate(rows, 1)))


def _line(world: World, number: int, r: Row[Any]) -> tuple[str, ...]:
    return (str(number), r.user_id, r.nama, r.nip, world.sop.roles.get(r.peran, r.peran), r.instansi, r.email, r.telepon, r.status,
            r.active_since or "", r.valid_until or "", r.basis, r.case_number, r.ended_at or "", r.ended_reason, r.executor)  # fmt: skip
