"""Roles, routes and actions: every door opens for its roles only, every action exactly as `case.py` says (T20, T21)."""

from __future__ import annotations

import hashlib
import io
import itertools
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from sqlalchemy import ColumnElement, Connection, Table

from mailbot import web
from mailbot.model import Case, Found
from mailbot.sop.case import ACTIONS, STATES
from mailbot.store import access, cases, chain, iso, mails, search, steps
from mailbot.store import tables as t
from mailbot.web import DOORS, actions, words
from mailbot.work import World, blob_path
from tests.web import PASSWORD, PEOPLE, Person, people, person
from tests.worlds import Clock, Post, evidence, world
from tests.worlds import person as requested

DOUBT = {"email": Found(None, "budi @", 0.3)}


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Post:
    made = world(tmp_path_factory.mktemp("web"), Clock())
    people(made)
    return Post(made)


@pytest.fixture(scope="module")
def staff(post: Post) -> dict[str, Person]:
    return {role: person(post.world, role) for role in PEOPLE}


_numbers, _copies = itertools.count(1), itertools.count(1)


def letter(post: Post, *, doubtful: bool = False, persons: int = 1) -> Case:
    """A new case; complete ones go to Admin Agency, doubtful ones to the help desk."""
    number = next(_numbers)
    changes: dict[str, Any] = DOUBT if doubtful else {}
    found = [
        requested(f"19850704201001{n}{number:03d}", f"Orang{n} Ke{number}", **changes) for n in range(1, persons + 1)
    ]
    return post.mail(evidence(*found, number=f"027/{number}/2026"))


@pytest.fixture(scope="module")
def model(post: Post) -> Case:
    """A case of two persons; the table is walked on copies of it, all of which Admin Agency had before."""
    return letter(post, persons=2)


def copy_in(w: World, model: Case, state: str) -> Case:
    """A copy in any state, for the table only; real cases move through case.decide."""
    number = next(_copies)
    changes = {
        "number": f"LPSE-2026-9{number:05d}",
        "state": state,
        "version": 1,
        "letter_key": None,
        "printed_at": "2026-11-23T02:00:00+00:00",
    }
    with w.store.transaction() as tx:
        case_id = copied(tx, t.case_file, t.case_file.c.id == model.id, changes)
        for table, more in ((t.case_person, {}), (t.message, {"content": f"{number}", "semantic": f"{number}"})):
            copied(tx, table, table.c.case_id == model.id, {"case_id": case_id, **more})
        steps.start(tx, case_id, "T6", 1, w.now(), w.now())
        chain.append(tx, case_id, w.now(), "mesin", "terima")
        return cases.get(tx, case_id)


def copied(tx: Connection, table: Table, where: ColumnElement[bool], changes: dict[str, object]) -> int:
    last = 0
    for row in tx.execute(table.select().where(where)).all():
        values = {**row._mapping, **changes}
        values.pop("id")
        last = tx.execute(table.insert().values(**values).returning(table.c.id)).scalar_one()
    return last


def first_person(w: World, found: Case) -> int:
    with w.store.reading() as tx:
        return cases.persons(tx, found.id)[0].id


# ------------------------------------------------------------------ doors


@pytest.mark.parametrize("role", PEOPLE)
@pytest.mark.parametrize("door", [d for d in DOORS if d.path != "/keluar"], ids=lambda d: f"{d.method} {d.path}")
def test_a_door_opens_for_its_roles_only(post: Post, staff: dict[str, Person], door: Any, role: str) -> None:
    path = door.path.replace("{number}", "TIDAK-ADA").replace("{action}", "catatan").replace("{attachment:int}", "1")
    path = path.replace("{page:int}", "1").replace("{size}", "besar").replace("{list}", "register.csv")
    answer = staff[role].get(path) if door.method == "GET" else staff[role].post(path)

    assert (answer.status_code == 403) == (role not in door.roles)
    assert answer.status_code < 500


