"""Invented regions, offices and persons, more varied than those of the demo."""

from __future__ import annotations

import random
from dataclasses import dataclass

from mailbot.demo.people import PANGKAT, make_nip

FIRST = (
    "Agus", "Bambang", "Dwi", "Eko", "Hadi", "Joko", "Rudi", "Slamet", "Teguh", "Wahyu", "Yusuf", "Arif", "Ani", "Dewi",
    "Endang", "Fitri", "Indah", "Kartika", "Lestari", "Nurul", "Ratna", "Sri", "Tri", "Wulan", "Muhammad", "Abdul",
    "Ni Luh", "I Wayan", "Andi", "Yohanes", "Maria", "Siti", "Rizky", "Gilang", "Zulkifli", "Quraisyin", "Johannes",
)  # fmt: skip
MIDDLE = ("", "", "Budi", "Aminah", "Catur", "Puji", "Nur", "Eka", "Adi", "Rahma", "Dian")
LAST = (
    "Prasetyo", "Santoso", "Wibowo", "Hartono", "Nugroho", "Saputra", "Kurniawan", "Setiawan", "Handayani", "Wijaya",
    "Purnomo", "Susanto", "Hidayat", "Raharjo", "Mulyono", "Utomo", "Siregar", "Nasution", "Tampubolon", "Syahputra",
    "Maharani", "Firmansyah", "Lubis", "Rangkuti", "Suryadarma", "Oktaviani", "Ghozali", "Mokodompit",
)  # fmt: skip
ONE_WORD = ("Sukarno", "Suharti", "Mulyadi", "Sumiyati", "Kusnadi", "Rohmat")
BEFORE = ("", "", "", "", "Drs. ", "Ir. ", "H. ", "Hj. ", "dr. ", "Dr. ", "Drs. H. ")
AFTER = ("", ", S.T.", ", S.E.", ", S.Sos.", ", S.Kom.", ", S.T., M.T.", ", SE., MM", ", SH", ", S.KM., M.Kes.", ", S.IP",
         ", S.Pd., M.Si.", ", A.Md.", ", S.STP., M.Si.", " S.Pd", ", ST, M.Eng.")  # fmt: skip
POSTS = (
    "Kepala Bidang Program dan Perencanaan", "Kepala Bidang Sarana dan Prasarana", "Sekretaris",
    "Kepala Subbagian Umum dan Kepegawaian", "Analis Kebijakan Ahli Muda", "Pengelola Pengadaan Barang/Jasa Ahli Muda",
    "Kepala Seksi Pembangunan Jalan dan Jembatan", "Penata Kelola Jalan Ahli Pertama", "Bendahara Barang",
    "Kasubag Perencanaan, Evaluasi dan Pelaporan", "Pengadministrasi Perkantoran", "Pranata Komputer Ahli Pertama",
    "Penelaah Teknis Kebijakan", "Kepala UPTD Laboratorium Lingkungan", "Staf Bidang Cipta Karya",
    "Plt. Kepala Bidang Pelayanan Kesehatan", "Perencana Ahli Muda",
)  # fmt: skip
REGIONS = ("Batang", "Sukamaju", "Tirtayasa", "Lembah Hijau", "Kotabaru Timur", "Banyumili")
UNITS = (
    ("Dinas Kesehatan", "440", "dinkes"), ("Dinas Pendidikan dan Kebudayaan", "420", "disdikbud"),
    ("Dinas Pekerjaan Umum dan Penataan Ruang", "600", "dpupr"), ("Dinas Perhubungan", "550", "dishub"),
    ("Badan Kepegawaian dan Pengembangan Sumber Daya Manusia", "800", "bkpsdm"), ("Kecamatan Sukorejo", "130", "kec.sukorejo"),
    ("Sekretariat Daerah", "027", "setda"), ("Inspektorat Daerah", "700", "inspektorat"),
    ("Satuan Polisi Pamong Praja", "331", "satpolpp"), ("RSUD Harapan Sehat", "445", "rsud"),
    ("Badan Perencanaan Pembangunan Daerah", "050", "bappeda"), ("Dinas Lingkungan Hidup", "660", "dlh"),
    ("Sekretariat DPRD", "170", "setwan"), ("Dinas Pangan dan Pertanian", "520", "dispaperta"),
)  # fmt: skip
GOLONGAN = ("II/c", "II/d", "III/a", "III/b", "III/c", "III/d", "IV/a", "IV/b")
PPPK = ("V", "VII", "IX", "X", "XI")


