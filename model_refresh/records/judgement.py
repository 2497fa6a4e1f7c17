"""What is decided: comparison, verdict, challenger, champion, scores."""

from typing import Literal

from pydantic import Field

from model_refresh.records.base import Decision, Digest, Instant, Record, Severity, Task
from model_refresh.records.data import CheckResult
from model_refresh.records.evidence import (
    Aged,
    Curves,
    Discovery,
    Footprint,
    Freshness,
    Interval,
    Migration,
    SliceComparison,
)
from model_refresh.records.fits import Lineage


class MetricComparison(Record):
    """One metric on the same holdout rows. Gains are positive where the challenger is better.

    `challenger_interval` and `incumbent_interval` are of the values themselves, in the metric's
    own sign. `detectable` is the least true gain over the incumbent that these rows would show at
    the comparison's confidence with its stated power; None where it can't be said.
    """

    metric: str
    challenger: float
    constant: float | None
    incumbent: float | None = None
    gain_over_constant: Interval | None = None
    gain_over_incumbent: Interval | None = None
    incumbent_over_constant: Interval | None = None
    challenger_interval: Interval | None = None
    incumbent_interval: Interval | None = None
    detectable: float | None = None


class Incumbent(Record):
    """The champion as the refresh begins."""

    entry: int
    entry_digest: Digest
    version: str
    trial: str
    rebuilt: bool = False
    incomparable: str | None = Field(None, description="why it can't be judged on these rows")


class Comparison(Record):
    """Challenger, incumbent and constant on the same holdout rows."""

    as_of: Instant
    task: Task
    primary: str = Field(description="the metric that gates use unless they name another")
    dataset: Digest
    candidates: tuple[Digest, ...]
    challenger: str | None = Field(description="the candidate that validation chose")
    trial: str | None = Field(description="its trial twin's version")
    artifact: Digest | None = Field(description="that version's manifest")
    incumbent: Incumbent | None
    holdout: tuple[Instant, ...]
    rows: int
    confidence: float
    declared_confidence: float = Field(
        0.95, description="before repeated judging and the fleet's control: what finds harm uses it"
    )
    power: float = Field(0.8, description="of `detectable`")
    metrics: dict[str, MetricComparison]
    slices: tuple[SliceComparison, ...] = ()
    curves: dict[str, Curves] = Field(default_factory=dict, description="challenger, incumbent")
    migration: Migration | None = None
    staleness: tuple[Aged, ...] = ()
    freshness: Freshness | None = None
    footprint: Footprint | None = None
    discovery: Discovery | None = None
    notes: tuple[str, ...] = ()


class GateResult(Record):
    """One gate's answer."""

    gate: str
    outcome: Literal["passed", "failed", "inconclusive", "not_applicable"]
    severity: Severity
    metric: str | None = None
    value: float | None = None
    threshold: float | None = None
    interval: Interval | None = None
    sentence: str

    @property
    def passes(self) -> bool:
        """Whether this gate lets the challenger through."""
        return self.outcome in {"passed", "not_applicable"}


class Verdict(Record):
    """All gates' answers, bound by digests to what they judged."""

    as_of: Instant
    decision: Decision
    sentence: str
    gates: tuple[GateResult, ...]
    comparison: Digest
    artifact: Digest | None
    dataset: Digest
    champion: Digest | None = Field(description="the champion entry that it was compared with")
    policy: Digest
    code: Digest


class Challenger(Record):
    """The refitted twin that is to be deployed; `version` is None on retain and reject."""

    as_of: Instant
    verdict: Digest
    trial: str | None = None
    version: str | None = None
    artifact: Digest | None = None
    trial_lineage: Lineage | None = Field(None, description="to rebuild a lost trial twin")
    checks: tuple[CheckResult, ...] = ()


class Entry(Record):
    """One line of the champion log."""

    number: int = Field(ge=1)
    prev: Digest | None
    kind: Literal["promotion", "rollback", "override"]
    as_of: Instant = Field(description="from when it counts")
    version: str
    artifact: Digest
    trial: str | None
    verdict: Digest | None = None
    challenger: Digest | None = None
    who: str
    reason: str


class Promotion(Record):
    """How a refresh ended: an entry of the champion log, or the reason for none."""

    as_of: Instant
    decision: Decision | Literal["wait"] = Field(
        description="wait: it passed, and a person is asked, as `approval: manual` wants it"
    )
    sentence: str
    verdict: Digest | None
    entry: int | None = Field(description="the champion log's newest entry after this refresh")
    champion: str | None = Field(description="the version in production after this refresh")
    trial_scores: Digest | None = Field(None, description="the trial batch that it passed by")
    conformance: Digest | None = Field(None, description="the scorer's tests that it passed by")


class Scores(Record):
    """One batch of scores of one frame."""

    as_of: Instant
    frame: Digest
    entry: int
    champion: str
    challenger: str | None
    rows: int
    content: Digest = Field(description="digest of its folder's manifest")
    notes: tuple[str, ...] = Field(
        (), description="why the challenger is not in it, and what the audit found odd"
    )
