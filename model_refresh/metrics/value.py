"""What decisions are worth under a matrix of costs."""

from dataclasses import dataclass

import numpy as np

from model_refresh.metrics.protocol import Assessed, Floats, Metric, mean, undefined

Costs = tuple[tuple[float, ...], ...]


@dataclass(frozen=True)
class Value(Metric):
    """Minus the mean cost of a row, in the unit of the costs, each row decided at least cost.

    `cost_matrix[i][j]` is the cost of deciding j where i happened, classes in their order (a
    binary task: 0, then 1); gains are negative costs. The decision is the column of the least
    expected cost under the predicted probabilities, the first where they tie (Elkan 2001). Choose
    it where costs are known: it asks for right probabilities just where they change a decision.
    Undefined without a matrix or with one of other classes; raises ValueError where the matrix is
    not square, smaller than 2 by 2 or not finite.
    """

    name = "value"
    label = "value"
    tasks = ("binary", "multiclass")
    direction = "maximise"
    cost_matrix: Costs | None = None

    def __post_init__(self) -> None:
        if self.cost_matrix is None:
            return
        sizes = [len(row) for row in self.cost_matrix]
        if len(sizes) < 2 or set(sizes) != {len(sizes)}:
            raise ValueError(
                f"a cost matrix of {len(sizes)} rows with {sizes} costs: give as many rows as "
                "columns, one for each of 2 or more classes"
            )
        if not np.isfinite(np.array(self.cost_matrix, dtype=np.float64)).all():
            raise ValueError(f"a cost matrix with a cost that is not finite: {self.cost_matrix}")

    def assess(self, target: Floats, prediction: Floats) -> Assessed:
        """Minus the mean cost of what was decided."""
        probability = prediction
        if prediction.ndim == 1:
            probability = np.column_stack([1.0 - prediction, prediction])
        if self.cost_matrix is None or len(self.cost_matrix) != probability.shape[1]:
            return undefined(len(target))
        costs = np.array(self.cost_matrix, dtype=np.float64)
        decided = np.argmin(probability @ costs, axis=1)
        return mean(-costs[target.astype(np.intp), decided])
