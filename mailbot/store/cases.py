"""Case files, their persons, and the one door through which they change: `apply`."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, bindparam, select, text, update

from mailbot.model import Case, CasePerson, Change, Letter, Person, Update
from mailbot.store import Stale, chain, iso, search, steps
from mailbot.store import tables as t

PERSON = TypeAdapter(Person)
SETTLED = ("ditolak", "ditarik_pemohon", "duplikat", "bukan_permohonan", "di_luar_sop", "dikembalikan")
_NEXT = text(
    "INSERT INTO counter (name, value) VALUES (:name, 1) "
    "ON CONFLICT (name) DO UPDATE SET value = counter.value + 1 RETURNING value"
)
_NEW = t.case_file.insert().returning(*t.case_file.c)
_WITH_ID = select(t.case_file).where(t.case_file.c.id == bindparam("id"))


def next_number(tx: Connection, prefix: str, year: int) -> str:
    """LPSE-2026-000123; counted by the database, so that two hosts never give the same."""
    start = f"{prefix}-{year}-"
    return f"{start}{tx.execute(_NEXT, {'name': start}).scalar_one():06d}"


def coming_number(tx: Connection, prefix: str, year: int) -> str:
    """The number that the next case will most likely get."""
    start = f"{prefix}-{year}-"
    return f"{start}{(tx.scalar(select(t.counter.c.value).where(t.counter.c.name == start)) or 0) + 1:06d}"


def new(tx: Connection, requester: str, requester_name: str, subject: str, number: str, now: dt.datetime, step: str,
        due_at: dt.datetime, channel: str = "email", ticket: str = "") -> Case:  # fmt: skip
    """A case as it arrives: state diterima, its first timer running."""
    values = {
        "number": number, "state": "diterima", "round": 1, "version": 1, "requester": requester,
        "requester_name": requester_name[:200], "subject": subject, "channel": channel, "ticket": ticket,
        "created_at": iso(now), "changed_at": iso(now), "step": step, "due_at": iso(due_at),
    }  # fmt: skip
    case = _case(tx.execute(_NEW, values).one())
    steps.start(tx, case.id, step, 1, now, due_at)
    told = {"nomor": number, "saluran": channel}
    chain.append(tx, case.id, now, "mesin", "terima", new="diterima", reason=subject, data=told, first=True)
    search.put(tx, case.id, "\n".join((number, subject, requester, requester_name[:200], ticket)))
    return case


def split_off(tx: Connection, parent: Case, number: str, now: dt.datetime) -> Case:
    """A new case, as if just received, on the parent's messages; its persons are moved by the caller."""
    old = tx.execute(select(t.case_file).where(t.case_file.c.id == parent.id)).one()
    values = dict(old._mapping)
    for name in ("id", "printed_at", "printed_by", "merged_into"):
        values.pop(name)
    values |= {"number": number, "version": 1, "created_at": iso(now), "changed_at": iso(now), "split_from": parent.id,
               "state": "diterima", "letter_key": None, "step": "", "due_at": None}  # fmt: skip
    case_id = int(tx.execute(t.case_file.insert().values(**values).returning(t.case_file.c.id)).scalar_one())
    chain.append(
        tx, case_id, now, "mesin", "terima", new="diterima", reason=f"dipisahkan dari {parent.number}", first=True
    )
    return get(tx, case_id)


def verify(
    tx: Connection, case_id: int, person_id: int | None, level: str, how: str, actor: str, now: dt.datetime
) -> None:
    """Records how it was made sure who asks (MAIL.md 2.7)."""
    values = {"case_id": case_id, "person_id": person_id, "level": level, "how": how, "actor": actor, "at": iso(now)}
    tx.execute(t.verification.insert().values(**values))


def verifications(tx: Connection, case_id: int) -> list[Row[Any]]:
    query = select(t.verification).where(t.verification.c.case_id == case_id).order_by(t.verification.c.id)
    return list(tx.execute(query))


def get(tx: Connection, case_id: int) -> Case:
    return _case(tx.execute(_WITH_ID, {"id": case_id}).one())


def lock(tx: Connection, case_id: int) -> None:
    """Whoever concludes a case waits for the others: two workers that read its last two mails must see each other's."""
    tx.execute(select(t.case_file.c.id).where(t.case_file.c.id == case_id).with_for_update())


def row(tx: Connection, case_id: int) -> Row[Any] | None:
    """All columns, for pages and papers."""
    return tx.execute(select(t.case_file).where(t.case_file.c.id == case_id)).first()


def with_number(tx: Connection, number: str, requester: str | None = None) -> Case | None:
    query = select(t.case_file).where(t.case_file.c.number == number)
    if requester is not None:
        query = query.where(t.case_file.c.requester == requester)
    found = tx.execute(query).first()
    return _case(found) if found else None


def name_of(tx: Connection, login: str, machine: str) -> str:
    """The name of the person behind a login, as papers show it."""
    if login == "mesin":
        return machine
    return tx.scalar(select(t.user.c.name).where(t.user.c.login == login)) or login


def everything(tx: Connection) -> list[Case]:
    return [_case(r) for r in tx.execute(select(t.case_file).order_by(t.case_file.c.id))]


def in_state(tx: Connection, state: str) -> list[Case]:
    return [
        _case(r) for r in tx.execute(select(t.case_file).where(t.case_file.c.state == state).order_by(t.case_file.c.id))
    ]


