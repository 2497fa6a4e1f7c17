"""What is allowed for chance and for natural variation: each beside simulation or another formula."""

import datetime as dt

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from model_refresh.config.operation import DriftLimits
from model_refresh.drift import counted_stability, counted_wasserstein, jensen_shannon
from model_refresh.metrics import metric
from model_refresh.monitoring.drift import chance
from model_refresh.monitoring.drift.allowance import Asked, measured, natural_distance
from model_refresh.monitoring.drift.columns import Ground, distance
from model_refresh.monitoring.drift.labels import moved_labels
from model_refresh.monitoring.drift.tallies import number_tally
from model_refresh.records import Labels

Floats = NDArray[np.float64]
TIMES, MANY, FEW = 2000, 900, 200
SIZES = np.array([1 / MANY + 1 / FEW])


def binned(rng: np.random.Generator, rows: int) -> Floats:
    return rng.multinomial(rows, np.full(10, 0.1), size=TIMES).astype(np.float64)


def above(values: Floats, limit: float) -> float:
    return float((values > limit).mean())


def test_the_stability_index_is_above_chance_in_one_of_a_hundred() -> None:
    rng = np.random.default_rng(0)
    found = counted_stability(binned(rng, MANY), binned(rng, FEW))
    assert above(found, float(chance.stability_chance(10, SIZES)[0])) == pytest.approx(
        0.01, abs=0.01
    )


def test_so_is_jensen_shannon() -> None:
    rng = np.random.default_rng(1)
    found = jensen_shannon(binned(rng, MANY), binned(rng, FEW))
    limit = float(chance.divergence_chance(10, SIZES)[0])
    assert above(found, limit) == pytest.approx(0.01, abs=0.01)


def test_wasserstein_is_seldom_above_chance_and_would_be_above_half_of_it() -> None:
    rng = np.random.default_rng(2)
    levels = np.arange(10.0)
    one, other = binned(rng, MANY), binned(rng, FEW)
    found = counted_wasserstein(one, other, levels)
    limit = float(np.sqrt(chance.wasserstein_chance(np.full(10, 1.0), levels, SIZES)[0]))
    assert above(found, limit) <= 0.02
    assert above(found, limit / 2) > 0.02


@pytest.mark.parametrize(("rows", "missing"), [(300, 0.95), (2000, 0.99)])
def test_a_column_that_is_mostly_missing_is_held_to_what_its_few_values_can_tell(
    rows: int, missing: float
) -> None:
    rng = np.random.default_rng(8)
    asked = Asked("wasserstein", DriftLimits().wasserstein, kind="distance")
    alarms = 0
    for _ in range(100):
        values = rng.normal(size=(2, rows))
        values[rng.random((2, rows)) < missing] = np.nan
        moved = distance(number_tally("x", list(values)), Ground(np.full(2, float(rows))), asked)
        alarms += moved is not None and moved.is_breach
    assert alarms <= 5


def test_shares_are_above_chance_on_either_side_in_two_of_a_hundred() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.binomial(MANY, 0.2, TIMES) / MANY, rng.binomial(FEW, 0.2, TIMES) / FEW
    limit = float(np.sqrt(chance.share_chance(0.2, SIZES)[0]))
    assert above(np.abs(one - other), limit) == pytest.approx(0.02, abs=0.01)


def test_the_area_of_rows_without_a_difference_is_above_chance_in_one_of_a_hundred() -> None:
    rng = np.random.default_rng(4)
    side = np.repeat([0.0, 1.0], [MANY, FEW])
    areas = np.array([metric("roc_auc").value(side, rng.random(len(side))) for _ in range(TIMES)])
    square = chance.area_chance(MANY, FEW)
    limit = float(stats.norm.cdf(np.sqrt(square / 2)))
    assert above(areas, limit) == pytest.approx(0.01, abs=0.008)


@pytest.mark.parametrize("looks", [1, 10])
def test_natural_variation_is_a_prediction_interval(looks: int) -> None:
    own = np.array([1.0, 1.2, 0.9, 1.1, 1.0])
    t = stats.t.ppf(1 - 0.001 / looks, df=4)
    expected = own.mean() + t * own.std(ddof=1) * np.sqrt(1 + 1 / 5)
    assert natural_distance(own, looks=looks) == pytest.approx(expected, rel=1e-9)


