"""What is watched of models in production: why a refresh began, drift, performance, orders."""

from typing import Literal

from pydantic import Field

from model_refresh.records.base import Digest, Instant, Record
from model_refresh.records.data import CheckResult
from model_refresh.records.evidence import Interval

ReasonKind = Literal["schedule", "new_data", "drift", "decay", "staleness", "demand", "catch_up"]


class Reason(Record):
    """Why a refresh of `as_of` should start; `request` is the same for the same cause."""

    kind: ReasonKind
    as_of: Instant
    sentence: str
    request: str

    @property
    def wants_wide_search(self) -> bool:
        """Whether what was good before may not be good now: the world or the champion changed."""
        return self.kind in ("drift", "decay")


class Order(Record):
    """What a person said about a model's refreshes, until the next order of its kind.

    hold: none starts by itself; release: they start again; skip: none starts for `as_of`.
    """

    kind: Literal["hold", "release", "skip"]
    as_of: Instant | None = Field(None, description="of a skip: the frame that is left out")
    until: Instant | None = Field(None, description="of a hold: when it ends by itself")
    who: str
    reason: str


class ColumnDrift(Record):
    """How one column of a frame differs from the rows that the champion learned from.

    Each measure is an effect size; `limit`s are the declared ones after correction for sample size.
    None where a measure makes no sense for the column.
    """

    column: str
    weight: float = Field(description="share of what the champion leans on; 0 where unknown")
    psi: float | None = None
    wasserstein: float | None = Field(None, description="in standard deviations of the reference")
    jensen_shannon: float | None = Field(None, description="divergence in bits, 0 to 1")
    missing_before: float = 0.0
    missing_now: float = 0.0
    new_categories: float | None = Field(None, description="share of rows with one never learned")
    breaches: tuple[str, ...] = Field((), description="names of the measures above their limits")


class Drift(Record):
    """A frame beside the dataset that the champion of that instant learned from."""

    as_of: Instant
    frame: Digest = Field(description="content of the frame")
    version: str = Field(description="the champion whose rows are the reference")
    entry: int
    limits: Digest = Field(description="of the declared limits")
    rows: int
    reference_rows: int
    columns: tuple[ColumnDrift, ...] = ()
    weighted: float | None = Field(None, description="mean psi, weighted by importance")
    classifier_auc: float | None = Field(None, description="of telling both samples apart; 0.5: no")
    score_psi: float | None = None
    label_shift: float | None = Field(
        None, description="of the newest matured labels, in the reference's standard deviations"
    )
    checks: tuple[CheckResult, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_found(self) -> bool:
        """Whether any measure is above its limit."""
        return any(check.outcome == "failed" for check in self.checks)

    @property
    def sentence(self) -> str:
        """What was found, the first breach in full."""
        failed = [check for check in self.checks if check.outcome == "failed"]
        if not failed:
            return f"no drift: {len(self.checks)} measures within their limits"
        return f"drift: {'; '.join(check.sentence for check in failed[:3])}"


class Graded(Record):
    """One version's kept scores of one frame, beside what became of its rows."""

    role: Literal["champion", "challenger", "former", "constant"]
    version: str | None
    metrics: dict[str, float] = Field(default_factory=dict, description="metric -> realised value")
    intervals: dict[str, Interval] = Field(default_factory=dict)
    gain_over_champion: Interval | None = Field(
        None, description="paired, in the primary metric; positive: better than the champion"
    )


class Promised(Record):
    """What the champion's verdict promised of one metric, on its holdout."""

    metric: str
    value: float
    interval: Interval | None = None
    realised: float
    shortfall: Interval | None = Field(None, description="promised less realised, as a gain")


class Performance(Record):
    """A published batch graded by the labels that have matured since."""

    as_of: Instant
    batch: Digest = Field(description="content of the batch")
    labels: Digest = Field(description="content of the labels")
    entry: int
    champion: str
    primary: str
    rows: int
    groups: int
    graded: tuple[Graded, ...]
    promised: tuple[Promised, ...] = ()
    estimated: dict[str, float] = Field(
        default_factory=dict, description="metric -> what the scores alone let expect"
    )
    look: int = Field(1, description="how many frames of this champion have been graded")
    checks: tuple[CheckResult, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def has_decayed(self) -> bool:
        """Whether the champion does worse than was promised."""
        return any(check.outcome == "failed" for check in self.checks)

    @property
    def sentence(self) -> str:
        """What the labels say, the first failure in full."""
        failed = [check for check in self.checks if check.outcome == "failed"]
        if failed:
            return "; ".join(check.sentence for check in failed)
        return f"{self.rows} rows graded: as promised"


class Estimate(Record):
    """What a batch's calibrated scores alone let expect of it, until labels arrive."""

    as_of: Instant
    batch: Digest
    version: str
    metrics: dict[str, float]


class SentAlert(Record):
    """One message that went out, and what it told of."""

    digest_of: tuple[str, ...] = Field(description="keys of the alerts that it told of")
    severity: Literal["info", "warning", "critical"]
    route: str = Field(description="name of the route; no address, which may be a secret")
    sentence: str
    delivered: bool
    failure: str | None = None
