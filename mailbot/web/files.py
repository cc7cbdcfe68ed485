"""Page pictures and originals. Pictures come from the limited child; originals leave as downloads only (T7, T8, T10, T17)."""

from __future__ import annotations

import re
import unicodedata
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from mailbot.parsers.child import ChildFailed
from mailbot.parsers.picture import PICTURED
from mailbot.store import mails
from mailbot.web import opened
from mailbot.web.sheet import case_row
from mailbot.web.visit import Visit
from mailbot.work import blob_path, papers, pictures

SIZES = {"besar": pictures.LARGE, "kecil": pictures.SMALL}


def attachment_row(visit: Visit) -> tuple[Any, Any]:
    """The attachment of the address, if it belongs to the case of the address and the person may see that."""
    number, wanted = visit.request.path_params["number"], visit.request.path_params["attachment"]
    with visit.world.store.reading() as tx:
        row = case_row(visit, tx, number)
        found = next((a for a in mails.attachments(tx, row.id) if a.id == wanted), None)
    if found is None:
        raise HTTPException(404)
    return row, found


def page(visit: Visit) -> Response:
    row, found = attachment_row(visit)
    number, size = visit.request.path_params["page"], visit.request.path_params["size"]
    if size not in SIZES or not 1 <= number <= 500 or found.type not in PICTURED:
        raise HTTPException(404)
    try:
        path = pictures.drawn(visit.world, found.sha256, found.type, number, SIZES[size])
    except ChildFailed as failed:
        raise HTTPException(422, "Halaman ini tidak dapat ditampilkan.") from failed
    opened.attachment(visit, row.number, found.name, found.sha256)
    headers = {"Cache-Control": "private, max-age=900", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return FileResponse(path, media_type="image/jpeg", headers=headers)


def original(visit: Visit) -> Response:
    """The exact bytes that came, never shown in the browser."""
    row, found = attachment_row(visit)
    path = blob_path(visit.world.blobs, found.sha256)
    if not path.is_file():
        raise HTTPException(404, "Berkas asli tidak tersimpan.")
    opened.download(visit, row.number, found.name, found.sha256)
    headers = {"Content-Disposition": disposition(found.name), "Content-Security-Policy": "default-src 'none'; sandbox"}
    return FileResponse(path, media_type="application/octet-stream", headers=headers)


def form(visit: Visit) -> Response:
    """The Formulir Serah Terima Berkas as it stands."""
    with visit.world.store.reading() as tx:
        row = case_row(visit, tx, visit.request.path_params["number"])
        data = papers.form_pdf(visit.world, tx, row.id)
    opened.download(visit, row.number, "formulir serah terima", "")
    return _paper(data, f"Formulir {row.number}.pdf")


def bundle(visit: Visit) -> Response:
    """Mail, form and attachments in one PDF for the printer (R-09)."""
    with visit.world.store.reading() as tx:
        row = case_row(visit, tx, visit.request.path_params["number"])
    opened.download(visit, row.number, "bundel cetak", "")
    return _paper(papers.bundle_of(visit.world, row.id).pdf, f"Bundel {row.number}.pdf")


def _paper(data: bytes, name: str) -> Response:
    headers = {"Content-Disposition": disposition(name), "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Response(data, media_type="application/pdf", headers=headers)


def disposition(name: str) -> str:
    """A harmless ASCII name, and the real one without controls and direction marks (RFC 5987)."""
    clean = "".join(
        "_" if c in '/\\:*?"<>|' else c
        for c in name
        if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
    )
    clean = clean.strip(". ")[-120:] or "berkas"
    plain = (
        re.sub(r"[^A-Za-z0-9._ -]", "_", unicodedata.normalize("NFKD", clean).encode("ascii", "ignore").decode())
        or "berkas"
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(clean, safe='')}"
