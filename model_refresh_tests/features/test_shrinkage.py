import numpy as np
import pytest

from model_refresh.features.shrinkage import KnownMeans
from model_refresh_tests.features.factories import naive_smoothing


def known(groups: list[list[float]], rest: list[float] | None = None) -> KnownMeans:
    """The labels of each place; `rest` are those of the last one."""
    means = KnownMeans(len(groups) + 1)
    for place, labels in enumerate([*groups, rest or []]):
        means.add(np.full(len(labels), place), np.array(labels, dtype=np.float64))
    return means


def test_the_smoothing_is_found_that_made_the_labels() -> None:
    rng = np.random.default_rng(0)
    sizes = rng.integers(1, 20, 20_000)
    groups = [rng.normal(0.5 * rng.normal(), 1.0, n).tolist() for n in sizes]
    assert known(groups).told_smoothing() == pytest.approx(4.0, rel=0.05)


def test_the_smoothing_is_that_of_the_textbook() -> None:
    rng = np.random.default_rng(1)
    groups = [rng.normal(7 + rng.normal(), 2.0, n).tolist() for n in (1, 2, 3, 5, 8)]
    assert known(groups).told_smoothing() == pytest.approx(naive_smoothing(groups), rel=1e-12)


def test_categories_that_are_not_told_apart_tell_the_overall_mean_only() -> None:
    groups = [[1.0, 2.0, 3.0], [4.0, 6.0]]
    alone, among = known(groups), known(groups, rest=[99.0, -99.0, 16.0])
    assert alone.told_smoothing() == among.told_smoothing()
    assert among.blended(None)[-1] == 32 / 8


@pytest.mark.parametrize(
    ("groups", "smoothing"),
    [
        ([], 10.0), ([[1.0, 2.0]], 10.0), ([[1.0], [2.0]], 10.0),
        ([[1.0, 1.0], [1.0, 1.0]], 1e6), ([[1.0, 2.0], [2.0, 1.0]], 1e6),
        ([[0.0, 0.0], [1.0, 1.0]], 1.0),
    ],
)  # fmt: skip
def test_the_smoothing_has_limits(groups: list[list[float]], smoothing: float) -> None:
    assert known(groups).told_smoothing() == smoothing


def test_nothing_known_is_nan_and_an_unmet_place_has_the_overall_mean() -> None:
    assert np.isnan(known([[], []]).blended(None)).all()
    assert known([[1.0, 3.0], []]).blended(1.0).tolist() == [2.0, 2.0, 2.0]
