"""The SOP as data: load and check a SOP file. Errors name the key."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from mailbot.model import FIELDS, FindingClass

SHIPPED = "SOP-LPSE.BTG-019.toml"


class SopError(ValueError):
    """The SOP file cannot be used; the text names the key and what to change."""


@dataclass(frozen=True, slots=True)
class Code:
    cls: FindingClass
    group: str
    line: str


@dataclass(frozen=True, slots=True)
class Sop:
    name: str
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

    def code(self, code: str) -> Code:
        """DATA-<FIELD> codes share one entry of the file."""
        return self.codes.get(code) or self.codes["DATA-FIELD"]


def load(path: Path | None = None) -> Sop:
    """The SOP of `path`, or the shipped SOP-LPSE.BTG-019."""
    text = path.read_text("utf-8") if path else (files("mailbot.sop") / SHIPPED).read_text("utf-8")
    try:
        return _check(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise SopError(f"{path or SHIPPED}: not valid TOML: {error}") from error


def _check(data: dict[str, Any]) -> Sop:
    for key in ("name", "auto_return", "addressees", "basis", "fields", "roles", "kinds", "codes", "limits"):
        if key not in data:
            raise SopError(f"the key '{key}' is missing")
    if data["auto_return"] not in ("off", "certain", "all"):
        raise SopError("'auto_return' must be off, certain or all")
    if unknown := set(data["fields"]) - set(FIELDS):
        raise SopError(f"'fields' names unknown fields: {', '.join(sorted(unknown))}")
    return Sop(
        name=data["name"],
        auto_return=data["auto_return"],
        accept_tte=data.get("accept_tte", True),
        addressees=tuple(data["addressees"]),
        min_quality=float(data.get("min_quality", 0.6)),
        basis=tuple(data["basis"]),
        fields=data["fields"],
        roles=data["roles"],
        kinds=data["kinds"],
        limits=data["limits"],
        codes={key: _code(key, value) for key, value in data["codes"].items()},
    )


def _code(key: str, value: dict[str, Any]) -> Code:
    cls = value.get("class")
    if cls not in ("certain", "unsure", "note") or "line" not in value:
        raise SopError(f"'codes.{key}' needs class = certain | unsure | note, and a line")
    return Code(cls, value.get("group", "Berkas"), value["line"])
