"""What a paper says of itself: number, date, subject, addressee, office, signer, budget year, validity, roles, actions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mailbot.model import BASIS_KINDS, FIELDS, MISSING, Found, Letter, Line, PageReading, Role, Word, union
from mailbot.parsers import asking, grids, kinds, labels
from mailbot.parsers import context as ctx
from mailbot.parsers import indonesian as ind
from mailbot.parsers.labels import text_of

Head = Sequence[tuple[Line, int]]
HEAD_LINES = 28
NUMBER = re.compile(r"^\W*(?:nomor|nomer|no\.?|n\s?o\s?m\s?o\s?r)\b[\W_]*(.*)$", re.I)
STOP = re.compile(r"^\W*(?:menimbang|mengingat|dasar|membaca|memperhatikan)\b", re.I)
OPENING = re.compile(
    r"sehubungan|dengan\s+ini|dengan\s+hormat|bersama\s+ini|menindaklanjuti|berdasarkan|memperhatikan\b|dalam\s+rangka|memenuhi|disampaikan",
    re.I,
)
OFFICE = re.compile(r"^\W*(?:dinas|badan|kecamatan|sekretariat|inspektorat|kantor|satuan\s+polisi|rumah\s+sakit|rsud|bagian|upt|uptd|puskesmas|kelurahan|unit\s+kerja"
                    r"|direktorat|balai|dprd|lembaga)\b", re.I)  # fmt: skip
GAP = 0.05  # of the page's width: what stands behind such a gap belongs to another column


def of(file: str, pages: list[PageReading], kind: str, text: str) -> Letter:
    head = [(line, pages[0].number) for line in pages[0].lines]
    until = next((i for i, (line, _) in enumerate(head) if STOP.match(line.text)), len(head))
    head = head[: max(until, 6)]
    subject = _subject(file, head)
    asked = asking.actions(subject.value or "")
    body = asking.actions(_body(text))
    tail = _ruling(text) if kind in BASIS_KINDS else text
    end = ind.berlaku_sampai(tail) or ind.berlaku_sampai(text)
    return Letter(
        nomor=number(file, head),
        tanggal=_date(file, pages, head, kind),
        perihal=subject,
        tujuan=_addressee(file, head),
        instansi=_office(file, head),
        penandatangan=_signer(file, pages),
        tahun_anggaran=_year(kind, head, text),
        berlaku_sampai=end.isoformat() if end else None,
        peran=_roles(kind, head, subject.value or "", text),
        tindakan=asked.actions or body.actions,
        kembali=asked.kembali or (not asked.actions and body.kembali),
        placeholders=ind.placeholders(text),
    )


def _body(text: str) -> str:
    """The running text in one line, so that a phrase broken over two lines is found."""
    return " ".join(text.split())


def _ruling(text: str) -> str:
    """From the ruling on: what stands before it cites other papers."""
    found = kinds.RULING.search(text) or kinds.ORDERING.search(text)
    return text[found.start() :] if found else text


def _title(head: Head) -> str:
    """What a decree is about: from TENTANG to the authority's line or to the considerations."""
    texts = [ind.plain(line.text) for line, _ in head]
    at = next((i for i, t in enumerate(texts[:HEAD_LINES]) if re.match(r"\W*TENTANG\b", t)), None)
    if at is None:
        titled = next((i for i, t in enumerate(texts[:HEAD_LINES]) if kinds.title_of(t) in BASIS_KINDS), None)
        return " ".join(texts[titled : titled + 2]) if titled is not None else ""
    return " ".join(texts[at : at + 6])


def _year(kind: str, head: Head, text: str) -> int | None:
    """The budget year: of a decree that of its title or ruling, before one that is only cited."""
    if kind not in BASIS_KINDS:
        return ind.tahun_anggaran(text)
    title = _title(head)
    plain = re.search(r"\bTAHUN\s{1,3}(20\d{2})\b", re.sub(r"NOMOR\s.{1,30}?TAHUN\s{1,3}\d{4}", " ", title))
    return (
        ind.tahun_anggaran(title)
        or ind.tahun_anggaran(_ruling(text))
        or (int(plain.group(1)) if plain else None)
        or ind.tahun_anggaran(text)
    )


