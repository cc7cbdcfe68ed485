"""Who is asking (MAIL.md 2.7): L0 nothing known, L1 the mail was authenticated, L2 the sender is in the office's directory,
L3 answered from that mailbox, L4 called back on a number that does not come from the letter. Pure."""

from __future__ import annotations

from collections.abc import Iterable

LEVELS = ("L0", "L1", "L2", "L3", "L4")


def best(levels: Iterable[str]) -> str:
    return max(levels, key=LEVELS.index, default="L0")


def of_mail(rules: Iterable[str], authserv_configured: bool) -> str:
    """A mail is authenticated when its server says so and neither R14 nor R15 spoke."""
    return "L1" if authserv_configured and not {"R14", "R15"} & set(rules) else "L0"


def enough(level: str, required: str) -> bool:
    return LEVELS.index(level) >= LEVELS.index(required)
