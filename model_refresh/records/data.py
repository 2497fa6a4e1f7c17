"""Frames, labels, and the dataset that is made of them."""

import datetime as dt
import hashlib
from typing import Literal

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    model_serializer,
)

from model_refresh.records.base import ColumnType, Digest, Instant, Record, Task

ParameterValue = StrictBool | StrictInt | StrictFloat | StrictStr
"""What a model's own parameter may be bound to."""


class Column(Record):
    """A column of a frame: its name as the query gives it, and its type."""

    name: str
    type: ColumnType
    stored_as: str = Field(description="the engine's own type, as read from the Parquet file")


class _Bound(Record):
    """A query with the values of its model's own parameters."""

    values: dict[str, ParameterValue] = Field(
        default_factory=dict,
        description="by parameter: those of a model's for_each that its SQL names",
    )

    @model_serializer(mode="wrap")
    def _without_empty_values(self, handler: SerializerFunctionWrapHandler) -> dict[str, object]:
        """No values leave no trace: the digest is that of the query alone."""
        fields: dict[str, object] = handler(self)
        return fields if self.values else {k: v for k, v in fields.items() if k != "values"}


class FrameQuery(_Bound):
    """How frames are computed; a version keeps its own."""

    sql: str
    key: tuple[str, ...]
    rows: Literal["snapshot", "event"]
    event_time: str | None = None
    every: str


class LabelQuery(_Bound):
    """What is predicted, and when it is known. `sql` None: the label is a column of the frame."""

    sql: str | None
    column: str
    horizon: dt.timedelta
    maturity: dt.timedelta
    missing: Literal["error", "drop"] | float
    classes: tuple[str, ...] = Field((), description="of a multiclass task, in order")


class Definition(Record):
    """What must stay the same for two versions to be comparable, and what a version carries."""

    task: Task
    frame: FrameQuery
    label: LabelQuery

    def question(self) -> str:
        """The digest of what is predicted; a label inside features.sql depends on all of that."""
        inside = self.frame.digest() if self.label.sql is None else ""
        return hashlib.sha256(f"{self.task} {self.label.digest()} {inside}".encode()).hexdigest()


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
    spread: float | None = Field(description="standard deviation; None for labels of classes")
    shares: tuple[float, ...] = Field((), description="each class's share, of a multiclass label")


class LabelledFrame(Record):
    """A frame and its labels: the unit of which datasets are made."""

    frame: Frame
    labels: Labels

    @property
    def as_of(self) -> dt.datetime:
        """The frame's instant."""
        return self.frame.as_of


class FoldPlan(Record):
    """One look into the future: what is learned from, and the later frames that judge it.

    Every label of `tuning` was known at the oldest frame of `validation`.
    """

    tuning: tuple[Instant, ...]
    validation: tuple[Instant, ...]


class FramePlan(Record):
    """Which frames serve what in a refresh at `as_of` (the law of time, point 3).

    `tuning` and `validation` are the newest fold; `earlier` are the folds before it.
    """

    as_of: Instant
    tuning: tuple[Instant, ...]
    validation: tuple[Instant, ...]
    trial: tuple[Instant, ...]
    holdout: tuple[Instant, ...]
    final: tuple[Instant, ...]
    notes: tuple[str, ...] = ()
    earlier: tuple[FoldPlan, ...] = Field((), description="older folds, oldest first")

    @property
    def folds(self) -> tuple[FoldPlan, ...]:
        """Every fold, oldest first."""
        return (*self.earlier, FoldPlan(tuning=self.tuning, validation=self.validation))

    @property
    def validated(self) -> tuple[Instant, ...]:
        """The validation frames of every fold, oldest first."""
        return tuple(instant for fold in self.folds for instant in fold.validation)


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
