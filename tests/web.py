"""A site over a world of tests, and people who click on it without a browser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

from httpx import Response
from starlette.testclient import TestClient

from mailbot.web import app, login, passwords
from mailbot.work import World

PASSWORD = "Rahasia-Uji-2026"
PEOPLE = {"helpdesk": "siti", "admin_agency": "budi", "supervisor": "ratna", "sysadmin": "eko"}
ORIGIN = "http://127.0.0.1:8080"


def people(world: World) -> None:
    """One person per role; argon2 is made cheap, because the tests log in hundreds of times."""
    passwords._hasher = passwords.PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    passwords._nobody.cache_clear()
    for role, name in PEOPLE.items():
        assert login.add_user(world, name, f"Petugas {name.title()}", role, PASSWORD, "mesin") == ""


@dataclass
class Person:
    """A logged-in browser without scripts: links and forms only."""

    client: TestClient
    csrf: str = ""

    def get(self, path: str, **headers: str) -> Response:
        answer = self.client.get(path, headers=headers)
        found = (
            re.search(r'name="_csrf" value="([^"]+)"', answer.text)
            if "text/html" in answer.headers.get("content-type", "")
            else None
        )
        if found:
            self.csrf = unescape(found[1])
        return answer

    def post(
        self, path: str, data: dict[str, object] | None = None, *, origin: str = ORIGIN, **more: object
    ) -> Response:
        headers = {"origin": origin} if origin else {}
        return self.client.post(path, data={"_csrf": self.csrf, **(data or {})}, headers=headers, **more)  # type: ignore[arg-type]


def visitor(world: World, address: str = "127.0.0.1") -> TestClient:
    return TestClient(
        app(world), base_url=ORIGIN, follow_redirects=False, client=(address, 50_000), raise_server_exceptions=True
    )


def person(world: World, role: str) -> Person:
    one = Person(visitor(world))
    answer = one.client.post("/masuk", data={"login": PEOPLE[role], "password": PASSWORD}, headers={"origin": ORIGIN})
    assert answer.status_code == 303, answer.text
    one.get("/akun")
    return one
