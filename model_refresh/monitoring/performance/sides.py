"""Who is graded on the rows of a batch, and what they are graded by."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model_refresh.config.model import Model
from model_refresh.gates import Margin, NonInferior
from model_refresh.metrics import Holdout, Metric, Predicted
from model_refresh.monitoring.performance.looks import spent

Role = Literal["champion", "challenger", "former", "constant"]


@dataclass(frozen=True)
class Side:
    """One version's predictions of some of the rows.

    `rows` are their places among the champion's, None: all. Some may be missing where its SQL is
    another.
    """

    role: Role
    version: str | None
    predicted: Predicted
    rows: NDArray[np.intp] | None = None

    def ground(self, holdout: Holdout) -> Holdout:
        """The rows that it has predictions of."""
        return holdout if self.rows is None else holdout.taken(self.rows)

    def beside(self, other: Predicted) -> Predicted:
        """Another's predictions of all rows, of these rows only."""
        if self.rows is None:
            return other
        return Predicted(other.values[self.rows], other.known_at)


@dataclass(frozen=True)
class Terms:
    """How a batch is graded: the metrics, and what each bound may get wrong.

    `metric` decides between versions, `loss` is what skill is made of; `shown` is the confidence
    of intervals that are told, `allowed` the error of all checks of this look together.
    """

    metric: Metric
    loss: Metric
    others: Sequence[Metric] = ()
    margin: Margin = field(default_factory=lambda: Margin.of(0.0))
    tolerance: float = 0.25
    shown: float = 0.95
    allowed: float = 0.025

    @property
    def metrics(self) -> list[Metric]:
        """Every metric, once."""
        every = {each.name: each for each in (self.metric, self.loss, *self.others)}
        return list(every.values())


def terms_of(model: Model, *, look: int) -> Terms:
    """What a model declares of grading, at so many looks at the champion."""
    primary, watched = model.primary_metric, model.spec.monitoring
    gates = [gate for gate in model.spec.gates if isinstance(gate, NonInferior)]
    margins = [gate.margin for gate in gates if (gate.metric or primary) == primary]
    return Terms(
        metric=model.metric(primary),
        loss=model.metric(model.tuning_loss),
        others=[model.metric(name) for name in model.metric_names],
        margin=margins[0] if margins else Margin.of(0.0),
        tolerance=watched.tolerance,
        shown=model.spec.comparison.confidence,
        allowed=spent(watched.confidence, look),
    )
