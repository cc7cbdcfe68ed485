"""`mailbot case ...`: what people do to a case without the pages. Everything goes through work.desk, work.agency, work.entry and
work.archive as a named person with a role; what is refused is said in words, exit code 1.
"""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mailbot import config, work
from mailbot.model import Actor, Case, CasePerson
from mailbot.paper.sheets import SheetError
from mailbot.replies import compose
from mailbot.sop import case
from mailbot.sop.case import Refused
from mailbot.store import Stale, cases, chain, steps, users
from mailbot.work import World, agency, archive, desk, entry, papers
from mailbot.work.desk import Seen
from mailbot.work.forms import spoken_time

case_app = typer.Typer(help="Berkas permohonan: melihat dan memutuskan.", no_args_is_help=True)
Config = Annotated[
    Path | None, typer.Option("--config", help="config.toml; without it the defaults of config.example.toml")
]
Login = Annotated[str, typer.Option("--as", metavar="LOGIN", help="who acts: a login of `mailbot user list`")]
Number = Annotated[str, typer.Argument(metavar="NUMBER", help="e.g. LPSE-2026-000123")]
Reason = Annotated[str, typer.Option(help="words that are kept with the event")]
PersonNo = Annotated[int, typer.Option("--person", help="number of the person as `case show` lists it")]


@contextmanager
def told() -> Iterator[None]:
    """What a person may not do or came too late for is said and ends with 1."""
    try:
        yield
    except (Refused, Stale, SheetError) as error:
        print(error, file=sys.stderr)
        raise typer.Exit(1) from error


def opened(config_file: Path | None) -> World:
    return work.open_world(config.load(config_file), lambda: dt.datetime.now(dt.UTC))


def actor_of(world: World, login: str) -> Actor:
    with world.store.reading() as tx:
        user = users.by_login(tx, login.lower())
    if user is None or not user.active:
        print(f"{login}: tidak ada pengguna aktif dengan nama ini; lihat: mailbot user list", file=sys.stderr)
        raise typer.Exit(2)
    return Actor(user.login, user.role)


def found(world: World, number: str) -> Case:
    with world.store.reading() as tx:
        one = cases.with_number(tx, number.strip())
    if one is None:
        print(f"{number}: tidak ada berkas dengan nomor ini", file=sys.stderr)
        raise typer.Exit(2)
    return one


def seen(world: World, number: str) -> Seen:
    one = found(world, number)
    return Seen(one.id, one.version)


def person_no(world: World, seen_case: Seen, number: int) -> CasePerson:
    with world.store.reading() as tx:
        people = cases.persons(tx, seen_case.case_id)
    one = next((p for p in people if p.seq == number), None)
    if one is None:
        print(f"orang nomor {number} tidak ada dalam berkas ini", file=sys.stderr)
        raise typer.Exit(2)
    return one


def _say(after: Case) -> None:
    print(f"{after.number}: {case.STATES[after.state]}")


# ------------------------------------------------------------------ looking


@case_app.command("list")
def list_cases(state: Annotated[str, typer.Option(help=" | ".join(case.STATES))] = "", everything: Annotated[bool, typer.Option("--all", help="closed ones too")] = False,
               config_file: Config = None) -> None:  # fmt: skip
    """Open cases with the limit of their running step."""
    world = opened(config_file)
    table = Table("Nomor", "Keadaan", "Putaran", "Batas", "Perihal")
    with world.store.reading() as tx:
        for one in cases.everything(tx):
            if (state and one.state != state) or not (state or everything or one.state in case.OPEN):
                continue
            row = cases.row(tx, one.id)
            table.add_row(
                one.number,
                case.STATES[one.state],
                str(one.round),
                spoken_time(world, row.due_at if row else None),
                one.subject[:60],
            )
    Console(width=None if sys.stdout.isatty() else 160).print(table)


