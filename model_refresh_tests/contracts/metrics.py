"""What every metric must do; a subclass in the metrics' tests runs this for each one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_refresh.metrics import Metric
from model_refresh.metrics.intervals import gain_interval
from model_refresh.metrics.protocol import Floats, assess
from model_refresh_tests.metrics.factories import make_holdout, make_rows

few = settings(max_examples=25, deadline=None)
seeds = st.integers(0, 2**32 - 1)
levels = st.sampled_from([None, 3, 20])


class MetricContract:
    """Subclasses parametrise every test by `metric`."""

    def test_it_names_itself_and_says_which_way_is_better(self, metric: Metric) -> None:
        assert metric.name.isidentifier()
        assert metric.label
        assert set(metric.tasks) <= {"binary", "regression"}
        assert metric.direction in {"maximise", "minimise"} or isinstance(metric.direction, float)
        assert not metric.is_loss or metric.direction == "minimise"
        assert (metric.__doc__ or "").strip()

    @few
    @given(seed=seeds, ties=levels)
    def test_the_order_of_rows_does_not_matter(
        self, metric: Metric, seed: int, ties: int | None
    ) -> None:
        target, (new, _) = make_rows(metric, seed=seed, levels=ties)
        order = np.random.default_rng(seed).permutation(len(target))
        assert metric.value(target[order], new[order]) == pytest.approx(
            metric.value(target, new), rel=1e-9, abs=1e-9, nan_ok=True
        )

    @few
    @given(seed=seeds, ties=levels)
    def test_rows_that_are_repeated_change_neither_value_nor_clustered_bounds(
        self, metric: Metric, seed: int, ties: int | None
    ) -> None:
        target, (new, old) = make_rows(metric, seed=seed, levels=ties)
        once = _bounds(metric, (target, new, old), np.arange(len(target)))
        twice = _bounds(
            metric,
            (np.tile(target, 2), np.tile(new, 2), np.tile(old, 2)),
            np.tile(np.arange(len(target)), 2),
        )
        assert twice == pytest.approx(once, rel=1e-7, abs=1e-8, nan_ok=True)

    @few
    @given(seed=seeds, ties=levels)
    def test_swapping_new_and_old_negates_the_gain_and_swaps_the_bounds(
        self, metric: Metric, seed: int, ties: int | None
    ) -> None:
        target, (new, old) = make_rows(metric, seed=seed, levels=ties)
        alone = np.arange(len(target))
        estimate, lower, upper = _bounds(metric, (target, new, old), alone)
        swapped = _bounds(metric, (target, old, new), alone)
        assert swapped == pytest.approx((-estimate, -upper, -lower), abs=1e-12, nan_ok=True)
        assert np.isnan(estimate) or lower <= estimate <= upper

    @pytest.mark.parametrize("rows", [60, 400])
    def test_a_prediction_gains_nothing_over_itself(self, metric: Metric, rows: int) -> None:
        target, (new, _) = make_rows(metric, seed=1, rows=rows)
        estimate, lower, upper = _bounds(metric, (target, new, new), np.arange(rows))
        assert estimate == 0.0
        assert lower <= 0.0 <= upper
        if not isinstance(metric.direction, float):
            assert (lower, upper) == (0.0, 0.0)

    def test_the_influences_have_mean_zero_and_the_rows_shape(self, metric: Metric) -> None:
        target, (new, _) = make_rows(metric, seed=2, levels=20)
        influence = assess(metric, target, new).influence
        assert influence.shape == target.shape
        assert influence.mean() == pytest.approx(0.0, abs=1e-10 + 1e-10 * np.abs(influence).max())

    @pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
    @pytest.mark.parametrize("where", ["target", "prediction"])
    def test_what_is_not_finite_has_no_value(
        self, metric: Metric, wrong: float, where: str
    ) -> None:
        target, (new, _) = make_rows(metric, seed=3)
        (target if where == "target" else new)[7] = wrong
        assert np.isnan(metric.value(target, new))
        assert np.isnan(assess(metric, target, new).influence).all()

    def test_no_rows_and_rows_of_other_length_have_no_value(self, metric: Metric) -> None:
        target, (new, _) = make_rows(metric, seed=4)
        assert np.isnan(metric.value(target[:0], new[:0]))
        assert np.isnan(metric.value(target, new[:-1]))

    @few
    @given(new=st.floats(-1e6, 1e6), old=st.floats(-1e6, 1e6), other=st.floats(-1e6, 1e6))
    def test_gains_add_up(self, metric: Metric, new: float, old: float, other: float) -> None:
        direct = metric.gain(new, old)
        assert direct == pytest.approx(metric.gain(new, other) + metric.gain(other, old), abs=1e-8)

    def test_more_groups_narrow_the_bounds_with_the_root_of_their_number(
        self, metric: Metric
    ) -> None:
        widths = []
        for rows in (2_000, 32_000):
            target, (new, old) = make_rows(metric, seed=5, rows=rows)
            estimate, lower, _ = _bounds(metric, (target, new, old), np.arange(rows))
            widths.append(estimate - lower)
        if isinstance(metric.direction, float):
            assert widths[0] > 1.5 * widths[1], "near its aim a bound has a kink"
        else:
            assert widths[0] / widths[1] == pytest.approx(4.0, rel=0.35)


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
