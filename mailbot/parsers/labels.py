"""Labels of personal data ("Nama", "Pangkat/Gol. Ruang", ...) as forms write them and as OCR leaves them (DOMAIN.md 3.8)."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from rapidfuzz import fuzz, process

from mailbot.model import Line, Word
from mailbot.parsers import indonesian as ind

_LABELS: dict[str, str] = {
    "nama": "nama|nama lengkap|nama lengkap dan gelar|nama lengkap sesuai ktp|nama lengkap gelar|nama pegawai|nama pejabat|nama jelas"
            "|nama pengguna|nama pemohon|nama personil|nama user|nama lengkap beserta gelar|nama ppk|nama asn|nama pns",
    "nama_nip": "nama nip|nama dan nip|nama lengkap nip|nama pegawai nip|nip nama|nip dan nama",
    "nip": "nip|nomor induk pegawai|nomor induk|no induk|no induk pegawai|nip nomor induk pegawai|nip nrp|ni pppk|nippppk|nipppk|nip pppk|nip baru|nrp|nip nipppk|nip ni pppk|nrp nip"
           "|no nip|nomor nip|nomor induk pegawai nip|nip pns",
    "pangkat_golongan": "pangkat|golongan|pangkat gol|pangkat gol ruang|pangkat golongan|gol ruang|pangkat golongan ruang|golongan ruang|gol|pangkat dan golongan"
                        "|pangkat dan golongan ruang|pangkat ruang|golongan pangkat|gol pangkat|pangkat gol terakhir|pangkat golongan terakhir",
    "jabatan": "jabatan|jabatan pekerjaan|jabatan dinas|jabatan struktural|jabatan fungsional|jabatan definitif|jabatan struktural fungsional|jabatan saat ini"
               "|jabatan dalam dinas|jabatan pada instansi|pekerjaan jabatan|jabatan pokok|jabatan kedinasan",
    "instansi": "instansi|unit kerja|unit kerja asal|unit organisasi|satuan kerja|satker|nama instansi|opd|skpd|perangkat daerah|instansi unit kerja|asal instansi|asal"
                "|nama opd|nama skpd|nama satker|nama satuan kerja|instansi asal|unit kerja instansi|skpd unit kerja|opd unit kerja|dinas instansi|k l pd|nama perangkat daerah",
    "alamat": "alamat|alamat satuan kerja|alamat kantor|alamat rumah|alamat instansi|alamat lengkap|alamat satker|alamat unit kerja|alamat tempat tinggal|alamat domisili|alamat opd",
    "telepon": "telepon|no hp|no telpon hp|nomor telepon hp|no telp hp|no hp wa|handphone|kontak|no telepon|nomor hp|no telepon hp|telp|hp|nomor telepon|no telp|telepon hp"
               "|no wa|nomor handphone|no handphone|nomor hp wa|nomor whatsapp|telp hp|no tlp|no tlp hp|no kontak|nomor kontak|telpon|telpon hp|no telpon|no whatsapp|wa|nomor telp"
               "|nomor telp hp|hp wa|no hp aktif|nomor hp aktif|no telp hp wa|telepon handphone|nomor telepon handphone|nomor telepon seluler|phone|mobile|ponsel|no ponsel",
    "email": "email|e mail|email instansi|alamat email|surel|email aktif|alamat e mail|e mail aktif|alamat surel|email dinas|email pribadi|alamat email aktif|mail",
    "peran": "selaku|sebagai|kedudukan|kedudukan dalam pokja|peran|jabatan dalam pokja|hak akses|jabatan dalam pengadaan|kedudukan dalam tim|jenis akun|jenis akses|role"
             "|jabatan dalam pengelolaan keuangan|jabatan dalam tim|peran dalam spse|ditunjuk sebagai|diangkat sebagai|tugas sebagai|kedudukan dalam pengadaan|hak akses sebagai"
             "|jenis hak akses|jenis pengguna|peran spse|jabatan pengadaan|jabatan dalam kegiatan|kedudukan dalam kegiatan|jabatan dalam panitia",
    "tindakan": "tindakan|jenis permohonan|permohonan|status akun|keterangan|ket|status permohonan|usulan|jenis layanan",
    "lain": "user id|nomor surat tugas|nomor sk|tempat tanggal lahir|tempat tgl lahir|pendidikan|nik|npwp|masa berlaku|tahun anggaran|nomor|sifat|lampiran|perihal|hal|tanggal"
            "|username|nomor sertifikat|no sertifikat|jenis kelamin|agama|untuk|no ktp|tanda tangan|no|alasan|status|sk|dasar|tembusan|tanggal sk|nomor dan tanggal sk|no sk|kepada|dari"
            "|nomor surat|tanggal lahir|status kepegawaian|pendidikan terakhir|paraf|dpa|nama paket|nama kegiatan|kegiatan|program|sertifikat pbj|nomor sertifikat pbj|tmt|website|fax|kode pos",
}  # fmt: skip
_LABEL_OF = {label: name for name, labels in _LABELS.items() for label in labels.split("|")}
_KNOWN = tuple(_LABEL_OF)
_SHORT = {
    "nlp": "nip",
    "np": "nip",
    "hip": "nip",
    "nip i": "nip",
    "nama l": "nama",
    "emall": "email",
    "mip": "nip",
    "narna": "nama",
    "nana": "nama",
}
_FIRST = {"jabatan": "jabatan", "alamat": "alamat", "email": "email", "pangkat": "pangkat_golongan", "golongan": "pangkat_golongan",
          "instansi": "instansi", "handphone": "telepon", "telepon": "telepon", "nip": "nip"}  # fmt: skip
SEPARATOR = re.compile(r"^[:;.|=\->~»]+$")  # a colon, as engines read it


@dataclass(frozen=True, slots=True)
class Labelled:
    """A line that begins with a known label. `left`: where the label begins."""

    field: str
    words: tuple[Word, ...]
    left: float


def label_key(text: str) -> str:
    """A label without marks, numbering and case, with letters spaced out joined and usual OCR swaps undone."""
    joined = ind.plain(re.sub(r"^\W*(?:\d{1,2}|[a-hA-H])\s?[.)]\s*", "", text))
    low = re.sub(r"(?<=[a-z])1|1(?=[a-z])", "l", joined.lower().replace("0", "o"))
    return " ".join(re.sub(r"[^a-z]+", " ", low).split())


@lru_cache(maxsize=4096)
def field_of(label: str) -> str | None:
    """Which field a label names: exactly, or with a misread letter in the longer ones."""
    key = label_key(label)
    if not key or len(key) > 48:
        return None
    if key in _LABEL_OF or key in _SHORT:
        return _LABEL_OF.get(key) or _SHORT[key]
    if (
        re.match(r"nama (?:calon |pejabat |anggota |lengkap |pegawai )", key)
        and "nip" not in key
        and "paket" not in key
    ):
        return "nama"
    if re.match(
        r"(?:jabatan|kedudukan) (?:dalam|pada|di|sebagai) (?:pokja|pengadaan|tim|panitia|kelompok|pbj|pengelola)", key
    ):
        return "peran"
    if re.search(r"\b(?:hp|telp|telepon|telpon|handphone|wa)\b", key) and re.search(r"\b(?:email|e mail|surel)\b", key):
        return "telepon"  # both in one: the value is taken apart later
    first = key.split()[0]
    if first in _FIRST and len(key.split()) <= 5 and key.split()[-1] not in ("baru", "atasan"):
        return _FIRST[first]
    limit = 75.0 if len(key) <= 4 else 84.0
    best = process.extractOne(key, _KNOWN, scorer=fuzz.ratio, score_cutoff=limit) if len(key) >= 4 else None
    return _LABEL_OF[best[0]] if best else None


def exact_field(words: tuple[Word, ...]) -> str | None:
    """The field of words that are a known label and nothing else."""
    key = label_key(text_of(words))
    return _LABEL_OF.get(key) or _SHORT.get(key)


def column_field(text: str) -> str | None:
    """The field of a table's heading."""
    key = label_key(text)
    if key.startswith("nama") and re.search(r"\bnip\b|\bnipppk\b", key):
        return "nama_nip"
    if re.search(r"\b(?:kedudukan|selaku|peran)\b", key) and not key.startswith("nama"):
        return "peran"
    if re.match(r"jabatan (?:dalam|selaku|sebagai|pada)\b", key) and not re.search(r"dinas|instansi|struktural", key):
        return "peran"
    return field_of(text) or _first_field(key)


