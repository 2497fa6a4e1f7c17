"""The list of metrics, by name and by task."""

from difflib import get_close_matches

from model_refresh.errors import ModelRefreshError
from model_refresh.metrics.average_precision import AveragePrecision
from model_refresh.metrics.calibration import CalibrationIntercept, CalibrationSlope
from model_refresh.metrics.lift import LiftAtTenth
from model_refresh.metrics.line import Intercept, Slope
from model_refresh.metrics.losses import Brier, LogLoss, MeanAbsoluteError
from model_refresh.metrics.protocol import Metric
from model_refresh.metrics.roc_auc import RocAuc
from model_refresh.metrics.spearman import Spearman
from model_refresh.metrics.squares import RootMeanSquaredError, RSquared
from model_refresh.records import Task

METRICS: tuple[Metric, ...] = (
    LogLoss(),
    RocAuc(),
    AveragePrecision(),
    Brier(),
    CalibrationSlope(),
    CalibrationIntercept(),
    LiftAtTenth(),
    RootMeanSquaredError(),
    MeanAbsoluteError(),
    RSquared(),
    Slope(),
    Intercept(),
    Spearman(),
)
"""Every metric, in the order in which a page shows them; the first of a task is its default."""


def names(task: Task) -> tuple[str, ...]:
    """The metrics that serve a task, in the order of a page."""
    return tuple(each.name for each in METRICS if task in each.tasks)


def metric(name: str) -> Metric:
    """The metric of that name; an unknown one raises ModelRefreshError with those that exist."""
    known = {each.name: each for each in METRICS}
    if name in known:
        return known[name]
    near = get_close_matches(name, known, n=1)
    meant = f", did you mean {near[0]!r}" if near else ""
    raise ModelRefreshError(f"there is no metric {name!r}{meant}; there are {', '.join(known)}")
