"""What step 1 asks of the letter and its basis (R-02 to R-07), and what the machine may return by itself (A-04, A-05)."""

from dataclasses import replace

import pytest

from mailbot.model import Evidence, Found, Letter, Mark, Tte
from mailbot.sop import load
from mailbot.sop.judge import judge
from tests.worlds import MORNING, evidence, found, person

SOP = load()
WHOLE = evidence(person())
LETTER, BASIS = WHOLE.documents


def verdict(*documents: object, **changes: object) -> tuple[str, dict[str, str]]:
    read = replace(WHOLE, documents=documents or WHOLE.documents, **changes)  # type: ignore[arg-type]
    made = judge(read, SOP, MORNING.date())
    return made.decision, {f.code: f.cls for f in made.findings}


def test_a_whole_file_is_complete() -> None:
    assert verdict() == ("complete", {})


@pytest.mark.parametrize("addressee", ["Kepala LPSE Kabupaten Batang", "Ketua LPSE", "Kepala UKPBJ Kabupaten Batang"])
def test_the_letter_is_addressed_to_kepala_lpse(addressee: str) -> None:
    def sent_to(text: str) -> tuple[str, dict[str, str]]:
        return verdict(replace(LETTER, letter=replace(LETTER.letter, tujuan=found(text))), BASIS)

    assert sent_to(addressee)[0] == "complete"
    assert sent_to("Bupati Batang") == ("review", {"SURAT-TUJUAN": "unsure"})  # the desk decides


@pytest.mark.parametrize(
    ("mark", "code"), [("kop", "SURAT-KOP"), ("tanda_tangan", "SURAT-TTD"), ("stempel", "SURAT-STEMPEL")]
)
@pytest.mark.parametrize("state", ["not_found", "cannot_judge"])
def test_letterhead_signature_and_stamp_that_are_not_seen_are_for_a_person(mark: str, code: str, state: str) -> None:
    assert verdict(replace(LETTER, **{mark: Mark(state)}), BASIS) == ("review", {code: "unsure"})  # type: ignore[arg-type]


def test_a_verified_electronic_signature_stands_for_ink() -> None:
    bare = replace(LETTER, tanda_tangan=Mark("not_found"), stempel=Mark("not_found"))
    assert verdict(replace(bare, tte=Tte("Kepala Dinas", None, None, True, True, True)), BASIS)[0] == "complete"
    assert verdict(replace(bare, tte=Tte("Kepala Dinas", None, None, True, True, None)), BASIS)[0] == "review"


@pytest.mark.parametrize("kind", ["surat_keputusan", "surat_tugas", "surat_penunjukan"])
def test_the_basis_is_one_of_the_accepted_kinds_and_in_force(kind: str) -> None:
    def until(**facts: object) -> tuple[str, dict[str, str]]:
        return verdict(LETTER, replace(BASIS, kind=kind, letter=Letter(found("188/1/2026"), peran=("ppk",), **facts)))  # type: ignore[arg-type]

    assert until(tahun_anggaran=2026)[0] == "complete"
    assert until(berlaku_sampai="2026-11-23")[0] == "complete"  # its last day
    assert until(berlaku_sampai="2026-11-22") == ("review", {"SK-TIDAK-BERLAKU": "unsure"})
    assert until(tahun_anggaran=2025) == ("review", {"SK-TIDAK-BERLAKU": "unsure"})
    assert until() == ("review", {"SK-TIDAK-BERLAKU": "unsure"})  # never guessed
    assert verdict(LETTER) == ("incomplete", {"SK-TIDAK-ADA": "certain"})


@pytest.mark.parametrize("field", list(SOP.fields))
def test_each_of_the_eight_personal_data_is_asked_for(field: str) -> None:
    lacking = replace(person(), **{field: Found(None)})
    decision, codes = verdict(
        replace(LETTER, persons=(lacking,)), replace(BASIS, persons=(lacking,)), persons=(lacking,)
    )

    assert decision in ("incomplete", "review")
    assert f"DATA-{field.upper().replace('_', '-')}" in codes


def test_a_typed_letter_without_ink_is_returned() -> None:
    bare = replace(
        LETTER,
        read_by="text",
        scan=False,
        tanda_tangan=Mark("not_found"),
        stempel=Mark("not_found"),
        problems=("SURAT-BUKAN-PINDAIAN",),
    )

    assert verdict(bare, BASIS) == ("incomplete", {"SURAT-BUKAN-PINDAIAN": "certain"})


@pytest.mark.parametrize(("switch", "decision"), [("off", "review"), ("certain", "incomplete"), ("all", "incomplete")])
def test_what_the_machine_returns_by_itself_is_a_switch(switch: str, decision: str) -> None:
    sop = replace(SOP, auto_return=switch)
    lacking = Evidence((LETTER,), WHOLE.persons, WHOLE.letter, "", "Permohonan")
    doubtful = replace(lacking, documents=(replace(LETTER, stempel=Mark("not_found")),))

    assert judge(lacking, sop, MORNING.date()).decision == decision
    assert judge(doubtful, sop, MORNING.date()).decision == ("incomplete" if switch == "all" else "review")