def test_no_page_says_anything_about_a_case_to_whom_it_does_not_concern(post: Post, staff: dict[str, Person]) -> None:
    """Admin Agency sees what came to it; a number that does not exist looks the same."""
    hidden, shown = letter(post, doubtful=True), letter(post)
    for path in ("", "/kabar", "/lampiran/1/asli", "/lampiran/1/1/besar"):
        assert staff["admin_agency"].get(f"/berkas/{hidden.number}{path}").status_code == 404
    assert (
        staff["admin_agency"]
        .post(f"/berkas/{hidden.number}/tindakan/catatan", {"version": hidden.version, "reason": "x"})
        .status_code
        == 404
    )
    assert staff["admin_agency"].get(f"/berkas/{shown.number}").status_code == 200
    assert hidden.number not in staff["admin_agency"].get("/cari?q=Permohonan").text
    assert staff["sysadmin"].get(f"/berkas/{shown.number}").status_code == 403


def test_an_attachment_is_given_out_with_its_own_case_only(post: Post, staff: dict[str, Person]) -> None:
    one, other = letter(post, doubtful=True), letter(post, doubtful=True)
    with post.world.store.transaction() as tx:
        message = tx.execute(t.message.select().where(t.message.c.case_id == one.id)).one()
        blob = post.world.blobs / ("c" * 2) / ("c" * 64)
        blob.parent.mkdir(exist_ok=True)
        blob.write_bytes(b"<html><script>alert(1)</script>")
        values = {"message_id": message.id, "seq": 9, "name": "a.html", "type": "html", "sha256": "c" * 64, "size": 31}
        attachment = tx.execute(t.attachment.insert().values(**values).returning(t.attachment.c.id)).scalar_one()

    assert staff["helpdesk"].get(f"/berkas/{other.number}/lampiran/{attachment}/asli").status_code == 404
    answer = staff["helpdesk"].get(f"/berkas/{one.number}/lampiran/{attachment}/asli")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith('attachment; filename="a.html"')
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert (
        staff["helpdesk"].get(f"/berkas/{one.number}/lampiran/{attachment}/1/besar").status_code == 404
    )  # HTML has no pages


# ------------------------------------------------------------------ actions


def forms(w: World, found: Case, action: str, other: Case) -> dict[str, object]:
    """A form of this action that is in order."""
    with w.store.transaction() as tx:
        people = cases.persons(tx, found.id)
        if action == "arsipkan":
            tx.execute(
                t.case_file.update()
                .where(t.case_file.c.id == found.id)
                .values(printed_at="2026-11-23T02:00:00+00:00", printed_by="siti")
            )
            for row in mails.of_case(tx, found.id):
                original = blob_path(w.blobs, row.content)
                original.parent.mkdir(parents=True, exist_ok=True)
                original.write_bytes(b"asli")
        if action in ("alasan", "terima_alasan"):
            values = {
                "case_id": found.id,
                "name": "T3",
                "round": 1,
                "started_at": iso(w.now()),
                "due_at": iso(w.now()),
                "ended_at": iso(w.now()),
                "late": 1,
            }
            given = {"reason": "listrik padam"} if action == "terima_alasan" else {}
            step = tx.execute(t.step.insert().values(**values, **given).returning(t.step.c.id)).scalar_one()
        else:
            step = 0
    fields = {
        "reason": "alasan uji", "person_id": people[0].id, "persons": str(people[0].id), "into": other.number, "result": "berhasil",
        "user_id": "USER.UJI", "how": "langsung", "phone": "0285391000", "step_id": step, "jabatan": "Jabatan baru", "body": "Isi surat",
    }  # fmt: skip
    return {"version": found.version, "state": found.state, **fields}


