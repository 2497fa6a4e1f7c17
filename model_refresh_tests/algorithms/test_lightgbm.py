import re
from pathlib import Path

import numpy as np
import pytest

from model_refresh.algorithms import LightGBM
from model_refresh.algorithms.protocol import Parameters, Rows, number
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh_tests.algorithms.rows import loss, make_rows


def fit_text(folder: Path, **parameters: bool | int | float | str) -> str:
    used: Parameters = {"rounds": 5, **parameters}
    fit = LightGBM().fit(make_rows("binary"), task="binary", parameters=used, seed=0, early=None)
    fit.fitted.save(folder)
    return (folder / "model.txt").read_text()


def test_features_are_named_by_place_and_names_never_reach_the_file(tmp_path: Path) -> None:
    text = fit_text(tmp_path)
    assert "feature_names=f0 f1 f2 f3\n" in text
    assert "gappy" not in text


def test_the_file_says_nothing_of_the_machine(tmp_path: Path) -> None:
    assert "[num_threads: 0]" in fit_text(tmp_path)


def test_categories_are_split_natively(tmp_path: Path) -> None:
    assert re.search(r"^num_cat=[1-9]", fit_text(tmp_path, min_data_in_leaf=5), re.MULTILINE)


def test_early_stopping_finds_fewer_rounds_than_allowed_and_returns_them() -> None:
    rows, early = make_rows("regression"), make_rows("regression", seed=1)
    algorithm = LightGBM(rounds=5000)
    fit = algorithm.fit(rows, task="regression", parameters={}, seed=0, early=early)
    found = int(number(fit.parameters, "rounds"))
    assert 1 < found < 1000
    best = loss(early.target, fit.fitted.predict(early.matrix))
    for rounds in (found // 4, found * 4):
        used = fit.parameters | {"rounds": rounds}
        other = algorithm.fit(rows, task="regression", parameters=used, seed=0, early=None)
        assert loss(early.target, other.fitted.predict(early.matrix)) > best


def test_rounds_are_capped_by_the_option_while_searching() -> None:
    rows, early = make_rows("regression"), make_rows("regression", seed=1)
    fit = LightGBM(rounds=3).fit(rows, task="regression", parameters={}, seed=0, early=early)
    assert fit.parameters["rounds"] == 3


def test_a_category_never_seen_is_predicted_like_an_unknown_one() -> None:
    rows = make_rows("binary")
    assert (rows.matrix.values[:, 3] == 4).any()
    seen = np.where(rows.matrix.values[:, 3] == 4, 1, rows.matrix.values[:, 3])
    values = np.column_stack([rows.matrix.values[:, :3], seen])
    learned = Rows(Matrix(values, rows.matrix.names, rows.matrix.categories), rows.target)
    fit = LightGBM().fit(learned, task="binary", parameters={"rounds": 10}, seed=0, early=None)
    assert np.isfinite(fit.fitted.predict(rows.matrix)).all()


def test_another_seed_grows_other_trees(tmp_path: Path) -> None:
    rows = make_rows("binary")
    parameters: Parameters = {"rounds": 5}
    one, other = (
        LightGBM().fit(rows, task="binary", parameters=parameters, seed=seed, early=None).fitted
        for seed in (0, 1)
    )
    assert not np.array_equal(one.predict(rows.matrix), other.predict(rows.matrix))


def test_a_table_without_features_is_refused() -> None:
    rows = Rows(Matrix(np.empty((4, 0)), (), ()), np.array([0.0, 1.0, 0.0, 1.0]))
    with pytest.raises(FitError, match="no features"):
        LightGBM().fit(rows, task="binary", parameters={}, seed=0, early=None)


def test_parameters_that_lightgbm_refuses_are_a_fit_error() -> None:
    with pytest.raises(FitError, match="LightGBM: "):
        LightGBM().fit(
            make_rows("binary"),
            task="binary",
            parameters={"rounds": 5, "feature_fraction": 7.0},
            seed=0,
            early=None,
        )


def test_rounds_that_are_no_number_are_a_fit_error() -> None:
    with pytest.raises(FitError, match="'rounds' must be a number, not 'many'"):
        LightGBM().fit(
            make_rows("binary"), task="binary", parameters={"rounds": "many"}, seed=0, early=None
        )


def test_a_round_grows_a_tree_for_each_class_and_stops_early(tmp_path: Path) -> None:
    rows, early = make_rows("multiclass"), make_rows("multiclass", seed=1)
    fit = LightGBM(rounds=5000).fit(rows, task="multiclass", parameters={}, seed=0, early=early)
    rounds = int(number(fit.parameters, "rounds"))
    fit.fitted.save(tmp_path)
    text = (tmp_path / "model.txt").read_text()
    assert "objective=multiclass num_class:3" in text
    assert text.count("\nTree=") == 3 * rounds
    assert 1 < rounds < 1000
