"""Fleet sensors: what they ask for, once, whatever one model's source does."""

import datetime as dt
import json
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)
from dagster._core.storage.tags import RUN_FAILURE_REASON_TAG

from model_refresh.config.model import Model
from model_refresh.monitoring.orders import give_order
from model_refresh.orchestration.build import build_definitions
from model_refresh.orchestration.names import (
    IMPLICIT_JOB,
    MODEL_TAG,
    PARTITION_TAG,
    SELECTION_TAG,
    refresh_selection,
    score_selection,
)
from model_refresh.orchestration.requests import REFRESH, SCORE
from model_refresh.records import Order
from model_refresh.storage.store import utc_now
from model_refresh_tests.factories import make_model, make_purchases
from model_refresh_tests.monitoring.worlds import crown, grade, move, store_of

NAMES = ("anna", "bert", "cleo")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="session")
def purchases() -> pl.DataFrame:
    return make_purchases(customers=20)


@pytest.fixture
def models(tmp_path: Path, purchases: pl.DataFrame) -> list[Model]:
    return [make_model(tmp_path, name=name, new_data=True, purchases=purchases) for name in NAMES]


def tick(
    name: str, models: Sequence[Model], instance: dg.DagsterInstance, cursor: str | None = None
) -> tuple[list[dg.RunRequest], str | None, str | None]:
    """What a sensor asks for, what it says where it asks for nothing, and its cursor."""
    home = models[0].folder.parent / "home"
    repository = build_definitions(models, home=home).get_repository_def()
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, repository_def=repository
    ) as context:
        answer = repository.get_sensor_def(name).evaluate_tick(context)
    return list(answer.run_requests or []), answer.skip_message, answer.cursor


def touch(model: Model) -> None:
    """Another file of the same rows."""
    data = model.folder / "data" / "purchases.parquet"
    data.write_bytes(data.read_bytes() + b" ")


def end_run(
    instance: dg.DagsterInstance,
    model: str,
    *,
    partition: str = "1998-03-02",
    selection: str = REFRESH,
    status: dg.DagsterRunStatus = dg.DagsterRunStatus.SUCCESS,
) -> str:
    """A run that the instance knows of; its id."""
    tags = {MODEL_TAG: model, SELECTION_TAG: selection, PARTITION_TAG: partition}
    if status is dg.DagsterRunStatus.FAILURE:
        tags[RUN_FAILURE_REASON_TAG] = "STEP_FAILURE"  # one that crashed is started again first
    run = dg.DagsterRun(job_name=IMPLICIT_JOB, run_id=str(uuid.uuid4()), status=status, tags=tags)
    return instance.add_run(run).run_id


def test_a_source_with_new_data_gets_one_refresh_of_the_newest_frame(
    models: list[Model], instance: dg.DagsterInstance
) -> None:
    asked, said, cursor = tick("new_data", models, instance)
    assert (asked, said) == ([], "no source has new data")
    touch(models[1])
    (request,), said, cursor = tick("new_data", models, instance, cursor)
    newest = models[1].cadence.floor(utc_now())
    assert newest is not None
    assert said is None
    assert request.partition_key == models[1].cadence.key(newest)
    assert request.asset_selection == refresh_selection(models[1])
    assert request.tags[MODEL_TAG] == "bert"
    assert request.tags[SELECTION_TAG] == REFRESH
    assert request.tags["model_refresh/reason"] == "the source's files changed"
    asked, said, _ = tick("new_data", models, instance, cursor)
    assert (asked, said) == ([], "no source has new data")


def test_a_tick_that_is_repeated_asks_for_the_same_run(
    models: list[Model], instance: dg.DagsterInstance
) -> None:
    """The daemon died before it kept the cursor: Dagster starts a run key once."""
    _, _, cursor = tick("new_data", models, instance)
    touch(models[0])
    keys = {tick("new_data", models, instance, cursor)[0][0].run_key for _ in range(2)}
    assert len(keys) == 1


def test_a_broken_source_is_told_and_stops_no_other_model(
    tmp_path: Path,
    purchases: pl.DataFrame,
    instance: dg.DagsterInstance,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "anna").mkdir()
    (tmp_path / "anna" / "ready.sql").write_text("SELECT max(sold_at) FROM purchases")
    models = [
        make_model(tmp_path, name=name, new_data=True, purchases=purchases, ready=ready)
        for name, ready in (("anna", "ready.sql"), ("bert", None))
    ]
    _, said, cursor = tick("new_data", models, instance)
    assert said is not None
    assert said.startswith("anna: ")
    assert "sold_at" in said
    touch(models[1])
    (request,), _, _ = tick("new_data", models, instance, cursor)
    assert request.tags[MODEL_TAG] == "bert"
    assert "anna: " in capsys.readouterr().err