@pytest.mark.parametrize("role", ["helpdesk", "admin_agency", "supervisor"])
@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_actions_are_allowed_and_refused_as_the_table_says(
    post: Post, staff: dict[str, Person], model: Case, action: str, role: str
) -> None:
    rule, w = ACTIONS[action], post.world
    for state in sorted(STATES):
        other = copy_in(w, model, "perlu_tinjauan") if action == "gabung" else model
        found = copy_in(w, model, state)
        answer = staff[role].post(f"/berkas/{found.number}/tindakan/{action}", forms(w, found, action, other))
        expected = action in actions.DO and role in rule.roles and state in rule.sources
        with w.store.reading() as tx:
            after = cases.get(tx, found.id)
        assert (after.version > found.version) == expected, (state, answer.status_code, answer.text[-500:])
        assert answer.status_code in ((303,) if expected else (403, 404, 409)), (state, answer.status_code)


def test_the_machines_own_actions_are_the_only_ones_without_a_form() -> None:
    assert set(ACTIONS) - set(actions.DO) == set(actions.MACHINE_ONLY)


@pytest.mark.parametrize("role", ["helpdesk", "admin_agency", "supervisor"])
def test_a_page_offers_what_is_allowed_and_nothing_else(
    post: Post, staff: dict[str, Person], model: Case, role: str
) -> None:
    for state in sorted(STATES):
        found = copy_in(post.world, model, state)
        text = staff[role].get(f"/berkas/{found.number}").text
        shown = set(re.findall(r'action="/berkas/[^/]+/tindakan/(\w+)"', text)) | (
            {"kembalikan"} if f"{found.number}/kembalikan" in text else set()
        )
        hidden = {"serahkan", "alasan", "terima_alasan"}  # only where there is a result or a deviation
        assert shown | hidden == set(actions.offered(found, role)) | hidden, state


def test_a_stale_form_is_refused_and_names_who_was_faster(post: Post, staff: dict[str, Person]) -> None:
    found = letter(post, doubtful=True)
    assert (
        staff["helpdesk"]
        .post(f"/berkas/{found.number}/tindakan/catatan", {"version": found.version, "reason": "pertama"})
        .status_code
        == 303
    )
    answer = staff["helpdesk"].post(
        f"/berkas/{found.number}/tindakan/tarik", {"version": found.version, "reason": "kedua"}
    )

    assert answer.status_code == 409
    assert "siti" in answer.text and f"/berkas/{found.number}" in answer.text
    with post.world.store.reading() as tx:
        assert cases.get(tx, found.id).state == "perlu_tinjauan"


def test_an_open_page_learns_that_somebody_else_changed_the_case(post: Post, staff: dict[str, Person]) -> None:
    found = letter(post)
    path = f"/berkas/{found.number}/kabar?versi={found.version}"
    assert staff["helpdesk"].get(path).status_code == 204
    staff["admin_agency"].post(
        f"/berkas/{found.number}/tindakan/kirim_balik", {"version": found.version, "reason": "SK keliru"}
    )

    assert "budi" in staff["helpdesk"].get(path).text


@pytest.mark.parametrize("version", ["", "abc", "-1", "1e3", "9" * 30, "١"])
def test_a_form_with_a_broken_version_is_refused(post: Post, staff: dict[str, Person], version: str) -> None:
    found = letter(post, doubtful=True)
    assert (
        staff["helpdesk"]
        .post(f"/berkas/{found.number}/tindakan/catatan", {"version": version, "reason": "x"})
        .status_code
        == 400
    )


# ------------------------------------------------------------------ the work of a day


