"""Commands of the office around the cases: papers of the SOP file, register, year end, archive."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mailbot import config
from mailbot.paper import guide
from mailbot.sop import Sop
from mailbot.work.forms import letterhead


def sop_papers(sop: Sop, settings: config.Settings, with_guide: bool, with_letter: bool, folder: Path | None) -> Iterator[str]:
    """What `sop check` prints; PDFs are written into `folder`."""
    office = config.office(settings, "")
    reach = guide.Reach(office.name, office.email, office.hours, office.address, office.phone)
    if with_guide:
        yield guide.guide_text(sop, reach, office.templates)
    if with_letter:
        yield guide.letter_text(sop, reach, office.templates)
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
        made = {"panduan-pemohon.pdf": guide.guide_pdf(sop, reach, letterhead(settings.office), office.templates),
                "surat-permohonan.pdf": guide.letter_pdf(sop, reach, office.templates)}  # fmt: skip
        for name, data in made.items():
            (folder / name).write_bytes(data)
            yield f"{folder / name}"
    if not (with_guide or with_letter):
        yield f"{sop.name}: {len(sop.codes)} reason codes, {len(sop.fields)} fields, {len(sop.roles)} roles: in order"
