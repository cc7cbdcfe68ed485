"""Page pictures and originals. Pictures are made in the limited child and kept; originals leave as downloads only (T7, T8, T10, T17)."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response

from mailbot.parsers.child import ChildFailed
from mailbot.parsers.picture import PICTURED, pictures
from mailbot.store import mails
from mailbot.web import opened
from mailbot.web.sheet import case_row
from mailbot.web.visit import Visit
from mailbot.work import World, blob_path, papers

LARGE, SMALL = 1400, 180  # pixels across
_locks = [Lock() for _ in range(16)]  # one page is drawn once, however many ask at the same time


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
    if size not in ("besar", "kecil") or not 1 <= number <= 500 or found.type not in PICTURED:
        raise HTTPException(404)
    try:
        path = drawn(visit.world, found.sha256, found.type, number, LARGE if size == "besar" else SMALL)
    except ChildFailed as failed:
        raise HTTPException(422, "Halaman ini tidak dapat ditampilkan.") from failed
    opened.attachment(visit, row.number, found.name, found.sha256)
    headers = {"Cache-Control": "private, max-age=900", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return FileResponse(path, media_type="image/jpeg", headers=headers)


def drawn(world: World, sha256: str, type: str, number: int, width: int) -> Path:
    """The picture of a page; made once in both sizes and kept beside the data."""
    folder = world.root / "cache" / "pages" / sha256
    target = folder / f"{number}-{width}.jpg"
    if target.exists():
        return target
    with _locks[hash((sha256, number)) % len(_locks)]:
        if target.exists():
            return target
        found = pictures(blob_path(world.blobs, sha256), type, number, (LARGE, SMALL))
        folder.mkdir(parents=True, exist_ok=True)
        for wide, data in zip((LARGE, SMALL), found, strict=True):
            temporary = folder / f".{number}-{wide}-{os.getpid()}"
            temporary.write_bytes(data)
            os.replace(temporary, folder / f"{number}-{wide}.jpg")
    return target


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
