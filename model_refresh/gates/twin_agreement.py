"""What was judged is what is deployed: both twins rank the rows alike."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from model_refresh.gates.condition import Condition, Ruling
from model_refresh.metrics import metric
from model_refresh.records import CheckResult, Comparison, GateResult, Severity, Task

_NAME = "twin_agreement"


class TwinAgreement(Condition):
    """Trial and final twin rank the rows of the current frame alike (Spearman's correlation).

    It always applies, declared or not: the trial twin was judged, the final twin, refitted on
    newer rows, is what production would use. Declare it to change the limit. 0.8 by default:
    below it seven rows in ten stand in another tenth of the ranking (bell curves, simulated), so
    what was judged says little of what would be deployed; hence a failure is `reject`.
    """

    gate: Literal["twin_agreement"] = Field(
        "twin_agreement", description="the refitted twin ranks rows like the judged one"
    )
    severity: Severity = Field(
        "reject",
        description="what a failure means: retain (not good enough) or reject (a person must look)",
    )
    at_least: float = Field(
        0.8, ge=-1, le=1, description="the least rank correlation of both twins' predictions"
    )

    def judge(self, comparison: Comparison) -> GateResult:
        """Not applicable to a comparison: `judge_twins` answers after the refit."""
        ruling = Ruling(self.gate, self.severity, None, comparison)
        return ruling.unjudgeable() or ruling.answered(
            "not_applicable",
            f"asked of the refitted twin before it is promoted: at least {self.at_least:g}",
        )

    def reads(self, task: Task, primary: str) -> tuple[str, ...]:
        """No metric."""
        return ()

    def judge_twins(self, trial: NDArray[np.float64], final: NDArray[np.float64]) -> CheckResult:
        """Whether both twins rank the rows of one frame alike; their mean's shift is reported.

        Predictions have shape (rows,), or (rows, classes): then the mean correlation over the
        classes counts, and the largest shift of a class is told. Where both are
        constant there are no ranks: they pass, or the class is left out.
        """
        if trial.shape != final.shape or trial.size == 0:
            return _answer(False, f"twins predict shapes {trial.shape} and {final.shape}")
        if not (np.isfinite(trial).all() and np.isfinite(final).all()):
            return _answer(False, "a twin's prediction is not a finite number")
        ours, theirs = (each.reshape(len(each), -1) for each in (trial, final))
        moved = _shift(ours, theirs)
        pairs = list(zip(ours.T, theirs.T, strict=True))
        if any((np.ptp(one) > 0) != (np.ptp(other) > 0) for one, other in pairs):
            return _answer(False, f"one twin predicts a constant and the other doesn't; {moved}")
        ranked = [pair for pair in pairs if np.ptp(pair[0]) > 0]
        if not ranked:
            return _answer(True, f"a constant has no ranks; {moved}")
        spearman = metric("spearman")
        return self.agreement(float(np.mean([spearman.value(*pair) for pair in ranked])), moved)

    def agreement(self, correlation: float, moved: str) -> CheckResult:
        """Hold a rank correlation against the limit; `moved` tells the shift of the mean."""
        agrees = correlation >= self.at_least
        return _answer(
            agrees,
            f"trial and final twin have rank correlation {correlation:.3f} "
            f"({'at least' if agrees else 'less than'} {self.at_least:g}); {moved}",
        )


def _answer(passes: bool, sentence: str) -> CheckResult:
    return CheckResult(name=_NAME, outcome="passed" if passes else "failed", sentence=sentence)


def _shift(trial: NDArray[np.float64], final: NDArray[np.float64]) -> str:
    before = trial.mean(axis=0)
    shifts = final.mean(axis=0) - before
    most = int(np.argmax(np.abs(shifts)))
    return f"the mean moves by {shifts[most]:+.4g} from {before[most]:.4g}"
