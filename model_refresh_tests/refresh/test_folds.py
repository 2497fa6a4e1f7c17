"""Folds as rows: what each learns from, how old rows lose weight, and which frames a version took."""

import datetime as dt
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_refresh.algorithms.version import load_version
from model_refresh.records import Recipe
from model_refresh.refresh.dataset import build_dataset
from model_refresh.refresh.folds import FoldRows, newest, recency
from model_refresh.refresh.proposal import folds_of, used_by_search
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import Lab
from model_refresh_tests.refresh.inside import fits_inside, fitted

SEVERAL = {"training.folds": 3, "training.window": 4, "training.min_frames": 1}


@pytest.fixture(autouse=True)
def _quick() -> Iterator[None]:
    with fits_inside():
        yield


def days(*numbers: float) -> np.ndarray[tuple[int], np.dtype[np.datetime64]]:
    return np.datetime64("2024-01-01", "us") + (np.array(numbers) * 86_400e6).astype(
        "timedelta64[us]"
    )


def ground(lab: Lab, **parameters: bool | float | str) -> tuple[FoldRows, Recipe]:
    dataset = build_dataset(lab.model, lab.store, lab.day(SECOND)).record
    recipe = Recipe(
        algorithm="linear", options={}, parameters=parameters, features=dataset.features,
        categorical=dataset.categorical, seed=0,
    )  # fmt: skip
    return FoldRows(lab.store, recipe, folds_of(dataset), classes=0), recipe


def test_a_row_one_half_life_older_counts_half() -> None:
    weight = recency(days(0, 7, 14, 14), dt.timedelta(days=7))
    assert weight is not None
    assert weight.tolist() == pytest.approx([0.25 / 0.6875, 0.5 / 0.6875, 1 / 0.6875, 1 / 0.6875])


def test_without_a_half_life_all_rows_count_alike() -> None:
    assert recency(days(0, 7), None) is None


@given(ages=st.lists(st.integers(0, 1000), min_size=1, max_size=30), half=st.integers(1, 400))
def test_weights_are_positive_and_their_mean_is_one(ages: list[int], half: int) -> None:
    weight = recency(days(*ages), dt.timedelta(days=half))
    assert weight is not None
    assert (weight > 0).all()
    assert weight.mean() == pytest.approx(1.0)
    assert np.argmax(weight) == np.argmax(ages)


def test_a_fold_learns_from_its_own_past_and_is_judged_on_what_came_after(lab: Lab) -> None:
    several = lab.again(SEVERAL)
    dataset = build_dataset(several.model, several.store, several.day(SECOND)).record
    found, _ = ground(several)
    assert found.folds == len(dataset.plan.folds) == 3
    for number, fold in enumerate(reversed(dataset.plan.folds)):
        learned, judge = found.rows(number, {})
        assert len(learned.target) == 300 * len(fold.tuning)
        assert len(judge.target) == 300 * len(fold.validation)
        assert learned.weight is None
        as_of = found.judge(number).as_of
        assert {t.replace(tzinfo=dt.UTC) for t in as_of.astype(object)} == set(fold.validation)
    used = used_by_search(dataset)
    wanted = {t for fold in dataset.plan.folds for t in (*fold.tuning, *fold.validation)}
    assert {each.as_of for each in used} == wanted


def test_a_window_takes_the_newest_frames_of_a_fold_and_a_half_life_weighs_them(lab: Lab) -> None:
    found, _ = ground(lab.again(SEVERAL))
    learned, _ = found.rows(0, {"window": 2, "half_life_days": 1.0})
    whole, _ = found.rows(0, {"window": 4, "half_life_days": 0.0})
    assert len(learned.target) == 600
    assert learned.target.tolist() == whole.target.tolist()[-600:]
    assert learned.weight is not None
    assert sorted(set(learned.weight)) == pytest.approx([2 / 3, 4 / 3])
    assert whole.weight is None


def test_window_and_half_life_are_not_the_algorithms_business(lab: Lab) -> None:
    found, _ = ground(lab)
    assert found.own({"alpha": 1.0, "window": 2, "half_life_days": 3.0}) == {"alpha": 1.0}


def test_newest_takes_all_where_no_window_is_set(lab: Lab) -> None:
    frames = build_dataset(lab.model, lab.store, lab.day(SECOND)).record.frames
    assert newest(frames[::-1], None) == frames
    assert newest(frames, 2) == frames[-2:]
    assert newest(frames, 99) == frames


@pytest.mark.parametrize("window", [2, 3])
def test_a_versions_lineage_holds_the_frames_that_its_window_took(fresh: Lab, window: int) -> None:
    """The only trial has the length that is listed first."""
    lab = fresh.again({"training.window": [window, 5 - window]})
    found = fitted(lab, FIRST)["linear"]
    assert found.recipe is not None
    assert found.recipe.window == window
    plan = build_dataset(lab.model, lab.store, lab.day(FIRST)).record.plan
    lineage = load_version(lab.store, str(found.version)).lineage
    assert [each.as_of for each in lineage.frames] == list(plan.trial[-window:])
    assert lineage.learned_until <= plan.holdout[0]


def test_a_half_life_is_tried_and_becomes_part_of_the_recipe(lab: Lab) -> None:
    changes = {"training.half_life": ["2d"], "training.tuning": {"trials": 8, "seconds": 60}}
    found = fitted(lab.again({"training.blend": 1, **changes}), SECOND)["linear"]
    assert {each.parameters["half_life_days"] for each in found.trials} == {0.0, 2.0}
    assert found.recipe is not None
    assert found.recipe.half_life in (None, dt.timedelta(days=2))


@pytest.mark.parametrize(
    ("window", "declared", "days_of_life"),
    [(6, "auto", (2.0,)), (3, "auto", ()), (6, "none", ()), (2, ["5d", "12h"], (5.0, 0.5))],
)
def test_half_lives_to_choose_among_follow_the_window_unless_declared(
    lab: Lab, window: int, declared: object, days_of_life: tuple[float, ...]
) -> None:
    again = lab.again({"training.window": window, "training.half_life": declared})
    lives = again.model.spec.training.half_lives(dt.timedelta(days=1))
    assert tuple(each / dt.timedelta(days=1) for each in lives) == days_of_life


def test_figures_are_the_mean_over_the_folds_newest_first(fresh: Lab) -> None:
    found = fitted(fresh.again(SEVERAL), FIRST)
    for each in found.values():
        assert len(each.folds) == 3
        for name, value in each.validation.items():
            assert value == pytest.approx(np.mean([fold[name] for fold in each.folds]), nan_ok=True)
