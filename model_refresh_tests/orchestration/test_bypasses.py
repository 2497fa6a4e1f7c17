"""Ways around a blocking check in Dagster: none of them gets a refused challenger promoted.

| a blocking check alone is passed by when       | test here                                     |
|------------------------------------------------|-----------------------------------------------|
| its severity is WARN                           | retain_warns                                  |
| the champion is materialized alone             | materialized_alone, asked_for_in_the_run      |
| checks are deselected                          | deselected_checks                             |
| a subset multi-check emits nothing             | another_gate (silent)                         |
| the check sits on the champion itself          | another_gate (on_champion)                    |
| somebody put a laxer check in its place        | another_gate (lax, raising)                   |
| a test's step is left out with its check       | trial_batch_was_left_out, scorer_was_left_out |
| a test's check is deselected, its step ran     | trial_batch_failed, scorer_was_not_tested     |
| the champion is skipped, scores are not        | skipping_the_champion                         |
| an automation condition asks for the champion  | automation_condition (eager, fails open)      |
| the executor ignores it (dask_executor)        | no_executor_but_ours                          |
"""

from collections.abc import Callable, Iterator
from importlib.util import find_spec

import dagster as dg
import pytest

from model_refresh.refresh.resume import resume_challenger, resume_verdict
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import Lab
from model_refresh_tests.orchestration.runs import (
    AFTER,
    STEPS,
    definitions_of,
    entries,
    evaluation_of,
    failure_of,
    keys_of,
    materialize,
    materialized,
    metadata_of,
)

IMPOSSIBLE = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}


STILL = {"scores.shift": {"wasserstein": 1e-9, "holdout_factor": 0}}
"""Scores may hardly move: no challenger passes."""

AC = dg.AutomationCondition

# `eager` waits until no partition of its deps is missing, which is never; somebody will drop that.
EAGER = AC.eager().without(~AC.any_deps_missing())
CONDITIONS = {
    "as it is": AC.eager(),
    "eager": EAGER,
    "fails open": EAGER
    & ~AC.any_deps_match(AC.any_checks_match(AC.check_failed(), blocking_only=True)),
    "right": EAGER & AC.all_deps_blocking_checks_passed(),
}


def with_gate(lab: Lab, severity: str) -> Lab:
    return lab.again({"gates": [{**IMPOSSIBLE, "severity": severity}]})


def test_a_passing_gate_lets_the_run_promote(lab: Lab) -> None:
    result = materialize(lab, [*STEPS, *AFTER])
    assert result.success
    assert entries(lab) == 2


def test_retain_warns_and_the_run_goes_on_with_the_incumbent(lab: Lab) -> None:
    strict = with_gate(lab, "retain")
    result = materialize(strict, [*STEPS, *AFTER, "scores"])
    evaluation = evaluation_of(result, "promotion_gate")
    assert result.success
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert {"champion", "scores"} <= materialized(result)
    told = metadata_of(result, "champion")
    assert told["decision"].value == "retain"
    assert "0.999" in str(told["sentence"].value)
    assert entries(strict) == 1


def test_reject_stops_the_run_before_the_champion(lab: Lab) -> None:
    strict = with_gate(lab, "reject")
    result = materialize(strict, [*STEPS, *AFTER, "scores"])
    evaluation = evaluation_of(result, "promotion_gate")
    assert not result.success
    assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert "0.999" in (evaluation.description or "")
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
def test_a_champion_asked_for_after_its_run_says_the_same(lab: Lab, severity: str) -> None:
    """In the run and alone, the log is untouched and the reason is shown."""
    strict = with_gate(lab, severity)
    in_run = materialize(strict, [*STEPS, *AFTER])
    alone = materialize(strict, ["champion"])
    assert alone.success is in_run.success is (severity == "retain")
    if severity == "retain":
        told = [str(metadata_of(run, "champion")["sentence"].value) for run in (in_run, alone)]
        assert told[0] == told[1]
    else:
        check = evaluation_of(in_run, "promotion_gate")
        told = [str(check.description), failure_of(alone)]
    assert all("0.999" in each for each in told)
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


