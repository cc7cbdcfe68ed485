"""The commands `mailbot worker`, `mailbot scheduler` and `mailbot db ...`."""

from __future__ import annotations

import datetime as dt
import signal
import sys
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from mailbot import config, work
from mailbot.grown import keeping, metrics, scheduler, workers
from mailbot.grown import move as moving
from mailbot.grown.offices import files, open_offices
from mailbot.schedule import sole_owner
from mailbot.store import Store, schema
from mailbot.store.engine import open_engine
from mailbot.web import serve
from mailbot.work import World, stay

db_app = typer.Typer(help="The database: versions, move, backup, checks.", no_args_is_help=True)
Config = Annotated[Path | None, typer.Option("--config", help="config.toml, or a folder with one *.toml per office")]
LANES = ("mail", "ocr")


def worker(
    config_file: Config = None,
    lane: Annotated[list[str] | None, typer.Option(help="mail | ocr; without it both")] = None,
) -> None:
    """Works off jobs from PostgreSQL until SIGTERM; any number may run, on any number of hosts."""
    names = tuple(lane or LANES)
    if unknown := set(names) - set(LANES):
        _stop(f"no such lane: {', '.join(sorted(unknown))}")
    offices = open_offices(config_file)
    stay()
    workers.serve(offices, names, _until_told())


def scheduler_command(config_file: Config = None) -> None:
    """Watches the mailboxes and the clock, on PostgreSQL; any number may run, one watches and the others wait. Serves /metrics."""
    offices = open_offices(config_file)
    with metrics.served(offices):
        stay()
        scheduler.serve(offices, _until_told())


def everything(config_file: Path | None) -> None:
    """`mailbot run` on PostgreSQL: worker, scheduler and pages in one process."""
    offices, stop = open_offices(config_file), _until_told()
    first = next(iter(offices.values()))
    pages = serve.where_possible(first) if len(offices) == 1 else nullcontext()
    carried = threading.Thread(target=workers.serve, args=(offices, LANES, stop), name="workers")
    with metrics.served(offices), pages:
        stay()
        carried.start()
        scheduler.serve(offices, stop)
        carried.join()


def _until_told() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


# ------------------------------------------------------------------ db


@db_app.command()
def upgrade(config_file: Config = None) -> None:
    """Brings the schema to the program's version; one transaction per office."""
    for file in files(config_file):
        settings, url = _database(file)
        store = Store(url)
        print(f"{settings.office.name}: {schema.current(store.engine)}")


@db_app.command()
def downgrade(revision: Annotated[str, typer.Argument(help="as `mailbot db version` of the older program prints it")], config_file: Config = None) -> None:  # fmt: skip
    """Back to an older version before an older program is started. Stop the service and make a backup first."""
    settings, url = _database(config_file)
    with sole_owner(Path(settings.storage.path)):
        engine = open_engine(url)
        schema.downgrade(engine, revision)
        print(schema.current(engine))


@db_app.command()
def version(config_file: Config = None) -> None:
    """The version of the schema that is there, and the one that this program wants."""
    _, url = _database(config_file)
    print(f"{schema.current(open_engine(url))} {schema.head()}")


@db_app.command()
def move(source: str, target: str) -> None:
    """Copies SQLITE_URL to an empty POSTGRES_URL and compares every row. Stop the service first; may be called again."""
    try:
        for moved in moving.move(Store(source), Store(target)):
            print(f"{moved.table:16} {moved.rows:8} rows equal  {moved.digest[:16]}")
    except moving.Refused as refused:
        _stop(str(refused), 1)


@db_app.command()
def backup(into: Path, config_file: Config = None) -> None:
    """A consistent copy while the service runs: database, originals and the installation's key."""
    try:
        size = keeping.backup(_world(config_file), into)
    except keeping.NotKept as error:
        _stop(str(error), 1)
    print(f"{into}: {size >> 20} MB")


@db_app.command()
def restore(source: Path, config_file: Config = None) -> None:
    """A backup into an empty data folder and an empty database."""
    settings, url = _database(config_file)
    root = Path(settings.storage.path).resolve()
    try:
        with sole_owner(root):
            keeping.restore(source, root, url)
    except keeping.NotKept as error:
        _stop(str(error), 1)
    print("restored; next: mailbot db check --deep, then start the service")


@db_app.command()
def check(
    config_file: Config = None, deep: Annotated[bool, typer.Option(help="read every original too")] = False
) -> None:
    """Integrity of the database, the chains of events and the originals."""
    found = list(keeping.troubles(_world(config_file), deep))
    print("\n".join(found) or "in order")
    raise typer.Exit(1 if found else 0)


def _database(file: Path | None) -> tuple[config.Settings, str]:
    settings = config.load(file)
    Path(settings.storage.path).mkdir(parents=True, exist_ok=True)
    return settings, config.database_url(settings, Path(settings.storage.path).resolve())


def _world(file: Path | None) -> World:
    return work.open_world(config.load(file), lambda: dt.datetime.now(dt.UTC))


def _stop(words: str, code: int = 2) -> None:
    print(words, file=sys.stderr)
    raise typer.Exit(code)
