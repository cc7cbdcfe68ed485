"""Passwords and one-time codes of the people who log in."""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import hmac
import secrets
import struct
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST, STEP = 10, 30
_hasher = PasswordHasher()


class Weak(ValueError):
    """The password cannot be taken; the text says why."""


def hashed(password: str, login: str) -> str:
    if len(password) < SHORTEST:
        raise Weak(f"Kata sandi sedikitnya {SHORTEST} karakter.")
    if len(password) > 200:
        raise Weak("Kata sandi terlalu panjang.")
    if login.lower() in password.lower() or len(set(password)) < 5:
        raise Weak("Kata sandi terlalu mudah ditebak; jangan memuat nama pengguna.")
    return _hasher.hash(password)


def matches(stored: str | None, password: str) -> bool:
    """Takes as long for an unknown login (`stored` None) as for a known one."""
    try:
        return _hasher.verify(stored or _nobody(), password[:200]) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


@cache
def _nobody() -> str:
    return _hasher.hash(secrets.token_hex(16))


def new_totp() -> str:
    return base64.b32encode(secrets.token_bytes(20)).decode()


def totp(secret: str, step: int) -> str:
    """Six digits of RFC 6238 with SHA-1, as all telephones know it."""
    digest = hmac.new(base64.b32decode(secret), struct.pack(">Q", step), hashlib.sha1).digest()
    start = digest[-1] & 15
    number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"


def totp_step(secret: str, code: str, now: dt.datetime) -> int | None:
    """The time step that a code belongs to; one step of clock drift either way is accepted."""
    current = int(now.timestamp()) // STEP
    typed = "".join(code.split()).encode()
    return next(
        (s for s in (current, current - 1, current + 1) if hmac.compare_digest(totp(secret, s).encode(), typed)), None
    )
