"""Whether an ensemble is worth having beside the best single model."""

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.ensembling.averages import make_averages
from model_refresh.ensembling.library import Library
from model_refresh.ensembling.selection import Caps, Search, Weights
from model_refresh.metrics import Metric
from model_refresh.metrics.holdout import Clusters
from model_refresh.metrics.intervals import MIN_GROUPS
from model_refresh.metrics.protocol import Floats, assess
from model_refresh.records import Record


class Judgement(Record):
    """Whether the ensemble is worth having; gains in the metric's unit, positive is better."""

    weights: Weights = Field(description="chosen on all folds")
    best: str = Field(description="the best single model on all folds, whatever its cost")
    gain: float = Field(description="of ensembles over best single models, on rows neither saw")
    standard_error: float
    kept: bool = Field(
        description="more than one member, the gain exceeds its error, and the best is beaten too"
    )
    sentence: str


def judge(
    library: Library, *, loss: Metric, most: int, latency: float | None = None, rounds: int = 50
) -> Judgement:
    """The ensemble of all folds, and what such ensembles gain on rows that did not choose them.

    For each fold, ensemble and best single model are chosen on the other folds and compared on
    it; a single fold is cut into two, every other row and the rest. The gain is the mean over
    folds; its error is that of the paired difference's influences (see `metrics.protocol`), the
    mean of row losses or its like, summed within groups; nan, so that nothing is kept, for fewer
    than 5 groups. Raises as `select` does, and for a metric that is undefined on a fold.
    """
    caps = Caps(most, latency, rounds)
    parts = library if len(library.targets) > 1 else library.halved()
    search = Search(library, make_averages(library, loss), loss, caps)
    averages = search.averages if parts is library else make_averages(parts, loss)
    crossing = Search(parts, averages, loss, caps)
    gain, error = _crossed(crossing)
    weights = search.weights()
    over_best = _over(crossing, search.best())
    kept = gain > error and over_best > 0 and len(weights.weights) > 1
    return Judgement(
        weights=weights,
        best=search.best(),
        gain=gain,
        standard_error=error,
        kept=kept,
        sentence=f"averages of up to {most} models gain {gain:.2g} in {loss.label} over single "
        f"ones, both chosen on other rows, with a standard error of {error:.2g}, and "
        f"{over_best:.2g} over {search.best()}, the best of all: "
        f"{'the ensemble is kept' if kept else 'the ensemble is dropped'}",
    )


def _crossed(search: Search) -> tuple[float, float]:
    """Gain and standard error over folds that neither side was chosen on."""
    gains, changes, folds = [], [], len(search.averages)
    for fold in range(folds):
        others = search.without(fold)
        gain, change = _contest(search, fold, others.weights(), others.best())
        gains.append(gain)
        changes.append(change / (len(change) * folds))
    return float(np.mean(gains)), _error(np.concatenate(changes), search.library.groups)


def _over(search: Search, best: str) -> float:
    """The mean gain of the same ensembles over one model, chosen on whatever rows."""
    folds = range(len(search.averages))
    return float(
        np.mean([_contest(search, f, search.without(f).weights(), best)[0] for f in folds])
    )


def _contest(search: Search, fold: int, weights: Weights, best: str) -> tuple[float, Floats]:
    """The gain on one fold, and the difference of influences, shape (rows,)."""
    predictions = dict(zip(search.library.names, search.library.predictions[fold], strict=True))
    target = search.library.targets[fold]
    new = assess(search.metric, target, weights.average(predictions))
    old = assess(search.metric, target, predictions[best])
    return search.metric.gain(new.value, old.value), new.influence - old.influence


def _error(shares: Floats, groups: tuple[NDArray[np.int64], ...] | None) -> float:
    """Of the sum of shares, clustered; nan for too few clusters."""
    code = np.arange(len(shares)) if groups is None else np.concatenate(groups)
    clusters = Clusters.of(code.astype(np.int64))
    if clusters.count < MIN_GROUPS:
        return float("nan")
    sums = clusters.sums(shares)
    return float(np.sqrt(clusters.count / (clusters.count - 1) * (sums @ sums)))
