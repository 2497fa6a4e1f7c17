"""What stands between a challenger and production: a trial batch, a scorer, and where scores go."""

from pydantic import Field

from model_refresh.records.base import Digest, Instant, Record
from model_refresh.records.data import CheckResult


class TrialScores(Record):
    """The current frame scored by the challenger, and beside it by the incumbent.

    `version` is None where there is no challenger to try: then nothing was scored.
    """

    as_of: Instant
    challenger: Digest = Field(description="the Challenger record that was tried")
    version: str | None = None
    incumbent: str | None = Field(None, description="the version that scored beside it")
    frame: Digest | None = Field(None, description="content of the frame that was scored")
    content: Digest | None = Field(None, description="digest of its folder's manifest")
    rows: int = 0
    limits: Digest = Field(description="of the declared limits that `checks` were held to")
    checks: tuple[CheckResult, ...] = ()


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
        default_factory=dict, description="such as latency_p99_ms, furthest_from_batch"
    )


class Delivery(Record):
    """A published batch that has reached its declared sink."""

    as_of: Instant
    batch: Digest = Field(description="content of the batch")
    sink: Digest = Field(description="of the declared sink")
    place: str = Field(description="where it went, for people; no secret")
    rows: int