def test_the_help_desk_corrects_forwards_and_the_next_case_opens(post: Post, staff: dict[str, Person]) -> None:
    w, one = post.world, staff["helpdesk"]
    found, waiting = letter(post, doubtful=True), letter(post, doubtful=True)
    refused = one.post(f"/berkas/{found.number}/tindakan/lengkap", {"version": found.version})
    assert refused.status_code == 409 and "Email" in refused.text
    form = {
        "version": found.version,
        "person_id": first_person(w, found),
        "email": "orang@contoh.example",
        "nama": "Orang1 Ganti",
    }
    corrected = one.post(f"/berkas/{found.number}/tindakan/koreksi", form)
    assert corrected.headers["location"].startswith(f"/berkas/{found.number}?pesan=koreksi")
    with w.store.reading() as tx:
        found = cases.get(tx, found.id)
    answer = one.post(f"/berkas/{found.number}/tindakan/lengkap", {"version": found.version, "state": found.state})

    assert answer.headers["location"].startswith("/berkas/LPSE-2026-")
    assert found.number not in answer.headers["location"].split("?")[0]
    with w.store.reading() as tx:
        assert cases.get(tx, found.id).state == "diteruskan"
        assert [e.action for e in chain.events(tx, found.id)][-3:] == ["koreksi", "koreksi", "lengkap"]
        assert found.id in search.ids(tx, "orang1 ganti")
    assert waiting.state == "perlu_tinjauan"


def test_a_return_shows_the_exact_mail_and_sends_what_was_edited(post: Post, staff: dict[str, Person]) -> None:
    found = letter(post, doubtful=True)
    page = staff["helpdesk"].get(f"/berkas/{found.number}/kembalikan").text
    assert "dinas@contoh.example" in page and "Dengan hormat" in page
    body = "Dengan hormat,\nMohon melengkapi alamat email.\nHormat kami"
    staff["helpdesk"].post(
        f"/berkas/{found.number}/tindakan/kembalikan", {"version": found.version, "body": body.replace("\n", "\r\n")}
    )

    sent = [m for m in post.sent() if found.number in str(m["Subject"])][-1]
    assert sent.get_content().replace("\r\n", "\n").strip() == body


def test_admin_agency_records_a_result_and_the_help_desk_passes_it_on(post: Post, staff: dict[str, Person]) -> None:
    w, found = post.world, letter(post)
    one = first_person(w, found)
    page = staff["admin_agency"].get(f"/berkas/{found.number}").text
    assert "Salin NIP" in page and "Aktifkan" in page
    form = {
        "version": found.version,
        "state": found.state,
        "person_id": one,
        "result": "berhasil",
        "user_id": "ORANG.PPK",
    }
    assert staff["admin_agency"].post(f"/berkas/{found.number}/tindakan/catat_hasil", form).status_code == 303
    with w.store.reading() as tx:
        found = cases.get(tx, found.id)
    assert "Beritahukan hasil" in staff["helpdesk"].get(f"/berkas/{found.number}").text
    for action, more in (
        ("beritahukan", {}),
        ("serahkan", {"person_id": one, "how": "langsung"}),
        ("cetak", {}),
        ("arsipkan", {}),
    ):
        with w.store.reading() as tx:
            version = cases.get(tx, found.id).version
        assert (
            staff["helpdesk"]
            .post(f"/berkas/{found.number}/tindakan/{action}", {"version": version, **more})
            .status_code
            == 303
        )
    with w.store.reading() as tx:
        assert cases.get(tx, found.id).state == "diarsipkan"


def test_lists_mask_what_need_not_be_seen(post: Post, staff: dict[str, Person]) -> None:
    letter(post, doubtful=True)
    for path in ("/meja", "/cari?q=permohonan"):
        text = staff["helpdesk"].get(path).text
        assert not re.search(r"\b\d{18}\b", text)
        assert "dinas@contoh.example" not in text


def test_opening_a_case_is_written_down_once_per_session(post: Post, staff: dict[str, Person]) -> None:
    found = letter(post, doubtful=True)
    for _ in range(3):
        staff["supervisor"].get(f"/berkas/{found.number}")
    with post.world.store.reading() as tx:
        rows = [
            e
            for e in chain.events(tx, chain.OFFICE)
            if e.action == "buka_berkas" and json.loads(e.data)["berkas"] == found.number
        ]
    assert [r.actor for r in rows] == ["ratna"]


