"""How a row's values become the columns that a form reads: a record a way, as the encoder's.

A missing value is NaN in a column. Nothing depends on other rows.
"""

from math import nan
from typing import Literal

from msgspec import Struct

from model_refresh.scorer.formula.moments import Part, ReadParts, parts_of
from model_refresh.scorer.formula.values import Read, blank_of, place_of

NumberType = Literal["boolean", "integer", "number"]
CategoryType = Literal["boolean", "integer", "number", "text"]


class Number(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="number"):
    """A number as it is, a boolean as 0 or 1; null and NaN are missing."""

    name: str
    type: NumberType

    def reads(self) -> list[Read | None]:
        """None: the value is the column."""
        return [None]


class Indicator(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="indicator"):
    """1 where a number is missing, else 0."""

    name: str
    type: NumberType

    def reads(self) -> list[Read | None]:
        """Whether it is missing."""
        return [blank_of(self.name)]


class Moment(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="moment"):
    """Parts of a date or timestamp, in UTC: one column a part."""

    name: str
    type: Literal["date", "timestamp"]
    parts: tuple[Part, ...]

    def reads_parts(self) -> ReadParts:
        """All of them at once."""
        return parts_of(self.name, self.parts)


class Category(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="category"):
    """A code: `values[i]` has code i + 1, any other value 0; null is missing.

    Numbers are compared by value: 7 and 7.0 are the same category.
    """

    name: str
    type: CategoryType
    values: tuple[str, ...]

    def reads(self) -> list[Read | None]:
        """The code."""
        codes = {text: float(place) for place, text in enumerate(self.values, start=1)}
        return [place_of(self.name, self.type, codes, missing=nan, other=0.0)]


class Target(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="target"):
    """The mean label of a category's training rows: one column, or one a class.

    `means` has a tuple a column, of each of `values`; `missing` is null's, `prior` any other's.
    """

    name: str
    type: CategoryType
    values: tuple[str, ...]
    means: tuple[tuple[float, ...], ...]
    missing: tuple[float, ...]
    prior: tuple[float, ...]

    def reads(self) -> list[Read | None]:
        """One a column of means."""
        return [
            place_of(
                self.name,
                self.type,
                dict(zip(self.values, means, strict=True)),
                missing=missing,
                other=prior,
            )
            for means, missing, prior in zip(self.means, self.missing, self.prior, strict=True)
        ]


Feature = Number | Indicator | Moment | Category | Target