def _first_field(key: str) -> str | None:
    """A long heading such as "PANGKAT GOLONGAN RUANG TMT" by its first words."""
    words = key.split()
    return next((f for n in (3, 2, 1) if (f := _LABEL_OF.get(" ".join(words[:n]))) and f != "lain"), None)


def text_of(words: tuple[Word, ...]) -> str:
    return " ".join(w.text for w in words).replace("\x02", "-")  # a hyphen at the end of a line in a text layer


def split(line: Line) -> Labelled | None:
    """Label and value of a line; the separator may be misread, or lost where a known label is followed by more."""
    words = line.words
    for i, word in enumerate(words[:8]):
        mark = re.search(r"[:;]", word.text)
        if (SEPARATOR.match(word.text) and i) or mark:
            cut = mark.start() if mark and not SEPARATOR.match(word.text) else 0
            name = field_of(" ".join([*(w.text for w in words[:i]), word.text[:cut]]))
            rest = word.text[cut:].lstrip(":;.|= ")
            value = (replace(word, text=rest),) if rest else ()
            return Labelled(name, value + words[i + 1 :], words[0].box[0]) if name else _bare(words)
    return _bare(words)


def pieces(line: Line) -> tuple[Line, ...]:
    """A line with several labels ("Pangkat : .. NIP : .."), cut before each that is known exactly and has its colon."""
    cuts = [i for i in range(2, len(line.words) - 1) if _begins_label(line.words, i)]
    bounds = [0, *cuts, len(line.words)]
    parts = [_without_comma(line.words[a:b]) for a, b in pairwise(bounds)]
    return tuple(Line(p) for p in parts if p) if cuts and split(Line(parts[0])) else (line,)


