"""The commands `mailbot web` and `mailbot user`."""

from __future__ import annotations

import datetime as dt
import getpass
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from mailbot import config, work
from mailbot.schedule import sole_owner
from mailbot.sop.case import ROLES
from mailbot.store import chain, users
from mailbot.web import login, passwords, serve
from mailbot.work import World

user_app = typer.Typer(help="People who log in to the pages.", no_args_is_help=True)
Config = Annotated[
    Path | None, typer.Option("--config", help="config.toml; without it the defaults of config.example.toml")
]
PASSWORD = "MAILBOT_USER_PASSWORD"


def web(config_file: Config = None) -> None:
    """Serves the pages only; on SQLite this process owns the data, on PostgreSQL any number may run."""
    settings = config.load(config_file)
    shared = bool(config.secret(settings.database.url_env))
    owner: AbstractContextManager[None] = nullcontext() if shared else sole_owner(Path(settings.storage.path))
    with owner:
        print(f"http://{settings.web.host}:{settings.web.port}/", flush=True)
        serve.serve(_world(config_file))


@user_app.command("add")
def add(login_name: Annotated[str, typer.Argument(metavar="LOGIN")], name: Annotated[str, typer.Option(help="full name")],
        role: Annotated[str, typer.Option(help=" | ".join(login.HOME))], config_file: Config = None) -> None:  # fmt: skip
    """Adds a person; the password is asked for, or taken from MAILBOT_USER_PASSWORD (or its _FILE)."""
    wrong = login.add_user(_world(config_file), login_name, name, role, _password(), "mesin")
    if wrong:
        _stop(wrong)
    print(f"{login_name.lower()}: {ROLES[role]}")


@user_app.command("list")
def everybody(config_file: Config = None) -> None:
    with _world(config_file).store.reading() as tx:
        table = Table("Login", "Nama", "Peran", "Keadaan")
        for user in users.everybody(tx):
            table.add_row(user.login, user.name, ROLES[user.role], "aktif" if user.active else "nonaktif")
    Console().print(table)


@user_app.command("disable")
def disable(login_name: Annotated[str, typer.Argument(metavar="LOGIN")], config_file: Config = None) -> None:
    """The person cannot log in any more; all sessions end."""
    world = _world(config_file)
    with world.store.transaction() as tx:
        user = users.by_login(tx, login_name.lower()) or _stop(f"{login_name}: no such login")
        users.set_active(tx, user.id, False, world.now())
        chain.append(
            tx, chain.OFFICE, world.now(), "mesin", "pengguna", data={"pengguna": user.login, "tindakan": "nonaktifkan"}
        )
    print(f"{user.login}: nonaktif")


@user_app.command("password")
def password(login_name: Annotated[str, typer.Argument(metavar="LOGIN")], config_file: Config = None) -> None:
    """Sets a new password, lifts a lock and ends all sessions."""
    world = _world(config_file)
    with world.store.transaction() as tx:
        user = users.by_login(tx, login_name.lower()) or _stop(f"{login_name}: no such login")
        try:
            users.set_password(tx, user.id, passwords.hashed(_password(), user.login), world.now())
        except passwords.Weak as weak:
            _stop(str(weak))
        chain.append(tx, chain.OFFICE, world.now(), "mesin", "kata_sandi", data={"pengguna": user.login})
    print(f"{user.login}: kata sandi diganti")


def _world(config_file: Path | None) -> World:
    return work.open_world(config.load(config_file), lambda: dt.datetime.now(dt.UTC))


def _password() -> str:
    return config.secret(PASSWORD) or getpass.getpass("Kata sandi: ")


def _stop(message: str) -> users.User:
    print(message, file=sys.stderr)
    raise typer.Exit(2)