def test_of_eight_features_whose_frames_differ_few_frames_are_above_it() -> None:
    """Before the declared limit, which is added: distances are skewed, t is not."""
    rng = np.random.default_rng(5)
    effects = np.abs(rng.normal(size=(800, 8, 9)))
    over = [
        any(each[-1] > natural_distance(each[:-1], looks=8) for each in features)
        for features in effects
    ]
    assert 0.003 < np.mean(over) < 0.03


def test_of_one_effect_it_is_the_effects_own_interval() -> None:
    own = np.array([0.1, 0.9, 0.2, 0.05, 0.7, 0.3])
    expected = stats.t.ppf(0.995, df=5) * np.sqrt(np.mean(own**2))
    assert natural_distance(own) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("own", "expected"), [([], 0.0), ([0.3], 0.0), ([0.3, 0.3], 6.0)])
def test_few_frames_tell_little(own: list[float], expected: float) -> None:
    assert natural_distance(np.array(own)) == pytest.approx(expected)


def test_a_limit_is_the_root_of_its_squares() -> None:
    asked = Asked("wasserstein", 0.3, "distance")
    found = measured(asked, np.array([0.5]), np.array([0.04]))
    assert found.limit == pytest.approx(np.sqrt(0.3**2 + 0.04))
    assert found.is_breach
    assert measured(Asked("psi", 0.2), np.array([0.25]), np.array([0.1])).limit == pytest.approx(
        0.3
    )


def test_where_each_own_frame_is_told_apart_the_classifier_raises_no_alarm() -> None:
    asked = Asked("classifier", 0.65, "area")
    found = measured(asked, np.array([1.0, 0.99, 1.0, 1.0]), np.zeros(4))
    assert found.limit == 1.0
    assert not found.is_breach


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_is_no_breach(value: float) -> None:
    assert not measured(Asked("psi", 0.2), np.array([value]), np.zeros(1)).is_breach


def labels(mean: float, *, rows: int = 1000, **more: object) -> Labels:
    start = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    blank = Labels(
        as_of=start, until=start, known_at=start, query="0" * 64, frame="0" * 64,
        content="0" * 64, rows=rows, mean=mean, spread=None,
    )  # fmt: skip
    return blank.model_copy(update=more)


def moved(*each: Labels, limit: float = 0.5) -> float:
    return moved_labels(each[:-1], each[-1], limit=limit).value


def test_labels_move_in_standard_deviations() -> None:
    assert moved(labels(0.1), labels(0.1), labels(0.25)) == pytest.approx(0.15 / 0.3, rel=0.01)
    numbers = [labels(mean, spread=2.0) for mean in (10.0, 10.0, 13.0)]
    assert moved(*numbers) == pytest.approx(1.5)


def test_the_labels_spread_is_that_of_all_rows_together() -> None:
    rng = np.random.default_rng(6)
    frames = [rng.normal(mean, 2.0, rows) for mean, rows in ((1.0, 400), (5.0, 900), (4.0, 500))]
    known = [
        labels(float(each.mean()), spread=float(each.std()), rows=len(each)) for each in frames
    ]
    before = np.concatenate(frames[:2])
    expected = abs(frames[2].mean() - before.mean()) / before.std()
    assert moved(*known) == pytest.approx(expected, rel=1e-9)


def test_of_classes_the_largest_move_counts() -> None:
    shares = [(0.5, 0.3, 0.2), (0.5, 0.3, 0.2), (0.5, 0.1, 0.4)]
    found = moved(*[labels(0.0, shares=each) for each in shares])
    assert found == pytest.approx(0.2 / np.sqrt(0.2 * 0.8), rel=0.01)


@pytest.mark.parametrize(("mean", "found"), [(3.0, 0.0), (4.0, np.inf)])
def test_a_constant_label_moves_without_bound(mean: float, found: float) -> None:
    assert moved(labels(3.0, spread=0.0), labels(mean, spread=0.0)) == found


def test_labels_that_always_moved_so_are_allowed_to() -> None:
    calm = moved_labels([labels(0.2)] * 6, labels(0.5), limit=0.5)
    restless = [labels(mean) for mean in (0.1, 0.4, 0.1, 0.45, 0.2, 0.5)]
    assert calm.is_breach
    assert not moved_labels(restless, labels(0.5), limit=0.5).is_breach
