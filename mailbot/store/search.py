"""Finding cases by any of their words: FTS5 on SQLite, tsvector on PostgreSQL.

The index is derived data: it is made beside the tables when the store opens, kept with each change of a case, and can be
thrown away and rebuilt at any time (`rebuild`). It holds numbers, names, NIPs, letter numbers, senders, mail and page texts.
"""

from __future__ import annotations

import json
import re
import unicodedata

from sqlalchemy import Connection, Engine, inspect, select, text

from mailbot.store import tables as t

TURN = 771_002  # one host at a time makes the index
LONGEST = 200_000  # characters of one case
SQLITE = "CREATE VIRTUAL TABLE IF NOT EXISTS case_text USING fts5(words, tokenize = 'unicode61 remove_diacritics 2')"
POSTGRES = (
    "CREATE TABLE IF NOT EXISTS case_text (rowid integer PRIMARY KEY, words tsvector NOT NULL)",
    "CREATE INDEX IF NOT EXISTS case_text_words ON case_text USING gin (words)",
)
_PUT = {
    "sqlite": text("INSERT OR REPLACE INTO case_text (rowid, words) VALUES (:id, :words)"),
    "postgresql": text(
        "INSERT INTO case_text (rowid, words) VALUES (:id, to_tsvector('simple', :words)) "
        "ON CONFLICT (rowid) DO UPDATE SET words = excluded.words"
    ),
}
NIP = 18  # digits
# newest cases that are looked through for each one that is wanted, before the index is asked
NEAR = {"sqlite": 10, "postgresql": 60}
TOKEN = re.compile(r"[^\W_]+")


def prepare(engine: Engine) -> None:
    """Makes the index where it is missing, and fills it with what is there already."""
    with engine.connect() as tx:
        if inspect(tx).has_table("case_text"):
            return
    with engine.begin() as tx:
        if tx.dialect.name == "postgresql":
            tx.execute(text("SELECT pg_advisory_xact_lock(:turn)"), {"turn": TURN})
        for statement in (SQLITE,) if tx.dialect.name == "sqlite" else POSTGRES:
            tx.execute(text(statement))
        rebuild(tx)


def rebuild(tx: Connection) -> int:
    """Indexes every case anew; how many."""
    tx.execute(text("DELETE FROM case_text"))
    ids = list(tx.scalars(select(t.case_file.c.id)))
    for case_id in ids:
        refresh(tx, case_id)
    return len(ids)


def refresh(tx: Connection, case_id: int) -> None:
    """Brings the words of one case up to date; in the transaction that changed it."""
    put(tx, case_id, words_of(tx, case_id))


def put(tx: Connection, case_id: int, words: str) -> None:
    tx.execute(_PUT[tx.dialect.name], {"id": case_id, "words": plain(words)})


def plain(words: str) -> str:
    """Both databases must cut words alike."""
    return " ".join(cut(words))[:LONGEST]


def cut(words: str) -> list[str]:
    """Words of letters and digits, in lower case, without accents."""
    if not words.isascii():
        words = "".join(c for c in unicodedata.normalize("NFKD", words) if not unicodedata.combining(c))
    return TOKEN.findall(words.lower())


def words_of(tx: Connection, case_id: int) -> str:
    row = tx.execute(select(t.case_file).where(t.case_file.c.id == case_id)).one()
    parts = [
        row.number,
        row.subject,
        row.requester,
        row.requester_name,
        row.ticket,
        row.letter_number,
        row.instansi,
        row.persons,
    ]
    for person in tx.execute(
        select(t.case_person.c.nip, t.case_person.c.person).where(t.case_person.c.case_id == case_id)
    ):
        parts += [person.nip, _person_words(person.person)]
    query = select(t.message.c.sender, t.message.c.subject, t.message.c.evidence).where(t.message.c.case_id == case_id)
    for mail in tx.execute(query.order_by(t.message.c.id.desc())):
        parts += [mail.sender or "", mail.subject, *_evidence_words(mail.evidence)]
    return "\n".join(parts)


def _person_words(person: str) -> str:
    found = json.loads(person)
    return " ".join(str(v.get("value") or "") for v in found.values() if isinstance(v, dict))


def _evidence_words(evidence: str | None) -> list[str]:
    if not evidence:
        return []
    found = json.loads(evidence)
    return [found.get("body", ""), *(page[2] for page in found.get("texts", ()))]


def ids(tx: Connection, typed: str, limit: int = 40, offset: int = 0) -> list[int]:
    """Cases with all typed words, newest first; the last word may be the beginning of one, but a whole NIP is one already."""
    tokens = cut(typed)[:12]
    if not tokens:
        return []
    whole = len(tokens[-1]) == NIP and tokens[-1].isdigit()
    sqlite = tx.dialect.name == "sqlite"
    near, index, asked = (_fts5 if sqlite else _tsvector)(tokens, whole)
    page = {"limit": limit, "offset": offset}
    if not (sqlite and whole):  # which reads whole words from the newest on by itself
        span = NEAR[tx.dialect.name] * (offset + limit)
        first = int(tx.scalar(text("SELECT max(rowid) FROM case_text")) or 0) - span
        found = list(tx.scalars(text(near), {**asked, **page, "first": first}))
        if len(found) == limit or first <= 0:
            return found
    return list(tx.scalars(text(index), {**asked, **page}))


# Where a word is common, its page is among the newest cases and they are looked through one by one; words that do not fill a page
# there are rare, and the index is quick. Asked at once, FTS5 gathers all cases with any word that begins so before it gives the
# first, and PostgreSQL's planner takes a word that it does not know for a common one and reads the table backwards (hence `+ 0`).
Queries = tuple[str, str, dict[str, str]]  # of the newest cases, of the index, and what both ask for
_NEAR = "SELECT rowid FROM case_text WHERE rowid > :first AND {} ORDER BY rowid DESC LIMIT :limit OFFSET :offset"
_INDEX = "SELECT rowid FROM case_text WHERE {} ORDER BY {} DESC LIMIT :limit OFFSET :offset"


def _fts5(tokens: list[str], whole: bool) -> Queries:
    phrase = " AND ".join(f'"{w}"' for w in tokens) + ("" if whole else "*")
    texts = {f"w{n}": f" {w} " for n, w in enumerate(tokens)}
    if not whole:
        texts[f"w{len(tokens) - 1}"] = f" {tokens[-1]}"
    contains = " AND ".join(f"instr(' ' || words || ' ', :{name})" for name in texts)
    return _NEAR.format(contains), _INDEX.format("case_text MATCH :q", "rowid"), {"q": phrase, **texts}


def _tsvector(tokens: list[str], whole: bool) -> Queries:
    phrase = " & ".join(tokens) + ("" if whole else ":*")
    words = "words @@ to_tsquery('simple', :q)"
    return _NEAR.format(words), _INDEX.format(words, "rowid + 0"), {"q": phrase}
