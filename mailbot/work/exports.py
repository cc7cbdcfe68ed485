"""Lists for supervisors and auditors: deviations (R-26), the help-desk register of standard 5 (DOMAIN.md 4.4), persons after a breach."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import Connection, Row

from mailbot.model import CasePerson
from mailbot.paper.sheets import Sheet
from mailbot.sop import case
from mailbot.store import audit, cases, chain, mails, reports, steps
from mailbot.work import World
from mailbot.work.forms import spoken_time
from mailbot.work.ticks import STEPS, measure

DEVIATIONS = (
    "No",
    "Nomor",
    "Langkah",
    "Mulai",
    "Batas",
    "Selesai",
    "Menit layanan",
    "Pelaksana",
    "Alasan",
    "Alasan oleh",
    "Diterima oleh",
    "Diterima pada",
)
STANDARD_5 = ("No", "Nama", "Kontak", "Media pelaporan", "Tanggal pelaporan", "Deskripsi", "Tipe", "Kategori", "User", "Jenis", "Urgensi", "Dampak",
              "Prioritas", "Petugas", "Status penanganan", "Tanggal penanganan", "Solusi", "Tanggal penyelesaian", "Status konfirmasi", "Status")  # fmt: skip
MEDIA = {"email": "E-Mail", "langsung": "Surat", "tts": "Lainnya"}
USERS = {"ppk": "PPK", "pokja": "Panitia", "pejabat_pengadaan": "Lainnya"}
# urgensi, dampak (K/S/B) and prioritas (R/M/T) of a routine request; an office that weighs them does so in its own list
WEIGHT = ("S", "K", "M")


def deviations(world: World, since: str = "", until: str = "9999") -> Sheet:
    """Every late step with step, limit, actual, person and reason."""
    with world.store.transaction() as tx:
        measure(world, tx)
        rows = steps.deviations(tx, since, until)
    return Sheet(
        "Penyimpangan mutu baku", DEVIATIONS, tuple(_deviation(world, n, r) for n, r in enumerate(reversed(rows), 1))
    )


def _deviation(world: World, number: int, r: Row[Any]) -> tuple[str, ...]:
    times = [spoken_time(world, at) for at in (r.started_at, r.due_at, r.ended_at)]
    minutes = "" if r.minutes is None else str(r.minutes)
    return (str(number), r.number, STEPS.get(r.name, r.name), *times, minutes, r.ended_by or "", r.reason, r.reason_by or "",
            r.accepted_by or "", spoken_time(world, r.accepted_at))  # fmt: skip


def standard_5(world: World, since: str = "", until: str = "9999") -> Sheet:
    with world.store.reading() as tx:
        rows = [_request(world, tx, n, r) for n, r in enumerate(reports.case_rows(tx, since, until), 1)]
    return Sheet("Register helpdesk", STANDARD_5, tuple(rows))


def _request(world: World, tx: Connection, number: int, r: Row[Any]) -> tuple[str, ...]:
    events = chain.events(tx, r.id)
    people = cases.persons(tx, r.id)
    handled = next(
        (
            e
            for e in events
            if e.action in ("lengkap", "kembalikan", "tinjau", "bukan_permohonan", "di_luar_sop", "duplikat")
        ),
        None,
    )
    told = next((e for e in reversed(events) if e.action in ("beritahukan", "tolak")), None)
    closed = told or next((e for e in reversed(events) if r.state in case.CLOSED and e.new == r.state), None)
    officer = next((e.actor for e in reversed(events) if e.actor != "mesin"), "mesin")
    return (
        str(number), r.requester_name or r.requester, r.requester, MEDIA.get(r.channel, "Lainnya"), spoken_time(world, r.created_at),
        f"{r.number}: {r.subject}", "Permintaan Layanan", "Non Teknis", _user(people), "Prosedur", *WEIGHT, officer,
        case.STATES[r.state], spoken_time(world, handled.at) if handled else "", _solution(people, r), spoken_time(world, closed.at) if closed else "",
        "Telah Diinformasikan" if told else "Belum Diinformasikan", "Selesai" if closed else "Proses",
    )  # fmt: skip


def _user(people: list[CasePerson]) -> str:
    return ", ".join(dict.fromkeys(USERS.get(p.person.peran or "", "Lainnya") for p in people)) or "Lainnya"


def _solution(people: list[CasePerson], r: Row[Any]) -> str:
    done = [f"{p.person.tindakan} {p.result}" for p in people if p.result]
    return ", ".join(dict.fromkeys(done)) or (r.reason if r.state in case.CLOSED else "")


# ------------------------------------------------------------------ after a breach (UU 27/2022, article 46)


def breach(world: World, since: str, until: str) -> tuple[Sheet, Sheet]:
    """Whose data and which files were touched between two moments, by whom and how."""
    with world.store.reading() as tx:
        touched = _touched(tx, since, until)
        persons, files = [], []
        for number, deeds in sorted(touched.items()):
            found = cases.with_number(tx, number)
            if found is None:
                continue
            how = "; ".join(dict.fromkeys(f"{at} {actor}: {action}" for at, actor, action, _ in deeds))
            persons += [_affected(number, p, how) for p in cases.persons(tx, found.id)]
            files += [_file(number, r, deeds) for r in mails.attachments(tx, found.id)]
    return (Sheet("Orang", ("Nomor berkas", "Nama", "NIP", "Instansi", "Telepon", "Email", "Tersentuh oleh"), tuple(persons)),
            Sheet("Berkas", ("Nomor berkas", "Nama berkas", "SHA-256", "Putaran", "Dibuka atau diunduh oleh"), tuple(files)))  # fmt: skip


Deed = tuple[str, str, str, dict[str, Any]]  # at, actor, action, data


def _touched(tx: Connection, since: str, until: str) -> dict[str, list[Deed]]:
    """case number -> what happened to it; opened and downloaded files stand in the office's chain with the case's number."""
    found: dict[str, list[Deed]] = {}
    for event in audit.all_between(tx, since, until):
        data = json.loads(event.data)
        named = data.get("berkas")
        for number in {event.number, named if isinstance(named, str) else None} - {None}:
            found.setdefault(str(number), []).append((event.at, event.actor, event.action, data))
    return found


def _affected(number: str, one: CasePerson, how: str) -> tuple[str, ...]:
    p = one.person
    return (
        number,
        *(v or "" for v in (p.nama.value, p.nip.value, p.instansi.value, p.telepon.value, p.email.value)),
        how,
    )


def _file(number: str, r: Row[Any], deeds: list[Deed]) -> tuple[str, ...]:
    opened = [
        f"{at} {actor}: {action}" for at, actor, action, data in deeds if str(data.get("sha256", "?")) == r.sha256[:12]
    ]
    return number, r.name, r.sha256, str(r.round), "; ".join(opened)
