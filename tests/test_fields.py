import datetime as dt
from dataclasses import replace

import pytest

from mailbot.model import Cell, Document, Found, Letter, Line, PageReading, Person, SecondReading, Table, Word, union
from mailbot.parsers import fields

TODAY = dt.date(2026, 11, 22)
NIP = "198507042010011007"
NIP2 = "199002152023212003"


def line(text: str, top: float, left: float = 0.05) -> Line:
    words, at = [], 0
    for part in text.split(" "):
        if part:
            words.append(Word(part, (left + at * 0.01, top, left + (at + len(part)) * 0.01, top + 0.012), 0.9))
        at += len(part) + 1
    return Line(tuple(words))


def page(text: str, number: int = 1) -> PageReading:
    rows = text.strip("\n").split("\n")
    return PageReading(
        number, "ocr", tuple(line(r, 0.05 + i * 0.018) for i, r in enumerate(rows) if r.strip()), quality=0.9
    )


def table(*rows: tuple[str, ...], top: float = 0.3) -> Table:
    """Cells 0.18 wide; "|" inside a cell breaks the line."""
    cells = []
    for r, row in enumerate(rows):
        for c, text in enumerate(row):
            y, x = top + r * 0.05, 0.05 + c * 0.18
            lines = tuple(line(t, y + i * 0.015, x) for i, t in enumerate(text.split("|")) if t)
            cells.append(Cell(r, c, (x, y, x + 0.18, y + 0.05), lines))
    return Table((0.05, top, 0.05 + 0.18 * len(rows[0]), top + 0.05 * len(rows)), tuple(cells))


def fields_digits(text: str) -> str:
    return text.replace(" ", "")


def doc(kind: str = "surat_permohonan", **more: object) -> Document:
    return replace(Document("a.pdf", "aa", (1,), kind, "ocr"), **more)  # type: ignore[arg-type]


def persons(text: str, **more: object) -> tuple[Person, ...]:
    return fields.persons_of(doc(**more), (page(text),), TODAY)


BLOCK = """
Dengan ini kami memohon pengaktifan akun PPK dengan data sebagai berikut :
Nama Lengkap      : Budi Santoso, S.Kom.
NIP               : 19850704 201001 1 007
Pangkat/Gol. Ruang: Penata Tk. I (III/d)
Jabatan           : Kepala Seksi Pelayanan
                    dan Dukungan
Unit Kerja        : Dinas Kesehatan
Alamat Kantor     : Jl. Melati No. 1
No. HP/WA         : 0812-3456-7890
Emai1             : Budi.S@gmail.com
Demikian surat ini kami sampaikan.
Kepala Dinas,
Dr. SITI AMINAH, M.Kes.
NIP. 19700101 199503 2 001
"""


def test_label_block() -> None:
    (p,) = persons(BLOCK)
    assert [f.value for _, f in p.fields()] == [
        "Budi Santoso, S.Kom.", NIP, "III/d", "Kepala Seksi Pelayanan dan Dukungan", "Dinas Kesehatan",
        "Jl. Melati No. 1", "+6281234567890", "budi.s@gmail.com"]  # fmt: skip
    assert (p.peran, p.tindakan, p.kembali, p.source) == ("ppk", "pengaktifan", False, "surat_permohonan")
    assert p.nip.page == 1 and p.nip.file == "a.pdf" and p.nip.box and p.nip.confidence == pytest.approx(0.9)


def test_bad_separators_and_labels() -> None:
    (p,) = persons(
        "1. N a m a ; Budi\n2. N1P . 19850704 201001 1 007\nJabatan : -\nEmail :\nlnstansi : Dinas X\nNo Hp   08123456789"
    )
    assert p.nama.value == "Budi" and p.nip.value == NIP and p.instansi.value == "Dinas X"
    assert p.jabatan.value is None and p.email.value is None


def test_missing_colon_with_gap() -> None:
    (p,) = persons("Nama          Budi Santoso\nNIP 198507042010011007\nJabatan       Staf")
    assert (p.nama.value, p.nip.value, p.jabatan.value) == ("Budi Santoso", NIP, "Staf")


