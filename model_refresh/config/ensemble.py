"""The ensemble as a candidate: what may be declared of it."""

from typing import Literal

from pydantic import Field

from model_refresh.records import Record


class Ensemble(Record):
    """A weighted mean of this refresh's other candidates.

    List it where several algorithms do about equally well in different ways. A greedy one is left
    out of a refresh in which it doesn't beat the best single candidate by more than its standard
    error; a soft one selects nothing, which does better where the world moves.
    """

    algorithm: Literal["ensemble"] = Field("ensemble", description="a mean of other candidates")
    weights: Literal["greedy", "soft"] = Field(
        "greedy",
        description="greedy: selected with replacement on the folds; soft: all that come near the "
        "best, weighted by their losses",
    )
    members: int = Field(4, ge=2, le=20, description="most models in it")
    latency_ms: float | None = Field(
        None,
        gt=0,
        description="most milliseconds for one row, all members together; null: no limit",
    )
