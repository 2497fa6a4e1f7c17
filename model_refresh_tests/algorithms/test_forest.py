from pathlib import Path

import numpy as np
import pytest

from model_refresh.algorithms import Forest
from model_refresh.algorithms.protocol import Fitted, Parameters, Rows
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh.records import Task
from model_refresh_tests.algorithms.rows import loss, make_rows


def fit(rows: Rows, forest: Forest, **parameters: int) -> Fitted:
    used: Parameters = {"rounds": 30, **parameters}
    task: Task = "multiclass" if rows.classes else "binary"
    return forest.fit(rows, task=task, parameters=used, seed=0, early=None).fitted


def test_its_ways_grow_other_trees_of_lightgbms_own(tmp_path: Path) -> None:
    rows = make_rows("binary")
    extra, rf = fit(rows, Forest(trees="extra")), fit(rows, Forest(trees="rf"))
    assert not np.array_equal(extra.predict(rows.matrix), rf.predict(rows.matrix))
    extra.save(tmp_path)
    text = (tmp_path / "model.0.txt").read_text()
    assert "[boosting: rf]" in text
    assert "[extra_trees: 1]" in text
    assert "average_output" in text


def test_a_multiclass_task_grows_a_forest_a_class(tmp_path: Path) -> None:
    fit(make_rows("multiclass"), Forest()).save(tmp_path)
    names = sorted(file.name for file in tmp_path.iterdir())
    assert names == ["forest.json", "model.0.txt", "model.1.txt", "model.2.txt"]


def test_probabilities_are_calibrated_where_a_class_is_rare() -> None:
    rows, later = (make_rows("binary", rows=8000, seed=seed) for seed in (0, 1))
    chance = 1 / (1 + np.exp(4 - 2 * later.matrix.values[:, 0]))
    rare = [
        Rows(each.matrix, (np.random.default_rng(seed).random(8000) < base).astype(float))
        for seed, each, base in (
            (2, rows, 1 / (1 + np.exp(4 - 2 * rows.matrix.values[:, 0]))),
            (3, later, chance),
        )
    ]
    predicted = fit(rare[0], Forest()).predict(later.matrix)
    assert predicted.mean() == pytest.approx(chance.mean(), rel=0.1)
    assert loss(chance, predicted) < 0.25 * loss(chance, np.full(8000, chance.mean()))


def test_later_rows_stop_nothing() -> None:
    rows = make_rows("binary")
    one = Forest(rounds=20).fit(rows, task="binary", parameters={}, seed=0, early=rows)
    assert one.parameters["rounds"] == 20
    assert one.curve == ()


def test_a_table_without_features_is_refused() -> None:
    rows = Rows(Matrix(np.empty((4, 0)), (), ()), np.array([0.0, 1.0, 0.0, 1.0]))
    with pytest.raises(FitError, match="no features"):
        fit(rows, Forest())
