"""What is fitted: recipes, lineages, candidates."""

import datetime as dt
from typing import Literal

from pydantic import Field

from model_refresh.records.base import Digest, Instant, Record
from model_refresh.records.data import Column, Definition, LabelledFrame
from model_refresh.records.evidence import Slice


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

    @property
    def learned_until(self) -> dt.datetime:
        """`known_at`, but never before the labels of its own frames were known.

        What a lineage says of itself is not believed where its frames say more.
        """
        maturity = self.definition.label.maturity
        each = [max(p.labels.known_at, p.labels.until + maturity) for p in self.frames]
        return max([self.known_at, *each])


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
    weak: tuple[Slice, ...] = Field((), description="where it did worst on the validation rows")
    repeatable: bool = Field(True, description="false when `seconds` cut the tuning short")
