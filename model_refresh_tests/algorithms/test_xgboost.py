from pathlib import Path

import numpy as np
import pytest

from model_refresh.algorithms import XGBoost
from model_refresh.algorithms.protocol import Fitted, Parameters, Rows
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh_tests.algorithms.rows import make_rows


def fit(rows: Rows, **parameters: bool | int | float | str) -> Fitted:
    used: Parameters = {"rounds": 20, **parameters}
    return XGBoost().fit(rows, task="binary", parameters=used, seed=0, early=None).fitted


def test_features_are_named_by_place_and_the_machine_is_not_named(tmp_path: Path) -> None:
    fit(make_rows("binary")).save(tmp_path)
    text = (tmp_path / "model.json").read_text()
    assert '"feature_names":["f0","f1","f2","f3"]' in text
    for told in ("gappy", "nthread", "best_iteration"):
        assert told not in text


def test_categories_are_split_natively(tmp_path: Path) -> None:
    fit(make_rows("binary", rows=2000), min_child_weight=1.0).save(tmp_path)
    text = (tmp_path / "model.json").read_text()
    assert '"feature_types":["q","q","q","c"]' in text
    assert '"categories_nodes":[]' not in text or '"categories_nodes":[0' in text


def test_a_category_never_seen_is_predicted() -> None:
    rows = make_rows("binary")
    seen = np.where(rows.matrix.values[:, 3] == 4, 1, rows.matrix.values[:, 3])
    values = np.column_stack([rows.matrix.values[:, :3], seen])
    learned = Rows(Matrix(values, rows.matrix.names, rows.matrix.categories), rows.target)
    assert np.isfinite(fit(learned).predict(rows.matrix)).all()


def test_a_sure_prediction_is_never_certain() -> None:
    rows = make_rows("binary")
    sure = Rows(rows.matrix, (rows.matrix.values[:, 0] > 0).astype(float))
    certain = {"learning_rate": 1.0, "min_child_weight": 0.0, "reg_lambda": 0.0, "rounds": 200}
    predicted = fit(sure, **certain).predict(rows.matrix)
    assert 0 < predicted.min() < predicted.max() < 1


def test_what_xgboost_refuses_is_a_fit_error() -> None:
    with pytest.raises(FitError, match="XGBoost: "):
        fit(make_rows("binary"), subsample=7.0)


def test_a_table_without_features_is_refused() -> None:
    rows = Rows(Matrix(np.empty((4, 0)), (), ()), np.array([0.0, 1.0, 0.0, 1.0]))
    with pytest.raises(FitError, match="no features"):
        fit(rows)


@pytest.mark.parametrize("huge", [2e38, 3.4e38, 1e300, -3.4e38, -1e300])
def test_its_form_knows_a_split_that_only_nan_is_beyond(huge: float) -> None:
    rng = np.random.default_rng(0)
    values = np.where(rng.random(600) < 0.5, np.nan, huge)
    target = np.isnan(values) ^ (rng.random(600) < 0.1)
    rows = Rows(Matrix(values[:, None], ("a",), (0,)), target.astype(np.float64))
    used: Parameters = {"rounds": 20, "min_child_weight": 1.0}
    fitted = XGBoost().fit(rows, task="binary", parameters=used, seed=0, early=None).fitted
    form = fitted.form()
    assert form is not None
    score = form.ready().scores
    met = [np.nan, huge, 0.0, 1e300, -1e300, 3.4e38, 3.5e38, -3.5e38, 3.4028234663852886e38]
    predicted = fitted.predict(Matrix(np.array(met)[:, None], ("a",), (0,)))
    assert np.ptp(predicted) > 0.1
    np.testing.assert_allclose([score([each])[0] for each in met], predicted, rtol=1e-12)