@pytest.mark.parametrize(("typed", "hit"), [
    ("{number}", True), ("Orang1 Ke{n}", True), ("027/{n}/2026", True), ("198507042010011{n:0>3}", True), ("dinas@contoh", True),
    ("tidak ada kata ini", False), ('"; DROP TABLE case_file', False), ("* OR 1=1", False), ("NEAR(", False), ("-", False),
])  # fmt: skip
def test_search_finds_by_any_word_and_survives_any(post: Post, staff: dict[str, Person], typed: str, hit: bool) -> None:
    found = letter(post, doubtful=True)
    number = int(found.number[-6:])
    with post.world.store.reading() as tx:
        nth = re.search(r"Ke(\d+)", cases.persons(tx, found.id)[0].person.nama.value or "")
    assert nth
    answer = staff["helpdesk"].get("/cari", params=None) if not typed else staff["helpdesk"].client.get(
        "/cari", params={"q": typed.format(number=found.number, n=int(nth[1]))})  # fmt: skip
    assert answer.status_code in (200, 303)
    assert (found.number in answer.text or found.number in answer.headers.get("location", "")) == hit, number


def test_hand_entry_becomes_a_case_like_any_other(post: Post, staff: dict[str, Person]) -> None:
    one = staff["helpdesk"]
    form = {
        "channel": "langsung",
        "name": "Tamu",
        "subject": "Permohonan pengaktifan",
        "email": "",
        "ticket": "",
        "note": "",
    }
    assert one.post("/entri", form).status_code == 422
    files = [("files", ("..\\..\\etc/surat\r\nX: y.pdf", b"%PDF-1.4 uji", "application/pdf"))]
    answer = one.post("/entri", form, files=files)
    assert answer.status_code == 303
    assert one.post("/entri", form, files=files).headers["location"] == answer.headers["location"]  # a second click
    assert one.post("/entri", form | {"email": "bukan email"}, files=files).status_code == 422
    assert "Langsung" in one.get(answer.headers["location"]).text


def test_what_else_is_known_stands_beside_the_field(post: Post, staff: dict[str, Person]) -> None:
    """The second reading, the decree and the register, each with its value; a value that agrees says nothing."""
    number = next(_numbers)
    one = requested(
        f"198507042010012{number:03d}",
        "Orang Satu",
        email=Found("orang@contoh.example", "", 0.9, second="0rang@contoh.example", agreed=False),
    )
    on_decree = replace(one, jabatan=Found("Sekretaris", "Sekretaris", 0.9))
    read = evidence(one, number=f"027/{number}/2026")
    letter_, decree = read.documents
    right = access.AccessRight(
        "ORANG.1", "Orang Satu", one.nip.value or "", "ppk", "Dinas Contoh", "lama@contoh.example", "+628999"
    )
    with post.world.store.transaction() as tx:
        access.record(tx, right, "uji", "awal", post.world.now())
    found = post.mail(replace(read, documents=(letter_, replace(decree, persons=(on_decree,)))))
    text = staff["helpdesk"].get(f"/berkas/{found.number}").text

    for source, value in (
        ("Pembacaan kedua", "0rang@contoh.example"),
        ("Surat Keputusan", "Sekretaris"),
        ("Register", "lama@contoh.example"),
    ):
        assert re.search(rf"<b>{source}:</b>[^\n]*{re.escape(value)}", text), source
    assert "dua pembacaan berbeda" in text or "perlu diperiksa" in text
    assert not re.search("<b>[^<]*:</b>[^\n]*Dinas Contoh", text)


