"""With real fits: how often a fleet of models that don't change promotes, retains and finds a gain.

Twenty shops with habits that last, twelve refreshes each, the same recipe with another seed every
time: no challenger is truly better or worse but for its newer rows. Reported without a threshold.
"""

from collections import Counter
from pathlib import Path

import pytest

from model_refresh.refresh.resume import stored_comparison
from model_refresh_tests.lab import make_lab

MODELS, REFRESHES, FIRST = 20, 12, 9

CHANGES = {
    "training.candidates": [{"algorithm": "constant"}, {"algorithm": "lightgbm", "rounds": 100}],
    "training.holdout": 2,
    "gates": [{"gate": "beats_constant"}, {"gate": "non_inferior", "margin": "2%"}],
}


@pytest.mark.soak
def test_the_observed_rates_of_a_fleet_that_does_not_change(tmp_path: Path) -> None:
    decisions: Counter[str] = Counter()
    superior = duels = 0
    for number in range(MODELS):
        lab = make_lab(tmp_path / f"shop{number}", CHANGES, seed=100 + number)
        for week in range(REFRESHES):
            seeded = lab.again({**CHANGES, "training.seed": 1000 * number + week})
            decisions[seeded.refresh(FIRST + week).decision] += 1
            compared = stored_comparison(seeded.model, seeded.store, seeded.day(FIRST + week))
            gain = compared.metrics["log_loss"].gain_over_incumbent
            if gain is not None:
                duels += 1
                superior += gain.lower > 0
    assert sum(decisions.values()) == MODELS * REFRESHES
    assert duels >= MODELS
    print(  # noqa: T201
        f"\n{MODELS} models x {REFRESHES} refreshes, same recipe, other seeds: {dict(decisions)}; "
        f"of {duels} duels with an incumbent {superior} found the challenger surely better "
        f"({superior / duels:.1%} at 95% confidence)"
    )
