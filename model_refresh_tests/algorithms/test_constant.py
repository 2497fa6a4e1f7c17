import numpy as np
import pytest

from model_refresh.algorithms import Constant
from model_refresh.algorithms.constant import FittedConstant
from model_refresh.records import Task
from model_refresh_tests.algorithms.rows import make_matrix, make_rows, with_target


def test_a_class_counts_half_a_row_more_than_it_has() -> None:
    rows = with_target(make_rows("multiclass"), np.repeat([0.0, 2.0], [450, 150]))
    fitted = Constant().fit(rows, task="multiclass", parameters={}, seed=0, early=None).fitted
    expected = np.array([450.5, 0.5, 150.5]) / 601.5
    np.testing.assert_allclose(fitted.predict(make_matrix(rows=2)), [expected] * 2)


def test_one_that_was_stored_before_there_were_classes_is_read() -> None:
    fitted = FittedConstant.parse('{"value":0.25}')
    matrix = make_matrix(rows=3)
    assert fitted.predict(matrix).tolist() == pytest.approx([0.25] * 3)
    assert fitted.contributions(matrix) is None, "whether it is a probability isn't known"


@pytest.mark.parametrize(("task", "base"), [("binary", np.log(1 / 3)), ("regression", 0.25)])
def test_its_only_contribution_is_the_base_on_the_link_scale(task: Task, base: float) -> None:
    told = FittedConstant(value=0.25, task=task).contributions(make_matrix(rows=2))
    assert told is not None
    np.testing.assert_allclose(told, [[0, 0, 0, 0, base]] * 2)