def test_each_person_of_a_case_has_a_tab_with_the_doubts_counted(
    post: Post, staff: dict[str, Person], model: Case
) -> None:
    found = letter(post, doubtful=True, persons=3)
    text = staff["helpdesk"].get(f"/berkas/{found.number}").text
    assert text.count("data-person>") == 3
    assert len(re.findall(r'data-person>[^<]*<span class="count warn">\d</span>', text)) == 3, re.findall(
        "data-person>.*", text
    )
    last = re.findall(r'href="\?orang=(\d+)"', text)[-1]
    assert 'value="Orang3 ' in staff["helpdesk"].get(f"/berkas/{found.number}?orang={last}").text


@pytest.mark.parametrize(("name", "address", "warns"), [
    ("Kepala Dinas", "kepala@dinas.example", False), ("kepala@dinas.example", "kepala@dinas.example", False),
    ("kepala@dinas.example", "lain@jahat.example", True), ("Dinas", "a@d\u0456nas.example", True), ("Dinas", "a@xn--dnas-rpa.example", True), ("", "", False),
])  # fmt: skip
def test_a_sender_who_pretends_to_be_another_is_marked(name: str, address: str, warns: bool) -> None:
    """T29: another address in the display name, letters of another alphabet in the domain."""
    said = words.sender_warning(name, address)
    assert bool(said) == warns
    assert "jahat" not in said


def test_every_paper_and_original_taken_away_is_written_down(post: Post, staff: dict[str, Person]) -> None:
    found = letter(post)
    text = staff["helpdesk"].get(f"/berkas/{found.number}").text
    (original, *_) = re.findall(r'/berkas/[^"]*/asli', text)
    for path in (original, f"/berkas/{found.number}/formulir.pdf", f"/berkas/{found.number}/bundel.pdf"):
        assert staff["helpdesk"].get(path).status_code == 200
    with post.world.store.reading() as tx:
        rows = [json.loads(e.data) for e in chain.events(tx, chain.OFFICE) if e.action == "unduh"]
    assert [r["lampiran"] for r in rows if r["berkas"] == found.number] == [
        "surat.pdf",
        "formulir serah terima",
        "bundel cetak",
    ]


# ------------------------------------------------------------------ supervisors


def test_late_steps_are_explained_and_accepted_from_the_list(tmp_path: Path) -> None:
    clock = Clock()
    post = Post(world(tmp_path, clock))
    people(post.world)
    found = letter(post)
    clock.pass_(minutes=40)
    agency, boss = person(post.world, "admin_agency"), person(post.world, "supervisor")
    with post.world.store.transaction() as tx:
        steps.mark_late(tx, post.world.now())
        step = steps.deviations(tx)[0].id
    assert "lewat" in agency.get("/persetujuan").text
    form = {"version": found.version, "step_id": step, "reason": "SPSE tidak dapat diakses", "dari": "penyimpangan"}
    assert agency.post(f"/berkas/{found.number}/tindakan/alasan", form).headers["location"].startswith("/penyimpangan")
    assert "SPSE tidak dapat diakses" in boss.get("/penyimpangan").text
    with post.world.store.reading() as tx:
        version = cases.get(tx, found.id).version
    boss.post(f"/berkas/{found.number}/tindakan/terima_alasan", {"version": version, "step_id": step})

    assert "diterima ratna" in boss.get("/penyimpangan?tab=diterima").text


