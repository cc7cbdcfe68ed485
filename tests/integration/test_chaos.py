"""A short run of soak.chaos on each engine; the long one is `python -m soak.chaos --kills 200`."""

import pytest

from soak import chaos


@pytest.mark.long
@pytest.mark.timeout(280)
@pytest.mark.parametrize("driver", ["sqlite", pytest.param("postgresql", marks=pytest.mark.server)])
def test_nothing_is_lost_and_nothing_doubled(driver: str) -> None:
    made, faults = chaos.run(driver, kills=4, seed=3, mails=2, patience=200)

    assert made.laid and not faults