def apply(tx: Connection, change: Change) -> Case:
    """Case row, persons, event and timers in the caller's transaction; Stale where the case is not what the decider saw."""
    values: dict[str, Any] = {
        "state": change.new,
        "round": change.round,
        "version": change.version + 1,
        "changed_at": iso(change.at),
    }
    if change.new != change.old:
        values["reason"] = change.reason
    if change.stops or change.starts:
        values |= {"step": change.starts, "due_at": iso(change.due) if change.due else None}
    for own in (u for u in change.updates if u.id is None):
        values |= dict(own.values)
    seen = (
        t.case_file.c.id == change.case_id,
        t.case_file.c.version == change.version,
        t.case_file.c.state == change.old,
    )
    if tx.execute(update(t.case_file).where(*seen).values(**values)).rowcount != 1:
        raise Stale(who_was_faster(tx, change.case_id))
    for other in (u for u in change.updates if u.id is not None):
        _update_person(tx, change.case_id, other)
    chain.append(tx, change.case_id, change.at, change.actor, change.action, old=change.old, new=change.new,
                 reason=change.reason, data=dict(change.data))  # fmt: skip
    if change.stops:
        steps.end(tx, change.case_id, change.stops, change.at, change.actor)
    if change.starts and change.due:
        steps.start(tx, change.case_id, change.starts, change.round, change.at, change.due)
    search.refresh(tx, change.case_id)
    return get(tx, change.case_id)


def who_was_faster(tx: Connection, case_id: int) -> str:
    last = chain.events(tx, case_id)[-1]
    return f"Berkas ini baru saja diubah oleh {last.actor} ({last.action}). Muat ulang halaman dan periksa kembali; perubahan Anda belum disimpan."


def _update_person(tx: Connection, case_id: int, change: Update) -> None:
    where = (t.case_person.c.id == change.id, t.case_person.c.case_id == case_id)
    done = tx.execute(update(t.case_person).where(*where).values(**dict(change.values)))
    if done.rowcount != 1:
        raise Stale("Orang ini tidak lagi tercatat dalam berkas; muat ulang halaman.")


# ------------------------------------------------------------------ persons


def persons(tx: Connection, case_id: int) -> list[CasePerson]:
    query = select(t.case_person).where(t.case_person.c.case_id == case_id).order_by(t.case_person.c.seq)
    return [_person(r) for r in tx.execute(query)]


def set_persons(tx: Connection, case_id: int, found: Iterable[tuple[Person, str]]) -> None:
    """(person, name key) as read; what a person corrected before is kept for the same NIP or name."""
    before = tx.execute(select(t.case_person).where(t.case_person.c.case_id == case_id)).all()
    tx.execute(t.case_person.delete().where(t.case_person.c.case_id == case_id))
    for seq, (person, key) in enumerate(found, 1):
        nip = person.nip.value or ""
        same = next((r for r in before if (nip and r.nip == nip) or (key and r.name_key == key)), None)
        corrected = same.corrected if same else "{}"
        kept = _with_corrections(person, same)
        tx.execute(t.case_person.insert().values(
            case_id=case_id, seq=seq, nip=kept.nip.value or "", name_key=key, person=PERSON.dump_json(kept).decode(),
            corrected=corrected, target=same.target if same else "SPSE lokal"))  # fmt: skip


def _with_corrections(person: Person, same: Row[Any] | None) -> Person:
    if same is None or same.corrected == "{}":
        return person
    old = PERSON.validate_json(same.person)
    for name in json.loads(same.corrected):
        person = with_field(person, name, getattr(old, name))
    return person


def with_field(person: Person, name: str, value: object) -> Person:
    """The person with one of the eight fields (or peran, tindakan) replaced."""
    changes: dict[str, Any] = {name: value}
    return replace(person, **changes)


def move_persons(tx: Connection, ids: Iterable[int], source: int, target: int) -> int:
    """For splitting: these persons belong to another case from now on; how many were moved."""
    where = (t.case_person.c.case_id == source, t.case_person.c.id.in_(list(ids)))
    return tx.execute(update(t.case_person).where(*where).values(case_id=target)).rowcount


def corrections(tx: Connection, person_id: int) -> dict[str, list[str]]:
    """field -> [value as read, by whom, when]."""
    text_found = tx.scalar(select(t.case_person.c.corrected).where(t.case_person.c.id == person_id))
    return dict(json.loads(text_found or "{}"))


def remember_letter(tx: Connection, case_id: int, letter: Letter, names: str, key: str | None) -> None:
    """What lists and searches show of a case; not a change of the case itself."""
    values = {
        "letter_number": letter.nomor.value or "", "letter_date": letter.tanggal.value or "",
        "instansi": letter.instansi.value or "", "persons": names[:500], "letter_key": key,
    }  # fmt: skip
    tx.execute(update(t.case_file).where(t.case_file.c.id == case_id).values(**values))


def same_letter(tx: Connection, case_id: int, key: str) -> Case | None:
    """An earlier open case with the same letter number, instansi and NIPs, whatever its channel."""
    query = select(t.case_file).where(t.case_file.c.letter_key == key, t.case_file.c.id < case_id)
    found = tx.execute(query.where(t.case_file.c.state.not_in(SETTLED)).limit(1)).first()
    return _case(found) if found else None


def _case(r: Row[Any]) -> Case:
    return Case(r.id, r.number, r.state, r.round, r.version, r.requester, r.subject, r.step, r.channel)


def _time(value: str | None) -> dt.datetime | None:
    return dt.datetime.fromisoformat(value) if value else None


def _person(r: Row[Any]) -> CasePerson:
    return CasePerson(r.id, r.case_id, r.seq, PERSON.validate_json(r.person), r.target, r.result, r.user_id, r.note,
                      _time(r.result_at), r.result_by or "", r.handed_how, _time(r.handed_at), tuple(json.loads(r.corrected)))  # fmt: skip