def _roles(kind: str, head: Head, subject: str, text: str) -> tuple[Role, ...]:
    """The roles that the paper is about: its title or subject before its text."""
    if kind in BASIS_KINDS:
        return asking.roles(_title(head)) or asking.roles(_body(_ruling(text))) or asking.roles(_body(text))
    return asking.roles(subject) or asking.roles(_body(text))


# ------------------------------------------------------------------ single facts


def _found(file: str, page: int, words: Sequence[Word], value: str | None) -> Found:
    if not value or not words:
        return MISSING
    confidence = sum(w.confidence for w in words) / len(words)
    return Found(value, " ".join(w.text for w in words), confidence, file, page, union(tuple(w.box for w in words)))


def before_gap(words: Sequence[Word]) -> tuple[Word, ...]:
    """Words up to the first wide gap behind the second word: the right column of a letter's head is something else."""
    out: list[Word] = []
    for word in words:
        if len(out) > 0 and word.box[0] - out[-1].box[2] > GAP and not labels.SEPARATOR.match(out[-1].text):
            break
        out.append(word)
    return tuple(out)


def _value_words(line: Line) -> tuple[Word, ...]:
    """The words behind the label of a head line ("Nomor :", "Hal :")."""
    words = line.words[1:]
    while words and not re.search(r"[^\W_]|\$", words[0].text):
        words = words[1:]
    first = line.words[0].text
    cut = re.search(r"[:;]\s*(\S.*)$", first)
    if cut:  # "Nomor:440/1"
        words = (Word(cut.group(1), line.words[0].box, line.words[0].confidence), *words)
    return before_gap(words)


def number(file: str, head: Head) -> Found:
    """The number of the paper itself: never one of those that it cites."""
    for line, page in head[:HEAD_LINES]:
        m = NUMBER.match(line.text)
        if m and (value := ind.clean_number(text_of(_value_words(line))) or ind.clean_number(m.group(1))):
            return _found(file, page, line.words, value)
        if OPENING.search(line.text) and len(line.text.split()) > 6:
            break
    return MISSING


def _date(file: str, pages: Sequence[PageReading], head: Head, kind: str) -> Found:
    """Of a letter at its head, else above the signature; an SK dates itself behind "Ditetapkan di ... pada tanggal"."""
    lines = [(line, p.number) for p in pages for line in p.lines]
    if kind in BASIS_KINDS:
        # a ruling speaks of dates too ("berlaku pada tanggal ..."): the closing formula stands at the start of a line
        opened = [i for formula in (kinds.PLACE_AND_DATE.match, kinds.DATED.search)
                  for i, (line, _) in enumerate(lines) if formula(line.text)]  # fmt: skip
        found = _first_date(file, lines[opened[0] : opened[0] + 6]) if opened else MISSING
        return (
            found
            if found.value
            else _first_date(file, [x for x in lines[:-20:-1] if not ind.berlaku_sampai(x[0].text)])
        )
    until = next(
        (i for i, (line, _) in enumerate(head) if OPENING.search(line.text) and len(line.text.split()) > 4), len(head)
    )
    closing = next((i for i, (line, _) in enumerate(lines) if ctx.CLOSING.match(line.text)), len(lines))
    found = _first_date(file, head[:until])
    return found if found.value else _first_date(file, lines[closing : closing + 8])


def _first_date(file: str, lines: Head) -> Found:
    for line, page in lines:
        if day := ind.parse_date(line.text):
            return _found(file, page, line.words, day.isoformat())
    return MISSING


def _subject(file: str, head: Head) -> Found:
    for i, (line, page) in enumerate(head[:HEAD_LINES]):
        m = kinds.SUBJECT.match(line.text)
        if not m or not m.group(1) or re.match(r"^\W*(?:dalam\s+hal|hal\.?\s*\d)", line.text, re.I):
            continue
        words = list(_value_words(line))
        if not words:
            continue
        left = words[0].box[0]
        for more, _ in head[i + 1 : i + 4]:
            wrapped = before_gap([w for w in more.words if w.box[0] > left - 0.02])
            if (
                len(wrapped) == 0
                or abs(wrapped[0].box[0] - left) > 0.03
                or kinds.YTH.search(more.text)
                or NUMBER.match(more.text)
                or OPENING.search(more.text)
            ):
                break
            words += wrapped
        return _found(file, page, words, text_of(tuple(words)).strip(" :;."))
    return MISSING


