"""What every metric must do; a subclass in the metrics' tests runs this for each one."""

import re
from dataclasses import FrozenInstanceError, replace
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_refresh.metrics import Metric, metric, pattern
from model_refresh.metrics.intervals import gain_interval
from model_refresh.metrics.protocol import Floats, assess
from model_refresh.records import Task
from model_refresh_tests.metrics.factories import Case, make_holdout, make_rows

few = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32 - 1)
levels = st.sampled_from([None, 3, 20])


class MetricContract:
    """Subclasses parametrise every test by `case`: a metric and a task."""

    def test_it_names_itself_and_says_which_way_is_better(self, case: Case) -> None:
        each = case.metric
        assert re.fullmatch(pattern(), each.name)
        assert type(metric(each.name)) is type(each)
        assert metric(each.name).name == each.name
        assert each.label
        assert set(each.tasks) <= set(get_args(Task))
        assert each.direction in {"maximise", "minimise"} or isinstance(each.direction, float)
        assert not each.is_loss or each.direction == "minimise"
        assert (each.__doc__ or "").strip()

    def test_it_is_a_value_that_cannot_be_changed(self, case: Case) -> None:
        assert replace(case.metric) == case.metric
        assert hash(replace(case.metric)) == hash(case.metric)
        with pytest.raises(FrozenInstanceError):
            case.metric.extra = 1  # type: ignore[attr-defined]

    @few
    @given(seed=seeds, ties=levels)
    def test_the_order_of_rows_does_not_matter(
        self, case: Case, seed: int, ties: int | None
    ) -> None:
        target, (new, _) = make_rows(case.metric, task=case.task, seed=seed, levels=ties)
        order = np.random.default_rng(seed).permutation(len(target))
        assert case.metric.value(target[order], new[order]) == pytest.approx(
            case.metric.value(target, new), rel=1e-9, abs=1e-9, nan_ok=True
        )

    @few
    @given(seed=seeds, ties=levels)
    def test_rows_that_are_repeated_change_neither_value_nor_clustered_bounds(
        self, case: Case, seed: int, ties: int | None
    ) -> None:
        target, (new, old) = make_rows(case.metric, task=case.task, seed=seed, levels=ties)
        once = _bounds(case.metric, (target, new, old), np.arange(len(target)))
        twice = _bounds(
            case.metric,
            (_twice(target), _twice(new), _twice(old)),
            np.tile(np.arange(len(target)), 2),
        )
        assert twice == pytest.approx(once, rel=1e-7, abs=1e-8, nan_ok=True)

    @few
    @given(seed=seeds, ties=levels)
    def test_swapping_new_and_old_negates_the_gain_and_swaps_the_bounds(
        self, case: Case, seed: int, ties: int | None
    ) -> None:
        target, (new, old) = make_rows(case.metric, task=case.task, seed=seed, levels=ties)
        alone = np.arange(len(target))
        estimate, lower, upper = _bounds(case.metric, (target, new, old), alone)
        swapped = _bounds(case.metric, (target, old, new), alone)
        assert swapped == pytest.approx((-estimate, -upper, -lower), abs=1e-12, nan_ok=True)
        assert np.isnan(lower) or lower <= estimate <= upper

    @pytest.mark.parametrize("rows", [60, 400])
    def test_a_prediction_gains_nothing_over_itself(self, case: Case, rows: int) -> None:
        target, (new, _) = make_rows(case.metric, task=case.task, seed=1, rows=rows)
        estimate, lower, upper = _bounds(case.metric, (target, new, new), np.arange(rows))
        assert estimate == 0.0
        assert lower <= 0.0 <= upper
        if not isinstance(case.metric.direction, float):
            assert (lower, upper) == (0.0, 0.0)

    def test_the_influences_have_mean_zero_and_the_rows_shape(self, case: Case) -> None:
        target, (new, _) = make_rows(case.metric, task=case.task, seed=2, levels=20)
        influence = assess(case.metric, target, new).influence
        assert influence.shape == target.shape
        assert influence.mean() == pytest.approx(0.0, abs=1e-10 + 1e-10 * np.abs(influence).max())

    @pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("where", ["target", "prediction"])
    def test_what_is_not_finite_has_no_value(self, case: Case, wrong: float, where: str) -> None:
        target, (new, _) = make_rows(case.metric, task=case.task, seed=3)
        (target if where == "target" else new)[7] = wrong
        assert np.isnan(case.metric.value(target, new))
        assert np.isnan(assess(case.metric, target, new).influence).all()

    def test_no_rows_and_rows_of_other_length_have_no_value(self, case: Case) -> None:
        target, (new, _) = make_rows(case.metric, task=case.task, seed=4)
        assert np.isnan(case.metric.value(target[:0], new[:0]))
        assert np.isnan(case.metric.value(target, new[:-1]))

    @pytest.mark.parametrize("predicted", ["tied", "random", "extreme"])
    @pytest.mark.parametrize("outcome", ["lowest", "highest", "mixed"])
    @pytest.mark.parametrize("rows", [1, 5, 40])
    def test_what_says_nothing_is_never_a_gain(
        self, case: Case, rows: int, outcome: str, predicted: str
    ) -> None:
        """One row, five, one class, all ties, a constant: nan or an interval, and no exception."""
        target, (new, old) = make_rows(case.metric, task=case.task, seed=6, rows=rows)
        if outcome != "mixed":
            target = np.full(rows, {"lowest": 0.0, "highest": 1.0}[outcome])
        constant = np.tile(new[:1], (rows, 1)) if new.ndim == 2 else np.full(rows, new[0])
        side = {"tied": constant, "random": new, "extreme": np.round(new)}[predicted]
        if case.task == "multiclass" and predicted == "extreme":
            side = np.eye(3)[np.argmax(new, axis=1)]
        estimate, lower, upper = _bounds(case.metric, (target, side, old), np.arange(rows))
        assert np.isnan(lower) == np.isnan(upper)
        assert np.isnan(lower) or lower <= estimate <= upper
        if rows < 5 or (case.task != "regression" and outcome != "mixed"):
            assert np.isnan(lower)

    @few
    @given(new=st.floats(-1e6, 1e6), old=st.floats(-1e6, 1e6), other=st.floats(-1e6, 1e6))
    def test_gains_add_up(self, case: Case, new: float, old: float, other: float) -> None:
        direct = case.metric.gain(new, old)
        assert direct == pytest.approx(
            case.metric.gain(new, other) + case.metric.gain(other, old), abs=1e-8
        )

    def test_more_groups_narrow_the_bounds_with_the_root_of_their_number(self, case: Case) -> None:
        widths = []
        for rows in (2_000, 32_000):
            target, (new, old) = make_rows(case.metric, task=case.task, seed=5, rows=rows)
            estimate, lower, _ = _bounds(case.metric, (target, new, old), np.arange(rows))
            widths.append(estimate - lower)
        if isinstance(case.metric.direction, float):
            assert widths[0] > 1.5 * widths[1], "near its aim a bound has a kink"
        else:
            assert widths[0] / widths[1] == pytest.approx(4.0, rel=0.35)


def _twice(values: Floats) -> Floats:
    return np.concatenate([values, values])


def _bounds(
    metric: Metric, columns: tuple[Floats, Floats, Floats], group: np.ndarray
) -> tuple[float, float, float]:
    target, new, old = columns
    interval = gain_interval(
        metric,
        make_holdout(target, group=group),
        assess(metric, target, new),
        assess(metric, target, old),
        confidence=0.95,
    )
    return interval.estimate, interval.lower, interval.upper
