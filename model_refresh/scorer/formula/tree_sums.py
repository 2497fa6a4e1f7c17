"""The form of tree models: sums of trees, one a class where there are several."""

from collections.abc import Callable, Sequence
from math import log

from msgspec import Struct

from model_refresh.scorer.formula.links import Level, Link
from model_refresh.scorer.formula.ready import Ready, Reasons, Scores, no_reasons
from model_refresh.scorer.formula.trees import Trees
from model_refresh.scorer.kernel.compiled import compiled

Total = Callable[[Sequence[float]], float]
"""A row's columns -> a sum of trees."""

_STILL = 1e-9
"""A chance that moved by less has the log odds' slope at the base."""


class TreeSum(Struct, frozen=True, forbid_unknown_fields=True):
    """`start` and the sum of the trees' values, divided by `divided_by`: 1, or how many trees."""

    trees: Trees
    start: float = 0.0
    divided_by: int = 1

    def ready(self) -> tuple[Total, Reasons]:
        """What gives a row's total, and what each column adds to it: last the base.

        By the compiled kernel where there is one. The base is the mean over training rows, the
        others are Shapley values around it.
        """
        kernel, start, parts = compiled(self.trees), self.start, self.divided_by
        total = self.trees.total if kernel is None else kernel.total_row
        shapley = self.trees.shapley if kernel is None else kernel.shapley_row

        def reasons(values: Sequence[float]) -> list[float]:
            *added, base = [each / parts for each in shapley(values)]
            return [*added, base + start]

        if start == 0.0 and parts == 1:
            return total, reasons
        return (lambda values: start + total(values) / parts), reasons


class TreesForm(Struct, frozen=True, forbid_unknown_fields=True, tag="trees"):
    """One sum of trees; of a multiclass task one a class that was met, as its link says."""

    sums: tuple[TreeSum, ...]
    link: Link

    def ready(self) -> Ready:
        """What gives a row's scores, and their reasons."""
        made, link = [each.ready() for each in self.sums], self.link.scores
        if len(made) > 1:
            totals = [total for total, _ in made]
            return Ready(lambda values: link([total(values) for total in totals]), no_reasons)
        ((alone, reasons),) = made

        def scores(values: Sequence[float]) -> tuple[float, ...]:
            return link((alone(values),))

        return Ready(scores, self._linked(reasons, scores))

    def _linked(self, reasons: Reasons, scores: Scores) -> Reasons:
        """Reasons on the link scale: of a chance they are stretched to its log odds."""
        if not isinstance(self.link, Level):
            return reasons
        least = self.link.least
        return lambda values: _as_log_odds(reasons(values), scores(values)[0], least)


def _as_log_odds(told: list[float], chance: float, least: float) -> list[float]:
    """What columns add to a chance, stretched alike to what they are of its log odds."""
    *added, base = told
    base = min(max(base, least), 1 - least)
    start = log(base / (1 - base))
    moved = sum(added)
    if abs(moved) < _STILL:
        stretch = 1 / (base * (1 - base))
    else:
        stretch = (log(chance / (1 - chance)) - start) / moved
    return [*(each * stretch for each in added), start]
