"""What people do to a case: one function per action, each one transaction, all through `work.act`.

`Seen` is what the person looked at; somebody faster makes it Stale. Refused and Stale carry words for that person.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import cast, get_args

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import Connection

from mailbot.model import FIELDS, Action, Actor, Case, CasePerson, Evidence, Found, Person, Reply, Update, Verdict
from mailbot.parsers import indonesian
from mailbot.replies import compose
from mailbot.sop import case, clock
from mailbot.sop.case import Refused
from mailbot.store import Stale, cases, iso, mails, outbox, steps
from mailbot.work import World, act, put
from mailbot.work.intake import receipt_values
from mailbot.work.reading import conclude, union, values_of

# actions that need nothing but a reason: see `simply`
SIMPLE = ("tinjau", "bukan_permohonan", "di_luar_sop", "duplikat", "tarik", "buka_kembali", "kirim_balik", "minta_panggilan", "catatan")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Seen:
    """The case as the person saw it."""

    case_id: int
    version: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail as it would go out; the person may edit the body."""

    to: str
    subject: str
    body: str


@contextmanager
def looked_at(world: World, seen: Seen) -> Iterator[tuple[Connection, Case]]:
    with world.store.transaction() as tx:
        found = cases.get(tx, seen.case_id)
        if found.version != seen.version:
            raise Stale(cases.who_was_faster(tx, found.id))
        yield tx, found


def simply(world: World, seen: Seen, action: str, actor: Actor, reason: str = "") -> Case:
    """One of `SIMPLE`; every other action has something to store or to send, and a function of its own."""
    if action not in SIMPLE:
        raise Refused(f"'{action}' tidak dikenal; pilih: {', '.join(SIMPLE)}")
    with looked_at(world, seen) as (tx, found):
        return act(world, tx, found, action, actor=actor, reason=reason)


# ------------------------------------------------------------------ step 3: the check


def forward(world: World, seen: Seen, actor: Actor, reason: str = "") -> Case:
    """Lengkap, teruskan: every person must have what Admin Agency needs to act."""
    with looked_at(world, seen) as (tx, found):
        people = cases.persons(tx, found.id)
        if not people:
            raise Refused("Belum ada orang yang tercatat dalam berkas ini; catat orangnya lebih dahulu.")
        for one in people:
            _complete(world, one)
        after = act(world, tx, found, "lengkap", actor=actor, reason=reason or "diperiksa petugas")
        if world.settings.replies.forwarded and found.requester:
            values = {"waktu": clock.spoken(world.now(), world.hours.zone)}
            _answer(world, tx, after, "forwarded", found.requester, values)
        return after


def _complete(world: World, one: CasePerson) -> None:
    person = one.person
    asked = world.sop.need(person.peran, person.tindakan).fields
    empty = [world.sop.fields[name] for name, found in person.fields() if name in asked and not found.value]
    empty += [word for word, value in (("peran", person.peran), ("tindakan", person.tindakan)) if not value]
    if empty:
        raise Refused(f"Data {person.key} belum lengkap: {', '.join(empty)}. Lengkapi atau kembalikan berkas.")


def draft_return(world: World, case_id: int) -> Draft:
    """The return mail exactly as it would leave, for the person to read and edit."""
    with world.store.reading() as tx:
        found = cases.get(tx, case_id)
        evidence, verdict = latest(tx, case_id)
        return _draft(world, found, "incomplete", found.requester, values_of(world, evidence, verdict))


def latest(tx: Connection, case_id: int) -> tuple[Evidence, Verdict]:
    """What was read over all rounds, and the verdict on it."""
    rows = [r for r in mails.of_case(tx, case_id) if r.evidence]
    verdict = mails.verdict(tx, rows[0].id) if rows else None
    return (union(tx, rows) if rows else Evidence()), verdict or Verdict("review")


def send_back(world: World, seen: Seen, actor: Actor, body: str = "", reason: str = "") -> Case:
    """Kembalikan: the requester gets the (edited) mail with everything that is missing."""
    with looked_at(world, seen) as (tx, found):
        evidence, verdict = latest(tx, found.id)
        codes = ", ".join(dict.fromkeys(f.code for f in verdict.findings if f.cls != "note"))
        after = act(world, tx, found, "kembalikan", actor=actor, reason=reason or codes or "dikembalikan petugas")
        if found.requester:
            _answer(world, tx, after, "incomplete", found.requester, values_of(world, evidence, verdict), body)
        return after


