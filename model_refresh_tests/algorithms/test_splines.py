from pathlib import Path

import numpy as np
import pytest

from model_refresh.algorithms import Linear
from model_refresh.algorithms.linear_terms import FittedLinear
from model_refresh.algorithms.protocol import Rows
from model_refresh.algorithms.splines import Spline
from model_refresh.features import Matrix
from model_refresh_tests.algorithms.rows import loss


def make_wave(rows: int = 2000, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    values = rng.uniform(-3, 3, (rows, 1))
    return Rows(Matrix(values, ("x",), (0,)), np.cos(values[:, 0]) + rng.normal(0, 0.1, rows))


def fit(rows: Rows, **options: object) -> FittedLinear:
    used = {"penalty": 1e-6}
    fitted = (
        Linear.model_validate(options)
        .fit(rows, task="regression", parameters={**used}, seed=0, early=None)
        .fitted
    )
    assert isinstance(fitted, FittedLinear)
    return fitted


def test_a_curve_is_found_that_no_line_follows() -> None:
    rows, later = make_wave(), make_wave(seed=1)
    straight, bent = (fit(rows, splines=knots).predict(later.matrix) for knots in (0, 5))
    assert loss(later.target, bent) < 0.1 * loss(later.target, straight)
    assert loss(later.target, bent) < 1.2 * 0.1**2


def test_it_is_the_least_squares_of_harrells_basis() -> None:
    """The truncated power basis, written out: x, and for each inner knot a cubic."""
    rows = make_wave()
    x = rows.matrix.values[:, 0]
    knots = np.quantile(x, np.linspace(0.05, 0.95, 4), method="lower")
    columns = [np.ones(x.size), x]
    for j in range(2):
        t, before, last = knots[j], knots[2], knots[3]
        cubic = np.maximum(x - t, 0) ** 3
        cubic -= np.maximum(x - before, 0) ** 3 * (last - t) / (last - before)
        cubic += np.maximum(x - last, 0) ** 3 * (before - t) / (last - before)
        columns.append(cubic)
    design = np.column_stack(columns)
    expected = design @ np.linalg.lstsq(design, rows.target, rcond=None)[0]
    np.testing.assert_allclose(fit(rows, splines=4).predict(rows.matrix), expected, atol=1e-3)


def test_beyond_the_outer_knots_it_is_straight() -> None:
    fitted = fit(make_wave(), splines=5)
    far = np.array([[3.5], [4.0], [4.5], [5.0]])
    steps = np.diff(fitted.predict(Matrix(far, ("x",), (0,))))
    np.testing.assert_allclose(steps, steps[0])


def test_a_missing_number_is_as_if_it_were_the_mean(tmp_path: Path) -> None:
    rows = make_wave()
    values = rows.matrix.values.copy()
    values[::5] = np.nan
    fitted = fit(Rows(Matrix(values, ("x",), (0,)), rows.target), splines=4)
    fitted.save(tmp_path)
    assert Linear().load(tmp_path) == fitted
    told = fitted.predict(Matrix(np.array([[np.nan]]), ("x",), (0,)))
    assert told[0] == pytest.approx(rows.target[::5].mean(), abs=0.05)


@pytest.mark.parametrize("values", [[], [1.0] * 50, [0.0, 1.0] * 50])
def test_too_few_values_make_no_curve(values: list[float]) -> None:
    assert Spline.through(np.array(values), 5) is None


def test_weights_of_rows_bend_the_curve() -> None:
    rows = make_wave()
    left = np.where(rows.matrix.values[:, 0] < 0, 1.9, 0.1)
    weighted = fit(Rows(rows.matrix, rows.target, weight=left / left.mean()), splines=3)
    of_left = rows.matrix.values[:, 0] < 0
    plain = fit(rows, splines=3)
    losses = [
        loss(rows.target[of_left], each.predict(rows.matrix)[of_left]) for each in (weighted, plain)
    ]
    assert losses[0] < losses[1]