@case_app.command("show")
def show(number: Number, config_file: Config = None) -> None:
    """One case: persons, defects, steps, events, and what may be done next."""
    world = opened(config_file)
    one = found(world, number)
    print(f"{one.number}  {case.STATES[one.state]}  putaran {one.round}  {one.subject}")
    with world.store.reading() as tx:
        _, verdict = desk.latest(tx, one.id)
        for p in cases.persons(tx, one.id):
            done = f"  -> {p.result} {p.user_id}" if p.result else ""
            print(
                f"  {p.seq}. {p.person.tindakan or '?'} {p.person.peran or '?'}: {p.person.nama.value or '?'} NIP {p.person.nip.value or '?'}{done}"
            )
        for group in compose.defects(verdict, world.sop):
            print("\n".join([f"  {group['judul']}", *(f"   - {line}" for line in group["baris"])]))
        for s in steps.of_case(tx, one.id):
            late = "  TERLAMBAT" if s.late else ""
            print(
                f"  langkah {s.id} {s.name}: mulai {spoken_time(world, s.started_at)}, batas {spoken_time(world, s.due_at)}{late}"
            )
        for e in chain.events(tx, one.id):
            print(f"  {spoken_time(world, e.at)}  {e.actor}: {e.action}  {e.reason}")
    for role, label in case.ROLES.items():
        if may := case.allowed(one.state, role):
            print(f"  {label}: {', '.join(may)}")


@case_app.command("print")
def print_papers(number: Number, into: Annotated[Path, typer.Option(help="folder for the PDFs")] = Path("."),
                 config_file: Config = None) -> None:  # fmt: skip
    """Writes the form and the print bundle; originals with an electronic signature come beside it."""
    world = opened(config_file)
    one = found(world, number)
    folder = into / one.number
    folder.mkdir(parents=True, exist_ok=True)
    with world.store.reading() as tx:
        (folder / "formulir.pdf").write_bytes(papers.form_pdf(world, tx, one.id))
    printed = papers.bundle_of(world, one.id)
    (folder / "bundel.pdf").write_bytes(printed.pdf)
    for name, path in printed.originals:
        (folder / name).write_bytes(path.read_bytes())
    print(f"{folder}: formulir.pdf, bundel.pdf" + "".join(f", {name}" for name, _ in printed.originals))


# ------------------------------------------------------------------ deciding


@case_app.command("forward")
def forward(number: Number, login: Login, reason: Reason = "", config_file: Config = None) -> None:
    """Lengkap: to Admin Agency."""
    world = opened(config_file)
    with told():
        _say(desk.forward(world, seen(world, number), actor_of(world, login), reason))


@case_app.command("return")
def send_back(number: Number, login: Login, reason: Reason = "", draft: Annotated[bool, typer.Option("--draft", help="only show the mail")] = False,
              body: Annotated[Path | None, typer.Option(help="file with the edited text of the mail")] = None, config_file: Config = None) -> None:  # fmt: skip
    """Kembalikan: the requester gets everything that is missing."""
    world = opened(config_file)
    if draft:
        mail = desk.draft_return(world, found(world, number).id)
        print(f"Kepada: {mail.to}\nPerihal: {mail.subject}\n\n{mail.body}")
        return
    with told():
        text = body.read_text("utf-8") if body else ""
        _say(desk.send_back(world, seen(world, number), actor_of(world, login), text, reason))


@case_app.command("refuse")
def refuse(number: Number, login: Login, reason: Reason, config_file: Config = None) -> None:
    """Tolak, with a reason that the requester reads."""
    world = opened(config_file)
    with told():
        _say(desk.refuse(world, seen(world, number), actor_of(world, login), reason))


@case_app.command("correct")
def correct(number: Number, login: Login, person: PersonNo, field: Annotated[str, typer.Option(help="nama, nip, email, peran, tindakan, ...")],
            value: Annotated[str, typer.Option()], config_file: Config = None) -> None:  # fmt: skip
    """Perbaiki data of one person."""
    world = opened(config_file)
    with told():
        at = seen(world, number)
        _say(desk.correct(world, at, actor_of(world, login), person_no(world, at, person).id, field, value))


@case_app.command("act")
def act(number: Number, action: Annotated[str, typer.Argument(help="tinjau, tarik, buka_kembali, kirim_balik, catatan, di_luar_sop, ...")],
        login: Login, reason: Reason = "", config_file: Config = None) -> None:  # fmt: skip
    """Any action that needs nothing but a reason."""
    world = opened(config_file)
    with told():
        _say(desk.simply(world, seen(world, number), action, actor_of(world, login), reason))


