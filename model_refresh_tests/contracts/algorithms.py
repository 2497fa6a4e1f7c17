"""What every algorithm must keep, whatever it is.

Subclass `AlgorithmContract` in a test module, parametrised with `cases`.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from model_refresh.algorithms import AnyAlgorithm, XGBoost, rebuild
from model_refresh.algorithms.protocol import (
    Algorithm,
    Fitted,
    Parameters,
    Rows,
    completed,
    number,
)
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh.records import Task
from model_refresh.scorer.formula.errors import ReasonsUnavailable
from model_refresh_tests.algorithms.rows import (
    CLASSES,
    first,
    loss,
    make_known,
    make_matrix,
    outcome,
    repeated,
    with_last,
    with_target,
)
from model_refresh_tests.algorithms.splits import beside_splits

_OPTIONS: dict[str, dict[str, str]] = {"Naive": {"column": "last"}}
"""Options without a default, by class."""


def make_algorithm(kind: type[AnyAlgorithm], **options: object) -> AnyAlgorithm:
    """One with its defaults, and what has none."""
    return kind.model_validate({**_OPTIONS.get(kind.__name__, {}), **options})


def make_quick(kind: type[AnyAlgorithm]) -> AnyAlgorithm:
    """One with few rounds, where it has any."""
    return make_algorithm(kind, **({"rounds": 30} if "rounds" in kind.model_fields else {}))


def cases(kinds: Iterable[type[AnyAlgorithm]]) -> list[tuple[type[AnyAlgorithm], Task]]:
    """Each class with each task that it names: the `kind` and `task` of the contract's tests."""
    return [(kind, task) for kind in kinds for task in make_algorithm(kind).tasks()]


def saved(fitted: Fitted, folder: Path) -> dict[str, str]:
    """Name -> sha256 of the files that a fitted model writes."""
    folder.mkdir(exist_ok=True)
    fitted.save(folder)
    files = sorted(folder.iterdir())
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def twice(rows: Rows, weights: tuple[float, float]) -> Rows:
    """Each row with its label, then by another law: higher, or the last class for the first."""
    target = rows.target
    other = target.max() - target if set(target) <= {0.0, 1.0, 2.0} else target + 5
    both = with_target(
        repeated(rows, np.full(target.size, 2)), np.column_stack([target, other]).ravel()
    )
    return replace(both, weight=np.tile(weights, target.size))


def shares(rows: Rows) -> list[float]:
    """Each class's share of the rows, of those that they have."""
    counts = np.unique(rows.target, return_counts=True)[1]
    return list(counts / rows.target.size)