@pytest.mark.parametrize("checks", [True, False])
@pytest.mark.parametrize("approval", ["automatic", "manual"])
def test_where_the_trial_batch_was_left_out_nobody_is_promoted(
    lab: Lab, approval: str, checks: bool
) -> None:
    asked = lab.again({"approval": approval})
    resume_verdict(asked.model, asked.store, asked.day(SECOND))
    result = materialize(asked, ["challenger", "champion"], checks=checks)
    assert "run the step trial_scores first" in failure_of(result)
    assert "champion" not in materialized(result)
    assert entries(asked) == 1


def test_where_only_its_check_was_left_out_the_trial_batch_itself_lets_pass(lab: Lab) -> None:
    resume_verdict(lab.model, lab.store, lab.day(SECOND))
    assert materialize(lab, [*AFTER], checks=False).success
    assert entries(lab) == 2


@pytest.mark.parametrize("checks", [True, False])
def test_where_the_trial_batch_failed_nobody_is_promoted(lab: Lab, checks: bool) -> None:
    strict = lab.again(STILL)
    resume_verdict(strict.model, strict.store, strict.day(SECOND))
    in_run = materialize(strict, [*AFTER], checks=checks)
    alone = materialize(strict, ["champion"], checks=checks)
    assert not in_run.success
    assert not alone.success
    assert "trial_scores of 2024-01-26: wasserstein" in failure_of(alone)
    if checks:
        evaluation = evaluation_of(in_run, "score_shift")
        assert (evaluation.passed, evaluation.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert entries(strict) == 1


def test_a_trial_batch_under_older_limits_promotes_nobody(lab: Lab) -> None:
    lab.judge(SECOND)
    strict = lab.again(STILL)
    result = materialize(strict, ["champion"], checks=False)
    assert "its limits were declared anew since" in failure_of(result)
    assert entries(strict) == 1


def test_where_the_scorer_was_left_out_nobody_is_promoted(lab: Lab) -> None:
    lab.judge(SECOND)
    served = lab.again({"deploy": ["batch", "realtime"]})
    result = materialize(served, ["champion"], checks=False)
    assert "run the step scorer first" in failure_of(result)
    assert entries(served) == 1


def test_where_the_scorer_was_not_tested_nobody_is_promoted(lab: Lab) -> None:
    lab.judge(SECOND)
    served = lab.again({"deploy": ["batch", "realtime"]})
    result = materialize(served, ["scorer", "champion"], checks=False)
    assert {"scorer"} <= materialized(result)
    assert "the scorer was not tested" in failure_of(result)
    assert entries(served) == 1


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


def silent_gate(keys: dict[str, dg.AssetKey]) -> dg.AssetChecksDefinition:
    """A multi-check whose subset tells nothing of the gate."""
    specs = [
        dg.AssetCheckSpec("promotion_gate", asset=keys["comparison"], blocking=True),
        dg.AssetCheckSpec("other", asset=keys["comparison"]),
    ]

    @dg.multi_asset_check(specs=specs, can_subset=True)
    def gate() -> Iterator[dg.AssetCheckResult]:
        yield dg.AssetCheckResult(passed=True, asset_key=keys["comparison"], check_name="other")

    return gate


def lax_gate(keys: dict[str, dg.AssetKey]) -> dg.AssetChecksDefinition:
    """A check that always passes."""

    @dg.asset_check(asset=keys["comparison"], name="promotion_gate", blocking=True)
    def gate() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    return gate


def gate_on_champion(keys: dict[str, dg.AssetKey]) -> dg.AssetChecksDefinition:
    """A check that runs when the champion has been materialized."""

    @dg.asset_check(asset=keys["champion"], name="promotion_gate", blocking=True)
    def gate() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=False)

    return gate


def raising_gate(keys: dict[str, dg.AssetKey]) -> dg.AssetChecksDefinition:
    """A check that fails before it says anything."""

    @dg.asset_check(asset=keys["comparison"], name="promotion_gate")
    def gate() -> dg.AssetCheckResult:
        raise RuntimeError("the gate itself is broken")

    return gate


