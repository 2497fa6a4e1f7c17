"""Errors against slow implementations, and what clusters do to them."""

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics

from model_refresh.errors import DataError
from model_refresh.metrics import Metric, metric, paired
from model_refresh.metrics.intervals import detectable, standard_error, value_interval
from model_refresh.metrics.protocol import Assessed, Floats, assess
from model_refresh_tests.metrics.factories import (
    Case,
    every_case,
    make_holdout,
    make_predicted,
    make_rows,
)

CASES = every_case()
SMOOTH = [case for case in CASES if not case.has_border]


@pytest.mark.parametrize("levels", [None, 8])
@pytest.mark.parametrize("case", SMOOTH, ids=lambda case: case.id)
def test_influences_are_the_change_when_a_row_is_repeated(case: Case, levels: int | None) -> None:
    each = case.metric
    target, (prediction, _) = make_rows(each, seed=1, rows=80, levels=levels, task=case.task)
    if each.name.startswith("calibration"):
        prediction = np.clip(prediction, 0.02, 0.98)
    copies = 200
    many = np.repeat(np.arange(80), copies)
    before = each.value(target[many], prediction[many])
    influence = assess(each, target, prediction).influence
    for row in (0, 13, 41, 79):
        more = np.append(many, row)
        change = each.value(target[more], prediction[more]) - before
        assert change * len(more) == pytest.approx(influence[row], rel=0.02, abs=0.01)