def send_receipt(world: World, seen: Seen, actor: Actor) -> Case:
    """Kirim tanda terima: for a mail whose receipt the guard held for a person."""
    with looked_at(world, seen) as (tx, found):
        rows = mails.of_case(tx, found.id)
        if not rows or not found.requester:
            raise Refused("Berkas ini tidak berasal dari email; tanda terima diserahkan sebagai formulir.")
        files = compose.files_of(
            (a.name, a.size) for a in mails.attachments(tx, found.id) if a.message_id == rows[0].id
        )
        after = act(world, tx, found, "tanda_terima", actor=actor)
        received = dt.datetime.fromisoformat(rows[0].received_at)
        _answer(world, tx, after, "receipt", found.requester, receipt_values(world, rows[0].subject, files, received))
        return after


def refuse(world: World, seen: Seen, actor: Actor, reason: str, advice: str = "") -> Case:
    """Tolak: only by a person, with a reason that the requester reads (A-16)."""
    with looked_at(world, seen) as (tx, found):
        names = ", ".join(p.person.nama.value or p.person.key for p in cases.persons(tx, found.id))
        after = act(world, tx, found, "tolak", actor=actor, reason=reason)
        if found.requester:
            values = {"nama": names or "pemohon", "alasan": reason, "saran": advice, "pemutus": case.ROLES[actor.role],
                      "waktu": clock.spoken(world.now(), world.hours.zone)}  # fmt: skip
            _answer(world, tx, after, "refused", found.requester, values)
        return after


def correct(world: World, seen: Seen, actor: Actor, person_id: int, field: str, text: str) -> Case:
    """Perbaiki data: the corrected value is marked as a person's; what was read stays in the history."""
    with looked_at(world, seen) as (tx, found):
        one = person_of(tx, found, person_id)
        before, new, person = _corrected(one, field, text, world.sop.roles)
        notes = cases.corrections(tx, person_id) | {field: [before, actor.name, iso(world.now())]}
        values = {"person": cases.PERSON.dump_json(person).decode(), "corrected": json.dumps(notes),
                  "nip": person.nip.value or "", "name_key": indonesian.name_key(person.nama.value or "")}  # fmt: skip
        data = (("orang", person.key), ("kolom", field), ("semula", before), ("menjadi", new))
        return act(
            world, tx, found, "koreksi", actor=actor, updates=(Update(person_id, tuple(values.items())),), data=data
        )


def _corrected(one: CasePerson, field: str, text: str, roles: Iterable[str]) -> tuple[str, str, Person]:
    text = " ".join(text.split())
    if field == "peran" and text in roles:
        return one.person.peran or "", text, replace(one.person, peran=text)
    if field == "tindakan" and text in get_args(Action):
        return one.person.tindakan or "", text, replace(one.person, tindakan=cast(Action, text))
    if field not in FIELDS:
        raise Refused(f"Kolom '{field}' tidak dikenal atau isinya tidak dapat diterima.")
    before: Found = getattr(one.person, field)
    new = Found(normal(field, text), text, 1.0, before.file, before.page, before.box, before.second, True)
    return before.value or "", new.value or "", cases.with_field(one.person, field, new)


def normal(field: str, text: str) -> str | None:
    """A value as a person typed it, in the form that is stored; Refused says what is wrong with it."""
    if not text:
        return None
    if field == "nip":
        digits = "".join(c for c in text if c.isdigit())
        if len(digits) != 18:
            raise Refused(f"NIP harus terdiri atas 18 angka; yang diisikan {len(digits)} angka.")
        return digits
    if field == "email":
        return _email(text)
    if field == "telepon":
        return _phone(text)
    return text


def _email(text: str) -> str:
    try:
        return str(validate_email(text, check_deliverability=False, test_environment=True).normalized).lower()
    except EmailNotValidError as error:
        raise Refused(f"'{text}' bukan alamat email yang sah.") from error


def _phone(text: str) -> str:
    found = indonesian.norm_phone(text)
    if not found:
        raise Refused(f"'{text}' bukan nomor telepon yang sah; contoh: 081234567890 atau (0285) 391234.")
    return found


def call_back(world: World, seen: Seen, actor: Actor, person_id: int | None, number: str, note: str) -> Case:
    """Panggilan balik on a number of LPSE's own directory: verification level L4 (MAIL.md 2.7)."""
    if not number.strip():
        raise Refused("Isikan nomor yang dihubungi; nomor itu tidak boleh diambil dari surat.")
    with looked_at(world, seen) as (tx, found):
        data = (("orang", person_id), ("nomor", number), ("keterangan", note))
        after = act(world, tx, found, "panggil_balik", actor=actor, reason=note, data=data)
        cases.verify(tx, found.id, person_id, "L4", f"panggilan balik ke {number}: {note}", actor.name, world.now())
        return after


