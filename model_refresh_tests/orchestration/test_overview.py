"""The asset `fleet/overview`, and the sensor that writes the page and reports what is news."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from model_refresh.config.fleet import read_fleet
from model_refresh.orchestration.build import build_definitions
from model_refresh.orchestration.overview import KEY, overview_sensor
from model_refresh.storage import Store
from model_refresh_tests.lab import NAME, Lab

PROBLEM = "fleet/torn/model.yaml:1:1 it is empty"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def tick(lab: Lab, instance: dg.DagsterInstance, cursor: str | None = None) -> dg.SensorResult:
    sensor = overview_sensor([lab.model], [PROBLEM], Store(lab.home))
    found = sensor(dg.build_sensor_context(instance=instance, cursor=cursor))
    assert isinstance(found, dg.SensorResult)
    return found


def clock(monkeypatch: pytest.MonkeyPatch, now: dt.datetime) -> None:
    monkeypatch.setattr("model_refresh.orchestration.overview.utc_now", lambda: now)


def test_a_tick_writes_the_page_without_a_run_and_says_who_needs_a_person(
    lab: Lab, instance: dg.DagsterInstance
) -> None:
    found = tick(lab, instance)
    (event,) = found.asset_events
    assert isinstance(event, dg.AssetMaterialization)
    assert event.asset_key == KEY
    told = event.metadata
    assert Path(str(told["page"].value)).read_text().startswith("<!DOCTYPE html>")
    assert (told["models"].value, told["need a person"].value) == (2.0, 2.0)
    asking = told["who needs a person"]
    assert isinstance(asking, dg.TableMetadataValue)
    assert [record.data["model"] for record in asking.records] == ["torn", NAME]
    assert not found.run_requests
    assert found.skip_reason is not None


def test_what_is_no_news_is_not_reported_until_an_hour_has_passed(
    lab: Lab, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = dt.datetime(2026, 11, 26, tzinfo=dt.UTC)
    clock(monkeypatch, now)
    first = tick(lab, instance)
    clock(monkeypatch, now + dt.timedelta(minutes=5))
    second = tick(lab, instance, first.cursor)
    assert not second.asset_events
    assert second.cursor == first.cursor
    clock(monkeypatch, now + dt.timedelta(minutes=60))
    assert tick(lab, instance, second.cursor).asset_events
    clock(monkeypatch, now - dt.timedelta(days=5000))  # the model has not begun by then
    assert tick(lab, instance, second.cursor).asset_events


@pytest.mark.parametrize("cursor", ["", "{}", "not ours", '{"states": 1}'])
def test_a_cursor_that_is_not_ours_reports_anew(
    lab: Lab, instance: dg.DagsterInstance, cursor: str
) -> None:
    assert tick(lab, instance, cursor).asset_events


def test_a_person_may_materialize_it(lab: Lab, instance: dg.DagsterInstance) -> None:
    definitions = build_definitions([lab.model], home=lab.home, problems=[])
    job = dg.define_asset_job("page", dg.AssetSelection.assets(KEY))
    merged = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
    result = merged.resolve_job_def("page").execute_in_process(instance=instance)
    (event,) = result.get_asset_materialization_events()
    assert event.asset_key == KEY
    assert (lab.home / "_fleet" / "fleet.html").is_file()


def test_part_of_a_fleet_has_no_overview(lab: Lab) -> None:
    specs = build_definitions([lab.model], home=lab.home).resolve_all_asset_specs()
    assert KEY not in {spec.key for spec in specs}


def test_no_model_may_be_called_fleet(lab: Lab) -> None:
    folder = lab.folder.rename(lab.fleet / "fleet")
    declared = (folder / "model.yaml").read_text().replace(f"name: {NAME}", "name: fleet")
    (folder / "model.yaml").write_text(declared)
    models, (problem,) = read_fleet(lab.fleet, environment={})
    assert not models
    assert "name: 'fleet' is the name of what belongs to all models: choose another" in problem
