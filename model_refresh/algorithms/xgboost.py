"""Gradient-boosted trees by XGBoost, with native categories and missing values."""

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
from model_refresh.algorithms.rounds import ROUNDS, chosen, few_threads, most_rounds
from model_refresh.algorithms.shares import shares
from model_refresh.algorithms.stopping import levelled_loss
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh.records import Task

if TYPE_CHECKING:
    from xgboost import Booster, DMatrix

    from model_refresh.scorer.formula.tree_sums import TreesForm

    Judge = Callable[[NDArray[np.float32], DMatrix], tuple[str, float]]

_FILE = "model.json"
_OUTCOME_FILE = "outcome.json"
_LARGEST = float(np.finfo(np.float32).max)
"""XGBoost computes in single precision and refuses what it can't hold."""
_OBJECTIVES: dict[Task, str] = {
    "binary": "binary:logistic",
    "regression": "reg:squarederror",
    "multiclass": "multi:softprob",
}
_LEVELLED: tuple[Task, ...] = ("binary", "regression")
_FIXED: Parameters = {"tree_method": "hist", "verbosity": 0, "max_cat_to_onehot": 4}
_ALL_THREADS = 0
"""As many as OpenMP allows, which is what a limit from outside tells."""


class FittedXGBoost:
    """Trees that XGBoost has grown or read."""

    def __init__(self, text: str, outcome: Outcome) -> None:
        """Always from the text: so a model predicts the same before it is stored and after."""
        import xgboost  # here: it takes a second

        self._text, self._outcome = text, outcome
        self._booster = xgboost.Booster()
        self._booster.load_model(bytearray(text.encode()))

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """The probability of class 1, or the expected value; shape (rows,).

        For a multiclass task the probability of each class; shape (rows, classes).
        """
        met = len(self._outcome.met)
        if matrix.values.shape[0] == 0:
            return self._outcome.predicted(np.empty((0, met) if met else 0))
        forms = self._told(matrix, output_margin=True)
        return self._outcome.predicted(forms)

    def save(self, folder: Path) -> None:
        """Write model.json, XGBoost's own format with features f0, f1..., and outcome.json."""
        (folder / _FILE).write_text(self._text)
        (folder / _OUTCOME_FILE).write_text(self._outcome.canonical())

    def importances(self) -> NDArray[np.float64] | None:
        """By column the share of the loss that its splits took away; None where nothing splits."""
        gains = np.zeros(self._booster.num_features())
        for name, gain in self._booster.get_score(importance_type="total_gain").items():
            gains[int(name[1:])] = gain
        return shares(gains)

    def contributions(self, matrix: Matrix) -> NDArray[np.float64] | None:
        """Shapley values of the trees, in single precision: Lundberg et al., arXiv:1802.03888."""
        if self._outcome.met:
            return None
        if matrix.values.shape[0] == 0:
            return np.empty((0, matrix.values.shape[1] + 1))
        return self._told(matrix, pred_contribs=True)

    def form(self) -> "TreesForm":
        """Its trees, in single precision as it computes."""
        from model_refresh.algorithms.tree_forms import boosted  # here: only a scorer needs it
        from model_refresh.algorithms.xgboost_json import read_trees

        trees = read_trees(self._text, log_odds=self._outcome.task == "binary")
        return boosted(trees, self._outcome)

    def _told(self, matrix: Matrix, **asked: bool) -> NDArray[np.float64]:
        threads = few_threads(matrix.values.size) or _ALL_THREADS
        self._booster.set_param({"nthread": threads})
        told = self._booster.predict(_table(matrix, threads), **asked)
        return np.asarray(told, dtype=np.float64)


