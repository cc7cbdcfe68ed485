"""The Jinja2 environment of the replies: sandboxed, strict, templates only from disk (T25)."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2028\u2029\u2066-\u2069]+")
MAX_VALUE = 80


@cache
def environment(override: Path | None) -> SandboxedEnvironment:
    """Templates of the office's own folder win over the shipped ones."""
    shipped = str(files("mailbot") / "templates" / "replies")
    folders = [str(override / "replies")] if override else []
    return SandboxedEnvironment(loader=FileSystemLoader([*folders, shipped]), undefined=StrictUndefined)


def render(kind: str, part: str, values: dict[str, Any], override: Path | None = None) -> str:
    return environment(override).get_template(f"{kind}/{part}.txt").render(values)


def line(template: str, values: dict[str, str]) -> str:
    """A reason line of the SOP file with its values."""
    text = environment(None).from_string(template).render({k: safe(v) for k, v in values.items()})
    return str(text)


def safe(value: str, limit: int = MAX_VALUE) -> str:
    """A value of the incoming mail as it may stand in a reply: no controls, no bidi marks, short (MAIL.md 2.2)."""
    clean = CONTROLS.sub(" ", value).strip()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"
