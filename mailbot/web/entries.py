"""Entry by hand of what came over the counter or by TTS (R-08, A-11)."""

from __future__ import annotations

from email_validator import EmailNotValidError, validate_email
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from mailbot.sop.case import Refused
from mailbot.web.show import show
from mailbot.web.visit import Visit
from mailbot.work import entry
from mailbot.work.entry import Entry

MAX_FILE = 25 << 20  # bytes, as for mail


def form(visit: Visit, said: str = "", status: int = 200) -> Response:
    typed = {name: visit.text(name) for name in ("channel", "name", "subject", "email", "ticket", "note")}
    return show(visit, "entry.html", status, channels=entry.CHANNELS, typed=typed, wrong=said)


def enter(visit: Visit) -> Response:
    try:
        found = entry.enter(visit.world, visit.actor, _entry(visit))
    except Refused as refused:
        return form(visit, str(refused), 422)
    return RedirectResponse(f"/berkas/{found.number}", 303)


def _entry(visit: Visit) -> Entry:
    files = tuple(
        (_name(f), f.file.read(MAX_FILE + 1))
        for f in visit.form.getlist("files")
        if isinstance(f, UploadFile) and f.filename
    )
    for name, data in files:
        if len(data) > MAX_FILE:
            raise Refused(f"Berkas {name} lebih besar daripada 25 MB.")
        if not data:
            raise Refused(f"Berkas {name} kosong.")
    name, subject = visit.text("name").strip()[:100], visit.text("subject").strip()[:200]
    if not name or not subject:
        raise Refused("Isikan nama penyerah dan perihal.")
    return Entry(
        visit.text("channel"),
        name,
        subject,
        files,
        _email(visit.text("email")),
        visit.text("ticket").strip()[:40],
        visit.text("note").strip()[:500],
    )


def _name(file: UploadFile) -> str:
    """Only the last part, without controls: it goes into a header of the kept original."""
    last = (file.filename or "").replace("\\", "/").rpartition("/")[2]
    return "".join(c for c in last if c.isprintable())[:150] or "berkas"


def _email(typed: str) -> str:
    if not typed.strip():
        return ""
    try:
        return str(validate_email(typed.strip(), check_deliverability=False, test_environment=True).normalized)
    except EmailNotValidError as error:
        raise Refused("Alamat email penyerah tidak sah.") from error
