"""Raw mail -> Submission, from the service's side."""

from __future__ import annotations

from mailbot.model import Submission
from mailbot.parsers import child, submission

PAGES, MAILS = (
    "mailbot.parsers.scans:loaded",
    "mailbot.parsers.submission:rehearsed",
)  # a fork server's command line names its own


def warm() -> None:
    """Lets the fork servers import what children need once; call before the first reading."""
    child.preload(pages=[PAGES], mails=[MAILS])


def open_mail(path: str, into: str, bare: bool = False) -> Submission:
    """Raw mail -> Submission; its leaves lie in `into` under their hashes. `bare`: they are only described. Raises child.ChildFailed."""
    limits = child.Limits(seconds=60, cpu_seconds=40, reads=(path, into), scratch=into, nice=0, small=True)
    return child.run(submission.opened, path, into, bare, result=Submission, limits=limits)
