"""Commands of the office around the cases: papers of the SOP file, register, year end, archive."""

from __future__ import annotations

import datetime as dt
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.table import Table

from mailbot import casecli, config
from mailbot.casecli import Config, Login, actor_of, opened, told
from mailbot.paper import guide, sheets
from mailbot.paper.sheets import Sheet, SheetError
from mailbot.sop import Sop
from mailbot.sop.case import Refused
from mailbot.store import iso
from mailbot.work import World, archive, exports, register, yearend
from mailbot.work.forms import letterhead

register_app = typer.Typer(help="Register hak akses dan daftar-daftar.", no_args_is_help=True)
year_app = typer.Typer(help="Penonaktifan akun PPK pada akhir tahun (langkah 5).", no_args_is_help=True)
archive_app = typer.Typer(help="Arsip berkas (langkah 9).", no_args_is_help=True)


def sop_papers(
    sop: Sop, settings: config.Settings, with_guide: bool, with_letter: bool, folder: Path | None
) -> Iterator[str]:
    """What `sop check` prints; PDFs are written into `folder`."""
    office = config.office(settings, "")
    reach = guide.Reach(office.name, office.email, office.hours, office.address, office.phone)
    if with_guide:
        yield guide.guide_text(sop, reach, office.templates)
    if with_letter:
        yield guide.letter_text(sop, reach, office.templates)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        made = {"panduan-pemohon.pdf": guide.guide_pdf(sop, reach, letterhead(settings.office), office.templates),
                "surat-permohonan.pdf": guide.letter_pdf(sop, reach, office.templates)}  # fmt: skip
        for name, data in made.items():
            (folder / name).write_bytes(data)
            yield f"{folder / name}"
    if not (with_guide or with_letter):
        yield f"{sop.name}: {len(sop.codes)} reason codes, {len(sop.fields)} fields, {len(sop.roles)} roles: in order"


# ------------------------------------------------------------------ register and lists


@register_app.command("import")
def import_list(path: Annotated[Path, typer.Argument(help=".csv or .xlsx with a heading line")], login: Login = "",
                apply: Annotated[bool, typer.Option("--apply", help="store it; without this nothing is stored")] = False, config_file: Config = None) -> None:  # fmt: skip
    """Takes over an existing list; first shows what it would do, and every wrong line."""
    world = opened(config_file)
    with told():
        found = register.read_list(world, path)
        print(
            f"{len(found.rights)} baris benar: {found.new} baru, {found.changed} berubah; {len(found.errors)} baris salah"
        )
        print("\n".join(found.errors), end="\n" if found.errors else "")
        if apply and not found.errors:
            print(f"{register.take_over(world, actor_of(world, login), found)} disimpan")
        if found.errors:
            raise typer.Exit(1)


LISTS = {
    "register": "Register hak akses",
    "ending": "rights that end soon",
    "deviations": "daftar penyimpangan mutu baku",
    "standard5": "register helpdesk",
}


@register_app.command("export")
def export(what: Annotated[str, typer.Argument(help=" | ".join(LISTS))], path: Annotated[Path, typer.Argument(help=".csv or .xlsx")],
           since: Annotated[str, typer.Option("--from", help="ISO day")] = "", until: Annotated[str, typer.Option("--to", help="ISO day, not included")] = "",
           days: Annotated[int, typer.Option(help="of `ending`")] = 30, config_file: Config = None) -> None:  # fmt: skip
    """Writes a list; its contents are personal data."""
    world = opened(config_file)
    span = _moment(world, since) if since else "", _moment(world, until) if until else "9999"
    made: dict[str, Callable[[], Sheet]] = {
        "register": lambda: register.everybody(world), "ending": lambda: register.ending(world, days),
        "deviations": lambda: exports.deviations(world, *span), "standard5": lambda: exports.standard_5(world, *span),
    }  # fmt: skip
    with told():
        if what not in made:
            raise SheetError(f"'{what}' tidak dikenal; pilih: {', '.join(made)}")
        sheet = made[what]()
        sheets.save(sheet, path)
        print(f"{path}: {len(sheet.rows)} baris")


def _moment(world: World, text: str) -> str:
    """A day or time as people write it, in the time of the office, as the database compares it."""
    try:
        at = dt.datetime.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' bukan waktu; contoh: 2026-12-30 atau 2026-12-30T08:00") from error
    return iso(at if at.tzinfo else at.replace(tzinfo=ZoneInfo(world.hours.zone)))


# ------------------------------------------------------------------ year end

Year = Annotated[int, typer.Argument(metavar="YEAR")]


@year_app.command("list")
def year_list(year: Year, login: Login, planned: Annotated[str, typer.Option(help="ISO day on which the accounts are to be deactivated")],
              config_file: Config = None) -> None:  # fmt: skip
    """Lists the active PPK accounts; called again it adds those that came since."""
    world = opened(config_file)
    with told():
        _show(yearend.gather(world, actor_of(world, login), year, _day(planned)))


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"'{text}' bukan tanggal; contoh: 2026-12-30") from error


