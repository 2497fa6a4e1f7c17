import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from model_refresh.gates import Margin, NonInferior


@pytest.mark.parametrize(
    ("declared", "amount"),
    [("1%", 0.004), ("0.5 %", 0.002), ("100%", 0.4), (0.002, 0.002), (0, 0.0), ("0.003", 0.003)],
)
def test_a_margin_is_an_amount_or_a_percentage_of_the_constants_loss(
    declared: str | float, amount: float
) -> None:
    assert Margin.of(declared).amount(0.4) == pytest.approx(amount)


def test_an_amount_needs_no_constant_and_a_percentage_does() -> None:
    assert Margin.of(0.01).amount(None) == 0.01
    assert math.isnan(Margin.of("1%").amount(None))


@pytest.mark.parametrize(
    "wrong",
    [
        -0.1,
        "-1%",
        "101%",
        "one",
        "%",
        "1 percent",
        "nan",
        math.nan,
        math.inf,
        "inf%",
        True,
        None,
        [],
    ],
)
def test_what_is_no_margin_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        NonInferior.model_validate({"margin": wrong})


def test_the_message_shows_what_is_accepted() -> None:
    with pytest.raises(ValidationError, match=r"'one' is no margin: give an amount such as 0.002"):
        Margin.of("one")


@given(st.floats(0, 1e6), st.booleans())
def test_a_margin_survives_its_own_text(number: float, is_percent: bool) -> None:
    margin = Margin(number=number % 100 if is_percent else number, is_percent=is_percent)
    assert Margin.parse(margin.canonical()) == margin
    gate = NonInferior(margin=margin)
    assert NonInferior.parse(gate.canonical()) == gate
