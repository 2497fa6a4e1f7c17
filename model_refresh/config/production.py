"""What can be declared of production: how batches are tested, where they go, what a scorer does."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from model_refresh.records import Record
from model_refresh.sinks import AnySink

Approval = Literal["automatic", "manual"]
Way = Literal["batch", "realtime"]

_WAYS = {
    "type": "array",
    "items": {"enum": ["batch", "realtime"]},
    "minItems": 1,
    "uniqueItems": True,
}


def _with_batch(ways: tuple[Way, ...]) -> tuple[Way, ...]:
    if len(set(ways)) < len(ways):
        raise ValueError("a way is listed twice; list it once")
    if "batch" not in ways:
        raise ValueError("batch is missing: what a scorer answers is tested against its batch")
    return ways


Deploy = Annotated[tuple[Way, ...], AfterValidator(_with_batch), WithJsonSchema(_WAYS)]
"""How a champion is used."""


class ShiftLimits(Record):
    """How far a challenger's trial batch may stand from the incumbent's of the same frame.

    A measure may also be `holdout_factor` times what it was on the holdout, where labels judged the
    difference of both models, and small frames get slack for chance. null switches a check off.
    """

    other_keys: float | None = Field(
        0.0, ge=0, le=1, description="share of keys that only one of both batches may have"
    )
    same_value: float | None = Field(
        0.5, gt=0, le=1, description="share of rows that may have one and the same score"
    )
    level: float | None = Field(
        0.3,
        gt=0,
        le=100,
        description="how far the mean score may be from what recent labels and the population's "
        "shift let expect: in log odds, for regression in standard deviations of the label",
    )
    psi: float | None = Field(
        0.2, gt=0, le=100, description="population stability index, in tenths of the incumbent's"
    )
    wasserstein: float | None = Field(
        0.15, gt=0, le=100, description="mean move in standard deviations of the incumbent's scores"
    )
    rank_correlation: float | None = Field(
        0.96, ge=-1, lt=1, description="least rank correlation of both models' scores"
    )
    far_moves: float | None = Field(
        0.08, gt=0, le=1, description="share of rows that may move by two tenths of the ranking"
    )
    top_overlap: float | None = Field(
        0.7, gt=0, le=1, description="least share of the top tenth that both models have in common"
    )
    tier_flips: float | None = Field(
        0.1, gt=0, le=1, description="share of rows that may cross one of comparison.tiers"
    )
    holdout_factor: float = Field(
        1.85,
        ge=0,
        le=100,
        description="times the holdout's own figure that are allowed all the same",
    )


class ScoresSpec(Record):
    """How a batch is tested before it leaves, and where it goes."""

    shift: ShiftLimits = Field(
        ShiftLimits(), description="what a challenger's trial batch is held to"
    )

    sink: AnySink | None = Field(
        None, description="where each published batch is copied to; null: it stays in the store"
    )


class RealtimeSpec(Record):
    """What the generated scorer does, for `deploy: [batch, realtime]`."""

    latency_ms: float = Field(
        25.0,
        gt=0,
        le=10_000,
        description="longest a request of one row may take, 99 times in 100, on loopback",
    )
    unknown_category: Literal["score", "refuse"] = Field(
        "score",
        description="a category that was not learned from: score it, with a warning, or refuse it",
    )
    body_kib: int = Field(1024, ge=1, le=1_048_576, description="largest body of a request, in KiB")
    batch_rows: int = Field(1000, ge=1, le=1_000_000, description="most rows of one /score-batch")
