"""`mailbot outbox | quarantine | rehearse`: what people do about mail without the pages. They work beside a running service."""

from __future__ import annotations

import datetime as dt
import itertools
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mailbot import check, config, work
from mailbot.mailbox import MailboxError, Pending
from mailbot.store import mailboxes, mails, outbox
from mailbot.work import World

outbox_app = typer.Typer(help="Outgoing mail: what has not arrived, again now, or never.", no_args_is_help=True)
Config = Annotated[
    Path | None, typer.Option("--config", help="config.toml; without it the defaults of config.example.toml")
]
OLD = dt.timedelta(hours=72)
err = Console(stderr=True)


def _world(config_file: Path | None) -> World:
    return work.open_world(config.load(config_file), lambda: dt.datetime.now(dt.UTC))


def _table(*columns: str) -> Table:
    return Table(*columns, box=None, pad_edge=False)


def _show(table: Table) -> None:
    Console(width=None if sys.stdout.isatty() else 200).print(table)


@outbox_app.command("list")
def list_outbox(config_file: Config = None) -> None:
    """Mail that was not handed over; exit code 1 where a person must act."""
    world = _world(config_file)
    with world.store.reading() as tx:
        rows = outbox.undelivered(tx)
    table = _table("No.", "State", "Kind", "To", "Tries", "Next try", "Answer")
    for r in rows:
        due = r.due_at[:16] if r.state in ("deferred", "ambiguous") else "-"
        table.add_row(str(r.id), r.state, r.kind, r.recipient, str(r.attempts), due, r.bounced or r.answer[:80])
    _show(table)
    raise typer.Exit(1 if any(r.state == "failed" for r in rows) else 0)


@outbox_app.command("retry")
def retry_outbox(numbers: Annotated[list[int] | None, typer.Argument(help="numbers of `outbox list`; none: all but ambiguous and bounced ones")] = None,
                 config_file: Config = None) -> None:  # fmt: skip
    """Hands these over now, the identical bytes."""
    world = _world(config_file)
    with world.store.transaction() as tx:
        count = outbox.retry_now(tx, world.now(), tuple(numbers or ()))
    print(f"{count} mails are due now")


@outbox_app.command("cancel")
def cancel_outbox(
    numbers: Annotated[list[int], typer.Argument(help="numbers of `outbox list`")], config_file: Config = None
) -> None:
    """These never leave."""
    with _world(config_file).store.transaction() as tx:
        count = outbox.cancel(tx, tuple(numbers))
    print(f"{count} mails cancelled")
    raise typer.Exit(0 if count == len(numbers) else 1)


@outbox_app.command("works-again")
def works_again(address: str, config_file: Config = None) -> None:
    """An address that bounced before may be written to again."""
    with _world(config_file).store.transaction() as tx:
        known = outbox.forget_undeliverable(tx, address.lower())
    print(f"{address}: {'answered again from now on' if known else 'was not marked as undeliverable'}")


def quarantine(config_file: Config = None) -> None:
    """Mails that could not be taken in after all tries; `mailbot retry` fetches them again."""
    world = _world(config_file)
    with world.store.reading() as tx:
        rows = mails.quarantined(tx)
    table = _table("Mailbox", "Folder", "UID", "Tries", "Bytes kept at", "Why")
    for r in rows:
        table.add_row(r.account, r.folder, r.uid, str(r.attempts), r.path or "-", r.error[:100])
    _show(table)
    raise typer.Exit(1 if rows else 0)


def release(world: World, confirm: str) -> str:
    """What `mailbot retry` frees of the mail: quarantined mails, stopped logins, and a mailbox that waits for a confirmation."""
    with world.store.transaction() as tx:
        released, logins = mails.release_quarantine(tx), mailboxes.forgive_logins(tx)
        confirmed = mailboxes.confirm(tx, confirm) if confirm else 0
    return f"{released} mails, {logins} logins and {confirmed} mailboxes are due again"


def rehearse(
    config_file: Config = None,
    last: Annotated[int, typer.Option(help="how many mails, the newest of each mailbox")] = 20,
) -> None:
    """Shows what the machine would do with the real mailboxes. Opened read-only: nothing is sent, marked or stored."""
    settings = config.load(config_file)
    trouble = False
    for section in settings.mailbox:
        try:
            for line in _rehearsed(settings, section, last):
                print(line, flush=True)
        except (MailboxError, OSError) as error:
            err.print(f"[red]{section.account}:[/] {error}")
            trouble = True
    raise typer.Exit(1 if trouble else 0)


def _rehearsed(settings: config.Settings, section: config.MailboxSection, last: int) -> Iterator[str]:
    mailbox = work.open_mailbox(section, read_only=True)
    now = dt.datetime.now(dt.UTC)
    try:
        listed = list(mailbox.discover(lambda _: set()))
        yield f"{section.account}: {len(listed)} mails, {sum(now - p.received_at > OLD for p in listed)} of them older than 72 hours (never answered by the machine)"
        with tempfile.TemporaryDirectory(prefix="mailbot-rehearse-") as name:
            chosen = {
                Path(mailbox.fetch(p, Path(name) / "blobs").path): p
                for p in itertools.islice(listed, max(0, len(listed) - last), None)
            }
            folder = Path(name) / "mails"
            folder.mkdir()
            for path, pending in chosen.items():
                (folder / f"{pending.location.uid}.eml").write_bytes(path.read_bytes())
            held = {f"{p.location.uid}.eml": _why_held(p, section, now) for p in chosen.values()}
            for found in check.check([folder], settings, now):
                yield _line(found.record, held.get(found.record["path"], ""))
    finally:
        mailbox.close()


def _why_held(pending: Pending, section: config.MailboxSection, now: dt.datetime) -> str:
    word, _, date = section.start.partition(" ")
    before = word == "none" or (
        word == "since" and pending.received_at < dt.datetime.fromisoformat(date).replace(tzinfo=dt.UTC)
    )
    return (
        "not imported: before the start line"
        if before
        else "no answer: older than 72 hours"
        if now - pending.received_at > OLD
        else ""
    )


def _line(record: dict[str, object], held: str) -> str:
    reply = record["reply"]
    assert isinstance(reply, dict)
    kinds = ", ".join(reply["kinds"]) or f"none ({' '.join(reply['rules']) or '-'})"
    return f"  {record['path']}: {record['verdict']}; answers: {held or kinds}"
