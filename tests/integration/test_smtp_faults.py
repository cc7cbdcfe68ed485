"""Faults of an SMTP server (G3): the stage is known, what was not taken is tried again, and only the time after the dot is ambiguous."""

from __future__ import annotations

import pytest

from mailbot.replies.smtp import SmtpSettings, hand_over
from tests.servers.smtp_script import Act, Script, cut, drip, garble, half, reset, say, scripted, stall

MAIL = b"From: bot@batang.example\r\nTo: a@kantor.example\r\nMessage-ID: <mb.1@batang.example>\r\n\r\nSalam\r\n"
STAGES = {
    "greeting": "connect",
    "ehlo": "ehlo",
    "auth": "login",
    "mail": "mail",
    "rcpt": "rcpt",
    "data": "data",
    "final": "final",
}

LINE = [(moment, act.__name__, act) for moment in STAGES for act in (cut, reset, half)]
SLOW = [(moment, "stall", stall) for moment in ("greeting", "mail", "data", "final")]
SLOW += [(moment, "drip", drip) for moment in ("greeting", "rcpt", "final")]
SAID = [
    ("greeting", "554", say("554 no service"), "deferred"), ("greeting", "421", say("421 busy"), "deferred"), ("auth", "535", say("535 wrong"), "deferred"),
    ("auth", "454", say("454 later"), "deferred"), ("mail", "451", say("451 later"), "deferred"), ("mail", "530", say("530 login first"), "deferred"),
    ("mail", "552", say("552 too large"), "failed"), ("rcpt", "450", say("450 greylisted"), "deferred"), ("rcpt", "550", say("550 5.1.1 unknown"), "failed"),
    ("rcpt", "garble", garble, "deferred"), ("data", "451", say("451 later"), "deferred"), ("data", "554", say("554 no"), "failed"),
    ("final", "451", say("451 later"), "deferred"), ("final", "452", say("452 disk"), "deferred"), ("final", "554", say("554 content"), "failed"),
    ("final", "421", say("421 closing"), "deferred"), ("final", "garble", garble, "ambiguous"), ("quit", "cut", cut, "sent"), ("quit", "500", say("500 what"), "sent"),
]  # fmt: skip
FAULTS = [(m, n, a, "ambiguous" if m == "final" else "deferred") for m, n, a in [*LINE, *SLOW]] + SAID


@pytest.mark.parametrize(("moment", "name", "act", "state"), FAULTS, ids=lambda v: v if isinstance(v, str) else "")
def test_fault(moment: str, name: str, act: Act, state: str) -> None:
    with scripted(Script(moment, act)) as script:
        settings = SmtpSettings("127.0.0.1", script.port, "none", "lpse", "rahasia", timeout=1.0, deadline=1.2)
        first = hand_over(MAIL, "bot@batang.example", "a@kantor.example", settings)
        taken = len(script.taken)
        second = hand_over(MAIL, "bot@batang.example", "a@kantor.example", settings)

    assert first.state == state
    assert first.stage == STAGES.get(moment, "final")
    assert taken == (1 if moment in ("final", "quit") else 0)
    assert second.state == "sent"
    assert script.taken[-1] == MAIL


def test_there_are_more_than_twenty_five_faults() -> None:
    assert len({(m, n) for m, n, _, _ in FAULTS}) >= 25
