"""The pages in a real Chromium: single keys, the scan, news, dropped files; accessibility, narrow and zoomed screens."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from mailbot import config
from mailbot.model import Case, Found
from mailbot.store import access, cases, iso
from mailbot.store import tables as t
from mailbot.web import DOORS, serve
from mailbot.work import World, yearend
from tests.paperwork import Someone, decree, letter, read
from tests.web import PASSWORD, PEOPLE, people
from tests.worlds import SUPERVISOR, Clock, Post, world

CHROMIUM = next(
    (p for p in ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome") if Path(p).exists()), ""
)
pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(not CHROMIUM, reason="no Chromium on this machine: apt-get install chromium"),
]
AXE = Path(__file__).parent.parent / "assets" / "axe.min.js"
PICTURES = os.environ.get("MAILBOT_PICTURES", "")  # a folder: the screenshots of docs/panduan-petugas.md are made anew
NAMES = (
    "Rina Kusumawati, S.E.",
    "Tono Prabowo, S.T.",
    "Wulan Maharani, M.Si.",
    "Yusuf Hidayat, S.Sos.",
    "Laras Anindya, S.H.",
    "Bayu Pamungkas, S.T.",
)


@dataclass
class Office:
    """A running site, its cases and the people at its desks."""

    world: World
    clock: Clock
    post: Post
    url: str
    browser: Browser
    trouble: list[str] = field(default_factory=list)
    cookies: dict[str, list[Any]] = field(default_factory=dict)  # one login per role
    count: int = 0

    def case(self, kind: str = "doubt") -> Case:
        """`kind`: doubt (one field), stamp (only the stamp cannot be judged), whole (goes to Admin Agency by itself)."""
        self.count += 1
        n = self.count
        one = replace(
            Someone(), nama=NAMES[n % len(NAMES)], nip=f"1985070420100120{n:02d}", email=f"pegawai{n}@dishub.example"
        )
        number = f"551/{100 + n}/2026"
        papers = (letter(one, number, stamp=kind != "stamp", name="Surat permohonan.pdf"), decree(one))
        doubt = (
            {"email": Found(one.email.replace("i", "l", 1), "", 0.41, second=one.email, agreed=False)}
            if kind == "doubt"
            else {}
        )
        found = read(one, *papers, doubt=doubt, number=number, stamp=kind != "stamp")
        return self.post.mail(found, "tu@dishub.example", contents={p.name: p.data for p in papers},
                              headers={"Subject": f"Permohonan pengaktifan akun PPK {one.nama}"})  # fmt: skip

    def state(self, found: Case) -> str:
        with self.world.store.reading() as tx:
            return cases.get(tx, found.id).state

    def enter(self, role: str, **options: object) -> Page:
        context: BrowserContext = self.browser.new_context(
            viewport={"width": 1366, "height": 768}, locale="id-ID", **options
        )  # type: ignore[arg-type]
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on(
            "console",
            lambda m: (
                self.trouble.append(f"{page.url}: {m.text}") if m.type == "error" and "409" not in m.text else None
            ),
        )
        page.on("pageerror", lambda e: self.trouble.append(f"{page.url}: {e}"))
        if role in self.cookies:
            context.add_cookies(self.cookies[role])
            page.goto(self.url)
        else:
            page.goto(self.url + "masuk")
            page.fill("[name=login]", PEOPLE[role])
            page.fill("[name=password]", PASSWORD)
            page.keyboard.press("Enter")
        page.wait_for_selector("header.top")
        self.cookies[role] = context.cookies()
        return page


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    clock = Clock()
    made = world(tmp_path_factory.mktemp("kantor"), clock, web=config.WebSection(port=0, idle_minutes=600))
    people(made)
    with serve.beside(made) as url, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield Office(made, clock, Post(made), url, browser)
        browser.close()


@pytest.fixture(autouse=True)
def no_trouble(office: Office) -> Iterator[None]:
    """No page may raise an error or be stopped by its content security policy."""
    office.trouble.clear()
    yield
    assert not office.trouble


def keys(page: Page, *pressed: str) -> None:
    for key in pressed:
        page.keyboard.press(key)


def act(page: Page, *pressed: str) -> None:
    """Keys that lead to another page."""
    with page.expect_navigation():
        keys(page, *pressed)


def picture(page: Page, name: str) -> None:
    if PICTURES:
        page.wait_for_load_state("networkidle")
        page.screenshot(path=f"{PICTURES}/{name}.png")


def lit(page: Page) -> Locator:
    return page.locator(".boxes rect.lit")


# ------------------------------------------------------------------ help desk


def test_the_help_desks_day_by_keyboard(office: Office) -> None:
    first, second, third = office.case("stamp"), office.case("stamp"), office.case("doubt")
    page = office.enter("helpdesk")
    picture(page, "meja")
    keys(page, "?")
    expect(page.locator("#keys")).to_be_visible()
    keys(page, "Escape")
    act(page, "j", "Enter")
    for found in (first, second):
        assert found.number in page.url
        picture(page, "berkas")
        if found is first:  # nothing to correct: two keys decide, and the next case is there
            act(page, "l", "Enter")
        else:
            act(page, "k")
            expect(page.locator("textarea.mail")).to_contain_text("Dengan hormat")
            picture(page, "kembalikan")
            act(page, "Enter")
    assert [office.state(c) for c in (first, second)] == ["diteruskan", "dikembalikan"]
    assert third.number in page.url
    keys(page, "e")
    expect(page.locator("#f-email")).to_be_focused()
    expect(lit(page)).to_have_attribute("data-name", "email")
    picture(page, "koreksi")
    page.keyboard.type("benar@dishub.example")
    act(page, "Control+s")
    act(page, "l", "Enter")
    assert office.state(third) == "diteruskan"
    page.context.close()


def test_from_opening_a_flagged_case_to_the_decision_at_most_three_keys(office: Office) -> None:
    found, following = office.case("stamp"), office.case("stamp")
    page = office.enter("helpdesk")
    page.evaluate("() => { localStorage.removeItem('n') }")
    page.context.add_init_script(
        "addEventListener('keydown', () => localStorage.setItem('n', 1 + Number(localStorage.getItem('n') || 0)), true)"
    )
    page.goto(f"{office.url}berkas/{found.number}")
    act(page, "l", "Enter")

    assert int(page.evaluate("localStorage.getItem('n')")) <= 3
    assert office.state(found) == "diteruskan"
    assert following.number in page.url
    act(page, "k")
    act(page, "Enter")
    assert office.state(following) == "dikembalikan"
    page.context.close()


def test_the_scan_turns_zooms_and_shows_where_each_value_stands(office: Office) -> None:
    found = office.case("doubt")
    page = office.enter("helpdesk")
    page.goto(f"{office.url}berkas/{found.number}")
    sheet, image = page.locator(".sheet"), page.locator("#pageimage")
    assert page.evaluate("document.querySelector('#pageimage').naturalWidth") > 1000
    page.hover("#f-nip")
    expect(lit(page)).to_have_attribute("data-name", "nip")
    keys(page, "+", "r", "r")
    assert "zoom-150" in str(sheet.get_attribute("class")) and "turn-180" in str(sheet.get_attribute("class"))
    keys(page, "0", "ArrowRight")
    assert "turn-0" in str(sheet.get_attribute("class"))
    expect(page.locator("#pagetitle")).to_contain_text("SK PPK.pdf")
    page.click(".thumbs a >> nth=0")
    expect(page.locator("#pagetitle")).to_contain_text("Surat permohonan.pdf")
    page.focus("#f-jabatan")
    expect(lit(page)).to_have_attribute("data-name", "jabatan")
    box, drawn = lit(page).bounding_box(), image.bounding_box()
    assert box and drawn and box["x"] > drawn["x"] and box["width"] < drawn["width"] / 2
    page.click(".use")  # the second reading
    assert page.input_value("#f-email").startswith("pegawai")
    page.context.close()


def test_a_page_that_stands_open_says_who_changed_the_case(office: Office) -> None:
    found = office.case("doubt")
    page, other = office.enter("helpdesk"), office.enter("supervisor")
    page.clock.install()
    page.goto(f"{office.url}berkas/{found.number}")
    other.goto(f"{office.url}berkas/{found.number}")
    keys(other, "t")
    other.fill("form[action$=catatan] input[name=reason]", "mohon didahulukan")
    other.click("form[action$=catatan] button")
    other.wait_for_load_state()
    page.clock.fast_forward(11_000)

    expect(page.locator("#news [role=alert]")).to_contain_text("ratna")
    page.goto(office.url + "meja")
    fresh = office.case("doubt")
    page.clock.fast_forward(16_000)
    expect(page.locator("#antrean")).to_contain_text(fresh.number)
    page.context.close(), other.context.close()


def test_hand_entry_takes_dropped_files(office: Office) -> None:
    page = office.enter("helpdesk")
    page.goto(office.url + "entri")
    page.fill("[name=name]", "Tamu Dinas")
    page.fill("[name=subject]", "Permohonan pengaktifan")
    page.evaluate("""() => { const d = new DataTransfer(); d.items.add(new File(["%PDF-1.4"], "pindaian.pdf", {type: "application/pdf"}));
        document.querySelector(".drop").dispatchEvent(new DragEvent("drop", {dataTransfer: d, bubbles: true, cancelable: true})); }""")
    expect(page.locator(".drop output")).to_have_text("pindaian.pdf")
    picture(page, "entri")
    page.click("main form button")
    page.wait_for_url("**/berkas/**")
    expect(page.locator(".casehead")).to_contain_text("Langsung")
    page.context.close()


# ------------------------------------------------------------------ Admin Agency


def test_admin_agency_copies_and_records_with_single_keys(office: Office) -> None:
    found = office.case("whole")
    assert office.state(found) == "diteruskan"
    page = office.enter("admin_agency", permissions=["clipboard-read", "clipboard-write"])
    picture(page, "persetujuan")
    page.goto(f"{office.url}berkas/{found.number}")
    keys(page, "2")
    expect(page.locator(".copy.done")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").startswith("1985070420100120")
    keys(page, "b")
    page.keyboard.type("PPK.DISHUB")
    picture(page, "admin-agency")
    act(page, "Enter")
    assert office.state(found) == "hasil_diterima"

    page.context.close()


# ------------------------------------------------------------------ without scripts


def test_pages_of_the_scan_turn_without_scripts(office: Office) -> None:
    found = office.case("doubt")
    page = office.enter("helpdesk", java_script_enabled=False)
    page.goto(f"{office.url}berkas/{found.number}")
    page.click("[aria-label='Halaman berikutnya']")
    expect(page.locator("#pagetitle")).to_contain_text("SK PPK.pdf")
    page.click("[aria-label='Perbesar']")
    expect(page.locator(".sheet.zoom-150")).to_be_visible()
    page.click("[aria-label='Putar']")
    expect(page.locator(".sheet.zoom-150.turn-90")).to_be_visible()
    page.click("text=Bantuan")
    expect(page.locator("main")).to_contain_text("Daftar")
    page.context.close()


# ------------------------------------------------------------------ for everybody, on any screen

PAGES = {
    "helpdesk": ("meja", "meja?tab=pemohon", "hasil", "entri", "cari?q=dishub", "penyimpangan", "bantuan", "akun", "berkas/{doubt}", "berkas/{stamp}/kembalikan",
                 "berkas/{done}", "berkas/TIDAK-ADA"),
    "admin_agency": ("persetujuan", "berkas/{whole}", "penyimpangan"),
    "supervisor": ("pengawas", "penyimpangan", "jejak", "pengguna", "kesehatan", "akhir-tahun", "register", "berkas/{doubt}"),
    "sysadmin": ("kesehatan", "jejak", "pengguna"),
}  # fmt: skip
NO_PAGES = ("/berkas/{number}/kabar", "/berkas/{number}/lampiran/{attachment:int}/{page:int}/{size}", "/berkas/{number}/lampiran/{attachment:int}/asli",
            "/berkas/{number}/formulir.pdf", "/berkas/{number}/bundel.pdf", "/unduh/{list}", "/jejak.csv")  # fmt: skip


def test_every_page_of_the_site_is_looked_at() -> None:
    doors = {d.path for d in DOORS if d.method == "GET"} - set(NO_PAGES)
    seen = {re.sub("{[a-z]+}", "{number}", f"/{path.partition('?')[0]}") for paths in PAGES.values() for path in paths}

    assert doors <= seen


def full(office: Office) -> None:
    """Something to show in every list: set aside, late, registered, in a campaign, stuck."""
    now, number = office.world.now(), office.count
    with office.world.store.transaction() as tx:
        tx.execute(
            t.quarantine.insert().values(
                account="utama", folder="INBOX", uidvalidity=1, uid=f"{number}", attempts=3, failures=3, error="rusak"
            )
        )
        tx.execute(t.outgoing.update().values(state="ambiguous", answer="451 coba lagi"))
        right = access.AccessRight(f"USER.{number}", "Pemegang Akun", f"1990010120150220{number:02d}", "ppk", "Dinas Contoh", "a@dishub.example",
                                   valid_until="2026-12-10")  # fmt: skip
        access.record(tx, right, "uji", "awal", now)
        values = {"name": "T3", "round": 1, "started_at": iso(now), "due_at": iso(now), "ended_at": iso(now), "late": 1}
        tx.execute(t.step.insert().values(case_id=1, **values))
    yearend.gather(office.world, SUPERVISOR, 2026, office.world.today)


@pytest.mark.parametrize("role", PAGES)
def test_pages_are_accessible_and_fit_narrow_and_zoomed_screens(office: Office, role: str) -> None:
    made = {kind: office.case(kind) for kind in ("doubt", "stamp", "whole")}
    full(office)
    numbers = {kind: c.number for kind, c in made.items()} | {"done": made["whole"].number}
    page = office.enter(role, bypass_csp=True)  # axe is put into the page; the policy itself is tested elsewhere
    if role == "helpdesk":
        page.goto(office.url + "akun")
    wrong: list[str] = []
    for path in PAGES[role]:
        page.goto(office.url + path.format(**numbers))
        page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true })")
        page.evaluate(AXE.read_text())
        found = page.evaluate("axe.run({resultTypes: ['violations']}).then((r) => r.violations)")
        wrong += [
            f"{path}: {v['id']}: {v['nodes'][0]['html'][:160]} {v['nodes'][0]['failureSummary'][:200]}" for v in found
        ]
        # 683 px are 1366 px at 200 % zoom
        for wide, high in ((1366, 768), (683, 384), (390, 800)):
            page.set_viewport_size({"width": wide, "height": high})
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong.append(f"{path}: wider than the screen at {wide} px")
            if PICTURES and wide == 390 and "doubt" in path and role == "helpdesk":
                picture(page, "ponsel")
        page.set_viewport_size({"width": 1366, "height": 768})
    page.context.close()
    office.trouble[:] = [t for t in office.trouble if "404" not in t]

    assert not wrong, "\n".join(wrong)


def test_the_doors_are_accessible(office: Office, tmp_path: Path) -> None:
    context = office.browser.new_context(viewport={"width": 390, "height": 800}, bypass_csp=True)
    page = context.new_page()
    with serve.beside(world(tmp_path, office.clock, web=config.WebSection(port=0))) as empty:
        for address in (office.url + "masuk", empty):  # without people: the page of the first person
            page.goto(address)
            page.evaluate(AXE.read_text())
            assert page.evaluate("axe.run().then((r) => r.violations.map((v) => v.id))") == []
            assert not page.evaluate("document.documentElement.scrollWidth > innerWidth")
            page.set_viewport_size({"width": 720, "height": 560})
            picture(page, "masuk" if address.endswith("masuk") else "awal")
            page.set_viewport_size({"width": 390, "height": 800})
        assert page.url.endswith("/awal")
    context.close()
