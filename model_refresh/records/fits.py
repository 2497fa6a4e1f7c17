"""What is fitted: recipes, lineages, candidates."""

from typing import Literal

from pydantic import Field

from model_refresh.records.base import Digest, Instant, Record
from model_refresh.records.data import Column, Definition, LabelledFrame


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
    repeatable: bool = Field(True, description="false when `seconds` cut the tuning short")
