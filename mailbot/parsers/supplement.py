"""Data that an answer gives in plain words ("No. HP: ...") for the one person of an earlier round (A-12). Pure."""

from __future__ import annotations

import datetime as dt

from mailbot.model import FIELDS, Found, Person
from mailbot.parsers import labels, office, values
from mailbot.parsers.values import Place


def said(body: str, today: dt.date) -> dict[str, Found]:
    """Labelled values of a mail body; a field that is said twice differently is not taken."""
    page = office.text_page(body)
    found: dict[str, list[Found]] = {}
    for line in page.lines:
        labelled = labels.split(line)
        if labelled and labelled.field in FIELDS and labelled.words:
            value = values.found(labelled.field, labelled.words, Place(page, "badan email", today))
            found.setdefault(labelled.field, []).append(value)
    return {name: some[0] for name, some in found.items() if some[0].value and len({f.value for f in some}) == 1}


def completed(people: tuple[Person, ...], body: str, today: dt.date) -> tuple[Person, ...]:
    """Fills what is missing of a single person; of several, nobody could say whom the answer means."""
    if len(people) != 1:
        return people
    (one,) = people
    new = {name: value for name, value in said(body, today).items() if not getattr(one, name).value}
    return (_with(one, new),)


def _with(person: Person, new: dict[str, Found]) -> Person:
    values_ = {name: new.get(name, value) for name, value in person.fields()}
    return Person(**values_, peran=person.peran, tindakan=person.tindakan, kembali=person.kembali, source=person.source)
