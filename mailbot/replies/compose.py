"""Values of a reply -> Outgoing with frozen bytes (MAIL.md 1.6, 2.2). Pure but for reading the templates."""

from __future__ import annotations

import base64
import datetime as dt
import functools
import hashlib
import hmac
import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Any

from mailbot.model import Document, Finding, Outgoing, Submission, Verdict
from mailbot.replies.render import line, render, safe
from mailbot.sop import Sop
from mailbot.sop.case import Refused
from mailbot.sop.secrets import REFUSAL, gives_password

# long In-Reply-To must not be encoded, or Outlook loses the thread (MAIL.md 0.5)
POLICY = SMTP.clone(max_line_length=998)
EDIT_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")
PLAIN = re.compile(r"[!-<>-~](?:[ -<>-~]{0,900}[!-<>-~])?")  # ASCII without "=", which may look like an encoded word
LANGUAGE = ("Content-Language", "id")
MESSAGE_ID = re.compile(r"^<[^<>\s@]{1,180}@[^<>\s@]{1,68}>$")


@dataclass(frozen=True, slots=True)
class Office:
    name: str
    address: str
    phone: str
    hours: str
    email: str
    secret: str
    templates: Path | None = None

    @property
    def domain(self) -> str:
        return self.email.rpartition("@")[2]


@dataclass(frozen=True, slots=True)
class Pdf:
    """A paper of ours that goes with a reply."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Thread:
    """What a reply answers: its recipient and the ids that keep it in the requester's thread."""

    to: str
    number: str
    references: tuple[str, ...] = ()


def compose(
    kind: str, seq: int, key: str, thread: Thread, values: dict[str, Any], office: Office, now: dt.datetime
) -> Outgoing:
    """`key` is the content key S of the mail that is answered: the id survives a restored backup (IN-51)."""
    subject, body = text(kind, thread.number, values, office)
    header_id = message_id(kind, key, seq, office)
    headers = _headers(header_id, subject, thread, office, now)
    attached: tuple[Pdf, ...] = tuple(values.get("lampiran", ()))
    data = _with_papers(headers, body, attached) if attached else _plain(headers, body)
    return Outgoing(key, kind, seq, header_id, thread.to, data)


Headers = list[tuple[str, str]]


def _headers(header_id: str, subject: str, thread: Thread, office: Office, now: dt.datetime) -> Headers:
    references = [r for r in thread.references if MESSAGE_ID.match(r)][-10:]
    answers = [("In-Reply-To", references[-1]), ("References", " ".join(references))] if references else []
    return [
        ("Date", format_datetime(now.astimezone(dt.UTC))),
        ("From", f'"{safe(office.name)}" <{office.email}>'),
        ("To", thread.to),
        ("Subject", subject),
        ("Message-ID", header_id),
        *answers,
        ("Auto-Submitted", "auto-replied"),
        ("X-Auto-Response-Suppress", "All"),
        ("Precedence", "bulk"),
        ("X-Mailbot-Loop", f"v1 {loop_mark(header_id, office.secret)}"),
    ]


def _plain(headers: Headers, body: str) -> bytes:
    """As `EmailMessage` writes it, which takes 4 ms to look at every header from all sides."""
    end = (
        ("Content-Type", 'text/plain; charset="utf-8"'),
        ("Content-Transfer-Encoding", "8bit"),
        ("MIME-Version", "1.0"),
        LANGUAGE,
    )
    head = "".join(_folded(name, value) for name, value in (*headers, *end))
    return b"\r\n".join((head.encode("ascii"), *(body.encode().splitlines() or [b""]), b""))


def _folded(name: str, value: str) -> str:
    """One header; what is not plain text is encoded, and refused where it has line ends."""
    if name == "From":
        return _written(name, value)
    return f"{name}: {value}\r\n" if PLAIN.fullmatch(value) else _written(name, value)


@functools.lru_cache(maxsize=64)
def _written(name: str, value: str) -> str:
    _, header = POLICY.header_store_parse(name, value)
    return str(header.fold(policy=POLICY))


def _with_papers(headers: Headers, body: str, papers: tuple[Pdf, ...]) -> bytes:
    message = EmailMessage(policy=POLICY)
    for name, value in headers:
        message[name] = value
    message.set_content(body, cte="8bit")
    message[LANGUAGE[0]] = LANGUAGE[1]
    for paper in papers:
        message.add_attachment(paper.data, maintype="application", subtype="pdf", filename=paper.name)
    return message.as_bytes()


