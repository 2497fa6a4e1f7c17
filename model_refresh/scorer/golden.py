"""Golden rows: rows with the scores that a batch gives them, which every scorer must give too.

They are the judge of a scorer, whichever way it computes: by its formula, over HTTP, by a file.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, Self

import msgspec
from msgspec import Struct

from model_refresh.scorer.formula.errors import FormulaError, ScorerError
from model_refresh.scorer.formula.values import Row

Value = bool | int | float | str | None
"""Of a field, as JSON has it; dates and timestamps are ISO text."""

Kind = Literal["real", "threshold", "category", "bend", "breakpoint", "null", "extreme"]

Answer = float | Sequence[float] | Mapping[str, float]
"""One value; or one a class, in the order of the classes or by their names."""

FORMAT = 1
CLOSE_ENOUGH = 1e-9
"""How far a score may be from the batch's, as `distance` has it."""
LARGE = 1e3
"""A score beyond it in size may be off by more: by what its thirteenth digit says."""

_UNSCORED = (ScorerError, ArithmeticError, LookupError, TypeError, ValueError)


class Case(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A row, the scores that a batch gives it, and why it is here.

    `scores` are one value, or one a class. Of a synthetic row `note` says what was changed in a
    real one.
    """

    row: dict[str, Value]
    scores: tuple[float, ...]
    kind: Kind
    note: str = ""


class Golden(Struct, frozen=True, forbid_unknown_fields=True):
    """The golden rows of a version; `artifact` is its digest.

    `left_out` counts, by kind, the rows that would have been too many, and those without a finite
    score.
    """

    model: str
    version: str
    artifact: str
    classes: tuple[str, ...]
    cases: tuple[Case, ...]
    left_out: dict[str, int] = {}  # msgspec copies it
    format: int = FORMAT

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """The golden rows that `encode` wrote; raises FormulaError for anything else."""
        try:
            golden = msgspec.json.decode(data, type=cls)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FormulaError(f"no golden rows that this scorer reads: {error}") from error
        if golden.format != FORMAT:
            raise FormulaError(
                f"golden rows of format {golden.format}; this scorer reads format {FORMAT}"
            )
        return golden

    def encode(self) -> bytes:
        """Their one JSON text, every number in full: the same rows, the same bytes."""
        return msgspec.json.encode(self, order="deterministic")

    @property
    def rows(self) -> tuple[Row, ...]:
        """The rows alone."""
        return tuple(case.row for case in self.cases)

    @property
    def scores(self) -> tuple[tuple[float, ...], ...]:
        """What each must get."""
        return tuple(case.scores for case in self.cases)

    def disagreements(self, score: Callable[[Row], Answer]) -> list[str]:
        """A sentence for each row that `score` gives another score, or none; empty: it is right."""
        told = (self._disagreement(place, case, score) for place, case in enumerate(self.cases))
        return [sentence for sentence in told if sentence]

    def furthest(self, answers: Iterable[Answer]) -> float:
        """The largest distance of these answers, one a row, from what they must be.

        Infinite where one is no number, or is not of as many classes.
        """
        pairs = zip(self.cases, answers, strict=True)
        distances = (distance(case.scores, self._in_order(told)) for case, told in pairs)
        return max(distances, default=0.0)

    def _disagreement(self, place: int, case: Case, score: Callable[[Row], Answer]) -> str:
        about = f"golden row {place} ({case.kind}{case.note and ': '}{case.note})"
        expected = self._told(case.scores)
        try:
            scores = self._in_order(score(case.row))
        except _UNSCORED as error:
            problem = f"{type(error).__name__}: {error}"
            return f"{about}: batch score {expected}, here none ({problem}), of {case.row}"
        apart = distance(case.scores, scores)
        if apart <= CLOSE_ENOUGH:
            return ""
        return (
            f"{about}: batch score {expected}, here {self._told(scores)}, {apart:.3g} apart where "
            f"{CLOSE_ENOUGH:g} is allowed, of {case.row}"
        )

    def _in_order(self, answer: Answer) -> Sequence[float]:
        """Scores as numbers, in the order of the classes; raises LookupError for a class amiss."""
        if isinstance(answer, int | float):
            return (answer,)
        if isinstance(answer, Mapping):
            if answer.keys() != {*self.classes}:
                raise LookupError(f"scores of {[*answer]}, not of {[*self.classes]}")
            return [answer[name] for name in self.classes]
        return answer

    def _told(self, scores: Sequence[float]) -> str:
        if len(scores) != len(self.classes):
            return ", ".join(map(repr, scores))
        return ", ".join(f"{n} {s!r}" for n, s in zip(self.classes, scores, strict=True))


def distance(expected: Sequence[float], scores: Sequence[float]) -> float:
    """The largest difference of scores; of one beyond `LARGE` in size, times `LARGE` / its size.

    Infinite where one is no finite number, or there are more or fewer than expected.
    """
    if len(expected) != len(scores) or not all(map(math.isfinite, scores)):
        return math.inf
    pairs = zip(expected, scores, strict=True)
    return max((_apart(one, other) for one, other in pairs), default=0.0)


def _apart(expected: float, score: float) -> float:
    if abs(expected) <= LARGE:
        return abs(expected - score)
    return abs(LARGE - score / expected * LARGE)
