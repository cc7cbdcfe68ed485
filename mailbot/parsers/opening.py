"""Raw mail -> Submission, from the service's side."""

from __future__ import annotations

from mailbot.model import Submission
from mailbot.parsers import child, submission


def warm() -> None:
    """Lets the fork servers import what children need once; call before the first reading."""
    child.preload(pages=["mailbot.parsers.scans:loaded"], mails=["mailbot.parsers.submission:rehearsed"])


def open_mail(path: str, into: str, bare: bool = False) -> Submission:
    """Raw mail -> Submission; its leaves lie in `into` under their hashes. `bare`: they are only described. Raises child.ChildFailed."""
    limits = child.Limits(seconds=60, cpu_seconds=40, reads=(path, into), scratch=into, nice=0, small=True)
    return child.run(submission.opened, path, into, bare, result=Submission, limits=limits)
