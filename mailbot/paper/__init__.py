"""Papers of the office: templates/forms/*.html -> PDF. Nothing is ever fetched: pictures are given as bytes."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment
from markupsafe import Markup
from weasyprint import HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

SCHEME = "gambar:"
_lock = threading.Lock()  # Pango's font maps are shared by all threads of the process


@dataclass(frozen=True, slots=True)
class Kop:
    """The office's letterhead: lines from the highest body down, the address line, the file of the coat of arms."""

    lines: tuple[str, ...]
    address: str = ""
    logo: Path | None = None


class _Given(URLFetcher):  # type: ignore[misc]  # the library ships no types
    """Serves the given pictures under gambar:NAME; everything else ends the rendering."""

    def __init__(self, pictures: Mapping[str, bytes]) -> None:
        super().__init__(allowed_protocols=())
        self._pictures = pictures

    def fetch(self, url: str, headers: object = None) -> URLFetcherResponse:
        name = url.removeprefix(SCHEME)
        if not url.startswith(SCHEME) or name not in self._pictures:
            raise FatalURLFetchingError(f"a paper asks for {url[:80]}")
        return URLFetcherResponse(url, io.BytesIO(self._pictures[name]))


@cache
def _environment(override: Path | None) -> SandboxedEnvironment:
    """Templates of the office's own folder win over the shipped ones; every value is escaped."""
    shipped = str(files("mailbot") / "templates" / "forms")
    folders = [str(override / "forms")] if override else []
    loader = FileSystemLoader([*folders, shipped])
    return SandboxedEnvironment(
        loader=loader, undefined=StrictUndefined, autoescape=True, trim_blocks=True, lstrip_blocks=True
    )


@cache
def _fonts() -> FontConfiguration:
    return FontConfiguration()


def page(template: str, values: Mapping[str, object], override: Path | None = None) -> str:
    """The HTML of one paper; `kotak` draws a tick box, ticked for True."""
    return _environment(override).get_template(template).render(**values, kotak=tick_box)


def pdf(html: str, pictures: Mapping[str, bytes] | None = None) -> bytes:
    with _lock:
        return bytes(HTML(string=html, url_fetcher=_Given(pictures or {})).write_pdf(font_config=_fonts()))


def tick_box(ticked: object) -> Markup:
    return Markup('<span class="kotak">{}</span>').format("X" if ticked else Markup("&nbsp;"))


def logo_of(kop: Kop) -> dict[str, bytes]:
    """The coat of arms as a picture for `pdf`; an empty mapping where the office has set none."""
    return {"lambang": kop.logo.read_bytes()} if kop.logo else {}
