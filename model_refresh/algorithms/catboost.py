"""Gradient-boosted trees by CatBoost, with target statistics of categories."""

import json
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.algorithms.declared import Declared, Library
from model_refresh.algorithms.outcome import Outcome
from model_refresh.algorithms.protocol import (
    Dimension,
    Fit,
    Parameters,
    Rows,
    completed,
    require_learnable,
)
from model_refresh.algorithms.rounds import ROUNDS, allowed_threads, chosen, most_rounds
from model_refresh.algorithms.shares import shares
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh.records import Record, Task, canonical_json

if TYPE_CHECKING:
    from catboost import CatBoost as Booster
    from catboost import Pool

_FILE = "model.json"
_HEAD_FILE = "head.json"
_LARGEST = float(np.finfo(np.float32).max)
"""CatBoost reads numbers in single precision."""
_LOSSES: dict[Task, str] = {"binary": "Logloss", "regression": "RMSE", "multiclass": "MultiClass"}
_FIXED: Parameters = {
    "allow_writing_files": False,
    "allow_const_label": True,
    "bootstrap_type": "Bayesian",
    "use_best_model": False,
    "logging_level": "Silent",
    "max_ctr_complexity": 2,
}
"""The Bayesian bootstrap weighs rows instead of drawing some, so it works on two rows too."""
_LEAF_STEPS: dict[Task, int] = {"binary": 5, "regression": 1, "multiclass": 1}
"""Newton steps for a leaf's value. CatBoost's own choice, like that of `max_ctr_complexity`,
hangs on the number of rounds: a refit with the rounds that were found would be another model."""


class Head(Record):
    """What CatBoost's own file doesn't tell.

    `order` has the matrix's columns as CatBoost knows them: numbers first, then categories.
    """

    outcome: Outcome
    order: tuple[int, ...]


class FittedCatBoost:
    """Trees that CatBoost has grown or read."""

    def __init__(self, text: str, head: Head) -> None:
        """Always from the text: so a model predicts the same before it is stored and after."""
        self._text, self._head = text, head
        self._booster = _read(text)

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """The probability of class 1, or the expected value; shape (rows,).

        For a multiclass task the probability of each class; shape (rows, classes).
        """
        met = len(self._head.outcome.met)
        if matrix.values.shape[0] == 0:
            return self._head.outcome.predicted(np.empty((0, met) if met else 0))
        forms = self._booster.predict(
            _pool(matrix),
            prediction_type="RawFormulaVal",
            thread_count=allowed_threads(matrix.values.size),
        )
        return self._head.outcome.predicted(np.asarray(forms, dtype=np.float64))

    def save(self, folder: Path) -> None:
        """Write model.json, CatBoost's own format less what differs by run, and head.json."""
        (folder / _FILE).write_text(self._text)
        (folder / _HEAD_FILE).write_text(self._head.canonical())

    def form(self) -> None:
        """None: its own file combines categories by hashes, which tables don't hold."""

    def importances(self) -> NDArray[np.float64] | None:
        """By column by how much predictions change where a tree splits on it; None: no split."""
        changes = np.zeros(len(self._head.order))
        changes[list(self._head.order)] = self._booster.get_feature_importance(
            type="PredictionValuesChange", thread_count=1
        )
        return shares(changes)

    def contributions(self, matrix: Matrix) -> NDArray[np.float64] | None:
        """Shapley values of the trees: Lundberg, Erion and Lee (2018), arXiv:1802.03888."""
        rows, columns = matrix.values.shape
        if self._head.outcome.met:
            return None
        told = np.zeros((rows, columns + 1))
        if rows:
            order = [*self._head.order, columns]
            told[:, order] = self._booster.get_feature_importance(
                _pool(matrix), type="ShapValues", thread_count=allowed_threads(matrix.values.size)
            )
        return told


