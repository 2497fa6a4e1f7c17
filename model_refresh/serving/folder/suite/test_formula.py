"""The formula gives every golden row the score that a batch gives it."""

from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.formula.scoring import Scoring
from model_refresh.scorer.golden import Golden


def test_the_golden_rows_are_of_this_formula_s_version(formula: Formula, golden: Golden) -> None:
    assert (golden.model, golden.version) == (formula.model, formula.version)
    assert golden.artifact == formula.artifact
    assert golden.cases


def test_each_golden_row_is_scored_as_in_a_batch(scoring: Scoring, golden: Golden) -> None:
    assert golden.disagreements(scoring.score) == []


def test_a_formula_survives_its_own_text(formula: Formula) -> None:
    assert Formula.decode(formula.encode()) == formula
