"""Packages of closed cases: complete, sealed, and every changed byte or event is found. Nothing is deleted."""

import datetime as dt
import json
import shutil
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from mailbot import config, paper
from mailbot.model import Case
from mailbot.paper import bag
from mailbot.sop.case import Refused
from mailbot.store import Stale, cases, chain, mails
from mailbot.store import tables as t
from mailbot.work import agency, archive, blob_path, desk, exports
from mailbot.work.agency import Result
from tests.worlds import AGENCY, HELPDESK, Clock, Post, evidence, person, seen, world


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def post(tmp_path: Path, clock: Clock) -> Post:
    return Post(world(tmp_path, clock))


def notified(post: Post) -> Case:
    case = post.mail(evidence(person()), contents={"surat.pdf": paper.pdf("<p>Surat</p>")})
    with post.world.store.reading() as tx:
        (one,) = cases.persons(tx, case.id)
    case = agency.record_result(post.world, seen(case), AGENCY, one.id, Result("berhasil", "BUDI.PPK"))
    return agency.notify(post.world, seen(case), HELPDESK)


def archived(post: Post) -> Case:
    case = desk.printed(post.world, seen(notified(post)), HELPDESK)
    return archive.archive(post.world, seen(case), HELPDESK)


def files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.is_file())


def test_a_case_is_printed_before_it_is_archived(post: Post) -> None:
    case = notified(post)
    with pytest.raises(Refused, match="belum dicetak"):
        archive.archive(post.world, seen(case), HELPDESK)
    case = desk.printed(post.world, seen(case), HELPDESK)

    assert archive.archive(post.world, seen(case), HELPDESK).state == "diarsipkan"


def test_the_package_holds_originals_mails_papers_evidence_and_events(post: Post) -> None:
    case = archived(post)
    (package,) = archive.packages(post.world)
    names = {str(p.relative_to(package.folder)) for p in files(package.folder)}
    info = (package.folder / "bag-info.txt").read_text()
    events = json.loads((package.folder / "data" / "kejadian.json").read_text())

    assert package.number == case.number and package.folder.parent.name == "2026"
    assert {"bagit.txt", "data/diterima/01.eml", "data/lampiran/01-surat.pdf", "data/dikirim/01-receipt.eml", "data/dikirim/02-result_on.eml",
            "data/formulir/serah-terima.pdf", "data/formulir/bundel.pdf", "data/bukti/01.json", "data/berkas.json"} <= names  # fmt: skip
    assert "Klasifikasi: 000.3" in info and f"External-Identifier: {case.number}" in info
    assert [e["action"] for e in events] == ["terima", "lengkap", "hasil_lengkap", "beritahukan", "cetak"]
    assert list(archive.verify(post.world)) == []