@case_app.command("callback")
def call_back(number: Number, login: Login, phone: Annotated[str, typer.Option(help="of LPSE's own directory, not of the letter")],
              note: Annotated[str, typer.Option()], person: PersonNo = 0, config_file: Config = None) -> None:  # fmt: skip
    """Catat panggilan balik: verification level L4; without --person for the sender."""
    world = opened(config_file)
    with told():
        at = seen(world, number)
        _say(
            desk.call_back(
                world, at, actor_of(world, login), person_no(world, at, person).id if person else None, phone, note
            )
        )


@case_app.command("result")
def result(number: Number, login: Login, person: PersonNo, outcome: Annotated[str, typer.Option("--result", help=" | ".join(agency.RESULTS))],
           user_id: Annotated[str, typer.Option(help="of SPSE; never a password")] = "", note: Annotated[str, typer.Option()] = "",
           config_file: Config = None) -> None:  # fmt: skip
    """Catat hasil of Admin Agency for one person."""
    world = opened(config_file)
    with told():
        at = seen(world, number)
        one = person_no(world, at, person)
        _say(agency.record_result(world, at, actor_of(world, login), one.id, agency.Result(outcome, user_id, note)))


@case_app.command("notify")
def notify(number: Number, login: Login, config_file: Config = None) -> None:
    """Beritahukan: each person's notice, a copy without user ID to the sender."""
    world = opened(config_file)
    with told():
        _say(agency.notify(world, seen(world, number), actor_of(world, login)))


@case_app.command("handover")
def hand_over(number: Number, login: Login, person: PersonNo, how: Annotated[str, typer.Option(help=" | ".join(agency.HANDED))],
              config_file: Config = None) -> None:  # fmt: skip
    """Catat penyerahan: how the access was handed over."""
    world = opened(config_file)
    with told():
        at = seen(world, number)
        _say(agency.hand_over(world, at, actor_of(world, login), person_no(world, at, person).id, how))


@case_app.command("printed")
def printed(number: Number, login: Login, config_file: Config = None) -> None:
    """Sudah dicetak."""
    world = opened(config_file)
    with told():
        _say(desk.printed(world, seen(world, number), actor_of(world, login)))


@case_app.command("archive")
def put_away(number: Number, login: Login, config_file: Config = None) -> None:
    """Arsipkan: makes the sealed package and closes the case."""
    world = opened(config_file)
    with told():
        _say(archive.archive(world, seen(world, number), actor_of(world, login)))


@case_app.command("explain")
def explain(number: Number, login: Login, step: Annotated[int, typer.Option(help="number of the step as `case show` lists it")], reason: Reason = "",
            accept: Annotated[bool, typer.Option("--accept", help="a supervisor accepts the reason")] = False, config_file: Config = None) -> None:  # fmt: skip
    """The reason of a late step, or its acceptance."""
    world = opened(config_file)
    with told():
        at, actor = seen(world, number), actor_of(world, login)
        _say(desk.accept(world, at, actor, step) if accept else desk.explain(world, at, actor, step, reason))


@case_app.command("enter")
def enter(login: Login, files: Annotated[list[Path], typer.Argument(help="scans: PDF, JPG, PNG")], name: Annotated[str, typer.Option(help="who handed it in")],
          subject: Annotated[str, typer.Option()], channel: Annotated[str, typer.Option(help=" | ".join(entry.CHANNELS))] = "langsung",
          email: Annotated[str, typer.Option(help="empty: nobody is written to")] = "", ticket: Annotated[str, typer.Option(help="number of the TTS ticket")] = "",
          note: Annotated[str, typer.Option()] = "", config_file: Config = None) -> None:  # fmt: skip
    """A hardcopy or TTS case with its scans (R-08); `mailbot run` reads them like a mail."""
    world = opened(config_file)
    actor = actor_of(world, login)
    with told():
        if actor.role != "helpdesk":
            raise Refused(f"Entri berkas tidak termasuk wewenang {case.ROLES[actor.role]}.")
        data = tuple((f.name, f.read_bytes()) for f in files)
        _say(entry.enter(world, actor, entry.Entry(channel, name, subject, data, email, ticket, note)))
