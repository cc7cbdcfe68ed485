"""Raw mail -> Submission with its containers unpacked; the work of the limited child in which a mail is opened."""

from __future__ import annotations

import os
from dataclasses import replace

from mailbot.model import Submission
from mailbot.parsers import confined, containers, message

SAMPLE = b"""From: =?utf-8?q?Contoh?= <contoh@kantor.example>
To: lpse@kantor.example
Subject: =?utf-8?b?Q29udG9o?=
Date: Mon, 23 Nov 2026 08:00:00 +0700
Message-ID: <contoh@kantor.example>
References: <contoh.0@kantor.example>
Content-Type: multipart/mixed; boundary="batas"

--batas
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Terlampir: https://contoh.example/
--batas
Content-Type: application/pdf; name="contoh.pdf"
Content-Disposition: attachment; filename="contoh.pdf"
Content-Transfer-Encoding: base64

JVBERi0xLjQK
--batas--
"""


def opened(path: str, into: str, bare: bool = False) -> Submission:
    """The mail at `path`; its leaves lie in `into` under their hashes. `bare`: they are only described."""
    mail = message.read(path, into, bare=bare)
    return replace(mail, attachments=containers.expand(mail.attachments, into))


def rehearsed() -> None:
    """In the fork server for mails: what a first mail would make in every child (patterns, tables, imports) is made here."""
    sample = os.memfd_create("sample")
    try:
        os.write(sample, SAMPLE)
        confined.rehearse(opened, f"/proc/self/fd/{sample}", "", True)
    finally:
        os.close(sample)