@year_app.command("status")
def year_status(year: Year, config_file: Config = None) -> None:
    """Every account with its decision, and what speaks for an exception."""
    world = opened(config_file)
    with told():
        _show(yearend.status(world, year))


def _show(found: yearend.Campaign) -> None:
    table = Table("No", "User ID", "Nama", "Satker", "Diberitahu", "Keputusan", "Dilaksanakan", "Petunjuk")
    for a in found.accounts:
        table.add_row(
            str(a.id),
            a.user_id,
            a.nama,
            a.instansi,
            (a.notified_at or "")[:10],
            a.decision,
            (a.executed_at or "")[:10],
            "; ".join(a.hints),
        )
    Console(width=None if sys.stdout.isatty() else 180).print(table)
    counts = ", ".join(f"{name} {count}" for name, count in found.count().items())
    print(f"{yearend.STATES[found.state]}; rencana {found.planned_on.isoformat()}; {counts}")


@year_app.command("notify")
def year_notify(
    year: Year,
    login: Login,
    answer: Annotated[str, typer.Option(help="ISO day until which PPKs may answer")],
    config_file: Config = None,
) -> None:
    """Tells every PPK who was not told yet."""
    world = opened(config_file)
    with told():
        print(f"{yearend.notify(world, actor_of(world, login), year, _day(answer))} pemberitahuan disiapkan")


@year_app.command("decide")
def year_decide(year: Year, account: Annotated[int, typer.Argument(help="number of the account as `status` lists it")],
                decision: Annotated[str, typer.Argument(help=" | ".join(yearend.DECISIONS))], login: Login,
                reason: Annotated[str, typer.Option(help="basis of an exception")] = "", config_file: Config = None) -> None:  # fmt: skip
    """The decision on one account."""
    world = opened(config_file)
    with told():
        yearend.decide(world, actor_of(world, login), year, account, decision, reason)


@year_app.command("execute")
def year_execute(
    year: Year, account: Annotated[int, typer.Argument()], login: Login, config_file: Config = None
) -> None:
    """Records that Admin Agency deactivated the account in SPSE."""
    world = opened(config_file)
    with told():
        yearend.execute(world, actor_of(world, login), year, account)


@year_app.command("finish")
def year_finish(year: Year, login: Login, config_file: Config = None) -> None:
    """Closes the campaign and packs its record."""
    world = opened(config_file)
    with told():
        print(yearend.finish(world, actor_of(world, login), year))


# ------------------------------------------------------------------ archive


@archive_app.command("make")
def archive_make(
    number: Annotated[str, typer.Argument(metavar="NUMBER")], login: Login, config_file: Config = None
) -> None:
    """Makes the sealed package of a case and closes it; the same as `mailbot case archive`."""
    casecli.put_away(number, login, config_file)


@archive_app.command("verify")
def archive_verify(config_file: Config = None) -> None:
    """Every package byte by byte and every chain event by event; exit code 1 where something is not in order."""
    world = opened(config_file)
    faults = list(archive.verify(world))
    print("\n".join(faults) if faults else f"{len(archive.packages(world))} paket dan semua rantai kejadian utuh")
    raise typer.Exit(1 if faults else 0)


@archive_app.command("list")
def archive_list(
    due: Annotated[bool, typer.Option("--due", help="only packages whose retention time is over")] = False,
    config_file: Config = None,
) -> None:
    """Packages with what their retention time proposes; nothing is ever deleted."""
    world = opened(config_file)
    table = Table("Paket", "Kode", "Aktif s.d.", "Simpan s.d.", "Usul")
    for p in archive.proposals(world):
        if not due or p.phase.startswith("usul"):
            table.add_row(p.number, p.code, p.active_until.isoformat(), p.kept_until.isoformat(), p.phase)
    Console(width=None if sys.stdout.isatty() else 140).print(table)


@archive_app.command("export")
def archive_export(into: Annotated[Path, typer.Argument(help="folder for the lists or packages")],
                   breach: Annotated[tuple[str, str] | None, typer.Option("--breach", metavar="FROM TO", help="ISO times: persons and files touched in between")] = None,
                   number: Annotated[str, typer.Option(help="copy the package of this case")] = "", config_file: Config = None) -> None:  # fmt: skip
    """Lists for the notice after a breach (3 x 24 hours), or a copy of one package."""
    world = opened(config_file)
    into.mkdir(parents=True, exist_ok=True)
    if breach:
        people, touched = exports.breach(world, *(_moment(world, text) for text in breach))
        (into / "pelanggaran.xlsx").write_bytes(sheets.to_xlsx(people, touched))
        print(f"{into / 'pelanggaran.xlsx'}: {len(people.rows)} orang, {len(touched.rows)} berkas")
    for package in archive.packages(world):
        if package.number == number:
            shutil.copytree(package.folder, into / package.number)
            print(into / package.number)
