"""Selection against a naive search, the caps, and how often the judge is right (fixed seeds)."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_refresh.ensembling import Library, Weights, judge, select
from model_refresh.errors import FitError
from model_refresh.metrics import Metric, metric
from model_refresh.metrics.protocol import Floats
from model_refresh.records import Task

LOG_LOSS, RMSE = metric("log_loss"), metric("rmse")


def make_library(
    task: Task = "binary", *, models: int = 8, rows: int = 203, folds: int = 2, seed: int = 0
) -> Library:
    """Models that err independently around the truth, some more than others."""
    rng = np.random.default_rng(seed)
    predictions, targets = zip(*[_fold(task, models, rows, rng) for _ in range(folds)], strict=True)
    return Library(
        names=tuple(f"m{i}" for i in range(models)),
        predictions=predictions,
        targets=targets,
        cost=rng.uniform(0.5, 2.0, models),
    )


def _fold(task: Task, models: int, rows: int, rng: np.random.Generator) -> tuple[Floats, Floats]:
    truth = rng.normal(-1.0, 1.2, rows)
    seen = truth + rng.uniform(0.3, 0.8, models)[:, None] * rng.normal(0.0, 1.0, (models, rows))
    if task == "regression":
        return seen, truth + rng.normal(0.0, 1.0, rows)
    chance = 1.0 / (1.0 + np.exp(-np.stack([truth, *seen])))
    if task == "binary":
        return chance[1:], (rng.random(rows) < chance[0]) * 1.0
    shares = np.stack([1.0 - chance, 0.7 * chance, 0.3 * chance], axis=-1)
    drawn = rng.random(rows)
    return shares[1:], (drawn > shares[0, :, 0]) * 1.0 + (drawn > shares[0, :, :2].sum(axis=-1))


def naive(library: Library, loss: Metric, *, most: int, latency: float, rounds: int) -> Weights:
    """Caruana's search as it is written, one average and one metric at a time."""
    chosen: list[int] = []
    best = (np.inf, chosen)
    for _ in range(rounds):
        step = (np.inf, chosen)
        for model in range(len(library.names)):
            members = {*chosen, model}
            cost = 0.0 if library.cost is None else float(library.cost[[*members]].sum())
            if len(members) > most or cost > latency:
                continue
            value = _naive_loss(library, loss, [*chosen, model])
            if value < step[0] - 1e-12:
                step = (value, [*chosen, model])
        chosen = step[1]
        best = step if step[0] < best[0] - 1e-12 else best
    names = [library.names[each] for each in best[1]]
    return Weights(
        weights={n: names.count(n) / len(names) for n in library.names if n in names}, loss=best[0]
    )


def _naive_loss(library: Library, loss: Metric, members: list[int]) -> float:
    folds = zip(library.predictions, library.targets, strict=True)
    values = [loss.value(target, each[members].mean(axis=0)) for each, target in folds]
    return float(np.mean([-loss.gain(value, 0.0) for value in values]))


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    ("task", "name"),
    [
        ("binary", "log_loss"),
        ("binary", "brier"),
        ("binary", "roc_auc"),
        ("regression", "rmse"),
        ("regression", "mae"),
        ("regression", "r2"),
        ("multiclass", "log_loss"),
    ],
)
def test_it_selects_as_a_naive_search_does(task: Task, name: str, seed: int) -> None:
    library, loss = make_library(task, seed=seed), metric(name)
    ours = select(library, loss=loss, most=4, latency=4.5, rounds=15)
    theirs = naive(library, loss, most=4, latency=4.5, rounds=15)
    assert ours.weights == pytest.approx(theirs.weights)
    assert ours.loss == pytest.approx(theirs.loss)
    assert sum(ours.weights.values()) == pytest.approx(1.0)


def test_the_loss_is_the_metric_of_the_average() -> None:
    library = make_library("regression")
    chosen = select(library, loss=RMSE, most=8)
    values = [
        RMSE.value(target, chosen.average(dict(zip(library.names, predictions, strict=True))))
        for predictions, target in zip(library.predictions, library.targets, strict=True)
    ]
    assert chosen.loss == pytest.approx(np.mean(values))