@pytest.mark.parametrize("cursor", ["", "{", '{"anna": 1}', '{"sources": {"anna": {"files": 1}}}'])
def test_a_cursor_that_is_not_ours_begins_anew(
    models: list[Model], instance: dg.DagsterInstance, cursor: str
) -> None:
    asked, _, after = tick("new_data", models, instance, cursor)
    assert not asked
    assert set(json.loads(after or "")["sources"]) == set(NAMES)
    run = end_run(instance, "bert")
    (request,), _, _ = tick("score_after_refresh", models, instance, cursor)
    assert (request.run_key or "").endswith(run)


def test_only_models_that_ask_for_it_are_watched(tmp_path: Path) -> None:
    plain = make_model(tmp_path)
    with dg.DagsterInstance.ephemeral() as instance:
        asked, said, cursor = tick("new_data", [plain], instance)
    assert (asked, said) == ([], "no source has new data")
    assert json.loads(cursor or "")["sources"] == {}


@pytest.mark.parametrize(
    "status",
    [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED],
)
def test_a_refresh_that_ended_is_followed_by_one_run_of_scores(
    models: list[Model], instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    run = end_run(instance, "bert", status=status)
    (request,), _, _ = tick("score_after_refresh", models, instance)
    assert request.run_key == f"bert|1998-03-02|score|{run}"
    assert request.partition_key == "1998-03-02"
    assert request.asset_selection == score_selection(models[1])
    assert request.tags[SELECTION_TAG] == SCORE


def test_one_refresh_is_never_scored_twice_and_two_of_a_frame_are(
    models: list[Model], instance: dg.DagsterInstance
) -> None:
    """A tick looks back over what it saw; Dagster starts a run key once."""
    first = end_run(instance, "bert")
    asked, _, cursor = tick("score_after_refresh", models, instance)
    keys = {request.run_key for request in asked}
    second = end_run(instance, "bert")
    for _ in range(3):
        asked, _, cursor = tick("score_after_refresh", models, instance, cursor)
        keys |= {request.run_key for request in asked}
    assert keys == {f"bert|1998-03-02|score|{run}" for run in (first, second)}


def test_runs_of_other_kinds_are_passed_by(
    models: list[Model], instance: dg.DagsterInstance
) -> None:
    end_run(instance, "bert", selection=SCORE)
    end_run(instance, "bert", status=dg.DagsterRunStatus.STARTED)
    end_run(instance, "a_model_that_left")
    end_run(instance, "bert", partition="1998-03-03")  # before the model was declared anew
    end_run(instance, "bert", partition="")
    instance.add_run(dg.DagsterRun(job_name="theirs", status=dg.DagsterRunStatus.SUCCESS))
    asked, said, _ = tick("score_after_refresh", models, instance)
    assert (asked, said) == ([], "no refresh has ended since the last tick")


def test_a_cursor_goes_on_with_the_clock_and_looks_back_over_a_while(
    models: list[Model], instance: dg.DagsterInstance
) -> None:
    before = utc_now()
    _, _, first = tick("score_after_refresh", models, instance)
    _, _, second = tick("score_after_refresh", models, instance, first)
    cursors = [dt.datetime.fromisoformat(cursor or "") for cursor in (first, second)]
    assert before - dt.timedelta(minutes=11) < cursors[0] < cursors[1] < before
    ahead = (before + dt.timedelta(hours=1)).isoformat()
    assert tick("score_after_refresh", models, instance, ahead)[2] == ahead


def test_sensors_run_by_themselves_as_models_ask_for_them_by_name(models: list[Model]) -> None:
    repository = build_definitions(models, home=models[0].folder).get_repository_def()
    ours = {"new_data", "drift", "decay", "staleness", "score_after_refresh", "scoring"}
    status = {each.name: each.default_status for each in repository.sensor_defs}
    assert ours <= status.keys()
    assert set(status.values()) == {dg.DefaultSensorStatus.RUNNING}


@pytest.fixture
def newest(models: list[Model]) -> dt.datetime:
    """The newest frame of all these models, by the clock."""
    found = models[0].cadence.floor(utc_now())
    assert found is not None
    return found


def test_each_early_sensor_asks_for_the_newest_frame_and_says_why(
    models: list[Model], instance: dg.DagsterInstance, newest: dt.datetime
) -> None:
    old = newest - dt.timedelta(weeks=30)
    for model in models:
        crown(store_of(model), old if model.name == "cleo" else newest - dt.timedelta(weeks=2))
    move(store_of(models[0]), newest)
    grade(store_of(models[1]), newest - dt.timedelta(weeks=4), remedy="refresh")
    for name, model, wide in zip(
        ("drift", "decay", "staleness"), models, (True, True, False), strict=True
    ):
        (request,), said, cursor = tick(name, models, instance)
        assert said is None
        assert request.asset_selection == refresh_selection(model)
        assert request.partition_key == model.cadence.key(newest)
        assert request.tags["model_refresh/reason_kind"] == name
        assert (request.tags.get("model_refresh/search") == "wide") == wide
        assert request.run_key == request.tags["model_refresh/request"]
        assert tick(name, models, instance, cursor)[:2] == ([], "no model is due")


def test_new_data_of_a_held_model_start_a_refresh_when_it_is_released(
    models: list[Model], instance: dg.DagsterInstance
) -> None:
    _, _, cursor = tick("new_data", models, instance)
    store = store_of(models[1])
    give_order(store, Order(kind="hold", who="ann", reason="a test"))
    touch(models[1])
    asked, said, cursor = tick("new_data", models, instance, cursor)
    assert asked == []
    assert said is not None
    assert "bert is held by ann since " in said
    give_order(store, Order(kind="release", who="ann", reason=""))
    (request,), _, _ = tick("new_data", models, instance, cursor)
    assert request.tags[MODEL_TAG] == "bert"


def score_tick(
    model: Model, instance: dg.DagsterInstance, now: dt.datetime
) -> tuple[list[str | None], str | None]:
    """The run keys that the sensor `scoring` asks for at an instant."""
    home = model.folder.parent / "home"
    repository = build_definitions([model], home=home, clock=lambda: now).get_repository_def()
    with dg.build_sensor_context(instance=instance, repository_def=repository) as context:
        answer = repository.get_sensor_def("scoring").evaluate_tick(context)
    assert all(each.asset_selection == score_selection(model) for each in answer.run_requests or [])
    return [request.run_key for request in answer.run_requests or []], answer.skip_message


@pytest.fixture
def daily(tmp_path: Path, purchases: pl.DataFrame) -> Model:
    """Frames at every midnight, a refresh on Mondays at 6, and a champion."""
    model = make_model(tmp_path, purchases=purchases, every="1d", horizon="7d")
    crown(store_of(model), dt.datetime(1998, 2, 1, tzinfo=dt.UTC))
    return model


TUESDAY = dt.datetime(1998, 3, 3, 7, tzinfo=dt.UTC)
MONDAY = dt.datetime(1998, 3, 2, 7, tzinfo=dt.UTC)


def test_a_frame_without_a_refresh_is_scored_once(
    daily: Model, instance: dg.DagsterInstance
) -> None:
    keys, said = score_tick(daily, instance, TUESDAY)
    assert (keys, said) == (["repurchase|1998-03-03|score|frame"], None)
    assert score_tick(daily, instance, TUESDAY)[0] == keys


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTED])
def test_a_run_that_is_under_way_is_waited_for(
    daily: Model, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    end_run(instance, "repurchase", status=status)
    keys, said = score_tick(daily, instance, TUESDAY)
    assert (keys, said) == ([], "no new frame is to be scored by itself")


def test_a_schedule_that_was_stopped_is_not_waited_for(daily: Model, tmp_path: Path) -> None:
    early = MONDAY - dt.timedelta(minutes=55)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert score_tick(daily, instance, early)[0] == []
        stop_schedule(instance, daily)
        assert score_tick(daily, instance, early)[0] == ["repurchase|1998-03-02|score|frame"]


def stop_schedule(instance: dg.DagsterInstance, model: Model) -> None:
    """As a person does on Dagster's page."""
    origin = RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("test"), "__repository__"),
        f"{model.name}_schedule",
    )
    state = InstigatorState(
        origin,
        InstigatorType.SCHEDULE,
        InstigatorStatus.STOPPED,
        ScheduleInstigatorData(model.spec.schedule.cron),
    )
    instance.add_instigator_state(state)


def test_a_source_that_has_not_reached_the_frame_is_waited_for(
    tmp_path: Path, purchases: pl.DataFrame, instance: dg.DagsterInstance
) -> None:
    (tmp_path / "repurchase").mkdir()
    ready = tmp_path / "repurchase" / "ready.sql"
    ready.write_text("SELECT TIMESTAMP '1998-03-02 20:00'")
    model = make_model(tmp_path, purchases=purchases, every="1d", horizon="7d", ready="ready.sql")
    crown(store_of(model), dt.datetime(1998, 2, 1, tzinfo=dt.UTC))
    assert score_tick(model, instance, TUESDAY)[0] == []
    ready.write_text("SELECT TIMESTAMP '1998-03-03 00:00'")
    model = make_model(tmp_path, purchases=purchases, every="1d", horizon="7d", ready="ready.sql")
    assert score_tick(model, instance, TUESDAY)[0] == ["repurchase|1998-03-03|score|frame"]