def test_signer_block_with_labels_is_skipped() -> None:
    text = f"Yang bertanda tangan di bawah ini :\nNama : Siti Aminah\nNIP : 19700101 199503 2 001\nJabatan : Kepala Dinas\n" \
           f"dengan ini mengajukan permohonan pengaktifan akun :\nNama : Budi Santoso\nNIP : {NIP}"  # fmt: skip
    (p,) = persons(text)
    assert p.nip.value == NIP


def test_a_row_with_an_unknown_label_does_not_end_the_block() -> None:
    unknown = BLOCK.replace("Jabatan           :", "Kolom Tak Dikenal : 19710801.202221.2.025\nJabatan           :")
    (p,) = persons(unknown)
    assert (p.nip.value, p.jabatan.value, p.email.value) == (
        NIP,
        "Kepala Seksi Pelayanan dan Dukungan",
        "budi.s@gmail.com",
    )


def test_a_speck_behind_a_wrapped_label_does_not_end_the_block() -> None:
    wrapped = f"Nama Lengkap      : Budi Santoso\n(Sesuai KTP)               ,\nGol/Ruang         : III/c\nNIP               : {NIP}"
    (p,) = persons(wrapped)
    assert (p.nama.value, p.pangkat_golongan.value, p.nip.value) == ("Budi Santoso", "III/c", NIP)


@pytest.mark.parametrize("first", ["endang5s6@gmail.com", "endangS6@gmail.com"])
def test_what_both_engines_read_from_the_crop_is_taken(first: str) -> None:
    """The page reading may be longer than the truth; only signs beside the address forbid it."""
    read = page(f"Nama : Endang Lubis\nNIP : {NIP}\nSurel : {first}")
    words = read.lines[-1].words[-1]
    second = SecondReading(words.box, "endang56@gmail.com", 0.99, repeated=True)
    (p,) = fields.persons_of(doc(), (replace(read, seconds=(second,)),), TODAY)
    assert (p.email.value, p.email.agreed) == ("endang56@gmail.com", True)


@pytest.mark.parametrize(
    ("second", "agreed"), [("dewi_lestari79@yahoo.co.id", True), ("dewilestari79@yahoo.co.id", False)]
)
def test_a_blank_in_an_address_is_a_lost_underscore_or_a_doubt(second: str, agreed: bool) -> None:
    read = page(f"Nama : Dewi Lestari\nNIP : {NIP}\nSurel : dewi lestari79@yahoo.co.id")
    box = union(tuple(w.box for w in read.lines[-1].words[2:]))
    seen = replace(read, seconds=(SecondReading(box, second, 0.97),))
    (p,) = fields.join((doc(persons=fields.persons_of(doc(), (seen,), TODAY)),), ())
    assert p.email.agreed is agreed
    assert not agreed or p.email.value == second


def test_a_name_says_nothing_about_the_signs_between_its_parts() -> None:
    read = page(f"Nama : Bambang Wijaya\nNIP : {NIP}\nSurel : bambang_wijayal2@gmail.com")
    second = SecondReading(read.lines[-1].words[-1].box, "bambang.wijaya12@gmail.com", 0.97)
    (p,) = fields.persons_of(doc(), (replace(read, seconds=(second,)),), TODAY)
    assert p.email.agreed is False


def test_a_telephone_with_more_digits_beside_it_is_no_agreement() -> None:
    read = replace(page(f"Nama : Budi\nNIP : {NIP}\nHP : 0813856605, 60"), read_by="ocr")
    second = SecondReading(union(tuple(w.box for w in read.lines[-1].words[2:3])), "0813856605", 0.99)
    (p,) = fields.persons_of(doc(), (replace(read, seconds=(second,)),), TODAY)
    assert (p.telepon.value, p.telepon.agreed) == ("+6281385660560", None)


def test_golongan_is_read_twice() -> None:
    read = page(f"Nama : Endang Lubis\nNIP : {NIP}\nGolongan : TIl/b")
    second = SecondReading(read.lines[-1].words[-1].box, "III/b", 0.99)
    (p,) = fields.persons_of(doc(), (replace(read, seconds=(second,)),), TODAY)
    assert (p.pangkat_golongan.value, p.pangkat_golongan.agreed) == ("III/b", False)


