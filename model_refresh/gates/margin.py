"""How much worse is still as good: an amount in the metric's unit, or a percentage."""

import math
from typing import Self

from pydantic import Field, model_serializer, model_validator

from model_refresh.records import Record


class Margin(Record):
    """An amount in the metric's unit, or a percentage of the constant's holdout loss.

    Declared, and written, as `0.002` or `1%`.
    """

    number: float = Field(
        ge=0.0, allow_inf_nan=False, description="the amount, or how many percent"
    )
    is_percent: bool = Field(False, description="of the constant's holdout loss")

    @classmethod
    def of(cls, declared: str | float) -> Self:
        """The margin as one declares it: `Margin.of("1%")`, `Margin.of(0.002)`."""
        return cls.model_validate(declared)

    def amount(self, constant_loss: float | None) -> float:
        """The margin in the metric's unit; nan for a percentage where there is no such loss."""
        if not self.is_percent:
            return self.number
        return math.nan if constant_loss is None else self.number / 100.0 * constant_loss

    @model_validator(mode="before")
    @classmethod
    def _parsed(cls, declared: object) -> object:
        if isinstance(declared, bool) or not isinstance(declared, str | int | float):
            return declared
        text = str(declared).strip()
        try:
            return {"number": float(text.removesuffix("%")), "is_percent": text.endswith("%")}
        except ValueError:
            raise ValueError(
                f"{declared!r} is no margin: give an amount such as 0.002, or a percentage of "
                "the constant's loss such as 1%"
            ) from None

    @model_validator(mode="after")
    def _at_most_all(self) -> Self:
        if self.is_percent and self.number > 100.0:
            raise ValueError(f"{self} is more than the constant's whole loss: give at most 100%")
        return self

    @model_serializer
    def _written(self) -> str | float:
        return str(self) if self.is_percent else self.number

    def __str__(self) -> str:
        exact = repr(self.number).removesuffix(".0")
        return f"{exact}%" if self.is_percent else exact
