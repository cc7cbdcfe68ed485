"""A-13: no template, table or log can hold a password of SPSE, and what people type is refused where it looks like one.

What a requester writes into a mail is kept as the original that it is; it never becomes a field, a reply or a log line.
"""

import ast
import re
from dataclasses import fields
from pathlib import Path

import pytest
from jinja2 import Environment, meta

import mailbot
from mailbot.model import CasePerson, Person
from mailbot.sop.case import Refused
from mailbot.sop.secrets import gives_password
from mailbot.store import cases, tables
from mailbot.store.access import AccessRight
from mailbot.work import agency, desk
from mailbot.work.agency import Result
from tests.worlds import AGENCY, HELPDESK, Clock, Post, evidence, person, seen, world

ROOT = Path(mailbot.__file__).parent
SECRET = re.compile(r"pass|sandi|secret|rahasia|\bpin\b|pwd", re.I)
OWN_LOGIN = {
    ("app_user", "password_hash"),
    ("app_user", "totp_secret"),
}  # of mailbot itself: a hash, and the key of its second factor
TEMPLATES = sorted((ROOT / "templates").rglob("*.txt")) + sorted((ROOT / "templates" / "forms").rglob("*.html"))


def test_no_table_has_a_place_for_it() -> None:
    found = {
        (table.name, column.name)
        for table in tables.metadata.sorted_tables
        for column in table.columns
        if SECRET.search(column.name)
    }

    assert found == OWN_LOGIN


@pytest.mark.parametrize("kind", [Person, CasePerson, AccessRight, Result])
def test_no_value_that_flows_has_a_place_for_it(kind: type) -> None:
    assert not [f.name for f in fields(kind) if SECRET.search(f.name)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: f"{p.parent.name}-{p.stem}")
def test_no_template_prints_it(path: Path) -> None:
    text = path.read_text("utf-8")
    used = meta.find_undeclared_variables(Environment(autoescape=True).parse(text))

    assert not [name for name in used if SECRET.search(name)]
    # the words may be spoken of, but no value follows them
    assert not re.search(r"(?:kata sandi|password)[^.\n{]{0,30}:\s*{{", text, re.I)


def logged() -> list[tuple[str, ast.Call]]:
    calls = []
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "log"
            ):
                calls.append((str(path.relative_to(ROOT)), node))
    return calls


def test_no_log_line_names_a_person_or_carries_what_people_wrote() -> None:
    personal = {
        "nama",
        "nip",
        "email",
        "telepon",
        "alamat",
        "user_id",
        "body",
        "subject",
        "sender",
        "recipient",
        "note",
        "password",
        "kata_sandi",
    }
    words = [(path, k.arg, ast.unparse(k.value)) for path, call in logged() for k in call.keywords]
    found = [(path, name, value) for path, name, value in words if name in personal and not value.endswith("_id")]

    assert len(logged()) >= 8
    assert not found


@pytest.mark.parametrize("text", [
    "Password: Rahasia123", "kata sandi = abc", "Kata sandi akun Bapak: x1y2", "pwd:abc", "PASSWORD SPSE : 123", "sandi baru: 99",
])  # fmt: skip
def test_a_password_is_recognised(text: str) -> None:
    assert gives_password(text)


@pytest.mark.parametrize("text", [
    "Kata sandi dibuat melalui menu Lupa Password.", "Mohon tidak mengirimkan kata sandi", "Berkas dilindungi kata sandi.", "Nomor: 027/1/2026", "",
])  # fmt: skip
def test_speaking_of_passwords_is_not_giving_one(text: str) -> None:
    assert not gives_password(text)


@pytest.fixture
def post(tmp_path: Path) -> Post:
    return Post(world(tmp_path, Clock()))


def test_what_people_type_is_refused(post: Post) -> None:
    w, case = post.world, post.mail(evidence(person()))
    (one,) = desk_persons(post, case.id)
    given = "Password: Rahasia123"
    with pytest.raises(Refused, match="kata sandi"):
        agency.record_result(w, seen(case), AGENCY, one, Result("berhasil", "BUDI.PPK", given))
    with pytest.raises(Refused, match="User ID"):
        agency.record_result(w, seen(case), AGENCY, one, Result("berhasil", "BUDI.PPK Rahasia123"))
    for action in ("catatan", "tarik"):
        with pytest.raises(Refused, match="kata sandi"):
            desk.simply(w, seen(case), action, HELPDESK, given)
    case = desk.simply(w, seen(case), "kirim_balik", AGENCY, "SK lain")
    with pytest.raises(Refused, match="kata sandi"):
        desk.send_back(w, seen(case), HELPDESK, body=f"Dengan hormat,\n\n{given}\n")
    with pytest.raises(Refused, match="kata sandi"):
        desk.refuse(w, seen(case), HELPDESK, given)

    whole = b"".join(path.read_bytes() for path in (w.root / "mailbot.db", w.root / "mailbot.db-wal") if path.exists())
    assert b"Rahasia123" not in whole


def desk_persons(post: Post, case_id: int) -> list[int]:
    with post.world.store.reading() as tx:
        return [p.id for p in cases.persons(tx, case_id)]
