import numpy as np
import pytest
from numpy.typing import NDArray

from model_refresh.algorithms.elastic_net import Design, Penalty, Solution, logistic
from model_refresh.algorithms.multinomial import multinomial, softmax
from model_refresh_tests.algorithms.test_elastic_net import make_design

Vector = NDArray[np.float64]
CLASSES = 4


def make_codes(form: Vector) -> NDArray[np.intp]:
    """Four classes that don't follow each other along the form."""
    return np.digitize(form + np.sin(3 * form), [-1.0, 0.5, 1.5]).astype(np.intp)


def chances(design: Design, solutions: list[Solution]) -> Vector:
    forms = np.stack([solution.form(design) for solution in solutions], axis=1)
    return softmax(forms, furthest=30.0)


def objective(predicted: Vector, codes: NDArray[np.intp], weights: Vector, p: Penalty) -> float:
    return float(-np.log(predicted[np.arange(codes.size), codes]).mean()) + p.cost(weights)


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("size", [1e-4, 1e-3, 1e-2, 0.05])
def test_it_agrees_with_scikit_learn(size: float, share: float) -> None:
    from sklearn.linear_model import LogisticRegression

    design, table, form = make_design()
    codes = make_codes(form)
    penalty = Penalty(lasso=size * share, ridge=size * (1 - share))
    reference = LogisticRegression(
        C=1 / (size * codes.size),
        l1_ratio=share,
        solver="saga" if share else "newton-cg",
        tol=1e-10,
        max_iter=100_000,
    ).fit(table, codes)
    solutions = multinomial(design, codes, CLASSES, penalty)
    weights = np.stack([solution.coefficients for solution in solutions])
    ours, theirs = chances(design, solutions), reference.predict_proba(table)
    assert objective(ours, codes, weights, penalty) <= (
        objective(theirs, codes, reference.coef_, penalty) + 1e-7
    )
    np.testing.assert_allclose(ours, theirs, atol=5e-4)


def test_two_classes_are_a_logistic_regression_at_half_the_ridge() -> None:
    design, _, form = make_design()
    codes = (form > 0.5).astype(np.intp)
    both = multinomial(design, codes, 2, Penalty(lasso=0.0, ridge=0.02))
    one = logistic(design, codes.astype(np.float64), Penalty(lasso=0.0, ridge=0.01))
    np.testing.assert_allclose(
        chances(design, both)[:, 1], 1 / (1 + np.exp(-one.form(design))), atol=1e-5
    )


def test_a_large_lasso_leaves_the_shares() -> None:
    design, _, form = make_design()
    codes = make_codes(form)
    solutions = multinomial(design, codes, CLASSES, Penalty(lasso=10.0, ridge=0.0))
    assert not any(solution.coefficients.any() for solution in solutions)
    expected = np.bincount(codes) / codes.size
    np.testing.assert_allclose(chances(design, solutions)[0], expected, atol=1e-8)


def test_a_lasso_drops_some_coefficients_exactly() -> None:
    design, _, form = make_design()
    solutions = multinomial(design, make_codes(form), CLASSES, Penalty(lasso=0.03, ridge=0.0))
    weights = np.stack([solution.coefficients for solution in solutions])
    assert 0 < (weights == 0).sum() < weights.size


def test_classes_that_can_be_told_apart_keep_finite_coefficients() -> None:
    design, table, _ = make_design()
    codes = np.digitize(table[:, 0], [-0.5, 0.5]).astype(np.intp)
    for penalty in (Penalty(lasso=0.0, ridge=1e-6), Penalty(lasso=1e-6, ridge=0.0)):
        solutions = multinomial(design, codes, 3, penalty)
        assert all(np.isfinite(solution.coefficients).all() for solution in solutions)
        assert (chances(design, solutions).argmax(axis=1) == codes).mean() > 0.98


def test_a_form_far_below_the_others_keeps_a_chance_above_0() -> None:
    predicted = softmax(np.array([[0.0, -1e300, 1.0], [1e5, 0.0, -1e5]]), furthest=30.0)
    assert (predicted > 0).all()
    np.testing.assert_allclose(predicted.sum(axis=1), 1)
    assert predicted[0, 1] < 1e-12


def test_a_row_of_many_classes_is_predicted_alike_alone_and_among_others() -> None:
    forms = np.random.default_rng(0).normal(size=(50, 23))
    alone = [softmax(forms[i : i + 1], furthest=30.0)[0] for i in range(50)]
    assert np.array_equal(softmax(forms, furthest=30.0), np.array(alone))
