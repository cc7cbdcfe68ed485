"""The SOP as data: load and check a SOP file. Errors name every wrong key."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from jinja2 import Environment, TemplateSyntaxError, meta
from pydantic import BaseModel, ConfigDict, ValidationError

from mailbot.model import FIELDS, KINDS, FindingClass

SHIPPED = "SOP-LPSE.BTG-019.toml"
ACTIONS = ("pengaktifan", "penonaktifan")
LIMITS = ("periksa", "tindak_lanjut", "pemberitahuan", "arsip")
LETTER = "surat_permohonan"
# what judge may say; DATA-<FIELD> codes share DATA-FIELD
CODES = frozenset(
    [
        "SURAT-TIDAK-ADA",
        "SURAT-BUKAN-PINDAIAN",
        "SURAT-TUJUAN",
        "SURAT-KOP",
        "SURAT-NOMOR",
        "SURAT-NASKAH-BELUM-JADI",
        "SURAT-TTD",
        "SURAT-STEMPEL",
        "SURAT-TTE-CETAK",
        "SURAT-TIDAK-TERBACA",
        "SURAT-MAKSUD",
        "SK-TIDAK-ADA",
        "SK-TIDAK-BERLAKU",
        "SK-NAMA",
        "SK-PERAN",
        "SK-TIDAK-LENGKAP",
        "DOKUMEN-TIDAK-ADA",
        "DATA-TIDAK-ADA",
        "DATA-FIELD",
        "DATA-NIP-SALAH",
        "DATA-NIP-BEDA",
        "DATA-EMAIL-SALAH",
        "DATA-EMAIL-GANDA",
        "DATA-PANGKAT",
        "FILE-SANDI",
        "FILE-TAUTAN",
        "FILE-ARSIP",
        "FILE-JENIS",
        "FILE-RUSAK",
        "FILE-BESAR",
    ]
)
VARIABLES = frozenset(
    [
        "alasan",
        "nama",
        "nama_file",
        "placeholder",
        "hal",
        "peran",
        "peran_sk",
        "peran_mohon",
        "jenis",
        "nomor",
        "masa",
        "label",
    ]
)


class SopError(ValueError):
    """The SOP file cannot be used; the text names each key and what to change, one per line."""


@dataclass(frozen=True, slots=True)
class Code:
    cls: FindingClass
    group: str
    line: str


@dataclass(frozen=True, slots=True)
class Need:
    """What one (role, action) asks for: kinds of which one must be there as basis, kinds that must all be there, personal data."""

    basis: tuple[str, ...]
    documents: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Special:
    """A requirement that differs; empty `roles` or `actions` mean all of them."""

    roles: tuple[str, ...]
    actions: tuple[str, ...]
    need: Need


@dataclass(frozen=True, slots=True)
class Sop:
    name: str
    title: str
    auto_return: str
    accept_tte: bool
    addressees: tuple[str, ...]
    min_quality: float
    basis: tuple[str, ...]
    fields: dict[str, str]
    roles: dict[str, str]
    kinds: dict[str, str]
    limits: dict[str, int]
    codes: dict[str, Code]
    common: Need
    year_end: tuple[str, ...] = ()  # roles whose accounts Admin Agency may deactivate at the end of the year (step 5)
    requirements: tuple[Special, ...] = ()
    office: str = ""  # of this installation, such as "LPSE Kabupaten Batang"; not a part of the file

    def code(self, code: str) -> Code:
        """DATA-<FIELD> codes share one entry of the file."""
        return self.codes.get(code) or self.codes["DATA-FIELD"]

    def need(self, role: str | None, action: str | None) -> Need:
        """What the first entry of `requirements` that fits this role and action asks for, else what all are asked for."""
        for one in self.requirements:
            if (not one.roles or role in one.roles) and (not one.actions or action in one.actions):
                return one.need
        return self.common


# ------------------------------------------------------------------ the file


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _CodeEntry(_Strict):
    cls: FindingClass
    line: str
    group: str = "Berkas"


class _Requirement(_Strict):
    roles: list[str] = []
    actions: list[Literal["pengaktifan", "penonaktifan"]] = []
    basis: list[str] | None = None
    documents: list[str] | None = None
    fields: list[str] | None = None


class _File(_Strict):
    name: str
    title: str = ""
    auto_return: Literal["off", "certain", "all"]
    accept_tte: bool = True
    addressees: list[str]
    min_quality: float = 0.6
    basis: list[str]
    documents: list[str] = [LETTER]
    year_end: list[str] = []
    fields: dict[str, str]
    roles: dict[str, str]
    kinds: dict[str, str]
    limits: dict[str, int]
    requirements: list[_Requirement] = []
    codes: dict[str, _CodeEntry]


def load(path: Path | None = None) -> Sop:
    """The SOP of `path`, or the shipped SOP-LPSE.BTG-019."""
    try:
        return parse(path.read_text("utf-8") if path else (files("mailbot.sop") / SHIPPED).read_text("utf-8"))
    except (SopError, tomllib.TOMLDecodeError, OSError) as error:
        raise SopError(f"{path or SHIPPED}:\n{error}") from error


def parse(text: str) -> Sop:
    data = tomllib.loads(text)
    for entry in data.get("codes", {}).values():
        if isinstance(entry, dict) and "class" in entry:  # a reserved word of Python
            entry["cls"] = entry.pop("class")
    try:
        file = _File.model_validate(data)
    except ValidationError as error:
        raise SopError("\n".join(_spoken(e["loc"], e["msg"]) for e in error.errors())) from error
    if wrong := list(_wrong(file)):
        raise SopError("\n".join(wrong))
    return _sop(file)


def _spoken(loc: tuple[int | str, ...], message: str) -> str:
    return f"'{'.'.join('class' if part == 'cls' else str(part) for part in loc)}': {message}"


def _wrong(file: _File) -> Iterator[str]:
    """What the shape alone does not show."""
    yield from _unknown("fields", file.fields, FIELDS)
    yield from _unknown("kinds", file.kinds, KINDS)
    yield from _unknown("basis", file.basis, file.kinds)
    yield from _unknown("documents", file.documents, file.kinds)
    yield from _unknown("year_end", file.year_end, file.roles)
    yield from _unknown("limits", file.limits, LIMITS)
    yield from (f"'limits.{name}': is missing" for name in LIMITS if name not in file.limits)
    yield from (f"'limits.{name}': must be at least 1 minute" for name, minutes in file.limits.items() if minutes < 1)
    yield from (f"'{name}': must not be empty" for name in ("addressees", "fields", "roles") if not getattr(file, name))
    for number, one in enumerate(file.requirements):
        where = f"requirements.{number}"
        yield from _unknown(f"{where}.roles", one.roles, file.roles)
        yield from _unknown(f"{where}.basis", one.basis or (), file.kinds)
        yield from _unknown(f"{where}.documents", one.documents or (), file.kinds)
        yield from _unknown(f"{where}.fields", one.fields or (), file.fields)
    yield from (f"'codes.{code}': is missing" for code in sorted(CODES - set(file.codes)))
    for code, entry in file.codes.items():
        yield from _wrong_line(code, entry.line)


def _unknown(where: str, names: object, known: object) -> Iterator[str]:
    assert hasattr(names, "__iter__") and hasattr(known, "__contains__") and hasattr(known, "__iter__")
    yield from (f"'{where}': '{name}' is not one of {', '.join(known)}" for name in names if name not in known)


def _wrong_line(code: str, line: str) -> Iterator[str]:
    try:
        used = meta.find_undeclared_variables(Environment(autoescape=False).parse(line))
    except TemplateSyntaxError as error:
        yield f"'codes.{code}.line': {error.message}"
        return
    yield from (
        f"'codes.{code}.line': nobody fills in '{name}'; known: {', '.join(sorted(VARIABLES))}"
        for name in sorted(used - VARIABLES)
    )


def _sop(file: _File) -> Sop:
    whole = Need(tuple(file.basis), tuple(file.documents), tuple(file.fields))
    return Sop(
        name=file.name, title=file.title or file.name, auto_return=file.auto_return, accept_tte=file.accept_tte,
        addressees=tuple(a.lower() for a in file.addressees), min_quality=file.min_quality, basis=_all_basis(file),
        fields=file.fields, roles=file.roles, kinds={kind: file.kinds.get(kind, kind) for kind in KINDS}, limits=file.limits,
        codes={key: Code(c.cls, c.group, c.line) for key, c in file.codes.items()}, common=whole, year_end=tuple(file.year_end),
        requirements=tuple(_exception(r, whole) for r in file.requirements),
    )  # fmt: skip


def _all_basis(file: _File) -> tuple[str, ...]:
    """Every kind that is a basis for somebody."""
    more = [kind for one in file.requirements for kind in one.basis or ()]
    return tuple(dict.fromkeys([*file.basis, *more]))


def _exception(one: _Requirement, whole: Need) -> Special:
    def own(given: list[str] | None, common: tuple[str, ...]) -> tuple[str, ...]:
        return common if given is None else tuple(given)

    need = Need(own(one.basis, whole.basis), own(one.documents, whole.documents), own(one.fields, whole.fields))
    return Special(tuple(one.roles), tuple(one.actions), need)
