"""Numbers as a page shows them."""

import math

import pytest

from model_refresh.report.digits import fixed, number, percent, places, signed, size


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.25, "0.2500"), (1234.5678, "1,235"), (-0.0012345, "\u22120.001234"), (0.0, "0.000"),
     (math.nan, "not defined"), (-math.inf, "\u2212∞"), (None, "\u2013"), (1e18, "1e+18")],
)  # fmt: skip
def test_a_number_has_four_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def test_decimals_are_those_of_the_largest() -> None:
    assert places(0.0102, 0.4, None, math.nan) == 4
    assert places(12.5, 0.001) == 2
    assert places(1e-12) == 7


def test_what_rounds_to_nothing_has_no_sign() -> None:
    assert fixed(-0.00001, 3) == "0.000"


def test_a_gain_shows_its_sign() -> None:
    assert signed(0.0102, 4) == "+0.0102"
    assert signed(-0.5, 1) == "\u22120.5"


def test_shares_and_sizes() -> None:
    assert [percent(0.4312), percent(0.004), percent(1.0)] == ["43.1%", "0.40%", "100.0%"]
    assert [size(999), size(412_345), size(3_100_000)] == ["999 bytes", "412.3 kB", "3.1 MB"]
