"""config.toml + environment -> Settings. An unknown key is an error that names it; secrets never stand in config.toml."""

from __future__ import annotations

import os
import secrets
import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mailbot.replies.compose import Office


class ConfigError(ValueError):
    """One line per wrong key."""


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OfficeSection(Section):
    name: str = "LPSE Kabupaten Batang"
    address: str = ""
    phone: str = ""
    email: str = "lpse@batangkab.example"
    aliases: tuple[str, ...] = ()
    own_lists: tuple[str, ...] = ()
    number_prefix: str = "LPSE"
    spse_url: str = ""
    letterhead: tuple[str, ...] = ()
    logo: str = ""


class MailboxSection(Section):
    kind: Literal["folder", "imap"] = "folder"
    account: str = "utama"
    path: str = "inbox"
    host: str = ""
    port: int = 993
    tls: Literal["tls", "starttls", "none"] = "tls"
    user: str = ""
    secret_env: str = "MAILBOT_IMAP_SECRET"
    folder: str = "INBOX"
    mark: Literal["keyword", "move", "none"] = "keyword"
    move_to: str = ""
    poll_seconds: int = 60
    authserv_id: str = ""
    ca_file: str = ""
    start: str = Field(default="", pattern=r"^(|none|all|since \d{4}-\d{2}-\d{2})$")
    sent: str = ""
    max_mb: int = 50
    auth: Literal["password", "xoauth2", "oauthbearer"] = "password"
    token_url: str = ""
    client_id: str = ""
    client_secret_env: str = ""
    scope: str = ""


class SmtpSection(Section):
    kind: Literal["folder", "smtp"] = "folder"
    path: str = "sent"
    host: str = ""
    port: int = 587
    tls: Literal["tls", "starttls", "none"] = "starttls"
    user: str = ""
    secret_env: str = "MAILBOT_SMTP_SECRET"
    ca_file: str = ""
    auth: Literal["password", "xoauth2"] = "password"
    own_copy: bool = False
    envelope: Literal["office", "plus", "null"] = "office"


class StorageSection(Section):
    path: str = "data"
    min_free_mb: int = 1024
    pictures_mb: int = 2048


class LimitsSection(Section):
    per_address_hour: int = 3
    per_address_day: int = 8
    per_domain_hour: int = 60
    all_hour: int = 120
    all_minute: int = 20
    unknown_day: int = 1
    bare_day: int = 3


class AlarmSection(Section):
    to: str = ""
    after_minutes: int = 30


class DatabaseSection(Section):
    url_env: str = "MAILBOT_DATABASE_URL"
    office: str = ""


class ReadingSection(Section):
    trust_anchors: tuple[str, ...] = ()


class SopSection(Section):
    file: str = ""


class RepliesSection(Section):
    enabled: bool = True
    templates: str = ""
    forwarded: bool = False
    form: bool = True
    remind_after_days: tuple[int, ...] = (7, 21)


Level = Literal["L0", "L1", "L2", "L3", "L4"]


class VerificationSection(Section):
    pengaktifan: Level = "L0"
    penonaktifan: Level = "L0"
    directory: tuple[str, ...] = ()


class HoursSection(Section):
    opens: str = "08:00"
    closes: str = "16:00"
    zone: str = "Asia/Jakarta"
    closed: tuple[str, ...] = ()


class WebSection(Section):
    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = 8080
    names: tuple[str, ...] = ()
    https: bool = False
    proxy: str = ""
    idle_minutes: int = 30
    session_hours: int = 10
    confirm_minutes: int = 240


class RetentionSection(Section):
    folder: str = ""
    code: str = "000.3"
    place: str = ""
    active_years: int = 2
    inactive_years: int = 3
    fate: Literal["musnah", "dinilai kembali", "permanen"] = "dinilai kembali"


class NoticesSection(Section):
    late: tuple[str, ...] = ()
    digest: tuple[str, ...] = ()
    expiry_days: tuple[int, ...] = (30, 7)
    expiry_holders: bool = False


class MetricsSection(Section):
    host: str = "127.0.0.1"
    port: int = 0


class Settings(Section):
    office: OfficeSection = OfficeSection()
    mailbox: tuple[MailboxSection, ...] = (MailboxSection(),)
    smtp: SmtpSection = SmtpSection()
    storage: StorageSection = StorageSection()
    database: DatabaseSection = DatabaseSection()
    reading: ReadingSection = ReadingSection()
    sop: SopSection = SopSection()
    replies: RepliesSection = RepliesSection()
    verification: VerificationSection = VerificationSection()
    service_hours: HoursSection = HoursSection()
    web: WebSection = WebSection()
    limits: LimitsSection = LimitsSection()
    alarm: AlarmSection = AlarmSection()
    retention: RetentionSection = RetentionSection()
    notices: NoticesSection = NoticesSection()
    metrics: MetricsSection = MetricsSection()


def load(path: Path | None) -> Settings:
    data: dict[str, Any] = tomllib.loads(path.read_text("utf-8")) if path else {}
    try:
        return Settings(**data)
    except ValidationError as error:
        lines = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()]
        raise ConfigError("\n".join(lines)) from error


def secret(name: str) -> str:
    """From the environment variable, or from the 0600 file that <name>_FILE points to."""
    if file := os.environ.get(f"{name}_FILE"):
        if Path(file).stat().st_mode & 0o077:
            raise ConfigError(f"{file}: readable by others; run: chmod 600 {file}")
        return Path(file).read_text("utf-8").strip()
    return os.environ.get(name, "")


def installation_secret(storage: Path) -> str:
    """The key of our Message-IDs and loop marks, made once, kept in a 0600 file beside the data."""
    path = storage / "secret"
    if not path.exists():
        temporary = storage / f".secret-{os.getpid()}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_hex(32))
            handle.flush()
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    return path.read_text().strip()


def office(settings: Settings, secret_key: str) -> Office:
    hours, o = settings.service_hours, settings.office
    spoken = f"Senin-Jumat {hours.opens.replace(':', '.')}-{hours.closes.replace(':', '.')}"
    override = Path(settings.replies.templates) if settings.replies.templates else None
    return Office(o.name, o.address, o.phone, spoken, o.email, secret_key, override)


def database_url(settings: Settings, root: Path) -> str:
    """The shared database where its variable is set; else the file beside the data."""
    url, office = secret(settings.database.url_env), settings.database.office
    if url and office:
        url += f"{'&' if '?' in url else '?'}office={office}"
    return url or f"sqlite:///{root / 'mailbot.db'}"
