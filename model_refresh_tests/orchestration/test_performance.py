"""Grading in Dagster: the asset's page, the check `decay`, and the sensor that asks for both."""

import datetime as dt
from pathlib import Path

import dagster as dg
import polars as pl
import pytest

from model_refresh.monitoring.performance.rounds import Looks
from model_refresh.orchestration.build import build_definitions
from model_refresh.orchestration.grading import grade_sensor
from model_refresh.orchestration.names import performance_selection, refresh_selection
from model_refresh.storage import Store
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import Lab, copy_lab
from model_refresh_tests.orchestration.runs import (
    definitions_of,
    evaluation_of,
    failure_of,
    materialize,
    metadata_of,
)


def key(lab: Lab, day: int) -> str:
    return lab.model.cadence.key(lab.day(day))


def test_realised_and_promised_figures_plot_under_the_labels_of_comparisons(scored: Lab) -> None:
    result = materialize(scored, ["performance"], partition=key(scored, FIRST))
    assert result.success
    shown = metadata_of(result, "performance")
    names = ["log_loss", "promised log_loss", "estimated log_loss", "skill", "promised skill"]
    for name in [*names, "roc_auc", "promised roc_auc"]:
        assert isinstance(shown[name], dg.FloatMetadataValue), name
    for name in ("realised", "promised", "checks"):
        assert isinstance(shown[name], dg.TableMetadataValue), name
    check = evaluation_of(result, "decay")
    assert check.passed
    assert check.description == "300 rows graded: no decay in 2 checks"


@pytest.mark.parametrize(
    ("policy", "severity"),
    [("alert", dg.AssetCheckSeverity.ERROR), ("rollback", dg.AssetCheckSeverity.WARN)],
)
def test_decay_fails_its_check_and_no_run(
    overridden: Lab, tmp_path: Path, policy: str, severity: dg.AssetCheckSeverity
) -> None:
    lab = copy_lab(overridden, tmp_path, {"champion.on_decay": policy})
    result = materialize(lab, ["performance"], partition=key(lab, SECOND))
    assert result.success
    check = evaluation_of(result, "decay")
    assert (check.passed, check.severity) == (False, severity)
    assert "the former one is better by" in (check.description or "")
    assert metadata_of(result, "performance")["answer"].value == policy
    newest = lab.store.champion.last()
    assert newest is not None
    assert newest.record.kind == ("rollback" if policy == "rollback" else "override")


def test_a_frame_without_a_batch_is_told_and_fails_nothing(scored: Lab) -> None:
    result = materialize(scored, ["performance"], partition=key(scored, SECOND + 1))
    assert result.success
    told = metadata_of(result, "performance")["sentence"].value
    assert told == "visits has no batch of 2024-01-27 to grade"
    assert evaluation_of(result, "decay").description == "nothing is graded yet"


def test_a_batch_whose_labels_data_are_not_expected_yet_is_told_and_fails_nothing(
    scored: Lab,
) -> None:
    early = scored.day(SECOND + 1) + dt.timedelta(hours=5, minutes=59)
    definitions = build_definitions([scored.model], home=scored.home, clock=lambda: early)
    result = materialize(
        scored, ["performance"], partition=key(scored, SECOND), definitions=definitions
    )
    assert result.success
    told = str(metadata_of(result, "performance")["sentence"].value)
    assert "their data are expected at 2024-01-27 06:00 UTC" in told
    assert scored.store.graded() == []


def test_the_fleets_sensor_goes_by_the_clock_of_the_definitions(scored: Lab) -> None:
    early = scored.day(SECOND) + dt.timedelta(hours=5, minutes=59)
    definitions = build_definitions([scored.model], home=scored.home, clock=lambda: early)
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance=instance, definitions=definitions)
        tick = definitions.resolve_sensor_def("grade")(context)
    assert isinstance(tick, dg.SensorResult)
    assert tick.run_requests == []


def test_damaged_labels_fail_the_run_with_their_sentence(scored: Lab) -> None:
    scored.damage(scored.rows().with_columns(visited=pl.lit(0)))
    result = materialize(scored, ["performance"], partition=key(scored, SECOND))
    assert not result.success
    assert "visits, labels of 2024-01-26" in failure_of(result)
    assert scored.store.graded() == []


def test_grading_is_no_part_of_a_refresh_and_is_a_run_of_its_own(scored: Lab) -> None:
    assert not set(performance_selection(scored.model)) & set(refresh_selection(scored.model))


def test_the_sensor_asks_for_each_matured_batch_once(scored: Lab) -> None:
    now = scored.day(SECOND) + dt.timedelta(hours=6)
    sensor = grade_sensor([scored.model], Store(scored.home), clock=lambda: now)
    definitions = definitions_of(scored)
    with dg.DagsterInstance.ephemeral() as instance:
        cursor, requests = None, list[dg.RunRequest]()
        for _ in range(2):
            context = dg.build_sensor_context(
                instance=instance, cursor=cursor, definitions=definitions
            )
            tick = sensor(context)
            assert isinstance(tick, dg.SensorResult)
            cursor = tick.cursor
            requests += tick.run_requests or []
    (request,) = requests
    assert request.partition_key == key(scored, FIRST)
    assert request.asset_selection == performance_selection(scored.model)
    assert request.tags["model_refresh/selection"] == "grade"
    waits = Looks.parse_cursor(cursor).models["visits"].again
    assert waits == now + dt.timedelta(days=1)
