"""What stands between a challenger and production: a trial batch, a scorer, and where scores go."""

from pydantic import Field

from model_refresh.records.base import Digest, Instant, Record
from model_refresh.records.data import CheckResult

TRIAL_CHECKS = ("unique_keys", "no_null", "range")
"""The checks without which a trial batch says nothing; others may be declared away."""
CONFORMANCE_CHECKS = ("suite", "golden", "batch_agreement", "latency")
"""The tests of a scorer, each of which must pass."""


class ScoreShift(Record):
    """How one column of scores differs between two batches: the one before and the one after.

    The measures of rows that pair, `correlation` to `moves`, are None where rows don't pair. Where
    they do, `psi`, `correlation`, `far_moves` and `top_overlap` count rows that both score alike
    once: the many customers of whom nothing is known are one case that moves, not thousands. The
    top tenth is the highest scores'; `moves[i][j]` counts all rows that went from tenth i to j.
    """

    column: str
    rows: int
    distinct: int = Field(description="pairs of scores that differ; rows where they don't pair")
    mean_before: float
    mean_after: float
    psi: float = Field(description="population stability index, in tenths of the one before")
    wasserstein: float = Field(description="in standard deviations of the one before")
    correlation: float | None = Field(None, description="Spearman's; nan where one is constant")
    far_moves: float | None = Field(None, description="share of rows two or more tenths away")
    top_overlap: float | None = None
    tier_flips: float | None = Field(None, description="None where no tiers are declared")
    moves: tuple[tuple[int, ...], ...] = ()


class TrialScores(Record):
    """The current frame scored by the challenger, and beside it by the incumbent.

    `version` is None where there is no challenger to try: then nothing was scored. The shifts have
    one line a column of scores. `population`: the incumbent's previous batch against its current
    one, told and never judged. `shift`: incumbent against challenger on the same rows, which is
    judged by that of their trial twins on the holdout, `on_holdout`.
    """

    as_of: Instant
    challenger: Digest = Field(description="the Challenger record that was tried")
    version: str | None = None
    incumbent: str | None = Field(None, description="the version that scored beside it")
    frame: Digest | None = Field(None, description="content of the frame that was scored")
    content: Digest | None = Field(None, description="digest of its folder's manifest")
    rows: int = 0
    limits: Digest = Field(description="of the declared limits that `checks` were held to")
    previous: Digest | None = Field(None, description="the incumbent's batch of the frame before")
    population: tuple[ScoreShift, ...] = ()
    shift: tuple[ScoreShift, ...] = ()
    on_holdout: tuple[ScoreShift, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def passes(self) -> bool:
        """Whether nothing of it keeps the challenger from production."""
        return all(check.outcome != "failed" for check in self.checks)

    @property
    def sentence(self) -> str:
        """What came of it, the first failure in full."""
        if self.version is None:
            return "there is no challenger to try: the incumbent stays"
        failed = [check for check in self.checks if check.outcome == "failed"]
        if not failed:
            return f"{self.rows} rows scored, {len(self.checks)} checks passed"
        return (
            f"{len(failed)} of {len(self.checks)} checks failed: "
            f"{failed[0].name}: {failed[0].sentence}"
        )


class Scorer(Record):
    """The generated scorer of a challenger; `version` is None where there is none to generate."""

    as_of: Instant
    challenger: Digest = Field(description="the Challenger record that it scores for")
    version: str | None = None
    artifact: Digest | None = None
    content: Digest | None = Field(None, description="digest of its folder's manifest")
    limits: Digest = Field(description="of the declared section `realtime`")


class Conformance(Record):
    """What became of the scorer's own suite and of its golden rows, asked over HTTP."""

    as_of: Instant
    scorer: Digest = Field(description="the Scorer record that was tested")
    checks: tuple[CheckResult, ...] = ()
    figures: dict[str, float] = Field(
        default_factory=dict, description="such as latency_p99_ms, golden_furthest"
    )

    @property
    def passes(self) -> bool:
        """Whether nothing failed; where there was nothing to test, too."""
        return all(check.outcome != "failed" for check in self.checks)

    @property
    def sentence(self) -> str:
        """What came of it, the first failure in full."""
        if not self.checks:
            return "there is no scorer to test: the incumbent stays"
        failed = [check for check in self.checks if check.outcome == "failed"]
        if failed:
            told = f"{len(failed)} of {len(self.checks)} tests failed"
            return f"{told}: {failed[0].name}: {failed[0].sentence}"
        return "; ".join(check.sentence for check in self.checks)


class Delivery(Record):
    """A published batch that has reached its declared sink."""

    as_of: Instant
    batch: Digest = Field(description="content of the batch")
    sink: Digest = Field(description="of the declared sink")
    place: str = Field(description="where it went, for people; no secret")
    rows: int
