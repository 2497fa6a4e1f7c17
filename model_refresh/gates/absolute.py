"""A floor or a ceiling that does not depend on anybody else."""

from typing import Literal, Self

from pydantic import Field, model_validator

from model_refresh.gates import sentences
from model_refresh.gates.condition import Condition, Ruling
from model_refresh.metrics import metric
from model_refresh.records import Comparison, GateResult, Task


class Absolute(Condition):
    """The challenger's value itself is at least, or at most, a number.

    Choose it for what must hold whoever the incumbent is: a usable ROC AUC, a slope that is not
    absurd. It looks at the value, not at a bound: leave room for chance.
    """

    gate: Literal["absolute"] = Field("absolute", description="a floor or a ceiling")
    metric: str = Field(description="which metric")
    at_least: float | None = Field(None, allow_inf_nan=False, description="the floor")
    at_most: float | None = Field(None, allow_inf_nan=False, description="the ceiling")

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            given = "neither" if self.at_least is None else "both"
            raise ValueError(f"give at_least or at_most, met {given} (two limits are two gates)")
        return self

    def judge(self, comparison: Comparison) -> GateResult:
        """Hold the challenger's value against the limit."""
        ruling = Ruling(self.gate, self.severity, self.metric, comparison)
        if (answer := ruling.unjudgeable()) is not None:
            return answer
        value = comparison.metrics[self.metric].challenger
        if self.at_least is not None:
            limit, holds, words = self.at_least, value >= self.at_least, ("at least", "below")
        else:
            limit = self.at_most if self.at_most is not None else value
            holds, words = value <= limit, ("at most", "above")
        decimals = max(3, sentences.figures(value - limit, limit))
        told = (
            f"{metric(self.metric).label} {sentences.number(value, decimals)}, "
            f"{words[0] if holds else words[1]} the required {limit:g}"
        )
        return ruling.answered("passed" if holds else "failed", told, value=value, threshold=limit)

    def reads(self, task: Task, primary: str) -> tuple[str, ...]:
        """The metric that is named."""
        return (self.metric,)
