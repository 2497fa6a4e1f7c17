"""Gradient-boosted trees by LightGBM, with native categories and missing values."""

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.algorithms.declared import Declared
from model_refresh.algorithms.lightgbm_sums import Predictions
from model_refresh.algorithms.lightgbm_trees import gains, grow, shapley
from model_refresh.algorithms.protocol import (
    Dimension,
    Fit,
    Parameters,
    Rows,
    completed,
    number,
    require_learnable,
)
from model_refresh.algorithms.rounds import ROUNDS, chosen, most_rounds
from model_refresh.algorithms.shares import shares
from model_refresh.algorithms.unmet import Unmet
from model_refresh.booster import prepare_lightgbm
from model_refresh.features import Matrix
from model_refresh.records import Task

if TYPE_CHECKING:
    from model_refresh.scorer.formula.tree_sums import TreesForm

_FILE = "model.txt"
_UNMET_FILE = "unmet.json"
_TRIED: tuple[dict[str, int], ...] = (
    {"num_leaves": 31},
    {"num_leaves": 8},
    {"num_leaves": 31, "min_data_in_leaf": 1000},
)
_RANDOM = {"num_leaves": 31, "extra_trees": 1}


class FittedLightGBM:
    """Trees that LightGBM has grown or read."""

    def __init__(self, text: str, unmet: Unmet | None = None) -> None:
        """Always from the text: so a model predicts the same before it is stored and after.

        `unmet` are classes that the trees have not learned from; None: the task isn't multiclass.
        """
        prepare_lightgbm()
        import lightgbm  # here: it takes a while

        self._text, self._unmet = text, unmet
        self._booster = lightgbm.Booster(model_str=text)
        self._predictions = Predictions(self._booster, text)

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """The probability of class 1, or the expected value; shape (rows,).

        For a multiclass task the probability of each class; shape (rows, classes).
        """
        if matrix.values.shape[0] == 0:
            trees = self._booster.num_model_per_iteration()
            return np.empty(0 if trees == 1 else (0, trees))
        predicted = self._predictions.predict(matrix.values)
        return predicted if self._unmet is None else self._unmet.blended(predicted)

    def save(self, folder: Path) -> None:
        """Write model.txt, LightGBM's own format; features are named f0, f1...

        For a multiclass task unmet.json too, the classes that training rows didn't have.
        """
        (folder / _FILE).write_text(self._text)
        if self._unmet is not None:
            (folder / _UNMET_FILE).write_text(self._unmet.canonical())

    def importances(self) -> NDArray[np.float64] | None:
        """By column the share of the loss that its splits took away; None where nothing splits."""
        return shares(gains(self._booster))

    def contributions(self, matrix: Matrix) -> NDArray[np.float64] | None:
        """Shapley values of the trees, on the link scale; None for a multiclass task."""
        return shapley(self._booster, matrix) if self._unmet is None else None

    def form(self) -> "TreesForm":
        """Its trees, and the link that its text names."""
        from model_refresh.algorithms.tree_forms import boosted_by_lightgbm  # here: only a scorer

        return boosted_by_lightgbm(self._text, self._unmet)


class LightGBM(Declared):
    """Gradient-boosted trees: the best single choice on most tables of more than 1,000 rows.

    Untuned it is regularised more than LightGBM's defaults, categories above all: what was true
    of a rare category last month often isn't next month.
    """

    blends: ClassVar[bool] = True

    algorithm: Literal["lightgbm"] = Field("lightgbm", description="gradient-boosted trees")
    rounds: int = Field(
        1000,
        ge=1,
        le=20_000,
        description="most trees; tuning stops earlier, where the loss stops falling",
    )
    patience: int = Field(
        60, ge=1, le=1000, description="rounds without a better validation loss before tuning stops"
    )
    leaves: int = Field(127, ge=2, le=1024, description="most leaves a tree that tuning may try")

    def space(self, task: Task) -> tuple[Dimension, ...]:
        """What matters most on tables, around values that need little tuning."""
        del task
        return (
            Dimension(name="learning_rate", low=0.03, high=0.2, start=0.1, log=True),
            Dimension(
                name="num_leaves", low=min(4, self.leaves), high=self.leaves,
                start=min(31, self.leaves), integer=True, log=True,
            ),
            Dimension(name="min_data_in_leaf", low=5, high=2000, start=50, integer=True, log=True),
            Dimension(name="feature_fraction", low=0.3, high=1.0, start=0.6),
            Dimension(name="bagging_fraction", low=0.5, high=1.0, start=0.8),
            Dimension(name="lambda_l2", low=0.01, high=100.0, start=5.0, log=True),
            Dimension(name="cat_smooth", low=1.0, high=300.0, start=30.0, log=True),
            Dimension(name="extra_trees", low=0, high=1, start=0, integer=True),
        )  # fmt: skip

    def starts(self, task: Task) -> tuple[Parameters, ...]:
        """Its own start; small trees, trees of large leaves, for values trees of random splits."""
        tried = (*_TRIED, _RANDOM) if task == "regression" else _TRIED
        return tuple(
            {**start, "num_leaves": min(start["num_leaves"], self.leaves)} for start in tried
        )

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> Fit:
        """Grow trees; with `early`, as many as do best there, else as many as `rounds` says."""
        require_learnable(train, task)
        used = completed(self.space(task), parameters)
        settings = chosen(used) | {"objective": task, "seed": seed} | _counted(train)
        settings["extra_trees"] = bool(number(used, "extra_trees"))
        most = most_rounds(used, early, ceiling=self.rounds)
        booster, curve = grow(train, settings, rounds=most, early=early, patience=self.patience)
        best = 1 + int(np.argmin(curve)) if curve else booster.current_iteration()
        unmet = Unmet.among(train) if train.classes else None

        def grown(rounds: int) -> FittedLightGBM:
            return FittedLightGBM(booster.model_to_string(num_iteration=rounds), unmet)

        return Fit(grown(best), used | {ROUNDS: max(1, best)}, curve, grown)

    def load(self, folder: Path) -> FittedLightGBM:
        """Read what was saved. LightGBM aborts on a damaged file: verify digests first."""
        unmet = folder / _UNMET_FILE
        return FittedLightGBM(
            (folder / _FILE).read_text(),
            Unmet.parse(unmet.read_text()) if unmet.exists() else None,
        )


def _counted(train: Rows) -> Parameters:
    """How many trees a round grows, where it is one a class."""
    return {"num_class": train.classes} if train.classes else {}
