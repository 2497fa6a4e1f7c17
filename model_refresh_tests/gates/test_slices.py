import math

import numpy as np
import pytest
from scipy import stats

from model_refresh.gates import Slices
from model_refresh.records import Comparison, Interval, SliceComparison
from model_refresh_tests.gates.factories import (
    make_comparison,
    make_incumbent,
    make_interval,
    make_slice,
    make_values,
    without_bounds,
)

MARGIN = 0.01


def test_a_harmed_slice_is_named_with_figures() -> None:
    comparison = _with(
        make_slice("gold", gain=make_interval(-0.05, 0.02)), make_slice("basic"), make_slice("new")
    )
    result = _gate().judge(comparison)
    assert (result.outcome, result.value, result.threshold) == ("failed", -0.05, -MARGIN)
    assert result.sentence == (
        "1 of 3 slices is worse by more than 0.010: "
        "segment is gold, log loss worse by 0.050 (212 rows)"
    )


def test_the_worst_come_first_and_no_more_than_three() -> None:
    bad = [make_slice(f"s{n}", gain=make_interval(-0.05 - n / 100, 0.001)) for n in range(5)]
    sentence = _gate().judge(_with(*bad)).sentence
    assert sentence.startswith("5 of 5 slices are worse")
    assert sentence.index("s4") < sentence.index("s3") < sentence.index("s2")
    assert sentence.endswith("and 2 more")


def test_a_relief_tells_how_many_and_the_nearest() -> None:
    comparison = _with(
        make_slice("gold"),
        make_slice("basic", gain=make_interval(-0.008, 0.004)),
        make_slice("tiny", gain=without_bounds(-0.9, groups=3), rows=4),
    )
    result = _gate().judge(comparison)
    assert result.outcome == "passed"
    assert result.sentence == (
        "none of 2 slices is surely worse by more than 0.0100; nearest: segment is basic, "
        "log loss worse by 0.0080 (212 rows); 1 slice too small to judge"
    )


@pytest.mark.parametrize(
    ("slices", "said"),
    [
        ((), "no slice is declared and none was found"),
        ((make_slice(gain=without_bounds(-0.9, groups=3)),), "no slice could be judged"),
    ],
)
def test_nothing_to_look_at_is_said(slices: tuple[SliceComparison, ...], said: str) -> None:
    result = _gate().judge(_with(*slices))
    assert result.outcome == "passed"
    assert said in result.sentence


def test_one_slice_is_a_one_sided_t_test() -> None:
    """Harm is seen exactly where the upper bound of the gain lies below -margin."""
    for estimate in np.linspace(-0.05, 0.02, 141):
        gain = make_interval(float(estimate), 0.0123, groups=11)
        failed = _gate().judge(_with(make_slice(gain=gain))).outcome == "failed"
        assert failed == (gain.upper <= -MARGIN)


def test_holm_steps_down_from_the_surest() -> None:
    """p-values 0.01, 0.02, 0.03 at 5%: 0.01 <= 0.05/3; 0.02 <= 0.05/2; 0.03 <= 0.05."""
    assert _count(0.01, 0.02, 0.03) == 3
    assert _count(0.01, 0.026, 0.03) == 1
    assert _count(0.017, 0.017, 0.017) == 0
    assert _count(0.016, 0.9, 0.9) == 1
    assert _count(0.04) == 1


def test_more_slices_make_no_more_false_alarms() -> None:
    """At the margin itself, one holdout in twenty raises an alarm, however many slices."""
    rng = np.random.default_rng(7)
    alarms = sum(_count(*rng.uniform(size=20)) > 0 for _ in range(2000))
    assert 0.03 < alarms / 2000 < 0.065


def test_a_difference_without_spread_is_judged_by_itself() -> None:
    assert _gate().judge(_with(make_slice(gain=make_interval(-0.02, 0.0)))).outcome == "failed"
    assert _gate().judge(_with(make_slice(gain=make_interval(-0.01, 0.0)))).outcome == "passed"


def test_a_percentage_is_of_the_constants_loss_on_the_whole() -> None:
    comparison = _with(make_slice(gain=make_interval(-0.05, 0.001)))
    assert Slices().judge(comparison).threshold == pytest.approx(-0.008)
    broken = make_comparison(make_values("log_loss", constant=math.nan))
    assert Slices().judge(broken).outcome == "failed"


def test_without_incumbent_nobody_is_worse_off() -> None:
    assert _gate().judge(make_comparison(incumbent=None)).outcome == "not_applicable"
    lost = make_comparison(incumbent=make_incumbent(incomparable="its query fails"))
    assert (_gate().judge(lost).outcome, _gate().judge(lost).severity) == ("failed", "reject")


@pytest.mark.parametrize(
    ("task", "primary", "read"),
    [
        ("binary", "brier", "brier"),
        ("binary", "roc_auc", "log_loss"),
        ("regression", "mae", "mae"),
        ("regression", "r2", "rmse"),
        ("multiclass", "accuracy", "log_loss"),
    ],
)
def test_it_reads_a_loss_that_every_slice_has(task: str, primary: str, read: str) -> None:
    assert _gate().reads(task, primary) == (read,)  # type: ignore[arg-type]


def _gate() -> Slices:
    return Slices.model_validate({"margin": MARGIN})


def _with(*slices: SliceComparison) -> Comparison:
    return make_comparison().model_copy(update={"slices": slices})


def _count(*chances: float) -> int:
    """How many slices with these p-values raise the alarm."""
    slices = [make_slice(f"s{n}", gain=_of_chance(p)) for n, p in enumerate(chances)]
    sentence = _gate().judge(_with(*slices)).sentence
    return 0 if sentence.startswith("none") else int(sentence.split(" ")[0])


def _of_chance(p: float, *, groups: int = 30, error: float = 0.004) -> Interval:
    gain = -MARGIN + float(stats.t.ppf(p, groups - 1)) * error
    return make_interval(gain, float(stats.t.ppf(0.95, groups - 1)) * error, groups=groups)


def test_a_stricter_test_of_gains_does_not_blind_the_search_for_harm() -> None:
    """Under the fleet's control a promotion needs more; harm is found as before."""
    harmed = _with(make_slice("gold", gain=make_interval(-0.05, 0.02)))
    strict = harmed.model_copy(update={"confidence": 1 - 1e-9})
    assert _gate().judge(harmed).outcome == "failed"
    assert _gate().judge(strict).outcome == "failed"
