"""What is watched of models in production: why a refresh began, drift, performance, orders."""

from typing import Literal

from pydantic import Field

from model_refresh.records.base import Digest, Instant, Record
from model_refresh.records.data import CheckResult
from model_refresh.records.evidence import Interval

Remedy = Literal["alert", "refresh", "rollback"]
Standing = Literal["sound", "decayed", "worthless"]
"""What labels have shown of a champion: no fault, worse than promised, worse than no model."""
AGAINST_CONSTANT = "against_constant"
"""The check of grades that a champion fails by doing worse than no model."""
"""What answers a decay: a person, an early refresh, or the champion before."""

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

    Each measure is an effect size; `limits` are the declared ones with what chance and the
    reference's own variation allow on top. None where a measure makes no sense for the column.
    """

    column: str
    weight: float = Field(description="share of what the champion leans on; 0 where unknown")
    psi: float | None = None
    wasserstein: float | None = Field(None, description="in standard deviations of the reference")
    jensen_shannon: float | None = Field(None, description="divergence in bits, 0 to 1")
    missing_before: float = 0.0
    missing_now: float = 0.0
    new_categories: float | None = Field(None, description="share of rows with one never learned")
    limits: dict[str, float] = Field(default_factory=dict, description="measure -> its limit")
    breaches: tuple[str, ...] = Field((), description="names of the measures above their limits")

    def value(self, measure: str) -> float:
        """One of the measures that `limits` names."""
        values = {
            "psi": self.psi,
            "wasserstein": self.wasserstein,
            "jensen_shannon": self.jensen_shannon,
            "missing": abs(self.missing_now - self.missing_before),
            "new_categories": self.new_categories,
        }
        return values[measure] or 0.0

    @property
    def excess(self) -> float:
        """How many times its limit that measure has which comes nearest to it or is furthest."""
        return max((self.value(name) / limit for name, limit in self.limits.items()), default=0.0)


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
    score_wasserstein: float | None = Field(None, description="in standard deviations")
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
    def furthest(self) -> tuple[ColumnDrift, ...]:
        """The columns, those furthest above their limits first."""
        return tuple(sorted(self.columns, key=lambda each: -each.excess))

    @property
    def sentence(self) -> str:
        """What was found, the first breach in full."""
        failed = [check for check in self.checks if check.outcome == "failed"]
        if not self.checks:
            return "; ".join(("drift was not measured", *self.notes))
        if not failed:
            return f"no drift: {len(self.checks)} measures within their limits"
        return f"drift: {'; '.join(check.sentence for check in failed[:3])}"


class Graded(Record):
    """One version's kept scores of one frame, beside what became of its rows.

    Gains are paired, in the primary metric, positive where this one is better.
    """

    role: Literal["champion", "challenger", "former", "constant"]
    version: str | None = Field(description="None: the constant")
    metrics: dict[str, float] = Field(default_factory=dict, description="metric -> realised value")
    intervals: dict[str, Interval] = Field(default_factory=dict)
    gain_over_champion: Interval | None = None
    gain_over_constant: Interval | None = None


class Promised(Record):
    """What the champion's verdict promised of one metric, on its holdout."""

    metric: str
    value: float
    interval: Interval | None = None
    realised: float
    shortfall: Interval | None = Field(
        None,
        description="promised less realised, turned as a gain: positive is worse than promised",
    )


class Skill(Record):
    """1 - loss / the constant's loss on the same rows: 0 is no model, 1 is perfect.

    A world that becomes harder for everybody moves both losses, so it moves this least.
    """

    metric: str = Field(description="the loss that it is made of")
    realised: Interval
    promised: Interval | None = None
    shortfall: Interval | None = Field(
        None, description="promised, less the share that may be missing, less realised"
    )


class Performance(Record):
    """A published batch graded by the labels that have matured since.

    `graded` is empty where nothing could be graded; then `notes` say why.
    """

    as_of: Instant
    batch: Digest = Field(description="content of the batch")
    labels: Digest | None = Field(None, description="content of the labels; None: not graded")
    label_query: Digest | None = Field(None, description="what the labels were computed by")
    entry: int
    champion: str
    primary: str
    rows: int = 0
    groups: int = 0
    graded: tuple[Graded, ...] = ()
    skill: Skill | None = None
    promised: tuple[Promised, ...] = ()
    promise: Digest | None = Field(None, description="the comparison that promised")
    estimated: dict[str, float] = Field(
        default_factory=dict, description="metric -> what the scores alone let expect"
    )
    look: int = Field(1, description="how many frames of this champion have been graded")
    confidence: float = Field(0.95, description="of each bound that a check rests on at this look")
    checks: tuple[CheckResult, ...] = ()
    remedy: Remedy | None = Field(None, description="what answers it; None: no decay")
    notes: tuple[str, ...] = ()

    @property
    def has_decayed(self) -> bool:
        """Whether the champion does worse than was promised."""
        return self.standing != "sound"

    @property
    def standing(self) -> Standing:
        """What the checks say of the champion."""
        failed = {check.name for check in self.checks if check.outcome == "failed"}
        if AGAINST_CONSTANT in failed:
            return "worthless"
        return "decayed" if failed else "sound"

    @property
    def sentence(self) -> str:
        """What the labels say, every failure in full."""
        failed = [check for check in self.checks if check.outcome == "failed"]
        if failed:
            return "; ".join(check.sentence for check in failed)
        if not self.graded:
            return f"not graded: {'; '.join(self.notes)}"
        judged = sum(check.outcome == "passed" for check in self.checks)
        unjudged = len(self.checks) - judged
        more = f"; {unjudged} could not be judged" if unjudged else ""
        return f"{self.rows} rows graded: no decay in {judged} checks{more}"

    def of(self, role: str) -> Graded | None:
        """What was graded of one role: champion, challenger, former or constant."""
        return next((each for each in self.graded if each.role == role), None)


class Estimate(Record):
    """What a batch's calibrated scores alone let expect of it, until labels arrive."""

    as_of: Instant
    batch: Digest
    version: str
    metrics: dict[str, float]
