"""The asset `scorer` and its blocking check `scorer_conformance`, run by Dagster in process."""

from pathlib import Path

import dagster as dg
import pytest

from model_refresh.orchestration.names import refresh_selection
from model_refresh.records import CheckResult
from model_refresh.records.production import CONFORMANCE_CHECKS
from model_refresh.refresh.resume import resume_challenger, resume_verdict
from model_refresh.serving import scorers
from model_refresh.serving.conformance.checks import Findings
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import Lab, copy_lab
from model_refresh_tests.orchestration.runs import (
    definitions_of,
    entries,
    keys_of,
    materialize,
    materialized,
    metadata_of,
)

REALTIME = {"deploy": ["batch", "realtime"]}
IMPOSSIBLE = {"gate": "absolute", "metric": "roc_auc", "at_least": 0.999}
STEPS = ("comparison", "challenger", "trial_scores", "scorer", "champion")
PASSED = tuple(
    CheckResult(name=name, outcome="passed", sentence=f"{name} is well")
    for name in CONFORMANCE_CHECKS
)
FAILED = CheckResult(name="latency", outcome="failed", sentence="30 ms where 25 is allowed")


@pytest.fixture
def declared(lab: Lab, tmp_path: Path) -> Lab:
    """The lab, to be served, before its second day is judged."""
    return copy_lab(lab, tmp_path / "declared", REALTIME)


def tell(monkeypatch: pytest.MonkeyPatch, *checks: CheckResult) -> None:
    found = Findings(checks, {"latency_p99_ms": 30.0})
    monkeypatch.setattr(scorers, "try_folder", lambda *a, **k: found)


def conformance(result: dg.ExecuteInProcessResult) -> dg.AssetCheckEvaluation:
    (found,) = [
        e for e in result.get_asset_check_evaluations() if e.check_name == "scorer_conformance"
    ]
    return found


def test_only_models_that_are_served_have_it(declared: Lab, lab: Lab) -> None:
    (key,) = keys_of(["scorer"])
    for each, has in ((declared, True), (lab, False)):
        graph = definitions_of(each).resolve_asset_graph()
        assert (key in graph.get_all_asset_keys()) is has
        assert (key in refresh_selection(each.model)) is has
        (champion,) = keys_of(["champion"])
        assert (key in graph.get(champion).parent_keys) is has
        checks = {check.name for check in graph.asset_check_keys}
        assert ("scorer_conformance" in checks) is has


def test_a_scorer_that_passes_lets_its_version_be_promoted(
    declared: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(monkeypatch, *PASSED)
    result = materialize(declared, STEPS)
    assert result.success
    assert materialized(result) == {*STEPS}
    assert entries(declared) == 2
    check = conformance(result)
    assert (check.passed, check.blocking) == (True, True)
    assert str(check.description).startswith("suite is well; golden is well; ")
    assert check.metadata["latency_p99_ms"].value == 30.0
    told = metadata_of(result, "scorer")
    version = declared.store.champion.lines()[-1].record.version
    assert told["version"].value == version
    assert told["get it"].value == f"model-refresh scorer visits --version {version} --out DIR"


def test_a_scorer_that_fails_stops_the_run(declared: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, *PASSED[:-1], FAILED)
    result = materialize(declared, STEPS)
    assert not result.success
    assert "champion" not in materialized(result)
    assert entries(declared) == 1
    check = conformance(result)
    assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
    assert check.description == "1 of 4 tests failed: latency: 30 ms where 25 is allowed"


def test_no_check_no_promotion(declared: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    tell(monkeypatch, *PASSED)
    resume_verdict(declared.model, declared.store, declared.day(SECOND))
    resume_challenger(declared.model, declared.store, declared.day(SECOND))
    result = materialize(declared, ["trial_scores", "scorer", "champion"], checks=False)
    assert not result.success
    assert entries(declared) == 1


def test_a_week_without_a_challenger_stays_green(declared: Lab) -> None:
    strict = declared.again({**REALTIME, "gates": [IMPOSSIBLE]})
    result = materialize(strict, STEPS)
    assert result.success
    assert metadata_of(result, "scorer")["version"].value == "none: the incumbent stays"
    check = conformance(result)
    assert check.passed
    assert check.description == "there is no scorer to test: the incumbent stays"
