"""Drills: what an administrator does on a bad day, on both engines."""

from __future__ import annotations

import shutil
from email import message_from_bytes
from email.message import EmailMessage
from importlib.resources import files
from pathlib import Path

import pytest
from alembic.config import Config
from sqlalchemy import inspect, select, text

from mailbot import jobs
from mailbot.grown import keeping, move
from mailbot.store import Store, access, schema, tables
from mailbot.work import World, delivery
from mailbot.work.sweep import FEW, Stored, sweep_all
from tests.servers.postgres import Postgres
from tests.worlds import MORNING, Clock, Post, evidence, person, world


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lay(folder: Path, number: int) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Date"] = f"dinas{number}@contoh.example", "lpse@batangkab.example", MORNING
    mail["Subject"], mail["Message-ID"] = f"Permohonan {number}", f"<drill.{number}@contoh.example>"
    mail.set_content("Terlampir permohonan.")
    mail.add_attachment(f"berkas {number}".encode(), maintype="application", subtype="pdf", filename="surat.pdf")
    inbox = folder / "inbox" / "new"
    for name in ("new", "cur", "tmp"):
        (folder / "inbox" / name).mkdir(parents=True, exist_ok=True)
    (inbox / f"{number}.eml").write_bytes(mail.as_bytes())


def beside_the_data(database: str) -> str:
    return "" if database.startswith("sqlite") else database


def take_and_send(w: World) -> None:
    sweep_all(w)
    while delivery.send_next(w):
        pass


def answered(folder: Path) -> list[str]:
    return sorted(str(message_from_bytes(p.read_bytes())["In-Reply-To"]) for p in (folder / "sent").glob("*.eml"))


def test_after_a_restore_the_same_mailbox_brings_no_second_receipt(tmp_path: Path, clock: Clock, database: str) -> None:
    w = world(tmp_path, clock, beside_the_data(database))
    for number in (1, 2, 3):
        lay(tmp_path, number)
    take_and_send(w)
    keeping.backup(w, tmp_path / "backup")
    lay(tmp_path, 4)  # comes after the backup, and is answered by the database that is lost
    take_and_send(w)
    assert len(answered(tmp_path)) == 4

    url = lose(w, tmp_path / "data")
    keeping.restore(tmp_path / "backup", tmp_path / "data", url)
    restored = world(tmp_path, clock, url)
    take_and_send(restored)

    assert not list(keeping.troubles(restored, deep=True))
    assert answered(tmp_path) == [f"<drill.{n}@contoh.example>" for n in (1, 2, 3, 4)]
    with restored.store.reading() as tx:
        assert len(tx.scalars(select(tables.case_file.c.id)).all()) == 4


def lose(w: World, data: Path) -> str:
    """Database and blobs are gone."""
    if w.store.shared:
        with w.store.transaction() as tx:
            tx.execute(text(f'DROP SCHEMA "{w.store.office}" CASCADE'))
    w.store.engine.dispose()
    shutil.rmtree(data)
    return w.store.url


def test_a_restore_never_overwrites(tmp_path: Path, clock: Clock, database: str) -> None:
    w = world(tmp_path, clock, beside_the_data(database))
    lay(tmp_path, 1)
    take_and_send(w)
    keeping.backup(w, tmp_path / "backup")

    with pytest.raises(keeping.NotKept):
        keeping.restore(tmp_path / "backup", tmp_path / "data", database)


def test_check_names_a_lost_original_and_a_changed_one(tmp_path: Path, clock: Clock, database: str) -> None:
    w = world(tmp_path, clock, beside_the_data(database))
    for number in (1, 2):
        lay(tmp_path, number)
    sweep_all(w)
    with w.store.reading() as tx:
        one, two = tx.scalars(select(tables.message.c.content).order_by(tables.message.c.id))
    (w.blobs / one[:2] / one).unlink()
    (w.blobs / two[:2] / two).write_bytes(b"lain")

    assert ["is not in" in words or "was changed" in words for words in keeping.troubles(w, deep=True)] == [True, True]


# ------------------------------------------------------------------ versions of the schema

NEXT = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "9999", "{head}"
def upgrade():
    op.add_column("counter", sa.Column("colour", sa.String, nullable=False, server_default="biru"))
    {harm}
def downgrade():
    with op.batch_alter_table("counter") as batch:
        batch.drop_column("colour")
"""


def with_next_version(folder: Path, harm: str = "") -> Config:
    """This program's migrations and one more."""
    target = folder / "migrations"
    shutil.copytree(
        Path(str(files("mailbot.store") / "migrations")), target, ignore=shutil.ignore_patterns("__pycache__")
    )
    (target / "versions" / "9999_next.py").write_text(NEXT.format(head=schema.head(), harm=harm))
    config = Config()
    config.set_main_option("script_location", str(target))
    return config


def columns(store: Store) -> set[str]:
    with store.reading() as tx:
        return {c["name"] for c in inspect(tx).get_columns("counter")}


def filled(database: str) -> Store:
    store = Store(database)
    with store.transaction() as tx:
        tx.execute(tables.counter.insert().values(name="LPSE-2026-", value=41))
    return store


def kept(store: Store) -> list[tuple[str, int]]:
    with store.reading() as tx:
        return [tuple(r) for r in tx.execute(text("SELECT name, value FROM counter"))]


