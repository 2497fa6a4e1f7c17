"""Any metric of the task can decide, also one that a page doesn't show by itself."""

from pathlib import Path

import pytest

from model_refresh.refresh.resume import stored_comparison
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import make_lab

COSTS = [[0, 2], [40, 0]]


@pytest.mark.parametrize("name", ["precision@5%", "value", "brier_reliability"])
def test_a_metric_that_is_not_shown_by_default_can_decide(tmp_path: Path, name: str) -> None:
    lab = make_lab(
        tmp_path,
        {
            "comparison.metric": name,
            "comparison.cost_matrix": COSTS,
            "gates": [{"gate": "non_inferior", "margin": 0.5}, {"gate": "value", "margin": 5}],
        },
    )
    for day in (FIRST, SECOND):
        lab.refresh(day)
    comparison = stored_comparison(lab.model, lab.store, lab.day(SECOND))
    assert comparison.primary == name
    assert {name, "value"} <= comparison.metrics.keys()
    assert comparison.metrics[name].challenger == comparison.metrics[name].challenger