@pytest.mark.parametrize("levels", [None, 6])
def test_the_error_of_an_auc_difference_is_that_of_delong(levels: int | None) -> None:
    auc = metric("roc_auc")
    target, (new, old) = make_rows(auc, seed=2, rows=150, levels=levels)
    expected = _delong(target, new, old)
    assert _error(auc, target, (new, old)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("levels", [None, 6])
def test_the_clustered_error_of_an_auc_difference_is_that_of_obuchowski(
    levels: int | None,
) -> None:
    auc = metric("roc_auc")
    target, (new, old) = make_rows(auc, seed=3, rows=200, levels=levels)
    group = np.random.default_rng(3).integers(0, 40, size=200)
    expected = _obuchowski(target, new - 0.0, old, group)
    assert _error(auc, target, (new, old), group) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("name", ["log_loss", "brier", "mae"])
def test_bounds_of_a_mean_loss_are_those_of_the_paired_t_test(name: str) -> None:
    loss = metric(name)
    target, (new, old) = make_rows(loss, seed=4)
    by_row = [
        np.array([loss.value(target[[i]], side[[i]]) for i in range(len(target))])
        for side in (old, new)
    ]
    test = scipy.stats.ttest_rel(*by_row).confidence_interval(0.90)
    interval = _paired(loss, target, (new, old))
    assert (interval.lower, interval.upper) == pytest.approx((test.low, test.high), rel=1e-9)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_rows_that_repeat_themselves_are_no_news(case: Case) -> None:
    each = case.metric
    target, (new, old) = make_rows(each, seed=5, rows=300, task=case.task)
    fourfold = [np.concatenate([column] * 4) for column in (target, new, old)]
    clustered = _error(each, fourfold[0], (fourfold[1], fourfold[2]), np.tile(np.arange(300), 4))
    naive = _error(each, fourfold[0], (fourfold[1], fourfold[2]))
    assert clustered == pytest.approx(_error(each, target, (new, old)), rel=1e-6)
    assert clustered == pytest.approx(2.0 * naive, rel=0.01)


@pytest.mark.parametrize(
    "name",
    ["roc_auc", "average_precision", "lift@10%", "gain@20%", "precision@30", "ks", "spearman"],
)
@pytest.mark.parametrize("power", [3.0, 0.2])
def test_metrics_of_ranks_ignore_monotone_transforms(name: str, power: float) -> None:
    each = metric(name)
    target, (new, old) = make_rows(each, seed=6, levels=12)
    bent = np.sign(new) * np.abs(new) ** power
    assert _paired(each, target, (bent, old)) == _paired(each, target, (new, old))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize(("groups", "is_judged"), [(1, False), (4, False), (5, True)])
def test_fewer_than_five_groups_are_not_judged(case: Case, groups: int, is_judged: bool) -> None:
    each = case.metric
    target, (new, old) = make_rows(each, seed=7, rows=200, task=case.task)
    holdout = make_holdout(target, group=np.arange(200) % groups)
    gained = paired(each, holdout, make_predicted(new), make_predicted(old), confidence=0.95)
    own = value_interval(each, holdout, assess(each, target, new), confidence=0.95)
    for interval in (gained, own):
        assert interval.groups == groups
        assert np.isfinite(interval.estimate)
        assert np.isfinite([interval.lower, interval.upper]).all() == is_judged
    assert is_judged or detectable(each, holdout, gained, power=0.8) is None


@pytest.mark.parametrize(("positives", "is_judged"), [(1, False), (4, False), (5, True)])
def test_a_class_in_fewer_than_five_groups_is_not_judged(positives: int, is_judged: bool) -> None:
    target = np.zeros(1000)
    target[:positives] = 1.0
    predictions = np.random.default_rng(8).random((2, 1000))
    interval = _paired(metric("log_loss"), target, (predictions[0], predictions[1]))
    assert interval.groups == (1000 if is_judged else positives)
    assert np.isfinite(interval.lower) == is_judged


@pytest.mark.parametrize(
    "codes", [[0, 1, 2], [7, -3, 40], [2**62, -(2**62), 0], [5, 5, 5]], ids=str
)
def test_groups_are_any_integers(codes: list[int]) -> None:
    group = np.tile(np.array(codes), 20)
    clusters = make_holdout(np.zeros(60), group=group).clusters
    assert clusters.count == len(set(codes))
    assert clusters.code.tolist() == [sorted(set(codes)).index(code) for code in group]


@pytest.mark.parametrize(
    ("name", "is_judged"), [("macro_auc", False), ("macro_f1", False), ("log_loss", True)]
)
def test_only_macro_metrics_need_groups_in_every_class(name: str, is_judged: bool) -> None:
    each = metric(name)
    target, (new, old) = make_rows(each, seed=8, rows=300, task="multiclass")
    rare = np.flatnonzero(target == 2.0)[4:]
    target[rare] = 0.0
    interval = _paired(each, target, (new, old))
    assert interval.groups == (300 if is_judged else 4)
    assert np.isfinite(interval.lower) == is_judged


def test_the_error_of_macro_auc_is_that_of_the_mean_of_its_areas() -> None:
    """Two classes in two columns: both areas are the one of a binary task."""
    target, (new, old) = make_rows(metric("roc_auc"), seed=2, rows=150)
    both = [np.column_stack([1.0 - side, side]) for side in (new, old)]
    assert _error(metric("macro_auc"), target, (both[0], both[1])) == pytest.approx(
        _error(metric("roc_auc"), target, (new, old))
    )


@pytest.mark.parametrize(("differing", "is_told"), [(1, False), (4, False), (5, True)])
def test_versions_that_differ_on_few_rows_are_not_told_apart(differing: int, is_told: bool) -> None:
    """4 of 4 rows won are 1 chance in 16, which Student's t over 400 rows takes for certain."""
    target = np.tile([0.0, 1.0], 200)
    old = np.where(np.arange(400) % 7 == 0, 0.5, np.where(target == 1.0, 0.8, 0.2))
    old[:differing] = 1.0 - target[:differing]
    new = old.copy()
    new[:differing] = target[:differing]
    interval = _paired(metric("accuracy"), target, (new, old))
    assert interval.estimate > 0.0
    assert np.isfinite(interval.lower) == is_told


def test_a_gain_without_any_spread_has_no_bounds() -> None:
    target = np.tile([0.0, 1.0], 20)
    interval = _paired(metric("accuracy"), target, (target, 1.0 - target))
    assert interval.estimate == 1.0
    assert np.isnan([interval.lower, interval.upper]).all()


def test_precision_that_never_missed_has_a_value_without_error() -> None:
    target, (_, old) = make_rows(metric("precision"), seed=3, rows=200)
    sure = np.zeros(200)
    sure[np.flatnonzero(target == 1.0)[:6]] = 1.0
    interval = _paired(metric("precision"), target, (sure, old))
    assert interval.estimate > 0.0
    assert np.isnan([interval.lower, interval.upper]).all()


def test_bounds_of_a_mean_are_those_of_the_t_test() -> None:
    loss = metric("mae")
    target, (new, _) = make_rows(loss, seed=4)
    expected = scipy.stats.ttest_1samp(np.abs(target - new), 0.0).confidence_interval(0.90)
    interval = value_interval(
        loss, make_holdout(target), assess(loss, target, new), confidence=0.95
    )
    assert (interval.lower, interval.upper) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_a_value_without_spread_has_no_bounds(value: float) -> None:
    flat = Assessed(value, np.zeros(60))
    interval = value_interval(metric("rmse"), make_holdout(np.zeros(60)), flat, confidence=0.95)
    assert np.isnan([interval.lower, interval.upper]).all()


@pytest.mark.parametrize("rows", [8, 300])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_the_detectable_gain_is_two_quantiles_of_the_error(power: float, rows: int) -> None:
    each = metric("rmse")
    target, (new, old) = make_rows(each, seed=11, rows=rows)
    interval = _paired(each, target, (new, old))
    error = _error(each, target, (new, old))
    quantiles = scipy.stats.t.ppf([0.95, power], rows - 1).sum()
    found = detectable(each, make_holdout(target), interval, power=power)
    assert found == pytest.approx(quantiles * error)


def test_a_true_gain_of_the_detectable_size_is_found_as_often_as_the_power_says() -> None:
    each, found, sizes = metric("mae"), 0, []
    for seed in range(400):
        rng = np.random.default_rng(seed)
        old, change = 5.0 + rng.random(40), 0.1 + 0.25 * rng.normal(size=40)
        interval = _paired(each, np.zeros(40), (old - change, old))
        found += interval.lower > 0.0
        sizes.append(detectable(each, make_holdout(np.zeros(40)), interval, power=0.8))
    assert np.mean(np.array(sizes, dtype=float)) == pytest.approx(0.1, rel=0.05)
    assert found / 400 == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize("name", ["slope", "rmse"])
def test_nothing_is_detectable_by_an_aim_or_without_a_difference(name: str) -> None:
    target, (new, old) = make_rows(metric(name), seed=12)
    other = old if name == "slope" else new
    interval = _paired(metric(name), target, (new, other))
    assert detectable(metric(name), make_holdout(target), interval, power=0.8) is None


@pytest.mark.parametrize("power", [0.0, 0.4, 1.0, 80.0, np.nan])
def test_a_power_is_between_a_half_and_one(power: float) -> None:
    target, (new, old) = make_rows(metric("mae"), seed=9)
    interval = _paired(metric("mae"), target, (new, old))
    with pytest.raises(DataError, match="is not between"):
        detectable(metric("mae"), make_holdout(target), interval, power=power)


@pytest.mark.parametrize("confidence", [0.0, 0.5, 1.0, 95.0, np.nan])
def test_a_confidence_is_between_a_half_and_one(confidence: float) -> None:
    target, sides = make_rows(metric("mae"), seed=9)
    new, old = (make_predicted(side) for side in sides)
    with pytest.raises(DataError, match="is not between"):
        paired(metric("mae"), make_holdout(target), new, old, confidence=confidence)


def test_more_confidence_asks_for_wider_bounds() -> None:
    target, sides = make_rows(metric("rmse"), seed=10)
    new, old = (make_predicted(side) for side in sides)
    lower = [
        paired(metric("rmse"), make_holdout(target), new, old, confidence=level).lower
        for level in (0.8, 0.95, 0.99)
    ]
    assert lower == sorted(lower, reverse=True)
    assert len(set(lower)) == 3


def _paired(each: Metric, target: Floats, sides: tuple[Floats, Floats], group=None):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
    new, old = (make_predicted(side) for side in sides)
    return paired(each, make_holdout(target, group=group), new, old, confidence=0.95)


def _error(
    each: Metric, target: Floats, sides: tuple[Floats, Floats], group: np.ndarray | None = None
) -> float:
    new, old = (assess(each, target, side).influence for side in sides)
    return standard_error(each, make_holdout(target, group=group), new - old)


def _kernel(target: Floats, prediction: Floats) -> Floats:
    """For each positive (row) and negative (column): 1 where rightly ordered, 1/2 where tied."""
    positive, negative = prediction[target == 1.0], prediction[target == 0.0]
    above = np.subtract.outer(positive, negative)
    return np.asarray((above > 0) + 0.5 * (above == 0))


def _delong(target: Floats, new: Floats, old: Floats) -> float:
    """DeLong et al. 1988 in n * m, from the covariance matrices of the placements."""
    kernels = [_kernel(target, side) for side in (new, old)]
    assert kernels[0].mean() == pytest.approx(sklearn.metrics.roc_auc_score(target, new))
    placements_10 = np.cov([kernel.mean(axis=1) for kernel in kernels])
    placements_01 = np.cov([kernel.mean(axis=0) for kernel in kernels])
    positives, negatives = kernels[0].shape
    both = placements_10 / positives + placements_01 / negatives
    contrast = np.array([1.0, -1.0])
    return float(np.sqrt(contrast @ both @ contrast))


def _obuchowski(target: Floats, new: Floats, old: Floats, group: np.ndarray) -> float:
    """Obuchowski 1997, equations 3 to 7, cluster by cluster, of the difference of two areas."""
    kernel = _kernel(target, new) - _kernel(target, old)
    area = kernel.mean()
    positives, negatives = kernel.shape
    of_positive, of_negative = group[target == 1.0], group[target == 0.0]
    ours = {g: (kernel.mean(axis=1) - area)[of_positive == g].sum() for g in np.unique(of_positive)}
    theirs = {
        g: (kernel.mean(axis=0) - area)[of_negative == g].sum() for g in np.unique(of_negative)
    }
    clusters = len(np.unique(group))
    s10 = len(ours) / ((len(ours) - 1) * positives) * sum(x**2 for x in ours.values())
    s01 = len(theirs) / ((len(theirs) - 1) * negatives) * sum(x**2 for x in theirs.values())
    s11 = clusters / (clusters - 1) * sum(ours[g] * theirs.get(g, 0.0) for g in ours)
    variance = s10 / positives + s01 / negatives + 2 * s11 / (positives * negatives)
    return float(np.sqrt(variance))
