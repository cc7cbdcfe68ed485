"""Login, logout, the first person, and everybody's own account."""

from __future__ import annotations

import secrets
from ipaddress import ip_address

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from mailbot.store import Connection, chain, users
from mailbot.store.users import User
from mailbot.web import confirm, passwords
from mailbot.web.headers import LOOPBACK
from mailbot.web.show import plain, show
from mailbot.web.visit import HOME, Visit, check_origin, cookie_name, current, form_of, source_of, token_hash
from mailbot.work import World

WRONG = "Nama pengguna, kata sandi, atau kode tidak cocok."
WAIT = "Terlalu banyak percobaan. Silakan mencoba lagi setelah 15 menit atau hubungi administrator."


async def root(request: Request) -> Response:
    found = await run_in_threadpool(current, request.app.state.world, request)
    return RedirectResponse(HOME[found.user.role] if found else "/masuk", 303)


async def login(request: Request) -> Response:
    world: World = request.app.state.world
    if request.method == "GET":
        return await run_in_threadpool(_login_page, world, request)
    check_origin(request)
    form = await form_of(request)
    typed = {name: str(form.get(name, ""))[:200] for name in ("login", "password", "kode")}
    return await run_in_threadpool(_enter, world, request, typed)


def _login_page(world: World, request: Request, said: str = "", status: int = 200) -> Response:
    if first_run(world, request):
        return RedirectResponse("/awal", 303)
    return plain(world.settings.replies.templates, "login.html", status, office=world.office.name, said=said)


def _enter(world: World, request: Request, typed: dict[str, str]) -> Response:
    source, now = source_of(request), world.now()
    with world.store.reading() as tx:
        user = users.by_login(tx, typed["login"].strip().lower())
        blocked = users.source_blocked(tx, source, now) or bool(user and user.locked_until and user.locked_until > now)
    if blocked:
        return _login_page(world, request, WAIT, 429)
    good = passwords.matches(user.password_hash if user and user.active else None, typed["password"])
    with world.store.transaction() as tx:
        if user is None or not good or not _second_factor(tx, world, user, typed["kode"]):
            users.failed(tx, user, source, now)
            chain.append(tx, chain.OFFICE, now, user.login if user else "?", "gagal_masuk", data={"dari": source})
            user = None
        else:
            users.succeeded(tx, user.id)
            chain.append(tx, chain.OFFICE, now, user.login, "masuk", data={"dari": source})
    return _begin(world, request, user) if user else _login_page(world, request, WRONG, 403)


def _second_factor(tx: Connection, world: World, user: User, code: str) -> bool:
    if not user.totp_secret:
        return True
    step = passwords.totp_step(user.totp_secret, code, world.now())
    return step is not None and users.use_totp(tx, user.id, step)


def _begin(world: World, request: Request, user: User) -> Response:
    """A new session with a new token; the one that the browser had before ends."""
    token, name = secrets.token_urlsafe(32), cookie_name(world)
    with world.store.transaction() as tx:
        if old := request.cookies.get(name):
            users.end(tx, token_hash(old), world.now())
        users.begin(tx, user.id, token_hash(token), secrets.token_urlsafe(32), world.now())
    answer = RedirectResponse(HOME[user.role], 303)
    answer.set_cookie(name, token, path="/", secure=world.settings.web.https, httponly=True, samesite="strict")
    return answer


def logout(visit: Visit) -> Response:
    with visit.world.store.transaction() as tx:
        users.end(tx, visit.session.token_hash, visit.world.now())
        chain.append(tx, chain.OFFICE, visit.world.now(), visit.user.login, "keluar")
    answer = RedirectResponse("/masuk", 303)
    answer.delete_cookie(cookie_name(visit.world), path="/")
    return answer


# ------------------------------------------------------------------ the first person


def first_run(world: World, request: Request) -> bool:
    """Nobody can log in yet, and the browser runs on this very machine (not behind a proxy)."""
    try:
        local = ip_address(source_of(request)).is_loopback
    except ValueError:
        local = False
    forwarded = any(name in request.headers for name in ("x-forwarded-for", "forwarded", "x-real-ip"))
    host = request.headers.get("host", "").rpartition(":")[0] or request.headers.get("host", "")
    if not local or forwarded or host not in LOOPBACK:
        return False
    with world.store.reading() as tx:
        return users.count(tx) == 0