class AlgorithmContract:
    def fit(
        self, algorithm: Algorithm, rows: Rows, task: Task, early: Rows | None = None
    ) -> Fitted:
        used: Parameters = {"rounds": 30}
        return algorithm.fit(rows, task=task, parameters=used, seed=7, early=early).fitted

    def test_its_name_and_options_rebuild_it(self, kind: type[AnyAlgorithm], task: Task) -> None:
        algorithm = make_algorithm(kind)
        options = algorithm.model_dump(mode="json", exclude={"algorithm"})
        assert rebuild(algorithm.algorithm, options) == algorithm

    def test_every_option_is_described(self, kind: type[AnyAlgorithm], task: Task) -> None:
        assert all(field.description for field in kind.model_fields.values())

    def test_the_space_holds_its_own_start(self, kind: type[AnyAlgorithm], task: Task) -> None:
        for dimension in make_algorithm(kind).space(task):
            assert dimension.low <= dimension.start <= dimension.high
            assert not dimension.integer or float(dimension.start).is_integer()

    def test_its_starts_lie_in_the_space_and_the_first_is_its_start(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        algorithm = make_algorithm(kind)
        space = {dimension.name: dimension for dimension in algorithm.space(task)}
        starts = algorithm.starts(task)
        whole = [completed(tuple(space.values()), start) for start in starts]
        assert whole[0] == completed(tuple(space.values()), {})
        assert all(start not in whole[:i] for i, start in enumerate(whole))
        for name, value in (pair for start in starts for pair in start.items()):
            assert space[name].low <= float(value) <= space[name].high
            assert isinstance(value, int) or not space[name].integer

    def test_without_its_library_it_says_what_to_install(
        self, kind: type[AnyAlgorithm], task: Task, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        algorithm = make_algorithm(kind)
        assert algorithm.missing_library() is None
        monkeypatch.setattr("model_refresh.algorithms.declared.find_spec", lambda name: None)
        if algorithm.library is None:
            assert algorithm.missing_library() is None
            return
        install = f"pip install 'model_refresh[{algorithm.library.extra}]'"
        assert install in (algorithm.missing_library() or "")
        with pytest.raises(FitError, match=re.escape(install)):
            self.fit(algorithm, make_known(task), task)

    def test_it_predicts_at_least_as_well_as_the_mean(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        rows, later = make_known(task), make_known(task, seed=1)
        predicted = self.fit(make_algorithm(kind), rows, task, make_known(task, seed=2)).predict(
            later.matrix
        )
        actual, mean = outcome(later), outcome(rows).mean(axis=0)
        assert predicted.shape == actual.shape
        assert loss(actual, predicted) <= loss(actual, mean) * 1.001
        assert task == "regression" or ((predicted > 0) & (predicted < 1)).all()

    def test_what_it_saves_predicts_the_same_to_the_bit(
        self, kind: type[AnyAlgorithm], task: Task, tmp_path: Path
    ) -> None:
        fitted = self.fit(make_algorithm(kind), make_known(task), task)
        matrix = make_matrix(rows=200, seed=3)
        names = saved(fitted, tmp_path)
        again = make_algorithm(kind).load(tmp_path)
        assert np.array_equal(again.predict(matrix), fitted.predict(matrix))
        assert saved(again, tmp_path / "again") == names

    def test_it_saves_text_only(self, kind: type[AnyAlgorithm], task: Task, tmp_path: Path) -> None:
        self.fit(make_algorithm(kind), make_known(task), task).save(tmp_path)
        for file in tmp_path.iterdir():
            assert file.suffix in {".json", ".txt"}
            assert str(tmp_path) not in file.read_text()

    def test_the_same_inputs_give_the_same_bytes_whatever_the_threads(
        self, kind: type[AnyAlgorithm], task: Task, tmp_path: Path
    ) -> None:
        rows = make_known(task, rows=130_000)
        bytes_of = []
        for threads in (1, 2):
            with threadpool_limits(threads):
                fit = make_algorithm(kind).fit(
                    rows, task=task, parameters={"rounds": 3}, seed=7, early=None
                )
            bytes_of.append(saved(fit.fitted, tmp_path))
        assert bytes_of[0] == bytes_of[1]

    def test_the_returned_parameters_refit_to_the_same_model(
        self, kind: type[AnyAlgorithm], task: Task, tmp_path: Path
    ) -> None:
        rows, early = make_known(task), make_known(task, seed=1)
        fit = make_algorithm(kind).fit(rows, task=task, parameters={}, seed=7, early=early)
        again = make_algorithm(kind).fit(
            rows, task=task, parameters=fit.parameters, seed=7, early=None
        )
        assert again.parameters == fit.parameters
        matrix = make_matrix(rows=100, seed=3)
        np.testing.assert_allclose(
            again.fitted.predict(matrix), fit.fitted.predict(matrix), rtol=1e-12
        )

    def test_a_curve_tells_the_loss_of_each_round_and_is_cut_anywhere(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        rows, early = make_known(task), make_known(task, seed=1)
        fit = make_algorithm(kind).fit(rows, task=task, parameters={}, seed=7, early=early)
        matrix = make_matrix(rows=50, seed=3)
        if not fit.curve:
            assert fit.cut(1) is fit.fitted
            return
        best = int(number(fit.parameters, "rounds"))
        assert fit.curve[best - 1] == min(fit.curve) < fit.curve[0]
        assert np.array_equal(fit.cut(best).predict(matrix), fit.fitted.predict(matrix))
        for rounds in (3, len(fit.curve)):
            used = fit.parameters | {"rounds": rounds}
            again = make_algorithm(kind).fit(rows, task=task, parameters=used, seed=7, early=None)
            assert (again.curve, again.cut(1)) == ((), again.fitted)
            np.testing.assert_allclose(
                again.fitted.predict(matrix), fit.cut(rounds).predict(matrix), rtol=1e-12
            )

    def test_heavy_rows_count_more(self, kind: type[AnyAlgorithm], task: Task) -> None:
        rows = make_known(task)
        heavy, light = (
            self.fit(make_algorithm(kind), twice(rows, weights), task)
            for weights in ((1.8, 0.2), (0.2, 1.8))
        )
        actual = outcome(rows)
        of_heavy, of_light = (loss(actual, each.predict(rows.matrix)) for each in (heavy, light))
        assert of_heavy < of_light

    def test_whole_weights_are_what_repeated_rows_are(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        rows = make_known(task)
        times = np.where(rows.target > rows.target.mean(), 5, 1)
        weighted, copied, plain = (
            self.fit(make_algorithm(kind), each, task).predict(rows.matrix)
            for each in (
                replace(rows, weight=times / times.mean()),
                repeated(rows, times),
                rows,
            )
        )
        assert loss(copied, weighted) < 0.7 * loss(copied, plain)

    @pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf])
    def test_a_weight_that_is_not_positive_is_refused(
        self, kind: type[AnyAlgorithm], task: Task, weight: float
    ) -> None:
        weights = np.ones(600)
        weights[17] = weight
        with pytest.raises(FitError, match=f"weight must be a positive .*; 1 of 600 .* {weight:g}"):
            self.fit(make_algorithm(kind), replace(make_known(task), weight=weights), task)

    def test_rows_that_stop_a_fit_count_alike(
        self, kind: type[AnyAlgorithm], task: Task, tmp_path: Path
    ) -> None:
        early = first(make_known(task, seed=1), 100)
        weighted = replace(early, weight=np.linspace(0.01, 1.99, 100))
        one, other = (
            saved(self.fit(make_algorithm(kind), make_known(task), task, each), tmp_path)
            for each in (early, weighted)
        )
        assert one == other

    def test_importances_are_shares(self, kind: type[AnyAlgorithm], task: Task) -> None:
        told = self.fit(make_algorithm(kind), make_known(task), task).importances()
        if told is not None:
            assert told.shape == (4,)
            assert (told >= 0).all()
            assert told.sum() == pytest.approx(1)
            assert told[[0, 2]].sum() > 0.5

    def test_contributions_add_up_to_the_prediction(
        self, kind: type[AnyAlgorithm], task: Task, tmp_path: Path
    ) -> None:
        fitted = self.fit(make_algorithm(kind), make_known(task), task)
        matrix = make_known(task, rows=200, seed=3).matrix
        told = fitted.contributions(matrix)
        assert told is None or task != "multiclass"
        if told is None:
            return
        form = fitted.predict(matrix)
        form = form if task == "regression" else np.log(form / (1 - form))
        np.testing.assert_allclose(told.sum(axis=1), form, atol=1e-4)
        assert told.shape == (200, 5)
        assert np.ptp(told[:, -1]) < 1e-6
        assert abs(told[:, :-1].sum(axis=1).mean()) < 0.5
        none = fitted.contributions(make_matrix(rows=0))
        assert none is not None
        assert none.shape == (0, 5)
        fitted.save(tmp_path)
        again = make_algorithm(kind).load(tmp_path).contributions(matrix)
        assert again is not None
        assert np.array_equal(again, told)

    def test_a_row_is_predicted_alike_alone_and_among_others(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        fitted = self.fit(make_algorithm(kind), make_known(task), task)
        matrix = make_matrix(rows=20, seed=3)
        alone = [
            fitted.predict(Matrix(matrix.values[i : i + 1], matrix.names, matrix.categories))[0]
            for i in range(20)
        ]
        assert np.array_equal(fitted.predict(matrix), np.array(alone))

    @pytest.mark.parametrize("met", ["all classes", "some classes"])
    def test_its_form_scores_what_it_predicts(
        self, kind: type[AnyAlgorithm], task: Task, met: str
    ) -> None:
        rows = make_known(task)
        if met == "some classes":
            if task != "multiclass":
                return
            rows = replace(rows, target=rows.target * 2, classes=6)
        algorithm = make_algorithm(kind)
        fitted = self.fit(algorithm, rows, task)
        form = fitted.form()
        assert (form is not None) == algorithm.has_form
        if form is None:
            return
        matrix = beside_splits(make_known(task, rows=2000, seed=3).matrix, form)
        predicted = fitted.predict(matrix).reshape(2000, -1)
        score = form.ready().scores
        scores = np.array([score(row) for row in matrix.values.tolist()])
        assert scores.shape == predicted.shape
        np.testing.assert_allclose(scores, predicted, rtol=1e-12, atol=1e-12)

    def test_its_forms_reasons_are_its_contributions(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        fitted = self.fit(make_algorithm(kind), make_known(task), task)
        matrix = make_known(task, rows=50, seed=3).matrix
        form, told = fitted.form(), fitted.contributions(matrix)
        if form is None:
            return
        if task == "multiclass":
            with pytest.raises(ReasonsUnavailable):
                form.ready().reasons(matrix.values[0].tolist())
            return
        if told is None:
            return
        tell = form.ready().reasons
        reasons = np.array([tell(row) for row in matrix.values.tolist()])
        near = 1e-5 if kind is XGBoost else 1e-9  # it tells them in single precision
        np.testing.assert_allclose(reasons, told, rtol=near, atol=near)

    def test_no_rows_are_predicted_as_none(self, kind: type[AnyAlgorithm], task: Task) -> None:
        fitted = self.fit(make_algorithm(kind), make_known(task), task)
        empty = (0, CLASSES) if task == "multiclass" else (0,)
        assert fitted.predict(make_matrix(rows=0)).shape == empty

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
    def test_a_label_that_is_not_finite_is_refused(
        self, kind: type[AnyAlgorithm], task: Task, bad: float
    ) -> None:
        rows = make_known(task)
        target = rows.target.copy()
        target[17] = bad
        with pytest.raises(FitError, match="NaN or infinite on 1 of 600 rows"):
            self.fit(make_algorithm(kind), with_target(rows, target), task)

    def test_no_rows_are_refused(self, kind: type[AnyAlgorithm], task: Task) -> None:
        with pytest.raises(FitError, match="no rows"):
            self.fit(make_algorithm(kind), make_known(task, rows=0), task)

    @pytest.mark.parametrize("value", [0.0, 1.0])
    def test_a_constant_label_is_refused_as_a_class_and_learned_as_a_number(
        self, kind: type[AnyAlgorithm], task: Task, value: float
    ) -> None:
        last = np.full(600, value)
        rows = with_last(with_target(make_known(task), last), last)
        if task != "regression":
            with pytest.raises(FitError, match=f"all 600 labels are {value:g}"):
                self.fit(make_algorithm(kind), rows, task)
        else:
            predicted = self.fit(make_algorithm(kind), rows, task).predict(rows.matrix)
            np.testing.assert_allclose(predicted, value, atol=1e-12)

    @pytest.mark.parametrize("value", [-1.0, 0.5, 3.0])
    def test_a_label_that_is_no_class_is_refused(
        self, kind: type[AnyAlgorithm], task: Task, value: float
    ) -> None:
        target = np.arange(600) % 2.0
        target[17] = value
        rows = with_target(make_known(task), target)
        if task != "regression":
            with pytest.raises(FitError, match=f"a {task} label is .*; found {value:g}"):
                self.fit(make_algorithm(kind), rows, task)
        else:
            self.fit(make_algorithm(kind), rows, task)

    def test_every_class_has_its_column_and_one_not_met_counts_half_a_row(
        self, kind: type[AnyAlgorithm], task: Task, tmp_path: Path
    ) -> None:
        if task != "multiclass":
            return
        rows = make_known(task)
        rows = replace(rows, target=rows.target * 2, classes=6)
        fitted = self.fit(make_algorithm(kind), rows, task, early=rows)
        predicted = fitted.predict(rows.matrix)
        fitted.save(tmp_path)
        assert np.array_equal(make_algorithm(kind).load(tmp_path).predict(rows.matrix), predicted)
        assert predicted.shape == (600, 6)
        np.testing.assert_allclose(predicted.sum(axis=1), 1, rtol=1e-12)
        np.testing.assert_allclose(predicted[:, [1, 3, 5]], 0.5 / 603, rtol=1e-9)
        np.testing.assert_allclose(predicted.mean(axis=0)[::2], shares(rows), atol=0.02)

    def test_a_class_that_only_later_rows_have_stops_no_search(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        rows, later = make_known(task), make_known(task, seed=1)
        if task == "multiclass":
            rows = with_target(rows, np.minimum(rows.target, 1.0))
        assert np.isfinite(
            self.fit(make_algorithm(kind), rows, task, early=later).predict(later.matrix)
        ).all()

    def test_a_multiclass_task_must_say_how_many_classes(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        if task != "multiclass":
            return
        with pytest.raises(FitError, match="how many classes; met 0"):
            self.fit(make_algorithm(kind), replace(make_known(task), classes=0), task)

    @pytest.mark.parametrize("count", [2, 5, 30])
    def test_few_rows_are_learned_from(
        self, kind: type[AnyAlgorithm], task: Task, count: int
    ) -> None:
        rows = first(make_known(task), count)
        rows = with_target(rows, np.arange(count) % 2.0)
        assert np.isfinite(
            self.fit(make_algorithm(kind), rows, task, early=rows).predict(rows.matrix)
        ).all()

    @pytest.mark.parametrize("fill", [np.nan, 0.0, 1e300, -1e300])
    def test_columns_that_say_nothing_are_survived(
        self, kind: type[AnyAlgorithm], task: Task, fill: float
    ) -> None:
        rows = make_known(task)
        values = np.column_stack([rows.matrix.values, np.full(600, fill)])
        matrix = Matrix(values, (*rows.matrix.names, "blank"), (*rows.matrix.categories, 0))
        predicted = self.fit(make_algorithm(kind), replace(rows, matrix=matrix), task).predict(
            matrix
        )
        assert np.isfinite(predicted).all()

    def test_values_far_from_any_seen_are_predicted(
        self, kind: type[AnyAlgorithm], task: Task
    ) -> None:
        fitted = self.fit(make_algorithm(kind), make_known(task), task)
        far = np.array([[1e300, -1e300, 1e18, 0.0], [np.nan] * 4, [-1e300, 0.0, 0.0, np.nan]])
        matrix = Matrix(far, make_matrix().names, make_matrix().categories)
        assert np.isfinite(fitted.predict(matrix)).all()
