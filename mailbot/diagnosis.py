"""The mail part of `mailbot doctor`: tries everything that the service will need, and says in words what to change."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator
from pathlib import Path

from mailbot import config, work
from mailbot.mailbox import FolderMissing, LoginRefused, Mailbox, MailboxError, NetworkTrouble, StartMissing, Throttled
from mailbot.mailbox.imap import Imap
from mailbot.parsers import child
from mailbot.parsers.sandbox import SandboxUnavailable
from mailbot.replies import smtp
from mailbot.store import mails
from mailbot.work import alarm, sweep

Row = tuple[bool, str, str]  # in order?, what, what to change
WEEK, AHEAD = dt.timedelta(days=7), dt.timedelta(minutes=15)
SKEW = dt.timedelta(minutes=5)


def mail_rows(settings: config.Settings) -> Iterator[Row]:
    for section in settings.mailbox:
        yield from _mailbox(section)
    yield _smtp(settings)
    if (Path(settings.storage.path) / "mailbot.db").exists() or config.secret(settings.database.url_env):
        yield from _state(settings)


def disk_row(settings: config.Settings) -> Row:
    """Of the file system that holds the data, or will hold it."""
    path = Path(settings.storage.path).resolve()
    free = shutil.disk_usage(next(p for p in (path, *path.parents) if p.exists())).free >> 20
    least = settings.storage.min_free_mb
    return free >= least, f"disk: {free} MB free at {path}", f"make room: intake waits below {least} MB"


def child_row(limits: child.Limits = child.Limits(seconds=20, small=True)) -> Row:
    """Really opens something, with all that is taken away: what a unit or a container forbids shows here only."""
    try:
        child.run(abs, -1, result=int, limits=limits)
    except (child.ChildFailed, SandboxUnavailable) as error:
        return False, f"limited child: {error}", "allow what deploy/systemd/mailbot.service allows"
    return True, "limited child: works", ""


def _mailbox(section: config.MailboxSection) -> Iterator[Row]:
    mailbox = work.open_mailbox(section, read_only=True)
    name = f"mailbox {section.account}"
    try:
        _, count = mailbox.status()
        yield True, f"{name}: opened, {count} mails", ""
        if isinstance(mailbox, Imap):
            yield from _abilities(section, mailbox)
            yield _clock(name, mailbox)
    except (MailboxError, OSError) as error:
        yield False, f"{name}: {str(error)[:200]}", advice(error, section)
    finally:
        mailbox.close()


def advice(error: Exception, section: config.MailboxSection) -> str:
    if isinstance(error, LoginRefused):
        return f"check user and {section.secret_env}; Google and Microsoft want an app password or auth = xoauth2"
    if isinstance(error, FolderMissing):
        return "set folder (or path) to one that exists; it is never created"
    if isinstance(error, Throttled):
        return "the server asks for patience; close other programs on this account and try again later"
    if isinstance(error, NetworkTrouble) and "CERTIFICATE" in str(error):
        return "set ca_file to the authority of your office, or use the host name that the certificate names"
    if isinstance(error, NetworkTrouble):
        return f"nothing answers at {section.host}:{section.port}; check host, port, tls and the firewall"
    return "see docs/mail.md"


def _abilities(section: config.MailboxSection, mailbox: Imap) -> Iterator[Row]:
    names, keywords = mailbox.abilities()
    idle = "new mail rings at once" if "IDLE" in names else f"no IDLE: mail is seen every {section.poll_seconds} s"
    yield True, f"mailbox {section.account}: {idle}", ""
    if section.mark == "keyword":
        yield keywords, "marks: keyword $MailbotDone", 'the folder keeps no keywords: set mark = "move" or "none"'
    if section.mark == "move":
        able = "MOVE" in names or "UIDPLUS" in names
        yield (
            able,
            f"marks: move to {section.move_to}",
            'the server has neither MOVE nor UIDPLUS: set mark = "keyword" or "none"',
        )
    sent = mailbox.has_copy("<none@mailbot.invalid>") is not None
    yield (
        True,
        "Sent folder: "
        + (
            "readable, an unclear hand-over is looked for there" if sent else "none; consider sent = or own_copy = true"
        ),
        "",
    )


def _clock(name: str, mailbox: Imap) -> Row:
    newest, now = mailbox.newest(), dt.datetime.now(dt.UTC)
    ahead = newest is not None and newest - now > SKEW
    return (
        not ahead,
        f"{name}: the clock agrees with the newest mail",
        f"a mail is dated {newest} and it is {now:%Y-%m-%d %H:%M} here: set the clock (NTP)",
    )


def _smtp(settings: config.Settings) -> Row:
    s = settings.smtp
    if s.kind == "folder":
        return True, f"outgoing mail: files in {s.path}", ""
    found = smtp.probe(work.smtp_settings(settings))
    words = {
        "login": f"check user and {s.secret_env}",
        "starttls": "check tls and ca_file",
        "connect": "check host, port and the firewall",
    }
    return (
        found.state == "sent",
        f"SMTP {s.host}:{s.port}: {found.stage} {found.answer[:120]}",
        words.get(found.stage, "see docs/mail.md"),
    )


def _state(settings: config.Settings) -> Iterator[Row]:
    """What the database knows: alarms, and whether every mail on the server is accounted for."""
    world = work.open_world(settings, lambda: dt.datetime.now(dt.UTC))
    for trouble in alarm.troubles(world):
        yield False, trouble.name, trouble.words
    yield _ahead(world)
    for _, section in world.mailboxes:
        mailbox = work.open_mailbox(section, read_only=True)
        try:
            yield _gap(world, mailbox, section)
        except StartMissing as error:
            yield False, f"mailbox {section.account}: not begun", str(error)
        except (MailboxError, OSError) as error:
            yield False, f"mailbox {section.account}: not compared", str(error)[:200]
        finally:
            mailbox.close()


def _ahead(world: work.World) -> Row:
    """The bell rings within seconds, so of a week's mails one at least must have come at once; else our clock is ahead."""
    with world.store.reading() as tx:
        delay = mails.shortest_delay(tx, world.now() - WEEK)
    late = delay is not None and delay > AHEAD.total_seconds()
    return (
        not late,
        "clock: mails are taken in soon after they come",
        f"every mail of this week came {(delay or 0) / 60:.0f} minutes or more before it was taken in: is the clock of this machine ahead (NTP), "
        "or was the service stopped?",
    )


def _gap(world: work.World, mailbox: Mailbox, section: config.MailboxSection) -> Row:
    missing = sweep.gap(world, mailbox, section)
    uids = ", ".join(p.location.uid for p in missing[:10])
    return (
        not missing,
        f"mailbox {section.account}: {len(missing)} mails not taken in yet",
        f"UID {uids}: is the service running? See: mailbot quarantine",
    )
