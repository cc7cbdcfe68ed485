"""The requested persons of a mail: the same person joined over letter, forms, mail body and SK.

Each document is a reading of its own: where two of them give the same NIP, telephone or e-mail address, the value is
confirmed (`agreed`), as much as by the second engine. Values that differ are left to the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rapidfuzz import fuzz

from mailbot.model import BASIS_KINDS, FIELDS, Document, Found, Person
from mailbot.parsers import indonesian as ind
from mailbot.parsers.addresses import settled

CONFIRMED = ("nip", "telepon", "email")


def same_person(a: Person, b: Person) -> bool:
    """By NIP, else by name. Equal names with clearly different NIPs are two persons."""
    if a.nip.value and b.nip.value:
        if a.nip.value == b.nip.value:
            return True
        near = fuzz.ratio(a.nip.value, b.nip.value) >= 85.0  # a misread digit or two
        return near and _same_names(a, b)
    return _same_names(a, b)


def _same_names(a: Person, b: Person) -> bool:
    return bool(a.nama.value and b.nama.value and ind.same_name(a.nama.value, b.nama.value))


def _fill(person: Person, other: Person) -> Person:
    """Missing fields, role and action taken from another reading of the same person; values present are kept."""
    fields = {n: getattr(other, n) for n in FIELDS if getattr(person, n).value is None and getattr(other, n).value}
    return replace(
        person, **fields, peran=person.peran or other.peran, tindakan=person.tindakan or other.tindakan,
        kembali=person.kembali or (person.tindakan is None and other.kembali),
    )  # fmt: skip


def merge_same(persons: tuple[Person, ...]) -> tuple[Person, ...]:
    """The same person named twice becomes one, unless the two entries ask for different things."""
    out: list[Person] = []
    for person in persons:
        for i, known in enumerate(out):
            asks = {known.tindakan, person.tindakan} - {None}
            if same_person(known, person) and len(asks) <= 1:
                out[i] = _fill(known, person)
                break
        else:
            out.append(person)
    return tuple(out)


def join(documents: tuple[Document, ...], body_persons: tuple[Person, ...]) -> tuple[Person, ...]:
    """The requested persons: those of the letters and of the forms, else of the mail; gaps filled from all others.

    A value that differs in the SK does not replace the letter's: compare with `Document.persons`.
    """
    letters = [d for d in documents if d.kind == "surat_permohonan"]
    forms = [p for d in documents if d.kind == "data_personal" for p in d.persons]
    named = [p for p in body_persons if p.nip.value]
    asked = merge_same(tuple(p for d in letters for p in d.persons))
    # whoever has a form of data is asked for, also when the letter names only others; the rules then doubt
    more = [p for p in (*forms, *named) if p.nip.value and not any(same_person(p, a) for a in asked)]
    requested = merge_same((*asked, *more)) if asked else merge_same((*forms, *body_persons))
    basis = [p for d in documents if d.kind in BASIS_KINDS for p in d.persons]
    others = [*forms, *body_persons, *basis]
    everywhere = [p for d in documents if d.kind != "lain" for p in d.persons] + list(body_persons)
    return tuple(_confirmed(_complete(p, others, letters), everywhere) for p in requested)


def _complete(person: Person, others: Sequence[Person], letters: Sequence[Document]) -> Person:
    """What is missing, from the others. The action comes from the letter: an SK never asks for anything."""
    named = person.nama.value
    for other in others:
        if same_person(person, other):
            trusted = other
            if other.source in BASIS_KINDS:
                trusted = replace(other, tindakan=None, kembali=False, peran=None if letters else other.peran)
            person = _numbered(_ranked(_fill(person, trusted), trusted), trusted)
    for document in letters:
        person = _from_letter(person, document)
    return person if named else replace(person, email=settled(person.email, person.nama.value))


def _ranked(person: Person, other: Person) -> Person:
    """A golongan that could not be understood, or that two engines read differently, gives way to a better one."""
    own, theirs = person.pangkat_golongan, other.pangkat_golongan
    if not (own.value and theirs.value and ind.parse_golongan(theirs.value)):
        return person
    better = (theirs.agreed and own.agreed is False) or ind.torn_stroke(own.value, theirs.value)
    return person if ind.parse_golongan(own.value) and not better else replace(person, pangkat_golongan=theirs)


def _numbered(person: Person, other: Person) -> Person:
    """A NIP of which an engine could not read the end gives way to the whole one of another paper."""
    own, theirs = person.nip, other.nip
    whole = theirs.agreed and len(theirs.value or "") == 18
    begun = own.value and own.agreed is not True and 10 <= len(own.value) < 18
    return (
        replace(person, nip=theirs) if whole and begun and (theirs.value or "").startswith(own.value or "-") else person
    )


def _from_letter(person: Person, document: Document) -> Person:
    """Whom the letter does not name itself, it asks for all the same: its one role and one action count, not a form's title."""
    letter = document.letter
    apart = person.source not in ("surat_permohonan", "")
    role = letter.peran[0] if len(letter.peran) == 1 else None
    action = letter.tindakan[0] if len(letter.tindakan) == 1 else None
    peran = (role or person.peran) if apart else (person.peran or role)
    tindakan = (action or person.tindakan) if apart else (person.tindakan or action)
    kembali = person.kembali or (tindakan == "pengaktifan" and letter.kembali)
    return replace(person, peran=peran, tindakan=tindakan, kembali=kembali, source=person.source or document.kind)


def _confirmed(person: Person, everywhere: Sequence[Person]) -> Person:
    """Values that another document gives as well."""
    same = [p for p in everywhere if same_person(person, p)]
    changed = {
        n: replace(f, agreed=True)
        for n in CONFIRMED
        if (f := getattr(person, n)).value and _again(f, [getattr(p, n) for p in same])
    }
    return replace(person, **changed) if changed else person


def _again(found: Found, others: Sequence[Found]) -> bool:
    return any(o.value == found.value and (o.file, o.page) != (found.file, found.page) for o in others)
