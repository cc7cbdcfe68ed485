"""Templates to answers. Autoescape is on, templates come from disk only, data is never a template (T16, T25)."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.responses import HTMLResponse

from mailbot.sop.case import ACTIONS, ROLES, STATES
from mailbot.web import words
from mailbot.web.visit import HOME, Visit

NAVIGATION = (
    ("/meja", "Meja layanan", "helpdesk"), ("/hasil", "Hasil dan arsip", "helpdesk"), ("/entri", "Entri berkas", "helpdesk"),
    ("/persetujuan", "Persetujuan", "admin_agency"), ("/pengawas", "Ringkasan", "supervisor"),
    ("/akhir-tahun", "Akhir tahun", "supervisor admin_agency"), ("/penyimpangan", "Penyimpangan", "supervisor helpdesk admin_agency"), ("/cari", "Cari", "helpdesk admin_agency supervisor"),
    ("/register", "Register", "helpdesk admin_agency supervisor"),
    ("/kesehatan", "Kesehatan", "supervisor sysadmin"), ("/jejak", "Jejak", "supervisor sysadmin"),
    ("/pengguna", "Pengguna", "supervisor sysadmin"),
)  # fmt: skip


@cache
def environment(override: Path | None) -> Environment:
    """Templates of the office's own folder win over the shipped ones."""
    folders = [str(override / "web")] if override else []
    loader = FileSystemLoader([*folders, str(files("mailbot") / "templates" / "web")])
    made = Environment(
        loader=loader,
        autoescape=select_autoescape(default=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"words": words, "STATES": STATES, "ROLES": ROLES, "ACTIONS": ACTIONS, "address": address}
    made.filters |= {
        "nip": words.nip,
        "masked_nip": words.masked_nip,
        "masked_email": words.masked_email,
        "day": words.day,
        "reasons": words.reasons,
    }
    return made


def address(path: str, **parameters: object) -> str:
    kept = {k: v for k, v in parameters.items() if v not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


def show(visit: Visit, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page for a person who is logged in."""
    role = visit.user.role
    frame = {
        "visit": visit, "user": visit.user, "csrf": visit.session.csrf, "home": HOME[role], "world": visit.world,
        "navigation": [(path, label) for path, label, roles in NAVIGATION if role in roles.split()],
        "here": visit.request.url.path, "office": visit.world.office.name, "said": said(visit.asked("pesan")),
        "when": lambda at: words.when(visit.world, at), "clock": lambda r: words.clock_of(visit.world, r.step, r.due_at, visit.world.now()),
    }  # fmt: skip
    return plain(visit.world.settings.replies.templates, template, status, **frame, **values)


def plain(override: str, template: str, status: int = 200, **values: Any) -> HTMLResponse:
    found = environment(Path(override) if override else None).get_template(template)
    return HTMLResponse(found.render(values), status)


def said(code: str) -> str:
    """What was just done, as `action:number` in the address; anything else is not shown."""
    action, _, number = code.partition(":")
    if action not in ACTIONS or len(number) > 40 or not number.replace("-", "").isalnum():
        return ""
    return f"{ACTIONS[action].label}: {number} tersimpan."