def test_the_year_end_campaign_goes_its_way_by_clicks(tmp_path: Path) -> None:
    clock = Clock()
    w = world(tmp_path, clock)
    people(w)
    with w.store.transaction() as tx:
        for n in (1, 2):
            right = access.AccessRight(
                f"PPK.{n}", f"Orang {n}", f"1985070420100110{n:02d}", "ppk", "Dinas Contoh", f"orang{n}@contoh.example"
            )
            access.record(tx, right, "uji", "awal", w.now())
    boss, agency = person(w, "supervisor"), person(w, "admin_agency")
    assert "Susun daftar" in boss.get("/akhir-tahun").text
    assert boss.post("/akhir-tahun", {"ubah": "susun", "tanggal": "bukan"}).status_code == 409
    assert boss.post("/akhir-tahun", {"ubah": "susun", "tanggal": "2026-12-30"}).status_code == 303
    assert boss.post("/akhir-tahun", {"ubah": "beritahu", "tanggal": "2026-12-15"}).status_code == 303
    items = sorted(set(re.findall(r'name="item" value="(\d+)"', boss.get("/akhir-tahun").text)), key=int)
    assert (
        boss.post("/akhir-tahun", {"ubah": "putuskan", "item": items[0], "decision": "kecuali"}).status_code == 409
    )  # no basis given
    assert (
        boss.post(
            "/akhir-tahun",
            {"ubah": "putuskan", "item": items[0], "decision": "kecuali", "reason": "kontrak tahun jamak"},
        ).status_code
        == 303
    )
    assert boss.post("/akhir-tahun", {"ubah": "putuskan", "item": items[1], "decision": "nonaktif"}).status_code == 303
    clock.pass_(days=37)
    boss, agency = person(w, "supervisor"), person(w, "admin_agency")
    assert (
        boss.post("/akhir-tahun", {"ubah": "laksanakan", "item": items[1]}).status_code == 409
    )  # not the supervisor's work
    assert agency.post("/akhir-tahun", {"ubah": "laksanakan", "item": items[1]}).status_code == 303
    assert agency.post("/akhir-tahun", {"ubah": "selesai", "tahun": "2026"}).status_code == 303

    assert "Selesai" in boss.get("/akhir-tahun?tahun=2026").text


def test_figures_tell_what_the_machine_decided_and_who_overruled_it(post: Post, staff: dict[str, Person]) -> None:
    found = letter(post)
    staff["admin_agency"].post(
        f"/berkas/{found.number}/tindakan/kirim_balik", {"version": found.version, "reason": "SK satker lain"}
    )
    boss = person(post.world, "supervisor")
    text = boss.get("/pengawas").text
    assert "SK satker lain" in text and found.number in text
    assert text.count('<svg class="chart"') == 3
    arrived = re.search(r"<b>(\d+)</b> berkas masuk", text)
    letter(post)
    assert arrived and arrived[0] in boss.get("/pengawas").text  # counted at most once a minute, and the page says when
    assert "dihitung hari ini" in text


def registered(w: World) -> None:
    with w.store.transaction() as tx:
        for n, (status, until) in enumerate(
            (("aktif", "2026-12-10"), ("aktif", "2027-12-31"), ("nonaktif", "2026-01-31"))
        ):
            right = access.AccessRight(f"=USER.{n}", f"Pemegang {n}", f"19850704201001700{n}", "ppk", "Dinas Contoh", f"pemegang{n}@contoh.example",
                                       "+6281234567890", status, valid_until=until)  # fmt: skip
            access.record(tx, right, "uji", "awal", w.now())


def test_the_register_is_shown_masked_and_found_by_its_words(post: Post, staff: dict[str, Person]) -> None:
    registered(post.world)
    shown = {tab: staff["helpdesk"].get(f"/register?tab={tab}").text for tab in ("aktif", "berakhir", "nonaktif")}
    assert [[n in text for n in ("Pemegang 0", "Pemegang 1", "Pemegang 2")] for text in shown.values()] == [
        [True, True, False], [True, False, False], [False, False, True]]  # fmt: skip
    for text in shown.values():
        assert not re.search(r"\d{18}|pemegang\d@|81234567890", text)
        assert "/unduh/" not in text
    for typed, hit in (
        ("pemegang 1", True),
        ("USER.1", True),
        ("198507042010017001", True),
        ("DINAS cont", True),
        ("100%", False),
        ("_", False),
    ):
        assert ("Pemegang 1" in staff["supervisor"].client.get("/register", params={"q": typed}).text) == hit, typed


