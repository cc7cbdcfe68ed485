"""Reading one page: text layer, scan, turned scan, blank page, broken and locked files."""

from __future__ import annotations

import io
import re
from pathlib import Path

import cv2
import numpy as np
import pypdfium2 as pdfium
import pytest
from PIL import Image, ImageDraw, ImageFont
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DecodedStreamObject, DictionaryObject, NameObject, RectangleObject

from mailbot.model import Cell, Line, Mark, Table, Word
from mailbot.parsers import cells, geometry, ocr, pages, rereading, shapes, spans, tte
from mailbot.parsers.problem import FileProblem

NIP = "198505192010011007"
LETTER = """<style>@page{size:A4;margin:20mm}table{border-collapse:collapse}td{border:1pt solid;padding:2pt}</style>
<p>PEMERINTAH KABUPATEN BANTAENG</p><p>Dengan hormat, bersama ini kami mohon pengaktifan akun Pejabat Pembuat Komitmen
pada aplikasi SPSE untuk tahun anggaran 2026 sebagai berikut.</p><table><tr><td>1<td>Andi Rahmat<td style="width:22mm">
19850519 201001 1 007<td>081245671234<td>andi_rahmat@gmail.com</tr></table><p>Demikian, terima kasih.</p>"""


@pytest.fixture(scope="module")
def letter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    weasyprint = pytest.importorskip("weasyprint")
    path = tmp_path_factory.mktemp("pages") / "letter.pdf"
    weasyprint.HTML(string=LETTER).write_pdf(str(path))
    return path


def _scan(letter: Path, turns: int = 0) -> str:
    with pdfium.PdfDocument(str(letter)) as document:
        image = document[0].render(scale=200 / 72).to_numpy()[..., :3]
    path = letter.with_name(f"scan{turns}.png")
    cv2.imwrite(str(path), np.rot90(image, turns))
    return str(path)


def _cells(table: Table) -> list[str]:
    return [re.sub(r"\s", "", "".join(line.text for line in cell.lines)) for cell in table.cells]


def test_text_layer_is_taken_and_cells_keep_a_wrapped_nip(letter: Path) -> None:
    page = pages.read_page(str(letter), "pdf", 1)
    assert (page.read_by, page.scan, page.quality) == ("text", False, 1.0)
    assert NIP in _cells(page.tables[0])


def _layered(letter: Path, old: bytes, new: bytes) -> str:
    """The letter as a picture over half of a page whose hidden text layer says something else."""
    with pdfium.PdfDocument(str(letter)) as document:
        page = document[0]
        text = page.get_textpage().get_text_bounded().encode("ascii", "replace").replace(old, new).replace(b"\r", b"")
        image = page.render(scale=100 / 72).to_pil().convert("RGB")
    out = io.BytesIO()
    image.crop((0, 0, image.width, image.height * 11 // 20)).save(out, "PDF", resolution=100)
    writer = PdfWriter(clone_from=io.BytesIO(out.getvalue()))
    writer.pages[0].mediabox = RectangleObject((0, -380, 595, 463))
    rows = [
        b"1 0 0 1 60 %d Tm (%s) Tj" % (440 - 12 * n, row.translate(None, b"()\\"))
        for n, row in enumerate(text.split(b"\n"))
    ]
    stream = DecodedStreamObject()
    stream.set_data(b"BT 3 Tr /H 10 Tf %s ET" % b" ".join(rows))
    font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1"),
                             NameObject("/BaseFont"): NameObject("/Helvetica")})  # fmt: skip
    page = writer.pages[0]
    page[NameObject("/Resources")][NameObject("/Font")] = DictionaryObject({NameObject("/H"): font})
    page[NameObject("/Contents")] = ArrayObject([page.raw_get("/Contents"), writer._add_object(stream)])
    path = letter.with_name("layered.pdf")
    writer.write(str(path))
    return str(path)


