"""The words: what each step hands to the next, as small frozen values.

A record points at stored files by digest and never holds a table. Its own digest covers every
field; what a clock or a meter said (`recorded_at`, `Cost`) is kept beside it, outside of it, so
that the same inputs give the same digests.
"""

import datetime as dt
import hashlib
import json
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

Task = Literal["binary", "regression"]
Decision = Literal["promote", "retain", "reject"]
Severity = Literal["retain", "reject"]
ColumnType = Literal["boolean", "integer", "number", "text", "date", "timestamp", "other"]


def _to_utc(value: dt.datetime) -> dt.datetime:
    return value.astimezone(dt.UTC)


Instant = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An instant in UTC."""

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
"""The sha256 of a file's bytes or of a record's canonical JSON, in hex."""


def canonical_json(value: object) -> str:
    """The one text of a JSON value: sorted keys, no spaces, no NaN."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


class Record(BaseModel):
    """A frozen value that refuses unknown fields and has a digest.

    Floats that are not finite are written as the strings "NaN", "Infinity" and "-Infinity".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    def canonical(self) -> str:
        """The record's one JSON text."""
        return canonical_json(json.loads(self.model_dump_json()))

    def digest(self) -> str:
        """The sha256 of `canonical()`, in hex."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()

    @classmethod
    def parse(cls, text: str | bytes) -> Self:
        """The record that `canonical` wrote."""
        return cls.model_validate_json(text)


class Column(Record):
    """A column of a frame: its name as the query gives it, and its type."""

    name: str
    type: ColumnType
    stored_as: str = Field(description="the engine's own type, as read from the Parquet file")


class FrameQuery(Record):
    """How frames are computed; a version keeps its own."""

    sql: str
    key: tuple[str, ...]
    rows: Literal["snapshot", "event"]
    event_time: str | None = None
    every: str


class LabelQuery(Record):
    """What is predicted, and when it is known. `sql` None: the label is a column of the frame."""

    sql: str | None
    column: str
    horizon: dt.timedelta
    maturity: dt.timedelta
    missing: Literal["error", "drop"] | float


class Definition(Record):
    """What must stay the same for two versions to be comparable, and what a version carries."""

    task: Task
    frame: FrameQuery
    label: LabelQuery


class Frame(Record):
    """The rows to be scored at one `as_of`, stored as one Parquet file."""

    as_of: Instant
    query: Digest
    content: Digest = Field(description="digest of its folder's manifest")
    rows: int
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    backfilled: bool = Field(description="computed after a later frame already existed")


class Labels(Record):
    """What became of a frame's rows, stored as one Parquet file of key and label."""

    as_of: Instant
    until: Instant
    known_at: Instant = Field(description="until + maturity")
    query: Digest
    frame: Digest = Field(description="content digest of the frame that these labels belong to")
    content: Digest = Field(description="digest of its folder's manifest")
    rows: int
    mean: float = Field(description="base rate of a binary label, mean of a continuous one")
    spread: float | None = Field(description="standard deviation; None for a binary label")


class LabelledFrame(Record):
    """A frame and its labels: the unit of which datasets are made."""

    frame: Frame
    labels: Labels

    @property
    def as_of(self) -> dt.datetime:
        """The frame's instant."""
        return self.frame.as_of


class FramePlan(Record):
    """Which frames serve what in a refresh at `as_of` (the law of time, point 3)."""

    as_of: Instant
    tuning: tuple[Instant, ...]
    validation: tuple[Instant, ...]
    trial: tuple[Instant, ...]
    holdout: tuple[Instant, ...]
    final: tuple[Instant, ...]
    notes: tuple[str, ...] = ()


class CheckResult(Record):
    """What one check on data found; `noted` passes and is worth a sentence."""

    name: str
    outcome: Literal["passed", "noted", "failed"]
    sentence: str


class Dataset(Record):
    """The frames and labels that a refresh learns from, and how they are split."""

    as_of: Instant
    definition: Digest
    plan: FramePlan
    frames: tuple[LabelledFrame, ...] = Field(description="oldest first, each as_of once")
    current: Frame = Field(description="the frame to be scored at as_of")
    features: tuple[Column, ...]
    categorical: tuple[str, ...]
    ignored: tuple[str, ...] = Field(description="new columns that policy keeps out")
    checks: tuple[CheckResult, ...]


class Recipe(Record):
    """An algorithm with everything that tuning chose: refitting it needs rows, nothing else."""

    algorithm: str
    options: dict[str, bool | int | float | str | None] = Field(description="as declared")
    parameters: dict[str, bool | int | float | str] = Field(description="as tuned")
    features: tuple[Column, ...]
    categorical: tuple[str, ...]
    seed: int


class Lineage(Record):
    """Where a version comes from."""

    model: str
    twin: Literal["trial", "final"]
    definition: Definition
    frames: tuple[LabelledFrame, ...] = Field(description="the rows it was fitted on")
    known_at: Instant = Field(description="the latest instant at which a label it used was known")


class Cost(Record):
    """What a step used, by the meter; never part of a digest."""

    seconds: float
    cpu_seconds: float = 0.0
    peak_mib: float = 0.0


class Trial(Record):
    """One set of parameters that tuning tried, and its validation loss."""

    parameters: dict[str, bool | int | float | str]
    loss: float


class Candidate(Record):
    """A recipe fitted in this refresh, or the reason why it could not be."""

    as_of: Instant
    name: str
    dataset: Digest
    failure: str | None = None
    recipe: Recipe | None = None
    version: str | None = Field(None, description="the trial twin")
    validation: dict[str, float] = Field(default_factory=dict, description="metric -> value")
    trials: tuple[Trial, ...] = ()
    repeatable: bool = Field(True, description="false when `seconds` cut the tuning short")


class Interval(Record):
    """An estimate with one-sided bounds, each at `confidence`."""

    estimate: float
    lower: float
    upper: float
    confidence: float
    groups: int = Field(description="independent groups of rows (clusters)")


class MetricComparison(Record):
    """One metric on the same holdout rows. Gains are positive where the challenger is better."""

    metric: str
    challenger: float
    constant: float | None
    incumbent: float | None = None
    gain_over_constant: Interval | None = None
    gain_over_incumbent: Interval | None = None
    incumbent_over_constant: Interval | None = None


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
    metrics: dict[str, MetricComparison]
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
    decision: Decision
    sentence: str
    verdict: Digest | None
    entry: int | None = Field(description="the champion log's newest entry after this refresh")
    champion: str | None = Field(description="the version in production after this refresh")


class Scores(Record):
    """One batch of scores of one frame."""

    as_of: Instant
    frame: Digest
    entry: int
    champion: str
    challenger: str | None
    rows: int
    content: Digest = Field(description="digest of its folder's manifest")
