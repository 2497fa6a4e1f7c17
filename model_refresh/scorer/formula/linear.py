"""The form of linear models: sums of terms, one a column; numbers may bend.

Restricted cubic splines: Harrell, "Regression Modeling Strategies", section 2.4.5.
"""

from collections.abc import Callable, Sequence
from math import isnan

from msgspec import Struct

from model_refresh.scorer.formula.links import Link
from model_refresh.scorer.formula.ready import Ready, Reasons, no_reasons

Share = Callable[[Sequence[float]], float]
"""A row's columns -> what some of them add."""


class Curve(Struct, frozen=True, forbid_unknown_fields=True):
    """The curved part of a number's term: a restricted cubic spline through `knots`, which rise.

    `centres`, `scales` and `weights` have one value a column of its basis, two fewer than knots.
    """

    knots: tuple[float, ...]
    centres: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]

    def ready(self) -> Callable[[float, float], float]:
        """What adds the basis at a standardised value, column by column, to a total."""
        first, before, last = self.knots[0], self.knots[-2], self.knots[-1]
        width, unit = last - before, (last - first) ** 2
        knots = self.knots[:-2]
        parts = [((last - knot) / width, (before - knot) / width) for knot in knots]
        columns = zip(knots, parts, self.centres, self.scales, self.weights, strict=True)
        fixed = [(knot, *shares, *rest) for knot, shares, *rest in columns]

        def added(value: float, total: float) -> float:
            late, latest = _cubed(value - before), _cubed(value - last)
            for knot, lately, latestly, centre, scale, weight in fixed:
                bent = _cubed(value - knot) - late * lately + latest * latestly
                total += weight * ((bent / unit - centre) / scale)
            return total

        return added


class NumberTerm(Struct, frozen=True, forbid_unknown_fields=True):
    """What a numeric column adds: `weight` a scale from the centre, or `missing` where it is NaN.

    Further than `furthest` scales from the centre counts as that. `mean` is what the term added on
    average to the rows that it was learned from.
    """

    column: int
    centre: float
    scale: float
    weight: float
    missing: float
    furthest: float
    mean: float
    curve: Curve | None = None

    def ready(self) -> Share:
        """What the column adds to a row."""
        column, centre, scale, most = self.column, self.centre, self.scale, self.furthest
        weight, missing, least = self.weight, self.missing, -self.furthest
        curved = None if self.curve is None else self.curve.ready()

        def share(values: Sequence[float]) -> float:
            value = values[column]
            if isnan(value):
                return missing
            standard = (value - centre) / scale
            if standard > most:
                standard = most
            elif standard < least:
                standard = least
            straight = weight * standard
            return straight if curved is None else curved(standard, straight)

        return share


class CategoryTerm(Struct, frozen=True, forbid_unknown_fields=True):
    """What a categorical column adds: a weight a code, the last where it is missing."""

    column: int
    weights: tuple[float, ...]
    mean: float

    def ready(self) -> Share:
        """What the column adds to a row."""
        column, weights = self.column, self.weights

        def share(values: Sequence[float]) -> float:
            code = values[column]
            return weights[-1 if isnan(code) else int(code)]

        return share


class Sum(Struct, frozen=True, forbid_unknown_fields=True):
    """An intercept and one term a column of the encoding."""

    intercept: float
    numbers: tuple[NumberTerm, ...]
    categories: tuple[CategoryTerm, ...]

    def ready(self) -> tuple[Share, Reasons]:
        """What gives a row's total, and what each column adds to it."""
        terms: list[NumberTerm | CategoryTerm] = [*self.numbers, *self.categories]
        shares, intercept = [term.ready() for term in terms], self.intercept
        told_of = [
            (term.column, term.mean, share) for term, share in zip(terms, shares, strict=True)
        ]
        base = intercept + sum(term.mean for term in terms)

        def total(values: Sequence[float]) -> float:
            added = intercept
            for share in shares:
                added += share(values)
            return added

        def reasons(values: Sequence[float]) -> list[float]:
            told = [0.0] * len(values)
            for column, mean, share in told_of:
                told[column] = share(values) - mean
            return [*told, base]

        return total, reasons


class LinearForm(Struct, frozen=True, forbid_unknown_fields=True, tag="linear"):
    """One sum of terms; of a multiclass task one a class that was met, as its link says."""

    sums: tuple[Sum, ...]
    link: Link

    def ready(self) -> Ready:
        """What gives a row's scores, and their reasons."""
        made, link = [each.ready() for each in self.sums], self.link.scores
        totals = [total for total, _ in made]
        return Ready(
            scores=lambda values: link([total(values) for total in totals]),
            reasons=made[0][1] if len(made) == 1 else no_reasons,
        )


def _cubed(beyond: float) -> float:
    """The third power where it is positive, else 0."""
    return beyond * beyond * beyond if beyond > 0.0 else 0.0