def test_a_hidden_layer_that_says_something_else_is_not_taken(letter: Path) -> None:
    page = pages.read_page(_layered(letter, b"mohon", b"tolak"), "pdf", 1)
    assert page.read_by == "ocr" and "mohon" in page.text and "tolak" not in page.text


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
def test_scan_is_made_upright_and_read(letter: Path, turns: int) -> None:
    path = _scan(letter, turns)
    page = pages.read_page(path, "png", 1)
    assert page.rotation == turns * 90
    assert page.read_by == "ocr" and page.quality > 0.6
    assert NIP in _cells(page.tables[0])
    wide, high = pages.upright(path, "png", 1).size
    assert high / wide == pytest.approx(page.aspect, abs=0.001)


def test_second_engine_reads_the_values_again(letter: Path) -> None:
    if ocr._recogniser() is None:
        pytest.skip("no second model installed")
    texts = [s.text.replace(" ", "") for s in pages.read_page(_scan(letter), "png", 1).seconds]
    assert {NIP, "081245671234"} <= set(texts)


def test_blank_page(tmp_path: Path) -> None:
    path = str(tmp_path / "blank.png")
    cv2.imwrite(path, np.full((2339, 1654, 3), 245, np.uint8))
    assert pages.read_page(path, "png", 1).blank


def test_locked_and_broken_files(letter: Path, tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=PdfReader(str(letter)))
    writer.encrypt("secret", algorithm="RC4-128")
    locked = tmp_path / "locked.pdf"
    writer.write(str(locked))
    broken = tmp_path / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4 nothing")
    for path, type, code in (
        (locked, "pdf", "FILE-SANDI"),
        (broken, "pdf", "FILE-RUSAK"),
        (broken, "jpeg", "FILE-RUSAK"),
    ):
        with pytest.raises(FileProblem) as caught:
            pages.count(str(path), type)
        assert caught.value.code == code
    assert pages.count(str(letter), "pdf") == 1
    assert tte.read(str(letter)) is None and tte.read(str(broken)) is None


def test_wrapped_values_of_a_cell_are_one_span() -> None:
    lines = tuple(
        Line((Word(text, (0.1, y, 0.3, y + 0.01), 0.9),))
        for text, y in (("19850519", 0.1), ("201001", 0.12), ("1007", 0.14))
    )
    table = Table((0, 0, 1, 1), (Cell(0, 0, (0, 0, 1, 1), lines),))
    assert [len(span) for span in spans.of_values(lines, (table,))] == [3]


def words(*texts: tuple[str, float, float]) -> Line:
    return Line(tuple(Word(text, (x, y, x + 0.01 * len(text), y + 0.008), 0.9) for text, x, y in texts))


def test_in_a_table_without_rules_a_value_is_read_down_its_column() -> None:
    lines = (
        words(("Nurul", 0.1, 0.1), ("0878", 0.5, 0.1), ("4952", 0.55, 0.1), ("nurul_firmansyah55@", 0.7, 0.1)),
        words(("Firmansyah", 0.1, 0.112), ("2398", 0.5, 0.112), ("batangkab.go.id", 0.7, 0.112)),
        words(("S.T.", 0.1, 0.124), ("5", 0.5, 0.15)),
    )
    assert [len(span) for span in spans.of_values(lines, ())] == [2, 2]


def test_an_address_broken_before_its_sign_is_one_span() -> None:
    lines = (
        words(("0878", 0.5, 0.1), ("endang-", 0.7, 0.1)),
        words(("2398", 0.5, 0.112), ("syahputra@gmail.com", 0.7, 0.112)),
        words(
            ("zulkifli", 0.7, 0.2),
        ),
        words(
            ("@mail.go.id", 0.7, 0.212),
        ),
        words(
            ("081234567890", 0.7, 0.3),
        ),
        words(
            ("budi@mail.go.id", 0.7, 0.312),
        ),
    )
    found = [span for span in spans.of_values(lines, ()) if span[0][0] == 0.7]
    assert sorted(len(span) for span in found) == [1, 1, 2, 2]


