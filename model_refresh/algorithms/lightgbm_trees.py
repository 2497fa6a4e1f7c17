"""Growing trees by LightGBM, and what can be told of them; for every algorithm made of such trees.

A model's own features are named f0, f1... by place, so that no name of a column reaches its file.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from model_refresh.algorithms.protocol import Parameters, Rows
from model_refresh.algorithms.rounds import few_threads
from model_refresh.algorithms.stopping import levelled_loss
from model_refresh.booster import prepare_lightgbm
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh.records import Task

if TYPE_CHECKING:
    from lightgbm import Booster, Dataset

    Judge = Callable[[NDArray[np.float64], Dataset], tuple[str, float, bool]]

_FIXED: Parameters = {
    "verbosity": -1,
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
    "bagging_freq": 1,
    "min_data_per_group": 200,
}
"""`num_threads` stays 0, LightGBM's own choice: any other value is written to the model's text."""
_ALL = -1
"""Every round, also those after the best."""


def grow(
    train: Rows,
    settings: Parameters,
    *,
    rounds: int,
    early: Rows | None = None,
    patience: int | None = None,
) -> tuple["Booster", tuple[float, ...]]:
    """So many rounds of trees, and the loss on the early rows after each.

    It is the levelled loss (see `stopping`); of a multiclass task LightGBM's own. With `early`,
    growing ends after `patience` rounds that were no better than the best before.
    Raises FitError where there is no column, or LightGBM refuses the rows or the settings.
    """
    prepare_lightgbm()
    import lightgbm  # here: it takes a while
    from threadpoolctl import threadpool_limits

    if train.matrix.values.shape[1] == 0:
        raise FitError("there are no features to grow trees on")
    settings = _FIXED | settings
    learned = _dataset(train, settings)
    watch = []
    calls = []
    losses: dict[str, dict[str, list[float]]] = {}
    judge = None
    if early is not None:
        judge = _judge(settings)
        settings = settings | ({"metric": "None"} if judge is not None else {})
        watch = [lightgbm.Dataset(early.matrix.values, early.target, reference=learned)]
        calls = [
            lightgbm.early_stopping(patience, verbose=False),
            lightgbm.record_evaluation(losses),
        ]
    try:
        with threadpool_limits(few_threads(train.matrix.values.size)):
            booster = lightgbm.train(
                settings,
                learned,
                num_boost_round=rounds,
                valid_sets=watch,
                callbacks=calls,
                feval=judge,
                keep_training_booster=True,
            )
    except lightgbm.basic.LightGBMError as error:
        raise FitError(f"LightGBM: {error}") from error
    whole = lightgbm.Booster(model_str=booster.model_to_string(num_iteration=_ALL))
    curve = [loss for metrics in losses.values() for loss in next(iter(metrics.values()))]
    return whole, tuple(curve)


def _judge(settings: Parameters) -> "Judge | None":
    """What LightGBM asks after each round; None where its own loss serves."""
    if settings["objective"] not in ("binary", "regression"):
        return None
    task: Task = "regression" if settings["objective"] == "regression" else "binary"

    def judge(predicted: NDArray[np.float64], rows: "Dataset") -> tuple[str, float, bool]:
        return "levelled", levelled_loss(task, np.asarray(rows.get_label()), predicted), False

    return judge


def gains(booster: "Booster") -> NDArray[np.float64]:
    """By how much splits on each column lowered the loss; shape (columns,)."""
    return np.asarray(booster.feature_importance("gain"), dtype=np.float64)


def shapley(booster: "Booster", matrix: Matrix) -> NDArray[np.float64]:
    """What each column adds to each row's sum of trees; shape (rows, columns + 1), last the base.

    Lundberg, Erion and Lee (2018), "Consistent individualized feature attribution for tree
    ensembles", arXiv:1802.03888. The trees must be of one output.
    """
    rows, columns = matrix.values.shape
    if rows == 0:
        return np.empty((0, columns + 1))
    return np.asarray(booster.predict(matrix.values, pred_contrib=True), dtype=np.float64)


def _dataset(train: Rows, settings: Parameters) -> "Dataset":
    prepare_lightgbm()
    import lightgbm

    categories = train.matrix.categories
    return lightgbm.Dataset(
        train.matrix.values,
        train.target,
        weight=train.weight,
        feature_name=[f"f{i}" for i in range(len(categories))],
        categorical_feature=[i for i, codes in enumerate(categories) if codes],
        params=settings,
    )
