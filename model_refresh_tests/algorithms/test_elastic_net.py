import numpy as np
import pytest
from numpy.typing import NDArray

from model_refresh.algorithms.elastic_net import (
    Design,
    Penalty,
    Solution,
    least_squares,
    logistic,
)

Vector = NDArray[np.float64]


def make_design(rows: int = 400, seed: int = 0) -> tuple[Design, Vector, Vector]:
    """Three dense columns, two of them much alike, and categories of 3 and 4 levels.

    The design, the same columns as one dense table, and their weighted sum plus noise.
    """
    rng = np.random.default_rng(seed)
    dense = rng.normal(size=(rows, 3))
    dense[:, 1] = dense[:, 0] + 0.1 * dense[:, 1]
    codes = [rng.integers(0, 3, rows), rng.integers(0, 4, rows)]
    table = np.hstack([dense, np.eye(3)[codes[0]], np.eye(4)[codes[1]]])
    form = table @ rng.normal(size=10) + 0.3 + 0.5 * rng.normal(size=rows)
    return Design(dense, codes, [3, 4]), table, form


def objective(table: Vector, target: Vector, solution: Solution, penalty: Penalty) -> float:
    form = solution.intercept + table @ solution.coefficients
    loss = float(np.mean(np.logaddexp(0, form) - target * form))
    return loss + penalty.cost(solution.coefficients)


def test_a_design_adds_up_like_its_dense_table() -> None:
    design, table, weights = make_design()
    coefficients = np.arange(10.0)
    np.testing.assert_allclose(design.dot(coefficients), table @ coefficients)
    np.testing.assert_allclose(design.sums(weights), table.T @ weights)
    expected = (table * weights[:, None]).T @ table
    np.testing.assert_allclose(design.moments(weights), expected, atol=1e-10)


@pytest.mark.parametrize("columns", [(True, False), (False, True), (False, False)])
def test_a_design_may_lack_dense_columns_or_categories(columns: tuple[bool, bool]) -> None:
    _, table, form = make_design()
    dense = table[:, :3] if columns[0] else np.empty((400, 0))
    codes = [table[:, 3:6].argmax(axis=1)] if columns[1] else []
    design = Design(dense, codes, [3] * len(codes))
    solution = least_squares(design, form, Penalty(lasso=0.0, ridge=0.1))
    assert solution.coefficients.shape == (3 * (columns[0] + columns[1]),)
    assert np.mean(form) == pytest.approx(
        solution.intercept + np.mean(design.dot(solution.coefficients))
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("size", [1e-4, 1e-2, 0.3])
def test_least_squares_agrees_with_scikit_learn(size: float, share: float) -> None:
    from sklearn.linear_model import ElasticNet, Ridge

    design, table, target = make_design()
    penalty = Penalty(lasso=size * share, ridge=size * (1 - share))
    reference = (
        ElasticNet(alpha=size, l1_ratio=share, tol=1e-12, max_iter=1_000_000)
        if share
        else Ridge(alpha=size * len(target), solver="cholesky")
    )
    reference.fit(table, target)
    theirs = reference.predict(table)
    solution = least_squares(design, target, penalty)
    ours = solution.intercept + design.dot(solution.coefficients)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)
    assert np.mean((target - ours) ** 2) / 2 + penalty.cost(solution.coefficients) == (
        pytest.approx(np.mean((target - theirs) ** 2) / 2 + penalty.cost(reference.coef_), abs=1e-9)
    )


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("size", [1e-3, 1e-2, 0.1])
def test_logistic_agrees_with_scikit_learn(size: float, share: float) -> None:
    from sklearn.linear_model import LogisticRegression

    design, table, form = make_design()
    target = (form > 0.5).astype(np.float64)
    penalty = Penalty(lasso=size * share, ridge=size * (1 - share))
    reference = LogisticRegression(
        C=1 / (size * len(target)), l1_ratio=share, solver="saga", tol=1e-10, max_iter=100_000
    ).fit(table, target)
    solution = logistic(design, target, penalty)
    theirs = Solution(float(reference.intercept_[0]), reference.coef_[0])
    ours = objective(table, target, solution, penalty)
    assert ours <= objective(table, target, theirs, penalty) + 1e-8
    np.testing.assert_allclose(
        solution.intercept + design.dot(solution.coefficients),
        theirs.intercept + table @ theirs.coefficients,
        atol=1e-3,
    )


def test_classes_that_can_be_told_apart_keep_finite_coefficients() -> None:
    design, table, _ = make_design()
    target = (table[:, 0] > 0).astype(np.float64)
    for penalty in (Penalty(lasso=0.0, ridge=1e-6), Penalty(lasso=1e-6, ridge=0.0)):
        solution = logistic(design, target, penalty)
        assert np.isfinite(solution.coefficients).all()
        assert (((solution.intercept + design.dot(solution.coefficients)) > 0) == target).all()


def test_a_large_lasso_leaves_the_base_rate() -> None:
    design, _, form = make_design()
    target = (form > 0).astype(np.float64)
    solution = logistic(design, target, Penalty(lasso=10.0, ridge=0.0))
    assert not solution.coefficients.any()
    assert 1 / (1 + np.exp(-solution.intercept)) == pytest.approx(target.mean())