def test_a_nip_broken_down_a_column_is_one_span() -> None:
    lines = (
        words(("1", 0.05, 0.1), ("19860127", 0.3, 0.1), ("0878", 0.6, 0.1)),
        words(("Kurniawan", 0.1, 0.112), ("2016101", 0.3, 0.112)),
        words(("S.E.", 0.1, 0.124), ("010", 0.3, 0.124)),
        words(
            ("19860127", 0.3, 0.3),
        ),
    )
    assert [len(span) for span in spans.of_values(lines, ())] == [3]


def test_a_nip_is_followed_where_ink_spoilt_it_and_below_its_label() -> None:
    lines = (
        words(
            ("BUDI", 0.1, 0.1), ("19841003", 0.4, 0.1), ("29}41U/", 0.485, 0.1), ("1", 0.56, 0.1), ("GUS", 0.575, 0.1)
        ),
        words(("NIP.", 0.1, 0.3), ("19841003", 0.145, 0.3), ("Jalan", 0.4, 0.3)),
        words(("201407", 0.1, 0.312), ("1005", 0.165, 0.312), ("Batang", 0.4, 0.312)),
    )
    assert [len(span) for span in spans.of_values(lines, ())] == [1, 2]


def test_strokes_of_a_roman_number_are_counted() -> None:
    for code in ("II/b", "III/b", "IV/a", "III/d"):
        page = Image.new("RGB", (160, 44), "white")
        ImageDraw.Draw(page).text((8, 6), code, fill="black", font=ImageFont.load_default(size=28))
        image = np.array(page)
        assert shapes.counted(image, (f"1/{code[-1]}", "lll")) == code
    assert shapes.counted(image, ("Penata", "Penata")) is None
    assert shapes.counted(image, ("III/d", "III/b")) is None


def test_a_zero_that_is_too_low_is_an_o() -> None:
    for text, read in (("santoso63@mail.id", "santos063@mail.id"), ("santos063@mail.id", "santos063@mail.id")):
        page = Image.new("RGB", (420, 50), "white")
        ImageDraw.Draw(page).text((8, 6), text, fill="black", font=ImageFont.load_default(size=30))
        assert shapes.rounded(np.array(page), read) == text


def test_separators_of_an_address_are_told_apart_by_their_place() -> None:
    for text in ("ani_lubis@mail.go.id", "ani.lubis@mail.go.id", "ani-lubis@gmail.com"):
        page = Image.new("RGB", (420, 50), "white")
        ImageDraw.Draw(page).text((8, 6), text, fill="black", font=ImageFont.load_default(size=30))
        crop = np.array(page)
        assert shapes.separators(crop) == "".join(re.findall("[._-]", text))
        for other in ("ani_lubis@", "ani.lubis@", "ani-lubis@"):
            wrong = other + text.partition("@")[2]
            assert rereading._by_separators([crop], wrong, text) == text
            assert rereading._by_separators([crop], text, wrong) == text
    assert rereading._by_separators([crop], "ani.lubis@gmail.com", "ani_lubis@gmail.com") is None


def test_a_line_that_the_engine_left_out_of_a_cell_is_read() -> None:
    page = Image.new("L", (500, 160), "white")
    for row, text in enumerate(("ppk.inspektor", "at65@", "yahoo.com")):
        ImageDraw.Draw(page).text((20, 12 + 46 * row), text, fill="black", font=ImageFont.load_default(size=30))
    grey = np.array(page)
    lines = ocr.read(grey, [(0, 0, 500, 160)], psm=6)[0]
    assert len(lines) == 3
    for missing in range(3):
        kept = [line for i, line in enumerate(lines) if i != missing]
        whole = cells._with_missed(grey, (0, 0, 500, 160), kept)
        assert [line.text for line in whole] == [line.text for line in lines]


