"""The commands. Exit codes: 0 done, 1 something needs attention, 2 wrong use or configuration, 3 another instance owns the data."""

from __future__ import annotations

import datetime as dt
import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import structlog
import typer
from rich.console import Console
from rich.table import Table

from mailbot import __version__, casecli, check, check_html, config, diagnosis, jobs, mailcli, officecli, work
from mailbot.grown import commands as grown
from mailbot.grown import metrics
from mailbot.parsers import child, opening, sandbox
from mailbot.schedule import AlreadyRunning, service, sole_owner
from mailbot.sop import SopError, load
from mailbot.web import commands, serve

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Membaca, menjawab, dan memeriksa permohonan hak akses SPSE."
)
sop_app = typer.Typer(help="The SOP file.")
app.add_typer(sop_app, name="sop")
app.add_typer(commands.user_app, name="user")
app.command("web")(commands.web)
app.add_typer(grown.db_app, name="db")
app.command("worker")(grown.worker)
app.command("scheduler")(grown.scheduler_command)
app.add_typer(casecli.case_app, name="case")
app.add_typer(officecli.register_app, name="register")
app.add_typer(officecli.year_app, name="year-end")
app.add_typer(officecli.archive_app, name="archive")
app.add_typer(mailcli.outbox_app, name="outbox")
app.command("quarantine")(mailcli.quarantine)
app.command("rehearse")(mailcli.rehearse)
err = Console(stderr=True)
Config = Annotated[
    Path | None, typer.Option("--config", help="config.toml; without it the defaults of config.example.toml")
]


def main() -> None:
    os.environ["OMP_THREAD_LIMIT"] = "1"
    sandbox.libc().mallopt(-8, 1)  # M_ARENA_MAX: a heap for each thread keeps 4 MB that nobody uses
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    opening.warm()
    try:
        app()
    except (config.ConfigError, SopError) as error:
        err.print(f"[red]configuration:[/] {error}")
        sys.exit(2)
    except AlreadyRunning as error:
        err.print(f"[red]{error}[/]")
        sys.exit(3)


@app.command()
def run(config_file: Config = None) -> None:
    """The whole service and its pages in one process, until SIGTERM or Ctrl-C."""
    settings = config.load(config_file)
    if config.secret(settings.database.url_env):
        return grown.everything(config_file)
    with sole_owner(Path(settings.storage.path)):
        world = work.open_world(settings, lambda: dt.datetime.now(dt.UTC))
        with metrics.served({"public": world}), service(world) as stop, serve.where_possible(world):
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: stop.set())
            work.stay()
            stop.wait()


@app.command()
def demo(
    folder: Annotated[Path, typer.Option(help="everything of the demo lies here")] = Path("demo-data"),
    clean: Annotated[bool, typer.Option("--clean", help="remove the demo folder")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="leave the service running")] = False,
    picture: Annotated[Path | None, typer.Option(help="also write the table as an SVG picture")] = None,
    seed: Annotated[int, typer.Option(help="another seed makes other people and letters")] = 19,
) -> None:
    """Generates a mailbox of synthetic scans, runs the service over it and shows what happened to each mail."""
    from mailbot.demo import run as demo_run  # scans are painted with libraries that the service never needs

    _log_trouble_only()
    existed = demo_run.clean(folder)
    if clean:
        print(f"{folder} removed" if existed else f"{folder} holds no demo; nothing removed")
        return
    rows = demo_run.run(folder, lambda line: err.print(f"[dim]{line}[/]"), seed)
    _show(rows, picture)
    print(f"\nmails sent: {folder}/sent   database: {folder}/data/mailbot.db   originals: {folder}/data/blobs")
    if keep:
        demo_run.keep_running(folder, print)
    wrong = [r["mail"] for r in rows if r["verdict"] != r["expected"]]
    if wrong:
        err.print(f"[red]not as meant:[/] {', '.join(wrong)}")
        raise typer.Exit(1)


def _show(rows: list[dict[str, str]], picture: Path | None) -> None:
    table = Table("Email", "Hasil", "Alasan", "Balasan", "Detik")
    for row in rows:
        table.add_row(row["mail"], row["verdict"], row["why"], row["replies"], row["seconds"])
    console = Console(width=None if sys.stdout.isatty() else 140, record=picture is not None)
    console.print(table)
    if picture:
        console.save_svg(str(picture), title="mailbot demo")