@dataclass(frozen=True, slots=True)
class Unit:
    """An office of an invented region. `kind`: Kabupaten, Kota or Provinsi."""

    name: str
    code: str
    short: str
    kind: str
    region: str
    address: str
    phone: str

    @property
    def full(self) -> str:
        return f"{self.name} {self.kind} {self.region}"

    @property
    def head_post(self) -> str:
        posts = {
            "Kecamatan": "Camat",
            "RSUD": "Direktur",
            "Inspektorat": "Inspektur",
            "Sekretariat": "Sekretaris",
            "Satuan": "Kepala",
        }
        first, _, rest = self.name.partition(" ")
        post = posts.get(first, "Kepala")
        if first == "Inspektorat":
            return post + " Daerah"
        return f"{post} {rest if first in ('Kecamatan', 'Sekretariat') else self.name}"


@dataclass(frozen=True, slots=True)
class Someone:
    """A synthetic civil servant. `golongan`: "III/d", or a roman number for PPPK."""

    nama: str
    bare: str
    nip: str
    golongan: str
    jabatan: str
    instansi: str
    alamat: str
    telepon: str  # as E.164
    email: str

    @property
    def pangkat(self) -> str:
        return PANGKAT.get(self.golongan, "-")


def unit(rng: random.Random, region: str = "Batang") -> Unit:
    name, code, short = rng.choice(UNITS)
    kind = rng.choice(("Kabupaten", "Kabupaten", "Kabupaten", "Kota", "Provinsi"))
    street = rng.choice(
        (
            "Jalan Contoh Raya Nomor {}",
            "Jl. Melati Contoh No. {}",
            "Jl. Ki Contoh Karya Km. {}",
            "Jalan Perintis Contoh No. {}A",
        )
    )
    address = f"{street.format(rng.randint(1, 140))} {region} {rng.randint(51211, 51299)}"
    return Unit(name, code, short, kind, region, address, f"(0285) 39{rng.randint(1000, 9999)}")


def someone(rng: random.Random, office: Unit, post: str | None = None, pppk: float = 0.15) -> Someone:
    bare = rng.choice(ONE_WORD) if rng.random() < 0.06 else " ".join(
        x for x in (rng.choice(FIRST), rng.choice(MIDDLE), rng.choice(LAST)) if x)  # fmt: skip
    nip = make_nip(rng, rng.random() < 0.5)
    golongan = rng.choice(GOLONGAN)
    if rng.random() < pppk:
        nip, golongan = nip[:8] + rng.choice(("2021", "2022", "2023", "2024")) + "21" + nip[14:], rng.choice(PPPK)
    local = rng.choice(("{a}.{b}{n}", "{a}{b}", "{a}_{b}{n}", "{b}.{a}", "{a}{n}", "{a}-{b}", "ppk.{u}{n}"))
    words = bare.lower().split()
    local = local.format(a=words[0], b=words[-1], n=rng.randint(1, 99), u=office.short.replace(".", ""))
    domain = rng.choice(
        (
            "gmail.com",
            "gmail.com",
            "yahoo.com",
            "yahoo.co.id",
            f"{office.region.lower().replace(' ', '')}kab.go.id",
            "mail.go.id",
        )
    )
    return Someone(
        nama=rng.choice(BEFORE) + bare + rng.choice(AFTER), bare=bare, nip=nip, golongan=golongan,
        jabatan=post or rng.choice(POSTS), instansi=office.full if rng.random() < 0.7 else office.name,
        alamat=office.address if rng.random() < 0.7 else f"Desa Contoh RT {rng.randint(1, 9):02d}/RW {rng.randint(1, 9):02d}, {office.region}",
        telepon=f"+628{rng.choice((12, 13, 21, 57, 95, 78))}{rng.randint(1_000_000, 99_999_999)}", email=f"{local}@{domain}",
    )  # fmt: skip