# ------------------------------------------------------------------ merge and split


def merge(world: World, seen: Seen, actor: Actor, into: str) -> Case:
    """Gabung: the messages of this case become a new round of another one."""
    with looked_at(world, seen) as (tx, found):
        target = cases.with_number(tx, into.strip())
        if target is None or target.id == found.id or target.state in case.CLOSED:
            raise Refused(f"Berkas '{into}' tidak ada atau sudah ditutup; periksa nomornya.")
        link = (Update(None, (("merged_into", target.id),)),)
        after = act(world, tx, found, "gabung", actor=actor, reason=f"digabung ke {target.number}", updates=link)
        if target.state in case.ACTIONS["lanjutkan"].sources:
            target = act(world, tx, target, "lanjutkan", actor=actor, reason=f"digabung dari {found.number}")
        mails.move_to_case(tx, [r.id for r in mails.of_case(tx, found.id)], target.id, target.round)
        conclude(world, tx, target.id)
        return after


def split(world: World, seen: Seen, actor: Actor, person_ids: list[int]) -> Case:
    """Pisah: these persons go on as a case of their own, with the same files."""
    with looked_at(world, seen) as (tx, found):
        people = cases.persons(tx, found.id)
        if not person_ids or len(person_ids) >= len(people):
            raise Refused("Pilih sebagian orang: sedikitnya satu orang harus tetap dalam berkas ini.")
        number = cases.next_number(tx, world.settings.office.number_prefix, world.today.year)
        other = cases.split_off(tx, found, number, world.now())
        cases.move_persons(tx, person_ids, found.id, other.id)
        act(world, tx, other, "tinjau", actor=actor, reason=f"dipisahkan dari {found.number}")
        return act(world, tx, found, "pisah", actor=actor, reason=f"dipisahkan ke {number}")


# ------------------------------------------------------------------ steps 8 and 9: paper and reasons


def printed(world: World, seen: Seen, actor: Actor) -> Case:
    """Sudah dicetak (R-09)."""
    with looked_at(world, seen) as (tx, found):
        values = (("printed_at", iso(world.now())), ("printed_by", actor.name))
        return act(world, tx, found, "cetak", actor=actor, updates=(Update(None, values),))


def explain(world: World, seen: Seen, actor: Actor, step_id: int, reason: str) -> Case:
    """The executor accounts for a late step (R-26)."""
    with looked_at(world, seen) as (tx, found):
        after = act(world, tx, found, "alasan", actor=actor, reason=reason, data=(("langkah", step_id),))
        if not steps.explain(tx, found.id, step_id, reason, actor.name):
            raise Refused("Penyimpangan ini tidak ada atau alasannya sudah diterima.")
        return after


def accept(world: World, seen: Seen, actor: Actor, step_id: int) -> Case:
    with looked_at(world, seen) as (tx, found):
        after = act(world, tx, found, "terima_alasan", actor=actor, data=(("langkah", step_id),))
        if not steps.accept(tx, found.id, step_id, actor.name, world.now()):
            raise Refused("Belum ada alasan yang dapat diterima untuk penyimpangan ini.")
        return after


# ------------------------------------------------------------------ mail that a person sends


def person_of(tx: Connection, found: Case, person_id: int) -> CasePerson:
    one = next((p for p in cases.persons(tx, found.id) if p.id == person_id), None)
    if one is None:
        raise Refused("Orang ini tidak tercatat dalam berkas; muat ulang halaman.")
    return one


def thread_of(tx: Connection, found: Case) -> tuple[str, tuple[str | None, ...]]:
    """The key and references of the newest mail that a reply answers; a case without mail is its own key."""
    rows = mails.of_case(tx, found.id)
    return (rows[0].semantic, (rows[0].header_id,)) if rows else (found.number, ())


def _answer(
    world: World, tx: Connection, found: Case, kind: str, to: str, values: Mapping[str, object], body: str = ""
) -> None:
    key, references = thread_of(tx, found)
    reply = Reply(kind, to, tuple(({**values, "isi_petugas": body} if body else values).items()))
    put(world, tx, found, reply, key, references, outbox.next_seq(tx, key, kind))


def _draft(world: World, found: Case, kind: str, to: str, values: dict[str, object]) -> Draft:
    subject, body = compose.text(kind, found.number, values, world.office)
    return Draft(to, subject, body)
