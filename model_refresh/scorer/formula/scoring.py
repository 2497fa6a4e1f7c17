"""A formula at work: one row in, its scores out."""

from collections.abc import Callable
from math import log
from typing import TYPE_CHECKING

from model_refresh.scorer.formula.columns import Columns, columns_of, left_out, owners
from model_refresh.scorer.formula.ready import Ready
from model_refresh.scorer.formula.values import Row, place_of

if TYPE_CHECKING:
    from model_refresh.scorer.formula.formula import Formula

_BASE = "base"
_LEAST_CHANCE = 1e-15


class Scoring:
    """A formula made ready; several threads may use it at once."""

    def __init__(self, formula: "Formula") -> None:
        self.formula = formula
        self._columns = [columns_of(encoding) for encoding in formula.encodings]
        self._owners = [owners(encoding) for encoding in formula.encodings]
        self._forms = [each.form.ready() for each in formula.members]
        self._raw = _raw(formula, self._columns, self._forms)
        self._learned = [
            (each.name, place_of(each.name, each.type, known, missing=1.0, other=0.0))
            for each in formula.inputs
            if each.used and each.categories is not None
            for known in [dict.fromkeys(each.categories, 1.0)]
        ]

    def score(self, row: Row) -> tuple[float, ...]:
        """One value, the probability of class 1 or the expected value; or one a class.

        Raises RefusedValue where a value is missing from the row, of another type, or infinite.
        """
        raw = self._raw(row)
        calibrator = self.formula.calibrator
        return raw if calibrator is None else (calibrator.apply(raw[0]),)

    def unknown(self, row: Row) -> list[str]:
        """The inputs whose category was not learned from; a null is none of these."""
        try:
            return [name for name, learned in self._learned if not learned(row[name])]
        except KeyError as error:
            raise left_out(error) from None

    def reasons(self, row: Row) -> dict[str, float]:
        """What each feature adds to the score before the calibrator, and last the base.

        On the link scale: log odds of class 1, or the value itself; the sum is the score there. The
        base is named `base`, with underscores where a feature has that name. Raises RefusedValue as
        `score` does, ReasonsUnavailable where it can't be told.
        """
        told = [self._told(row, place) for place in range(len(self.formula.members))]
        if len(told) == 1:
            added, base = told[0]
        else:
            added = self._mixed([each for each, _ in told])
            base = self._on_link_scale(row) - sum(added.values())
        return {**added, _free(_BASE, added): base}

    def _told(self, row: Row, place: int) -> tuple[dict[str, float], float]:
        """What one member tells, by feature, and its base."""
        member = self.formula.members[place]
        *told, base = self._forms[place].reasons(self._columns[member.encoding](row))
        added: dict[str, float] = {}
        for name, value in zip(self._owners[member.encoding], told, strict=True):
            added[name] = added.get(name, 0.0) + value
        return added, base

    def _mixed(self, told: list[dict[str, float]]) -> dict[str, float]:
        """The weighted mean of what members tell; a feature that one lacks adds 0 there."""
        added: dict[str, float] = {}
        for member, each in zip(self.formula.members, told, strict=True):
            for name, value in each.items():
                added[name] = added.get(name, 0.0) + member.weight * value
        return added

    def _on_link_scale(self, row: Row) -> float:
        (raw,) = self._raw(row)
        if self.formula.task == "regression":
            return raw
        chance = min(max(raw, _LEAST_CHANCE), 1 - _LEAST_CHANCE)
        return log(chance / (1 - chance))


def _raw(
    formula: "Formula", columns: list[Columns], forms: list[Ready]
) -> Callable[[Row], tuple[float, ...]]:
    """What gives a row's scores before the calibrator."""
    parts = [
        (member.weight, member.encoding, form.scores)
        for member, form in zip(formula.members, forms, strict=True)
    ]
    if len(parts) == 1:
        (_, place, alone), *_ = parts
        own = columns[place]
        return lambda row: alone(own(row))

    def mixed(row: Row) -> tuple[float, ...]:
        encoded = [each(row) for each in columns]
        (first, place, form), *others = parts
        total = [first * score for score in form(encoded[place])]
        for weight, place, form in others:
            scores = form(encoded[place])
            total = [before + weight * score for before, score in zip(total, scores, strict=True)]
        return tuple(total)

    return mixed


def _free(name: str, taken: dict[str, float]) -> str:
    while name in taken:
        name += "_"
    return name
