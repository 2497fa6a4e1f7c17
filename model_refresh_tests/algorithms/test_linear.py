import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from model_refresh.algorithms import Linear
from model_refresh.algorithms.linear_terms import FittedLinear, FittedMultinomial
from model_refresh.algorithms.protocol import Parameters, Rows
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh_tests.algorithms.rows import make_rows

_PREDICT = """
import sys, pathlib
from model_refresh.algorithms import Linear
from model_refresh_tests.algorithms.rows import make_matrix
Linear().load(pathlib.Path(sys.argv[1])).predict(make_matrix(rows=10))
print({"sklearn", "scipy", "lightgbm", "threadpoolctl"} & set(sys.modules))
"""


def fit(rows: Rows, **parameters: bool | int | float | str) -> FittedLinear:
    used = {"penalty": 1e-5, **parameters}
    fitted = Linear().fit(rows, task="regression", parameters=used, seed=0, early=None).fitted
    assert isinstance(fitted, FittedLinear)
    return fitted


def test_it_finds_the_law_that_made_the_rows() -> None:
    fitted = fit(make_rows("regression", rows=20_000))
    plain, gappy, idle = fitted.numbers
    assert plain.weight / plain.scale == pytest.approx(1.5, abs=0.05)
    assert idle.weight == pytest.approx(0, abs=0.05)
    assert gappy.missing == pytest.approx(1, abs=0.05)
    weights = fitted.categories[0].weights
    assert weights[2] - weights[1] == pytest.approx(2, abs=0.1)


def test_a_missing_number_counts_as_the_mean_plus_what_its_absence_says() -> None:
    fitted = fit(make_rows("regression"))
    gappy = fitted.numbers[1]
    rows = np.array([[0.0, gappy.centre, 0.0, 1.0], [0.0, np.nan, 0.0, 1.0]])
    known, blank = fitted.predict(Matrix(rows, ("a", "b", "c", "d"), (0, 0, 0, 5)))
    assert blank - known == pytest.approx(gappy.missing)


def test_a_number_never_missing_in_training_may_be_missing_later() -> None:
    fitted = fit(make_rows("regression"))
    assert fitted.numbers[0].missing == 0.0
    rows = np.array([[fitted.numbers[0].centre, 0, 0, 1], [np.nan, 0, 0, 1]])
    known, blank = fitted.predict(Matrix(rows, ("a", "b", "c", "d"), (0, 0, 0, 5)))
    assert blank == known


def test_the_unit_of_a_number_and_of_the_label_does_not_matter() -> None:
    rows = make_rows("regression")
    values = rows.matrix.values * np.array([1e6, 1e-6, 1.0, 1.0]) + np.array([1e9, 5, 0, 0])
    moved = Matrix(values, rows.matrix.names, rows.matrix.categories)
    plain = fit(rows, penalty=0.1).predict(rows.matrix)
    scaled = fit(Rows(moved, 1000 * rows.target - 7), penalty=0.1).predict(moved)
    np.testing.assert_allclose(scaled, 1000 * plain - 7, rtol=1e-6)


def test_one_absurd_value_moves_a_prediction_by_ten_deviations_at_most() -> None:
    fitted = fit(make_rows("regression"))
    rows = np.array([[1e12, 0, 0, 1], [fitted.numbers[0].centre, 0, 0, 1]])
    absurd, usual = fitted.predict(Matrix(rows, ("a", "b", "c", "d"), (0, 0, 0, 5)))
    assert absurd - usual == pytest.approx(10 * fitted.numbers[0].weight)


def test_a_large_lasso_drops_every_term() -> None:
    fitted = fit(make_rows("regression"), penalty=1e3, lasso_share=1.0)
    assert all(term.weight == term.missing == 0 for term in fitted.numbers)
    assert not any(fitted.categories[0].weights)


def test_a_table_without_features_gives_the_mean() -> None:
    rows = Rows(Matrix(np.empty((4, 0)), (), ()), np.array([0.0, 1.0, 2.0, 5.0]))
    assert fit(rows).predict(rows.matrix).tolist() == [2.0] * 4


def test_predicting_needs_no_fitting_library(tmp_path: Path) -> None:
    fit(make_rows("regression")).save(tmp_path)
    told = subprocess.run(
        [sys.executable, "-c", _PREDICT, str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        check=True,
    )
    assert told.stdout.decode().strip() == "set()"


def test_a_penalty_that_is_no_number_is_a_fit_error() -> None:
    with pytest.raises(FitError, match="'penalty' must be a number, not True"):
        fit(make_rows("regression"), penalty=True)


def test_one_that_was_stored_before_there_were_classes_is_read(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(
        '{"categories":[],"intercept":0.5,"numbers":[{"centre":1.0,"column":0,"missing":0.0,'
        '"scale":2.0,"weight":3.0}],"task":"binary"}'
    )
    fitted = Linear().load(tmp_path)
    assert isinstance(fitted, FittedLinear)
    chance = fitted.predict(Matrix(np.array([[3.0]]), ("a",), (0,)))
    assert chance.tolist() == pytest.approx([1 / (1 + np.exp(-3.5))])


def test_it_finds_the_classes_of_the_law_that_made_the_rows() -> None:
    rows = make_rows("multiclass", rows=20_000)
    used: Parameters = {"penalty": 1e-5}
    fitted = Linear().fit(rows, task="multiclass", parameters=used, seed=0, early=None).fitted
    assert isinstance(fitted, FittedMultinomial)
    first, _, last = (form.numbers[0].weight / form.numbers[0].scale for form in fitted.forms)
    assert last == pytest.approx(-first, rel=0.1)
    assert last > 1


def test_a_class_that_was_never_met_is_left_out_of_the_fit() -> None:
    rows = make_rows("multiclass")
    used: Parameters = {"penalty": 1e-3, "lasso_share": 0.0}
    among = replace(rows, target=rows.target * 2, classes=5)
    one = Linear().fit(rows, task="multiclass", parameters=used, seed=0, early=None).fitted
    other = Linear().fit(among, task="multiclass", parameters=used, seed=0, early=None).fitted
    known = other.predict(rows.matrix)[:, ::2] / (1 - 2 * 0.5 / 602.5)
    np.testing.assert_allclose(known, one.predict(rows.matrix), atol=1e-12)
