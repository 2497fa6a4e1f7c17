"""The staleness curve: former champions on this holdout, each only where the law of time allows."""

import numpy as np
import pytest

from model_refresh.algorithms.version import load_version, publish_version
from model_refresh.refresh.contest import hold_contest
from model_refresh.refresh.override import override
from model_refresh.refresh.resume import stored_comparison, stored_dataset
from model_refresh.refresh.staleness import judge_former
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.lab import Lab, make_lab

GENEROUS = {"gates": [{"gate": "beats_constant"}, {"gate": "non_inferior", "margin": 0.5}]}
REFRESHES = 5


pytestmark = pytest.mark.xdist_group("staleness")  # the five refreshes are made once


@pytest.fixture(scope="module")
def weeks(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """Five refreshes in a row, all promoted."""
    lab = make_lab(tmp_path_factory.mktemp("weeks"), GENEROUS)
    for day in range(FIRST, FIRST + REFRESHES):
        assert lab.refresh(day).decision == "promote"
    return lab


def test_every_former_champion_is_judged_on_the_same_holdout(weeks: Lab) -> None:
    comparison = stored_comparison(weeks.model, weeks.store, weeks.day(FIRST + REFRESHES - 1))
    assert [aged.entry for aged in comparison.staleness] == [4, 3, 2, 1]
    ages = [aged.age_days for aged in comparison.staleness]
    assert ages == sorted(ages)
    assert np.diff(ages) == pytest.approx([1.0, 1.0, 1.0])
    assert all(aged.why_not is None for aged in comparison.staleness)


def test_the_youngest_is_the_incumbent_with_the_same_gain(weeks: Lab) -> None:
    comparison = stored_comparison(weeks.model, weeks.store, weeks.day(FIRST + REFRESHES - 1))
    assert comparison.incumbent is not None
    youngest, judged = comparison.staleness[0], comparison.metrics["log_loss"]
    assert youngest.version == comparison.incumbent.trial
    assert youngest.value == judged.incumbent
    assert youngest.gain == judged.gain_over_incumbent


def test_the_first_refresh_has_no_former_champion(weeks: Lab) -> None:
    comparison = stored_comparison(weeks.model, weeks.store, weeks.day(FIRST))
    assert comparison.staleness == ()


def test_few_refreshes_are_not_enough_to_say_how_often(weeks: Lab) -> None:
    comparison = stored_comparison(weeks.model, weeks.store, weeks.day(FIRST + 1))
    assert comparison.freshness is not None
    assert comparison.freshness.advice == "not known yet"


def test_a_champion_that_knows_the_holdout_is_told_and_not_judged(weeks: Lab) -> None:
    """By hand, a version that learned up to now was put in production for an older date."""
    newest = load_version(weeks.store, weeks.store.champion.lines()[-1].record.version)
    fitted = publish_version(
        weeks.store,
        newest.recipe.model_copy(update={"seed": 99}),
        newest.lineage,
        predictor=newest.predictor,
    )
    version = fitted.digest[:16]
    line = weeks.store.comparisons(weeks.day(FIRST + 2)).last()
    assert line is not None
    contest = hold_contest(
        weeks.model,
        weeks.store,
        stored_dataset(weeks.model, weeks.store, weeks.day(FIRST + 2)),
        challenger=line.record.trial or "",
    )
    copied = weeks.again({})
    override(copied.store, version, as_of=weeks.day(FIRST + 1), who="somebody", reason="a try")
    former = judge_former(
        weeks.model, copied.store, contest, before=weeks.day(FIRST + 2), confidence=0.95
    )
    assert former[0].version == version
    assert former[0].value is None
    assert "its trial twin learned from labels known on" in str(former[0].why_not)
    assert all(aged.value is not None for aged in former[1:])
