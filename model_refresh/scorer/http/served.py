"""What is being served now: a version that has answered its golden rows, or the reason for none."""

import datetime as dt
import math
from dataclasses import dataclass, field
from typing import Self

import msgspec

from model_refresh.scorer.formula.errors import ScorerError
from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.formula.scoring import Scoring
from model_refresh.scorer.golden import CLOSE_ENOUGH, Case, Golden, distance
from model_refresh.scorer.http.answers import Scorer
from model_refresh.scorer.http.facts import NextVersion, libraries
from model_refresh.scorer.http.openapi import openapi
from model_refresh.scorer.http.problems import Refused
from model_refresh.scorer.http.query import NOTHING
from model_refresh.scorer.http.request import Intake
from model_refresh.scorer.http.settings import Settings


class Unready(ScorerError):
    """A version does not answer its golden rows as it must: it is not served."""


@dataclass(frozen=True)
class Served:
    """One version, verified and ready to answer; it is swapped as a whole."""

    scorer: Scorer
    intake: Intake
    settings: Settings
    document: bytes
    golden_rows: int
    furthest: float
    since: dt.datetime | None = None
    libraries: dict[str, str] = field(default_factory=libraries)

    @classmethod
    def made(
        cls,
        formula: Formula,
        golden: Golden,
        settings: Settings,
        *,
        since: dt.datetime | None = None,
    ) -> Self:
        """A version that is ready; `since`: from when on it is the champion, where that is known.

        Raises Unready where it answers a golden row otherwise than the batch did.
        """
        scoring = formula.ready()
        furthest = _require_golden(golden, formula, scoring)
        scorer = Scorer(formula, scoring, settings)
        row = next((case.row for case in golden.cases if case.kind == "real"), golden.rows[0])
        document = openapi(
            formula,
            settings,
            row=row,
            answer=scorer.score(row, NOTHING),
            has_reasons=scorer.has_reasons(row),
        )
        return cls(
            scorer=scorer,
            intake=Intake(formula.inputs),
            settings=settings,
            document=msgspec.json.encode(document),
            golden_rows=len(golden.rows),
            furthest=furthest,
            since=since,
        )

    @property
    def version(self) -> str:
        """The version that answers."""
        return self.scorer.formula.version

    @property
    def digest(self) -> str:
        """The digest of its artifact."""
        return self.scorer.formula.artifact


def _require_golden(golden: Golden, formula: Formula, scoring: Scoring) -> float:
    """How far the furthest golden row is from its batch score; raises Unready for too far."""
    if golden.artifact != formula.artifact or not golden.cases:
        raise Unready(
            f"version {formula.version} has no golden rows of its own: generate the scorer anew"
        )
    distances = [_distance(case, scoring) for case in golden.cases]
    wrong = [place for place, each in enumerate(distances) if not each <= CLOSE_ENOUGH]
    if not wrong:
        return max(distances)
    raise Unready(
        f"version {formula.version} answers {len(wrong)} of {len(distances)} golden rows otherwise "
        f"than its batch did, first row {wrong[0]}, {distances[wrong[0]]:.3g} apart where "
        f"{CLOSE_ENOUGH:g} is allowed: install what requirements.txt names, or generate the scorer "
        "anew"
    )


def _distance(case: Case, scoring: Scoring) -> float:
    try:
        return distance(case.scores, scoring.score(case.row))
    except (ScorerError, ArithmeticError, LookupError, TypeError, ValueError):
        return math.inf


@dataclass
class Serving:
    """What requests look at, once each; `now` is swapped while they are answered.

    `stale`: why a newer version would not be noticed; rows are still scored, but it is not ready.
    """

    now: Served | None = None
    problem: str = "no version is loaded yet: ask again in a moment"
    next: NextVersion | None = None
    shadow: Served | None = None
    shadow_problem: str | None = None
    stale: str | None = None

    def required(self) -> Served:
        """The version that answers; raises Refused, 503, where none does."""
        if self.now is None:
            raise Refused(503, self.problem, headers=(("Retry-After", "1"),))
        return self.now
