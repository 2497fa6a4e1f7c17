"""What a stored encoder is made of: one record for each way in which a column becomes numbers."""

from typing import Annotated, Literal

from pydantic import Field

from model_refresh.records import Record
from model_refresh.records.encoding import TODAYS_PARTS, DatePart

CategoryType = Literal["boolean", "integer", "number", "text"]


class NumberFeature(Record):
    """A number as it is; a boolean as 0 or 1. Null and NaN are missing."""

    kind: Literal["number"] = "number"
    name: str
    type: Literal["boolean", "integer", "number"]


class IndicatorFeature(Record):
    """1 where a number is missing, else 0: `NAME:missing`."""

    kind: Literal["indicator"] = "indicator"
    name: str
    type: Literal["boolean", "integer", "number"]


class MomentFeature(Record):
    """A date or timestamp, in UTC: days since 1970, weekday, and of a timestamp minute of the day.

    The days carry age and trend, the others the calendar; Monday is 1. `parts` says which of them
    there are; minute and hour are of timestamps only.
    """

    kind: Literal["moment"] = "moment"
    name: str
    type: Literal["date", "timestamp"]
    parts: tuple[DatePart, ...] = Field(TODAYS_PARTS, exclude_if=lambda x: x == TODAYS_PARTS)


class CategoryFeature(Record):
    """A category: `values[i]` has code i + 1, any other value code 0; null is missing.

    Numbers are compared by value: 7 and 7.0 are the same category.
    """

    kind: Literal["category"] = "category"
    name: str
    type: CategoryType
    values: tuple[str, ...] = Field(description="most frequent first, then in order of text")


class TargetFeature(Record):
    """A category as the mean label of its training rows: `NAME:target`, or one column a class.

    Of a multiclass label the columns are `NAME:target:0`, `NAME:target:1`...: each class's share.
    Null is a category like any other. Every mean is blended with the overall one, and a value
    that is not in `values` has the overall one.
    """

    kind: Literal["target"] = "target"
    name: str
    type: CategoryType
    values: tuple[str, ...] = Field(description="most frequent first, then in order of text")
    means: tuple[tuple[float, ...], ...] = Field(description="one tuple a column: of each value")
    missing: tuple[float, ...] = Field(description="of null; one number a column")
    prior: tuple[float, ...] = Field(description="the overall mean; one number a column")
    smoothing: float | None = Field(description="as declared; None: as the labels tell")


Feature = Annotated[
    NumberFeature | IndicatorFeature | MomentFeature | CategoryFeature | TargetFeature,
    Field(discriminator="kind"),
]


class Dropped(Record):
    """A column that was left out, and why; `of` is the column that a duplicate equals."""

    name: str
    reason: Literal["constant", "duplicate"]
    of: str | None = None