async def first(request: Request) -> Response:
    world: World = request.app.state.world
    if not await run_in_threadpool(first_run, world, request):
        raise HTTPException(404)
    if request.method == "GET":
        return _first_page(world, {"login": "", "name": ""})
    check_origin(request)
    form = await form_of(request)
    typed = {name: str(form.get(name, "")).strip() for name in ("login", "name", "password")}
    said = await run_in_threadpool(
        add_user, world, typed["login"], typed["name"], "sysadmin", typed["password"], "mesin"
    )
    if said:
        return _first_page(world, typed, said, 422)
    return RedirectResponse("/masuk", 303)


def _first_page(world: World, typed: dict[str, str], said: str = "", status: int = 200) -> Response:
    values = {"office": world.office.name, "said": said, "login": typed["login"], "name": typed["name"]}
    return plain(world.settings.replies.templates, "first.html", status, **values)


def add_user(world: World, login: str, name: str, role: str, password: str, by: str) -> str:
    """What is wrong with it, in words; empty when the person was added."""
    login = login.lower()
    if (
        not (3 <= len(login) <= 30 and login.isascii() and login.replace(".", "").replace("_", "").isalnum())
        or login == "mesin"
    ):
        return "Nama pengguna 3-30 huruf kecil atau angka, tanpa spasi."
    if role not in HOME or not name.strip():
        return "Isikan nama lengkap dan pilih peran."
    try:
        password_hash = passwords.hashed(password, login)
    except passwords.Weak as weak:
        return str(weak)
    with world.store.transaction() as tx:
        if not users.add(tx, login, name.strip()[:100], role, password_hash, world.now()):
            return f"Nama pengguna '{login}' sudah dipakai."
        chain.append(
            tx, chain.OFFICE, world.now(), by, "pengguna", data={"pengguna": login, "peran": role, "tindakan": "tambah"}
        )
    return ""


# ------------------------------------------------------------------ one's own account


def account(visit: Visit, said: str = "", status: int = 200) -> Response:
    offered = passwords.new_totp()
    return show(visit, "account.html", status, wrong=said, offered=offered, has_totp=bool(visit.user.totp_secret))


def change_account(visit: Visit) -> Response:
    """Every change needs the password again."""
    if not confirm.own_password(visit, visit.text("password")):
        return account(visit, "Kata sandi saat ini tidak cocok.", 422)
    change = {"kata_sandi": _new_password, "totp_pasang": _totp_on, "totp_lepas": _totp_off}.get(visit.text("ubah"))
    if change is None:
        raise HTTPException(400)
    wrong = change(visit)
    if wrong:
        return account(visit, wrong, 422)
    return RedirectResponse("/masuk" if visit.text("ubah") == "kata_sandi" else "/akun", 303)


def _new_password(visit: Visit) -> str:
    try:
        password_hash = passwords.hashed(visit.text("baru"), visit.user.login)
    except passwords.Weak as weak:
        return str(weak)
    now = visit.world.now()
    with visit.world.store.transaction() as tx:
        users.set_password(tx, visit.user.id, password_hash, now)
        chain.append(tx, chain.OFFICE, now, visit.user.login, "kata_sandi")
    return ""


def _totp_on(visit: Visit) -> str:
    secret = visit.text("rahasia")
    try:
        step = passwords.totp_step(secret, visit.text("kode"), visit.world.now())
    except ValueError:
        step = None
    if step is None or len(secret) != 32:
        return "Kode dari aplikasi tidak cocok; pindai ulang, lalu coba lagi."
    _save_totp(visit, secret)
    return ""


def _totp_off(visit: Visit) -> str:
    _save_totp(visit, "")
    return ""


def _save_totp(visit: Visit, secret: str) -> None:
    with visit.world.store.transaction() as tx:
        users.set_totp(tx, visit.user.id, secret)
        chain.append(tx, chain.OFFICE, visit.world.now(), visit.user.login, "totp", data={"aktif": bool(secret)})