def test_swap() -> None:
    text = f"menonaktifkan akun PPK atas nama :\nNama : Siti Aminah\nNIP : {NIP2}\nPengaktifan akun :\n" \
           f"Nama : Budi Santoso\nNIP : {NIP}\nSelaku : Pejabat Pengadaan"  # fmt: skip
    a, b = persons(text)
    assert (a.nip.value, a.tindakan, a.peran) == (NIP2, "penonaktifan", "ppk")
    assert (b.nip.value, b.tindakan, b.peran) == (NIP, "pengaktifan", "pejabat_pengadaan")


def test_second_reading() -> None:
    base = page(BLOCK)
    box = base.lines[2].words[2].box
    for text, agreed in (("19850704 201001 1 007", True), ("19850704 201001 1 001", False)):
        seen = replace(base, seconds=(SecondReading(box, text, 0.9),))
        (p,) = fields.persons_of(doc(), (seen,), TODAY)
        assert (p.nip.second, p.nip.agreed) in ((text, agreed), (fields_digits(text), agreed))
    (p,) = fields.persons_of(doc(), (base,), TODAY)
    assert p.nip.agreed is None


def test_ruled_table() -> None:
    t = table(("NO", "NAMA / NIP", "PANGKAT/GOL", "JABATAN", "KEDUDUKAN DALAM POKJA"),
              ("1", "Budi Santoso, ST|NIP. 19850704|201001 1 007", "III/d", "Staf", "Ketua Pokja"),
              ("2", "Siti Aminah|19900215 202321 2|003", "IX", "-", "Anggota Pokja"))  # fmt: skip
    lines = tuple(x for c in t.cells for x in c.lines)
    p = replace(page("Daftar"), lines=lines, tables=(t,))
    a, b = fields.persons_of(doc("surat_keputusan"), (p,), TODAY)
    assert (a.nama.value, a.nip.value, a.pangkat_golongan.value, a.peran) == ("Budi Santoso, ST", NIP, "III/d", "pokja")
    assert (b.nama.value, b.nip.value, b.jabatan.value) == ("Siti Aminah", NIP2, None)


def test_table_with_own_nip_column_and_numbering_row() -> None:
    t = table(
        ("NO", "NAMA", "NIP", "UNIT KERJA"), ("1", "2", "3", "4"), ("1", "Budi", "19850704|201001 1 007", "Dinas X")
    )
    (p,) = fields.persons_of(doc(), (replace(page("x"), tables=(t,)),), TODAY)
    assert (p.nama.value, p.nip.value, p.instansi.value) == ("Budi", NIP, "Dinas X")


def test_form_as_table() -> None:
    t = table(("1", "Nama", ":", "Budi"), ("2", "NIP", ":", NIP), ("3", "Email", ":", "b@x.go.id"))
    (p,) = fields.persons_of(doc("data_personal"), (replace(page("x"), tables=(t,)),), TODAY)
    assert (p.nama.value, p.nip.value, p.email.value) == ("Budi", NIP, "b@x.go.id")


def test_columns_without_rules() -> None:
    text = f"NO   NAMA              NIP                     JABATAN\n1    Budi Santoso      {NIP}      Staf\n" \
           f"2    Siti Aminah       {NIP2}      Kepala Seksi\nKepala Dinas,\nANI\nNIP. 19700101 199503 2 001"  # fmt: skip
    a, b = persons(text)
    assert (a.nama.value, a.nip.value, a.jabatan.value) == ("Budi Santoso", NIP, "Staf")
    assert b.jabatan.value == "Kepala Seksi"


def person(**values: str) -> Person:
    return Person(**{k: Found(v, v, 0.9, "x.pdf", 1) for k, v in values.items()})


