"""Scores do not jump for everybody from one version to the next."""

import math
from typing import Literal

from pydantic import Field

from model_refresh.gates import sentences
from model_refresh.gates.condition import Condition, Ruling
from model_refresh.records import Comparison, GateResult, Task

_USUAL = {"decile": 0.5, "tier": 0.2}
"""Where scores are a bell curve, by simulation: a rank correlation of 0.985 moves 37% of the rows
to another tenth, 0.96 moves 51%, and then 4% cross one cut at the top tenth.
"""


class Stability(Condition):
    """At most this share of the rows changes its tenth (decile), or its declared tier.

    Choose it where people live with the scores: a customer who is gold today and bronze on
    Monday asks why. `tier` is what is felt where `comparison.tiers` is declared; `decile` needs
    no declaration. By default half of the rows may change their tenth: two refits of a recipe
    whose ranks correlate by 0.985 move a third already, so less would block refits as such, and
    more is another opinion. A fifth may change their tier, since most rows lie far from a cut.
    A better model moves rows too: where this gate often blocks, raise the limit. Not applicable
    without an incumbent.
    """

    gate: Literal["stability"] = Field("stability", description="few rows change their rank")
    of: Literal["decile", "tier"] = Field(
        "decile", description="what changes: the tenth of the ranking, or a tier of the score"
    )
    at_most: float | None = Field(
        None,
        gt=0,
        le=1,
        description="the share of rows that may change; null: 0.5 of deciles, 0.2 of tiers",
    )

    def judge(self, comparison: Comparison) -> GateResult:
        """Hold the share of rows that moved against the limit."""
        ruling = Ruling(self.gate, self.severity, None, comparison)
        if (answer := ruling.unmatched()) is not None:
            return answer
        migration = comparison.migration
        if migration is None:
            return ruling.failed("how rows moved was not computed in this comparison")
        share = migration.decile_share if self.of == "decile" else migration.tier_share
        if share is None:
            return ruling.failed("no tier is declared: give comparison.tiers, or of: decile")
        if not math.isfinite(share):
            return ruling.failed(f"the share of rows that change their {self.of} is not finite")
        limit = _USUAL[self.of] if self.at_most is None else self.at_most
        holds = share <= limit
        told = (
            f"{sentences.share(share)} of the rows change their {self.of}, "
            f"{'at most' if holds else 'more than'} the allowed {sentences.share(limit)}"
        )
        return ruling.answered("passed" if holds else "failed", told, value=share, threshold=limit)

    def reads(self, task: Task, primary: str) -> tuple[str, ...]:
        """No metric."""
        return ()