@pytest.mark.parametrize("name", ["register", "berakhir", "penyimpangan", "helpdesk", "pelanggaran"])
def test_supervisors_take_lists_away_and_the_trail_says_so(post: Post, staff: dict[str, Person], name: str) -> None:
    registered(post.world)
    letter(post, doubtful=True)
    boss = staff["supervisor"]
    if name not in ("register", "berakhir"):
        assert boss.get(f"/unduh/{name}.xlsx").status_code == 422
    answer = boss.get(f"/unduh/{name}.xlsx?dari=2026-11-01&sampai=2026-11-30")
    assert answer.status_code == 200 and answer.headers["content-disposition"].startswith("attachment")
    book = openpyxl.load_workbook(io.BytesIO(answer.content))
    rows = [row for sheet in book.worksheets for row in sheet.iter_rows(min_row=2, values_only=True)]
    assert rows or name == "penyimpangan"
    with post.world.store.reading() as tx:
        last = chain.events(tx, chain.OFFICE)[-1]
    assert (last.actor, last.action, json.loads(last.data)["baris"]) == ("ratna", "ekspor", len(rows))
    assert boss.get(f"/unduh/{name}.csv?dari=2026-11-01&sampai=2026-11-30").status_code == (404 if name == "pelanggaran" else 200)  # fmt: skip
    for wrong in (f"{name}", f"{name}.exe", "..%2f..%2fetc.csv", "register.csv.xlsx"):
        assert boss.get(f"/unduh/{wrong}").status_code == 404


def test_people_are_added_disabled_and_reset_with_the_own_password_only(post: Post, staff: dict[str, Person]) -> None:
    one = staff["sysadmin"]
    form = {"ubah": "tambah", "login": "dewi", "name": "Dewi", "role": "helpdesk", "password": "Sandi-Baru-2026"}
    assert one.post("/pengguna", {**form, "own": "salah"}).status_code == 422
    assert one.post("/pengguna", {**form, "own": PASSWORD}).status_code == 303
    assert one.post("/pengguna", {**form, "own": PASSWORD}).status_code == 422
    assert one.post("/pengguna", {**form, "login": "x", "role": "raja", "own": PASSWORD}).status_code == 422
    assert one.post("/pengguna", {"ubah": "nonaktif", "login": "dewi", "own": PASSWORD}).status_code == 303
    assert one.post("/pengguna", {"ubah": "nonaktif", "login": "eko", "own": PASSWORD}).status_code == 422
    assert "dewi" in one.get("/pengguna").text


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "|cmd"])
def test_no_exported_cell_is_a_formula(post: Post, staff: dict[str, Person], cell: str) -> None:
    found = letter(post, doubtful=True)
    staff["helpdesk"].post(
        f"/berkas/{found.number}/tindakan/catatan", {"version": found.version, "reason": cell + " x"}
    )
    text = staff["supervisor"].get("/jejak.csv").text

    assert not re.search(r'(^|,|\n)"?[=+@\t\r|]', text)


def test_health_shows_what_is_set_aside(post: Post, staff: dict[str, Person]) -> None:
    with post.world.store.transaction() as tx:
        tx.execute(
            t.quarantine.insert().values(
                account="utama", folder="INBOX", uidvalidity=1, uid="77", attempts=3, failures=3, error="rusak sekali"
            )
        )
    text = staff["sysadmin"].get("/kesehatan").text

    assert "rusak sekali" in text and "Perlu dilihat" in text


def test_every_page_has_the_headers_of_a_closed_site(post: Post, staff: dict[str, Person]) -> None:
    answer = staff["helpdesk"].get("/meja")
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'") and "unsafe" not in policy and "frame-ancestors 'none'" in policy
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"


def test_vendored_files_are_those_that_were_recorded() -> None:
    folder = Path(web.__file__).parent / "static"
    rows = re.findall(r"^\| (\S+) \| .* \| ([0-9a-f]{64}) \|$", (folder / "VENDORED.md").read_text(), re.M)
    assert len(rows) == 2
    for name, digest in rows:
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest
