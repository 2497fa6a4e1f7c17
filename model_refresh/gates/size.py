"""The artifact is small enough to be carried."""

from typing import Literal

from pydantic import Field

from model_refresh.gates.condition import Condition, Ruling
from model_refresh.records import Comparison, GateResult, Task

_MIB = 1024 * 1024


class Size(Condition):
    """The version's files weigh at most so many MiB.

    Choose it where versions are shipped to small machines, or many are kept. 100 MiB by default:
    a boosted model of a thousand trees weighs a few MiB, so a hundred says that something grew
    that should not, such as a category for every customer.
    """

    gate: Literal["size"] = Field("size", description="the artifact is small enough")
    at_most_mib: float = Field(
        100.0, gt=0, le=1_000_000, description="the heaviest artifact, MiB of 2^20 bytes"
    )

    def judge(self, comparison: Comparison) -> GateResult:
        """Hold the weight of all files against the limit."""
        ruling = Ruling(self.gate, self.severity, None, comparison)
        if (answer := ruling.unjudgeable()) is not None:
            return answer
        if comparison.footprint is None:
            return ruling.failed("the artifact was not weighed in this comparison")
        mib = comparison.footprint.size_bytes / _MIB
        holds = mib <= self.at_most_mib
        return ruling.answered(
            "passed" if holds else "failed",
            f"the artifact weighs {mib:.3g} MiB, {'at most' if holds else 'more than'} the "
            f"allowed {self.at_most_mib:g} MiB",
            value=mib,
            threshold=self.at_most_mib,
        )

    def reads(self, task: Task, primary: str) -> tuple[str, ...]:
        """No metric."""
        return ()
