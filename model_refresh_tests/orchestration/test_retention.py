"""What Dagster keeps of old runs and of idle looks, over an instance whose records are in files."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRunStatus
from dagster._core.storage.event_log import SqliteEventLogStorage

from model_refresh.monitoring.orders import give_order
from model_refresh.orchestration import retention
from model_refresh.orchestration.build import build_definitions
from model_refresh.orchestration.launcher import ProcessRunLauncher
from model_refresh.orchestration.requests import REFRESH, SCORE
from model_refresh.orchestration.retention import prune, prune_sensor
from model_refresh.orchestration.tags import MODEL_TAG, SELECTION_TAG
from model_refresh.records import Order
from model_refresh.storage.store import utc_now
from model_refresh_tests.factories import make_model
from model_refresh_tests.monitoring.worlds import store_of, unreadable
from model_refresh_tests.orchestration.homes import make_home
from model_refresh_tests.orchestration.runs import end_run

LATER = utc_now() + dt.timedelta(days=365)
ANNA = {MODEL_TAG: "anna", SELECTION_TAG: REFRESH}


@dg.asset
def champion() -> None:
    """Stands for any asset of a model."""


@dg.asset_check(asset=champion)
def gate() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@pytest.fixture
def home(tmp_path: Path) -> str:
    return make_home(tmp_path)


@pytest.fixture
def instance(home: str) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(home) as instance:
        yield instance


def run_once(instance: dg.DagsterInstance) -> str:
    """A run of the asset and its check, with all that Dagster records; its id."""
    return dg.materialize([champion, gate], instance=instance, tags=ANNA).run_id


def runs_of(instance: dg.DagsterInstance) -> set[str]:
    return {run.run_id for run in instance.get_runs()}


def test_an_old_run_is_forgotten_whole_and_what_is_newest_stays(
    home: str, instance: dg.DagsterInstance
) -> None:
    old, new = run_once(instance), run_once(instance)
    of_old = set(Path(home).rglob(f"{old}*"))
    assert {path.name for path in of_old} >= {f"{old}.db", old}, (
        "a file of events, a folder of logs"
    )
    made = instance.get_latest_materialization_event(champion.key)
    assert prune(instance, LATER).runs == 1
    assert runs_of(instance) == {new}
    assert not list(Path(home).rglob(f"{old}*"))
    assert instance.get_latest_materialization_event(champion.key) == made
    assert made is not None and made.run_id == new
    (check,) = gate.check_keys
    storage = instance.event_log_storage
    told = storage.get_asset_check_execution_history(check, limit=9)
    assert [each.run_id for each in told] == [new]


def test_what_is_under_way_and_what_ended_lately_stays(instance: dg.DagsterInstance) -> None:
    for status in (
        DagsterRunStatus.NOT_STARTED,
        DagsterRunStatus.STARTED,
        DagsterRunStatus.SUCCESS,
    ):
        end_run(instance, "anna", status=status)
    newest = end_run(instance, "anna")
    before = runs_of(instance)
    assert prune(instance, utc_now() - dt.timedelta(hours=1)).runs == 0
    assert prune(instance, LATER).runs == 1
    assert newest in runs_of(instance) and len(runs_of(instance)) == len(before) - 1


def test_the_newest_run_of_each_model_and_selection_keeps_its_key(
    instance: dg.DagsterInstance,
) -> None:
    kept = {
        end_run(instance, name, selection=selection)
        for name in ("anna", "bert")
        for selection in (REFRESH, SCORE)
    }
    assert prune(instance, LATER).runs == 0
    kept |= {end_run(instance, "anna", status=DagsterRunStatus.FAILURE)}
    assert prune(instance, LATER).runs == 1
    assert runs_of(instance) < kept


def test_who_made_an_asset_last_stays_though_later_runs_failed(
    instance: dg.DagsterInstance,
) -> None:
    made = run_once(instance)
    failed = [end_run(instance, "anna", status=DagsterRunStatus.FAILURE) for _ in range(3)]
    assert prune(instance, LATER).runs == 2
    assert runs_of(instance) == {made, failed[-1]}


def test_events_of_no_run_are_forgotten_too_but_the_newest(instance: dg.DagsterInstance) -> None:
    page = dg.AssetKey(["fleet", "overview"])
    for _ in range(3):
        instance.report_runless_asset_event(dg.AssetMaterialization(page))
    newest = instance.get_latest_materialization_event(page)
    for _ in range(2):
        end_run(instance, "anna")
    assert prune(instance, LATER).runs == 1
    records = instance.fetch_materializations(page, limit=9).records
    assert [each.event_log_entry for each in records] == [newest]
    storage = instance.event_log_storage
    assert isinstance(storage, SqliteEventLogStorage)
    assert len(storage.get_records_for_run("").records) == 1


def test_a_round_has_its_time_and_the_next_one_goes_on(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = [end_run(instance, name) for name in ("anna", "bert")]
    old = [end_run(instance, "cleo") for _ in range(3)]
    assert prune(instance, LATER, seconds=0).runs == 0
    assert len(runs_of(instance)) == 5
    monkeypatch.setattr(retention, "_MOST", 2)
    first = prune(instance, LATER)
    assert (first.runs, first.after) == (0, kept[1])
    second = prune(instance, LATER, after=first.after)
    assert (second.runs, second.after) == (2, kept[1])
    assert prune(instance, LATER, after=second.after).after is None
    assert runs_of(instance) == {*kept, old[-1]}
    end_run(instance, "anna")
    assert prune(instance, LATER, after=old[0]).runs == 1, "a run that is gone: from the oldest on"


@pytest.mark.parametrize(("days", "left"), [(0, 3), (365, 3), (364, 1)])
def test_the_sensor_forgets_what_is_older_than_is_declared(
    instance: dg.DagsterInstance, days: int, left: int
) -> None:
    assert isinstance(instance.run_launcher, ProcessRunLauncher)
    assert instance.run_launcher.keep_run_days == 0, "for ever, unless something is declared"
    instance.run_launcher.keep_run_days = days
    for _ in range(3):
        end_run(instance, "anna")
    sensor = prune_sensor(clock=lambda: LATER - dt.timedelta(minutes=1))
    with dg.build_sensor_context(instance=instance) as context:
        answer = sensor.evaluate_tick(context)
    assert len(runs_of(instance)) == left
    told = f"{3 - left} runs that ended before" if days else "runs are kept for ever"
    assert (answer.skip_message or "").startswith(told)


@pytest.mark.parametrize("name", ["new_data", "drift", "scoring", "grade"])
def test_a_look_that_starts_nothing_leaves_no_file(
    name: str, tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One model is held, the store of the other is out of reach: for days, and each minute."""
    held, damaged = (make_model(tmp_path, name=each, new_data=True) for each in ("anna", "bert"))
    give_order(store_of(held), Order(kind="hold", who="ada", reason="moving"))
    unreadable(monkeypatch, damaged.name)
    store_of(damaged).root.mkdir()
    (store_of(damaged).root / "scores").write_text("no folder")
    repository = build_definitions([held, damaged], home=tmp_path / "home").get_repository_def()
    with dg.SensorEvaluationContext(
        instance_ref=instance.get_ref(),
        last_tick_completion_time=None,
        last_run_key=None,
        cursor=None,
        log_key=["__repository__", name, "1"],
        repository_name=repository.name,
        repository_def=repository,
    ) as context:
        answer = repository.get_sensor_def(name).evaluate_tick(context)
    assert not answer.run_requests
    assert answer.log_key is None
    assert "bert: " in (answer.skip_message or "")
    assert not list(Path(instance.root_directory).rglob("*.err"))
