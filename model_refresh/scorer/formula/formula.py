"""The formula of a version: its encodings, its members with their weights, its calibrator."""

from typing import Literal, Self

import msgspec
from msgspec import Struct

from model_refresh.scorer.formula.calibrators import Calibrator
from model_refresh.scorer.formula.encoding import Feature
from model_refresh.scorer.formula.errors import FormulaError
from model_refresh.scorer.formula.forms import Form
from model_refresh.scorer.formula.scoring import Scoring

Task = Literal["binary", "regression", "multiclass"]
InputType = Literal["boolean", "integer", "number", "text", "date", "timestamp"]

FORMAT = 1
"""Of the formulas that this scorer reads and writes."""


class Input(Struct, frozen=True, forbid_unknown_fields=True):
    """A raw value of a row, as the features query gives it.

    `categories` are those that were learned from, as text; None where it is no category. One that
    is not `used` may be left out and changes nothing: the query has it, no member wanted it.
    """

    name: str
    type: InputType
    categories: tuple[str, ...] | None = None
    used: bool = True


class Member(Struct, frozen=True, forbid_unknown_fields=True):
    """A model and its share of the weighted mean; `encoding` is a place in `Formula.encodings`."""

    algorithm: str
    weight: float
    encoding: int
    form: Form


class Formula(Struct, frozen=True, forbid_unknown_fields=True):
    """All that scoring with a version needs, as data; `artifact` is the version's digest.

    `classes` are those of a multiclass task, in order; empty otherwise. Weights sum to 1. The
    calibrator follows the mean of the members' scores; None: they stay as they are.
    """

    model: str
    version: str
    artifact: str
    task: Task
    classes: tuple[str, ...]
    inputs: tuple[Input, ...]
    encodings: tuple[tuple[Feature, ...], ...]
    members: tuple[Member, ...]
    calibrator: Calibrator | None = None
    format: int = FORMAT

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The formula that `encode` wrote; raises FormulaError for anything else."""
        try:
            formula = msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FormulaError(f"no formula that this scorer reads: {error}") from error
        if formula.format != FORMAT:
            raise FormulaError(
                f"a formula of format {formula.format}; this scorer reads format {FORMAT}"
            )
        known = range(len(formula.encodings))
        if not formula.members or any(each.encoding not in known for each in formula.members):
            raise FormulaError("no formula that this scorer reads: a member has no encoding")
        return formula

    def encode(self) -> bytes:
        """Its one JSON text: the same formula, the same bytes."""
        return msgspec.json.encode(self)

    def ready(self) -> Scoring:
        """The formula made ready to score with."""
        return Scoring(self)
