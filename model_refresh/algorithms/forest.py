"""Forests: trees grown side by side and averaged, none from another's errors."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.algorithms.declared import Declared
from model_refresh.algorithms.lightgbm_sums import Predictions
from model_refresh.algorithms.lightgbm_trees import gains, grow, shapley
from model_refresh.algorithms.outcome import Outcome
from model_refresh.algorithms.protocol import (
    Dimension,
    Fit,
    Parameters,
    Rows,
    completed,
    require_learnable,
)
from model_refresh.algorithms.rounds import ROUNDS, chosen, most_rounds
from model_refresh.algorithms.shares import shares
from model_refresh.booster import prepare_lightgbm
from model_refresh.features import Matrix
from model_refresh.records import Record, Task

if TYPE_CHECKING:
    from model_refresh.scorer.formula.tree_sums import TreesForm

_HEAD_FILE = "forest.json"
_LEAST_CHANCE = 1e-6
"""An average of pure leaves is no proof: a probability stays so far from 0 and 1."""


class Head(Record):
    """What a forest's trees are about: each adds to the mean label, or to a class's share."""

    outcome: Outcome
    means: tuple[float, ...]


class FittedForest:
    """One forest, or for a multiclass task one for each class that training rows had."""

    def __init__(self, texts: tuple[str, ...], head: Head) -> None:
        """Always from the texts: so a model predicts the same before it is stored and after."""
        prepare_lightgbm()
        import lightgbm  # here: it takes a while

        self._texts, self._head = texts, head
        self._boosters = [lightgbm.Booster(model_str=text) for text in texts]
        self._predictions = [
            Predictions(booster, text) for booster, text in zip(self._boosters, texts, strict=True)
        ]

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """The probability of class 1, or the expected value; shape (rows,).

        For a multiclass task the probability of each class; shape (rows, classes).
        """
        outcome = self._head.outcome
        levels = np.stack(self._levels(matrix), axis=1)
        if outcome.task == "regression":
            return np.ascontiguousarray(levels[:, 0])
        chances = np.clip(levels, _LEAST_CHANCE, 1 - _LEAST_CHANCE)
        return outcome.shared(chances) if outcome.met else np.ascontiguousarray(chances[:, 0])

    def save(self, folder: Path) -> None:
        """Write model.0.txt, model.1.txt... in LightGBM's own format, and forest.json."""
        (folder / _HEAD_FILE).write_text(self._head.canonical())
        for place, text in enumerate(self._texts):
            (folder / _file(place)).write_text(text)

    def importances(self) -> NDArray[np.float64] | None:
        """By column the share of the error that its splits took away; None where nothing splits."""
        return shares(np.sum([gains(booster) for booster in self._boosters], axis=0))

    def contributions(self, matrix: Matrix) -> NDArray[np.float64] | None:
        """Shapley values of the averaged trees; None for a multiclass task.

        For a binary task those of the probability, each stretched alike so that the row's sum is
        its log odds, where the base is the base rate's.
        """
        outcome = self._head.outcome
        if outcome.met:
            return None
        booster = self._boosters[0]
        told = shapley(booster, matrix) / max(1, booster.num_trees())  # it sums, not averages
        told[:, -1] += self._head.means[0]
        return told if outcome.task == "regression" else _as_log_odds(told, self.predict(matrix))

    def form(self) -> "TreesForm":
        """Its trees, averaged around each mean."""
        from model_refresh.algorithms.tree_forms import averaged  # here: only a scorer needs it

        head = self._head
        return averaged(self._texts, head.outcome, means=head.means, least=_LEAST_CHANCE)

    def _levels(self, matrix: Matrix) -> list[NDArray[np.float64]]:
        if matrix.values.shape[0] == 0:
            return [np.empty(0)] * len(self._boosters)
        return [
            mean + predictions.predict(matrix.values)
            for predictions, mean in zip(self._predictions, self._head.means, strict=True)
        ]