def test_values_of_the_letterhead_are_not_read_twice() -> None:
    lines = [words((text, 0.1, y)) for text, y in (("DINAS", 0.06), ("(0285)", 0.1), ("081234567890", 0.3))]
    kop = Mark("seen", 1.0, 1, (0.1, 0.05, 0.9, 0.08))
    assert [line.text for line in pages._below(kop, lines)] == ["081234567890"]
    assert len(pages._below(Mark("not_found"), lines)) == 3
    assert len(pages._below(Mark("seen", 1.0, 1, (0.1, 0.05, 0.9, 0.5)), lines)) == 3


def test_a_rectangle_as_wide_as_the_page_is_read_where_it_is() -> None:
    page = Image.new("L", (500, 400), "white")
    for row, text in enumerate(("satu dua tiga", "empat lima")):
        ImageDraw.Draw(page).text((20, 20 + 200 * row), text, fill="black", font=ImageFont.load_default(size=30))
    found = ocr.read(np.array(page), [(0, 0, 500, 90), (0, 200, 500, 90)], psm=6)
    assert [line.text for lines in found for line in lines] == ["satu dua tiga", "empat lima"]


def test_golongan_is_read_again_behind_its_label_and_under_its_heading() -> None:
    line = words(("Pangkat/Gol.", 0.1, 0.1), (":", 0.3, 0.1), ("Penata", 0.35, 0.1), ("(III/c)", 0.45, 0.1))
    head, below = words(("GOL/RUANG", 0.1, 0.3)), words(("TIl/b", 0.1, 0.35))
    beside = words(("NIP", 0.5, 0.3))
    cells = (
        Cell(0, 3, (0, 0.28, 0.4, 0.33), (head,)),
        Cell(1, 3, (0, 0.33, 0.4, 0.4), (below,)),
        Cell(0, 4, (0.4, 0.28, 1, 0.33), (beside,)),
    )
    found = spans.of_grades((line, head, below), (Table((0, 0.28, 1, 0.4), cells),))
    assert [[round(x, 2) for x in span[0][:3]] for span in found] == [[0.1, 0.35, 0.15], [0.35, 0.1, 0.52]]


@pytest.mark.parametrize(
    ("second", "first", "read"),
    [
        ("ppk.setda16@yah?0.co.id", "ppk.setda16@yahoo.co.id", "ppk.setda16@yahoo.co.id"),
        ("budi@ymail.com", "budi@gmail.com", "budi@ymail.com"),
        ("budi@yaho.com", "budi@yaho.com", "budi@yaho.com"),
        ("081234567890", "081234567890", "081234567890"),
        ("suharti8@batangkab.goid", "suharti8@batangkab.go.id", "suharti8@batangkab.go.id"),
        ("anighozaliyahoo.co.id", "anighozali@yahoo.co.id", "anighozali@yahoo.co.id"),
        ("siregarsri@gmail.com", "siregar.sri@gmail.com", "siregarsri@gmail.com"),
        ("budi@batangkab.go.id", "budi@batangkab.goid", "budi@batangkab.go.id"),
    ],
)
def test_only_a_near_miss_of_a_well_known_domain_is_closed(second: str, first: str, read: str) -> None:
    assert rereading._with_domain(second, first) == read


def test_more_specks_than_16_bits_can_count_are_counted() -> None:
    dust = np.zeros((600, 600), np.uint8)
    dust[::2, ::2] = 1

    labels, stats = geometry.components(dust)

    assert len(stats) == 300 * 300 + 1 and len(np.unique(labels)) == len(stats)
    assert (stats[1:, 4] == 1).all()


def test_few_letters_are_labelled_as_opencv_does() -> None:
    ink = (np.random.default_rng(7).random((400, 300)) > 0.7).astype(np.uint8)

    labels, stats = geometry.components(ink)

    _, known, table, _ = cv2.connectedComponentsWithStats(ink)
    assert labels.dtype == np.uint16 and (labels == known).all() and (stats == table).all()
