"""What every algorithm must keep, whatever it is: subclass it in a test module."""

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from model_refresh.algorithms import AnyAlgorithm, rebuild
from model_refresh.algorithms.protocol import Algorithm, Fitted, Rows
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh.records import Task
from model_refresh_tests.algorithms.rows import (
    CLASSES,
    first,
    loss,
    make_matrix,
    make_rows,
    outcome,
    with_target,
)

_CASES = [(kind, task) for kind in get_args(AnyAlgorithm) for task in get_args(Task)]


def saved(fitted: Fitted, folder: Path) -> dict[str, str]:
    """Name -> sha256 of the files that a fitted model writes."""
    folder.mkdir(exist_ok=True)
    fitted.save(folder)
    files = sorted(folder.iterdir())
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def shares(rows: Rows) -> list[float]:
    """Each class's share of the rows, of those that they have."""
    counts = np.unique(rows.target, return_counts=True)[1]
    return list(counts / rows.target.size)


@pytest.mark.parametrize(("kind", "task"), _CASES)
class AlgorithmContract:
    def fit(
        self, algorithm: Algorithm, rows: Rows, task: Task, early: Rows | None = None
    ) -> Fitted:
        fitted, _ = algorithm.fit(rows, task=task, parameters={"rounds": 30}, seed=7, early=early)
        return fitted

    def test_its_name_and_options_rebuild_it(self, kind: type[AnyAlgorithm], task: Task) -> None:
        algorithm = kind()
        options = algorithm.model_dump(mode="json", exclude={"algorithm"})
        assert rebuild(algorithm.algorithm, options) == algorithm

    def test_every_option_is_described(self, kind: type[AnyAlgorithm], task: Task) -> None:
        assert all(field.description for field in kind.model_fields.values())

    def test_the_space_holds_its_own_start(self, kind: type[AnyAlgorithm], task: Task) -> None:
        for dimension in kind().space(task):
            assert dimension.low <= dimension.start <= dimension.high
            assert not dimension.integer or float(dimension.start).is_integer()

    def test_it_predicts_at_least_as_well_as_the_mean(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        rows, later = make_rows(task), make_rows(task, seed=1)
        predicted = self.fit(kind(), rows, task, make_rows(task, seed=2)).predict(later.matrix)
        actual, mean = outcome(later), outcome(rows).mean(axis=0)
        assert predicted.shape == actual.shape
        assert loss(actual, predicted) <= loss(actual, mean) * 1.001
        assert task == "regression" or ((predicted > 0) & (predicted < 1)).all()

    def test_what_it_saves_predicts_the_same_to_the_bit(
        self, kind: type[AnyAlgorithm], task: Task, tmp_path: Path
    ) -> None:
        fitted = self.fit(kind(), make_rows(task), task)
        matrix = make_matrix(rows=200, seed=3)
        names = saved(fitted, tmp_path)
        again = kind().load(tmp_path)
        assert np.array_equal(again.predict(matrix), fitted.predict(matrix))
        assert saved(again, tmp_path / "again") == names

    def test_it_saves_text_only(self, kind: type[AnyAlgorithm], task: Task, tmp_path: Path) -> None:
        self.fit(kind(), make_rows(task), task).save(tmp_path)
        for file in tmp_path.iterdir():
            assert file.suffix in {".json", ".txt"}
            assert str(tmp_path) not in file.read_text()

    def test_the_same_inputs_give_the_same_bytes_whatever_the_threads(
        self, kind: type[AnyAlgorithm], task: Task, tmp_path: Path
    ) -> None:
        rows = make_rows(task, rows=130_000)
        bytes_of = []
        for threads in (1, 2):
            with threadpool_limits(threads):
                fitted, _ = kind().fit(
                    rows, task=task, parameters={"rounds": 3}, seed=7, early=None
                )
            bytes_of.append(saved(fitted, tmp_path))
        assert bytes_of[0] == bytes_of[1]

    def test_the_returned_parameters_refit_to_the_same_model(
        self, kind: type[AnyAlgorithm], task: Task, tmp_path: Path
    ) -> None:
        rows, early = make_rows(task), make_rows(task, seed=1)
        stopped, used = kind().fit(rows, task=task, parameters={}, seed=7, early=early)
        refitted, reused = kind().fit(rows, task=task, parameters=used, seed=7, early=None)
        assert reused == used
        matrix = make_matrix(rows=100, seed=3)
        np.testing.assert_allclose(refitted.predict(matrix), stopped.predict(matrix), rtol=1e-12)

    def test_a_row_is_predicted_alike_alone_and_among_others(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        fitted = self.fit(kind(), make_rows(task), task)
        matrix = make_matrix(rows=20, seed=3)
        alone = [
            fitted.predict(Matrix(matrix.values[i : i + 1], matrix.names, matrix.categories))[0]
            for i in range(20)
        ]
        assert np.array_equal(fitted.predict(matrix), np.array(alone))

    def test_no_rows_are_predicted_as_none(self, kind: type[AnyAlgorithm], task: Task) -> None:
        fitted = self.fit(kind(), make_rows(task), task)
        empty = (0, CLASSES) if task == "multiclass" else (0,)
        assert fitted.predict(make_matrix(rows=0)).shape == empty

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_a_label_that_is_not_finite_is_refused(
        self, kind: type[AnyAlgorithm], task: Task, bad: float
    ) -> None:
        rows = make_rows(task)
        target = rows.target.copy()
        target[17] = bad
        with pytest.raises(FitError, match="NaN or infinite on 1 of 600 rows"):
            self.fit(kind(), with_target(rows, target), task)

    def test_no_rows_are_refused(self, kind: type[AnyAlgorithm], task: Task) -> None:
        with pytest.raises(FitError, match="no rows"):
            self.fit(kind(), make_rows(task, rows=0), task)

    @pytest.mark.parametrize("value", [0.0, 1.0])
    def test_a_constant_label_is_refused_as_a_class_and_learned_as_a_number(
        self, kind: type[AnyAlgorithm], task: Task, value: float
    ) -> None:
        rows = with_target(make_rows(task), np.full(600, value))
        if task != "regression":
            with pytest.raises(FitError, match=f"all 600 labels are {value:g}"):
                self.fit(kind(), rows, task)
        else:
            predicted = self.fit(kind(), rows, task).predict(rows.matrix)
            np.testing.assert_allclose(predicted, value, atol=1e-12)

    @pytest.mark.parametrize("value", [-1.0, 0.5, 3.0])
    def test_a_label_that_is_no_class_is_refused(
        self, kind: type[AnyAlgorithm], task: Task, value: float
    ) -> None:
        target = np.arange(600) % 2.0
        target[17] = value
        rows = with_target(make_rows(task), target)
        if task != "regression":
            with pytest.raises(FitError, match=f"a {task} label is .*; found {value:g}"):
                self.fit(kind(), rows, task)
        else:
            self.fit(kind(), rows, task)

    def test_every_class_has_its_column_and_one_not_met_counts_half_a_row(
        self, kind: type[AnyAlgorithm], task: Task, tmp_path: Path
    ) -> None:
        if task != "multiclass":
            return
        rows = make_rows(task)
        rows = replace(rows, target=rows.target * 2, classes=6)
        fitted = self.fit(kind(), rows, task, early=rows)
        predicted = fitted.predict(rows.matrix)
        fitted.save(tmp_path)
        assert np.array_equal(kind().load(tmp_path).predict(rows.matrix), predicted)
        assert predicted.shape == (600, 6)
        np.testing.assert_allclose(predicted.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_allclose(predicted[:, [1, 3, 5]], 0.5 / 603, rtol=1e-9)
        np.testing.assert_allclose(predicted.mean(axis=0)[::2], shares(rows), atol=0.02)

    def test_a_class_that_only_later_rows_have_stops_no_search(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        rows, later = make_rows(task), make_rows(task, seed=1)
        if task == "multiclass":
            rows = with_target(rows, np.minimum(rows.target, 1.0))
        assert np.isfinite(self.fit(kind(), rows, task, early=later).predict(later.matrix)).all()

    def test_a_multiclass_task_must_say_how_many_classes(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        if task != "multiclass":
            return
        with pytest.raises(FitError, match="how many classes; met 0"):
            self.fit(kind(), replace(make_rows(task), classes=0), task)

    @pytest.mark.parametrize("count", [2, 5, 30])
    def test_few_rows_are_learned_from(
        self, kind: type[AnyAlgorithm], task: Task, count: int
    ) -> None:
        rows = first(make_rows(task), count)
        rows = with_target(rows, np.arange(count) % 2.0)
        assert np.isfinite(self.fit(kind(), rows, task, early=rows).predict(rows.matrix)).all()

    @pytest.mark.parametrize("fill", [np.nan, 0.0, 1e300, -1e300])
    def test_columns_that_say_nothing_are_survived(
        self, kind: type[AnyAlgorithm], task: Task, fill: float
    ) -> None:
        rows = make_rows(task)
        values = np.column_stack([rows.matrix.values, np.full(600, fill)])
        matrix = Matrix(values, (*rows.matrix.names, "blank"), (*rows.matrix.categories, 0))
        predicted = self.fit(kind(), replace(rows, matrix=matrix), task).predict(matrix)
        assert np.isfinite(predicted).all()

    def test_values_far_from_any_seen_are_predicted(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        fitted = self.fit(kind(), make_rows(task), task)
        far = np.array([[1e300, -1e300, 1e18, 0.0], [np.nan] * 4, [-1e300, 0.0, 0.0, np.nan]])
        matrix = Matrix(far, make_matrix().names, make_matrix().categories)
        assert np.isfinite(fitted.predict(matrix)).all()