def test_no_single_model_is_better_on_the_rows_that_chose() -> None:
    library = make_library()
    alone = [_naive_loss(library, LOG_LOSS, [each]) for each in range(8)]
    assert select(library, loss=LOG_LOSS, most=8).loss < min(alone)
    only = select(library, loss=LOG_LOSS, most=1)
    assert only.weights == {f"m{int(np.argmin(alone))}": 1.0}


@given(
    seed=st.integers(0, 1000),
    most=st.integers(1, 9),
    latency=st.floats(2.0, 12.0),
    rounds=st.integers(1, 30),
    task=st.sampled_from(["binary", "regression"]),
)
@settings(max_examples=50)
def test_the_caps_hold(seed: int, most: int, latency: float, rounds: int, task: Task) -> None:
    library = make_library(task, rows=40, seed=seed)
    loss = LOG_LOSS if task == "binary" else RMSE
    chosen = select(library, loss=loss, most=most, latency=latency, rounds=rounds).weights
    assert library.cost is not None
    cost = dict(zip(library.names, library.cost, strict=True))
    assert 1 <= len(chosen) <= min(most, rounds)
    assert sum(cost[name] for name in chosen) <= latency + 1e-9
    assert sum(chosen.values()) == pytest.approx(1.0)
    assert min(chosen.values()) > 0.0


@pytest.mark.parametrize("task", ["binary", "regression"])
def test_of_twins_the_first_is_chosen(task: Task) -> None:
    library = make_library(task, models=5)
    doubled = Library(
        names=(*library.names, *(f"twin of {name}" for name in library.names)),
        predictions=tuple(np.concatenate([each, each]) for each in library.predictions),
        targets=library.targets,
    )
    loss = LOG_LOSS if task == "binary" else RMSE
    chosen = select(doubled, loss=loss, most=10)
    assert chosen == select(replace(library, cost=None), loss=loss, most=10)


def test_an_average_is_the_weighted_mean_and_never_beyond_its_members() -> None:
    weights = Weights(weights={"a": 0.1, "b": 0.2, "c": 0.7}, loss=0.0)
    sure = {name: np.array([1.0, 0.0]) for name in "abc"}
    assert weights.average(sure).tolist() == [1.0, 0.0]
    mixed = {"a": np.array([1.0, 0.0]), "b": np.array([0.5, 0.0]), "c": np.array([0.0, 1.0])}
    assert weights.average(mixed) == pytest.approx([0.2, 0.7])
    classes = {name: np.array([[0.2, 0.8], [0.5, 0.5]]) for name in "abc"}
    assert weights.average(classes) == pytest.approx(classes["a"])


def test_sure_predictions_have_a_finite_loss() -> None:
    predictions = np.array([[0.0] * 40, [1.0] * 40])
    library = Library(("no", "yes"), (predictions,), (np.tile([0.0, 1.0], 20),))
    chosen = select(library, loss=LOG_LOSS, most=2)
    assert chosen.weights == {"no": 0.5, "yes": 0.5}
    assert chosen.loss == pytest.approx(np.log(2.0))


def _equals(seed: int, *, models: int = 6, folds: int = 2) -> Library:
    """Noise of variance 1, and independent errors of variance 1/2 of each model."""
    rng = np.random.default_rng(seed)
    targets = [rng.normal(0.0, 1.0, 500) for _ in range(folds)]
    return Library(
        names=tuple(f"m{i}" for i in range(models)),
        predictions=tuple(rng.normal(0.0, np.sqrt(0.5), (models, 500)) for _ in targets),
        targets=tuple(targets),
    )


@pytest.mark.parametrize("folds", [1, 3])
def test_of_equal_models_the_average_is_kept_and_gains_what_theory_says(folds: int) -> None:
    """RMSE is the root of 1 + 1/2 alone, and of 1 + 1/12 for six with equal weights."""
    judged = [judge(_equals(seed, folds=folds), loss=RMSE, most=6) for seed in range(40)]
    assert all(each.kept for each in judged)
    expected = np.sqrt(1.5) - np.sqrt(1.0 + 0.5 / 6.0)
    assert np.mean([each.gain for each in judged]) == pytest.approx(expected, rel=0.1)
    spread = np.std([each.gain for each in judged])
    assert np.mean([each.standard_error for each in judged]) == pytest.approx(spread, rel=0.4)