def _addressee(file: str, head: Head) -> Found:
    """From "Yth." or "Kepada" on, in its own column, up to the place or the opening."""
    for i, (line, page) in enumerate(head[:HEAD_LINES]):
        at = next((k for k, w in enumerate(line.words) if re.match(r"\W*(?:yth|kepada)\b", w.text, re.I)), None)
        if at is None or (OPENING.search(line.text) and len(line.words) > 8):
            continue
        left = line.words[at].box[0] - 0.04
        words = list(line.words[at + 1 :])
        last = line
        for more, _ in head[i + 1 : i + 6]:
            column = [w for w in more.words if w.box[0] >= left]
            text = " ".join(w.text for w in column)
            far = more.box[1] - last.box[1] > 2.6 * (last.box[3] - last.box[1])
            if not column or far or OPENING.search(more.text) or ctx.HEADER.match(text) or len(text) > 75:
                break
            if re.match(r"\W*di\b", text, re.I):
                break
            words += column
            last = more
        text = re.sub(r"^(?:[\W_]|yth\b|kepada\b)+", "", " ".join(w.text for w in words), flags=re.I)
        text = re.split(r"\s+di\s*[-–]?\s*(?:$|t\s?e\s?m\s?p\s?a\s?t\b)", text, maxsplit=1, flags=re.I)[0]
        return _found(file, page, words, text[:160].strip())
    return MISSING


def _office(file: str, head: Head) -> Found:
    """The office of the letterhead."""
    under, best = False, MISSING
    for line, page in head[:7]:
        text = line.text.strip()
        at = next(
            (k for k in range(min(3, len(line.words))) if OFFICE.match(" ".join(w.text for w in line.words[k:]))), None
        )
        if at is None and under and len(re.findall(r"[A-Z]{4,}", text)) >= 2:
            at = 0
        if at is not None and not re.search(r"\d{4}|telp|telepon|@|\bjl\b|jalan", text, re.I):
            best = _found(file, page, line.words[at:], " ".join(w.text for w in line.words[at:]).strip(" |_~.,;:—–-"))
        elif best.value:
            break
        under = not best.value and bool(re.search(r"PEMERINTAH|KEMENTERIAN|KABUPATEN|PROVINSI", text))
    return best


def _signer(file: str, pages: Sequence[PageReading]) -> Found:
    """The name above the last NIP that stands alone near the end of the paper."""
    for page in reversed(pages):
        lines = page.lines
        for i in range(len(lines) - 1, max(len(lines) - 16, 0), -1):
            if re.match(r"^\W*n\s?i\s?p\b", lines[i].text, re.I) and ":" not in lines[i].text[:8]:
                for above in reversed(lines[max(0, i - 3) : i]):
                    name = above.text.strip()
                    if (
                        len(re.findall(r"[A-Za-z.']{3,}", name)) >= 2
                        and not re.search(r"[^\w\s.,'`-]", name)
                        and not ind.parse_golongan(name)
                        and not ctx.POST.match(name)
                    ):
                        return _found(file, page.number, above.words, name)
    return MISSING


def labels_without_values(pages: Sequence[PageReading]) -> int:
    """Of a paper in which no personal field has a value: how many fields are named. 0 if one is filled in."""
    empty: set[str] = set()
    for page in pages:
        lines = list(page.lines)
        for table in page.tables:
            if not grids.heads_of(table) and grids.is_form(table):
                lines += list(grids.label_lines(table))
        for i, line in enumerate(lines):
            item = labels.split(line)
            if item is None or item.field not in FIELDS:
                continue
            value = text_of(item.words)
            if not ind.is_empty(value) and not re.fullmatch(r"[\W_]*[\[(<{]+.*[\])>}]+\W*", value):
                return 0
            if not value and i + 1 < len(lines) and _stands_right(line, lines):
                return 0
            empty.add(item.field)
    return len(empty)


def _stands_right(line: Line, lines: Sequence[Line]) -> bool:
    """Something stands to the right of a label in the same row, read as a line of its own."""
    box = line.box
    return any(o is not line and o.box[0] > box[2] and min(o.box[3], box[3]) - max(o.box[1], box[1]) > 0.5 * (box[3] - box[1])
               and re.search(r"\w", o.text) for o in lines)  # fmt: skip
