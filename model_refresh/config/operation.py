"""What can be declared of a model in production: what is watched, and what follows from it."""

from typing import Annotated, Literal

from pydantic import Field

from model_refresh.records import Record

OnDecay = Literal["alert", "refresh", "rollback"]
Pool = Annotated[str, Field(strict=True, pattern=r"^[a-z][a-z0-9_]{0,62}$")]


class DriftLimits(Record):
    """How far a frame may stand from the rows that the champion learned from; null: not measured.

    Each is the size of an effect. What samples of this size differ by without drift, and what the
    reference's own frames differ by among themselves, is allowed on top.
    """

    psi: float | None = Field(
        0.2, gt=0, le=100, description="of one feature: population stability index"
    )
    wasserstein: float | None = Field(
        0.25, gt=0, le=100, description="of one feature: mean move, in its standard deviations"
    )
    jensen_shannon: float | None = Field(
        0.1, gt=0, le=1, description="of one feature: divergence in bits"
    )
    missing: float | None = Field(
        0.1, gt=0, le=1, description="of one feature: change of its share of nulls"
    )
    new_categories: float | None = Field(
        0.05, gt=0, le=1, description="of one feature: share of rows with a category never learned"
    )
    weighted: float | None = Field(
        0.1, gt=0, le=100, description="mean psi of all features, weighted by their importance"
    )
    classifier: float | None = Field(
        0.65, gt=0.5, le=1, description="ROC AUC of a classifier that tells both samples apart"
    )
    scores: float | None = Field(
        0.2, gt=0, le=100, description="population stability index of the champion's scores"
    )
    score_distance: float | None = Field(
        0.25,
        gt=0,
        le=100,
        description="mean move of the champion's scores, in their standard deviations; of chances "
        "as log odds",
    )
    labels: float | None = Field(
        0.5, gt=0, le=100, description="move of the newest labels' mean, in standard deviations"
    )
    importance: float = Field(
        0.02,
        ge=0,
        le=1,
        description="of a feature on which the champion leans less, all is told and nothing starts "
        "a refresh; a share of the whole",
    )


class MonitoringSpec(Record):
    """What is measured of each frame, and of each batch once its labels have matured."""

    drift: DriftLimits = Field(DriftLimits(), description="limits that start an early refresh")
    confidence: float = Field(
        0.95,
        gt=0.5,
        lt=1,
        description="that a champion found decayed is so, over all its graded frames",
    )
    tolerance: float = Field(
        0.25,
        ge=0,
        lt=1,
        description="share of the promised skill (1 - loss / the constant's) that may be missing",
    )


class RunsSpec(Record):
    """How a model's runs stand in the queue."""

    priority: int = Field(
        0, ge=-100, le=100, description="runs of a higher one start first; 0 is usual"
    )
    pool: Pool | None = Field(
        None,
        description="a pool of Dagster that its queries take a place in, such as warehouse; its "
        "limit is set in Dagster",
    )
