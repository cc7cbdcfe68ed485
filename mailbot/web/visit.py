"""One request of one person: session, form, and the checks that stand before every page (T19, T20)."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot.model import Actor
from mailbot.store import users
from mailbot.store.users import Session, User
from mailbot.work import World

MAX_FIELDS, MAX_FILES = 500, 30
MAX_FORM, MAX_UPLOAD = 1 << 20, 64 << 20  # bytes of a whole request
HOME = {"helpdesk": "/meja", "admin_agency": "/persetujuan", "supervisor": "/pengawas", "sysadmin": "/kesehatan"}


@dataclass(frozen=True, slots=True)
class Visit:
    world: World
    request: Request
    session: Session
    form: FormData = field(default_factory=FormData)

    @property
    def user(self) -> User:
        return self.session.user

    @property
    def actor(self) -> Actor:
        return Actor(self.user.login, self.user.role)

    def text(self, name: str) -> str:
        """A form field as typed; files and missing fields are empty."""
        found = self.form.get(name, "")
        return found if isinstance(found, str) else ""

    def asked(self, name: str) -> str:
        """A parameter of the address."""
        return self.request.query_params.get(name, "")


Handler = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


def page(handler: Handler, roles: Iterable[str], upload: bool = False) -> Endpoint:
    """The endpoint of a page for these roles; its handler runs in a thread, because it waits for the database."""
    permitted = frozenset(roles)

    async def endpoint(request: Request) -> Response:
        world: World = request.app.state.world
        session = await run_in_threadpool(current, world, request)
        if session is None:
            return _to_login(request)
        if session.user.role not in permitted:
            raise HTTPException(403)
        form = await form_of(request, upload) if request.method == "POST" else FormData()
        try:
            if request.method == "POST":
                check_origin(request)
                check_token(form, session)
            return await run_in_threadpool(handler, Visit(world, request, session, form))
        finally:
            await form.close()

    return endpoint


def _to_login(request: Request) -> Response:
    if "hx-request" in request.headers:  # a page that watches for news must not show a login form inside itself
        return Response(status_code=401, headers={"HX-Redirect": "/masuk"})
    return RedirectResponse("/masuk", 303)


# ------------------------------------------------------------------ session


def cookie_name(world: World) -> str:
    return "__Host-mailbot" if world.settings.web.https else "mailbot"


def source_of(request: Request) -> str:
    """The address that a request came from."""
    return request.client.host if request.client else "?"


def token_hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def current(world: World, request: Request) -> Session | None:
    """The session of the request's cookie, while it is neither ended, idle too long nor too old."""
    token = request.cookies.get(cookie_name(world), "")
    if not token:
        return None
    now, web = world.now(), world.settings.web
    with world.store.reading() as tx:
        found = users.session(tx, token_hash(token))
    if found is None or now - found.created_at > dt.timedelta(hours=web.session_hours):
        return None
    if now - found.seen_at > dt.timedelta(minutes=web.idle_minutes):
        return None
    # a page that only watches for news is no sign of a person; one write a minute is enough
    if "x-watch" not in request.headers and now - found.seen_at > dt.timedelta(minutes=1):
        with world.store.transaction() as tx:
            users.touch(tx, found.token_hash, now)
    return found


# ------------------------------------------------------------------ forms


async def form_of(request: Request, upload: bool = False) -> FormData:
    """The form of a request that is not larger than it may be."""
    limit = MAX_UPLOAD if upload else MAX_FORM
    declared = request.headers.get("content-length", "")
    if not declared.isdigit():
        raise HTTPException(411)
    if int(declared) > limit:
        raise HTTPException(413)
    return await request.form(max_files=MAX_FILES if upload else 0, max_fields=MAX_FIELDS, max_part_size=MAX_FORM)


def check_origin(request: Request) -> None:
    """A browser says where a form came from; anything but this very site is refused."""
    origin = request.headers.get("origin") or request.headers.get("referer", "")
    if not origin or urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
        raise HTTPException(403, "Formulir tidak berasal dari halaman ini.")


def check_token(form: FormData, session: Session) -> None:
    sent = form.get("_csrf", "")
    if not isinstance(sent, str) or not hmac.compare_digest(sent.encode(), session.csrf.encode()):
        raise HTTPException(403, "Formulir ini sudah tidak berlaku. Muat ulang halaman, lalu ulangi.")
