"""Gradient-boosted trees, with native categories and missing values."""

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.algorithms.protocol import (
    Dimension,
    Parameters,
    Rows,
    completed,
    number,
    require_learnable,
)
from model_refresh.algorithms.unmet import Unmet
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh.records import Record, Task

_FILE = "model.txt"
_UNMET_FILE = "unmet.json"
_ROUNDS = "rounds"
_FIXED: dict[str, bool | int | float | str] = {
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
    "bagging_freq": 1,
    "min_data_per_group": 200,
}
"""`num_threads` stays 0, LightGBM's own choice: any other value is written to the model's text."""

_SMALL_CELLS = 500_000
"""Below it one thread grows trees faster than several do on a busy machine: they wait by spinning,
ten times as long as they work."""


class FittedLightGBM:
    """Trees that LightGBM has grown or read."""

    def __init__(self, text: str, unmet: Unmet | None = None) -> None:
        """Always from the text: so a model predicts the same before it is stored and after.

        `unmet` are classes that the trees have not learned from; None: the task isn't multiclass.
        """
        import lightgbm  # here: it takes two seconds

        self._text, self._unmet = text, unmet
        self._booster = lightgbm.Booster(model_str=text)

    def predict(self, matrix: Matrix) -> NDArray[np.float64]:
        """The probability of class 1, or the expected value; shape (rows,).

        For a multiclass task the probability of each class; shape (rows, classes).
        """
        if matrix.values.shape[0] == 0:
            trees = self._booster.num_model_per_iteration()
            return np.empty(0 if trees == 1 else (0, trees))
        predicted = np.asarray(self._booster.predict(matrix.values), dtype=np.float64)
        return predicted if self._unmet is None else self._unmet.blended(predicted)

    def save(self, folder: Path) -> None:
        """Write model.txt, LightGBM's own format; features are named f0, f1...

        For a multiclass task unmet.json too, the classes that training rows didn't have.
        """
        (folder / _FILE).write_text(self._text)
        if self._unmet is not None:
            (folder / _UNMET_FILE).write_text(self._unmet.canonical())


class LightGBM(Record):
    """Gradient-boosted trees: the best single choice on most tables of more than 1,000 rows.

    Untuned it is regularised more than LightGBM's defaults, categories above all: what was true
    of a rare category last month often isn't next month.
    """

    algorithm: Literal["lightgbm"] = Field("lightgbm", description="gradient-boosted trees")
    rounds: int = Field(
        1000,
        ge=1,
        le=20_000,
        description="most trees; tuning stops earlier, where the loss stops falling",
    )
    patience: int = Field(
        30, ge=1, le=1000, description="rounds without a better validation loss before tuning stops"
    )
    leaves: int = Field(127, ge=2, le=1024, description="most leaves a tree that tuning may try")

    def space(self, task: Task) -> tuple[Dimension, ...]:
        """What matters most on tables, around values that need little tuning."""
        del task
        return (
            Dimension(name="learning_rate", low=0.03, high=0.2, start=0.05, log=True),
            Dimension(
                name="num_leaves", low=min(4, self.leaves), high=self.leaves,
                start=min(31, self.leaves), integer=True, log=True,
            ),
            Dimension(name="min_data_in_leaf", low=5, high=500, start=50, integer=True, log=True),
            Dimension(name="feature_fraction", low=0.3, high=1.0, start=0.6),
            Dimension(name="bagging_fraction", low=0.5, high=1.0, start=0.8),
            Dimension(name="lambda_l2", low=0.01, high=100.0, start=5.0, log=True),
            Dimension(name="cat_smooth", low=1.0, high=300.0, start=30.0, log=True),
        )  # fmt: skip

    def fit(
        self, train: Rows, *, task: Task, parameters: Parameters, seed: int, early: Rows | None
    ) -> tuple[FittedLightGBM, Parameters]:
        """Grow trees; with `early`, as many as do best there, else as many as `rounds` says."""
        require_learnable(train, task)
        if train.matrix.values.shape[1] == 0:
            raise FitError("there are no features to grow trees on")
        used = completed(self.space(task), parameters)
        fixed = None if early is not None else used.get(_ROUNDS)
        most = self.rounds if fixed is None else int(number(used, _ROUNDS))
        settings = _settings(used, task, seed) | _counted(train)
        text, rounds = self._grow(train, early, settings=settings, most=most)
        unmet = Unmet.among(train) if train.classes else None
        return FittedLightGBM(text, unmet), used | {_ROUNDS: rounds}

    def load(self, folder: Path) -> FittedLightGBM:
        """Read what was saved. LightGBM aborts on a damaged file: verify digests first."""
        unmet = folder / _UNMET_FILE
        return FittedLightGBM(
            (folder / _FILE).read_text(),
            Unmet.parse(unmet.read_text()) if unmet.exists() else None,
        )

    def _grow(
        self, train: Rows, early: Rows | None, *, settings: Parameters, most: int
    ) -> tuple[str, int]:
        import lightgbm
        from threadpoolctl import threadpool_limits

        categories = train.matrix.categories
        learned = lightgbm.Dataset(
            train.matrix.values,
            train.target,
            feature_name=[f"f{i}" for i in range(len(categories))],
            categorical_feature=[i for i, codes in enumerate(categories) if codes],
            params=settings,
        )
        watch = []
        calls = []
        if early is not None:
            watch = [lightgbm.Dataset(early.matrix.values, early.target, reference=learned)]
            calls = [lightgbm.early_stopping(self.patience, verbose=False)]
        few = 1 if train.matrix.values.size < _SMALL_CELLS else None
        try:
            with threadpool_limits(few):
                booster = lightgbm.train(
                    settings, learned, num_boost_round=most, valid_sets=watch, callbacks=calls
                )
        except lightgbm.basic.LightGBMError as error:
            raise FitError(f"LightGBM: {error}") from error
        rounds = booster.best_iteration if early is not None else booster.current_iteration()
        return booster.model_to_string(num_iteration=rounds), max(1, rounds)


def _settings(used: Parameters, task: Task, seed: int) -> Parameters:
    chosen = {name: value for name, value in used.items() if name != _ROUNDS}
    return _FIXED | chosen | {"objective": task, "seed": seed}


def _counted(train: Rows) -> Parameters:
    """How many trees a round grows, where it is one a class."""
    return {"num_class": train.classes} if train.classes else {}
