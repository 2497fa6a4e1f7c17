"""What can be declared: the shape of model.yaml, with every default and every range.

Rules that span several fields are in `rules`; this file is also where the JSON Schema for editors
comes from.
"""

import datetime as dt
from typing import Annotated, Literal

from pydantic import Field, WithJsonSchema

from model_refresh.config.operation import MonitoringSpec, OnDecay, RunsSpec
from model_refresh.config.parameters import ForEach
from model_refresh.config.production import Approval, Deploy, RealtimeSpec, ScoresSpec
from model_refresh.config.training import TrainingSpec
from model_refresh.config.values import (
    ColumnName,
    Columns,
    CronLine,
    Duration,
    FileName,
    Instant,
    Key,
    Missing,
    ModelName,
    Owner,
    PositiveDuration,
    Zone,
)
from model_refresh.engines import Source
from model_refresh.gates import BeatsConstant, Gate, NonInferior
from model_refresh.metrics.catalogue import pattern
from model_refresh.records import Record, Task
from model_refresh.splits import Every

MetricName = Annotated[str, WithJsonSchema({"type": "string", "pattern": pattern()})]
"""A metric by name, `precision@5%` among them; which ones serve the task is a rule."""


CostMatrix = Annotated[
    tuple[tuple[Annotated[float, Field(allow_inf_nan=False)], ...], ...],
    Field(min_length=2, max_length=1000),
]
ClassNames = Annotated[
    tuple[Annotated[str, Field(strict=True, min_length=1, max_length=255)], ...],
    Field(min_length=2, max_length=1000),
]
Tiers = Annotated[tuple[Annotated[float, Field(allow_inf_nan=False)], ...], Field(max_length=100)]


class FrameSpec(Record):
    """How the rows to be scored at one as_of are computed, and when there are such rows."""

    features: FileName = Field(
        "features.sql",
        description="file of the query that gives one row a key, with all that was known before "
        "$as_of; below the model's folder",
    )
    key: Key = Field(description="the column, or the list of columns, that tells rows apart")
    rows: Literal["snapshot", "event"] = Field(
        "snapshot",
        description="snapshot: rows stand at $as_of, as a customer base does; event: rows happen "
        "in [$as_of, $next), as flights do, and need event_time",
    )
    event_time: ColumnName | None = Field(
        None, description="for rows: event, the column that says when; it is no feature itself"
    )
    every: Every = Field(description="from one frame to the next; 1mo is a calendar month")
    start: Instant = Field(
        description="the first frame: a date, which is midnight UTC, or an ISO instant with zone "
        "on a whole minute; for every: 1mo on day 1 to 28"
    )
    assumes_known: Columns = Field(
        (),
        description="columns that in truth are known only after $as_of, such as a weather "
        "forecast; used as features all the same",
    )


class LabelSpec(Record):
    """What is predicted, and when it is known."""

    query: FileName | None = Field(
        None,
        description="file of the query that gives the key and the label in [$as_of, $until); "
        "null: the label is a column of the features query",
    )
    column: ColumnName = Field(
        description="the label's column; 0 or 1 for a binary task, one of `classes` for multiclass"
    )
    classes: ClassNames = Field(
        (),
        description="for a multiclass task, each class once, as the label's column has it; text, "
        "so an integer is written in quotes; their order is that of all scores",
    )
    horizon: PositiveDuration = Field(description="$until is $as_of + horizon, such as 28d")
    maturity: Duration = Field(
        dt.timedelta(0),
        description="how long after $until a label can still change or arrive",
    )
    missing: Missing = Field(
        "error",
        description="a key without a label row: error, drop the row, or a number to take as label, "
        "which a multiclass task has none of",
    )


class ColumnsSpec(Record):
    """Roles of columns that their types don't tell."""

    exclude: Columns = Field((), description="columns that are no features")
    categorical: Columns = Field(
        (), description="columns of numbers that are names, such as a shop's; text always is"
    )


class ComparisonSpec(Record):
    """How challenger and incumbent are compared on the holdout."""

    metric: MetricName | None = Field(
        None,
        description="what decides; null: log_loss for a binary task, rmse for regression",
    )
    also: tuple[MetricName, ...] | None = Field(
        None, max_length=64, description="metrics that are shown too; null: all of the task's"
    )
    confidence: float = Field(
        0.95, gt=0.5, lt=1, description="of each one-sided bound of an interval"
    )
    group: ColumnName | None = Field(
        None,
        description="rows of one value have errors that belong together; null: the key for "
        "snapshots, the event's day for events",
    )
    disjoint: ColumnName | None = Field(
        None, description="a column whose values must not be shared by training and holdout"
    )
    power: float = Field(
        0.8,
        gt=0.5,
        lt=1,
        description="of the least effect that a holdout can show, told with each comparison",
    )
    slices: Columns = Field(
        (), description="columns whose parts are judged one by one, such as a country"
    )
    weak_slices: int = Field(
        3,
        ge=0,
        le=20,
        description="bad slices to look for on validation rows; judged on the holdout",
    )
    cost_matrix: CostMatrix | None = Field(
        None,
        description="what a decision costs: a row for each class that happened, a column for each "
        "that was decided, 0 before 1; gains are negative; the metric `value` needs it",
    )
    tiers: Tiers = Field(
        (), description="scores, rising, between which rows are treated alike, as by an offer"
    )
    false_discovery_rate: float | None = Field(
        None,
        gt=0,
        lt=0.5,
        description="models that say so share one budget of false promotions, over the whole "
        "fleet and all its refreshes; null: each comparison has its own error, 1 - confidence",
    )


