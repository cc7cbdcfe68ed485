"""The whole day of every role in a real Chromium, three times: with the keyboard alone, with the mouse, and without scripts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect
from sqlalchemy import update

from mailbot.model import Actor
from mailbot.store import access, cases, steps
from mailbot.store import tables as t
from mailbot.web import passwords
from mailbot.work import agency, desk, ticks
from mailbot.work.agency import Result
from tests.integration.test_browser import Office, no_trouble, office, picture, pytestmark  # noqa: F401 - fixtures
from tests.web import PASSWORD
from tests.worlds import AGENCY, seen

WAYS = ("keyboard", "mouse", "no scripts")
TABS = 250  # presses within which everything on a page must be reached
# a little less than the presses of Tab from here to there: fields of a date take several, a group of radio buttons one
NEAR = """target => {
  const stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter(
    (e) => !e.disabled && e.tabIndex >= 0 && e.getClientRects().length);
  return Math.max(0, stops.indexOf(target) - stops.indexOf(document.activeElement) - 8);
}"""


@dataclass
class Hand:
    """How this person works. With the keyboard nothing is clicked: Tab until it has the focus, then keys."""

    page: Page
    url: str
    way: str

    def press(self, css: str, text: str = "", within: Locator | None = None) -> None:
        """A link or button that leads to another page."""
        target = self._one(css, text, within)
        with self.page.expect_navigation():
            self._do(target)

    def unfold(self, css: str) -> None:
        self._do(self._one(css, "", None))

    def write(self, css: str, text: str, within: Locator | None = None) -> None:
        target = self._one(css, "", within)
        if self.way == "keyboard":
            self._reach(target)
            if target.get_attribute("type") == "date":
                self.page.keyboard.type(f"{text[5:7]}{text[8:10]}{text[:4]}")  # the browser itself speaks English
            else:
                self.page.keyboard.press("Control+a")
                self.page.keyboard.insert_text(text)
        else:
            target.fill(text)
        assert target.input_value() == text

    def choose(self, css: str, label: str, within: Locator | None = None) -> None:
        target = self._one(css, "", within)
        if self.way == "keyboard":
            self._reach(target)
            self.page.keyboard.type(label)
        else:
            target.select_option(label=label)
        assert target.evaluate("e => e.selectedOptions[0].label") == label

    def go(self, label: str) -> None:
        """Through the menu."""
        self.press("header.top nav a", label)

    def find(self, number: str) -> None:
        self.write("[type=search][name=q]", number)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def shows(self, text: str) -> None:
        expect(self.page.locator("main")).to_contain_text(text)

    def picture(self, name: str) -> None:
        if self.way == "mouse":
            picture(self.page, name)

    def download(self, css: str, text: str) -> str:
        target = self._one(css, text, None)
        with self.page.expect_download() as found:
            self._do(target)
        return found.value.suggested_filename

    def _one(self, css: str, text: str, within: Locator | None) -> Locator:
        return (within or self.page).locator(css, has_text=text or None).first

    def _do(self, target: Locator) -> None:
        if self.way == "keyboard":
            self._reach(target)
            self.page.keyboard.press("Enter")
        else:
            target.click()

    def _reach(self, target: Locator) -> None:
        element = target.element_handle()
        for _ in range(self.page.evaluate(NEAR, element)):  # most of the way without looking where we are
            self.page.keyboard.press("Tab")
        for _ in range(TABS):
            if self.page.evaluate("e => e === document.activeElement", element):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"not reached with {TABS} presses of Tab: {target}")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def hand(office: Office, role: str, way: str) -> Hand:  # noqa: F811
    return Hand(office.enter(role, java_script_enabled=way != "no scripts"), office.url, way)


@pytest.fixture
def later(office: Office) -> Iterator[None]:  # noqa: F811
    """The clock goes on for this test only."""
    before = office.clock.at
    yield
    office.clock.at = before


def form(one: Hand, action: str) -> Locator:
    return one.page.locator(f"form[action$='/tindakan/{action}']")


# ------------------------------------------------------------------ help desk


def test_the_help_desks_day(office: Office, way: str) -> None:  # noqa: F811
    forwarded, returned, corrected, refused = (office.case(kind) for kind in ("stamp", "stamp", "doubt", "doubt"))
    one = hand(office, "helpdesk", way)
    one.find(forwarded.number)
    one.press("button", "Lengkap, teruskan")
    one.go("Meja layanan")
    one.find(returned.number)
    one.press("a", "Kembalikan")
    one.write("textarea", "Dengan hormat,\nMohon stempel basah pada surat.\nHormat kami")
    one.press("button", "Kirim dan kembalikan")
    one.go("Cari")
    one.find(corrected.number)
    one.write("#f-email", f"benar.{way.replace(' ', '')}@dishub.example")
    one.press("button", "Simpan perbaikan")
    one.press("button", "Lengkap, teruskan")
    one.go("Cari")
    one.find(refused.number)
    one.unfold("summary:has-text('Tindakan lain')")
    one.write("[name=phone]", "0285391000", form(one, "panggil_balik"))
    one.write("[name=reason]", "pemegang akun membenarkan", form(one, "panggil_balik"))
    one.press("button", "", form(one, "panggil_balik"))
    one.unfold("summary:has-text('Tindakan lain')")
    one.write("[name=reason]", "Bukan wewenang instansi ini", form(one, "tolak"))
    one.press("button", "", form(one, "tolak"))
    assert [office.state(c) for c in (forwarded, returned, corrected, refused)] == [
        "diteruskan", "dikembalikan", "diteruskan", "ditolak"]  # fmt: skip
    assert any("Mohon stempel basah" in str(m.get_content()) for m in office.post.sent() if not m.is_multipart())
    _entry(one)
    _pass_on(office, one)
    one.press("button", "Keluar")
    office.cookies.clear()
    expect(one.page.locator("[name=password]")).to_be_visible()
    one.page.context.close()


def _entry(one: Hand) -> None:
    one.go("Entri berkas")
    one.write("[name=name]", f"Tamu {one.way}")
    one.write("[name=subject]", "Permohonan pengaktifan")
    # the dialog of the operating system is outside of the page
    one.page.set_input_files(
        "#files", {"name": "pindaian.pdf", "mimeType": "application/pdf", "buffer": one.way.encode()}
    )
    one.press("button", "Simpan dan baca")
    one.shows("Langsung")


def _pass_on(office: Office, one: Hand) -> None:  # noqa: F811
    """Results are announced, the access handed over, the bundle printed, the case archived."""
    found = office.case("whole")
    with office.world.store.reading() as tx:
        (person,) = cases.persons(tx, found.id)
    agency.record_result(office.world, seen(found), AGENCY, person.id, Result("berhasil", f"PPK.{one.way[0].upper()}"))
    one.go("Hasil dan arsip")
    one.picture("hasil")
    one.press("a.open", found.number)
    one.press("button", "Beritahukan hasil")
    one.choose("[name=how]", "Diserahkan langsung", form(one, "serahkan"))
    one.press("button", "", form(one, "serahkan"))
    one.unfold("summary:has-text('Lampiran')")
    assert one.download("a", "Formulir serah terima").endswith(".pdf")
    one.press("button", "Sudah dicetak")
    one.press("button", "Arsipkan")
    assert office.state(found) == "diarsipkan"
    one.go("Hasil dan arsip")
    one.press("nav.tabs a[href$='tab=arsip']")
    one.shows(found.number)


# ------------------------------------------------------------------ Admin Agency


def test_admin_agencys_day(office: Office, way: str, later: None) -> None:  # noqa: F811
    done, wrong = office.case("whole"), office.case("whole")
    office.clock.pass_(minutes=45)
    one = hand(office, "admin_agency", way)
    one.press("a.open", done.number)
    one.write("[name=user_id]", f"PPK.{way[0].upper()}2")
    one.press("button", "Catat hasil")
    one.go("Persetujuan")
    one.press("a.open", wrong.number)
    one.unfold("summary:has-text('Tindakan lain')")
    one.write("[name=reason]", "SK untuk satuan kerja lain", form(one, "kirim_balik"))
    one.press("button", "", form(one, "kirim_balik"))
    assert [office.state(c) for c in (done, wrong)] == ["hasil_diterima", "perlu_tinjauan"]
    one.go("Penyimpangan")
    late = one.page.locator("tr", has_text=done.number)
    one.write("[name=reason]", "Gangguan jaringan", late)
    one.press("button", "Simpan", late)
    one.shows("Gangguan jaringan")
    account = _only_right(office, way)
    year = _year(office, one)
    one.write("form:has-text('Susun daftar') [name=tanggal]", f"{office.world.today}")
    one.press("button", "Susun daftar")
    one.write("form:has-text('Batas jawaban') [name=tanggal]", f"{office.world.today}")
    one.press("button", "Kirim pemberitahuan")
    one.press("button", "Putuskan", one.page.locator("tr", has_text=account))
    one.press("button", "Sudah dinonaktifkan", one.page.locator("tr", has_text=account))
    one.press("button", "Selesaikan dan arsipkan")
    expect(one.page.locator(".head .state")).to_have_text("Selesai")
    assert f"tahun={year}" in one.page.url
    one.go("Register")
    one.press("nav.tabs a", "Nonaktif")
    one.shows(account)
    one.page.context.close()


def _only_right(office: Office, way: str) -> str:  # noqa: F811
    """One active account, so that a campaign has one row."""
    name = f"AKUN.{way[:3].upper()}{office.count}"
    with office.world.store.transaction() as tx:
        tx.execute(update(t.access_right).values(status="nonaktif"))
        right = access.AccessRight(
            name, f"Pemegang {way}", f"1990010120150220{office.count:02d}", "ppk", "Dinas Contoh"
        )
        access.record(tx, right, "uji", "awal", office.world.now())
    return name


def _year(office: Office, one: Hand) -> int:  # noqa: F811
    """A year whose campaign nobody began: on with the link to the next year."""
    one.go("Akhir tahun")
    while one.page.locator("button", has_text="Susun daftar").count() == 0:
        one.press("a[rel=next]")
    return int(one.page.locator("h1").inner_text()[-4:])


# ------------------------------------------------------------------ supervisor


def test_the_supervisors_day(office: Office, way: str, later: None) -> None:  # noqa: F811
    found = office.case("whole")
    office.clock.pass_(minutes=45)
    with office.world.store.reading() as tx:
        (person,) = cases.persons(tx, found.id)
    after = agency.record_result(
        office.world, seen(found), AGENCY, person.id, Result("berhasil", f"PPK.{way[0].upper()}3")
    )
    with office.world.store.reading() as tx:
        (late,) = (s for s in steps.of_case(tx, found.id) if s.late)
    desk.explain(office.world, seen(after), Actor("budi", "admin_agency"), late.id, "Listrik padam")
    ticks.tick(office.world)
    account = _only_right(office, way)
    one = hand(office, "supervisor", way)
    expect(one.page.locator("svg.chart")).to_have_count(3)
    one.picture("ringkasan")
    one.go("Penyimpangan")
    one.picture("penyimpangan")
    one.press("button", "Terima alasan", one.page.locator("tr", has_text=found.number))
    one.press("nav.tabs a", "Sudah diterima")
    one.shows("Listrik padam")
    year = _year(office, one)
    planned = dt.date(year, 12, 30)
    one.write("form:has-text('Susun daftar') [name=tanggal]", f"{planned}")
    one.press("button", "Susun daftar")
    one.write("form:has-text('Batas jawaban') [name=tanggal]", f"{planned.replace(day=15)}")
    one.press("button", "Kirim pemberitahuan")
    row = one.page.locator("tr", has_text=account)
    one.picture("akhir-tahun")
    one.choose("[name=decision]", "Dikecualikan", row)
    one.write("[name=reason]", "kontrak tahun jamak", row)
    one.press("button", "Putuskan", row)
    one.press("button", "Selesaikan dan arsipkan")
    expect(one.page.locator(".head .state")).to_have_text("Selesai")
    one.go("Register")
    one.find(account)
    one.shows(account)
    one.picture("register")
    assert one.download("button", "Penyimpangan mutu baku") == "penyimpangan.xlsx"
    one.go("Cari")
    one.find(found.number)
    one.unfold("summary:has-text('Tindakan lain')")
    one.write("[name=reason]", "mohon didahulukan", form(one, "catatan"))
    one.press("button", "", form(one, "catatan"))
    one.go("Jejak")
    one.choose("[name=oleh]", "Petugas Ratna")
    one.write("[name=nomor]", found.number)
    one.press("button", "Saring")
    one.shows("Catatan")
    one.picture("jejak")
    assert one.download("a", "Unduh CSV") == "jejak.csv"
    one.go("Kesehatan")
    one.shows("Surat keluar")
    one.picture("kesehatan")
    one.page.context.close()


# ------------------------------------------------------------------ the system's administrator


def test_the_administrators_day(office: Office, way: str) -> None:  # noqa: F811
    one, login = hand(office, "sysadmin", way), f"dewi{WAYS.index(way)}"
    one.shows("Kotak surat")
    one.go("Pengguna")
    add = one.page.locator("form", has_text="Nama lengkap")
    for name, value in (("name", f"Dewi {way}"), ("login", login)):
        one.write(f"[name={name}]", value, add)
    one.choose("[name=role]", "Admin Agency", add)
    for name, value in (("password", "Sandi-Awal-2026"), ("own", PASSWORD)):
        one.write(f"[name={name}]", value, add)
    one.press("button", "Tambah", add)
    one.shows(login)
    one.picture("pengguna")
    change = one.page.locator("form", has_text="Kata sandi baru")
    one.choose("[name=login]", f"Dewi {way} (aktif)", change)
    one.write("[name=own]", PASSWORD, change)
    one.press("button", "Nonaktifkan", change)
    expect(one.page.locator("tr", has_text=login)).to_contain_text("nonaktif")
    one.go("Jejak")
    one.choose("[name=tindakan]", "Mengubah pengguna")
    one.press("button", "Saring")
    one.shows(f"{login} nonaktifkan")
    _second_factor(office, one)
    one.page.context.close()


def _second_factor(office: Office, one: Hand) -> None:  # noqa: F811
    """Installed with the telephone's code, and taken off again."""
    one.press("header.top a[href='/akun']")
    one.picture("akun")
    secret = one.page.locator("[name=rahasia]").input_value()
    one.write("[name=kode]", passwords.totp(secret, int(office.clock.at.timestamp()) // passwords.STEP))
    one.write("[name=password]", PASSWORD, one.page.locator("form:has([name=kode])"))
    one.press("button", "Pasang")
    one.shows("Kode masuk sudah terpasang")
    one.write("[name=password]", PASSWORD, one.page.locator("form", has_text="Lepas kode masuk"))
    one.press("button", "Lepas kode masuk")
    one.shows("Pasang aplikasi autentikator")