def _with_truth(seed: int, *, folds: int) -> Library:
    """The first model is the truth, the others err."""
    rng = np.random.default_rng(seed)
    predictions, targets = [], []
    for _ in range(folds):
        truth = rng.normal(-1.0, 1.0, 1000)
        errors = rng.normal(0.0, 0.6, (8, 1000))
        errors[0] = 0.0
        predictions.append(1.0 / (1.0 + np.exp(-(truth + errors))))
        targets.append((rng.random(1000) < predictions[-1][0]) * 1.0)
    names = tuple(f"m{i}" for i in range(8))
    return Library(names, tuple(predictions), tuple(targets))


@pytest.mark.parametrize("folds", [1, 3])
def test_where_one_model_is_the_truth_the_average_is_dropped(folds: int) -> None:
    worlds = [_with_truth(seed, folds=folds) for seed in range(100)]
    judged = [judge(each, loss=LOG_LOSS, most=8, rounds=25) for each in worlds]
    assert sum(not each.kept for each in judged) >= 95


def test_gain_and_error_are_of_rows_that_did_not_choose() -> None:
    library = make_library(folds=3)
    names, gains, variances = library.names, [], []
    for fold in range(3):
        rest = library.only([each for each in range(3) if each != fold])
        weights = select(rest, loss=LOG_LOSS, most=8)
        alone = [_naive_loss(rest, LOG_LOSS, [each]) for each in range(8)]
        predictions = dict(zip(names, library.predictions[fold], strict=True))
        target = library.targets[fold]
        sides = predictions[names[int(np.argmin(alone))]], weights.average(predictions)
        old, new = (-np.log(np.where(target == 1.0, side, 1.0 - side)) for side in sides)
        gains.append((old - new).mean())
        variances.append((old - new).var() / len(target))
    judged = judge(library, loss=LOG_LOSS, most=8)
    assert judged.gain == pytest.approx(np.mean(gains))
    assert judged.standard_error == pytest.approx(np.sqrt(np.sum(variances)) / 3.0, rel=0.01)
    assert judged.weights == select(library, loss=LOG_LOSS, most=8)


def test_rows_that_repeat_within_groups_widen_the_error() -> None:
    library = make_library(rows=200)
    groups = tuple(np.repeat(np.arange(200), 4) for _ in library.targets)
    repeated = replace(
        library,
        predictions=tuple(np.repeat(each, 4, axis=1) for each in library.predictions),
        targets=tuple(np.repeat(each, 4) for each in library.targets),
    )
    naively = judge(repeated, loss=LOG_LOSS, most=8)
    grouped = judge(replace(repeated, groups=groups), loss=LOG_LOSS, most=8)
    assert grouped.gain == naively.gain
    assert grouped.standard_error == pytest.approx(2.0 * naively.standard_error, rel=0.25)


def test_a_library_of_one_model_is_no_ensemble() -> None:
    judged = judge(make_library(models=1), loss=LOG_LOSS, most=5)
    assert not judged.kept
    assert judged.best == "m0"
    assert judged.gain == 0.0


def test_a_metric_without_a_value_on_a_fold_is_said() -> None:
    library = make_library()
    alike = replace(library, targets=(library.targets[0], np.zeros(203)))
    with pytest.raises(FitError, match="no model can be chosen"):
        judge(alike, loss=metric("roc_auc"), most=5)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"names": ("a", "a")}, "different names"),
        ({"targets": ()}, "one target a fold"),
        ({"targets": (np.zeros(3),)}, r"shape \(2, 4\) for 2 models and 3 rows"),
        ({"cost": np.ones(3)}, r"costs of shape \(3,\) for 2 models"),
        ({"groups": (np.zeros(3, dtype=np.int64),)}, "4 rows with 3 groups"),
        ({"predictions": (np.full((2, 4), np.nan),)}, "predictions of a: they must be finite"),
        ({"predictions": (np.full((2, 4), 1.5),)}, "log loss can't judge"),
        ({"cost": np.full(2, 9.0)}, "none scores a row within 1.0"),
    ],
)
def test_what_cannot_be_chosen_from_is_said(change: dict[str, object], told: str) -> None:
    given_ = {
        "names": ("a", "b"),
        "predictions": (np.full((2, 4), 0.5),),
        "targets": (np.array([0.0, 1.0, 0.0, 1.0]),),
    }
    with pytest.raises(FitError, match=told):
        select(Library(**{**given_, **change}), loss=LOG_LOSS, most=2, latency=1.0)  # type: ignore[arg-type]
