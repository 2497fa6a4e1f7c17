"""What past comparisons say of the next one."""

from model_refresh.refresh.power import power_warning
from model_refresh_tests.lab import Lab


def test_a_half_width_above_half_of_the_margin_is_warned_of(lab: Lab) -> None:
    wide = lab.again({"gates": [{"gate": "non_inferior", "margin": 0.5}]})
    narrow = lab.again({"gates": [{"gate": "non_inferior", "margin": 1e-9}]})
    assert power_warning(wide.model, wide.store) is None
    told = power_warning(narrow.model, narrow.store)
    assert told is not None
    assert "on 300 rows, more than half of the margin of 1e-09" in told


def test_without_a_past_comparison_there_is_nothing_to_say(fresh: Lab) -> None:
    assert power_warning(fresh.model, fresh.store) is None


def test_without_a_margin_there_is_nothing_to_say(lab: Lab) -> None:
    other = lab.again({"gates": [{"gate": "beats_constant"}]})
    assert power_warning(other.model, other.store) is None
