"""The check `drift` in Dagster: what it shows, and that it never stops anything."""

import dagster as dg
import pytest

from model_refresh.orchestration import drift
from model_refresh.orchestration.drift import drift_check
from model_refresh_tests.lab import Lab
from model_refresh_tests.orchestration.runs import evaluation_of, materialize, materialized

LATER = 18
TIGHT = {"monitoring.drift": {"wasserstein": 0.0001, "classifier": None, "importance": 0.0}}


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """With all measures of drift."""
    return lab.again({"monitoring.drift.classifier": 0.65})


def test_a_frame_within_the_limits_passes_and_shows_figures_that_plot(lab: Lab) -> None:
    told = evaluation_of(materialize(lab, ("features",)), "drift")
    assert told.passed
    assert (told.description or "").startswith("no drift: ")
    for name in ("weighted psi", "classifier auc", "score psi", "label shift"):
        assert isinstance(told.metadata[name], dg.FloatMetadataValue), name
    table = told.metadata["features"]
    assert isinstance(table, dg.TableMetadataValue)
    assert {record.data["feature"] for record in table.records} >= {"visits", "segment"}


def test_drift_warns_and_the_run_goes_on(lab: Lab) -> None:
    busy = lab.rows()
    lab.damage(busy.with_columns(spend=busy["spend"] * 100))
    tight = lab.again(TIGHT)
    later = tight.model.cadence.key(tight.day(LATER))
    result = materialize(tight, ("features", "dataset"), partition=later)
    told = evaluation_of(result, "drift")
    assert not told.passed
    assert told.severity == dg.AssetCheckSeverity.WARN
    assert "Wasserstein distance of most_spent" in (told.description or "")
    assert result.success
    assert "dataset" in materialized(result)


def test_without_a_champion_it_passes_with_a_sentence(fresh: Lab) -> None:
    result = materialize(fresh, ("features",))
    told = evaluation_of(result, "drift")
    assert result.success
    assert told.passed
    assert told.description == "visits has no champion to hold the frame against"


def test_what_can_not_be_measured_warns_and_the_run_goes_on(lab: Lab) -> None:
    for path in (lab.home / "visits" / "versions").glob("*/learned.json"):
        path.chmod(0o644)
        path.write_text("{}")
    result = materialize(lab, ("features",))
    told = evaluation_of(result, "drift")
    assert result.success
    assert not told.passed
    assert "drift can't be measured: " in (told.description or "")


def test_a_bug_in_what_is_measured_is_a_warning_too(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        message = "NaN in input"
        raise ValueError(message)

    monkeypatch.setattr(drift, "compute_drift", broken)
    result = materialize(lab, ("features",))
    told = evaluation_of(result, "drift")
    assert result.success
    assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert told.description == "drift can't be measured: ValueError: NaN in input"


def test_it_blocks_nothing(lab: Lab) -> None:
    (spec,) = drift_check(lab.model).check_specs
    assert not spec.blocking
