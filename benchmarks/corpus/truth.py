"""What a corpus mail is meant to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from benchmarks.corpus.people import Someone
from mailbot.model import FIELDS


@dataclass(frozen=True, slots=True)
class TruePerson:
    """A requested person; `absent` names fields that the mail does not give."""

    who: Someone
    role: str
    action: str
    absent: frozenset[str] = frozenset()

    def value(self, name: str) -> str | None:
        if name in self.absent:
            return None
        return self.who.golongan if name == "pangkat_golongan" else str(getattr(self.who, name))

    def fields(self) -> dict[str, str | None]:
        return {name: self.value(name) for name in FIELDS}


@dataclass(frozen=True, slots=True)
class TruePaper:
    """One document: the pages (from 1) of a file; `marks` are the marks that can be seen on it."""

    file: str
    pages: tuple[int, ...]
    kind: str
    marks: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class CorpusMail:
    """`verdict`: what the SOP says; `also`: decisions that are no error either. `codes`: findings that must be there."""

    name: str
    scenario: str
    degrade: str
    data: bytes = field(repr=False)
    verdict: str
    also: frozenset[str]
    codes: frozenset[str]
    persons: Sequence[TruePerson]
    papers: Sequence[TruePaper]

    @property
    def accepted(self) -> frozenset[str]:
        return self.also | {self.verdict}
