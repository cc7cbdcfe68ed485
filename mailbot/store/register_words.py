"""The register by its words, the same on both databases: an index with a row for each word of a right, in the order of the names.

A page is read from the rows of its rarest word until it is full, so that an office costs the same however many rights it had. A
beginning stands for the few words that begin so. Where it is too short for that, the first names of the register are looked through;
what does not fill a page there is rare enough to be put in order.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, FromClause, and_, exists, func, select, text, union

from mailbot.store import search
from mailbot.store import tables as t

LONGEST = 60  # characters of a word that count
END = "\U0010ffff"  # sorts behind every letter and digit
FEW = 12  # words that a beginning may stand for
NEAR = 10  # rights looked through, by name, for each one that is wanted
MANY = 2000  # rights with a word are counted up to here
_BEGUN = text("""WITH RECURSIVE begun (word) AS (
    SELECT min(word) FROM access_word WHERE status = :status AND word >= :first AND word < :last UNION ALL
    SELECT (SELECT min(word) FROM access_word WHERE status = :status AND word > begun.word AND word < :last) FROM begun
    WHERE begun.word IS NOT NULL) SELECT word FROM begun WHERE word IS NOT NULL LIMIT :few""")


def put(tx: Connection, access_id: int, status: str, nama: str, more: tuple[str, ...]) -> None:
    """Brings the words of one right up to date; in the transaction that changed it."""
    tx.execute(t.access_word.delete().where(t.access_word.c.access_id == access_id))
    same = {"access_id": access_id, "status": status, "nama": nama}
    words = {word[:LONGEST] for word in search.cut(" ".join((nama, *more)))}
    if words:
        tx.execute(t.access_word.insert(), [{"word": word, **same} for word in sorted(words)])


@dataclass(frozen=True, slots=True)
class _Page:
    status: str
    until: str
    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class _Word:
    """One of the listed words, or any that begins so."""

    listed: tuple[str, ...]
    begins: str = ""

    def among(self, words: FromClause) -> ColumnElement[bool]:
        if self.begins:
            return and_(words.c.word >= self.begins, words.c.word < self.begins + END)
        return words.c.word.in_(self.listed)

    def beside(self, status: str, some: FromClause) -> ColumnElement[bool]:
        """A right of `some` (id, nama) has it too."""
        words = t.access_word.alias()
        same = words.c.access_id == some.c.id
        if self.listed:  # by the name: in the index the rows of a word lie in its order, in which those of `some` come
            same = and_(words.c.status == status, words.c.nama == some.c.nama, words.c.access_id + 0 == some.c.id)
        has = select(words.c.access_id).where(same, self.among(words)).offset(0)  # it keeps PostgreSQL from a join
        return has.exists()


def found(tx: Connection, status: str, typed: str, until: str, offset: int, limit: int) -> list[int]:
    """The rights of a page: all typed words, the last may be a beginning; a NIP may be typed in groups."""
    page = _Page(status, until, offset, limit)
    words = _typed(tx, status, typed)
    if not words or not all(word.listed or word.begins for word in words):
        return []
    rarest, *others = _rarest_first(tx, status, words)
    if rarest.listed:
        return _read(tx, _of_words(page, rarest.listed, others), [], page)
    near = _read(tx, _first_names(page), [rarest, *others], page)
    return near if len(near) == limit else _read(tx, _begun(page, rarest), others, page)


def _typed(tx: Connection, status: str, typed: str) -> list[_Word]:
    words = [word[:LONGEST] for word in search.cut(typed)]
    if not words:
        return []
    if "".join(words).isdigit() and sum(map(len, words)) == search.NIP:
        return [_Word(("".join(words),))]
    span = {"status": status, "first": words[-1], "last": words[-1] + END, "few": FEW + 1}
    begun = tuple(tx.scalars(_BEGUN, span))
    last = _Word(begun) if len(begun) <= FEW else _Word((), words[-1])
    return [*(_Word((word,)) for word in words[:-1]), last]


def _rarest_first(tx: Connection, status: str, words: list[_Word]) -> list[_Word]:
    """Of common words the one typed last, which says more than the first ("dinas kesehatan"), but no beginning."""
    if len(words) == 1:
        return words
    return sorted(reversed(words), key=lambda word: (_frequency(tx, status, word), word.begins))


def _frequency(tx: Connection, status: str, word: _Word) -> int:
    rows = t.access_word.c
    some = select(rows.access_id).where(rows.status == status, word.among(t.access_word))
    some = some.order_by(rows.word, rows.nama, rows.access_id).limit(
        MANY
    )  # from the index, whatever the planner believes
    return int(tx.scalar(select(func.count()).select_from(some.subquery())) or 0)


# ------------------------------------------------------------------ rights as (id, nama), and those of them that a page shows


def _of_words(page: _Page, listed: tuple[str, ...], others: list[_Word]) -> FromClause:
    """The first of each word; a right may have several of them."""
    each = []
    for word in listed:
        some = _rows(page.status, _Word((word,)))
        query = select(some.c.id, some.c.nama).where(*_conditions(page, others, some))
        each.append(select(query.order_by(some.c.nama, some.c.id).limit(page.offset + page.limit).subquery()))
    return union(*each).subquery()


def _first_names(page: _Page) -> FromClause:
    right = t.access_right.c
    query = select(right.id, right.nama).where(right.status == page.status).order_by(right.nama, right.id)
    return query.limit(NEAR * (page.offset + page.limit)).subquery()


def _begun(page: _Page, word: _Word) -> FromClause:
    some = _rows(page.status, word)
    return select(some).distinct().subquery()


def _rows(status: str, word: _Word) -> FromClause:
    words = t.access_word.alias()
    query = select(words.c.access_id.label("id"), words.c.nama)
    return query.where(words.c.status == status, word.among(words)).subquery()


def _conditions(page: _Page, words: list[_Word], some: FromClause) -> list[ColumnElement[bool]]:
    found = [word.beside(page.status, some) for word in words]
    if page.until:
        found.append(exists().where(t.access_right.c.id == some.c.id, t.access_right.c.valid_until <= page.until))
    return found


def _read(tx: Connection, some: FromClause, words: list[_Word], page: _Page) -> list[int]:
    query = select(some.c.id).where(*_conditions(page, words, some)).order_by(some.c.nama, some.c.id)
    return list(tx.scalars(query.offset(page.offset).limit(page.limit)))
