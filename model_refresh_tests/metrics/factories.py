"""Rows, holdouts and predictions for the tests of metrics and gates."""

import datetime as dt

import numpy as np
from numpy.typing import NDArray

from model_refresh.metrics import Holdout, Metric, Predicted
from model_refresh.metrics.protocol import Floats

AS_OF = dt.datetime(1998, 2, 2, tzinfo=dt.UTC)
KNOWN_AT = dt.datetime(1998, 1, 5, tzinfo=dt.UTC)


def make_rows(
    metric: Metric, *, seed: int, rows: int = 60, levels: int | None = None
) -> tuple[Floats, tuple[Floats, Floats]]:
    """A target and two noisy predictions of it; `levels`: round them so that they tie."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=rows)
    scores = [signal + noise * rng.normal(size=rows) for noise in (0.5, 1.0)]
    if metric.tasks == ("binary",):
        target = (rng.random(rows) < logistic(1.5 * signal - 0.5)).astype(np.float64)
        first, second = (logistic(score - 0.5) for score in scores)
    else:
        target = signal + rng.normal(size=rows)
        first, second = scores
    if levels is not None:
        first, second = (np.round(values * levels) / levels for values in (first, second))
    return target, (first, second)


def logistic(values: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-values)))


def make_holdout(
    target: Floats, *, group: NDArray[np.int64] | None = None, as_of: dt.datetime = AS_OF
) -> Holdout:
    instant = np.datetime64(as_of.astimezone(dt.UTC).replace(tzinfo=None), "us")
    return Holdout(
        target=target,
        group=np.arange(len(target)) if group is None else group,
        as_of=np.full(len(target), instant),
    )


def make_predicted(values: Floats, *, known_at: dt.datetime = KNOWN_AT) -> Predicted:
    return Predicted(values, known_at)
