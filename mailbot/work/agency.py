"""Steps 6 to 8: Admin Agency records what was done per person, the help desk passes the result on and records the hand-over."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from mailbot.model import Actor, Case, CasePerson, Document, Reply, Update
from mailbot.parsers.indonesian import show_nip
from mailbot.sop import clock, trust
from mailbot.sop.case import Refused
from mailbot.store import access, cases, iso, mails, outbox
from mailbot.store.access import AccessRight
from mailbot.work import World, act, put
from mailbot.work.desk import Seen, latest, looked_at, person_of, thread_of

RESULTS = ("berhasil", "gagal", "ditolak")
HANDED = {
    "tautan_lupa_password": "Menu Lupa Password pada SPSE", "langsung": "Diserahkan langsung", "amplop": "Amplop tertutup",
    "tidak_perlu": "Tidak perlu",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """What Admin Agency did for one person. `user_id`: of SPSE; never a password."""

    result: str
    user_id: str = ""
    note: str = ""


def record_result(world: World, seen: Seen, actor: Actor, person_id: int, result: Result) -> Case:
    """Catat hasil of one person; the case goes on to step 7 when every person has one."""
    with looked_at(world, seen) as (tx, found):
        people = cases.persons(tx, found.id)
        one = person_of(tx, found, person_id)
        _check(world, tx, found, one, result)
        left = [p for p in people if not p.result and p.id != person_id]
        values = (("result", result.result), ("user_id", result.user_id.strip()), ("note", result.note),
                  ("result_at", iso(world.now())), ("result_by", actor.name))  # fmt: skip
        data = (("orang", one.person.key), ("hasil", result.result), ("user_id", result.user_id.strip()))
        action = "catat_hasil" if left else "hasil_lengkap"
        after = act(
            world, tx, found, action, actor=actor, reason=result.note, updates=(Update(person_id, values),), data=data
        )
        if result.result == "berhasil":
            _register(world, tx, after, replace(one, user_id=result.user_id.strip(), note=result.note), actor)
        return after


def _check(world: World, tx: Connection, found: Case, one: CasePerson, result: Result) -> None:
    if result.result not in RESULTS:
        raise Refused("Pilih hasil: berhasil, gagal, atau ditolak.")
    if result.result != "berhasil":
        if not result.note.strip():
            raise Refused("Hasil gagal atau ditolak memerlukan alasan.")
        return
    if not result.user_id.strip():
        raise Refused("Isikan User ID pada SPSE.")
    if len(result.user_id.split()) > 1:
        raise Refused("User ID tidak memuat spasi; isikan User ID saja.")
    if obstacle := why_not(world, tx, found, one):
        raise Refused(obstacle)


def why_not(world: World, tx: Connection, found: Case, one: CasePerson) -> str | None:
    """What must be recorded before this person's access may be changed; None: nothing."""
    level = level_of(world, tx, found, one)
    required = (
        world.settings.verification.pengaktifan
        if one.person.tindakan == "pengaktifan"
        else world.settings.verification.penonaktifan
    )
    if not trust.enough(level, required):
        return f"Tingkat keyakinan {level}; {one.person.tindakan} memerlukan {required}. Lakukan panggilan balik dan catat hasilnya."
    if email_changed(tx, one) and level != "L4":
        return "Alamat email berbeda dengan register hak akses. Hubungi pemegang akun pada nomor terdaftar dan catat panggilan baliknya."
    return None


def level_of(world: World, tx: Connection, found: Case, one: CasePerson | None) -> str:
    """The best of what the newest mail shows and what people recorded for this person or the sender."""
    rows = mails.of_case(tx, found.id)
    configured = any(m.authserv_id for m in world.settings.mailbox)
    levels = [trust.of_mail(rows[0].rules.split(), configured)] if rows else []
    if levels and levels[0] == "L1" and rows[0].sender in world.settings.verification.directory:
        levels.append("L2")
    wanted = (None, one.id) if one else (None,)
    levels += [v.level for v in cases.verifications(tx, found.id) if v.person_id in wanted]
    return trust.best(levels)


def email_changed(tx: Connection, one: CasePerson) -> bool:
    """The address in the request differs from the registered one: the way to take over an account (DOMAIN.md 8)."""
    if one.person.tindakan != "pengaktifan" or not one.person.nip.value:
        return False
    known = {r.email.lower() for r in access.of_nip(tx, one.person.nip.value) if r.email}
    return bool(known) and (one.person.email.value or "").lower() not in known


def _register(world: World, tx: Connection, found: Case, one: CasePerson, actor: Actor) -> None:
    person, basis = one.person, basis_of(tx, found)
    today = world.today.isoformat()
    old = next((r for r in access.of_nip(tx, person.nip.value or "") if r.peran == person.peran), None)
    active = person.tindakan == "pengaktifan"
    right = AccessRight(
        user_id=one.user_id, nama=person.nama.value or "", nip=person.nip.value or "", peran=person.peran or "",
        instansi=old.instansi if old else person.instansi.value or "", email=person.email.value or (old.email if old else ""),
        telepon=person.telepon.value or (old.telepon if old else ""), status="aktif" if active else "nonaktif",
        active_since=today if active else (old.active_since if old else None), valid_until=_until(basis) if active else None,
        basis=_spoken_basis(world, basis) if basis else "", case_number=found.number, ended_at=None if active else today,
        ended_reason="" if active else one.note or "permohonan", executor=actor.name)  # fmt: skip
    access.record(tx, right, actor.name, person.tindakan or "", world.now())


