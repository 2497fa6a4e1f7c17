"""Ways around a blocking check in Dagster: none of them gets a refused challenger promoted.

A blocking check alone is passed by when the champion is materialized alone, when checks are
deselected, when its severity is WARN, and when an automation condition asks for the champion.
"""

from collections.abc import Sequence

import dagster as dg
import pytest

from model_refresh.orchestration.build import build_definitions
from model_refresh.refresh.resume import resume_challenger, resume_verdict
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import NAME, Lab

IMPOSSIBLE = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}
STEPS = ("features", "dataset", "candidates/constant", "candidates/linear", "comparison")
AFTER = ("challenger", "champion")


def with_gate(lab: Lab, severity: str) -> Lab:
    return lab.again({"gates": [{**IMPOSSIBLE, "severity": severity}]})


def materialize(
    lab: Lab, steps: Sequence[str], *, checks: bool = True
) -> dg.ExecuteInProcessResult:
    definitions = build_definitions([lab.model], home=lab.home)
    keys = [dg.AssetKey([NAME, *step.split("/")]) for step in steps]
    selection: dg.AssetSelection = dg.AssetSelection.assets(*keys)
    if not checks:
        selection = selection.without_checks()
    job = dg.define_asset_job("subset", selection=selection)
    resolved = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job])).resolve_job_def(
        "subset"
    )
    alone = list(steps) == ["champion"]  # Dagster gives an unpartitioned asset alone no partition
    key = None if alone else lab.model.cadence.key(lab.day(SECOND))
    with dg.DagsterInstance.ephemeral() as instance:
        return resolved.execute_in_process(
            instance=instance, raise_on_error=False, partition_key=key
        )


def materialized(result: dg.ExecuteInProcessResult) -> set[str]:
    events = result.get_asset_materialization_events()
    return {event.asset_key.path[-1] for event in events if event.asset_key is not None}


def entries(lab: Lab) -> int:
    return len(lab.store.champion.lines())


def failure_of(result: dg.ExecuteInProcessResult) -> str:
    told = [
        event.step_failure_data.user_failure_data.description or ""
        for event in result.all_events
        if event.is_step_failure and event.step_failure_data.user_failure_data is not None
    ]
    return " ".join(told)


def test_a_passing_gate_lets_the_run_promote(lab: Lab) -> None:
    result = materialize(lab, [*STEPS, *AFTER])
    assert result.success
    assert entries(lab) == 2


def test_retain_warns_and_the_run_goes_on_with_the_incumbent(lab: Lab) -> None:
    strict = with_gate(lab, "retain")
    result = materialize(strict, [*STEPS, *AFTER, "scores"])
    (evaluation,) = result.get_asset_check_evaluations()
    assert result.success
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert {"champion", "scores"} <= materialized(result)
    (told,) = [
        event.materialization.metadata
        for event in result.get_asset_materialization_events()
        if event.asset_key == dg.AssetKey([NAME, "champion"])
    ]
    assert told["decision"].value == "retain"
    assert "0.999" in str(told["sentence"].value)
    assert entries(strict) == 1


def test_reject_stops_the_run_before_the_champion(lab: Lab) -> None:
    strict = with_gate(lab, "reject")
    result = materialize(strict, [*STEPS, *AFTER, "scores"])
    (evaluation,) = result.get_asset_check_evaluations()
    assert not result.success
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert not {"challenger", "champion", "scores"} & materialized(result)
    assert entries(strict) == 1


@pytest.mark.parametrize(
    ("severity", "runs", "why"), [("retain", True, ""), ("reject", False, "0.999")]
)
def test_a_champion_materialized_alone_is_judged_again(
    lab: Lab, severity: str, runs: bool, why: str
) -> None:
    strict = with_gate(lab, severity)
    resume_verdict(strict.model, strict.store, strict.day(SECOND))
    resume_challenger(strict.model, strict.store, strict.day(SECOND))
    result = materialize(strict, ["champion"])
    assert result.success is runs
    assert why in failure_of(result)
    assert entries(strict) == 1


@pytest.mark.parametrize("severity", ["retain", "reject"])
@pytest.mark.parametrize(
    "steps",
    [
        [*STEPS, *AFTER],
        ["comparison", *AFTER],
        ["comparison", "champion"],
        [*AFTER],
        ["champion"],
    ],
)
def test_deselected_checks_promote_nobody(lab: Lab, severity: str, steps: list[str]) -> None:
    strict = with_gate(lab, severity)
    result = materialize(strict, steps, checks=False)
    assert not result.success
    assert "promotion_gate" in failure_of(result)
    assert entries(strict) == 1


def test_even_a_good_challenger_needs_its_verdict_stored(lab: Lab) -> None:
    result = materialize(lab, [*AFTER], checks=False)
    assert not result.success
    assert "was not judged" in failure_of(result)
    assert entries(lab) == 1


def test_the_verdict_of_an_older_policy_promotes_nobody(lab: Lab) -> None:
    resume_verdict(lab.model, lab.store, lab.day(SECOND))
    resume_challenger(lab.model, lab.store, lab.day(SECOND))
    strict = with_gate(lab, "retain")
    result = materialize(strict, ["champion"])
    assert not result.success
    assert "declared anew" in failure_of(result)
    assert entries(strict) == 1


def test_skipping_the_champion_scores_with_the_incumbent(lab: Lab) -> None:
    strict = with_gate(lab, "retain")
    result = materialize(strict, ["comparison", "scores", "features"])
    assert result.success
    assert entries(strict) == 1


def test_no_asset_asks_for_itself_by_an_automation_condition(lab: Lab) -> None:
    definitions = build_definitions([lab.model], home=lab.home)
    specs = definitions.resolve_all_asset_specs()
    assert len(specs) == 8
    assert [spec.automation_condition for spec in specs] == [None] * 8


def test_a_refusal_is_not_retried(lab: Lab) -> None:
    strict = with_gate(lab, "retain")
    result = materialize(strict, ["champion"], checks=False)
    assert not [event for event in result.all_events if event.event_type_value == "STEP_RESTARTED"]
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
