"""The requester's guide and a blank letter, made from the SOP file, so that they never say something else than the check does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mailbot.paper import Kop, logo_of, page, pdf
from mailbot.sop import ACTIONS, LETTER, Need, Sop

SPOKEN = {"pengaktifan": "Pengaktifan", "penonaktifan": "Penonaktifan"}


@dataclass(frozen=True, slots=True)
class Block:
    """What some requests need: `whom` in words, the documents and personal data in the SOP's own labels."""

    whom: str
    documents: tuple[str, ...]
    basis: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reach:
    """How an office is reached, for the guide."""

    name: str
    email: str
    hours: str
    address: str = ""
    phone: str = ""


def blocks(sop: Sop) -> tuple[Block, ...]:
    """One block per different need; requests with the same need share it."""
    found: dict[Need, list[tuple[str, str]]] = {}
    for role in sop.roles:
        for action in ACTIONS:
            found.setdefault(sop.need(role, action), []).append((role, action))
    return tuple(
        Block(_whom(sop, asked), _labels(sop, need.documents), _labels(sop, need.basis), _fields(sop, need))
        for need, asked in found.items()
    )


def _whom(sop: Sop, asked: list[tuple[str, str]]) -> str:
    if len(asked) == len(sop.roles) * len(ACTIONS):
        return "Semua permohonan"
    return "; ".join(f"{SPOKEN[action]} {sop.roles[role]}" for role, action in asked)


def _labels(sop: Sop, kinds: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sop.kinds[kind] for kind in kinds)


def _fields(sop: Sop, need: Need) -> tuple[str, ...]:
    return tuple(sop.fields[name] for name in need.fields)


def _values(sop: Sop, reach: Reach, kop: Kop) -> dict[str, object]:
    minutes = {
        "periksa": "Pemeriksaan kelengkapan",
        "tindak_lanjut": "Tindak lanjut oleh Admin Agency",
        "pemberitahuan": "Pemberitahuan hasil",
    }
    limits = [(label, sop.limits[key]) for key, label in minutes.items()]
    letter = any(LETTER in block_need.documents for block_need in (sop.need(r, a) for r in sop.roles for a in ACTIONS))
    return {"sop": sop, "blok": blocks(sop), "kantor": reach, "kop": kop, "batas": limits, "surat": letter,
            "tujuan": f"Kepala {reach.name}", "tindakan": tuple(SPOKEN.values())}  # fmt: skip


def guide_text(sop: Sop, reach: Reach, override: Path | None = None) -> str:
    return page("panduan.txt", _values(sop, reach, Kop(())), override)


def guide_pdf(sop: Sop, reach: Reach, kop: Kop, override: Path | None = None) -> bytes:
    return pdf(page("panduan.html", _values(sop, reach, kop), override), logo_of(kop))


def letter_text(sop: Sop, reach: Reach, override: Path | None = None) -> str:
    return page("surat.txt", _values(sop, reach, Kop(())), override)


def letter_pdf(sop: Sop, reach: Reach, override: Path | None = None) -> bytes:
    """The requester's office puts its own letterhead on it, so it carries none of ours."""
    return pdf(page("surat.html", _values(sop, reach, Kop(())), override))
