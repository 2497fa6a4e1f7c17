"""Decisions taken by the challenger's scores are worth their cost."""

from typing import Literal

from pydantic import Field

from model_refresh.gates import sentences
from model_refresh.gates.condition import Condition, Duel, Ruling
from model_refresh.gates.margin import Margin
from model_refresh.metrics import metric
from model_refresh.records import Comparison, GateResult, Task

_METRIC = "value"


class Value(Condition):
    """What decisions are worth, minus the mean cost under `comparison.cost_matrix`, is kept up.

    Choose it where a decision follows from each score and its costs are known: it is then the
    question itself, and log loss only a stand-in for it. The lower bound of the gain over the
    incumbent is not below -margin; without an incumbent, that over the best blanket decision
    (the same for every row) exceeds 0. A value depends on the few rows near the decision, so it
    takes more rows than log loss: keep `non_inferior` beside it.

    A margin in percent is of the incumbent's own advantage over the blanket decision, since a
    value has no zero of its own; an incumbent without advantage leaves no margin. By default
    10%: a model that cuts the constant's loss by a tenth has the same room by `non_inferior`
    (1% of that loss). With 0 an equal challenger would be retained 19 times out of 20.
    """

    gate: Literal["value"] = Field("value", description="decisions are worth as much")
    margin: Margin = Field(
        Margin(number=10.0, is_percent=True),
        description="how much less is still as good: in the unit of the costs, or in percent of "
        "the incumbent's advantage over the best blanket decision",
    )
    at_least: float | None = Field(
        None,
        allow_inf_nan=False,
        description="the least value itself, in the unit of the costs; null: not asked",
    )

    def judge(self, comparison: Comparison) -> GateResult:
        """Hold the value against the floor, then against the incumbent or the constant."""
        ruling = Ruling(self.gate, self.severity, _METRIC, comparison)
        alone = comparison.incumbent is None
        answer = ruling.unjudgeable() if alone else ruling.unmatched()
        if answer is not None:
            return answer
        return self._short_of_floor(ruling) or self._duel(comparison).judged(ruling)

    def reads(self, task: Task, primary: str) -> tuple[str, ...]:
        """`value`, which needs `comparison.cost_matrix`."""
        return (_METRIC,)

    def _short_of_floor(self, ruling: Ruling) -> GateResult | None:
        value = ruling.comparison.metrics[_METRIC].challenger
        if self.at_least is None or value >= self.at_least:
            return None
        decimals = max(3, sentences.figures(value - self.at_least, self.at_least))
        told = sentences.number(value, decimals)
        return ruling.answered(
            "failed",
            f"{metric(_METRIC).label} {told}, below the required {self.at_least:g}",
            value=value,
            threshold=self.at_least,
        )

    def _duel(self, comparison: Comparison) -> Duel:
        values = comparison.metrics[_METRIC]
        if comparison.incumbent is None:
            return Duel(
                whose="constant",
                theirs=values.constant,
                gain=values.gain_over_constant,
                threshold=0.0,
                inclusive=False,
                within="which beats the best blanket decision",
                short="which does not beat the best blanket decision",
            )
        advantage = values.incumbent_over_constant
        return Duel(
            whose="incumbent",
            theirs=values.incumbent,
            gain=values.gain_over_incumbent,
            threshold=-self.margin.amount(
                None if advantage is None else max(advantage.estimate, 0)
            ),
            inclusive=True,
            within="within the margin of {limit}",
            short="beyond the margin of {limit}",
            unsure="too uncertain for the margin of {limit}",
        )