def test_join_fills_and_keeps() -> None:
    letter = doc(
        persons=(person(nama="Budi Santoso, ST", nip=NIP),), letter=Letter(peran=("ppk",), tindakan=("pengaktifan",))
    )
    form = doc("data_personal", persons=(replace(person(nama="Budi Santoso", email="b@x.id"), source="data_personal"),))
    sk = doc("surat_keputusan", persons=(
        replace(person(nama="BUDI SANTOSO", nip=NIP[:-1] + "8", jabatan="Staf"), source="surat_keputusan"), person(nama="Lain")))  # fmt: skip
    (p,) = fields.join((letter, form, sk), ())
    assert p.nip.value == NIP and p.email.value == "b@x.id" and p.jabatan.value == "Staf" and p.jabatan.file == "x.pdf"
    assert (p.peran, p.tindakan) == ("ppk", "pengaktifan")


def test_join_without_names_in_the_letter() -> None:
    letter = doc(letter=Letter(tindakan=("penonaktifan",)))
    form = doc("data_personal", persons=(person(nama="Budi"),))
    (p,) = fields.join((letter, form), (person(nama="Budi", telepon="+628123456789"),))
    assert p.telepon.value == "+628123456789" and p.tindakan == "penonaktifan"
    (p,) = fields.join((letter,), (person(nama="Ani"),))
    assert p.nama.value == "Ani"
    assert fields.join((), ()) == ()


def test_a_number_whose_end_was_not_read_and_a_lost_stroke_give_way_to_another_paper() -> None:
    asked = Person(nama=Found("Budi", "Budi", 0.9), nip=Found(NIP[:15], "19850704 20100 11 oul", 0.9, "a.pdf", 1, None, NIP[:15], False),
                   pangkat_golongan=Found("II/b", "II/b", 0.9, "a.pdf", 1))  # fmt: skip
    named = Person(nama=Found("Budi", "Budi", 0.9), nip=Found(NIP, NIP, 0.9, "b.pdf", 1, None, NIP, True),
                   pangkat_golongan=Found("III/b", "III/b", 0.9, "b.pdf", 1))  # fmt: skip
    (p,) = fields.join((doc(persons=(asked,)), doc("surat_keputusan", persons=(named,))), ())
    assert (p.nip.value, p.pangkat_golongan.value) == (NIP, "III/b")
    sure = replace(asked, nip=replace(asked.nip, agreed=True), pangkat_golongan=Found("II/c", "II/c", 0.9, "a.pdf", 1))
    (p,) = fields.join((doc(persons=(sure,)), doc("surat_keputusan", persons=(named,))), ())
    assert (p.nip.value, p.pangkat_golongan.value) == (NIP[:15], "II/c")


def test_the_end_of_a_number_that_was_read_as_letters_is_no_agreement() -> None:
    read = page(f"Nama : Budi\nNIP : {NIP[:15]} oul")
    second = SecondReading(union(tuple(w.box for w in read.lines[-1].words[2:])), NIP[:15], 0.99)
    (p,) = fields.persons_of(doc(), (replace(read, seconds=(second,)),), TODAY)
    assert p.nip.agreed is False


@pytest.mark.parametrize(
    ("said", "code", "agreed"),
    [
        ("Ill/e", "III/c", None),
        ("XxX", "X", None),
        ("-/X", "X", None),
        ("-IX", "X", False),
        ("IX", "IX", True),
        ("Penata Tingkat! (IILd)", "III/d", None),
        ("Penata Tk. ' - Ad", "III/d", None),
    ],
)
def test_romans_as_engines_leave_them(said: str, code: str, agreed: bool | None) -> None:
    read = page(f"Nama : Budi\nNIP : {NIP}\nGolongan : {said}")
    seconds = (SecondReading(read.lines[-1].words[-1].box, said, 0.9),) if agreed is not None else ()
    (p,) = fields.persons_of(doc(), (replace(read, read_by="ocr", seconds=seconds),), TODAY)
    assert (p.pangkat_golongan.value, p.pangkat_golongan.agreed) == (code, agreed)


