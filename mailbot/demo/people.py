"""Invented offices and persons for the demo; every name and number comes from a seeded generator."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass

MONTHS = (
    "Januari", "Februari", "Maret", "April", "Mei", "Juni",
    "Juli", "Agustus", "September", "Oktober", "November", "Desember",
)  # fmt: skip
PANGKAT = {
    "II/c": "Pengatur",
    "II/d": "Pengatur Tingkat I",
    "III/a": "Penata Muda",
    "III/b": "Penata Muda Tingkat I",
    "III/c": "Penata",
    "III/d": "Penata Tingkat I",
    "IV/a": "Pembina",
    "IV/b": "Pembina Tingkat I",
    "IV/c": "Pembina Utama Muda",
}
MALE = ("Agus", "Bambang", "Dwi", "Eko", "Hadi", "Joko", "Rudi", "Slamet", "Teguh", "Wahyu", "Yusuf", "Arif")
FEMALE = ("Ani", "Dewi", "Endang", "Fitri", "Indah", "Kartika", "Lestari", "Nur", "Ratna", "Sri", "Tri", "Wulan")
LAST = (
    "Prasetyo", "Santoso", "Wibowo", "Hartono", "Nugroho", "Saputra", "Kurniawan", "Setiawan",
    "Handayani", "Wijaya", "Purnomo", "Susanto", "Hidayat", "Raharjo", "Mulyono", "Utomo",
)  # fmt: skip
TITLES = ("S.T.", "S.E.", "S.Sos.", "S.Kom.", "S.T., M.T.", "S.E., M.M.", "S.H., M.H.", "S.KM., M.Kes.")
POSTS = (
    "Kepala Bidang Program dan Perencanaan",
    "Kepala Bidang Sarana dan Prasarana",
    "Sekretaris",
    "Kepala Subbagian Umum dan Kepegawaian",
    "Analis Kebijakan Ahli Muda",
    "Pengelola Pengadaan Barang/Jasa Ahli Muda",
)


@dataclass(frozen=True, slots=True)
class Office:
    name: str  # "Dinas Kesehatan"
    code: str  # in letter numbers
    address: str
    phone: str
    mailbox: str

    @property
    def full_name(self) -> str:
        return f"{self.name} Kabupaten Batang"

    @property
    def head_post(self) -> str:
        return f"Kepala {self.name}"


@dataclass(frozen=True, slots=True)
class DemoPerson:
    nama: str
    bare_name: str  # without titles, as in the signature of an SK
    nip: str
    golongan: str
    jabatan: str
    instansi: str
    alamat: str
    telepon: str
    email: str

    @property
    def pangkat(self) -> str:
        return PANGKAT[self.golongan]

    @property
    def pangkat_golongan(self) -> str:
        return f"{self.pangkat} ({self.golongan})"

    @property
    def nip_spaced(self) -> str:
        n = self.nip
        return f"{n[:8]} {n[8:14]} {n[14]} {n[15:]}"


OFFICES = (
    Office("Dinas Kesehatan", "440", "Jalan Contoh Raya Nomor 12 Batang 51211", "(0285) 390011", "dinkes"),
    Office("Dinas Pendidikan", "420", "Jalan Contoh Tengah Nomor 7 Batang 51215", "(0285) 390022", "disdik"),
    Office("Dinas Pekerjaan Umum", "600", "Jalan Contoh Timur Nomor 31 Batang 51216", "(0285) 390033", "dpu"),
    Office("Dinas Perhubungan", "550", "Jalan Contoh Barat Nomor 4 Batang 51213", "(0285) 390044", "dishub"),
)


def long_date(day: dt.date) -> str:
    """5 Januari 2026"""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def make_nip(rng: random.Random, woman: bool) -> str:
    """YYYYMMDD YYYYMM S NNN without spaces; the entry month is 22 to 30 years after birth."""
    born = dt.date(rng.randint(1970, 1990), rng.randint(1, 12), rng.randint(1, 28))
    entry = born.year + rng.randint(22, 30)
    return f"{born:%Y%m%d}{entry}{rng.randint(1, 12):02d}{2 if woman else 1}{rng.randint(1, 30):03d}"


def make_person(rng: random.Random, office: Office, golongan: str | None = None, post: str | None = None) -> DemoPerson:
    """A synthetic civil servant of the office."""
    woman = rng.random() < 0.5
    first, last = rng.choice(FEMALE if woman else MALE), rng.choice(LAST)
    bare = f"{first} {last}"
    return DemoPerson(
        nama=f"{bare}, {rng.choice(TITLES)}",
        bare_name=bare,
        nip=make_nip(rng, woman),
        golongan=golongan or rng.choice(("III/a", "III/b", "III/c", "III/d", "IV/a")),
        jabatan=post or rng.choice(POSTS),
        instansi=office.full_name,
        alamat=office.address,
        telepon=f"08{rng.choice((12, 13, 21, 57))}{rng.randint(10_000_000, 99_999_999)}",
        email=f"{first}.{last}@batangkab.example".lower(),
    )


def make_head(rng: random.Random, office: Office) -> DemoPerson:
    """The head of the office, who signs."""
    return make_person(rng, office, golongan="IV/c", post=office.head_post)