class ChecksSpec(Record):
    """What data may look like; a refresh stops before it learns from anything else."""

    min_rows: int = Field(
        100, ge=1, le=10**9, description="fewest rows of training, of validation and of the holdout"
    )
    row_count_factor: float = Field(
        2.0,
        gt=1,
        le=1000,
        description="a frame with this many times more or fewer rows than the last ones stops",
    )
    label_level_factor: float = Field(
        2.0,
        gt=1,
        le=1000,
        description="a base rate this many times above or below the last frames' stops; for "
        "regression, a mean further off than this less 1 standard deviations",
    )
    max_null_share: float = Field(
        0.99, ge=0, le=1, description="a column with a larger share of nulls stops; 1 allows all"
    )
    infinities: Literal["error", "allow"] = Field(
        "error",
        description="infinite numbers: error stops; allow lets them pass where they are in columns "
        "that are no features",
    )
    new_columns: Literal["ignore", "adopt"] = Field(
        "ignore",
        description="a column that the same query did not give before: note it, or learn from it",
    )


class ChampionSpec(Record):
    """What is expected of the version in production."""

    max_age: PositiveDuration | None = Field(
        None, description="a champion older than this is overdue; null: 4 x (horizon + every)"
    )
    on_decay: OnDecay = Field(
        "alert",
        description="where matured labels say that it does worse than promised: alert a person, "
        "refresh early, or roll back to the one before where that one does better",
    )


class ScheduleSpec(Record):
    """When a refresh starts by itself."""

    cron: CronLine = Field("0 6 * * MON", description="when, in five fields, read in `timezone`")
    timezone: Zone = Field("UTC", description="IANA name of the zone in which cron is read")
    active: bool = Field(
        True, description="whether it runs from the start; Dagster's page can stop and start it"
    )


class TriggersSpec(Record):
    """What else starts a refresh."""

    new_data: bool = Field(
        False,
        description="refresh when the source's files change, or its watermark reaches a frame",
    )
    drift: bool = Field(
        True, description="refresh early when a frame has drifted beyond monitoring.drift"
    )
    staleness: bool = Field(
        True, description="refresh when the champion is older than champion.max_age"
    )


class Declaration(Record):
    """One model: a folder's model.yaml."""

    name: ModelName = Field(description="the model's name, which is also its folder's")
    for_each: ForEach = Field(
        {},
        description="many models of one folder, NAME_SUFFIX each: suffix -> values of the queries' "
        "own parameters, {de: {country: DE}}; or one parameter -> its values, {country: [DE, FR]}",
    )
    description: str = Field("", max_length=10_000, description="what it predicts, for people")
    owners: tuple[Owner, ...] = Field(
        (), max_length=32, description="who is told: team:NAME, or an address of mail"
    )
    task: Task = Field(description="binary: the chance of label 1; regression: a number")
    source: Source = Field(description="where the tables that queries see come from")
    frame: FrameSpec = Field(description="the rows to be scored at one instant")
    label: LabelSpec = Field(description="what is predicted")
    columns: ColumnsSpec = Field(ColumnsSpec(), description="roles that types don't tell")
    training: TrainingSpec = Field(TrainingSpec(), description="what is learned from, and how")
    comparison: ComparisonSpec = Field(ComparisonSpec(), description="how versions are compared")
    gates: tuple[Gate, ...] = Field(
        (BeatsConstant(), NonInferior()),
        min_length=1,
        max_length=64,
        description="the conditions of a promotion; all must pass",
    )
    checks: ChecksSpec = Field(ChecksSpec(), description="what data may look like")
    champion: ChampionSpec = Field(ChampionSpec(), description="what production expects")
    scores: ScoresSpec = Field(ScoresSpec(), description="batches: their tests, and where they go")
    deploy: Deploy = Field(
        ("batch",), description="batch: a batch a frame; realtime: also a generated scorer, tested"
    )
    realtime: RealtimeSpec = Field(RealtimeSpec(), description="what the generated scorer does")
    approval: Approval = Field(
        "automatic", description="manual: a passed verdict waits for model-refresh promote"
    )
    schedule: ScheduleSpec = Field(ScheduleSpec(), description="when a refresh starts by itself")
    triggers: TriggersSpec = Field(TriggersSpec(), description="what else starts a refresh")
    monitoring: MonitoringSpec = Field(
        MonitoringSpec(), description="what is measured of frames and batches in production"
    )
    runs: RunsSpec = Field(RunsSpec(), description="how its runs stand in the queue")
    report: bool = Field(True, description="write an HTML page of each refresh")
