import json
import socket
from pathlib import Path

import numpy as np
import pytest

from model_refresh.algorithms import CatBoost
from model_refresh.algorithms.protocol import Fitted, Parameters, Rows
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh_tests.algorithms.rows import make_rows


def fit(rows: Rows, **parameters: bool | int | float | str) -> Fitted:
    used: Parameters = {"rounds": 20, **parameters}
    return CatBoost().fit(rows, task="binary", parameters=used, seed=0, early=None).fitted


def test_the_file_says_nothing_of_the_run(tmp_path: Path) -> None:
    fit(make_rows("binary"), one_hot_max_size=2).save(tmp_path)
    model = json.loads((tmp_path / "model.json").read_text())
    assert sorted(model) == ["ctr_data", "features_info", "oblivious_trees", "scale_and_bias"]
    text = (tmp_path / "model.json").read_text()
    for told in ("guid", "finish_time", "thread_count", "gappy", socket.gethostname()):
        assert told not in text


@pytest.mark.parametrize("size", [2, 255])
def test_categories_are_split_by_statistics_or_one_by_one(tmp_path: Path, size: int) -> None:
    rows = make_rows("binary", rows=2000)
    fitted = fit(rows, one_hot_max_size=size)
    fitted.save(tmp_path)
    assert ("ctr_data" in json.loads((tmp_path / "model.json").read_text())) == (size == 2)
    again = CatBoost().load(tmp_path)
    assert np.array_equal(again.predict(rows.matrix), fitted.predict(rows.matrix))


def test_nothing_is_written_where_it_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    fit(make_rows("binary"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("columns", [[3], [0, 1]])
def test_categories_alone_and_numbers_alone_are_learned_from(columns: list[int]) -> None:
    rows = make_rows("binary")
    matrix = Matrix(
        np.ascontiguousarray(rows.matrix.values[:, columns]),
        tuple(rows.matrix.names[i] for i in columns),
        tuple(rows.matrix.categories[i] for i in columns),
    )
    fitted = fit(Rows(matrix, rows.target))
    assert np.ptp(fitted.predict(matrix)) > 0
    told = fitted.importances()
    assert told is not None
    assert told.shape == (len(columns),)


def test_a_number_missing_only_later_counts_as_the_lowest() -> None:
    rows = make_rows("binary")
    values = rows.matrix.values[:2].copy()
    values[:, 0] = [np.nan, -1e300]
    values[:, 1:] = values[0, 1:]
    blank, lowest = fit(rows).predict(Matrix(values, rows.matrix.names, rows.matrix.categories))
    assert blank == lowest


def test_columns_keep_their_places_whatever_their_kinds() -> None:
    rows = make_rows("binary", rows=3000)
    order = [3, 2, 1, 0]
    turned = Matrix(
        np.ascontiguousarray(rows.matrix.values[:, order]),
        tuple(rows.matrix.names[i] for i in order),
        tuple(rows.matrix.categories[i] for i in order),
    )
    told = fit(Rows(turned, rows.target)).importances()
    assert told is not None
    assert np.argmax(told) == 3
    assert np.argmin(told) == 1
    added = fit(Rows(turned, rows.target)).contributions(turned)
    assert added is not None
    assert np.argmax(added[:, :-1].std(axis=0)) == 3


def test_what_catboost_refuses_is_a_fit_error() -> None:
    with pytest.raises(FitError, match="CatBoost: "):
        fit(make_rows("binary"), depth=70)


def test_early_rows_of_no_known_class_are_refused() -> None:
    rows = make_rows("multiclass")
    train = Rows(rows.matrix, np.minimum(rows.target, 1.0), classes=3)
    early = Rows(rows.matrix, np.full(600, 2.0), classes=3)
    with pytest.raises(FitError, match=r"no row has a class that was learned from: \[0, 1\]"):
        CatBoost().fit(train, task="multiclass", parameters={}, seed=0, early=early)