class XGBoost(Declared):
    """Gradient-boosted trees again, by another library: a second opinion beside `lightgbm`.

    On most tables the two are equally good; XGBoost grows level by level, which is steadier on few
    rows, and has a weaker brake on categories. It computes in single precision: a number beyond
    16,777,216 is rounded. Needs the extra `xgboost`.
    """

    library: ClassVar[Library | None] = Library(module="xgboost", extra="xgboost")

    blends: ClassVar[bool] = True

    algorithm: Literal["xgboost"] = Field("xgboost", description="gradient-boosted trees")
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
            Dimension(name="learning_rate", low=0.03, high=0.2, start=0.05, log=True),
            Dimension(name="max_depth", low=2, high=10, start=4, integer=True),
            Dimension(name="min_child_weight", low=0.5, high=200.0, start=20.0, log=True),
            Dimension(name="subsample", low=0.5, high=1.0, start=0.8),
            Dimension(name="colsample_bytree", low=0.3, high=1.0, start=0.6),
            Dimension(name="reg_lambda", low=0.1, high=200.0, start=30.0, log=True),
            Dimension(name="max_cat_threshold", low=1, high=64, start=4, integer=True, log=True),
        )

    def starts(self, task: Task) -> tuple[Parameters, ...]:
        """Its own start, then shallower and deeper trees."""
        del task
        return ({}, {"max_depth": 3}, {"max_depth": 7, "min_child_weight": 10.0})

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> Fit:
        """Grow trees; with `early`, as many as do best there, else as many as `rounds` says."""
        self.require_library()
        require_learnable(train, task)
        if train.matrix.values.shape[1] == 0:
            raise FitError("there are no features to grow trees on")
        used = completed(self.space(task), parameters)
        outcome = Outcome.of(train, task)
        settings = _FIXED | chosen(used) | {"objective": _OBJECTIVES[task], "seed": seed}
        if outcome.met:
            settings["num_class"] = len(outcome.met)
        watched = None if early is None else replace(outcome.learnable(early), weight=None)
        most = most_rounds(used, early, ceiling=self.rounds)
        booster, curve = self._grow(outcome.learnable(train), watched, settings=settings, most=most)
        rounds = 1 + int(np.argmin(curve)) if curve else booster.num_boosted_rounds()
        grown = _cutter(booster, outcome)
        return Fit(grown(rounds), used | {ROUNDS: rounds}, curve, grown)

    def load(self, folder: Path) -> FittedXGBoost:
        """Read what was saved; verify digests first."""
        self.require_library()
        outcome = Outcome.parse((folder / _OUTCOME_FILE).read_text())
        return FittedXGBoost((folder / _FILE).read_text(), outcome)

    def _grow(
        self, train: Rows, early: Rows | None, *, settings: Parameters, most: int
    ) -> tuple["Booster", tuple[float, ...]]:
        import xgboost

        threads = few_threads(train.matrix.values.size) or _ALL_THREADS
        losses: dict[str, dict[str, list[float]]] = {}
        watch = [] if early is None else [(_table(early.matrix, threads, early), "early")]
        judge = _judge(settings) if watch else None
        try:
            booster = xgboost.train(
                settings | {"nthread": threads, "disable_default_eval_metric": judge is not None},
                _table(train.matrix, threads, train),
                most,
                evals=watch,
                early_stopping_rounds=self.patience if watch else None,
                evals_result=losses,
                custom_metric=judge,
                verbose_eval=False,
            )
        except xgboost.core.XGBoostError as error:
            raise FitError(f"XGBoost: {error}") from error
        curve = [loss for metrics in losses.values() for loss in next(iter(metrics.values()))]
        return booster, tuple(curve)


def _judge(settings: Parameters) -> "Judge | None":
    """What XGBoost asks after each round: the levelled loss; None where its own serves."""
    objective = settings["objective"]
    task = next((task for task in _LEVELLED if _OBJECTIVES[task] == objective), None)
    if task is None:
        return None

    def judge(predicted: NDArray[np.float32], rows: "DMatrix") -> tuple[str, float]:
        target = np.asarray(rows.get_label(), dtype=np.float64)
        return "levelled", levelled_loss(task, target, predicted.astype(np.float64))

    return judge


def _cutter(booster: "Booster", outcome: Outcome) -> Callable[[int], FittedXGBoost]:
    def grown(rounds: int) -> FittedXGBoost:
        part = booster[:rounds]
        part.set_attr(best_iteration=None, best_score=None)
        return FittedXGBoost(part.save_raw("json").decode(), outcome)

    return grown


def _table(matrix: Matrix, threads: int, rows: Rows | None = None) -> "DMatrix":
    """What XGBoost reads; with `rows`, their labels and weights too."""
    import xgboost

    return xgboost.DMatrix(
        np.clip(matrix.values, -_LARGEST, _LARGEST),
        None if rows is None else rows.target,
        weight=None if rows is None else rows.weight,
        feature_names=[f"f{i}" for i in range(len(matrix.categories))],
        feature_types=["c" if codes else "q" for codes in matrix.categories],
        enable_categorical=True,
        nthread=threads,
    )
