"""What statistics do to the next period, learned by least squares from simulated frames."""

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray

from model_refresh.features import Encoder, TimedLabels
from model_refresh.records.encoding import Encoding
from model_refresh_tests.features.factories import START, WEEK, make_columns

FRAMES = 8
ROWS = 1000
VALUES = 1000
Vector = NDArray[np.float64]


class World:
    """Weekly frames of one category and one number; the last frame is the next period.

    `effect` is the standard deviation of what a category does to the label, beside noise of 1;
    `drift` is by how much all labels rise each week; labels are known after `lag` weeks.
    """

    def __init__(self, seed: int, *, effect: float, drift: float = 0.0, lag: int = 1) -> None:
        rng = np.random.default_rng(seed)
        week = np.repeat(np.append(np.arange(FRAMES), FRAMES - 1 + lag), ROWS)
        place, number = rng.integers(0, VALUES, len(week)), rng.normal(size=len(week))
        effects = effect * rng.normal(size=VALUES)
        self.target = effects[place] + 0.5 * number + drift * week + rng.normal(size=len(week))
        self.number, self.learned = number, np.arange(len(week)) < FRAMES * ROWS
        self.as_of = START + week * WEEK
        self.rows = pl.DataFrame({"t": place}).cast(pl.String)
        self.lag = lag

    def encode(self, smoothing: float | None = None) -> tuple[Vector, Vector, Vector]:
        """The statistic of training rows as ordered and as leaky, and that of the next period."""
        rows, as_of = self.rows.filter(self.learned), self.as_of[self.learned]
        labels = TimedLabels(self.target[self.learned], as_of, as_of + self.lag * WEEK)
        encoding = Encoding(categories="target", smoothing=smoothing)
        encoder = Encoder.fit(rows, make_columns(t="text"), [], encoding, labels)
        ordered = encoder.transform_training(rows, labels)
        after = encoder.transform(self.rows.filter(~self.learned))
        leaky = encoder.transform(rows)
        return ordered.values[:, 0], leaky.values[:, 0], after.values[:, 0]

    def error(self, learned: Vector, after: Vector) -> float:
        """Mean squared error in the next period; NaN is a level of its own, as in `linear`."""
        train, test = self.learned, ~self.learned
        weights = np.linalg.lstsq(design(learned, self.number[train]), self.target[train])[0]
        predicted = design(after, self.number[test]) @ weights
        return float(np.mean((self.target[test] - predicted) ** 2))


def design(statistic: Vector, number: Vector) -> Vector:
    blank = np.isnan(statistic)
    return np.stack([np.ones_like(number), number, np.nan_to_num(statistic), blank], axis=1)


def mean_errors(
    *, effect: float, drift: float = 0.0, lag: int = 1, smoothing: float | None = None
) -> dict[str, float]:
    """The next period's error over ten worlds, by how training rows got their statistic."""
    found: dict[str, list[float]] = {name: [] for name in ("none", "ordered", "leaky", "filled")}
    for seed in range(10):
        world = World(seed, effect=effect, drift=drift, lag=lag)
        ordered, leaky, after = world.encode(smoothing)
        mean = world.target[world.learned].mean()
        found["none"].append(world.error(np.zeros_like(leaky), np.zeros_like(after)))
        found["ordered"].append(world.error(ordered, after))
        found["leaky"].append(world.error(leaky, after))
        found["filled"].append(world.error(np.where(np.isnan(ordered), mean, ordered), after))
    return {name: float(np.mean(errors)) for name, errors in found.items()}


def test_statistics_of_all_labels_overfit_a_category_of_noise_and_ordered_ones_do_not() -> None:
    errors = mean_errors(effect=0.0)
    assert errors["leaky"] > 1.06 * errors["none"]
    assert errors["ordered"] == pytest.approx(errors["none"], rel=0.002)


@pytest.mark.parametrize("lag", [1, 4])
@pytest.mark.parametrize("effect", [0.3, 1.0])
def test_ordered_statistics_find_what_a_category_does(effect: float, lag: int) -> None:
    errors = mean_errors(effect=effect, lag=lag)
    assert errors["ordered"] < 0.98 * errors["none"]
    assert errors["ordered"] < 0.995 * errors["leaky"]


@pytest.mark.parametrize("effect", [0.3, 1.0])
def test_the_smoothing_that_the_labels_tell_is_as_good_as_the_true_one(effect: float) -> None:
    true = mean_errors(effect=effect, lag=4, smoothing=1.25 / effect**2)
    assert mean_errors(effect=effect, lag=4)["ordered"] < 1.002 * true["ordered"]


@pytest.mark.parametrize("lag", [1, 4])
@pytest.mark.parametrize("effect", [0.0, 0.3, 1.0])
def test_nan_where_nothing_was_known_beats_the_overall_mean_where_the_level_moves(
    effect: float, lag: int
) -> None:
    moving = mean_errors(effect=effect, drift=0.1, lag=lag)
    assert moving["ordered"] < 0.98 * moving["filled"]
    still = mean_errors(effect=effect, lag=lag)
    assert still["ordered"] < 1.001 * still["filled"]
