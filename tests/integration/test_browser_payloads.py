"""Hostile words by mail, file name, field and form: nothing runs, nothing leaves, and the content policy has nothing to stop (T7, T16, T25)."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Page
from starlette.testclient import TestClient

from mailbot.model import FIELDS, Attachment, Evidence, Found, Letter, Person
from mailbot.sop.case import Refused
from mailbot.store import access, cases, mails, steps
from mailbot.web.files import disposition
from mailbot.work import desk, entry, yearend
from mailbot.work.desk import Seen
from mailbot.work.entry import Entry
from tests.integration.test_browser import Office, no_trouble, office, pytestmark  # noqa: F401 - fixtures
from tests.worlds import HELPDESK, SUPERVISOR, evidence

RUN = "window.__kena=1"
TAGS = [
    f"<script>{RUN}</script>", f"<img src=x onerror={RUN}>", f"<svg onload={RUN}>", f"<svg><script>{RUN}</script></svg>", f"<body onload={RUN}>",
    "<iframe srcdoc='<script>parent.__kena=1</script>'>", "<iframe src=javascript:parent.__kena=1>", f"<details open ontoggle={RUN}>x",
    f"<input autofocus onfocus={RUN}>", f"<select autofocus onfocus={RUN}>", f"<video><source onerror={RUN}>", f"<audio src=x onerror={RUN}>",
    f"<marquee onstart={RUN}>x</marquee>", f"<object data=javascript:{RUN}>", f"<embed src=javascript:{RUN}>", f"<a href=javascript:{RUN}>x</a>",
    f"<form action=javascript:{RUN}><button autofocus>x", f"<math><a xlink:href=javascript:{RUN}>x", "<link rel=stylesheet href=//jahat.example/a.css>",
    "<base href=//jahat.example/>", "<meta http-equiv=refresh content='0;url=//jahat.example'>", "<style>@import '//jahat.example/a.css';</style>",
    "<img src=//jahat.example/pixel.gif>", f"<template><script>{RUN}</script></template>", f"<noscript><p title='</noscript><img src=x onerror={RUN}>'>",
    "<div hx-get=/keluar hx-trigger=load>", f"<div hx-on:load='{RUN}'>", "<div data-hx-get='/keluar' data-hx-trigger='load'></div>",
    "<div style='background:url(//jahat.example)'>", f"<p style=animation:x onanimationstart={RUN}>", f"<x onclick={RUN} data-key=l>",
    f"<button data-key='l' data-copy='x' formaction='javascript:{RUN}'>", f"<isindex type=image src=1 onerror={RUN}>", "<plaintext>", f"</textarea><script>{RUN}</script>",
    f"</title><script>{RUN}</script>", f"</style><script>{RUN}</script>", f"--><script>{RUN}</script>", f"]]><script>{RUN}</script>",
    f"<scr<script>ipt>{RUN}</script>", f"<ScRiPt>{RUN}</sCrIpT>", f"<script\x0b>{RUN}</script>", f"<img/src=x/onerror={RUN}>", f"\u003cimg src=x onerror={RUN}\u003e",
]  # fmt: skip
QUOTES = [
    f"\" onfocus={RUN} autofocus x=\"", f"' onfocus={RUN} autofocus x='", f"\"><img src=x onerror={RUN}>", f"'><svg onload={RUN}>", f"` onfocus={RUN} `",
    "\" hx-get=\"/keluar\" hx-trigger=\"load\" x=\"", f"\"/><script>{RUN}</script>", f"&quot; onmouseover={RUN}", f"&#34;&#62;&#60;img src=x onerror={RUN}&#62;", f"\\\"><img src=x onerror={RUN}>",
]  # fmt: skip
LINKS = [
    f"javascript:{RUN}",
    f"JaVaScRiPt:{RUN}",
    f"java\tscript:{RUN}",
    f"data:text/html,<script>{RUN}</script>",
    f"vbscript:{RUN}",
    "//jahat.example",
    "https://jahat.example/?q=",
]
TEMPLATES = [
    "{{7*7*191}}",
    "{% import os %}",
    "{{ config }}",
    "{{ ''.__class__.__mro__ }}",
    "${7*7*191}",
    "#{7*7*191}",
    "<%= 7*7*191 %>",
    "{{ cycler.__init__.__globals__ }}",
]
ODD = ["\u202egnp.exe", "\u200b\u200d\ufeff", "=cmd|' /C calc'!A0", "'; DROP TABLE case_file; --", "a\r\nBcc: korban@jahat.example", "%0d%0aSet-Cookie:x=1", "../../../etc/passwd", "..\\..\\windows\\win.ini",
       "\u2028alert(1)", "A" * 3000, "𝕊𝕒𝕪𝕒", "<!--", "CON", "nul\u0000byte", "ｊａｖａｓｃｒｉｐｔ:1"]  # fmt: skip
WORDS = [*TAGS, *QUOTES, *LINKS, *TEMPLATES, *ODD]
NAMES = [f"{w}{end}" for w, end in zip(WORDS, itertools.cycle((".pdf", ".html", ".svg", ".exe", "")), strict=False)]
FORMS = [*TAGS[:24], *QUOTES, *LINKS, *TEMPLATES]


def test_the_corpus_has_at_least_two_hundred_payloads() -> None:
    assert len(WORDS) + len(NAMES) + len(FORMS) + len(WORDS[:40]) >= 200


def in_mail(words: list[str]) -> Evidence:
    """A reading in which every text is one of the payloads."""
    turn = itertools.cycle(words)
    people = []
    for n in range(max(1, len(words) // len(FIELDS))):
        fields = {
            f: Found(w := next(turn), w, 0.5, "surat.pdf", 1, (0.1, 0.1, 0.3, 0.2), next(turn), False) for f in FIELDS
        }
        fields["nip"] = Found(f"19850704201001{1 + n % 2}{n:03d}", second=next(turn), agreed=False)
        people.append(Person(**fields, peran="ppk", tindakan="pengaktifan"))
    base = evidence(*people)
    letter = Letter(
        Found(next(turn)),
        Found(next(turn)),
        Found(next(turn)),
        Found(next(turn)),
        Found(next(turn)),
        placeholders=(next(turn),),
    )
    return Evidence(
        base.documents,
        base.persons,
        letter,
        "\n".join(words),
        next(turn),
        (next(turn),),
        (("surat.pdf", 1, " ".join(words)),),
    )


@pytest.fixture(scope="module")
def poisoned(office: Office) -> list[str]:  # noqa: F811
    """Cases whose mail, files, fields, notes and letters are made of payloads; their numbers."""
    numbers = []
    for start in range(0, len(WORDS), 17):
        words = WORDS[start : start + 17]
        plain = [w.translate({10: 32, 13: 32, 0: 32}) for w in words]
        found = office.post.mail(in_mail(words), headers={"Subject": plain[0][:400]})
        with office.world.store.transaction() as tx:
            (message, *_) = mails.of_case(tx, found.id)
            names = [Attachment(n[:300], "pdf", "d" * 64, 9, "", inside=n[:50]) for n in NAMES[start : start + 17]]
            mails.save_reading(tx, message.id, in_mail(words), names)
            tx.execute(message_names(plain[1]), {"id": found.id})
            steps.start(
                tx, found.id, "T6", 1, office.world.now(), office.world.now()
            )  # Admin Agency may look at it too
            right = access.AccessRight(
                plain[0],
                plain[1],
                f"{start}",
                "ppk",
                plain[2],
                plain[3],
                ended_reason=plain[4],
                case_number=found.number,
            )
            access.record(tx, right, "uji", "awal", office.world.now())
        for word in FORMS[start : start + 17]:
            with office.world.store.reading() as tx:
                found = cases.get(tx, found.id)
            try:
                desk.simply(office.world, Seen(found.id, found.version), "catatan", HELPDESK, word)
            except Refused:
                continue
        numbers.append(found.number)
    yearend.gather(office.world, SUPERVISOR, 2026, office.world.today)
    return numbers


def message_names(word: str):  # type: ignore[no-untyped-def]
    from sqlalchemy import text

    return text("UPDATE case_file SET requester_name = :word WHERE id = :id").bindparams(word=word)


def watched(office: Office, role: str) -> Page:  # noqa: F811
    page = office.enter(role)
    page.context.add_init_script(
        "document.addEventListener('securitypolicyviolation', (e) => console.error('CSP ' + e.violatedDirective + ' ' + e.blockedURI))"
    )
    page.on("dialog", lambda d: office.trouble.append(f"dialog {d.message}"))
    page.on(
        "request", lambda r: office.trouble.append(f"request {r.url}") if not r.url.startswith(office.url) else None
    )
    return page


def quiet(page: Page, office: Office, path: str) -> None:  # noqa: F811
    answer = page.goto(office.url + path)
    assert answer and answer.status < 500, path
    assert page.evaluate("window.__kena") is None, path
    assert (
        page.evaluate(
            "document.querySelectorAll('main script, iframe, object, embed, base, marquee, main style, main link').length"
        )
        == 0
    ), path
    assert "9359" not in page.inner_text("body"), path  # 7*7*191: a template was run
    assert page.locator("header.top").count() == 1, path


def test_nothing_of_the_corpus_runs_on_any_page(office: Office, poisoned: list[str]) -> None:  # noqa: F811
    desk_page, agency, boss = (watched(office, role) for role in ("helpdesk", "admin_agency", "supervisor"))
    for number in poisoned:
        quiet(desk_page, office, f"berkas/{number}")
        desk_page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
        desk_page.keyboard.press("?")
        desk_page.keyboard.press("Escape")
        quiet(desk_page, office, f"berkas/{number}/kembalikan")
    for path in ("meja", "meja?tab=tinjau&hal=1", "cari?q=script", "hasil", "penyimpangan"):
        quiet(desk_page, office, path)
    for path in (*(f"berkas/{number}" for number in poisoned), "register", "akhir-tahun"):
        quiet(agency, office, path)
    for path in (
        "jejak",
        f"berkas/{poisoned[0]}",
        "pengawas",
        "kesehatan",
        "pengguna",
        "register?q=script",
        "akhir-tahun",
    ):
        quiet(boss, office, path)
    office.trouble[:] = [t for t in office.trouble if "404" not in t and "422" not in t]  # their pictures do not exist
    for page in (desk_page, agency, boss):
        page.context.close()


def test_nothing_of_the_corpus_runs_from_the_address(office: Office) -> None:  # noqa: F811
    page = watched(office, "helpdesk")
    for word in WORDS[:40]:
        quiet(page, office, f"cari?q={quote(word.replace(chr(0), ''))}")
    for word in QUOTES:
        quiet(
            page,
            office,
            f"meja?tab={quote(word)}&saluran={quote(word)}&sebab={quote(word)}&pesan={quote('catatan:' + word)}&hal={quote(word)}",
        )
    page.context.close()


@pytest.mark.parametrize("name", NAMES + ODD)
def test_a_download_name_is_harmless_whatever_the_mail_called_it(name: str) -> None:
    header = disposition(name)
    plain = header.split('"')[1]

    header.encode("ascii")
    assert not any(c in header for c in "\r\n\0")
    assert header.count('"') == 2
    assert not any(c in plain for c in '/\\<>:|?*"') and not plain.startswith(".") and len(plain) <= 130


def uploads() -> Iterator[tuple[str, bytes]]:
    yield from ((n, b"%PDF-1.4 uji") for n in NAMES[:40])
    yield from (
        (f"berkas{n}.pdf", data)
        for n, data in enumerate(
            (
                b"<html><script>1</script>",
                b"<svg onload=1>",
                b"MZ\x90",
                b"PK\x03\x04",
                b"\x00" * 64,
                b"%PDF-1.4 /JavaScript /OpenAction",
            )
        )
    )


def test_no_uploaded_name_or_type_gets_through_as_anything_but_a_download(office: Office) -> None:  # noqa: F811
    from tests.web import ORIGIN, person

    one = person(office.world, "helpdesk")
    assert isinstance(one.client, TestClient) and ORIGIN
    for number, (name, data) in enumerate(uploads()):
        form = {
            "channel": "langsung",
            "name": name[:90] or "x",
            "subject": f"uji {number}",
            "email": "",
            "ticket": name[:30],
            "note": name[:200],
        }
        answer = one.post(
            "/entri", form, files=[("files", (name.replace("\r", "").replace("\n", ""), data, "text/html"))]
        )
        assert answer.status_code in (303, 400, 422), (name, answer.status_code)
        if answer.status_code == 303:
            text = one.get(answer.headers["location"]).text
            assert f"<script>{RUN}" not in text and f"onerror={RUN}>" not in text.replace("&gt;", "")


def test_entry_words_never_become_mail_headers(office: Office) -> None:  # noqa: F811
    for word in ("a\r\nBcc: korban@jahat.example", "x\n\nisi", "\u2028y"):
        made = entry._wrapped(
            office.world, Entry("langsung", word, " ".join(word.split()), (("a.pdf", b"x"),), note=word)
        )
        head = made.split(b"\r\n\r\n")[0]
        assert b"\nBcc:" not in head
