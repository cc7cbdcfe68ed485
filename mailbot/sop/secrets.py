"""No password of SPSE passes the program (A-13): what people type is refused where it looks like one."""

from __future__ import annotations

import re

GIVEN = re.compile(r"(?:kata\s*sandi|\bsandi|pass\s*word|passwd|\bpass|\bpwd|\bpin)\b[^\n:=]{0,30}[:=]\s*\S", re.I)
REFUSAL = "Teks ini tampaknya memuat kata sandi. Kata sandi tidak boleh dicatat atau dikirim; hapus dari teks."


def gives_password(*texts: object) -> bool:
    """Whether one of the texts hands over a password, not merely speaks of one."""
    return any(GIVEN.search(text) for text in texts if isinstance(text, str))