@app.command("check")
def check_command(
    paths: Annotated[
        list[Path] | None, typer.Argument(help=".eml, mbox, Maildir, folder of .eml, or a bare document")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object per message")] = False,
    config_file: Config = None,
    now: Annotated[str | None, typer.Option(help="ISO time to judge at; default: the current time")] = None,
    schema: Annotated[bool, typer.Option("--schema", help="print the JSON Schema of --json and end")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", help="write pages with the found places drawn on the scans")
    ] = None,
) -> None:
    """Shows what would happen to these mails. Read-only: nothing is sent, nothing is changed."""
    _log_trouble_only()
    if schema:
        print(json.dumps(check.schema(), indent=1))
        return
    if not paths or (missing := [p for p in paths if not p.exists()]):
        err.print(
            f"[red]no such file:[/] {', '.join(map(str, missing))}" if paths else "[red]name at least one PATH[/]"
        )
        raise typer.Exit(2)
    at = dt.datetime.fromisoformat(now) if now else dt.datetime.now(dt.UTC)
    at = at if at.tzinfo else at.replace(tzinfo=dt.UTC)
    pages = []
    with _progress() as tell:
        for number, found in enumerate(check.check(paths, config.load(config_file) if config_file else None, at), 1):
            tell(f"{number} email diperiksa: {found.record['path']}")
            print(json.dumps(found.record, ensure_ascii=False) if as_json else _sheet(found.record), flush=True)
            if html:
                pages.append((check_html.write(html, found.record, found.attachments, number), found.record))
    if html:
        check_html.index(html, pages)
        err.print(f"pages: {html}/index.html")


def _log_trouble_only() -> None:
    """Where people watch the output, only what went wrong is logged."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """A moving line on a terminal; nothing where the output is read by a program."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    with err.status("membaca ...") as status:
        yield status.update


def _sheet(record: dict[str, Any]) -> str:
    """A readable sheet of one message."""
    lines = [
        f"{record['path']}: {record['verdict']}  (case {record['case']}, replies: {', '.join(record['reply']['kinds']) or '-'})"
    ]
    lines += [f"  {d['file']} hal. {d['pages']}: {d['kind']}" for d in record["documents"]]
    for person in record["persons"]:
        lines.append(
            f"  {person['tindakan']} {person['peran']}: {person['nama']['value']} NIP {person['nip']['value']}"
        )
    lines += [f"  - [{f['class']}] {f['code']} {f['about'] or f['file'] or ''}" for f in record["findings"]]
    return "\n".join(lines)


@app.command()
def retry(
    config_file: Config = None,
    confirm: Annotated[
        str,
        typer.Option(
            metavar="ACCOUNT", help="also lets a mailbox go on that waits because its server numbered the mails anew"
        ),
    ] = "",
) -> None:
    """Makes everything due again that was set aside after repeated failures; works beside a running service."""
    world = work.open_world(config.load(config_file), lambda: dt.datetime.now(dt.UTC))
    print(f"{jobs.retry(world.store, world.now())} jobs, {mailcli.release(world, confirm)}")


@app.command()
def doctor(config_file: Config = None) -> None:
    """What is installed, what is missing, and how to get it."""
    rows = list(_diagnosis(config.load(config_file)))
    for good, what, advice in rows:
        print(f"{'ok ' if good else 'NO '} {what}" + ("" if good else f"  -> {advice}"))
    raise typer.Exit(0 if all(good for good, _, _ in rows) else 1)


def _diagnosis(settings: config.Settings) -> list[tuple[bool, str, str]]:
    data = Path("/usr/share/tesseract-ocr/5/tessdata/eng.traineddata")
    report = child.sandbox_report()
    return [
        (True, f"mailbot {__version__}", ""),
        (
            data.exists() or bool(os.environ.get("TESSDATA_PREFIX")),
            "tesseract language 'eng'",
            "apt-get install tesseract-ocr",
        ),
        (find_spec("tesserocr") is not None, "tesserocr (model stays loaded)", "pip install tesserocr"),
        (
            find_spec("rapidocr_onnxruntime") is not None,
            "independent second reading",
            "pip install --no-deps rapidocr-onnxruntime",
        ),
        diagnosis.disk_row(settings),
        *[(True, f"sandbox {name}: {state}", "") for name, state in report.items()],
        diagnosis.child_row(),
        *diagnosis.mail_rows(settings),
    ]


@sop_app.command("check")
def sop_check(
    file: Annotated[Path | None, typer.Argument()] = None,
    guide: Annotated[
        bool, typer.Option("--guide", help="print the requester's guide that follows from the file")
    ] = False,
    letter: Annotated[bool, typer.Option("--letter", help="print the blank letter that follows from the file")] = False,
    pdf: Annotated[Path | None, typer.Option(help="write the guide and the letter as PDF into this folder")] = None,
    config_file: Config = None,
) -> None:
    """Checks a SOP file; errors name every wrong key."""
    for line in officecli.sop_papers(load(file), config.load(config_file), guide, letter, pdf):
        print(line)


if __name__ == "__main__":
    main()
