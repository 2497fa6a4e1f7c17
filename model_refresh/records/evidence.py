"""What a comparison shows beside its metrics: slices, curves, migration, staleness, footprint.

Small and complete: a gate judges from these records and a report is drawn from them, without the
rows they were computed from.
"""

from typing import Literal

from pydantic import Field

from model_refresh.records.base import Digest, Instant, Record


class Interval(Record):
    """An estimate with one-sided bounds, each at `confidence`."""

    estimate: float
    lower: float
    upper: float
    confidence: float
    groups: int = Field(description="independent groups of rows (clusters)")


class Clause(Record):
    """What one column of a row must be to belong to a slice; the first that is set counts.

    `values`: one of these texts, as the value is written. `low` and `high`: low <= value < high,
    either side may be open. Neither: the value is missing.
    """

    column: str
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None

    @property
    def label(self) -> str:
        """`segment is gold`, `3 <= orders < 7`, `orders is missing`."""
        if self.values:
            return f"{self.column} is {' or '.join(self.values)}"
        if self.low is None and self.high is None:
            return f"{self.column} is missing"
        low = "" if self.low is None else f"{self.low:g} <= "
        high = "" if self.high is None else f" < {self.high:g}"
        return f"{low}{self.column}{high}"


class Slice(Record):
    """Rows that meet every clause; no clause: what is left of the small slices of `pool`."""

    source: Literal["declared", "discovered"]
    clauses: tuple[Clause, ...] = ()
    pool: str = Field("", description="the column whose small slices are pooled here")

    @property
    def label(self) -> str:
        """What a person calls it."""
        return " and ".join(clause.label for clause in self.clauses) or f"the rest of {self.pool}"


class SliceComparison(Record):
    """One metric on the holdout rows of a slice."""

    slice: Slice
    metric: str
    rows: int
    challenger: float
    incumbent: float | None = None
    gain: Interval | None = Field(None, description="over the incumbent; None without one")


class ReliabilityBin(Record):
    """Rows of neighbouring predictions: what was predicted, and what happened."""

    rows: int
    predicted: float = Field(description="mean prediction")
    actual: float = Field(description="mean outcome")
    lower: float = Field(description="bound of the mean outcome, from the groups in the bin")
    upper: float


class HistogramBin(Record):
    """The share of rows whose prediction lies in [low, high)."""

    low: float
    high: float
    share: float


class Curves(Record):
    """One version's predictions of the holdout rows, in pictures' worth of numbers.

    `gains` are points (share of rows from the top, share of what can be found among them).
    """

    reliability: tuple[ReliabilityBin, ...]
    gains: tuple[tuple[float, float], ...]
    scores: tuple[HistogramBin, ...]


class MoverProfile(Record):
    """A feature's median among those whose rank rose or fell by two tenths or more."""

    feature: str
    everybody: float | None
    risers: float | None
    fallers: float | None


class Migration(Record):
    """How the challenger ranks the incumbent's rows; tenths from the lowest (0) to the highest.

    `moves[i][j]` counts the rows that the incumbent has in tenth i and the challenger in tenth j.
    `tier_share` is the share of rows that cross one of `tiers`, which are scores.
    """

    moves: tuple[tuple[int, ...], ...]
    decile_share: float = Field(description="share of rows whose tenth changes")
    tiers: tuple[float, ...] = ()
    tier_share: float | None = None
    correlation: float = Field(description="Spearman's; nan where either is constant")
    risers: int
    fallers: int
    profiles: tuple[MoverProfile, ...] = ()


class Aged(Record):
    """A former champion's trial twin on this holdout, where the law of time allows it.

    `gain` is the challenger's over it in the primary metric; `recalibrated` is what is left of
    that gain's estimate after its predictions were brought to the holdout's level and slope.
    """

    version: str
    entry: int
    age_days: float = Field(description="from its known_at to the holdout's newest frame")
    value: float | None = Field(description="its primary metric; None where it can't be judged")
    gain: Interval | None = None
    recalibrated: float | None = None
    why_not: str | None = Field(None, description="why it can't be judged on these rows")


class Freshness(Record):
    """How much a week of age costs this model, estimated over several refreshes."""

    advice: Literal["weekly", "monthly", "recalibrate only", "no value seen", "not known yet"]
    sentence: str
    loss_a_week: Interval | None = Field(None, description="in the primary metric's unit")
    refreshes: int
    points: int


class Footprint(Record):
    """What the trial twin's artifact weighs, and how long one row takes where a gate asks."""

    size_bytes: int
    latency_ms: float | None = Field(
        None, description="median of one row at a time, by the clock: it differs between runs"
    )


class Discovery(Record):
    """This comparison's place in the fleet's sequence of tests (false discovery control)."""

    number: int
    level: float = Field(description="the error that this test was allowed")
    rule: str
    rate: float = Field(description="the rate that the whole sequence is held to")


class FleetTest(Record):
    """One comparison in the fleet's sequence of tests."""

    model: str
    as_of: Instant
    level: float = Field(description="the error that it was allowed")


class FleetDiscovery(Record):
    """A test of the sequence that ended in a promotion."""

    test: int
    verdict: Digest


class ReportFile(Record):
    """The report of one verdict, stored as one HTML file."""

    as_of: Instant
    verdict: Digest
    content: Digest = Field(description="digest of its folder's manifest")
    size_bytes: int
