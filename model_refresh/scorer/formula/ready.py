"""A form at work: what scores a row's columns, and what tells the reasons."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from model_refresh.scorer.formula.errors import ReasonsUnavailable

Scores = Callable[[Sequence[float]], tuple[float, ...]]
"""A row's columns -> its scores: one, or one a class."""

Reasons = Callable[[Sequence[float]], list[float]]
"""A row's columns -> what each adds on the link scale, and last the base."""


class Ready(NamedTuple):
    """What a form makes of itself once, to be asked row by row by any thread."""

    scores: Scores
    reasons: Reasons


def no_reasons(values: Sequence[float]) -> list[float]:
    """Raises ReasonsUnavailable: no one number tells of several classes."""
    del values
    raise ReasonsUnavailable("a multiclass model has no reasons")
