"""What a row is answered: its score, what was odd about it, and what was asked for beside it."""

import math
from collections.abc import Sequence
from typing import Self

import msgspec
from msgspec import UNSET, Struct, UnsetType

from model_refresh.scorer.formula.errors import ReasonsUnavailable, RefusedValue
from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.formula.scoring import Scoring
from model_refresh.scorer.formula.values import Row
from model_refresh.scorer.http.problems import FieldProblem, Refused, cut, refused_fields, shown
from model_refresh.scorer.http.query import Asked
from model_refresh.scorer.http.settings import Settings
from model_refresh.scorer.http.strict import WHOLE

Score = float | dict[str, float]
"""The probability of class 1, or the expected value; of classes, the probability of each."""


class CategoryWarning(Struct, frozen=True):
    """A category that was not learned from, cut where it is long."""

    field: str
    value: str
    detail: str


class Reason(Struct, frozen=True):
    """What one feature adds to the score, on the scale of `Reasons`."""

    feature: str
    adds: float


class Reasons(Struct, frozen=True):
    """The largest contributions; with `base` and `others` they sum to the score on this scale."""

    scale: str
    base: float
    largest: tuple[Reason, ...]
    others: float


class ShadowScore(Struct, frozen=True):
    """The score of a version that stands beside the champion, for comparison only.

    None where that version can't score the row.
    """

    version: str
    score: Score | None


class RowAnswer(Struct, frozen=True):
    """The answer to one row; `shadow` is null where no other version is loaded."""

    score: Score
    warnings: tuple[CategoryWarning, ...] | UnsetType = UNSET
    reasons: Reasons | UnsetType = UNSET
    shadow: ShadowScore | UnsetType | None = UNSET


class Answer(Struct, frozen=True):
    """The answer to one row, and the one version that gave it."""

    score: Score
    model: str
    version: str
    digest: str
    warnings: tuple[CategoryWarning, ...] | UnsetType = UNSET
    reasons: Reasons | UnsetType = UNSET
    shadow: ShadowScore | UnsetType | None = UNSET


class BatchAnswer(Struct, frozen=True):
    """The answers to the rows of a batch, in their order, all by one version."""

    scores: tuple[RowAnswer, ...]
    model: str
    version: str
    digest: str

    @classmethod
    def of(cls, answers: Sequence[Answer], formula: Formula) -> Self:
        """The answers to the rows of one batch in one."""
        rows = [RowAnswer(each.score, each.warnings, each.reasons, each.shadow) for each in answers]
        return cls(tuple(rows), formula.model, formula.version, formula.artifact)


class Scorer:
    """A formula that answers rows as its settings say."""

    def __init__(self, formula: Formula, scoring: Scoring, settings: Settings) -> None:
        self.formula, self.scoring = formula, scoring
        self._refuses = settings.unknown_category == "refuse"

    def score(
        self, row: Row, asked: Asked, *, shadow: "Scorer | None" = None, place: str = ""
    ) -> Answer:
        """The whole answer to a row; raises Refused, naming fields below `place`."""
        warnings = self._warnings(row, place)
        beside = None if shadow is None else shadow.beside(row)
        formula = self.formula
        return Answer(
            self._score(row, place),
            formula.model,
            formula.version,
            formula.artifact,
            warnings,
            self._reasons(row, asked.reasons, place) if asked.reasons else UNSET,
            beside if asked.shadow else UNSET,
        )

    def beside(self, row: Row) -> ShadowScore:
        """The same row scored for comparison; what can't be scored takes nothing away."""
        try:
            return ShadowScore(self.formula.version, self._score(row, ""))
        except Refused:
            return ShadowScore(self.formula.version, None)

    def has_reasons(self, row: Row) -> bool:
        """Whether reasons can be told, as of this row."""
        try:
            self.scoring.reasons(row)
        except ReasonsUnavailable:
            return False
        return True

    def _score(self, row: Row, place: str) -> Score:
        try:
            scores = self.scoring.score(row)
        except RefusedValue as error:
            raise refused_fields([FieldProblem(_at(place, error.field), error.problem)]) from None
        except ArithmeticError:
            scores = (math.nan,)
        for score in scores:
            if not math.isfinite(score):
                told = "its values are so extreme that the score is no finite number"
                raise refused_fields([FieldProblem(place or WHOLE, told)])
        if classes := self.formula.classes:
            return dict(zip(classes, scores, strict=True))
        return scores[0]

    def _warnings(self, row: Row, place: str) -> tuple[CategoryWarning, ...] | UnsetType:
        unknown = self.scoring.unknown(row)
        if not unknown:
            return UNSET
        if self._refuses:
            told = "{} was not learned from, and unknown categories are refused: see /model"
            raise refused_fields(
                [FieldProblem(_at(place, name), told.format(shown(row[name]))) for name in unknown]
            )
        told = "not learned from: scored as an unknown category"
        return tuple(CategoryWarning(name, cut(row[name]), told) for name in unknown)

    def _reasons(self, row: Row, most: int, place: str) -> Reasons:
        try:
            *added, (_, base) = self.scoring.reasons(row).items()
        except ReasonsUnavailable as error:
            raise Refused(422, str(error), errors=[FieldProblem("reasons", str(error))]) from None
        except RefusedValue as error:
            raise refused_fields([FieldProblem(_at(place, error.field), error.problem)]) from None
        if not all(math.isfinite(value) for _, value in (*added, ("", base))):
            told = "its values are so extreme that reasons are no finite numbers"
            raise refused_fields([FieldProblem(place or WHOLE, told)])
        added.sort(key=lambda pair: (-abs(pair[1]), pair[0]))
        return Reasons(
            "value" if self.formula.task == "regression" else "log odds of 1",
            base,
            tuple(Reason(name, value) for name, value in added[:most]),
            math.fsum(value for _, value in added[most:]),
        )


def _at(place: str, field: str) -> str:
    return f"{place}.{field}" if place else field


def encode(answer: Answer | BatchAnswer) -> bytes:
    """The JSON of an answer."""
    return _ENCODER.encode(answer)


_ENCODER = msgspec.json.Encoder()
