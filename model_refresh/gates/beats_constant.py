"""Better than no model at all."""

from typing import Literal

from pydantic import Field

from model_refresh.gates.condition import Condition, Duel, Ruling
from model_refresh.records import Comparison, GateResult, Task

YARDSTICK: dict[Task, str] = {
    "binary": "log_loss",
    "regression": "rmse",
    "multiclass": "log_loss",
}
"""The loss in which each task is held against the constant."""


class BeatsConstant(Condition):
    """The lower bound of the gain over the constant exceeds 0: in log loss (of classes) or RMSE.

    Always worth having: a model that does not beat the mean of its training labels has learned
    nothing that holds on the holdout.
    """

    gate: Literal["beats_constant"] = Field("beats_constant", description="better than the mean")

    def judge(self, comparison: Comparison) -> GateResult:
        """Hold the challenger against the constant."""
        name = YARDSTICK[comparison.task]
        ruling = Ruling(self.gate, self.severity, name, comparison)
        if (answer := ruling.unjudgeable()) is not None:
            return answer
        values = comparison.metrics[name]
        return Duel(
            whose="constant",
            theirs=values.constant,
            gain=values.gain_over_constant,
            threshold=0.0,
            inclusive=False,
            within="which beats the constant",
            short="which does not beat the constant",
        ).judged(ruling)

    def reads(self, task: Task, primary: str) -> tuple[str, ...]:
        """The task's yardstick, whatever the primary metric is."""
        return (YARDSTICK[task],)
