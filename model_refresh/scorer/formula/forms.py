"""What a fitted model is as tables: a record a form, `Form` is their union.

A form reads the columns of a row, as its encoding makes them, and gives scores: one number, or one
a class. It also tells what each column adds, on the link scale. `ready` makes what does both.
"""

from collections.abc import Sequence
from math import isnan, log

from msgspec import Struct

from model_refresh.scorer.formula.linear import LinearForm
from model_refresh.scorer.formula.ready import Ready, Reasons, Scores, no_reasons
from model_refresh.scorer.formula.tree_sums import TreesForm


class ConstantForm(Struct, frozen=True, forbid_unknown_fields=True, tag="constant"):
    """The same scores for every row; `base` is the one on the link scale, None of several."""

    values: tuple[float, ...]
    base: float | None = None

    def ready(self) -> Ready:
        """The scores, and the base as their only reason."""
        scores, base = self.values, self.base
        if base is None:
            return Ready(lambda _: scores, no_reasons)
        return Ready(lambda _: scores, lambda values: [0.0] * len(values) + [base])


class NaiveForm(Struct, frozen=True, forbid_unknown_fields=True, tag="naive"):
    """One column, carried forward.

    Without `shares` its value is the score, `mean` where it is missing. With them, the score is the
    share that stands beside the value; `blank` where it is missing, `mean` for any other value.
    """

    column: int
    mean: float
    shares: tuple[tuple[float, float], ...] | None = None
    blank: float = 0.0

    def ready(self) -> Ready:
        """What gives a row's scores; their reason is what the column moves from the mean."""
        return Ready(self._scores(), self._reasons(self._scores()))

    def _scores(self) -> Scores:
        column, mean, straight = self.column, self.mean, self.shares is None
        blank, found = mean if straight else self.blank, dict(self.shares or ())

        def carried(values: Sequence[float]) -> tuple[float, ...]:
            value = values[column]
            if isnan(value):
                return (blank,)
            return (value if straight else found.get(value, mean),)

        return carried

    def _reasons(self, scores: Scores) -> Reasons:
        base = self._form(self.mean)

        def reasons(values: Sequence[float]) -> list[float]:
            told = [0.0] * len(values)
            told[self.column] = self._form(scores(values)[0]) - base
            return [*told, base]

        return reasons

    def _form(self, score: float) -> float:
        return score if self.shares is None else log(score / (1 - score))


Form = ConstantForm | NaiveForm | LinearForm | TreesForm
