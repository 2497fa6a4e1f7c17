"""The loss by which boosting stops: what is left of it once the level has been put right.

The level (a base rate, a mean) moves from one period to the next. By the plain loss, rows of a
lower level stop a fit after a few rounds, because trees that know nothing yet are nearest to it.
Whether the trees tell rows apart is seen after the best shift of all of them.
"""

import numpy as np
from numpy.typing import NDArray

from model_refresh.records import Task

_STEPS = 4
_LEAST = 1e-15
_FURTHEST = 5.0
"""No shift is larger, in log odds: rows of one class would ask for an infinite one."""

Floats = NDArray[np.float64]


def levelled_loss(task: Task, target: Floats, predicted: Floats) -> float:
    """Log loss after the best shift of all log odds, or RMSE after that of all values.

    Shapes (rows,). The shift is found by Newton's method. A multiclass task has no such loss.
    """
    if task == "regression":
        return float(np.std(target - predicted))
    chance = np.clip(predicted, _LEAST, 1 - _LEAST)
    form = np.log(chance / (1 - chance))
    shift = 0.0
    for _ in range(_STEPS):
        moved = 1 / (1 + np.exp(-(form + shift)))
        slope = float(np.mean(moved * (1 - moved)))
        shift += float(np.mean(target - moved)) / max(slope, _LEAST)
        shift = float(np.clip(shift, -_FURTHEST, _FURTHEST))
    form += shift
    return float(np.mean(np.logaddexp(0.0, form) - target * form))
