"""A small formula that takes every type of input, with golden rows, and an app that serves it."""

import datetime as dt
import math
from collections.abc import Mapping

from model_refresh.scorer.formula.encoding import Category, Feature, Moment, Number
from model_refresh.scorer.formula.formula import Formula, Input, Member
from model_refresh.scorer.formula.linear import CategoryTerm, LinearForm, NumberTerm, Sum
from model_refresh.scorer.formula.links import Chance, Classes, Link, Softmax
from model_refresh.scorer.formula.links import Value as ValueLink
from model_refresh.scorer.golden import Case, Golden, Value
from model_refresh.scorer.http.served import Served, Serving
from model_refresh.scorer.http.settings import Settings

PLANS = ("basic", "gold: yearly", "école")
ROW: dict[str, Value] = {
    "plan": "basic",
    "visits": 3,
    "spend": 12.5,
    "is active": True,
    "born": "1980-02-29",
    "seen": "2026-03-02T12:30:00",
}
SINCE = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
ONE = "a" * 64

_INPUTS = (
    Input("plan", "text", PLANS),
    Input("visits", "integer"),
    Input("spend", "number"),
    Input("is active", "boolean"),
    Input("born", "date"),
    Input("seen", "timestamp"),
    Input("note", "text", ("x",), used=False),
)
_ENCODING: tuple[Feature, ...] = (
    Category("plan", "text", PLANS),
    Number("visits", "integer"),
    Number("spend", "number"),
    Number("is active", "boolean"),
    Moment("born", "date", ("day",)),
    Moment("seen", "timestamp", ("day", "minute")),
)
_COLUMNS = 7


def make_formula(
    *, task: str = "binary", classes: tuple[str, ...] = (), artifact: str = ONE, level: float = 0.0
) -> Formula:
    """Linear in all that it takes; `level` moves every score, `artifact` names the version."""
    links: Mapping[str, Link] = {
        "binary": Chance(),
        "regression": ValueLink(),
        "multiclass": Softmax(Classes(len(classes), tuple(range(len(classes))))),
    }
    sums = tuple(_sum(level + place, place + 1) for place in range(len(classes) or 1))
    return Formula(
        model="churn",
        version=artifact[:16],
        artifact=artifact,
        task=task,  # type: ignore[arg-type]
        classes=classes,
        inputs=_INPUTS,
        encodings=(_ENCODING,),
        members=(Member("linear", 1.0, 0, LinearForm(sums, links[task])),),
    )


def make_golden(formula: Formula, *, off: float = 0.0, rows: int = 3) -> Golden:
    """Rows with the scores that the formula gives them, the last one `off` by so much."""
    scoring = formula.ready()
    made = [ROW | {"visits": visits} for visits in range(rows)]
    scores = [scoring.score(row) for row in made]
    scores[-1] = (scores[-1][0] + off, *scores[-1][1:])
    cases = [Case(row, each, "real") for row, each in zip(made, scores, strict=True)]
    return Golden(formula.model, formula.version, formula.artifact, formula.classes, tuple(cases))


def make_served(formula: Formula | None = None, settings: Settings | None = None) -> Served:
    """A version that is ready."""
    formula = formula or make_formula()
    return Served.made(formula, make_golden(formula), settings or Settings(), since=SINCE)


def make_serving(formula: Formula | None = None, settings: Settings | None = None) -> Serving:
    """What an app answers with: one version."""
    return Serving(make_served(formula, settings))


def chance(formula: Formula, row: Mapping[str, object]) -> float:
    """The score of a row, by the formula itself."""
    (score,) = formula.ready().score(row)
    assert math.isfinite(score)
    return score


def _sum(intercept: float, slope: float) -> Sum:
    numbers = [
        NumberTerm(column, 0.0, 1000.0, 0.1 * slope * column, 0.05, 10.0, 0.0)
        for column in range(1, _COLUMNS)
    ]
    plan = CategoryTerm(0, (0.3 * slope, 0.1, 0.2 * slope, -0.1, 0.0), 0.1)
    return Sum(intercept, tuple(numbers), (plan,))
