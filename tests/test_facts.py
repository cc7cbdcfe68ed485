"""Facts of a letter from its text."""

import datetime as dt

from mailbot.model import FileReading
from mailbot.parsers import letters
from mailbot.parsers.office import text_page

DECREE = """PEMERINTAH KABUPATEN CONTOH
KEPUTUSAN KEPALA DINAS CONTOH
NOMOR 440/011/2026
TENTANG
PENETAPAN PEJABAT PEMBUAT KOMITMEN TAHUN ANGGARAN 2026
Menimbang : bahwa perlu menetapkan keputusan ini;
MEMUTUSKAN:
KESATU : Menetapkan pegawai dalam Lampiran sebagai Pejabat Pembuat Komitmen.
KEDUA : Keputusan ini mulai berlaku pada tanggal ditetapkan sampai dengan tanggal
31 Desember 2026.
Ditetapkan di Contoh
pada tanggal 5 Januari 2026
KEPALA DINAS CONTOH,
TEGUH HARTONO"""


def test_the_day_of_a_decree_is_not_the_end_of_its_validity() -> None:
    reading = FileReading("sk.pdf", "a" * 64, "pdf", (text_page(DECREE),))
    (decree,) = letters.documents((reading,), dt.date(2026, 11, 23))

    assert decree.letter.tanggal.value == "2026-01-05"
    assert decree.letter.berlaku_sampai == "2026-12-31"
