"""Forms at the edges: columns that cancel out, a chance that is cut, names, and no columns."""

import math

import pytest

from model_refresh.scorer.formula.encoding import Feature, Moment, Number
from model_refresh.scorer.formula.forms import ConstantForm, Form, NaiveForm
from model_refresh.scorer.formula.formula import Formula, Input, Member
from model_refresh.scorer.formula.links import Level
from model_refresh.scorer.formula.tree_sums import TreesForm, TreeSum
from model_refresh.scorer.formula.trees import Trees

BASE = 0.25


def make_stumps(*steps: float) -> TreesForm:
    """One stump a column around a chance of 0.25: below 0 it takes a step off, above it adds it."""
    count = len(steps)
    trees = Trees(
        columns=count,
        roots=tuple(range(count)),
        feature=tuple(range(count)),
        threshold=(0.0,) * count,
        left=tuple(~(2 * i) for i in range(count)),
        right=tuple(~(2 * i + 1) for i in range(count)),
        flags=(0,) * count,
        leaves=tuple(step for each in steps for step in (-each, each)),
        node_covers=(10.0,) * count,
        leaf_covers=(5.0,) * (2 * count),
    )
    return TreesForm((TreeSum(trees, start=BASE),), Level(1e-6))


def log_odds(chance: float) -> float:
    return math.log(chance / (1 - chance))


def test_columns_that_cancel_each_other_out_add_by_the_slope_at_the_base() -> None:
    told = make_stumps(0.1, -0.1).ready().reasons([1.0, 1.0])
    slope = 1 / (BASE * (1 - BASE))
    assert told == pytest.approx([0.1 * slope, -0.1 * slope, log_odds(BASE)])


def test_columns_of_a_chance_add_up_to_its_log_odds() -> None:
    told = make_stumps(0.1, 0.05).ready().reasons([1.0, -1.0])
    assert sum(told) == pytest.approx(log_odds(BASE + 0.05))
    assert told[0] == pytest.approx(-2 * told[1])


def test_a_chance_that_is_cut_has_the_log_odds_of_the_cut() -> None:
    told = make_stumps(0.7, 0.4).ready().reasons([1.0, 1.0])
    assert make_stumps(0.7, 0.4).ready().scores([1.0, 1.0]) == (1 - 1e-6,)
    assert sum(told) == pytest.approx(log_odds(1 - 1e-6))


def make_formula(form: Form, *features: Feature) -> Formula:
    inputs = tuple(Input(each.name, each.type) for each in features)
    return Formula(
        model="spend",
        version="0" * 16,
        artifact="0" * 64,
        task="regression",
        classes=(),
        inputs=inputs,
        encodings=(features,),
        members=(Member("naive", 1.0, 0, form),),
    )


def test_the_base_has_a_name_that_no_feature_has() -> None:
    form = NaiveForm(column=0, mean=2.0)
    scoring = make_formula(form, Number("base", "number"), Number("base_", "number")).ready()
    assert scoring.reasons({"base": 5.0, "base_": 1.0}) == {
        "base": 3.0,
        "base_": 0.0,
        "base__": 2.0,
    }
    assert scoring.reasons({"base": None, "base_": 1.0})["base"] == 0.0


def test_what_reads_nothing_scores_an_empty_row() -> None:
    scoring = make_formula(ConstantForm((7.0,), base=7.0)).ready()
    assert scoring.score({}) == (7.0,)
    assert scoring.reasons({}) == {"base": 7.0}
    assert scoring.unknown({}) == []


def test_a_date_without_parts_is_asked_for_and_becomes_no_column() -> None:
    form = NaiveForm(column=0, mean=2.0)
    scoring = make_formula(form, Moment("born", "date", ()), Number("age", "integer")).ready()
    assert scoring.score({"born": "1970-01-01", "age": 3}) == (3.0,)