def test_up_and_back_keeps_the_data(tmp_path: Path, database: str) -> None:
    store, config = filled(database), with_next_version(tmp_path)
    schema.upgrade(store.engine, config)
    assert "colour" in columns(store) and schema.current(store.engine) == "9999"
    schema.downgrade(store.engine, schema.head(), config)

    assert columns(store) == {"name", "value"}
    assert kept(store) == [("LPSE-2026-", 41)]
    assert Store(database).office == store.office  # the older program opens it


def test_a_migration_that_fails_leaves_the_old_schema(tmp_path: Path, database: str) -> None:
    store, config = filled(database), with_next_version(tmp_path, 'op.execute("SELECT * FROM tidak_ada")')
    with pytest.raises(Exception, match="tidak_ada"):
        schema.upgrade(store.engine, config)

    assert columns(store) == {"name", "value"}
    assert schema.current(store.engine) == schema.head()
    assert kept(store) == [("LPSE-2026-", 41)]


def test_down_to_nothing_and_up_again(database: str) -> None:
    store = filled(database)
    schema.downgrade(store.engine, "0000")
    with store.reading() as tx:
        assert not inspect(tx).has_table("case_file")
    schema.upgrade(store.engine)
    assert kept(store) == []


# ------------------------------------------------------------------ SQLite -> PostgreSQL


@pytest.fixture
def source(tmp_path: Path, clock: Clock) -> World:
    """What is moved is always SQLite."""
    (tmp_path / "data").mkdir(exist_ok=True)
    w = world(tmp_path, clock, f"sqlite:///{tmp_path / 'data' / 'mailbot.db'}")
    post = Post(w)
    for number in range(4):
        post.mail(evidence(person(f"19850704201001100{number}"), number=f"{number}/2026"))
    with w.store.transaction() as tx:
        tx.execute(text("UPDATE message SET subject = 'dengan ' || char(0) || ' di tengah' WHERE id = 1"))
        tx.execute(text("UPDATE case_file SET merged_into = 4 WHERE id = 2"))
        held = access.AccessRight("PPK.1", "Siti Contoh", "198507042010011000", "ppk", "Dinas Contoh")
        access.record(tx, held, "uji", "impor", w.now())
    return w


def test_a_move_brings_every_row_and_the_service_goes_on(
    source: World, tmp_path: Path, clock: Clock, postgres_url: str
) -> None:
    moved = list(move.move(source.store, Store(postgres_url)))
    counts = {m.table: m.rows for m in moved}
    assert counts["case_file"] == counts["message"] == 4 and counts["event"] == 8
    assert counts["access_word"] == 6  # siti, contoh, ppk, 1, dinas and the NIP

    there = world(tmp_path, clock, postgres_url)
    case = Post(there, count=10).mail(evidence(person("198507042010011099"), number="99/2026"))
    assert (case.id, case.number[-6:]) == (5, "000005")
    with there.store.reading() as tx:
        assert tx.scalar(select(tables.case_file.c.merged_into).where(tables.case_file.c.id == 2)) == 4
        assert [r.nama for r in access.page(tx, "aktif", "contoh si", "", 0, 9)] == ["Siti Contoh"]
    assert not list(keeping.troubles(there))


def test_open_jobs_get_their_notices(source: World, postgres_url: str) -> None:
    with source.store.reading() as tx:
        waiting = len(tx.scalars(select(tables.job.c.id).where(tables.job.c.state == "waiting")).all())
    target = Store(postgres_url)
    list(move.move(source.store, target))
    with target.transaction() as tx:
        found = tx.scalar(text("SELECT count(*) FROM procrastinate_jobs WHERE args->>'office' = current_schema()"))

    assert found == waiting > 0
    assert jobs.busy(target)


def test_a_move_that_was_cut_off_goes_on(source: World, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target, copied = Store(postgres_url), []
    whole = move._copy

    def cut(old: object, into: Store, table: object) -> None:
        copied.append(table)
        if len(copied) == 9:
            raise KeyboardInterrupt
        whole(old, into, table)  # type: ignore[arg-type]

    monkeypatch.setattr(move, "_copy", cut)
    with pytest.raises(KeyboardInterrupt):
        list(move.move(source.store, target))
    monkeypatch.setattr(move, "_copy", whole)

    assert sum(m.rows for m in move.move(source.store, target)) > 30


def test_a_move_refuses_a_target_that_holds_something(source: World, postgres_url: str) -> None:
    with pytest.raises(move.Refused, match="counter"):
        list(move.move(source.store, filled(postgres_url)))


def test_a_move_notices_a_row_that_differs(source: World, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Store(postgres_url)
    whole = move._compared

    def harmed(old: object, into: Store, table: object) -> move.Moved:
        with into.transaction() as tx:
            tx.execute(text("UPDATE case_file SET subject = 'lain' WHERE id = 3"))
        return whole(old, into, table)  # type: ignore[arg-type]

    monkeypatch.setattr(move, "_compared", harmed)
    with pytest.raises(move.Refused, match="case_file"):
        list(move.move(source.store, target))


def test_hosts_that_start_together_make_one_schema(cluster: Postgres) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with cluster.schema("serentak") as url, ThreadPoolExecutor(4) as hosts:
        stores = list(hosts.map(lambda _: Store(url), range(4)))
        assert {schema.current(s.engine) for s in stores} == {schema.head()}


def test_a_poll_asks_for_single_uids_and_for_all_of_them_alike(source: World) -> None:
    few, many = (Stored(source, "utama", "INBOX", 1) for _ in range(2))
    many.asked = FEW
    for uid in ("1", "4", "5", "x"):
        assert (uid in few) == (uid in many) == (uid in {"1", "2", "3", "4"})
    assert few.everything is None and many.everything == {"1", "2", "3", "4"}