class Forest(Declared):
    """Averaged trees: for noisy labels, few rows, rare classes, and beside boosted trees.

    There is little to tune, more trees never make it worse, and its errors are others than a
    boosted model's, which an ensemble likes. `rf` splits at the best places (Breiman 2001, "Random
    forests"), `extra` at random ones (Geurts, Ernst and Wehenkel 2006, "Extremely randomized
    trees"), which is faster and smoother; both draw rows and columns for each tree. A leaf is the
    mean label of its rows, drawn to that of all: probabilities are estimated by squared error
    (Malley et al. 2012, "Probability machines"), a multiclass task's one class at a time.
    """

    algorithm: Literal["forest"] = Field("forest", description="averaged trees")
    trees: Literal["rf", "extra"] = Field(
        "rf", description="rf: splits at the best places; extra: at random ones"
    )
    rounds: int = Field(200, ge=1, le=20_000, description="how many trees; more cost only time")

    def space(self, task: Task) -> tuple[Dimension, ...]:
        """How closely trees look, and how much they differ."""
        del task
        return (
            Dimension(name="num_leaves", low=8, high=512, start=128, integer=True, log=True),
            Dimension(name="min_data_in_leaf", low=2, high=200, start=20, integer=True, log=True),
            Dimension(name="feature_fraction_bynode", low=0.2, high=1.0, start=0.5),
            Dimension(name="bagging_fraction", low=0.3, high=0.9, start=0.63),
            Dimension(name="lambda_l2", low=0.01, high=100.0, start=5.0, log=True),
            Dimension(name="cat_smooth", low=1.0, high=300.0, start=30.0, log=True),
        )

    def starts(self, task: Task) -> tuple[Parameters, ...]:
        """Its own start, then smaller and larger trees."""
        del task
        return ({}, {"num_leaves": 32}, {"num_leaves": 512, "min_data_in_leaf": 5})

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> Fit:
        """Grow trees, `rounds` of them; no later rows stop it, because more are never worse."""
        del early
        require_learnable(train, task)
        used = completed(self.space(task), parameters)
        rounds = most_rounds(used, None, ceiling=self.rounds)
        settings = chosen(used) | {
            "boosting": "rf",
            "objective": "regression",
            "boost_from_average": False,
            "extra_trees": self.trees == "extra",
            "seed": seed,
        }
        outcome = Outcome.of(train, task)
        targets = [(train.target == k).astype(np.float64) for k in outcome.met] or [train.target]
        means = tuple(float(np.average(target, weights=train.weight)) for target in targets)
        texts = []
        for target, mean in zip(targets, means, strict=True):
            booster, _ = grow(replace(train, target=target - mean), settings, rounds=rounds)
            texts.append(booster.model_to_string())
        fitted = FittedForest(tuple(texts), Head(outcome=outcome, means=means))
        return Fit(fitted, used | {ROUNDS: rounds})

    def load(self, folder: Path) -> FittedForest:
        """Read what was saved. LightGBM aborts on a damaged file: verify digests first."""
        head = Head.parse((folder / _HEAD_FILE).read_text())
        texts = [(folder / _file(place)).read_text() for place in range(len(head.means))]
        return FittedForest(tuple(texts), head)


def _file(place: int) -> str:
    return f"model.{place}.txt"


def _as_log_odds(told: NDArray[np.float64], predicted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Contributions to a probability, stretched to what they are of its log odds."""
    base = np.clip(told[:, -1], _LEAST_CHANCE, 1 - _LEAST_CHANCE)
    start = np.log(base / (1 - base))
    way = np.log(predicted / (1 - predicted)) - start
    moved = told[:, :-1].sum(axis=1)
    steep = 1 / (base * (1 - base))
    near = np.abs(moved) < 1e-9
    stretch = np.where(near, steep, way / np.where(near, 1.0, moved))
    return np.column_stack([told[:, :-1] * stretch[:, None], start])