def _begins_label(words: tuple[Word, ...], i: int) -> bool:
    apart = words[i - 1].text[-1:] in ",;" or words[i].box[0] - words[i - 1].box[2] > 0.03
    for n in range(1, 5):
        text = text_of(words[i : i + n])
        if ":" in text:
            return apart and _LABEL_OF.get(label_key(text.split(":")[0]), "lain") not in ("lain", "tindakan")
    return False


def _without_comma(words: tuple[Word, ...]) -> tuple[Word, ...]:
    if words and words[-1].text[-1:] in ",;":
        return (*words[:-1], replace(words[-1], text=words[-1].text.rstrip(",;")))
    return words


def _bare(words: tuple[Word, ...]) -> Labelled | None:
    """No separator: the longest exact label at the start, with a gap or a value of the right shape behind it."""
    for n in range(min(6, len(words)), 0, -1):
        name = exact_field(words[:n]) if re.search("[A-Za-z]", words[n - 1].text) else None  # a number is no label
        if name is None or name in ("lain", "tindakan"):
            continue
        value = words[n:]
        if not value:
            return Labelled(name, (), words[0].box[0])
        gap = value[0].box[0] - words[n - 1].box[2]
        text = text_of(value)
        fits = (name == "nip" and ind.looks_like_nip(text)) or (name == "email" and "@" in text)
        fits = fits or (name == "telepon" and ind.norm_phone(value[-1].text) is not None)
        if gap > 0.03 or fits:
            return Labelled(name, value, words[0].box[0])
    return None
