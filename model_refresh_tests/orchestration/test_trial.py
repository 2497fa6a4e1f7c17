"""The trial batch in Dagster: its page, and the check that stops a run before the champion."""

import dagster as dg

from model_refresh_tests.lab import Lab
from model_refresh_tests.orchestration.runs import STEPS, materialize, materialized, metadata_of

AFTER = ("challenger", "trial_scores", "champion")
IMPOSSIBLE = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}


def score_shift(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    (found,) = [
        each for each in result.get_asset_check_evaluations() if each.check_name == "score_shift"
    ]
    return found


def test_a_trial_that_passes_lets_the_champion_follow_and_shows_its_figures(lab: Lab) -> None:
    result = materialize(lab, (*STEPS, *AFTER))
    assert result.success
    assert {"trial_scores", "champion"} <= materialized(result)
    check = score_shift(result)
    assert check.passed
    assert "11 checks passed" in (check.description or "")
    shown = metadata_of(result, "trial_scores")
    for name in ("checks", "model shift", "model shift on the holdout", "migration"):
        assert isinstance(shown[name], dg.TableMetadataValue), name
    assert shown["dagster/row_count"].value == 300


def test_a_trial_that_fails_stops_the_run_red_and_the_champion_stays(lab: Lab) -> None:
    tight = lab.again({"scores.shift": {"wasserstein": 1e-9, "holdout_factor": 0.0}})
    before = tight.store.champion.lines()
    result = materialize(tight, (*STEPS, *AFTER))
    check = score_shift(result)
    assert not result.success
    assert not check.passed
    assert check.severity == dg.AssetCheckSeverity.ERROR
    assert "wasserstein: the mean move" in (check.description or "")
    assert "champion" not in materialized(result)
    assert tight.store.champion.lines() == before


def test_where_nothing_is_tried_the_check_passes_with_a_sentence(lab: Lab) -> None:
    strict = lab.again({"gates": [IMPOSSIBLE]})
    result = materialize(strict, (*STEPS, *AFTER))
    check = score_shift(result)
    assert check.passed
    assert check.description == "there is no challenger to try: the incumbent stays"
    assert "champion" in materialized(result)
