"""The pages for help desk, Admin Agency, supervisors and the system's administrator: `app(world)` is the whole site."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from mailbot.sop.case import Refused
from mailbot.store import Stale
from mailbot.web import campaign, casepage, entries, files, lists, login, overview, register, summary
from mailbot.web.headers import Guarded
from mailbot.web.show import plain, show
from mailbot.web.visit import Handler, Visit, page
from mailbot.work import World, log

STAFF = ("helpdesk", "admin_agency", "supervisor")
EVERYONE = (*STAFF, "sysadmin")


@dataclass(frozen=True, slots=True)
class Door:
    """A page: who may open it, and how."""

    path: str
    handler: Handler
    roles: tuple[str, ...]
    method: str = "GET"
    upload: bool = False


def _help(visit: Visit) -> Response:
    return show(visit, "help.html")


DOORS = (
    Door("/meja", lists.desk, ("helpdesk",)),
    Door("/hasil", lists.results, ("helpdesk",)),
    Door("/persetujuan", lists.agency, ("admin_agency",)),
    Door("/cari", lists.find, STAFF),
    Door("/berkas/{number}", casepage.case_page, STAFF),
    Door("/berkas/{number}/kabar", casepage.news, STAFF),
    Door("/berkas/{number}/kembalikan", casepage.return_page, ("helpdesk",)),
    Door("/berkas/{number}/tindakan/{action}", casepage.act, STAFF, "POST"),
    Door("/berkas/{number}/lampiran/{attachment:int}/{page:int}/{size}", files.page, STAFF),
    Door("/berkas/{number}/lampiran/{attachment:int}/asli", files.original, STAFF),
    Door("/berkas/{number}/formulir.pdf", files.form, STAFF),
    Door("/berkas/{number}/bundel.pdf", files.bundle, ("helpdesk",)),
    Door("/entri", entries.form, ("helpdesk",)),
    Door("/entri", entries.enter, ("helpdesk",), "POST", upload=True),
    Door("/pengawas", summary.summary, ("supervisor",)),
    Door("/penyimpangan", overview.deviations, STAFF),
    Door("/akhir-tahun", campaign.page, ("admin_agency", "supervisor")),
    Door("/akhir-tahun", campaign.change, ("admin_agency", "supervisor"), "POST"),
    Door("/register", register.page, STAFF),
    Door("/unduh/{list}", register.download, ("supervisor",)),
    Door("/jejak", overview.trail, ("supervisor", "sysadmin")),
    Door("/jejak.csv", overview.trail_file, ("supervisor",)),
    Door("/pengguna", overview.people, ("supervisor", "sysadmin")),
    Door("/pengguna", overview.change_people, ("supervisor", "sysadmin"), "POST"),
    Door("/kesehatan", overview.health, ("supervisor", "sysadmin")),
    Door("/akun", login.account, EVERYONE),
    Door("/akun", login.change_account, EVERYONE, "POST"),
    Door("/keluar", login.logout, EVERYONE, "POST"),
    Door("/bantuan", _help, EVERYONE),
)


def app(world: World) -> Starlette:
    routes: list[Route | Mount] = [
        Route("/", login.root), Route("/masuk", login.login, methods=["GET", "POST"]),
        Route("/awal", login.first, methods=["GET", "POST"]),
        *(Route(d.path, page(d.handler, d.roles, d.upload), methods=[d.method]) for d in DOORS),
        Mount("/static", Static(directory=Path(__file__).parent / "static")),
    ]  # fmt: skip
    handlers: dict[Any, Any] = {HTTPException: _http, Stale: _stale, Refused: _refused, 500: _failed}
    made = Starlette(
        routes=routes, middleware=[Middleware(Guarded, web=world.settings.web)], exception_handlers=handlers
    )
    made.state.world = world
    return made


class Static(StaticFiles):
    def file_response(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        answer = super().file_response(*args, **kwargs)
        answer.headers["cache-control"] = "public, max-age=3600"
        return answer


# ------------------------------------------------------------------ what goes wrong, in words

WORDS = {
    400: ("Permintaan tidak dapat dipahami", "Muat ulang halaman, lalu ulangi."),
    403: ("Tidak diizinkan", "Halaman atau tindakan ini tidak termasuk wewenang Anda."),
    404: ("Tidak ditemukan", "Berkas atau halaman ini tidak ada, atau tidak termasuk wewenang Anda."),
    405: ("Tidak diizinkan", "Cara membuka halaman ini tidak dikenal."),
    413: ("Terlalu besar", "Kiriman melebihi batas ukuran 64 MB. Kirim dalam beberapa bagian."),
    422: ("Tidak dapat ditampilkan", "Halaman ini tidak dapat ditampilkan."),
}


async def _http(request: Request, error: HTTPException) -> Response:
    title, text = WORDS.get(error.status_code, ("Tidak dapat dilakukan", "Muat ulang halaman, lalu ulangi."))
    own_words = error.detail if error.detail.endswith(".") else text  # a bare HTTP phrase is English
    return _message(request, error.status_code, title, own_words)


async def _stale(request: Request, error: Stale) -> Response:
    number = request.path_params.get("number", "")
    return _message(request, 409, "Berkas sudah berubah", str(error), f"/berkas/{number}" if number else "")


async def _refused(request: Request, error: Refused) -> Response:
    return _message(request, 409, "Tidak dapat dilakukan", str(error))


async def _failed(request: Request, error: Exception) -> Response:
    log.error("page failed", path=request.url.path, error=repr(error))
    return _message(
        request,
        500,
        "Terjadi gangguan",
        "Pekerjaan Anda belum tersimpan. Silakan mengulangi; bila tetap terjadi, hubungi administrator.",
    )


def _message(request: Request, status: int, title: str, text: str, back: str = "") -> Response:
    world: World = request.app.state.world
    return plain(
        world.settings.replies.templates,
        "message.html",
        status,
        office=world.office.name,
        title=title,
        text=text,
        back=back,
    )


__all__ = ["DOORS", "app"]