class CatBoost(Declared):
    """Trees that ask one question a level: for few rows, noisy labels, and many categories.

    A category is replaced by what its rows' labels were, by an order of rows in which each knows
    only those before it (Prokhorenkova et al. 2018, "CatBoost: unbiased boosting with categorical
    features"); a missing one is a category of its own, a missing number counts as the lowest. Its
    defaults do well untuned, at several times the training time of `lightgbm`; it predicts fastest
    of all. It reads numbers in single precision: one beyond 16,777,216 is rounded. Needs the
    extra `catboost`.
    """

    library: ClassVar[Library | None] = Library(module="catboost", extra="catboost")

    blends: ClassVar[bool] = True
    has_form: ClassVar[bool] = False

    algorithm: Literal["catboost"] = Field("catboost", description="trees of one question a level")
    rounds: int = Field(
        1000,
        ge=1,
        le=20_000,
        description="most trees; tuning stops earlier, where the loss stops falling",
    )
    patience: int = Field(
        30, ge=1, le=1000, description="rounds without a better validation loss before tuning stops"
    )

    def space(self, task: Task) -> tuple[Dimension, ...]:
        """What matters most on tables, around values that need little tuning."""
        del task
        return (
            Dimension(name="learning_rate", low=0.03, high=0.2, start=0.06, log=True),
            Dimension(name="depth", low=2, high=9, start=5, integer=True),
            Dimension(name="l2_leaf_reg", low=1.0, high=100.0, start=5.0, log=True),
            Dimension(name="random_strength", low=0.1, high=10.0, start=1.0, log=True),
            Dimension(name="bagging_temperature", low=0.0, high=2.0, start=1.0),
            Dimension(name="one_hot_max_size", low=2, high=255, start=2, integer=True, log=True),
        )

    def starts(self, task: Task) -> tuple[Parameters, ...]:
        """Its own start, then shallower and deeper trees."""
        del task
        return ({}, {"depth": 3}, {"depth": 7, "one_hot_max_size": 30})

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> Fit:
        """Grow trees; with `early`, as many as do best there, else as many as `rounds` says."""
        self.require_library()
        require_learnable(train, task)
        if train.matrix.values.shape[1] == 0:
            raise FitError("there are no features to grow trees on")
        used = completed(self.space(task), parameters)
        head = Head(outcome=Outcome.of(train, task), order=_order(train.matrix))
        settings = (
            _FIXED
            | chosen(used)
            | {
                "loss_function": _LOSSES[task],
                "leaf_estimation_iterations": _LEAF_STEPS[task],
                "iterations": most_rounds(used, early, ceiling=self.rounds),
                "random_seed": seed,
            }
        )
        watched = None if early is None else replace(head.outcome.learnable(early), weight=None)
        booster, curve = self._grow(head.outcome.learnable(train), watched, settings)
        rounds = 1 + int(np.argmin(curve)) if curve else int(settings["iterations"])
        grown = _cutter(booster, head)
        return Fit(grown(rounds), used | {ROUNDS: rounds}, curve, grown)

    def load(self, folder: Path) -> FittedCatBoost:
        """Read what was saved; verify digests first."""
        self.require_library()
        head = Head.parse((folder / _HEAD_FILE).read_text())
        return FittedCatBoost((folder / _FILE).read_text(), head)

    def _grow(
        self, train: Rows, early: Rows | None, settings: Parameters
    ) -> tuple["Booster", tuple[float, ...]]:
        import catboost

        threads = allowed_threads(train.matrix.values.size)
        try:
            booster = catboost.CatBoost(settings | {"thread_count": threads})
            booster.fit(
                _pool(train.matrix, train),
                eval_set=None if early is None else _pool(early.matrix, early),
                early_stopping_rounds=None if early is None else self.patience,
            )
        except catboost.CatBoostError as error:
            raise FitError(f"CatBoost: {error}") from error
        losses = booster.evals_result_.get("validation", {})
        return booster, tuple(loss for metric in losses.values() for loss in metric)


def _cutter(booster: "Booster", head: Head) -> Callable[[int], FittedCatBoost]:
    def grown(rounds: int) -> FittedCatBoost:
        part = booster.copy()
        part.shrink(ntree_end=min(rounds, part.tree_count_))
        return FittedCatBoost(_text(part), head)

    return grown


def _text(booster: "Booster") -> str:
    """CatBoost's JSON without the time, the machine and the settings of the run."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / _FILE
        booster.save_model(str(file), format="json")
        model = json.loads(file.read_text())
    model.pop("model_info")
    return canonical_json(model)


def _read(text: str) -> "Booster":
    import catboost  # here: it takes half a second

    booster = catboost.CatBoost()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / _FILE
        file.write_text(text)
        booster.load_model(str(file), format="json")
    return booster


def _order(matrix: Matrix) -> tuple[int, ...]:
    """The matrix's columns, numbers first: as CatBoost wants them."""
    places = range(len(matrix.categories))
    return tuple(sorted(places, key=lambda column: matrix.categories[column] > 0))


def _pool(matrix: Matrix, rows: Rows | None = None) -> "Pool":
    """What CatBoost reads; with `rows`, their labels and weights too.

    A missing number is the lowest that there is, a missing category one more than the last.
    """
    import catboost

    order = _order(matrix)
    split = matrix.categories.count(0)
    numbers = np.clip(matrix.values[:, order[:split]], -_LARGEST, _LARGEST)
    most = np.array([matrix.categories[column] for column in order[split:]], dtype=np.float64)
    codes = matrix.values[:, order[split:]]
    codes = np.where(np.isnan(codes), most, codes).astype(np.intp)
    names = np.array([str(code).encode() for code in range(int(most.max(initial=0)) + 1)], object)
    table = catboost.FeaturesData(
        num_feature_data=np.nan_to_num(numbers, nan=-_LARGEST).astype(np.float32),
        cat_feature_data=names[codes],
    )
    return catboost.Pool(
        table,
        label=None if rows is None else rows.target,
        weight=None if rows is None else rows.weight,
    )