@pytest.mark.parametrize(
    ("said", "name"),
    [("| Wayan Sudarma", "I Wayan Sudarma"),
        ("Ir. |Wayan Adi", "Ir. I Wayan Adi"), ("Hj. 1 Wayan Dian", "Hj. I Wayan Dian"), ("2 Ir. Budi", "Ir. Budi"), ("Ir. |Wayan Adi", "Ir. I Wayan Adi"), ("Dr. 1! Wayan Lubis, S.E.", "Dr. I Wayan Lubis, S.E."), ("_ H. Rizky", "_ H. Rizky"), ("‘Johannes", "Johannes")],
)  # fmt: skip
def test_names_as_engines_leave_them(said: str, name: str) -> None:
    read = page(f"Nama : {said}\nNIP : {NIP}")
    (p,) = fields.persons_of(doc(), (replace(read, read_by="ocr"),), TODAY)
    assert p.nama.value == name


def test_rows_of_a_table_without_rules_begin_with_their_number_where_the_nip_stands_below_the_name() -> None:
    def row(*texts: tuple[str, float], y: float) -> Line:
        return Line(tuple(Word(t, (x, y, x + 0.009 * len(t), y + 0.008), 0.9) for t, x in texts))

    lines = (
        row(("NO", 0.1), ("NAMA/NIP", 0.16), ("GOLONGAN", 0.4), ("HP", 0.6), y=0.3),
        row(("1", 0.1), ("Budi", 0.16), ("III/d", 0.4), ("081234567890", 0.6), y=0.32),
        row(("NIP.", 0.16), ("19850704", 0.21), y=0.33),
        row(("201001", 0.16), ("1007", 0.23), y=0.34),
        row(("2", 0.1), ("Ani", 0.16), ("IV/a", 0.4), ("081234567891", 0.6), y=0.35),
        row(("NIP.", 0.16), ("19900215", 0.21), y=0.36),
        row(("202321", 0.16), ("2003", 0.23), y=0.37),
    )
    a, b = fields.persons_of(doc(), (replace(page("Daftar"), lines=lines),), TODAY)
    assert (a.nama.value, a.nip.value, a.telepon.value) == ("Budi", NIP, "+6281234567890")
    assert (b.nama.value, b.nip.value, b.telepon.value) == ("Ani", NIP2, "+6281234567891")


def test_pieces_of_a_broken_number_are_no_rows() -> None:
    head = [Cell(0, k, (0.2 * k, 0.1, 0.2 * k + 0.2, 0.12), (Line((Word(t, (0.2 * k, 0.1, 0.2 * k + 0.1, 0.11), 0.9),)),))
            for k, t in enumerate(("NO", "NAMA", "NIP"))]  # fmt: skip
    columns = (("1",), ("Budi", "Santoso"), ("198", "507", "04", "201", "001", "1", "007"))
    body = [Cell(1, k, (0.2 * k, 0.12, 0.2 * k + 0.2, 0.3),
                 tuple(Line((Word(t, (0.2 * k, 0.13 + 0.02 * i, 0.2 * k + 0.1, 0.14 + 0.02 * i), 0.9),)) for i, t in enumerate(column)))
            for k, column in enumerate(columns)]  # fmt: skip
    read = replace(page("Daftar"), tables=(Table((0, 0.1, 0.6, 0.3), (*head, *body)),))
    (p,) = fields.persons_of(doc(), (replace(read, lines=tuple(x for c in (*head, *body) for x in c.lines)),), TODAY)
    assert (p.nama.value, p.nip.value) == ("Budi Santoso", NIP)


def test_words_of_a_leaning_line_stay_together() -> None:
    def leaning(texts: list[str], y: float) -> Line:
        return Line(
            tuple(
                Word(t, (0.1 + 0.2 * i, y + 0.006 * i, 0.25 + 0.2 * i, y + 0.006 * i + 0.01), 0.9)
                for i, t in enumerate(texts)
            )
        )

    lines = (leaning(["Tembusan"], 0.5), leaning(["SURAT", "PERINTAH", "TUGAS"], 0.1), leaning(["NOMOR"], 0.13))
    rows = fields.relined(replace(page("x"), lines=lines))
    assert [line.text for line in rows] == ["SURAT PERINTAH TUGAS", "NOMOR", "Tembusan"]


@pytest.mark.parametrize("said", ["2 19850704 201001 1 007", f"> {NIP}", NIP])
def test_a_colon_read_as_a_digit_is_no_digit(said: str) -> None:
    read = replace(page(f"Nama : Budi\nNIP : {said}"), read_by="ocr")
    (p,) = fields.persons_of(doc(), (read,), TODAY)
    assert p.nip.value == NIP


