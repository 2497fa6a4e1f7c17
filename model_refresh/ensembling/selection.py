"""Greedy selection with replacement."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.ensembling.averages import Averages, make_averages
from model_refresh.ensembling.library import Library
from model_refresh.errors import FitError
from model_refresh.metrics import Metric
from model_refresh.metrics.protocol import Floats
from model_refresh.records import Record

_SAME = 1e-12
"""Losses that differ by less, relative to the least, are a tie."""


class Weights(Record):
    """Who is averaged, with weights that sum to 1, and the loss on the rows that chose them."""

    weights: dict[str, float] = Field(description="model -> weight above 0, in library order")
    loss: float = Field(
        description="minus the metric's gain over a value of 0, the mean over folds; lower is "
        "better, and the metric itself where it is a loss"
    )

    def average(self, predictions: Mapping[str, Floats]) -> Floats:
        """The weighted mean of the members' predictions, all of one shape; never beyond them."""
        members = [predictions[name] for name in self.weights]
        shares = self.weights.values()
        total = np.zeros_like(members[0])
        for share, member in zip(shares, members, strict=True):
            total += share * member
        return np.clip(total, np.minimum.reduce(members), np.maximum.reduce(members))


def select(
    library: Library, *, loss: Metric, most: int, latency: float | None = None, rounds: int = 50
) -> Weights:
    """Add, `rounds` times, the model whose addition to the average helps most; the best prefix.

    The first is the best single model, and a model may be added again, which is how it gets its
    weight. At most `most` different ones, whose costs sum to at most `latency` (None: no cap). A
    loss is the mean over folds of the metric; ties go to the model that is listed first. Log loss,
    RMSE and Brier score take seconds for 100 models on 100,000 rows; others are evaluated model
    by model, which takes minutes for ranks. Raises FitError where no model fits within the
    latency, where the metric is undefined for all that do, and where it can't look at a model's
    predictions.
    """
    averages = make_averages(library, loss)
    return Search(library, averages, loss, Caps(most, latency, rounds)).weights()


@dataclass(frozen=True)
class Caps:
    """What a selection keeps to; see `select`."""

    most: int
    latency: float | None
    rounds: int


@dataclass(frozen=True)
class Search:
    """A selection from a library; `averages` are its folds, made ready for the metric."""

    library: Library
    averages: Sequence[Averages]
    metric: Metric
    caps: Caps

    def without(self, fold: int) -> "Search":
        """The same on all other folds."""
        others = [each for each in range(len(self.averages)) if each != fold]
        averages = [self.averages[each] for each in others]
        return replace(self, library=self.library.only(others), averages=averages)

    def best(self) -> str:
        """The best single model, with no caps."""
        return self.library.names[_first_least(self._losses(self._nobody))]

    def weights(self) -> Weights:
        """The best of the averages that were met; see `select`."""
        counts, path = self._nobody, []
        for _ in range(max(1, self.caps.rounds)):
            losses = np.where(self._allowed(counts), self._losses(counts), np.inf)
            chosen = _first_least(losses)
            if not np.isfinite(losses[chosen]):
                raise FitError(self._nothing)
            counts = counts + (np.arange(len(counts)) == chosen)
            path.append((losses[chosen], counts))
        least = _first_least(np.array([reached for reached, _ in path]))
        reached, counts = path[least]
        shares = dict(zip(self.library.names, (counts / counts.sum()).tolist(), strict=True))
        return Weights(weights={n: s for n, s in shares.items() if s > 0.0}, loss=float(reached))

    @property
    def _nobody(self) -> Floats:
        return np.zeros(len(self.library.names))

    @property
    def _nothing(self) -> str:
        return (
            f"no model can be chosen: of {len(self.library.names)}, none scores a row within "
            f"{self.caps.latency} and has a {self.metric.label} on the validation rows"
        )

    def _losses(self, counts: Floats) -> Floats:
        """Of the average with one more of each model, shape (models,); inf where undefined."""
        losses = np.mean([fold.added(counts) for fold in self.averages], axis=0)
        return np.where(np.isnan(losses), np.inf, losses)

    def _allowed(self, counts: Floats) -> NDArray[np.bool_]:
        inside = counts > 0.0
        if inside.sum() >= self.caps.most and inside.any():
            return inside
        if self.library.cost is None or self.caps.latency is None:
            return np.ones_like(inside)
        taken = float(self.library.cost[inside].sum())
        return np.asarray(inside | (taken + self.library.cost <= self.caps.latency))


def _first_least(losses: Floats) -> int:
    least = float(losses.min())
    return int(np.argmax(losses <= least + _SAME * abs(least)))
