"""The words of the pages: short reasons, labels, times and masked numbers, in formal Indonesian."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from mailbot.parsers.indonesian import show_nip
from mailbot.sop import clock
from mailbot.sop.case import ACTIONS, ROLES, STATES
from mailbot.store.queue import Line
from mailbot.work import World

REASONS = {
    "SURAT-TIDAK-ADA": "Surat permohonan belum ada", "SURAT-BUKAN-PINDAIAN": "Surat bukan hasil pindaian", "SURAT-TUJUAN": "Tujuan surat perlu diperiksa",
    "SURAT-KOP": "Kop surat belum terlihat", "SURAT-NOMOR": "Nomor/tanggal surat belum ada", "SURAT-NASKAH-BELUM-JADI": "Naskah surat belum jadi",
    "SURAT-TTD": "Tanda tangan belum terlihat", "SURAT-STEMPEL": "Stempel belum terlihat", "SURAT-TTE-CETAK": "TTE berupa hasil cetak",
    "SURAT-TIDAK-TERBACA": "Halaman kurang terbaca", "SURAT-MAKSUD": "Maksud permohonan belum jelas", "SK-TIDAK-ADA": "SK/Surat Tugas belum ada",
    "SK-TIDAK-BERLAKU": "Masa berlaku SK perlu diperiksa", "SK-NAMA": "Nama tidak ditemukan dalam SK", "SK-PERAN": "Peran berbeda dengan SK",
    "SK-TIDAK-LENGKAP": "Halaman penetapan SK tidak ada", "DATA-TIDAK-ADA": "Data orang belum ditemukan", "DATA-NIP-SALAH": "Susunan NIP keliru",
    "DATA-NIP-BEDA": "NIP berbeda dengan SK", "DATA-EMAIL-SALAH": "Email tidak sah", "DATA-EMAIL-GANDA": "Email dipakai dua orang",
    "DATA-EMAIL-BERUBAH": "Email berbeda dengan register", "DATA-PANGKAT": "Pangkat dan golongan berbeda", "FILE-SANDI": "Berkas bersandi",
    "FILE-TAUTAN": "Berkas berupa tautan", "FILE-ARSIP": "Arsip tidak dapat dibuka", "FILE-JENIS": "Jenis berkas tidak diterima",
    "FILE-RUSAK": "Berkas rusak", "FILE-BESAR": "Berkas terlalu besar", "review": "Perlu dilihat petugas", "complete": "Lengkap",
}  # fmt: skip
FIELD_SHORT = {
    "NAMA": "Nama", "NIP": "NIP", "PANGKAT": "Pangkat/golongan", "PANGKAT-GOLONGAN": "Pangkat/golongan", "JABATAN": "Jabatan",
    "INSTANSI": "Instansi", "ALAMAT": "Alamat", "TELEPON": "Telepon", "EMAIL": "Email",
}  # fmt: skip
STEPS = {"T3": "Pemeriksaan", "T6": "Tindak lanjut", "T8": "Pemberitahuan", "T9": "Pengarsipan"}
CHANNELS = {"email": "Email", "langsung": "Langsung", "tts": "TTS"}
MARKS = {"kop": "Kop instansi", "tanda_tangan": "Tanda tangan", "stempel": "Stempel basah"}
ROLE_SHORT = {"ppk": "PPK", "pokja": "Pokja", "pejabat_pengadaan": "Pejabat Pengadaan"}
RESULTS = {"berhasil": "Berhasil", "gagal": "Gagal", "ditolak": "Ditolak", "": "Belum dicatat"}
OTHER_EVENTS = {
    "terima": "Diterima", "masuk": "Masuk", "gagal_masuk": "Gagal masuk", "keluar": "Keluar", "buka_berkas": "Membuka berkas",
    "buka_lampiran": "Melihat lampiran", "unduh": "Mengunduh lampiran", "entri": "Entri berkas", "pengguna": "Mengubah pengguna",
    "kata_sandi": "Mengganti kata sandi", "totp": "Mengubah kode masuk", "cari": "Mencari", "ekspor": "Mengunduh daftar", "impor_register": "Mengisi register",
    "akhir_tahun_daftar": "Akhir tahun: daftar", "akhir_tahun_pemberitahuan": "Akhir tahun: pemberitahuan", "akhir_tahun_keputusan": "Akhir tahun: keputusan",
    "akhir_tahun_pelaksanaan": "Akhir tahun: pelaksanaan", "akhir_tahun_selesai": "Akhir tahun: selesai",
}  # fmt: skip
MAIL_KINDS = {
    "receipt": "Tanda terima", "minimal": "Tanda terima singkat", "duplicate": "Pemberitahuan duplikat", "incomplete": "Permohonan belum lengkap",
    "out_of_scope": "Di luar layanan", "forwarded": "Diteruskan", "refused": "Ditolak", "reminder": "Pengingat",
    "result_on": "Hasil pengaktifan", "result_off": "Hasil penonaktifan", "result_copy": "Tembusan hasil kepada pengirim",
}  # fmt: skip
MAIL_STATES = {
    "pending": "menunggu dikirim", "sending": "sedang dikirim", "sent": "terkirim", "deferred": "ditunda server", "failed": "gagal",
    "ambiguous": "tidak pasti terkirim", "cancelled": "dibatalkan",
}  # fmt: skip


def reason(code: str) -> str:
    """A reason code in a few words; words of a person stay as they are."""
    if code in REASONS:
        return REASONS[code]
    return f"{FIELD_SHORT[code[5:]]} belum ada" if code.startswith("DATA-") and code[5:] in FIELD_SHORT else code


def reasons(text: str) -> list[str]:
    """Why a case is where it is; codes are stored with commas, words of a person as one text."""
    parts = [p.strip() for p in text.split(",")]
    known = all(p in REASONS or p.startswith("DATA-") for p in parts)
    return list(dict.fromkeys(reason(p) for p in parts)) if known else [text]


def event(action: str) -> str:
    return ACTIONS[action].label if action in ACTIONS else OTHER_EVENTS.get(action, action)


@dataclass(frozen=True, slots=True)
class Clock:
    """What the service-minute clock of a case shows. `tone`: calm, soon, late or none."""

    text: str
    tone: str
    title: str = ""


def clock_of(world: World, step: str, due_at: str | None, now: dt.datetime) -> Clock:
    if not step or not due_at:
        return Clock("–", "none", "Waktu layanan tidak berjalan")
    due = dt.datetime.fromisoformat(due_at)
    if now - due > dt.timedelta(days=14):
        return Clock(f"lewat {(now - due).days} hari", "late", f"{STEPS.get(step, step)}: batas {when(world, due)}")
    left = world.hours.minutes(now, due)
    title = f"{STEPS.get(step, step)}: batas {when(world, due)}"
    if now > due:
        return Clock(f"lewat {_span(-left)}", "late", title)
    return Clock(f"sisa {_span(left)}", "soon" if left < 4 else "calm", title)


def _span(minutes: int) -> str:
    return f"{minutes} mnt" if minutes < 120 else f"{minutes // 60} jam" if minutes < 960 else f"{minutes // 480} hari"


def when(world: World, at: dt.datetime | str | None) -> str:
    """23 Nov 09.05, in the time of the office; the year only when it is another one."""
    if not at:
        return "–"
    at = dt.datetime.fromisoformat(at) if isinstance(at, str) else at
    local, today = at.astimezone(ZoneInfo(world.hours.zone)), world.now().astimezone(ZoneInfo(world.hours.zone))
    if local.date() == today.date():
        return f"hari ini {local:%H.%M}"
    year = "" if local.year == today.year else f" {local.year}"
    return f"{local.day} {clock.MONTHS[local.month - 1][:3]}{year} {local:%H.%M}"


def day(iso_day: str | None) -> str:
    try:
        date = dt.date.fromisoformat((iso_day or "")[:10])
    except ValueError:
        return iso_day or "–"
    return f"{date.day} {clock.MONTHS[date.month - 1]} {date.year}"


def nip(value: str | None) -> str:
    return show_nip(value) if value and len(value) == 18 and value.isdigit() else value or ""


def masked_nip(value: str | None) -> str:
    """19850704 ****** * 007 (DOMAIN.md 4.5)."""
    if not value or len(value) != 18:
        return "–" if not value else f"{value[:2]}…"
    return f"{value[:8]} ****** * {value[15:]}"


def masked_email(address: str) -> str:
    """d•••s@contoh.example: enough to recognise the office, not to write to the person."""
    local, at, domain = address.rpartition("@")
    if not at:
        return address
    return f"{local[:1]}•••{local[-1:] if len(local) > 2 else ''}@{domain}"


def sender_warning(name: str, address: str) -> str:
    """A sender who may pretend to be another one (T29)."""
    if "@" in name and address.lower() not in name.lower():
        return "Nama tampilan memuat alamat lain daripada alamat pengirim."
    domain = address.rpartition("@")[2]
    if not domain.isascii() or "xn--" in domain:
        shown = domain if domain.isascii() else _punycode(domain)
        return f"Domain pengirim memuat huruf yang tidak biasa: {shown}"
    return ""


def _punycode(domain: str) -> str:
    try:
        return domain.encode("idna").decode()
    except UnicodeError:
        return ascii(domain)


def data_of(text: str) -> dict[str, object]:
    found = json.loads(text or "{}")
    return found if isinstance(found, dict) else {}


def requester(line: Line) -> str:
    return line.requester_name or masked_email(line.requester) or "–"


__all__ = ["ROLES", "STATES"]