def text(kind: str, number: str, values: dict[str, Any], office: Office) -> tuple[str, str]:
    """Subject and body as they leave. `isi_petugas` in the values is the body as a person edited it."""
    data = {"nomor_tiket": number, "office": office, "sapaan": "Pemohon", **values}
    subject = render(kind, "subject", data, office.templates).strip()
    edited = values.get("isi_petugas")
    if edited and gives_password(str(edited)):
        raise Refused(REFUSAL)
    body = EDIT_CONTROLS.sub("", str(edited)) if edited else render(kind, "body", data, office.templates)
    return f"[{number}] {subject}", body


def message_id(kind: str, key: str, seq: int, office: Office) -> str:
    digest = hmac.new(office.secret.encode(), f"{kind}|{key}|{seq}".encode(), hashlib.sha256).digest()
    return f"<mb.{kind.replace('_', '-')}.{base64.b32encode(digest).decode()[:26].lower()}@{office.domain}>"


def bounce_address(header_id: str, office: Office) -> str:
    """The envelope sender that names the mail (MAIL.md 2.2): <mb.receipt.ID@d> -> lpse+b-receipt.ID@d; the plain one where it grows too long."""
    local = f"{office.email.partition('@')[0]}+b-{header_id[1:-1].partition('@')[0].removeprefix('mb.')}"
    return f"{local}@{office.domain}" if len(local) <= 64 else office.email


def loop_mark(identifier: str, secret: str) -> str:
    return hmac.new(secret.encode(), identifier.encode(), hashlib.sha256).hexdigest()[:32]


def carries_mark(mail: Submission, secret: str) -> bool:
    """R01: the mail is one of our own, whoever sent it back."""
    mark = f"v1 {loop_mark(mail.message_id or '', secret)}"
    return any(hmac.compare_digest(mark.encode(), v.strip().encode()) for v in mail.header("x-mailbot-loop"))


def semantic_key(mail: Submission) -> str:
    """The key S of IN-20: the same mail in another copy, whatever its trace headers."""
    date = mail.date.isoformat() if mail.date else ""
    leaves = sorted(a.sha256 for a in mail.attachments)
    text = "\0".join((mail.message_id or "", mail.sender or "", date, mail.subject, *leaves))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def files_of(files: Iterable[tuple[str, int]]) -> list[dict[str, str]]:
    """(name, octets) of the attachments, as a receipt lists them."""
    return [{"nama": safe(name), "ukuran": size_of(size)} for name, size in itertools.islice(files, 50)]


def size_of(octets: int) -> str:
    return f"{octets / 1_048_576:.1f} MB".replace(".", ",") if octets >= 1_048_576 else f"{max(1, octets // 1024)} KB"


def defects(verdict: Verdict, sop: Sop) -> list[dict[str, Any]]:
    """All defects grouped per document and per person, in the order of the SOP file."""
    groups: dict[str, list[str]] = {}
    for finding in verdict.findings:
        if finding.cls != "note":
            title = _group(finding, sop)
            groups.setdefault(title, []).append(_line(finding, sop).removeprefix(f"{title}: "))
    return [{"judul": title, "baris": list(dict.fromkeys(lines))} for title, lines in groups.items()]


def _group(finding: Finding, sop: Sop) -> str:
    nama = dict(finding.values).get("nama")
    return f"Data personal {safe(nama)}" if nama and finding.code.startswith("DATA-") else sop.code(finding.code).group


def _line(finding: Finding, sop: Sop) -> str:
    return line(sop.code(finding.code).line, dict(finding.values))


def received_well(documents: tuple[Document, ...], verdict: Verdict, sop: Sop) -> list[str]:
    """What need not be sent again: documents without any defect of their own."""
    bad = {f.file for f in verdict.findings if f.file and f.cls != "note"}
    incomplete = any(f.code.startswith("DATA-") and f.cls != "note" for f in verdict.findings)
    good = [d for d in documents if d.kind != "lain" and d.file not in bad and not d.problems]
    if incomplete:
        good = [d for d in good if d.kind != "data_personal"]
    return list(dict.fromkeys(f"{sop.kinds[d.kind]} ({safe(d.file)})" for d in good))
