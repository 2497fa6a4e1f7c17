import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import spearmanr

from model_refresh.gates import TwinAgreement
from model_refresh_tests.gates.factories import make_comparison

ROWS = 500


def test_twins_that_rank_alike_pass_and_tell_the_shift_of_the_mean() -> None:
    trial = np.linspace(0.1, 0.3, ROWS)
    result = TwinAgreement().judge_twins(trial, trial + 0.05)
    assert (result.name, result.outcome) == ("twin_agreement", "passed")
    assert result.sentence == (
        "trial and final twin have rank correlation 1.000 (at least 0.8); "
        "the mean moves by +0.05 from 0.2"
    )


@pytest.mark.parametrize("noise", [0.1, 0.5, 1.0, 3.0])
def test_the_limit_is_on_spearmans_correlation(noise: float) -> None:
    rng = np.random.default_rng(3)
    trial = rng.normal(size=ROWS)
    final = trial + noise * rng.normal(size=ROWS)
    expected = float(spearmanr(trial, final).statistic)
    for limit in (expected - 1e-6, expected + 1e-6):
        passes = TwinAgreement(at_least=limit).judge_twins(trial, final).outcome == "passed"
        assert passes == (expected >= limit)


def test_classes_count_by_their_mean_correlation() -> None:
    rng = np.random.default_rng(4)
    trial = rng.dirichlet(np.ones(3), size=ROWS)
    final = np.column_stack([trial[:, 0], *rng.dirichlet(np.ones(3), size=ROWS).T[1:]])
    each = [float(spearmanr(trial[:, k], final[:, k]).statistic) for k in range(3)]
    told = TwinAgreement().judge_twins(trial, final)
    assert f"rank correlation {np.mean(each):.3f}" in told.sentence
    assert told.outcome == "failed"
    assert TwinAgreement().judge_twins(trial, trial).outcome == "passed"


def test_a_twin_that_collapsed_to_a_constant_fails_and_two_constants_pass() -> None:
    level, slope = np.full(ROWS, 0.3), np.linspace(0, 1, ROWS)
    assert TwinAgreement().judge_twins(level, slope).outcome == "failed"
    assert TwinAgreement().judge_twins(slope, level).outcome == "failed"
    assert TwinAgreement().judge_twins(level, level + 0.1).outcome == "passed"
    both = np.column_stack([level, slope, 0.7 - slope])
    assert "correlation 1.000" in TwinAgreement().judge_twins(both, both).sentence


@pytest.mark.parametrize(
    ("trial", "final"),
    [
        (np.array([0.1, np.nan]), np.array([0.1, 0.2])),
        (np.array([0.1, 0.2]), np.array([0.1, np.inf])),
        (np.array([0.1, 0.2]), np.array([0.1, 0.2, 0.3])),
        (np.array([]), np.array([])),
        (np.array([0.1, 0.2, 0.3]), np.array([0.3, 0.2, 0.1])),
    ],
)
def test_what_cannot_agree_fails(trial: NDArray[np.float64], final: NDArray[np.float64]) -> None:
    assert TwinAgreement().judge_twins(trial, final).outcome == "failed"


def test_of_a_comparison_nothing_is_asked() -> None:
    result = TwinAgreement().judge(make_comparison())
    assert (result.outcome, result.severity) == ("not_applicable", "reject")
    assert "before it is promoted" in result.sentence
