"""What is fitted: recipes, lineages, candidates."""

import datetime as dt
from typing import Literal

from pydantic import Field, JsonValue

from model_refresh.records.base import Digest, Instant, Record
from model_refresh.records.data import Column, Definition, LabelledFrame
from model_refresh.records.encoding import Encoding
from model_refresh.records.evidence import Slice

Parameters = dict[str, bool | int | float | str]
"""What tuning chose; plain JSON values."""

WINDOW = "window"
"""The parameter that says how many frames are learned from."""
HALF_LIFE = "half_life_days"
"""The parameter that says at what age, in days, a row counts half; 0: never."""


class Recipe(Record):
    """An algorithm with everything that tuning chose: refitting it needs rows, nothing else."""

    algorithm: str = Field(description="or `ensemble`, `recalibrated`: what has members")
    options: dict[str, bool | int | float | str | None] = Field(description="as declared")
    parameters: Parameters = Field(description="as tuned")
    features: tuple[Column, ...]
    categorical: tuple[str, ...]
    seed: int
    encoding: Encoding = Field(Encoding(), description="how columns become numbers")
    calibration: str = Field("none", description="the method of calibration")
    calibrator: dict[str, JsonValue] | None = Field(
        None, description="the trial twin's; the final twin has its own, by the same method"
    )
    members: tuple["Member", ...] = Field((), description="of a recipe that mixes others")

    @property
    def window(self) -> int | None:
        """How many of the newest frames are learned from; None: all that there are."""
        window = self.parameters.get(WINDOW)
        return None if window is None else int(window)

    @property
    def half_life(self) -> dt.timedelta | None:
        """The age at which a row counts half; None: all rows count alike."""
        days = float(self.parameters.get(HALF_LIFE, 0.0))
        return dt.timedelta(days=days) if days else None

    @property
    def own_parameters(self) -> dict[str, bool | int | float | str]:
        """Those parameters that are the algorithm's business."""
        return {k: v for k, v in self.parameters.items() if k not in (WINDOW, HALF_LIFE)}


class Member(Record):
    """One recipe of several that are mixed, and its share of the mean."""

    recipe: Recipe
    weight: float = Field(gt=0, le=1)


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
    """One set of parameters that tuning tried, and its mean loss over the validation folds.

    The loss is infinite where the fit failed, and where it was given up (`pruned`) because it had
    fallen too far behind on the first folds.
    """

    parameters: Parameters
    loss: float
    pruned: bool = False
    failure: str | None = None


class Candidate(Record):
    """A recipe fitted in this refresh, or the reason why it could not be."""

    as_of: Instant
    name: str
    dataset: Digest
    failure: str | None = None
    dropped: str | None = Field(None, description="why it does not take part, where it could")
    recipe: Recipe | None = None
    version: str | None = Field(None, description="the trial twin")
    validation: dict[str, float] = Field(
        default_factory=dict, description="metric -> mean of its values on the validation folds"
    )
    folds: tuple[dict[str, float], ...] = Field(
        (), description="those values, newest fold first; fewer where fewer are legal for it"
    )
    trials: tuple[Trial, ...] = ()
    search: Literal["cold", "narrow", "wide"] = Field(
        "cold", description="cold: nothing was remembered; narrow: around what was"
    )
    kept: tuple[Parameters, ...] = Field(
        (), description="the best trials' parameters, best first, whose predictions are stored"
    )
    predictions: Digest | None = Field(None, description="of the validation folds' rows")
    learned: dict[str, float] = Field(
        default_factory=dict, description="feature -> share of what it leans on; the largest ones"
    )
    steady: bool = Field(
        False,
        description="it selected nothing: chosen unless another is clearly better",
    )
    note: str | None = Field(None, description="why it is calibrated, or mixed, as it is")
    weak: tuple[Slice, ...] = Field((), description="where it did worst on the validation rows")
    repeatable: bool = Field(True, description="false when `seconds` cut the tuning short")

    @property
    def absence(self) -> str | None:
        """Why it was not fitted: what went wrong, or why it stayed away."""
        return self.failure or self.dropped
