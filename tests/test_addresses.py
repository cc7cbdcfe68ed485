"""Addresses that two engines read differently: what a name may decide, and what stays a doubt."""

import pytest

from mailbot.model import Found
from mailbot.parsers.addresses import settled


def address(first: str, second: str, agreed: bool | None = False, value: str | None = None) -> Found:
    return Found(value or first.lower(), first, 0.9, "surat.pdf", 1, None, second, agreed)


@pytest.mark.parametrize(
    ("first", "second", "name", "value", "agreed"),
    [
        ("ppk.setdal0@gmail.com", "ppk.setda10@gmail.com", "Sri Lubis", "ppk.setda10@gmail.com", True),
        ("yohanes_prasety086@yahoo.com", "yohanes_prasety?86@yahoo.com", "Yohanes Prasetyo", "yohanes_prasetyo86@yahoo.com", True),
        ("rizky maharanil7@mail.go.id", "rizky_maharani17@mail.go.id", "Rizky Maharani", "rizky_maharani17@mail.go.id", True),
        # no engine read an o: the likelier address, and a doubt
        ("fitrimulyon0@gmail.com", "fitrimulyon@gmail.com", "Fitri Mulyono", "fitrimulyono@gmail.com", False),
        # which number it is no name can say
        ("lestari1l8@mail.go.id", "lestari18@mail.go.id", "Lestari Prasetyo", "lestari18@mail.go.id", False),
    ],
)  # fmt: skip
def test_the_name_decides_or_it_stays_a_doubt(first: str, second: str, name: str, value: str, agreed: bool) -> None:
    found = settled(address(first, second), name)
    assert (found.value, found.agreed) == (value, agreed)


def test_what_both_engines_read_is_doubted_where_the_name_has_the_letter_that_looks_alike() -> None:
    both = "bambang.santos063@mail.go.id"
    found = settled(address(both, both, agreed=True), "Bambang Santoso")
    assert (found.value, found.agreed) == ("bambang.santoso63@mail.go.id", False)


def test_a_part_that_both_engines_cut_off_is_not_lost() -> None:
    both = "zulkifli wibowo77@yahoo.co.id"
    found = settled(address(both, both, value="wibowo77@yahoo.co.id"), "Ir. Zulkifli Wibowo, SH")
    assert (found.value, found.agreed) == ("zulkifli_wibowo77@yahoo.co.id", False)


def test_a_capital_among_figures_is_one_of_them() -> None:
    found = settled(address("niS@yahoo.com", "ni5@yahoo.com"), "Ni Luh Lubis")
    assert (found.value, found.agreed) == ("ni5@yahoo.com", True)
    assert settled(address("nis@yahoo.com", "ni5@yahoo.com"), "Ni Luh Lubis").agreed is False


def test_what_the_page_reading_had_of_the_name_is_not_given_up() -> None:
    found = settled(
        address("santoso.wahyu@yahoo.com", "santoso.wahy@yahoo.com", True, "santoso.wahy@yahoo.com"), "Wahyu Santoso"
    )
    assert (found.value, found.agreed) == ("santoso.wahyu@yahoo.com", False)
