"""What can be declared of production: how batches are tested, where they go, what a scorer does."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from model_refresh.records import Record

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


class ScoresSpec(Record):
    """How a batch is tested before it leaves, and where it goes."""


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
