"""The list of metrics: by name, by task, and how names with a parameter are written."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from model_refresh.errors import ModelRefreshError
from model_refresh.metrics.average_precision import AveragePrecision
from model_refresh.metrics.brier_parts import BrierReliability, BrierResolution
from model_refresh.metrics.calibration import CalibrationIntercept, CalibrationSlope
from model_refresh.metrics.cut import Cut, Threshold, TopRows, TopShare
from model_refresh.metrics.decisions import F1, Accuracy, AccuracyAt, MacroF1, Precision, Recall
from model_refresh.metrics.deviance import PoissonDeviance, Tweedie
from model_refresh.metrics.ks import KolmogorovSmirnov
from model_refresh.metrics.level import PredictedToActual
from model_refresh.metrics.lift import Gain, Lift
from model_refresh.metrics.line import Intercept, Slope
from model_refresh.metrics.losses import Brier, LogLoss, MeanAbsoluteError, Pinball
from model_refresh.metrics.protocol import Metric
from model_refresh.metrics.roc_auc import MacroAuc, RocAuc
from model_refresh.metrics.spearman import Spearman
from model_refresh.metrics.squares import RootMeanSquaredError, RSquared
from model_refresh.metrics.value import Costs, Value
from model_refresh.records import Task

METRICS: tuple[Metric, ...] = (
    LogLoss(),
    RocAuc(),
    AveragePrecision(),
    Brier(),
    BrierReliability(),
    BrierResolution(),
    KolmogorovSmirnov(),
    CalibrationSlope(),
    CalibrationIntercept(),
    PredictedToActual(),
    Lift(),
    Gain(),
    Accuracy(),
    Precision(),
    Recall(),
    F1(),
    MacroAuc(),
    MacroF1(),
    Value(),
    RootMeanSquaredError(),
    MeanAbsoluteError(),
    RSquared(),
    Slope(),
    Intercept(),
    Spearman(),
    Pinball(),
    PoissonDeviance(),
    Tweedie(),
)
"""Every metric, with the parameters that it has unless told otherwise."""

_SHOWN: dict[Task, tuple[str, ...]] = {
    "binary": (
        "log_loss",
        "roc_auc",
        "average_precision",
        "brier",
        "ks",
        "calibration_slope",
        "calibration_intercept",
        "predicted_to_actual",
        "lift@10%",
        "gain@10%",
    ),
    "regression": (
        "rmse",
        "mae",
        "r2",
        "slope",
        "intercept",
        "predicted_to_actual",
        "spearman",
    ),
    "multiclass": ("log_loss", "macro_auc", "accuracy", "macro_f1"),
}

_FRACTION = r"0\.[0-9]{0,5}[1-9]"
_PERCENT = rf"(?:100|[1-9][0-9]?(?:\.[0-9]{{0,5}}[1-9])?|{_FRACTION})%"
_COUNT = r"[1-9][0-9]{0,8}"


@dataclass(frozen=True)
class _Family:
    """Metrics that differ in one parameter, written behind an @; numbers without needless zeros."""

    stem: str
    parameter: str
    accepts: str
    pattern: str
    make: Callable[[str], Metric]

    @property
    def form(self) -> str:
        return f"{self.stem}@{self.parameter}"


def _at_cut(stem: str, make: Callable[[Cut], Metric]) -> _Family:
    accepts = (
        "a threshold between 0 and 1 (0.3), a share from the top (5%) or a number of rows (500)"
    )
    pattern = f"(?:{_FRACTION}|{_PERCENT}|{_COUNT})"
    return _Family(stem, "CUT", accepts, pattern, lambda text: make(_cut(text)))


def _at_share(stem: str, make: Callable[[TopShare], Metric]) -> _Family:
    accepts = "a share from the top, above 0% and up to 100% (10%)"
    return _Family(stem, "P%", accepts, _PERCENT, lambda text: make(_share(text)))


_FAMILIES: tuple[_Family, ...] = (
    _at_cut("accuracy", AccuracyAt),
    _at_cut("precision", Precision),
    _at_cut("recall", Recall),
    _at_cut("f1", F1),
    _at_share("lift", Lift),
    _at_share("gain", Gain),
    _Family(
        "pinball",
        "Q",
        "a quantile between 0 and 1 (0.9)",
        _FRACTION,
        lambda text: Pinball(float(text)),
    ),
    _Family(
        "tweedie",
        "POWER",
        "a power between 1 and 2 (1.5)",
        r"1\.[0-9]{0,5}[1-9]",
        lambda text: Tweedie(float(text)),
    ),
)


def names(task: Task) -> tuple[str, ...]:
    """What a page shows of a task unless told otherwise; the first is the task's default."""
    return _SHOWN[task]


