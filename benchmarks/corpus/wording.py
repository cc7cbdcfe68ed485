"""Pools of wordings. `pick` keeps every third entry of a pool for the test split, so that dev never shows it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar

T = TypeVar("T")

ROLE_NAMES: dict[str, tuple[str, ...]] = {
    "ppk": ("Pejabat Pembuat Komitmen (PPK)", "Pejabat Pembuat Komitmen", "PPK", "PPKom", "Pejabat Pembuat Komitmen (PPKom)"),
    "pokja": ("Anggota Pokja Pemilihan", "Anggota Kelompok Kerja (Pokja) Pemilihan", "Pokja ULP", "Anggota Pokja ULP",
              "Kelompok Kerja Pemilihan", "Panitia Pengadaan Barang/Jasa"),
    "pejabat_pengadaan": ("Pejabat Pengadaan", "Pejabat Pengadaan Barang/Jasa", "Pejabat Pengadaan (PP)"),
}  # fmt: skip
ACTION_NAMES: dict[str, tuple[str, ...]] = {
    "pengaktifan": ("Pengaktifan Akun", "Aktivasi Akun", "Permohonan Hak Akses", "Pembuatan Akun", "Pendaftaran Akun",
                    "Pengaktifan Hak Akses", "Permohonan User ID dan Password", "Registrasi Akun", "Aktivasi User ID"),
    "kembali": ("Pengaktifan Kembali Akun", "Reaktivasi Akun", "Aktivasi Ulang Akun", "Perpanjangan Hak Akses", "Aktivasi Kembali User ID"),
    "penonaktifan": ("Penonaktifan Akun", "Penonaktifan Hak Akses", "Non Aktif Akun", "Penon-aktifan User ID", "Penghapusan Akun",
                     "Pencabutan Hak Akses", "Penutupan Akun"),
}  # fmt: skip
VERBS: dict[str, tuple[str, ...]] = {
    "pengaktifan": (
        "pengaktifan akun",
        "aktivasi hak akses",
        "pembuatan akun",
        "pengaktifan hak akses",
        "pembuatan user ID dan password",
        "penerbitan akun",
    ),
    "kembali": ("pengaktifan kembali akun", "aktivasi ulang hak akses", "reaktivasi akun", "perpanjangan hak akses"),
    "penonaktifan": (
        "penonaktifan akun",
        "penonaktifan hak akses",
        "penghapusan akun",
        "pencabutan hak akses",
        "penutupan akun",
    ),
}
OPENINGS = (
    "Sehubungan dengan pelaksanaan pengadaan barang/jasa pada {office} Tahun Anggaran {year}, bersama ini kami mengajukan permohonan {verb} SPSE selaku {role} dengan data sebagai berikut :",
    "Dengan hormat, dalam rangka kelancaran pelaksanaan kegiatan Tahun Anggaran {year} di lingkungan {office}, mohon kiranya dapat dilakukan {verb} pada aplikasi SPSE sebagai {role} atas nama :",
    "Menindaklanjuti {basis} tentang penetapan {role}, dengan ini kami mohon bantuan Saudara untuk {verb} SPSE bagi pegawai sebagaimana data di bawah ini.",
    "Bersama ini kami sampaikan permohonan {verb} {role} pada Sistem Pengadaan Secara Elektronik (SPSE) {office}, adapun data personal yang bersangkutan sebagai berikut:",
    "Berdasarkan {basis}, kami mohon {verb} {role} pada LPSE, dengan data pejabat sebagaimana tersebut di bawah ini:",
    "Memperhatikan kebutuhan organisasi pada {office}, kami mengusulkan {verb} aplikasi SPSE untuk {role} berikut ini :",
)
OPENINGS_APART = (  # the data stand in another document
    "Sehubungan dengan pelaksanaan pengadaan barang/jasa pada {office} Tahun Anggaran {year}, bersama ini kami mengajukan permohonan {verb} SPSE selaku {role}. Data personal yang bersangkutan kami lampirkan.",
    "Dengan ini kami mohon {verb} SPSE bagi {role} pada {office}. Sebagai bahan pertimbangan terlampir {basis} dan formulir data personal.",
    "Mohon dapat dilakukan {verb} {role} pada aplikasi SPSE sebagaimana data terlampir, berdasarkan {basis}.",
)
SWAP_OPENINGS = (
    "Sehubungan dengan penggantian {role} pada {office} Tahun Anggaran {year}, bersama ini kami mengajukan permohonan untuk menonaktifkan akun SPSE pejabat lama dan mengaktifkan akun SPSE pejabat baru dengan data sebagai berikut :",
    "Berdasarkan {basis} tentang perubahan {role}, mohon bantuan Saudara untuk melakukan penyesuaian akun SPSE sebagai berikut:",
    "Dengan adanya mutasi pegawai di lingkungan {office}, kami mohon penonaktifan dan pengaktifan akun {role} pada SPSE sebagai berikut :",
)
SWAP_HEADS = (
    ("Penonaktifan akun:", "Pengaktifan akun:"), ("1. Menonaktifkan akun SPSE atas nama :", "2. Mengaktifkan akun SPSE atas nama :"),
    ("A. Akun yang dinonaktifkan", "B. Akun yang diaktifkan"), ("a. Penghapusan akun pejabat lama :", "b. Pembuatan akun pejabat baru :"),
    ("Pejabat lama (dinonaktifkan) :", "Pejabat baru (diaktifkan) :"), ("I. PENONAKTIFAN", "II. PENGAKTIFAN"),
)  # fmt: skip
CLOSINGS = (
    "Demikian surat permohonan ini kami sampaikan, atas perhatian dan kerja samanya diucapkan terima kasih.",
    "Demikian atas perhatian dan bantuannya diucapkan terima kasih.",
    "Demikian permohonan ini disampaikan untuk dapat ditindaklanjuti sebagaimana mestinya.",
    "Atas perkenan dan kerja sama Saudara, kami sampaikan terima kasih.",
)
ADDRESSEES = (
    "Kepala LPSE {kind} {region}", "Ketua LPSE {kind} {region}", "Kepala Layanan Pengadaan Secara Elektronik (LPSE) {kind} {region}",
    "Sdr. Kepala LPSE {kind} {region}", "Bapak Kepala LPSE {region}", "Kepala Bagian Pengadaan Barang/Jasa Setda {kind} {region}",
)  # fmt: skip
TO_FORMS = ("Yth. {to}<br>di<br>&emsp;&emsp;{place}", "Kepada<br>Yth. {to}<br>di -<br>&emsp;&emsp;{place}", "Kepada Yth.<br>{to}<br>di-<br>&emsp;T e m p a t",
            "Yth. {to}<br>di {place}", "Kepada :<br>Yth. {to}<br>di<br>&emsp;TEMPAT")  # fmt: skip
LABELS: dict[str, tuple[str, ...]] = {
    "nama": ("Nama", "Nama Lengkap", "N a m a", "Nama Lengkap dan Gelar", "Nama Pegawai", "Nama Lengkap (Sesuai KTP)", "Nama Pejabat"),
    "nip": ("NIP", "NIP.", "N I P", "Nomor Induk Pegawai", "NIP Baru", "NIP (Nomor Induk Pegawai)", "NIP/NRP"),
    "pangkat_golongan": ("Pangkat/Golongan", "Pangkat/Gol", "Pangkat/Gol. Ruang", "Golongan", "Pangkat/Golongan Ruang", "Pangkat (Gol.)", "Pangkat/Gol-Ruang", "Gol/Ruang"),
    "jabatan": ("Jabatan", "Jabatan", "Jabatan Struktural", "Jabatan Dinas", "Jabatan/Pekerjaan"),
    "instansi": ("Instansi", "Unit Kerja", "Satuan Kerja", "OPD", "Perangkat Daerah", "Satker", "SKPD", "Nama Instansi", "Unit Kerja/Asal"),
    "alamat": ("Alamat", "Alamat Kantor", "Alamat Instansi", "Alamat Satuan Kerja", "Alamat Rumah"),
    "telepon": ("No. Telepon/HP", "No HP", "Nomor HP", "No. HP/WA", "Telepon", "Nomor Telepon/HP", "Handphone", "No. Telp/HP", "No telpon/HP"),
    "email": ("Email", "E-mail", "Alamat Email", "Surel", "Email Aktif", "Email Instansi"),
}  # fmt: skip
FORM_TITLES = ("FORMULIR DATA PERSONAL", "DATA PERSONAL PENGGUNA SPSE", "FORMULIR ISIAN DATA PENGGUNA", "BIODATA PENGGUNA SPSE",
               "FORMULIR PENDAFTARAN PENGGUNA NON PENYEDIA", "DATA DIRI CALON PENGGUNA SPSE")  # fmt: skip
FONTS = (
    "Liberation Serif",
    "Liberation Sans",
    "Carlito",
    "Caladea",
    "DejaVu Serif",
    "DejaVu Sans",
    "Liberation Sans Narrow",
)


class Choice:
    """Random choices of one mail; `test` opens the entries that dev never sees."""

    def __init__(self, rng: random.Random, test: bool) -> None:
        self.rng, self.test = rng, test

    def pick(self, pool: Sequence[T]) -> T:
        allowed = pool if self.test or len(pool) < 3 else [x for i, x in enumerate(pool) if i % 3 != 2]
        return self.rng.choice(allowed)

    def chance(self, share: float) -> bool:
        return self.rng.random() < share
