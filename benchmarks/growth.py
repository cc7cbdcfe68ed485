"""What a mail and a page cost with 0, 10 thousand, 100 thousand and 1 million cases in the database: scripts/bench growth

The cases are filled in by SQL: each with its mail, location, attachment, person, events, timers, replies, jobs and words, in the
shape that the service leaves behind. 400 cases are open at every size: an office's work does not grow with its history.
Mails come from requesters with a history (333 cases of each at 1 million, 3 at 10 thousand) and are taken in by the service's own function,
without OCR; pages are asked from the site itself, logged in. Medians. Each size has a database of its own, and all sizes do each thing
in turn, so that other work on the machine falls on all of them alike.
The CPU is that of the service and of the database server's sessions: what other work on the machine does not disturb.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import functools
import logging
import os
import re
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

import structlog
from sqlalchemy import text

from benchmarks import _figures
from mailbot import config
from mailbot.mailbox import keep
from mailbot.model import Location, RawMessage
from mailbot.store import cases as cases_of
from mailbot.work import World, delivery, ticks
from mailbot.work.intake import take_in
from tests.servers.postgres import postgres
from tests.web import Person, people
from tests.web import person as logged_in_as
from tests.worlds import MORNING, Clock, person, world

OPEN = 400
WARM = 3  # requests that do not count
BULK = 1_000_000  # ids below belong to what was measured, above to what was filled in

NUMBERS = "WITH RECURSIVE n(i) AS (SELECT CAST(:first AS integer) UNION ALL SELECT i + 1 FROM n WHERE i < :last) "
HISTORY = "CASE WHEN i % 20 = 0 THEN 'bukan_permohonan' WHEN i % 20 = 1 THEN 'ditolak' ELSE 'diarsipkan' END"
STATE = f"CASE WHEN i <= {BULK + OPEN} THEN CASE i % 4 WHEN 0 THEN 'perlu_tinjauan' WHEN 1 THEN 'diteruskan' WHEN 2 THEN 'dikembalikan' ELSE 'hasil_diterima' END ELSE {HISTORY} END"
AT = "{at}"  # every second minute a case, from 2022 on
FIRST = 1_640_995_200
SECONDS = f"({FIRST} + 120 * (i - {BULK}))"
SQLITE_AT = f"strftime('%Y-%m-%dT%H:%M:00.000000+00:00', {SECONDS}, 'unixepoch')"
POSTGRESQL_AT = f"to_char(to_timestamp({SECONDS}) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:00.000000+00:00')"
NAME = "'Orang' || (i % 5000) || ' Contoh' || (i % 977)"
FILL = (
    f"INSERT INTO case_file (id, number, state, round, version, requester, subject, created_at, changed_at, letter_key, letter_number, instansi, persons, step, due_at) SELECT i, 'LAMA-2025-' || i, {STATE}, 1, 3, 'dinas' || (i % 3000) || '@kantor' || (i % 300) || '.example', 'Permohonan akun ' || i, {AT}, {AT}, i || '/x', '027/' || i, 'Dinas ' || (i % 300), {NAME}, CASE WHEN i <= {BULK + OPEN} THEN 'T3' ELSE '' END, CASE WHEN i <= {BULK + OPEN} THEN '2026-12-01T02:00:00.000000+00:00' END FROM n",
    f"INSERT INTO message (id, content, semantic, header_id, sender, subject, files, size, received_at, stored_at, state, policy, rules, case_id, round, evidence, verdict) SELECT i, 'c' || i, 's' || i, '<lama.' || i || '@kantor.example>', 'dinas' || (i % 3000) || '@kantor' || (i % 300) || '.example', 'Permohonan akun ' || i, '[\"f' || i || '\"]', 900000, {AT}, {AT}, 'judged', 'reply', '', i, 1, '{{}}', '{{verdict}}' FROM n",
    "INSERT INTO location (account, folder, uidvalidity, uid, message_id) SELECT 'utama', 'inbox', 0, 'lama' || i, i FROM n",
    "INSERT INTO attachment (id, message_id, seq, name, type, sha256, size) SELECT i, i, 1, 'surat.pdf', 'application/pdf', 'f' || i, 800000 FROM n",
    "INSERT INTO case_person (id, case_id, seq, nip, name_key, person) SELECT i, i, 1, '19' || (1000000000000000 + i), 'orang' || (i % 5000) || ' contoh' || (i % 977), '{person}' FROM n",
    *(f"INSERT INTO event (id, chain, seq, case_id, at, actor, action, old, new, reason, previous, hash) SELECT i * 3 + {k}, i, {k + 1}, i, {AT}, 'mesin', 'lengkap', 'diterima', 'diteruskan', '', '', 'h' || i FROM n" for k in range(3)),
    *(f"INSERT INTO step (id, case_id, name, round, started_at, due_at, ended_at, minutes, late) SELECT i * 2 + {k}, i, 'T{3 + 3 * k}', 1, {AT}, {AT}, CASE WHEN i <= {BULK + OPEN} AND {k} = 1 THEN NULL ELSE {AT} END, 10, CASE WHEN i % 50 = 0 THEN 1 ELSE 0 END FROM n" for k in range(2)),
    *(f"INSERT INTO outgoing (id, case_id, key, kind, seq, header_id, recipient, data, state, created_at, due_at, attempts, answer) SELECT i * 2 + {k}, i, 's' || i, '{kind}', 1, '<' || i || '.{kind}@lpse.example>', 'dinas' || (i % 3000) || '@kantor' || (i % 300) || '.example', CAST('From: lpse' AS {{blob}}), 'sent', {AT}, {AT}, 1, '' FROM n" for k, kind in enumerate(("receipt", "result_on"))),
    f"INSERT INTO job (id, lane, task, subject_id, state, attempts, due_at, error) SELECT i * 2, 'ocr', 'read', i, 'done', 1, {AT}, '' FROM n",
    f"INSERT INTO job (id, lane, task, subject_id, state, attempts, due_at, error) SELECT i * 2 + 1, 'mail', 'deliver', i * 2, 'done', 1, {AT}, '' FROM n",
    "INSERT INTO access_right (id, user_id, nama, nip, peran, instansi, email, telepon, status, valid_until) SELECT i, 'PENGGUNA.' || i, {name} || ' ' || i, '19' || (1000000000000000 + i), 'ppk', 'Dinas ' || (i % 300), 'orang' || i || '@contoh.example', '+6281234567890', CASE WHEN i % 15 = 0 THEN 'aktif' ELSE 'nonaktif' END, '2026-12-31' FROM n WHERE i % 5 = 0",
    *(f"INSERT INTO access_word (access_id, word, status, nama) SELECT i, {word}, CASE WHEN i % 15 = 0 THEN 'aktif' ELSE 'nonaktif' END, {{name}} || ' ' || i FROM n WHERE i % 5 = 0" for word in ("'orang' || (i % 5000)", "'contoh' || (i % 977)", "i", "'pengguna'", "'dinas'", "(i % 300)", "'19' || (1000000000000000 + i)")),
    "INSERT INTO case_text (rowid, words) SELECT i, {words} FROM n",
)  # fmt: skip


def fill(w: World, cases: int) -> None:
    """Grows the database to `cases` cases."""
    sqlite = w.store.engine.dialect.name == "sqlite"
    words = f"'lama 2025 ' || i || ' permohonan akun ' || {NAME} || ' dinas ' || (i % 300) || ' 19' || (1000000000000000 + i)"
    with w.store.transaction() as tx:
        there = int(tx.scalar(text("SELECT count(*) FROM case_file WHERE id > :bulk"), {"bulk": BULK}) or 0)
    if cases <= there:
        return
    someone = cases_of.PERSON.dump_json(person()).decode().replace("'", "''")
    statements = []
    for statement in FILL:
        statement = statement.replace("{blob}", "blob" if sqlite else "bytea")
        statement = statement.replace("{words}", words if sqlite else f"to_tsvector('simple', {words})")
        statement = statement.replace("{at}", SQLITE_AT if sqlite else POSTGRESQL_AT).replace("{name}", NAME)
        statement = statement.replace("{verdict}", '{"decision": "review"}').replace("{person}", someone)
        table, rest = statement.split(" SELECT ", 1)
        numbers = NUMBERS if sqlite else "WITH n AS (SELECT generate_series(:first, :last) AS i) "
        statements.append(f"{table} {numbers} SELECT {rest}")
    values = {"first": BULK + there + 1, "last": BULK + cases}
    (_fill_sqlite if sqlite else _fill_postgresql)(w, statements, values)


def _fill_sqlite(w: World, statements: list[str], values: dict[str, int]) -> None:
    """With a large cache and without fsync; the measured connections keep the service's own settings."""
    with contextlib.closing(sqlite3.connect(w.root / "mailbot.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        connection.execute("PRAGMA cache_size=-2000000")
        for statement in (*statements, "ANALYZE", "PRAGMA wal_checkpoint(TRUNCATE)"):
            connection.execute(statement, values if ":first" in statement else {})


def _fill_postgresql(w: World, statements: list[str], values: dict[str, int]) -> None:
    with w.store.transaction() as tx:
        for statement in statements:
            tx.execute(text(re.sub(r"(?<![\w:]):(?!(first|last)\b)", r"\\:", statement).replace("\\::", "::")), values)
    with w.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as free:
        free.execute(text("VACUUM (ANALYZE)"))  # which autovacuum would have done over the years


# ------------------------------------------------------------------ what is measured


def mails(w: World, first: int, count: int) -> list[RawMessage]:
    found = []
    for number in range(first, first + count):
        mail = EmailMessage()
        mail["From"], mail["To"] = f"dinas{number}@kantor{number}.example", w.office.email
        mail["Subject"], mail["Message-ID"] = f"Permohonan {number}", f"<tumbuh.{number}@contoh.example>"
        mail.set_content("Terlampir permohonan.")
        mail.add_attachment(
            f"%PDF-1.4 {number}".encode() + os.urandom(60_000),
            maintype="application",
            subtype="pdf",
            filename="surat.pdf",
        )
        path, sha256, size = keep(iter((mail.as_bytes(),)), w.blobs)
        found.append(RawMessage(Location("utama", "inbox", 0, f"b{number}"), str(path), sha256, size, w.now()))
    return found


@dataclass(frozen=True)
class Cost:
    """Milliseconds, medians."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Thing:
    """What every size does, so many times."""

    name: str
    work: Callable[[], object]
    times: int


def costs(worlds: list[World], things: Sequence[Thing]) -> list[Cost]:
    """Of the same thing in each world, in turn."""
    sessions = servers(worlds[0])  # the worlds share them
    found: list[list[tuple[float, float]]] = [[] for _ in worlds]
    for _ in range(things[0].times):
        for thing, times in zip(things, found, strict=True):
            wall, cpu = time.perf_counter(), cpu_seconds(sessions)
            thing.work()
            times.append((time.perf_counter() - wall, cpu_seconds(sessions) - cpu))
    return [Cost(*(statistics.median(column) * 1000 for column in zip(*times, strict=True))) for times in found]


def servers(w: World) -> list[int]:
    """The processes of the sessions that this process has open at PostgreSQL."""
    if w.store.engine.dialect.name == "sqlite":
        return []
    with w.store.reading() as tx:
        return list(tx.scalars(text("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")))


def cpu_seconds(pids: list[int]) -> float:
    """Of this process and of those; a session that was closed meanwhile counts no more."""
    found = time.process_time()
    for pid in pids:
        with contextlib.suppress(FileNotFoundError):
            found += int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9
    return found


PAGES = (
    ("desk", "helpdesk", "/meja"), ("desk, closed cases", "helpdesk", "/meja?tab=selesai"), ("results, archive", "helpdesk", "/hasil?tab=arsip"),
    ("agency", "admin_agency", "/persetujuan"), ("search, one name", "helpdesk", "/cari?q=orang5+contoh534"),
    ("search, a name's beginning", "helpdesk", "/cari?q=orang77+contoh77"),
    ("search, a NIP", "helpdesk", "/cari?q=191000000001000123"), ("search, no such word", "helpdesk", "/cari?q=tidakada"),
    ("search, common word", "helpdesk", "/cari?q=permohonan"), ("search, its beginning", "helpdesk", "/cari?q=permo"),
    ("search, two words", "helpdesk", "/cari?q=dinas+7"), ("a case", "supervisor", "/berkas/{number}"),
    ("figures", "supervisor", "/pengawas"), ("deviations", "supervisor", "/penyimpangan"), ("trail", "supervisor", "/jejak?hal=5"),
    ("trail of a person", "supervisor", "/jejak?oleh=siti"), ("trail of a day", "supervisor", "/jejak?dari=2022-01-05&sampai=2022-01-05"),
    ("register", "supervisor", "/register?hal=5"), ("register, a name", "supervisor", "/register?q=orang5+contoh534"),
    ("register, no such name", "supervisor", "/register?q=orang77+contoh77"), ("register, a first name", "supervisor", "/register?q=contoh7"),
    ("register, an office", "supervisor", "/register?q=dinas+75"), ("register, all offices", "supervisor", "/register?q=dinas"),
    ("register, former: a name", "supervisor", "/register?tab=nonaktif&q=contoh7"), ("register, former: an office", "supervisor", "/register?tab=nonaktif&q=dinas+7"),
    ("health", "sysadmin", "/kesehatan"),
)  # fmt: skip


def things(w: World, clock: Clock, count: int) -> Iterator[Thing]:
    """Each is prepared when it is asked for."""
    raws = iter(mails(w, 0, count + 3))
    for _ in range(3):
        take_in(w, next(raws))
    # without the child that opens the mail, which knows nothing of the database
    yield Thing("a mail taken in", lambda: take_in(w, next(raws)), count)
    yield Thing("a mail handed over", lambda: delivery.send_next(w), count)
    yield Thing("a poll without news", lambda: poll(w), 9)
    ticks.tick(w)

    def minute() -> None:
        clock.pass_(minutes=1)
        ticks.tick(w)

    yield Thing("a minute's tick", minute, 25)
    with w.store.reading() as tx:
        number = tx.scalar(text("SELECT number FROM case_file ORDER BY id DESC LIMIT 1"))
    logged_in: dict[str, Person] = {}
    for name, role, path in PAGES:
        one = logged_in.get(role) or logged_in.setdefault(role, logged_in_as(w, role))
        where = path.format(number=number)
        for _ in range(WARM):
            assert one.get(where).status_code == 200, where
        yield Thing(f"page: {name}", functools.partial(one.get, where), 25)


def poll(w: World) -> None:
    from mailbot.work.sweep import sweep

    mailbox, section = w.mailboxes[0]
    sweep(w, mailbox, section, full=False)


def begun(folder: Path, clock: Clock, url: str) -> World:
    """Every mail is answered; the paper in the receipt costs 85 ms of CPU at any size (scripts/bench form)."""
    for name in ("new", "cur", "tmp"):
        (folder / "inbox" / name).mkdir(parents=True)
    w = world(folder, clock, url, limits=config.LimitsSection(all_hour=100_000, all_minute=100_000),
              replies=config.RepliesSection(form=False))  # fmt: skip
    people(w)
    return w


@contextlib.contextmanager
def databases(engine: str) -> Iterator[Callable[[str], str]]:
    """The URL of a database by its name."""
    if engine == "sqlite":
        yield lambda name: ""
        return
    with postgres(
        (
            "shared_buffers=512MB",
            "max_connections=40",
            "jit=off",
            "synchronous_commit=on",
            "max_wal_size=8GB",
            "work_mem=16MB",
        )
    ) as server:
        yield server.url


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(prog="scripts/bench growth", description=__doc__)
    options.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite")
    options.add_argument("--sizes", default="0,10000,100000,1000000")
    options.add_argument("--mails", type=int, default=30)
    given = options.parse_args(argv)
    sizes = [int(s) for s in given.sizes.split(",")]
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    table: dict[str, list[Cost]] = {}
    with tempfile.TemporaryDirectory(prefix="mailbot-growth-") as folder, databases(given.engine) as url:
        clocks = [Clock(MORNING) for _ in sizes]
        worlds = [begun(Path(folder) / str(s), c, url(f"tumbuh_{s}")) for s, c in zip(sizes, clocks, strict=True)]
        for w, size in zip(worlds, sizes, strict=True):
            start = time.monotonic()
            fill(w, size)
            print(f"{size} cases: filled in {time.monotonic() - start:.0f} s", file=sys.stderr)
        os.sync()  # or the first commits write what the filling left behind
        doing = (things(w, c, given.mails) for w, c in zip(worlds, clocks, strict=True))
        for same in zip(*doing, strict=True):
            table[same[0].name] = costs(worlds, same)
        show(given.engine, sizes, table)
        _figures.keep(f"growth-{given.engine}", [{"what": n, "cases": s, "wall": round(c.wall, 2), "cpu": round(c.cpu, 2)}
                                                for n, found in table.items() for s, c in zip(sizes, found, strict=True)])  # fmt: skip
    return 0


def show(engine: str, sizes: list[int], table: dict[str, list[Cost]]) -> None:
    base = sizes.index(10_000) if 10_000 in sizes else 0
    print(f"\n{engine}: milliseconds (median) by number of cases; ratio = {sizes[-1]:,} : {sizes[base]:,}\n")
    print(f"{'':36}" + "".join(f"{f'{s:,} wall':>16}{'CPU':>8}" for s in sizes) + f"{'ratio wall':>13}{'CPU':>8}")
    for name, found in table.items():
        last, first = found[-1], found[base]
        print(f"{name:36}" + "".join(f"{c.wall:16.2f}{c.cpu:8.2f}" for c in found)
              + f"{last.wall / first.wall:13.2f}{last.cpu / first.cpu:8.2f}", flush=True)  # fmt: skip
    print(f"\nload of this machine while it ran: {os.getloadavg()[0]:.1f}; {dt.date.today()}", flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
