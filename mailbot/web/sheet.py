"""Everything that one case page shows, gathered in one consistent view of the database."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from starlette.exceptions import HTTPException

from mailbot.model import Case, CasePerson, Document, Evidence, Found, Person, Verdict
from mailbot.parsers.picture import PICTURED
from mailbot.sop import case
from mailbot.store import Connection, access, cases, chain, mails, outbox, steps
from mailbot.web.visit import Visit
from mailbot.work import World, agency, desk


@dataclass(frozen=True, slots=True)
class PageOf:
    """One page of one attachment that can be looked at."""

    attachment: int
    name: str
    number: int
    kind: str
    round: int

    @property
    def key(self) -> str:
        return f"{self.attachment}-{self.number}"


@dataclass(frozen=True, slots=True)
class Place:
    """A box on a page. `name`: the field or mark it belongs to; `tone`: doubt, sure or mark."""

    name: str
    label: str
    page: str
    box: tuple[float, float, float, float]
    tone: str


@dataclass(frozen=True, slots=True)
class Datum:
    """One field of a person as the page asks about it. `doubt`: why somebody should look; `others`: (source, value)."""

    name: str
    label: str
    value: str
    doubt: str
    others: tuple[tuple[str, str], ...]
    place: Place | None
    corrected: str


@dataclass(frozen=True)
class Sheet:
    row: Any
    case: Case
    attachments: list[Any]
    evidence: Evidence
    verdict: Verdict
    people: list[CasePerson]
    mails: list[Any]
    earlier: tuple[Document, ...]
    events: list[Any]
    sent: list[Any]
    steps: list[Any]
    verifications: list[Any]
    actions: tuple[str, ...]

    def attachment_of(self, file: str | None, sha256: str = "") -> int | None:
        """The newest attachment with these bytes, or of this name."""
        same = [a for a in self.attachments if (sha256 and a.sha256 == sha256) or (not sha256 and a.name == file)]
        return int(same[-1].id) if same else None


def case_row(visit: Visit, tx: Connection, number: str) -> Any:
    """The only door to a case: it exists, and this role may see it; else 404, so that nobody can probe numbers."""
    found = cases.with_number(tx, number)
    if found is None or not may_see(tx, visit.user.role, found.id):
        raise HTTPException(404)
    return cases.row(tx, found.id)


def may_see(tx: Connection, role: str, case_id: int) -> bool:
    """Admin Agency sees what came to it; the system's administrator sees no case at all."""
    if role == "admin_agency":
        return bool(steps.reached(tx, [case_id], "T6"))
    return role in ("helpdesk", "supervisor")


def gather(visit: Visit, tx: Connection, number: str) -> Sheet:
    row = case_row(visit, tx, number)
    found = cases.get(tx, row.id)
    evidence, verdict = desk.latest(tx, row.id)
    messages = mails.of_case(tx, row.id)
    earlier = (
        tuple(d for m in messages if m.evidence for d in mails.EVIDENCE.validate_json(m.evidence).documents)
        if len(messages) > 1
        else ()
    )
    return Sheet(
        row, found, mails.attachments(tx, row.id), evidence, verdict, cases.persons(tx, row.id), messages, earlier,
        chain.events(tx, row.id), outbox.of_case(tx, row.id), steps.of_case(tx, row.id), cases.verifications(tx, row.id),
        case.allowed(found.state, visit.user.role))  # fmt: skip


# ------------------------------------------------------------------ pages and places


def pages(sheet: Sheet, kinds: dict[str, str]) -> list[PageOf]:
    """All pages that can be shown: those of the newest documents first, then of earlier copies."""
    found: dict[str, PageOf] = {}
    types = {a.id: a for a in sheet.attachments}
    for document in (*sheet.evidence.documents, *sheet.earlier):
        attachment = sheet.attachment_of(document.file, document.sha256)
        if attachment is None or types[attachment].type not in PICTURED:
            continue
        for number in document.pages:
            page = PageOf(attachment, document.file, number, kinds.get(document.kind, document.kind), document.round)
            found.setdefault(page.key, page)
    return list(found.values())


def place_of(sheet: Sheet, name: str, label: str, found: Found, tone: str) -> Place | None:
    if not found.box or not found.page:
        return None
    attachment = sheet.attachment_of(found.file)
    return Place(name, label, f"{attachment}-{found.page}", found.box, tone) if attachment else None


def mark_place(sheet: Sheet, document: Document, name: str, label: str) -> Place | None:
    mark, attachment = getattr(document, name), sheet.attachment_of(document.file, document.sha256)
    if mark.box is None or mark.page is None or attachment is None:
        return None
    return Place(name, label, f"{attachment}-{mark.page}", mark.box, "mark" if mark.state == "seen" else "doubt")


# ------------------------------------------------------------------ one person


def data_of(world: World, tx: Connection, sheet: Sheet, one: CasePerson) -> list[Datum]:
    """The eight fields with what else is known about them; doubtful ones say why."""
    rights = access.of_nip(tx, one.person.nip.value) if one.person.nip.value else []
    papers = [(world.sop.kinds[d.kind], twin) for d in sheet.evidence.documents if d.kind in world.sop.basis
              for twin in d.persons if _same(twin, one.person)]  # fmt: skip
    notes = cases.corrections(tx, one.id)
    return [
        _datum(world, sheet, one, name, rights, papers, notes.get(name))
        for name in one.person.__dataclass_fields__
        if name in world.sop.fields
    ]


def _same(a: Person, b: Person) -> bool:
    return bool((a.nip.value and a.nip.value == b.nip.value) or (a.nama.value and a.nama.value == b.nama.value))


def _datum(world: World, sheet: Sheet, one: CasePerson, name: str, rights: list[Any], papers: list[tuple[str, Person]],
           note: list[str] | None) -> Datum:  # fmt: skip
    found: Found = getattr(one.person, name)
    others = []
    if found.second and found.agreed is False:
        others.append(("Pembacaan kedua", found.second))
    others += [(kind, v) for kind, twin in papers if (v := getattr(twin, name).value) and v != found.value]
    if rights and name in ("nama", "instansi", "email", "telepon"):
        registered = getattr(rights[0], name)
        others += [("Register", registered)] if registered and registered.lower() != (found.value or "").lower() else []
    doubt = _doubt(sheet, one, name, found, dict(others))
    place = place_of(sheet, name, world.sop.fields[name], found, "doubt" if doubt else "sure")
    corrected = f"Diperbaiki {note[1]}; terbaca semula: {note[0] or '–'}" if note else ""
    return Datum(name, world.sop.fields[name], found.value or "", doubt, tuple(dict.fromkeys(others)), place, corrected)


def _doubt(sheet: Sheet, one: CasePerson, name: str, found: Found, others: dict[str, str]) -> str:
    if name in one.corrected:
        return ""
    code = f"DATA-{name.upper().replace('_', '-')}"
    for finding in sheet.verdict.findings:
        if (
            finding.about in (one.person.key, one.person.nama.value)
            and finding.code.startswith(code)
            and finding.cls != "note"
        ):
            return "perlu diperiksa" if found.value else "belum ditemukan"
    if not found.value:
        return "belum ditemukan"
    if found.agreed is False:
        return "dua pembacaan berbeda"
    if name == "email" and "Register" in others:
        return "berbeda dengan register"
    return "kurang jelas terbaca" if found.confidence < 0.6 else ""


def obstacle(world: World, tx: Connection, sheet: Sheet, one: CasePerson) -> str:
    """What must be recorded before Admin Agency may act for this person."""
    return agency.why_not(world, tx, sheet.case, one) or ""