@pytest.mark.parametrize("severity", ["retain", "reject"])
@pytest.mark.parametrize("gate", [silent_gate, lax_gate, gate_on_champion, raising_gate])
def test_another_gate_in_its_place_promotes_nobody(
    lab: Lab,
    severity: str,
    gate: Callable[[dict[str, dg.AssetKey]], dg.AssetChecksDefinition],
) -> None:
    strict = with_gate(lab, severity)
    ours = definitions_of(strict)
    names = ("comparison", "champion")
    changed = dg.Definitions(
        assets=ours.assets,
        asset_checks=[gate(dict(zip(names, keys_of(names), strict=True)))],
        resources=ours.resources,
        executor=ours.executor,
    )
    result = materialize(strict, [*STEPS, *AFTER], definitions=changed)
    assert "champion" not in materialized(result)
    assert not result.success
    assert entries(strict) == 1


def test_no_asset_asks_for_itself_by_an_automation_condition(lab: Lab) -> None:
    specs = definitions_of(lab).resolve_all_asset_specs()
    assert {spec.key.path[-1] for spec in specs} >= {"champion", "scores", "performance"}
    assert {spec.automation_condition for spec in specs} == {None}


@pytest.mark.filterwarnings("ignore:Parameter `include_sources`")  # of Dagster's own tester
@pytest.mark.parametrize("severity", ["retain", "reject"])
@pytest.mark.parametrize(
    ("condition", "checks", "asks"),
    [
        ("as it is", True, False),
        ("eager", True, True),
        ("eager", False, True),
        ("fails open", True, False),
        ("fails open", False, True),
        ("right", True, False),
        ("right", False, False),
    ],
)
def test_a_champion_that_an_automation_condition_asks_for_is_not_promoted(
    lab: Lab, severity: str, condition: str, checks: bool, asks: bool
) -> None:
    strict = with_gate(lab, severity)
    automated = with_condition(definitions_of(strict), CONDITIONS[condition])
    (champion,) = keys_of(["champion"])
    with dg.DagsterInstance.ephemeral() as instance:
        instance.report_runless_asset_event(dg.AssetMaterialization(champion))
        before = dg.evaluate_automation_conditions(automated, instance)
        steps = [*STEPS, "challenger"] if checks else STEPS
        materialize(strict, steps, checks=checks, definitions=automated, instance=instance)
        after = dg.evaluate_automation_conditions(automated, instance, cursor=before.cursor)
        assert (before.get_num_requested(champion), after.get_num_requested(champion)) == (0, asks)
        result = materialize(strict, ["champion"], definitions=automated, instance=instance)
    assert entries(strict) == 1
    assert result.success is (checks and severity == "retain")


def with_condition(
    ours: dg.Definitions, condition: dg.AutomationCondition[dg.AssetKey]
) -> dg.Definitions:
    """Our definitions with a condition on the champion."""
    assets = [each for each in ours.assets or [] if isinstance(each, dg.AssetsDefinition)]

    def conditioned(spec: dg.AssetSpec) -> dg.AssetSpec:
        if spec.key not in keys_of(["champion"]):
            return spec
        return spec.replace_attributes(automation_condition=condition)

    return dg.Definitions(
        assets=dg.map_asset_specs(conditioned, assets),
        asset_checks=ours.asset_checks,
        resources=ours.resources,
        executor=ours.executor,
    )


def test_there_is_no_executor_but_ours_that_could_ignore_a_check(lab: Lab) -> None:
    assert definitions_of(lab).executor is dg.in_process_executor
    assert find_spec("dagster_dask") is None


def test_a_refusal_is_not_retried(lab: Lab) -> None:
    strict = with_gate(lab, "retain")
    result = materialize(strict, ["champion"], checks=False)
    assert not [event for event in result.all_events if event.event_type_value == "STEP_RESTARTED"]
    assert not [event for event in result.all_events if event.is_step_up_for_retry]