def in_order(found: Iterable[str], *, first: str) -> list[str]:
    """Names as a page lists them: the one that decides, then as `METRICS` has their families."""
    stems = [each.name.partition("@")[0] for each in METRICS]

    def place(name: str) -> tuple[bool, int, str]:
        stem = name.partition("@")[0]
        return name != first, stems.index(stem) if stem in stems else len(stems), name

    return sorted(found, key=place)


def metric(name: str, cost_matrix: Costs | None = None) -> Metric:
    """The metric of that name, such as `brier` or `precision@5%`; `value` needs its costs.

    Raises ModelRefreshError for an unknown one, with those that there are, and for a parameter
    that its family does not accept, with what it does.
    """
    plain = {each.name: each for each in METRICS} | {Value.name: Value(cost_matrix)}
    if name in plain:
        return plain[name]
    stem, at, parameter = name.partition("@")
    families = {family.stem: family for family in _FAMILIES}
    if at and stem in families:
        return _parametrised(families[stem], parameter)
    near = get_close_matches(stem, [*plain, *families], n=1)
    meant = f", did you mean {_forms_of(near[0])}" if near else ""
    raise ModelRefreshError(f"there is no metric {name!r}{meant}; there are {', '.join(_forms())}")


def serves(name: str, task: Task) -> bool:
    """Whether there is a metric of that name, and it judges predictions of that task."""
    try:
        return task in metric(name).tasks
    except ModelRefreshError:
        return False


def forms(task: Task) -> tuple[str, ...]:
    """The names accepted for a task, those with a parameter as `precision@CUT`."""
    return tuple(form for form, tasks in _forms().items() if task in tasks)


def pattern() -> str:
    """A regular expression of all accepted names, for a JSON schema."""
    fixed = [re.escape(each.name) for each in METRICS if "@" not in each.name]
    families = [f"{family.stem}@{family.pattern}" for family in _FAMILIES]
    return f"^(?:{'|'.join([*fixed, *families])})$"


def _forms() -> dict[str, tuple[Task, ...]]:
    """Fixed names and forms of families, each with its tasks."""
    fixed = {each.name: each.tasks for each in METRICS if "@" not in each.name}
    sample = {"CUT": "0.5", "P%": "10%", "Q": "0.5", "POWER": "1.5"}
    return fixed | {each.form: each.make(sample[each.parameter]).tasks for each in _FAMILIES}


def _forms_of(stem: str) -> str:
    """What is written for a stem: its name, its form, or both."""
    written = [form for form in _forms() if form.partition("@")[0] == stem.partition("@")[0]]
    return " or ".join(repr(form) for form in written)


def _parametrised(family: _Family, text: str) -> Metric:
    if re.fullmatch(family.pattern, text) is None:
        raise ModelRefreshError(
            f"metric '{family.stem}@{text}': {text!r} is not accepted; {family.form} takes "
            f"{family.accepts}, without needless zeros and with at most 6 decimals"
        )
    return family.make(text)


def _cut(text: str) -> Cut:
    if text.endswith("%"):
        return _share(text)
    return TopRows(int(text)) if text.isdigit() else Threshold(float(text))


def _share(text: str) -> TopShare:
    return TopShare(float(text.removesuffix("%")))
