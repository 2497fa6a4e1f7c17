"""A scorer's calibrators and links are those that versions have, for any number."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_refresh.algorithms.multinomial import softmax
from model_refresh.algorithms.outcome import LARGEST_FORM, Outcome, chance
from model_refresh.algorithms.unmet import Unmet
from model_refresh.calibration import AnyCalibrator, Beta, Isotonic, Line, Platt
from model_refresh.scorer.formula.calibrators import Calibrator
from model_refresh.scorer.formula.links import Chance, Classes, Level, Levels, Softmax, Value

chances = st.floats(0, 1) | st.sampled_from([0.0, 1.0, 5e-324, 1e-17, 1 - 1e-16, 0.5])
finite = st.floats(allow_nan=False, allow_infinity=False)
moderate = st.floats(-50, 50)
slopes = st.floats(0, 50)
forms = st.lists(st.floats(-1e3, 1e3), min_size=3, max_size=3)


def learned_steps(values: list[float]) -> Isotonic:
    at = np.unique(np.array(values, dtype=np.float64))
    risen = np.sort(np.random.default_rng(0).random(at.size))
    return Isotonic(predicted=tuple(at.tolist()), calibrated=tuple(risen.tolist()))


calibrators = st.one_of(
    st.builds(Platt, intercept=moderate, slope=slopes),
    st.builds(Beta, a=slopes, b=slopes, c=moderate),
    st.builds(learned_steps, st.lists(chances, min_size=1, max_size=9)),
)


@given(calibrator=calibrators, raw=chances)
def test_a_chance_is_calibrated_as_in_a_batch(calibrator: AnyCalibrator, raw: float) -> None:
    assert_calibrates(calibrator, raw)


@given(intercept=finite, slope=slopes, raw=finite)
def test_a_value_is_calibrated_as_in_a_batch(intercept: float, slope: float, raw: float) -> None:
    assert_calibrates(Line(intercept=intercept, slope=slope), raw)


@given(values=st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=9), raw=finite)
def test_steps_of_values_are_those_of_a_batch(values: list[float], raw: float) -> None:
    calibrator = learned_steps(values)
    for each in (raw, *values):
        assert_calibrates(calibrator, each)


def assert_calibrates(learned: AnyCalibrator, raw: float) -> None:
    told = msgspec.json.decode(learned.canonical(), type=Calibrator).apply(raw)
    (expected,) = learned.apply(np.array([raw]))
    assert told == pytest.approx(expected, rel=1e-12, abs=1e-13)
    assert np.isfinite(told)


@given(total=finite)
def test_log_odds_are_chances_however_large(total: float) -> None:
    (expected,) = chance(np.array([total]))
    told = Chance(LARGEST_FORM).scores([total])[0]
    assert told == pytest.approx(expected, rel=1e-12, abs=0.0)
    (free,) = Chance().scores([total])
    assert 0.0 <= free <= 1.0
    assert Value().scores([total]) == (total,)


@given(totals=forms, share=st.floats(0, 0.1))
def test_forms_of_classes_are_shares_and_those_not_met_have_theirs(
    totals: list[float], share: float
) -> None:
    outcome = Outcome(task="multiclass", classes=5, unmet=Unmet(places=(1, 4), share=share))
    classes = Classes(5, outcome.met, share)
    expected = outcome.predicted(np.array([totals]))[0]
    told = Softmax(classes, LARGEST_FORM).scores(totals)
    np.testing.assert_allclose(told, expected, rtol=1e-12)
    whole = Softmax(Classes(3, (0, 1, 2)), LARGEST_FORM).scores(totals)
    np.testing.assert_allclose(whole, softmax(np.array([totals]), furthest=30.0)[0], rtol=1e-12)


@given(levels=st.lists(st.floats(-2, 2), min_size=3, max_size=3), share=st.floats(0, 0.1))
def test_levels_of_classes_are_cut_and_shared(levels: list[float], share: float) -> None:
    outcome = Outcome(task="multiclass", classes=4, unmet=Unmet(places=(2,), share=share))
    cut = np.clip(np.array([levels]), 1e-6, 1 - 1e-6)
    told = Levels(Classes(4, (0, 1, 3), share), 1e-6).scores(levels)
    np.testing.assert_allclose(told, outcome.shared(cut)[0], rtol=1e-12)
    assert Level(1e-6).scores(levels) == (cut[0, 0],)
