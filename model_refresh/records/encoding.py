"""How columns become numbers: what can be declared of it, and what a recipe keeps."""

from typing import Literal, Self

from pydantic import Field, model_validator

from model_refresh.records.base import Record

DatePart = Literal["day", "weekday", "minute", "hour", "month", "day_of_month", "day_of_year"]
TODAYS_PARTS: tuple[DatePart, ...] = ("day", "weekday", "minute")


class Encoding(Record):
    """How columns become numbers. The defaults are codes and nothing else.

    Target statistics are the mean label of a category's earlier rows. Choose them for algorithms
    without native categories, and for columns of many categories; they cost the rows of the oldest
    frames, of which nothing was known yet.
    """

    categories: Literal["codes", "target", "both"] = Field(
        "codes",
        description="what a text or categorical column becomes: a code, the mean label of its "
        "category (target statistics), or both",
    )
    high_cardinality: Literal["codes", "both"] = Field(
        "codes",
        description="what a column with more frequent categories than the 254 that have a code "
        "becomes, where `categories` is codes: `both` adds target statistics",
    )
    smoothing: float | None = Field(
        None,
        gt=0,
        le=1e6,
        description="how many rows of the overall mean a category's mean is blended with; null: "
        "as many as the labels tell, by how much categories differ",
    )
    indicators: bool = Field(
        False,
        description="whether a number that is missing on some training rows gets a second column "
        "that says so",
    )
    date_parts: tuple[DatePart, ...] = Field(
        TODAYS_PARTS,
        description="what becomes of a date or timestamp, in UTC; minute (of the day) and hour "
        "of timestamps only",
    )
    drop_constant: bool = Field(
        False, description="whether columns with one value on all training rows are left out"
    )
    drop_duplicate: bool = Field(
        False, description="whether columns that equal an earlier one on all training rows are"
    )

    @model_validator(mode="after")
    def _parts_once(self) -> Self:
        for part in self.date_parts:
            if self.date_parts.count(part) > 1:
                raise ValueError(f"date_parts names {part} more than once: name it once")
        return self

    @property
    def needs_labels(self) -> bool:
        """Whether fitting and the training matrix may need labels and the times they were known."""
        return self.categories != "codes" or self.high_cardinality == "both"
