"""Calibrators: what turns a model's predictions into ones of the right level.

One frozen record a method and a file; `AnyCalibrator` is the only list. To add one: a file with a
class that keeps `Calibrator`, and its name in the union.
"""

from collections.abc import Sequence
from typing import Annotated, get_args

from pydantic import Field, TypeAdapter

from model_refresh.calibration.beta import Beta
from model_refresh.calibration.choice import Choice, Fold, Tried, choose
from model_refresh.calibration.identity import Identity
from model_refresh.calibration.isotonic import Isotonic
from model_refresh.calibration.line import Line
from model_refresh.calibration.platt import Platt
from model_refresh.calibration.protocol import (
    MIN_ROWS,
    Calibrator,
    Floats,
    Pairs,
    RowLosses,
    squared_errors,
)
from model_refresh.errors import FitError
from model_refresh.records import Task

__all__ = [
    "MIN_ROWS",
    "AnyCalibrator",
    "Beta",
    "Calibrator",
    "Choice",
    "Identity",
    "Isotonic",
    "Line",
    "Platt",
    "Tried",
    "choose_method",
    "fit_calibrator",
    "methods",
    "read_calibrator",
    "squared_errors",
]

AnyCalibrator = Identity | Platt | Beta | Isotonic | Line
"""Every calibrator, told apart by `method`; simple ones first."""

_ADAPTER: TypeAdapter[AnyCalibrator] = TypeAdapter(
    Annotated[AnyCalibrator, Field(discriminator="method")]
)


def methods(task: Task) -> tuple[str, ...]:
    """The methods that serve a task, "none" first; of a multiclass task that is the only one."""
    return tuple(_by_method(task))


def fit_calibrator(
    method: str,
    predicted: Floats,
    target: Floats,
    *,
    task: Task,
    weight: Floats | None = None,
) -> AnyCalibrator:
    """Learn from predictions of rows that the model has not seen, and their outcomes.

    Shapes (rows,); `weight` is positive, only the ratios of its values count. The method "none"
    looks at nothing. Raises FitError for a method that does not serve the task, for fewer than
    `MIN_ROWS` rows, for one class only, and for values that are not finite or are no
    probabilities.
    """
    fitting = _by_method(task)
    if method not in fitting:
        raise FitError(
            f"there is no calibration {method!r} for a {task} task; there are "
            f"{', '.join(fitting)}: declare one of them"
        )
    if method == "none":
        return Identity()
    pairs = Pairs.of(predicted, target, task=task, weight=weight)
    pairs.require_enough()
    return fitting[method].fit(pairs)


def read_calibrator(text: str | bytes) -> AnyCalibrator:
    """The calibrator whose `canonical()` this is; pydantic's ValidationError for anything else."""
    return _ADAPTER.validate_json(text)


def choose_method(folds: Sequence[Fold], *, task: Task, loss: RowLosses) -> Choice:
    """Which method is worth having on later rows; "none" unless one clearly is.

    `folds` are pairs (predicted, target) of validation rows that the model has not seen, oldest
    first. `loss` gives each row's loss from (target, prediction); choose one that asks for right
    levels: `LogLoss().loss`, or `squared_errors`. A ranking has nothing to gain from calibration.

    Each method is fitted on all folds before a fold and judged on it. Of a single fold every
    other row is fitted on and the rest is judged, then the other way round: rows stand in the
    order of their keys, so that both halves are alike. A fold is passed over where those before
    it have too few rows or one class only. The gain is the mean, over judged folds, of the mean
    drop of a row's loss against no calibration, and its standard error that of such paired
    differences of independent rows. Of the methods whose gain exceeds it, the one with the most is
    chosen. Raises FitError for values that can't be used.
    """
    rivals = {name: each.fit for name, each in _by_method(task).items() if name != "none"}
    return choose(folds, task=task, loss=loss, rivals=rivals)


def _by_method(task: Task) -> dict[str, type[AnyCalibrator]]:
    return {
        each.model_fields["method"].default: each
        for each in get_args(AnyCalibrator)
        if task in each.tasks
    }