def basis_of(tx: Connection, found: Case) -> Document | None:
    evidence, _ = latest(tx, found.id)
    return next(
        (d for d in evidence.documents if d.kind in ("surat_keputusan", "surat_tugas", "surat_penunjukan")), None
    )


def _until(basis: Document | None) -> str | None:
    if basis is None:
        return None
    year = basis.letter.tahun_anggaran
    return basis.letter.berlaku_sampai or (f"{year}-12-31" if year else None)


def _spoken_basis(world: World, basis: Document) -> str:
    return f"{world.sop.kinds[basis.kind]} Nomor {basis.letter.nomor.value or '-'} tanggal {day(basis.letter.tanggal.value)}"


# ------------------------------------------------------------------ notices


def notify(world: World, seen: Seen, actor: Actor) -> Case:
    """Beritahukan: each person's notice to the own address, a copy without user ID to the sender (R-23, A-13)."""
    with looked_at(world, seen) as (tx, found):
        after = act(world, tx, found, "beritahukan", actor=actor)
        people = cases.persons(tx, found.id)
        for one in people:
            _notice(world, tx, after, one)
        if found.requester:
            _copy(world, tx, after, people)
        return after


def _notice(world: World, tx: Connection, found: Case, one: CasePerson) -> None:
    kind = {"pengaktifan": "result_on", "penonaktifan": "result_off"}.get(one.person.tindakan or "", "")
    if one.result != "berhasil" or not kind or not one.person.email.value:
        return
    reply = Reply(kind, one.person.email.value, tuple(notice_values(world, tx, found, one).items()))
    key = f"{found.number}|{one.person.nip.value}|{one.seq}"
    put(world, tx, found, reply, key, (), outbox.next_seq(tx, key, kind))


def notice_values(world: World, tx: Connection, found: Case, one: CasePerson) -> dict[str, object]:
    """What the result notice of one person says."""
    evidence, _ = latest(tx, found.id)
    basis = basis_of(tx, found)
    at = one.result_at or world.now()
    return {
        "sapaan": one.person.nama.value or "Pemohon", "nama": one.person.nama.value or "", "nip": masked(one.person.nip.value),
        "user_id": one.user_id, "peran": world.sop.roles.get(one.person.peran or "", "-"), "satker": one.person.instansi.value or "-",
        "nomor_surat": evidence.letter.nomor.value or "-", "tanggal_surat": day(evidence.letter.tanggal.value),
        "instansi": evidence.letter.instansi.value or one.person.instansi.value or "-",
        "dasar": _spoken_basis(world, basis) if basis else "-", "berlaku_sampai": day(_until(basis)),
        "waktu": clock.spoken(at, world.hours.zone), "kembali": one.person.kembali, "alasan": one.note or "permohonan instansi",
        "url_spse": world.settings.office.spse_url,
    }  # fmt: skip


def _copy(world: World, tx: Connection, found: Case, people: list[CasePerson]) -> None:
    key, references = thread_of(tx, found)
    rows = [
        {"nama": p.person.nama.value or "", "tindakan": p.person.tindakan or "", "hasil": p.result, "alasan": p.note}
        for p in people
    ]
    values = {"orang": rows, "waktu": clock.spoken(world.now(), world.hours.zone)}
    reply = Reply("result_copy", found.requester, tuple(values.items()))
    put(world, tx, found, reply, key, references, outbox.next_seq(tx, key, "result_copy"))


def masked(nip: str | None) -> str:
    """19850704 ****** * 007 (DOMAIN.md 4.5)."""
    if not nip or len(nip) != 18:
        return "-"
    first, _, _, last = show_nip(nip).split(" ")
    return f"{first} ****** * {last}"


def day(iso_day: str | None) -> str:
    if not iso_day:
        return "-"
    date = dt.date.fromisoformat(iso_day)
    return f"{date.day} {clock.MONTHS[date.month - 1]} {date.year}"


def hand_over(world: World, seen: Seen, actor: Actor, person_id: int, how: str) -> Case:
    """Records how access was handed over (A-13); what was handed over is never recorded."""
    if how not in HANDED:
        raise Refused("Pilih cara penyerahan.")
    with looked_at(world, seen) as (tx, found):
        one = person_of(tx, found, person_id)
        values = (("handed_how", how), ("handed_at", iso(world.now())), ("handed_by", actor.name))
        data = (("orang", one.person.key), ("cara", how))
        return act(world, tx, found, "serahkan", actor=actor, updates=(Update(person_id, values),), data=data)
