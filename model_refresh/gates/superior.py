"""Better than the incumbent, surely."""

from typing import Literal

from pydantic import Field

from model_refresh.gates.condition import Condition, Duel, Problems, Ruling, margin_problems
from model_refresh.gates.margin import Margin
from model_refresh.metrics.catalogue import serves
from model_refresh.records import Comparison, GateResult, Task


class Superior(Condition):
    """The lower bound of the gain over the incumbent exceeds `by`, which is 0 by default.

    Choose it where every change of version is expensive; it keeps an incumbent that is merely
    as good, and so grows stale where `non_inferior` would refresh. Not applicable without an
    incumbent.
    """

    gate: Literal["superior"] = Field("superior", description="better than the incumbent")
    metric: str | None = Field(None, description="which metric; the primary one by default")
    by: Margin = Field(
        Margin(number=0.0),
        description="how much better it must be: in the metric's unit, or in percent of the "
        "constant's holdout loss",
    )

    def judge(self, comparison: Comparison) -> GateResult:
        """Hold the challenger against the incumbent."""
        name = self.metric or comparison.primary
        ruling = Ruling(self.gate, self.severity, name, comparison)
        if (answer := ruling.unmatched()) is not None:
            return answer
        values, least = comparison.metrics[name], " by more than {limit}" if self.by.number else ""
        return Duel(
            whose="incumbent",
            theirs=values.incumbent,
            gain=values.gain_over_incumbent,
            threshold=self.by.amount(values.constant),
            inclusive=False,
            within=f"which is better{least}",
            short=f"which is not better{least}",
        ).judged(ruling)

    def reads(self, task: Task, primary: str) -> tuple[str, ...]:
        """The metric that is named, else the primary one."""
        return (self.metric or primary,)

    def problems(self, task: Task, primary: str) -> Problems:
        """A percentage of what is no loss."""
        name = self.metric or primary
        return margin_problems(self.by, name, "by") if serves(name, task) else ()
