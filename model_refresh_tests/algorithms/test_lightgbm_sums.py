"""Predictions by the kernel are LightGBM's own to the bit, or LightGBM's own."""

import logging
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from model_refresh.algorithms.lightgbm_sums import Predictions
from model_refresh.algorithms.lightgbm_text import read_trees
from model_refresh.scorer.kernel.compiled import is_available
from model_refresh_tests.scorer.forests import Boosted, make_boosted, rows_for

at_once = partial(Predictions, packs_from=0, builds_from=0)
needs_kernel = pytest.mark.skipif(not is_available(), reason="this machine has no C compiler")


def rows_of(made: Boosted, rows: int = 700) -> NDArray[np.float64]:
    return rows_for(read_trees(made.text)[0], rows=rows)


def require_lightgbms(
    predictions: Predictions, made: Boosted, rows: NDArray[np.float64] | None = None
) -> None:
    rows = rows_of(made) if rows is None else rows
    expected = np.asarray(made.booster.predict(rows))
    given = predictions.predict(rows)
    assert given.shape == expected.shape
    assert given.tobytes() == expected.tobytes()


@needs_kernel
@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "binary"},
        {"objective": "binary", "sigmoid": 0.7},
        {"objective": "regression"},
        {"objective": "multiclass", "num_class": 4},
        {"objective": "regression", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.6},
        {"objective": "regression", "label": 3.0},
    ],
    ids=["binary", "steep", "regression", "classes", "forest", "constant"],
)
def test_predictions_are_lightgbms_to_the_bit(settings: dict[str, object]) -> None:
    made = make_boosted(2, rounds=30, **settings)
    predictions = at_once(made.booster, made.text)
    require_lightgbms(predictions, made)
    assert predictions.is_compiled
    require_lightgbms(predictions, made)


@needs_kernel
def test_the_number_of_threads_changes_no_bit() -> None:
    made = make_boosted(3, rounds=40)
    rows = np.tile(rows_of(made), (130, 1))
    predictions = at_once(made.booster, made.text)
    many = predictions.predict(rows)
    with threadpool_limits(1):
        assert predictions.predict(rows).tobytes() == many.tobytes()


@needs_kernel
def test_a_model_that_the_kernel_gets_wrong_stays_with_lightgbm_and_is_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    made, other = make_boosted(0), make_boosted(1)
    predictions = at_once(made.booster, other.text)
    with caplog.at_level(logging.WARNING):
        require_lightgbms(predictions, made)
        require_lightgbms(predictions, made)
    assert not predictions.is_compiled
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "poisson"},
        {"objective": "regression", "reg_sqrt": True},
        {"objective": "regression", "linear_tree": True},
        {"objective": "multiclassova", "num_class": 3},
    ],
    ids=["poisson", "root", "linear leaves", "one against all"],
)
def test_what_the_kernel_doesnt_know_is_left_to_lightgbm(settings: dict[str, object]) -> None:
    made = make_boosted(1, **settings)
    predictions = at_once(made.booster, made.text)
    require_lightgbms(predictions, made, np.random.default_rng(0).normal(size=(300, 6)))
    assert not predictions.is_compiled


def test_rows_with_too_few_columns_are_lightgbms_error() -> None:
    made = make_boosted(0)
    predictions = at_once(made.booster, made.text)
    predictions.predict(rows_of(made))
    with pytest.raises(Exception, match="number of features"):
        predictions.predict(rows_of(made)[:, :4].copy())


def test_rows_that_lie_otherwise_in_memory_are_no_other_rows() -> None:
    made = make_boosted(0)
    predictions, rows = at_once(made.booster, made.text), rows_of(made)
    expected = made.booster.predict(rows)
    for given in (np.asfortranarray(rows), np.repeat(rows, 2, axis=0)[::2]):
        assert predictions.predict(given).tolist() == expected.tolist()


def test_small_predictions_never_ask_for_the_kernel() -> None:
    code = (
        "import sys; from model_refresh.algorithms.lightgbm_sums import Predictions; "
        "from model_refresh_tests.scorer.forests import make_boosted; import numpy as np; "
        "made = make_boosted(0); predictions = Predictions(made.booster, made.text); "
        "predictions.predict(np.zeros((5000, 6))); "
        "sys.exit('model_refresh.scorer.kernel.library' in sys.modules or predictions.is_compiled)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@needs_kernel
def test_work_is_counted_over_calls() -> None:
    made = make_boosted(0, rounds=10)
    predictions = Predictions(made.booster, made.text, packs_from=20_000, builds_from=20_000)
    rows = rows_of(made, 900)
    states = []
    for _ in range(4):
        predictions.predict(rows)
        states.append(predictions.is_compiled)
    assert states == [False, False, True, True]
