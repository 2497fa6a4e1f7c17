import numpy as np
import pytest

from model_refresh.algorithms import Constant
from model_refresh.algorithms.constant import FittedConstant
from model_refresh_tests.algorithms.rows import make_matrix, make_rows, with_target


def test_a_class_counts_half_a_row_more_than_it_has() -> None:
    rows = with_target(make_rows("multiclass"), np.repeat([0.0, 2.0], [450, 150]))
    fitted = Constant().fit(rows, task="multiclass", parameters={}, seed=0, early=None).fitted
    expected = np.array([450.5, 0.5, 150.5]) / 601.5
    np.testing.assert_allclose(fitted.predict(make_matrix(rows=2)), [expected] * 2)


def test_one_that_was_stored_before_there_were_classes_is_read() -> None:
    fitted = FittedConstant.parse('{"value":0.25}')
    assert fitted.predict(make_matrix(rows=3)).tolist() == pytest.approx([0.25] * 3)