def test_any_single_changed_byte_in_any_file_is_found(post: Post) -> None:
    archived(post)
    (package,) = archive.packages(post.world)
    for path in files(package.folder):
        original = path.read_bytes()
        for at in {0, len(original) // 2, len(original) - 1}:
            path.write_bytes(original[:at] + bytes([original[at] ^ 0x20]) + original[at + 1 :])
            assert list(bag.faults(package.folder, package.seal)), f"{path.name} byte {at}"
        path.write_bytes(original)

    assert list(archive.verify(post.world)) == []


def test_missing_added_and_remade_packages_are_found(post: Post) -> None:
    archived(post)
    (package,) = archive.packages(post.world)
    victim = package.folder / "data" / "berkas.json"
    original = victim.read_bytes()
    victim.unlink()
    assert any("hilang" in fault for fault in archive.verify(post.world))
    victim.write_bytes(original)
    stranger = package.folder / "data" / "tambahan.txt"
    stranger.write_text("x")
    assert any("tidak tercatat" in fault for fault in archive.verify(post.world))
    stranger.unlink()
    # a package made anew with consistent sums still does not carry the seal of the chain
    content = {str(p.relative_to(package.folder / "data")): p.read_bytes() for p in files(package.folder / "data")}
    bag.write(package.folder, content | {"berkas.json": b"{}"}, {"External-Identifier": package.number})
    assert any("tagmanifest" in fault for fault in archive.verify(post.world))
    shutil.rmtree(package.folder)
    assert any("paket tidak ada" in fault for fault in archive.verify(post.world))


@pytest.mark.parametrize("harm", ["edit", "remove", "cut", "remove-case", "cut-office"])
def test_an_edited_or_removed_event_is_found(post: Post, harm: str) -> None:
    case = archived(post)
    events = t.event.c
    with post.world.store.transaction() as tx:
        if harm == "edit":
            tx.execute(update(t.event).where(events.case_id == case.id, events.seq == 2).values(actor="orang lain"))
        if harm == "remove":
            tx.execute(delete(t.event).where(events.case_id == case.id, events.seq == 2))
        if harm == "cut":
            tx.execute(delete(t.event).where(events.case_id == case.id, events.seq == case.version))
        if harm == "remove-case":
            for table in (t.attachment, t.case_person, t.step, t.outgoing, t.location, t.message, t.event, t.job):
                tx.execute(delete(table))
            tx.execute(delete(t.case_file))
        if harm == "cut-office":
            chain.append(tx, chain.OFFICE, post.world.now(), "siti", "lihat")
            tx.execute(delete(t.event).where(events.chain == 0))

    assert list(archive.verify(post.world))


def test_whoever_acted_first_wins_and_no_half_package_stays(post: Post) -> None:
    case = desk.printed(post.world, seen(notified(post)), HELPDESK)
    desk.simply(post.world, seen(case), "catatan", HELPDESK, "sebentar")
    with pytest.raises(Stale, match="siti"):
        archive.archive(post.world, seen(case), HELPDESK)

    assert not list(archive.root(post.world).rglob("*.txt"))


def test_a_package_left_by_a_killed_run_is_replaced(post: Post) -> None:
    case = desk.printed(post.world, seen(notified(post)), HELPDESK)
    left = archive.root(post.world) / "2026" / case.number
    bag.write(left, {"alt.txt": b"x"}, {})
    archive.archive(post.world, seen(case), HELPDESK)

    assert list(archive.verify(post.world)) == []
    assert not (left / "data" / "alt.txt").exists()


def test_retention_proposes_and_never_deletes(tmp_path: Path, clock: Clock) -> None:
    post = Post(
        world(tmp_path, clock, retention=config.RetentionSection(active_years=1, inactive_years=2, fate="musnah"))
    )
    archived(post)
    phases = []
    for year in (2026, 2027, 2028, 2029, 2030):
        clock.at = dt.datetime(year, 12, 1, 3, tzinfo=dt.UTC)
        phases.append(archive.proposals(post.world)[0].phase)

    assert phases == ["aktif", "aktif", "inaktif", "inaktif", "usul musnah"]
    assert list(archive.verify(post.world)) == []


def test_after_a_breach_the_persons_and_files_that_were_touched_are_listed(post: Post, clock: Clock) -> None:
    first = post.mail(evidence(person()))
    clock.pass_(hours=1)
    start = clock().isoformat()
    clock.pass_(minutes=1)
    second = post.mail(evidence(person("199001012015022002", "Sari Dewi"), number="027/77/2026"))
    clock.pass_(minutes=1)
    people, documents = exports.breach(post.world, start, clock().isoformat())

    assert [(row[0], row[2]) for row in people.rows] == [(second.number, "199001012015022002")]
    assert [row[0] for row in documents.rows] == [second.number]
    everybody, _ = exports.breach(post.world, "2026", "2027")
    assert {row[0] for row in everybody.rows} == {first.number, second.number}


def test_a_lost_original_stops_the_archiving_in_words(post: Post) -> None:
    case = desk.printed(post.world, seen(notified(post)), HELPDESK)
    with post.world.store.reading() as tx:
        (row,) = mails.of_case(tx, case.id)
    blob_path(post.world.blobs, row.content).unlink()

    with pytest.raises(Refused, match="pulihkan dari cadangan"):
        archive.archive(post.world, seen(case), HELPDESK)


def test_a_case_that_was_closed_without_a_package_is_found(post: Post) -> None:
    case = desk.printed(post.world, seen(notified(post)), HELPDESK)
    archive.archive(post.world, seen(case), HELPDESK)
    shutil.rmtree(next(p.folder for p in archive.packages(post.world) if p.number == case.number))

    assert any("paket tidak ada" in fault for fault in archive.verify(post.world))


def test_no_case_is_closed_past_the_archive(post: Post) -> None:
    case = desk.printed(post.world, seen(notified(post)), HELPDESK)
    for action in ("arsipkan", "lengkap", "kembalikan", "tolak", "catat_hasil", "tidak_ada"):
        with pytest.raises(Refused, match="tidak dikenal"):
            desk.simply(post.world, seen(case), action, HELPDESK, "alasan")
