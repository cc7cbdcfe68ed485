"""Named points at which a test may kill the process (docs/decisions/0010-named-crash-points.md).

MAILBOT_CRASH_AT="name:3" sends SIGKILL to the own process when the point is passed for the third time. Without the
variable a point costs one comparison.
"""

from __future__ import annotations

import os
import signal

_NAME, _, _COUNT = os.environ.get("MAILBOT_CRASH_AT", "").partition(":")
_left = int(_COUNT or 1)

POINTS = (
    "attempt-counted", "fetch-chunk", "blob-written", "blob-renamed", "mail-fetched", "mail-parsed",
    "message-added", "receipt-added", "read-enqueued", "intake-commit", "intake-committed",
    "mark-sent", "copy-done", "copy-flagged", "move-done", "mail-marked", "sweep-done",
    "read-started", "read-opened", "read-evidence", "read-commit", "read-committed",
    "outbox-claimed", "smtp-connected", "smtp-rcpt", "smtp-data", "smtp-dot", "smtp-answered", "sent-commit", "sent-committed",
    "reconcile-searched", "reconcile-committed",
)  # fmt: skip


def point(name: str) -> None:
    global _left
    if name != _NAME:
        return
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
