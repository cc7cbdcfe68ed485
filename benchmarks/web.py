"""How fast the pages answer with many cases: `scripts/bench web --cases 100000`; on PostgreSQL too where MAILBOT_DATABASE_URL is set.

Real HTTP over 127.0.0.1, one request at a time, a different case, word or page each time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import functools
import hashlib
import io
import os
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from rich.console import Console
from rich.table import Table
from sqlalchemy import Connection, insert, text

from mailbot import config, work
from mailbot.model import Attachment, Document, Evidence, Finding, Found, Letter, Mark, Person, Verdict
from mailbot.parsers import opening, scans
from mailbot.store import cases, iso, mails, register_words, search
from mailbot.store import tables as t
from mailbot.web import login, serve
from mailbot.work import World, blob_path, pictures

PASSWORD, LIMITS = "Tolok-Ukur-2026", {"gambar": 300.0}
READ, WARM = 40, 3  # pages that are read by OCR beforehand; requests that do not count
FIRST = (
    "Agus",
    "Budi",
    "Citra",
    "Dewi",
    "Eko",
    "Fitri",
    "Gunawan",
    "Hadi",
    "Indah",
    "Joko",
    "Kartika",
    "Lestari",
    "Maya",
    "Nur",
    "Oktavia",
    "Putri",
)
LAST = (
    "Santoso",
    "Wibowo",
    "Hartono",
    "Saputra",
    "Utami",
    "Nugroho",
    "Mulyono",
    "Setiawan",
    "Purnomo",
    "Rahayu",
    "Susanto",
    "Kurniawan",
)
OFFICES = tuple(
    f"Dinas {n} Kabupaten Batang" for n in ("Kesehatan", "Pendidikan", "Perhubungan", "Pertanian", "Sosial", "Kominfo")
)
STATES = (("perlu_tinjauan", 400), ("diteruskan", 300), ("dikembalikan", 1500), ("hasil_diterima", 100), ("diberitahukan", 200),
          ("bukan_permohonan", 3000), ("ditolak", 500))  # fmt: skip
PROSE = [
    "sehubungan",
    "dengan",
    "pelaksanaan",
    "pengadaan",
    "barang",
    "jasa",
    "tahun",
    "anggaran",
    "bersama",
    "ini",
    "kami",
    "mengajukan",
    "permohonan",
    "pengaktifan",
    "akun",
    "selaku",
    "pejabat",
    "pembuat",
    "komitmen",
    "demikian",
    "disampaikan",
    "atas",
    "perhatian",
    "diucapkan",
    "terima",
    "kasih",
    "kepala",
    "dinas",
    "menimbang",
    "mengingat",
    "memutuskan",
    "menetapkan",
]


Timed = dict[str, list[tuple[float, float]]]  # question -> (wall, CPU) in ms


@dataclass(frozen=True)
class Made:
    """What the queries are asked for."""

    numbers: list[str]
    open: list[str]
    names: list[str]
    nips: list[str]
    letters: list[str]


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="scripts/bench web")
    parser.add_argument("--cases", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=150, help="requests of each kind")
    parser.add_argument("--without-sqlite", action="store_true")
    options = parser.parse_args(argv)
    opening.warm()
    columns: dict[str, Timed] = {}
    shared = os.environ.pop("MAILBOT_DATABASE_URL", "")
    for name, url in (("SQLite", ""), ("PostgreSQL", shared)):
        if url or (name == "SQLite" and not options.without_sqlite):
            with tempfile.TemporaryDirectory(prefix="bench-web-") as folder:
                columns[name] = _measure(Path(folder), url, options.cases, options.rounds)
    _print(columns, options.cases)
    slow = [k for c in columns.values() for k, v in c.items() if _p95(v) >= LIMITS.get(k.split()[0], 150.0)]
    return 1 if slow else 0


def _measure(folder: Path, url: str, number: int, rounds: int) -> Timed:
    if url:
        os.environ["MAILBOT_DATABASE_URL"] = url
    settings = config.Settings(storage=config.StorageSection(path=str(folder / "data")), web=config.WebSection(port=0),
                               mailbox=(config.MailboxSection(path=str(folder / "inbox")),), smtp=config.SmtpSection(path=str(folder / "sent")))  # fmt: skip
    world = work.open_world(settings, lambda: dt.datetime.now(dt.UTC), "kunci")
    for name, role in (("siti", "helpdesk"), ("budi", "admin_agency"), ("ratna", "supervisor")):
        login.add_user(world, name, name, role, PASSWORD, "mesin")
    began = time.monotonic()
    made = _fill(world, number)
    print(f"{number} cases in {time.monotonic() - began:.0f} s ({'PostgreSQL' if url else 'SQLite'})", flush=True)
    with serve.beside(world) as address:
        return {k: _timed(f, min(rounds, few or rounds)) for k, (f, few) in _questions(address, made, world).items()}


# ------------------------------------------------------------------ the cases


def _fill(world: World, number: int) -> Made:
    rng, scan = random.Random(7), _scan()
    made = Made([], [], [], [], [])
    states = [s for s, n in STATES for _ in range(max(60, n * number // 100_000))]
    states += ["diarsipkan"] * (number - len(states))
    rng.shuffle(states)
    for start in range(0, number, 2000):
        with world.store.transaction() as tx:
            _batch(world, tx, [(i, states[i]) for i in range(start, min(number, start + 2000))], rng, made, scan)
    with world.store.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as free:
        free.execute(text("ANALYZE"))
    return made


def _batch(
    world: World, tx: Connection, wanted: list[tuple[int, str]], rng: random.Random, made: Made, scan: bytes
) -> None:
    rows: dict[str, list[dict[str, object]]] = {
        n: [] for n in ("case_file", "case_person", "message", "attachment", "step", "event", "access_right")
    }
    words = {}
    for i, state in wanted:
        case_id = i + 1
        person, file = _person(rng, i), hashlib.sha256(f"{i}".encode()).hexdigest()
        if state in ("perlu_tinjauan", "diteruskan"):
            file = _keep(world, scan + b"%% %d" % i)
            made.open.append(f"LPSE-2026-{case_id:06d}")
        _remember(made, case_id, person, i)
        found = _evidence(rng, person, file, i)
        days = 3 if state in ("perlu_tinjauan", "diteruskan", "hasil_diterima", "diberitahukan") else 700
        at = world.now() - dt.timedelta(minutes=rng.randint(0, days * 1440))
        _rows(rows, case_id, state, person, found, file, at, i)
        words[case_id] = " ".join([f"LPSE-2026-{case_id:06d}", person.nama.value or "", person.nip.value or "", f"027/{i}/2026",
                                   "dinas@contoh.example", OFFICES[i % 6], *(p[2] for p in found.texts)])  # fmt: skip
    for name, values in rows.items():
        if values:
            tx.execute(insert(t.metadata.tables[name]), values)
    for right in rows["access_right"]:
        more = tuple(str(right[name]) for name in ("user_id", "instansi", "nip"))
        register_words.put(tx, int(str(right["id"])), str(right["status"]), str(right["nama"]), more)
    for case_id, said in words.items():
        search.put(tx, case_id, said)


def _person(rng: random.Random, i: int) -> Person:
    nip = f"19{60 + i % 40:02d}{1 + i % 12:02d}{1 + i % 28:02d}2010{1 + i % 12:02d}{1 + i % 2}{i % 1000:03d}"
    name = f"{rng.choice(FIRST)} {rng.choice(LAST)} {i}"
    values = (
        name,
        nip,
        "III/d",
        "Kepala Bidang",
        OFFICES[i % 6],
        "Jalan Contoh 1",
        "+6281234567890",
        f"orang{i}@contoh.example",
    )
    fields = [
        Found(v, v, 0.97, "surat.pdf", 1, (0.3, 0.3 + n * 0.02, 0.6, 0.32 + n * 0.02), v, True)
        for n, v in enumerate(values)
    ]
    return Person(*fields, peran="ppk", tindakan="pengaktifan")


def _remember(made: Made, case_id: int, person: Person, i: int) -> None:
    made.numbers.append(f"LPSE-2026-{case_id:06d}")
    made.names.append(person.nama.value or "")
    made.nips.append(person.nip.value or "")
    made.letters.append(f"027/{i}/2026")


def _evidence(rng: random.Random, person: Person, file: str, i: int) -> Evidence:
    seen = Mark("seen", 0.95, 1, (0.1, 0.05, 0.9, 0.2))
    facts = Letter(
        Found(f"027/{i}/2026", file="surat.pdf", page=1, box=(0.1, 0.2, 0.4, 0.22)),
        Found("2026-01-05"),
        instansi=Found(OFFICES[i % 6]),
    )
    letter = Document(
        "surat.pdf",
        file,
        (1,),
        "surat_permohonan",
        "ocr",
        facts,
        (person,),
        seen,
        seen,
        Mark("not_found"),
        None,
        0.9,
        True,
    )
    decree = Document(
        "surat.pdf",
        file,
        (1,),
        "surat_keputusan",
        "ocr",
        Letter(Found("188/1"), tahun_anggaran=2026),
        (person,),
        quality=0.9,
    )
    texts = tuple(("surat.pdf", n, " ".join(rng.choices(PROSE, k=150))) for n in (1, 2))
    return Evidence((letter, decree), (person,), facts, "Terlampir.", "Permohonan", (), texts)


def _rows(
    rows: dict[str, list[dict[str, object]]],
    case_id: int,
    state: str,
    person: Person,
    found: Evidence,
    file: str,
    at: dt.datetime,
    i: int,
) -> None:
    running = state in ("perlu_tinjauan", "diteruskan", "hasil_diterima", "diberitahukan")
    verdict = Verdict("review", (Finding("SURAT-STEMPEL", "unsure", file="surat.pdf"),))
    rows["case_file"].append({
        "id": case_id, "number": f"LPSE-2026-{case_id:06d}", "state": state, "round": 1, "version": 6, "requester": "dinas@contoh.example",
        "requester_name": OFFICES[i % 6], "subject": "Permohonan Pengaktifan Akun PPK", "created_at": iso(at), "changed_at": iso(at),
        "letter_number": f"027/{i}/2026", "instansi": OFFICES[i % 6], "persons": person.nama.value, "reason": "SURAT-STEMPEL" if running else "",
        "step": "T3" if running else "", "due_at": iso(at + dt.timedelta(minutes=10)) if running else None})  # fmt: skip
    rows["case_person"].append(
        {
            "case_id": case_id,
            "seq": 1,
            "nip": person.nip.value,
            "name_key": "x",
            "person": cases.PERSON.dump_json(person).decode(),
        }
    )
    rows["message"].append({
        "id": case_id, "content": f"{i:064d}", "semantic": f"{i}", "sender": "dinas@contoh.example", "subject": "Permohonan", "files": "[]", "received_at": iso(at),
        "state": "judged", "policy": "reply", "rules": "", "case_id": case_id, "round": 1, "evidence": mails.EVIDENCE.dump_json(found).decode(),
        "verdict": mails.VERDICT.dump_json(verdict).decode()})  # fmt: skip
    if i % 5 == 0:
        rows["access_right"].append({
            "id": case_id, "user_id": f"PENGGUNA.{i}", "nama": person.nama.value, "nip": str(198_507_042_010_000_000 + i), "peran": "ppk", "instansi": OFFICES[i % 6], "email": person.email.value,
            "telepon": "+6281234567890", "status": "nonaktif" if i % 3 == 0 else "aktif", "valid_until": "2026-12-31"})  # fmt: skip
    rows["attachment"].append(
        {"message_id": case_id, "seq": 1, "name": "surat.pdf", "type": "pdf", "sha256": file, "size": 300_000}
    )
    for n, (action, actor) in enumerate(
        (
            ("terima", "mesin"),
            ("tinjau", "mesin"),
            ("lengkap", "siti"),
            ("catat_hasil", "budi"),
            ("beritahukan", "siti"),
            ("arsipkan", "siti"),
        ),
        1,
    ):
        rows["event"].append({"chain": case_id, "seq": n, "case_id": case_id, "at": iso(at + dt.timedelta(minutes=n)), "actor": actor, "action": action,
                              "old": "", "new": "", "reason": "", "data": "{}"})  # fmt: skip
    for name, minutes in (("T3", 5), ("T6", 12 if i % 20 == 0 else 7), ("T8", 3), ("T9", 8)):
        rows["step"].append({"case_id": case_id, "name": name, "round": 1, "started_at": iso(at), "due_at": iso(at + dt.timedelta(minutes=10)),
                             "ended_at": iso(at + dt.timedelta(minutes=minutes)), "ended_by": "siti", "late": int(minutes > 10), "minutes": minutes})  # fmt: skip


def _scan() -> bytes:
    """A scanned page at 200 dpi: grey noise and lines of text."""
    noise = np.random.default_rng(5).normal(247, 4, (2339, 1654)).clip(0, 255).astype(np.uint8)
    image, rng = Image.fromarray(noise), random.Random(5)
    drawing, font = ImageDraw.Draw(image), ImageFont.load_default(size=28)
    for line in range(48):
        drawing.text((190, 180 + line * 42), " ".join(rng.choices(PROSE, k=9)), fill=25, font=font)
    out = io.BytesIO()
    image.convert("RGB").save(out, "PDF", resolution=200)
    return out.getvalue()


def _keep(world: World, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    path = blob_path(world.blobs, digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return digest


# ------------------------------------------------------------------ the questions


Asked = tuple[Callable[[], None], int]  # and how often at most, 0: as often as was wished


def _questions(address: str, made: Made, world: World) -> dict[str, Asked]:
    rng = random.Random(3)
    desk, agency, boss = (_entered(address, name) for name in ("siti", "budi", "ratna"))
    read, unread = _read_pictures(made, world), _unread_pictures(made, world)

    def get(path: Callable[[], str], client: httpx.Client = desk) -> Callable[[], None]:
        def ask() -> None:
            answer = client.get(path())
            assert answer.status_code in (200, 303), (answer.status_code, answer.url)
            answer.read()

        return ask

    often = {
        "antrean": get(lambda: "/meja"),
        "antrean, saringan": get(lambda: "/meja?tab=tinjau&sebab=SURAT-STEMPEL&lewat=1"),
        "antrean, menunggu pemohon": get(lambda: f"/meja?tab=pemohon&hal={rng.randint(1, 20)}"),
        "antrean, ditutup": get(lambda: f"/meja?tab=selesai&hal={rng.randint(1, 20)}"),
        "hasil, arsip": get(lambda: f"/hasil?tab=arsip&hal={rng.randint(1, 50)}"),
        "cari nomor": get(lambda: f"/cari?q={rng.choice(made.numbers)}"),
        "cari nama": get(lambda: f"/cari?q={rng.choice(made.names)}"),
        "cari nama umum": get(lambda: f"/cari?q={rng.choice(FIRST)} {rng.choice(LAST)}"),
        "cari NIP": get(lambda: f"/cari?q={rng.choice(made.nips)}"),
        "cari nomor surat": get(lambda: f"/cari?q={rng.choice(made.letters)}"),
        "cari pengirim": get(lambda: "/cari?q=dinas@contoh.example"),
        "cari kata umum": get(lambda: f"/cari?q={' '.join(rng.sample(PROSE, 2))}"),
        "cari awal kata": get(lambda: f"/cari?q={rng.choice(PROSE)[:4]}"),
        "berkas": get(lambda: f"/berkas/{rng.choice(made.numbers)}"),
        "berkas terbuka": get(lambda: f"/berkas/{rng.choice(made.open)}"),
        "kabar berkas terbuka": get(lambda: f"/berkas/{rng.choice(made.open)}/kabar?versi=1"),
        "antrean Admin Agency": get(lambda: "/persetujuan", agency),
        "register": get(lambda: f"/register?hal={rng.randint(1, 50)}", boss),
        "cari dalam register": get(lambda: f"/register?q={rng.choice(FIRST)} {rng.choice(LAST)} {rng.randint(1, 99)}", boss),
        "ringkasan": get(lambda: "/pengawas", boss),
        "jejak": get(lambda: f"/jejak?hal={rng.randint(1, 50)}", boss),
        "penyimpangan": get(lambda: "/penyimpangan", boss),
    }  # fmt: skip
    once = {
        "gambar pertama kali": (get(lambda: next(read)), READ),
        "gambar dibuat ulang": (get(lambda: next(unread)), 0),
    }
    return {k: (f, 0) for k, f in often.items()} | once


def _read_pictures(made: Made, world: World) -> Iterator[str]:
    """Pages that the reading went through and that nobody asked for yet."""
    attachments = [_attachment(world, number) for number in made.open[: READ + WARM]]
    files = [
        Attachment("surat.pdf", "pdf", a.sha256, a.size, str(blob_path(world.blobs, a.sha256))) for a in attachments
    ]
    scans.read_files(files, keep=functools.partial(pictures.keep, world))
    return iter([_address(n, a.id) for n, a in zip(made.open, attachments, strict=False)])


def _unread_pictures(made: Made, world: World) -> Iterator[str]:
    """Pages whose pictures were tidied away."""
    return (_address(number, _attachment(world, number).id) for number in reversed(made.open))


def _attachment(world: World, number: str) -> Any:
    with world.store.reading() as tx:
        found = cases.with_number(tx, number)
        assert found
        return mails.attachments(tx, found.id)[0]


def _address(number: str, attachment: int) -> str:
    return f"/berkas/{number}/lampiran/{attachment}/1/besar"


def _entered(address: str, name: str) -> httpx.Client:
    client = httpx.Client(base_url=address, timeout=60)
    answer = client.post("/masuk", data={"login": name, "password": PASSWORD}, headers={"origin": address.rstrip("/")})
    assert answer.status_code == 303, answer.status_code
    return client


def _timed(ask: Callable[[], None], rounds: int) -> list[tuple[float, float]]:
    """Milliseconds of each request, on the clock and on the CPU (server and client), after a few to warm up."""
    found = []
    for n in range(rounds + WARM):
        began, used = time.perf_counter(), time.process_time()
        ask()
        if n >= WARM:
            found.append(((time.perf_counter() - began) * 1000, (time.process_time() - used) * 1000))
    return found


def _p95(found: list[tuple[float, float]], column: int = 0) -> float:
    return sorted(f[column] for f in found)[int(len(found) * 0.95)]


def _print(columns: dict[str, Timed], number: int) -> None:
    """The CPU column tells what a machine without other work would need."""
    table = Table("ms", *(f"{n} {w}" for n in columns for w in ("median", "p95", "CPU p95")), "limit", "share of limit")
    for what in next(iter(columns.values())):
        limit = LIMITS.get(what.split()[0], 150.0)
        worst = max(_p95(c[what]) for c in columns.values())
        cells = [
            f"{v:.0f}"
            for c in columns.values()
            for v in (median(f[0] for f in c[what]), _p95(c[what]), _p95(c[what], 1))
        ]
        table.add_row(what, *cells, f"{limit:.0f}", f"{worst / limit:.2f}" + (" !" if worst >= limit else ""))
    load = os.getloadavg()[0]
    Console(width=130).print(f"{number} cases; load average {load:.1f} on {os.cpu_count()} cores", table)
