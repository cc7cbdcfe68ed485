"""What kind of paper a page opens or belongs to (DOMAIN.md 3.1, 3.6, 3.7). Rules as data, tolerant of misread letters.

A page says what it is by its title, by the head of a letter, or else by what stands on it. Exactly one kind wins, or the
page is unsure.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from mailbot.model import FIELDS, PageReading
from mailbot.parsers import asking, labels
from mailbot.parsers import indonesian as ind

TITLE_LINES = 26

# title (upper case, as it begins) -> kind; the longest that fits wins
TITLES: dict[str, str] = {
    "SURAT KEPUTUSAN": "surat_keputusan", "KEPUTUSAN": "surat_keputusan", "PETIKAN KEPUTUSAN": "surat_keputusan", "SALINAN KEPUTUSAN": "surat_keputusan",
    "PETIKAN SURAT KEPUTUSAN": "surat_keputusan", "SALINAN": "",
    "SURAT TUGAS": "surat_tugas", "SURAT PERINTAH TUGAS": "surat_tugas", "SURAT PENUGASAN": "surat_tugas", "SURAT PERINTAH": "surat_tugas",
    "SURAT PERINTAH KERJA": "lain", "SURAT PERINTAH MEMBAYAR": "lain", "SURAT PERINTAH PENCAIRAN DANA": "lain", "SURAT PERINTAH PERJALANAN DINAS": "lain",
    "SURAT PERINTAH MULAI KERJA": "lain", "SURAT PERJALANAN DINAS": "lain", "SURAT TANDA TERIMA": "lain",
    "SURAT PENUNJUKAN": "surat_penunjukan", "SURAT PENETAPAN": "surat_penunjukan", "SURAT PENGANGKATAN": "surat_penunjukan",
    "SURAT PENUNJUKAN PENYEDIA": "lain", "SURAT PENETAPAN PEMENANG": "lain",
    "FORMULIR": "data_personal", "FORM ISIAN": "data_personal", "FORM DATA": "data_personal", "FORM PENDAFTARAN": "data_personal", "FORM PERMOHONAN": "data_personal",
    "BIODATA": "data_personal", "DATA PERSONAL": "data_personal", "DATA DIRI": "data_personal", "DATA PRIBADI": "data_personal", "DATA PENGGUNA": "data_personal",
    "DATA PEGAWAI": "data_personal", "DATA PEJABAT": "data_personal", "DATA CALON": "data_personal", "LEMBAR DATA": "data_personal", "IDENTITAS": "data_personal",
    "DATA PPK": "data_personal", "DATA ANGGOTA": "data_personal", "DAFTAR DATA PERSONAL": "data_personal", "ISIAN DATA": "data_personal", "DATA USER": "data_personal",
    "SURAT PERMOHONAN": "surat_permohonan", "PERMOHONAN HAK AKSES": "surat_permohonan", "NOTA DINAS": "nota_dinas",
    "PERATURAN": "lain", "UNDANG-UNDANG": "lain", "INSTRUKSI": "lain", "SURAT EDARAN": "lain", "INVOICE": "lain", "FAKTUR": "lain", "KWITANSI": "lain", "KUITANSI": "lain",
    "NOTA PESANAN": "lain", "PAKTA INTEGRITAS": "lain", "SERTIFIKAT": "lain", "PIAGAM": "lain", "UNDANGAN": "lain", "SURAT UNDANGAN": "lain", "SURAT PERNYATAAN": "lain",
    "SURAT KETERANGAN": "lain", "SURAT KUASA": "lain", "BERITA ACARA": "lain", "PENGUMUMAN": "lain", "SURAT PENAWARAN": "lain", "DOKUMEN PEMILIHAN": "lain",
    "KERANGKA ACUAN KERJA": "lain", "SURAT PERJANJIAN": "lain", "KONTRAK": "lain", "KARTU TANDA PENDUDUK": "lain", "KARTU PEGAWAI": "lain", "SURAT REKOMENDASI": "lain",
    "REKOMENDASI": "lain", "TANDA TERIMA": "lain", "DAFTAR HADIR": "lain", "SURAT PENGANTAR": "lain", "STANDAR OPERASIONAL": "lain", "PROPOSAL": "lain", "LAPORAN": "lain",
    "SURAT IZIN": "lain", "RENCANA UMUM PENGADAAN": "lain", "PURCHASE ORDER": "lain", "TELAAHAN STAF": "lain", "DISPOSISI": "lain", "LEMBAR DISPOSISI": "lain",
    "NOTULEN": "lain", "SURAT PERMOHONAN PENAWARAN": "lain", "SURAT PERMOHONAN PEMBAYARAN": "lain",
}  # fmt: skip
_ORDERED = sorted(TITLES.items(), key=lambda kv: -len(kv[0]))
SUBJECT = re.compile(r"^\W*(?:hal|perihal|perhal|prihal|periha1|perihai)\b\W{0,3}[:;.]?\s*(.*)$", re.I)
YTH = re.compile(r"\byth\b|\bkepada\s*[:;]?\s*$|\bkepada\s+y", re.I)
BODY = re.compile(
    r"^\W*(?:menimbang|mengingat|dasar|membaca|memperhatikan)\b|dengan\s+hormat|yang\s+bertanda|^\W*pasal\s+\d|sehubungan|bersama\s+ini|berdasarkan|memperhatikan",
    re.I,
)
RULING = re.compile(r"\bmemutuskan\b|^\W*(?:kesatu|pertama)\b\s*[:;]|^\W*menetapkan\s*[:;]", re.I | re.M)
ORDERING = re.compile(
    r"\bmemerintahkan\b|\bmenugaskan\b|\bmemberi(?:kan)?\s+(?:tugas|perintah)|\bdiperintahkan\b|\bditugaskan\b", re.I
)
NAMING = re.compile(r"\bmenunjuk\b|\bmengangkat\b|\bmenetapkan\b|\bmenugaskan\b|\bditunjuk\b", re.I)
DATED = re.compile(r"ditetapkan\s+di|dikeluarkan\s+di|pada\s+tanggal|ditetapkan\s+pada|dibuat\s+di", re.I)
PLACE_AND_DATE = re.compile(r"^\W*(?:(?:ditetapkan|dikeluarkan|dibuat)\s+di|pada\s+tanggal)\b", re.I)
ANNEX = re.compile(
    r"^\W*lampiran\b(?!\s*[:;.]?\s*(?:\d+\s*(?:\(|berkas|lembar|bendel|eks|set|$)|[1iIl|]\s*\(|satu|-|—|$|berkas))",
    re.I,
)
ASKS = re.compile(r"\bmohon\b|permohonan|mengajukan|mengusulkan|usulan|diusulkan|meminta|\bagar\b|bantuan", re.I)
MATTER = re.compile(
    r"\bspse\b|\blpse\b|hak\s+akses|\bakun\b|user\s*(?:id|name)|\binaproc\b|pengadaan\s+secara\s+elektronik|\baccount\b",
    re.I,
)
OTHER_MATTER = re.compile(r"reset\b|lupa\b|kata\s+sandi|penawaran|undangan|pembayaran|tagihan|sanggah|klarifikasi|jadwal|narasumber|perubahan\s+(?:alamat\s+)?(?:e-?mail|satker|satuan|nomor)"
                          r"|pindah\s+sat|verifikasi\s+penyedia|pendampingan|pelatihan|bimbingan|bimtek|pinjam|peminjaman|data\s+dukung|cuti\b", re.I)  # fmt: skip
_KTP = re.compile(
    r"\bnik\b|\bagama\b|kewarganegaraan|gol\.?\s*darah|status\s+perkawinan|berlaku\s+hingga|seumur\s+hidup", re.I
)
_PROVIDER = re.compile(r"\b(?:cv|pt|ud|firma)\.?\s+[A-Z]|penyedia|rekanan|\bvendor\b", re.I)


@dataclass(frozen=True, slots=True)
class Kind:
    """`opens`: the page begins a document; else it only fits to the one before. `unsure`: nothing clear was said."""

    name: str
    opens: bool = False
    unsure: bool = False
    memo: bool = False
    annex: bool = False


def of_page(page: PageReading) -> Kind:
    """The kind that a page shows by itself."""
    texts = [ind.plain(line.text) for line in page.lines]
    if any(ANNEX.match(t) or _over_title(t, texts[i + 1 :]) for i, t in enumerate(texts[:5])):
        return _annex(texts, page)
    for at, text in enumerate(texts[:TITLE_LINES]):
        if (SUBJECT.match(text) and at < 16) or (YTH.search(text) and at < 18):
            return _of_letter(page)
        kind = title_of(text, texts[at + 1 : at + 2])
        if kind:
            return _titled(kind, page, at)
        if BODY.search(text):
            break
    return _of_content(page)


def _over_title(text: str, following: Sequence[str]) -> bool:
    """LAMPIRAN alone on its line, over the title of the paper that it belongs to."""
    return (
        re.fullmatch(r"\W*LAMPIRAN\W*", text) is not None and ":" not in text and bool(title_of("".join(following[:1])))
    )


def title_of(text: str, following: Sequence[str] = ()) -> str | None:
    """The kind that a title line names; None for all other lines."""
    line = re.sub(r"^[^A-Z0-9]+", "", text).translate(str.maketrans("05$|", "OSSI"))
    if re.search(r"[;:.|]\s*$", line):  # specks behind a title, or the end of a sentence
        bare = re.sub(r"\W+$", "", line)
        return next((kind for title, kind in _ORDERED if kind and fuzz.ratio(bare, title) >= 95), None)
    if not line or len(line.split()) > 14 or ":" in line[:24]:
        return None
    return next((kind for title, kind in _ORDERED if kind and _begins_with(line, title)), None)


def _begins_with(line: str, title: str) -> bool:
    """With whole words; of a longer title a sign in ten may be lost, misread or too many."""
    ends = [n for n in (len(title), len(title) + 1, len(title) - 1) if n <= len(line) and not line[n : n + 1].isalpha()]
    if len(title) < 9:
        return len(title) in ends and line.startswith(title)
    return any(fuzz.ratio(line[:n], title) >= 90 for n in ends)


def _titled(kind: str, page: PageReading, at: int) -> Kind:
    text = page.text
    if kind == "surat_keputusan":
        near = " ".join(line.text for line in page.lines[at : at + 7]).lower()
        named = bool(re.search(r"\bnomor\b|\bno\b\.?|tentang", near))
        body = bool(re.search(r"menimbang|mengingat|tentang|memutuskan|menetapkan", text, re.I))
        return Kind(kind, True, not (named and body)) if named or body else Kind("lain", unsure=True)
    if kind == "surat_tugas":
        ordered = bool(ORDERING.search(text) or re.search(r"\bkepada\b|\buntuk\b", text, re.I))
        return Kind(kind, True, not ordered)
    if kind == "surat_penunjukan":
        return Kind(kind, True, not NAMING.search(text))
    if kind == "data_personal":
        return Kind(kind, True, unsure=count_labels(page) < 3)
    if kind == "nota_dinas":
        found = _of_letter(page)
        return Kind(found.name, True, found.unsure, memo=True)
    if kind == "surat_permohonan":
        return _of_letter(page)
    return Kind("lain", True)


def _annex(texts: Sequence[str], page: PageReading) -> Kind:
    """An annex continues what its heading names."""
    head = " ".join(texts[:9])
    if re.search(r"KEPUTUSAN|\bSK\b", head):
        return Kind("surat_keputusan")
    if re.search(r"PERATURAN|UNDANG", head):
        return Kind("lain")
    if re.search(r"SURAT (?:PERINTAH )?TUGAS|PENUGASAN", head):
        return Kind("surat_tugas")
    if re.search(r"PENUNJUKAN", head):
        return Kind("surat_penunjukan")
    return Kind("data_personal", annex=True) if count_labels(page) >= 3 else Kind("lain", unsure=True)


def _of_letter(page: PageReading) -> Kind:
    """A letter asks for access, appoints somebody, or speaks of other things."""
    subject = subject_of([line.text for line in page.lines[:TITLE_LINES]])
    text = page.text
    flat = " ".join(text.split())
    if (
        re.match(r"\W*(?:penunjukan|penetapan|pengangkatan)\b", subject, re.I)
        and NAMING.search(flat)
        and not ASKS.search(subject)
    ):
        return Kind("surat_penunjukan", True, unsure=not asking.roles(flat))
    if re.match(r"\W*(?:penugasan|surat tugas|perintah tugas)\b", subject, re.I) and ORDERING.search(flat):
        return Kind("surat_tugas", True)
    acts = asking.actions(subject).actions
    body = asking.actions(flat).actions
    matter = bool(MATTER.search(flat))
    roles = bool(asking.roles(flat))
    if OTHER_MATTER.search(subject) and not acts:
        return Kind("lain", True)
    to_lpse = re.search(r"(?:yth|kepada)\W.{0,60}?(?:lpse|pengadaan\s+secara\s+elektronik)", flat, re.I) is not None
    if acts and (matter or roles) and (ASKS.search(flat) or "penonaktifan" in acts or to_lpse):
        return Kind(
            "surat_permohonan",
            True,
            unsure=bool(OTHER_MATTER.search(subject)) or (_PROVIDER.search(flat) is not None and not roles),
        )
    if body and matter and roles and ASKS.search(flat) and not OTHER_MATTER.search(flat):
        return Kind("surat_permohonan", True)
    if matter and roles and ASKS.search(flat) and not OTHER_MATTER.search(flat):
        return Kind("surat_permohonan", True, unsure=True)
    return Kind("lain", True)


def subject_of(texts: Sequence[str]) -> str:
    """The subject with a second line; "" without one."""
    for i, text in enumerate(texts):
        if m := SUBJECT.match(text):
            more = next(iter(texts[i + 1 : i + 2]), "")
            return f"{m.group(1)} {more if len(more) < 60 and not YTH.search(more) else ''}".strip()
    return ""


def _of_content(page: PageReading) -> Kind:
    """A page without title or head: it belongs to the page before, or it is a form, or a part of a decree."""
    text = page.text
    if len(set(m.group().lower() for m in _KTP.finditer(text))) >= 3 and not re.search(r"\bnip\b", text, re.I):
        return Kind("lain", True)
    if count_labels(page) >= 4:
        return Kind("data_personal", unsure="nip" not in labelled(page))
    if RULING.search(text) or (re.search(r"menimbang", text, re.I) and re.search(r"mengingat", text, re.I)):
        return Kind("surat_keputusan", unsure=True)
    if ORDERING.search(text) and DATED.search(text):
        return Kind("surat_tugas", unsure=True)
    asked = asking.actions(text).actions and MATTER.search(text) and ASKS.search(text) and asking.roles(text)
    if asked and len(page.lines) >= 8:
        return Kind("surat_permohonan", unsure=True)
    return Kind(
        "lain", unsure=bool(asking.roles(text) and ind.NIP_IN_TEXT.search(text))
    )  # perhaps a paper of an unknown form


def count_labels(page: PageReading) -> int:
    """How many of the eight fields are named."""
    return len(labelled(page))


def labelled(page: PageReading) -> frozenset[str]:
    """The fields that are named: as labels of lines, or as headings of a table."""
    found = {item.field for line in page.lines if (item := labels.split(line))}
    for table in page.tables:
        found |= {labels.column_field(" ".join(line.text for line in c.lines)) or "" for c in table.cells if c.lines}
    if "nama_nip" in found:
        found |= {"nama", "nip"}
    return frozenset(found & set(FIELDS))


def parts_of(kind: str, pages: Sequence[PageReading]) -> tuple[str, ...]:
    """Which parts of an SK, surat tugas or surat penunjukan are there."""
    text = "\n".join(p.text for p in pages)
    flat = "\n".join(ind.plain(line.text) for p in pages for line in p.lines)
    ruled = {"surat_keputusan": RULING, "surat_tugas": ORDERING, "surat_penunjukan": NAMING}[kind]
    out = []
    if any(title_of(ind.plain(line.text)) == kind for p in pages for line in p.lines[:TITLE_LINES]) or SUBJECT.search(
        text
    ):
        out.append("judul")
    if ruled.search(flat):
        out.append("penetapan")
    if signed(pages):
        out.append("tanda_tangan")
    if any(ANNEX.match(line.text) for p in pages for line in p.lines[:5]):
        out.append("lampiran")
    return tuple(out)


def signed(pages: Sequence[PageReading]) -> bool:
    """A signature block: place and date (ink may hide the signer's name), or a signature that was seen."""
    for page in pages:
        lines = [line.text for line in page.lines]
        for i, text in enumerate(lines):
            if DATED.search(text) and any(_dated(t) for t in lines[i : i + 3]):
                return True
            if re.match(r"^\W*[A-Z][A-Za-z .]{2,30},?\s+\d", text) and _dated(text) and i >= len(lines) // 2:
                return True
    return any(p.tanda_tangan.state == "seen" for p in pages)


def closed(pages: Sequence[PageReading]) -> bool:
    """The text has come to its end: nothing of it can follow on the next page."""
    return any(
        re.match(r"^\W*(?:demikian|tembusan|atas\s+perhatian|ditetapkan\s+di|dikeluarkan\s+di)\b", line.text, re.I)
        for p in pages
        for line in p.lines
    )


def starts_person(page: PageReading) -> bool:
    """The first label on the page is a name: no block goes on from the page before."""
    first = next((item.field for line in page.lines if (item := labels.split(line)) and item.field in FIELDS), "")
    return first in ("nama", "nama_nip") or not first


def _dated(text: str) -> bool:
    return bool(re.search(r"\b(?:19|20)\d\d\b", text)) or ind.parse_date(text) is not None
