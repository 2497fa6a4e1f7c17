import numpy as np
import pytest

from model_refresh.algorithms import Naive
from model_refresh.algorithms.naive import FittedNaive
from model_refresh.algorithms.protocol import Rows
from model_refresh.errors import FitError
from model_refresh.features import Matrix
from model_refresh.records import Task
from model_refresh_tests.algorithms.rows import make_known


def make_last(values: list[float], target: list[float], weight: list[float] | None = None) -> Rows:
    matrix = Matrix(np.array(values)[:, None], ("last_time",), (0,))
    weights = None if weight is None else np.array(weight)
    return Rows(matrix, np.array(target), weight=weights)


def fit(rows: Rows, task: Task, column: str = "last_time") -> FittedNaive:
    fitted = Naive(column=column).fit(rows, task=task, parameters={}, seed=0, early=None).fitted
    assert isinstance(fitted, FittedNaive)
    return fitted


def test_a_number_is_carried_forward_and_a_missing_one_is_the_mean() -> None:
    fitted = fit(make_last([1, 2, 3], [10, 20, 60]), "regression")
    predicted = fitted.predict(Matrix(np.array([[7.5], [np.nan]]), ("last_time",), (0,)))
    assert predicted.tolist() == [7.5, 30.0]


def test_the_mean_is_that_of_weighted_rows() -> None:
    fitted = fit(make_last([1, 2], [10, 20], weight=[0.5, 1.5]), "regression")
    assert fitted.mean == 17.5


def test_a_class_is_the_share_of_rows_with_the_same_value_drawn_to_that_of_all() -> None:
    rows = make_last([1] * 30 + [0] * 30 + [np.nan] * 40, [1.0] * 30 + [0.0] * 60 + [1.0] * 10)
    fitted = fit(rows, "binary")
    seen = np.array([[1.0], [0.0], [np.nan], [5.0]])
    predicted = fitted.predict(Matrix(seen, ("last_time",), (0,)))
    expected = [(30 + 4) / 40, (0 + 4) / 40, (10 + 4) / 50, 0.4]
    assert predicted.tolist() == pytest.approx(expected)


def test_a_column_that_is_no_feature_is_refused_with_those_that_are_near() -> None:
    with pytest.raises(FitError, match="'lst', which is no feature; did you mean 'last'"):
        fit(make_known("binary"), "binary", column="lst")
    with pytest.raises(FitError, match="there are 'plain', 'gappy', 'last', 'group'"):
        fit(make_known("binary"), "binary", column="spend_28d")


def test_a_missing_column_is_found_before_a_fit_and_a_features_part_is_none() -> None:
    names = ["seen", "last"]
    assert Naive(column="last").missing_column(names) is None
    assert Naive(column="seen:weekday").missing_column(names) is None
    assert "did you mean 'last'?" in (Naive(column="lst").missing_column(names) or "")


def test_a_category_is_no_prediction_of_a_number() -> None:
    with pytest.raises(FitError, match="'group' as the prediction, but it is a category"):
        fit(make_known("regression"), "regression", column="group")


def test_a_binary_task_takes_few_values() -> None:
    with pytest.raises(FitError, match="'plain', which has 600 values; a binary task takes 20"):
        fit(make_known("binary"), "binary", column="plain")


def test_a_multiclass_task_is_refused_and_not_among_its_tasks() -> None:
    assert Naive(column="last").tasks() == ("binary", "regression")
    with pytest.raises(FitError, match="can't be fitted to a multiclass task; it is for"):
        fit(make_known("multiclass"), "multiclass", column="last")
