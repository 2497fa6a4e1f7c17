"""Not worse than the incumbent by more than a margin."""

from typing import Literal

from pydantic import Field

from model_refresh.gates.condition import Condition, Duel, Problems, Ruling, margin_problems
from model_refresh.gates.margin import Margin
from model_refresh.metrics.catalogue import serves
from model_refresh.records import Comparison, GateResult, Task


class NonInferior(Condition):
    """The lower bound of the gain over the incumbent is not below -margin.

    The default: fresher data is worth having unless it costs more than the margin. Choose
    `superior` where every change of version is expensive. Not applicable without an incumbent.
    """

    gate: Literal["non_inferior"] = Field("non_inferior", description="as good as the incumbent")
    metric: str | None = Field(None, description="which metric; the primary one by default")
    margin: Margin = Field(
        Margin(number=1.0, is_percent=True),
        description="how much worse is still as good: in the metric's unit, or in percent of the "
        "constant's holdout loss",
    )

    def judge(self, comparison: Comparison) -> GateResult:
        """Hold the challenger against the incumbent."""
        name = self.metric or comparison.primary
        ruling = Ruling(self.gate, self.severity, name, comparison)
        if (answer := ruling.unmatched()) is not None:
            return answer
        values = comparison.metrics[name]
        return Duel(
            whose="incumbent",
            theirs=values.incumbent,
            gain=values.gain_over_incumbent,
            threshold=-self.margin.amount(values.constant),
            inclusive=True,
            within="within the margin of {limit}",
            short="beyond the margin of {limit}",
            unsure="too uncertain for the margin of {limit}",
        ).judged(ruling)

    def reads(self, task: Task, primary: str) -> tuple[str, ...]:
        """The metric that is named, else the primary one."""
        return (self.metric or primary,)

    def problems(self, task: Task, primary: str) -> Problems:
        """A percentage of what is no loss."""
        name = self.metric or primary
        return margin_problems(self.margin, name) if serves(name, task) else ()