def test_a_stray_rule_in_one_column_divides_no_rows() -> None:
    rows = (
        ("No", "1", "2"),
        ("Nama", "Budi Santoso", "Ani Lestari"),
        ("NIP", NIP, NIP2),
        ("Pangkat/Gol", "III/d", "IV/a"),
    )
    lines = [[Line((Word(text, (0.2 * k, 0.1 + 0.02 * i, 0.2 * k + 0.15, 0.11 + 0.02 * i), 0.9),)) for i, text in enumerate(row)]
             for k, row in enumerate(rows)]  # fmt: skip
    cells = [Cell(0, k, (0.2 * k, 0.1, 0.2 * k + 0.2, 0.16), tuple(column)) for k, column in enumerate(lines[:3])]
    cells += [
        Cell(0, 3, (0.6, 0.1, 0.8, 0.115), tuple(lines[3][:1])),
        Cell(1, 3, (0.6, 0.115, 0.8, 0.16), tuple(lines[3][1:])),
    ]
    read = replace(
        page("Daftar"),
        lines=tuple(x for column in lines for x in column),
        tables=(Table((0, 0.1, 0.8, 0.16), tuple(cells)),),
    )
    a, b = fields.persons_of(doc(), (read,), TODAY)
    assert (a.nama.value, a.nip.value, a.pangkat_golongan.value) == ("Budi Santoso", NIP, "III/d")
    assert (b.nama.value, b.nip.value, b.pangkat_golongan.value) == ("Ani Lestari", NIP2, "IV/a")


def test_same_name_other_nip_is_another_person() -> None:
    other = person(nama="Budi", nip=NIP2, jabatan="Staf")
    same = person(nama="BUDI, ST", email="b@x.id")
    p, q = fields.join((doc(persons=(person(nama="Budi", nip=NIP),)), doc("data_personal", persons=(other, same))), ())
    assert (p.jabatan.value, p.email.value, q.nip.value) == (None, "b@x.id", NIP2)


@pytest.mark.parametrize(
    ("address", "agreed"), [("teguhll@mail.go.id", False), ("teguh11@mail.go.id", True), ("teguhl4@mail.go.id", False)]
)
def test_what_looks_like_a_number_behind_a_name_is_a_doubt(address: str, agreed: bool) -> None:
    """Two engines read two l where 11 was printed, for in many fonts both look the same."""
    read = page(f"Nama : Teguh Suryadarma\nNIP : {NIP}\nSurel : {address}")
    second = SecondReading(read.lines[-1].words[-1].box, address, 0.99)
    (p,) = fields.persons_of(doc(), (replace(read, seconds=(second,)),), TODAY)
    assert p.email.agreed is agreed


def test_a_separator_read_as_a_digit_is_no_label() -> None:
    (p,) = persons(f"Nama : Budi Santoso\nNIP : {NIP}\nNo telpon/HP 2 +6282196377813")
    assert p.telepon.value == "+6282196377813"


@pytest.mark.parametrize(
    ("read", "name"),
    [
        ("Ors. H. Abdul Lubis, $.Sos.", "Drs. H. Abdul Lubis, S.Sos."),
        ("In Sumiyati, SE., MM", "Ir. Sumiyati, SE., MM"),
        ("Dwi Utomo, S.1P", "Dwi Utomo, S.IP"),
    ],
)
def test_titles_as_engines_leave_them(read: str, name: str) -> None:
    (p,) = persons(f"Nama : {read}\nNIP : {NIP}")
    assert p.nama.value == name


@pytest.mark.parametrize("colon", [":", "~ >", ">", "=", "»"])
def test_a_colon_is_known_as_engines_read_it(colon: str) -> None:
    read = replace(page(f"Nama : Budi\nNIP {colon} {NIP}\nGolongan {colon} IV/b"), read_by="ocr")
    (p,) = fields.persons_of(doc(), (read,), TODAY)
    assert (p.nip.value, p.pangkat_golongan.value) == (NIP, "IV/b")
