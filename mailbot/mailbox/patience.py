"""How long to wait after a trouble with a mailbox, by its class (IN-04). Logins have their own rule in `store.mailboxes`."""

from __future__ import annotations

import random

from mailbot.mailbox import FolderMissing, LoginRefused, MailboxError, Paused, StartMissing, Throttled


class Backoff:
    """Each class of error has its own count; after five healthy minutes they begin anew."""

    HEALTHY = 300.0
    _STEPS: tuple[tuple[type[MailboxError], tuple[float, ...]], ...] = (
        (Throttled, (300, 600, 1200, 2400, 3600)),
        (FolderMissing, (300,)),
        (LoginRefused, (60,)),  # only looks again whether the rule of IN-05 allows a try
        (Paused, (60,)),
        (StartMissing, (60,)),
        (MailboxError, (1, 2, 4, 8, 16, 32, 64, 128, 256, 300)),
    )

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._counts: dict[type[MailboxError], int] = {}

    def next_delay(self, error: MailboxError, healthy_for: float = 0.0) -> float:
        """Seconds, with a jitter of a fifth. `healthy_for`: how long the lost session had worked."""
        if healthy_for >= self.HEALTHY:
            self._counts.clear()
        kind, steps = next(pair for pair in self._STEPS if isinstance(error, pair[0]))
        count = self._counts.get(kind, 0)
        self._counts[kind] = count + 1
        return steps[min(count, len(steps) - 1)] * self._rng.uniform(0.8, 1.2)
