"""Fleet sensors: what they ask for, once, whatever one model's source does."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus

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
from model_refresh_tests.monitoring.worlds import begin, crown, grade, move, store_of
from model_refresh_tests.orchestration.runs import end_run, set_schedule

NAMES = ("anna", "bert", "cleo")


MONDAY = dt.datetime(1998, 3, 2, tzinfo=dt.UTC)


def awake() -> dt.datetime:
    """The clock; on a Monday before six, when no frame's data are expected yet, six."""
    now = utc_now()
    monday = now.date() - dt.timedelta(days=now.weekday())
    return max(now, dt.datetime.combine(monday, dt.time(6), dt.UTC))


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
    repository = build_definitions(models, home=home, clock=awake).get_repository_def()
    with dg.build_sensor_context(
        instance=instance, cursor=cursor, repository_def=repository
    ) as context:
        answer = repository.get_sensor_def(name).evaluate_tick(context)
    return list(answer.run_requests or []), answer.skip_message, answer.cursor


def settle(
    models: Sequence[Model], instance: dg.DagsterInstance, cursor: str | None
) -> tuple[list[dg.RunRequest], str | None, str | None]:
    """What `new_data` asks for at its second look at a change: the first one only takes note."""
    asked, _, cursor = tick("new_data", models, instance, cursor)
    assert asked == []
    return tick("new_data", models, instance, cursor)


def touch(model: Model) -> None:
    """Another file of the same rows."""
    data = model.folder / "data" / "purchases.parquet"
    data.write_bytes(data.read_bytes() + b" ")


def test_a_source_with_new_data_gets_one_refresh_of_the_newest_frame(
    models: list[Model], instance: dg.DagsterInstance
) -> None:
    asked, said, cursor = tick("new_data", models, instance)
    assert (asked, said) == ([], "no source has new data")
    touch(models[1])
    (request,), said, cursor = settle(models, instance, cursor)
    newest = models[1].cadence.floor(awake())
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
    _, _, cursor = tick("new_data", models, instance, cursor)
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
    (request,), _, _ = settle(models, instance, cursor)
    assert request.tags[MODEL_TAG] == "bert"
    assert "anna: " in capsys.readouterr().err


@pytest.mark.parametrize("cursor", ["", "{", '{"anna": 1}', '{"sources": {"anna": {"files": 1}}}'])
def test_a_cursor_that_is_not_ours_begins_anew(
    models: list[Model], instance: dg.DagsterInstance, cursor: str
) -> None:
    asked, _, after = tick("new_data", models, instance, cursor)
    assert not asked
    assert set(json.loads(after or "")["sources"]) == set(NAMES)
    begin(store_of(models[1]), MONDAY)
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
    begin(store_of(models[1]), MONDAY)
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
    begin(store_of(models[1]), MONDAY)
    first = end_run(instance, "bert")
    asked, _, cursor = tick("score_after_refresh", models, instance)
    keys = {request.run_key for request in asked}
    second = end_run(instance, "bert")
    for _ in range(3):
        asked, _, cursor = tick("score_after_refresh", models, instance, cursor)
        keys |= {request.run_key for request in asked}
    assert keys == {f"bert|1998-03-02|score|{run}" for run in (first, second)}


def test_a_refresh_that_was_refused_before_it_began_is_followed_by_nothing(
    models: list[Model], instance: dg.DagsterInstance
) -> None:
    """Its data are not there, for a batch neither."""
    end_run(instance, "bert", status=dg.DagsterRunStatus.FAILURE)
    asked, said, _ = tick("score_after_refresh", models, instance)
    assert (asked, said) == ([], "no refresh has ended since the last tick")


@pytest.mark.parametrize("is_stopped", [False, True])
def test_what_a_tick_left_to_new_data_begins_unless_the_schedule_was_stopped_since(
    tmp_path: Path, purchases: pl.DataFrame, *, is_stopped: bool
) -> None:
    def waiting(reached: str) -> list[Model]:
        (tmp_path / "anna").mkdir(exist_ok=True)
        (tmp_path / "anna" / "ready.sql").write_text(f"SELECT TIMESTAMP '{reached}'")
        return [make_model(tmp_path, name="anna", purchases=purchases, ready="ready.sql")]

    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        _, _, cursor = tick("new_data", waiting("1998-03-01"), instance)
        if is_stopped:
            set_schedule(instance, "anna", InstigatorStatus.STOPPED)
        asked, _, _ = tick("new_data", waiting("1998-03-02"), instance, cursor)
    assert len(asked) == (0 if is_stopped else 1)


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
    before = awake()
    _, _, first = tick("score_after_refresh", models, instance)
    _, _, second = tick("score_after_refresh", models, instance, first)
    cursors = [dt.datetime.fromisoformat(cursor or "") for cursor in (first, second)]
    assert before - dt.timedelta(minutes=11) < cursors[0] <= cursors[1] < before
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
    found = models[0].cadence.floor(awake())
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
    (request,), _, _ = settle(models, instance, cursor)
    assert request.tags[MODEL_TAG] == "bert"


def test_a_frame_whose_refresh_waits_is_asked_for_by_no_other_sensor(
    models: list[Model], instance: dg.DagsterInstance, newest: dt.datetime
) -> None:
    """Neither where it waits in the queue, nor where a person started it on Dagster's page."""
    _, _, seen = tick("new_data", models, instance)
    for model in models:
        crown(store_of(model), newest - dt.timedelta(weeks=30))
        move(store_of(model), newest)
    key = models[0].cadence.key(newest)
    end_run(instance, "anna", partition=key, status=dg.DagsterRunStatus.NOT_STARTED)
    by_hand = dg.DagsterRun(
        job_name=IMPLICIT_JOB,
        status=dg.DagsterRunStatus.STARTED,
        tags={PARTITION_TAG: key},
        asset_selection=frozenset(refresh_selection(models[1])),
    )
    instance.add_run(by_hand)
    for name in ("drift", "staleness"):
        asked, _, _ = tick(name, models, instance)
        assert [request.tags[MODEL_TAG] for request in asked] == ["cleo"]
    touch(models[0])
    assert settle(models, instance, seen)[0] == []


def test_new_data_that_came_during_a_run_ask_once_it_was_cancelled(
    models: list[Model], instance: dg.DagsterInstance, newest: dt.datetime
) -> None:
    """A person's run that began before they came, and made nothing of the frame."""
    _, _, cursor = tick("new_data", models, instance)
    key = models[0].cadence.key(newest)
    run = end_run(instance, "anna", partition=key, status=dg.DagsterRunStatus.STARTED)
    touch(models[0])
    asked, said, cursor = settle(models, instance, cursor)
    assert (asked, said) == (
        [],
        f"anna: the refresh of {key} waits for its turn or is under way",
    )
    canceled = instance.get_run_by_id(run)
    assert canceled is not None
    instance.report_run_canceled(canceled)
    (request,), _, cursor = tick("new_data", models, instance, cursor)
    assert (request.tags[MODEL_TAG], request.partition_key) == ("anna", key)
    assert tick("new_data", models, instance, cursor)[0] == []


def test_a_damaged_line_of_one_model_stops_no_sensor(
    models: list[Model], instance: dg.DagsterInstance, newest: dt.datetime
) -> None:
    """Anna is refreshed all the same where the line isn't what is asked for; nobody else notices."""
    _, _, seen = tick("new_data", models, instance)
    for model in models:
        crown(store_of(model), newest - dt.timedelta(weeks=30))
    move(store_of(models[0]), newest - dt.timedelta(weeks=1))
    store_of(models[0]).drifts(newest - dt.timedelta(weeks=1)).path(1).write_text("{")
    asked, _, _ = tick("staleness", models, instance)
    assert [request.tags[MODEL_TAG] for request in asked] == list(NAMES)
    touch(models[0])
    (request,), _, _ = settle(models, instance, seen)
    assert request.tags[MODEL_TAG] == "anna"
    assert "model_refresh/search" not in request.tags


def test_every_sensor_reads_the_clock_that_the_definitions_are_given(
    models: list[Model], instance: dg.DagsterInstance
) -> None:
    now = dt.datetime(1998, 3, 4, 12, tzinfo=dt.UTC)
    home = models[0].folder.parent / "home"
    repository = build_definitions(models, home=home, clock=lambda: now).get_repository_def()

    def ask(name: str, cursor: str | None = None) -> dg.SensorResult:
        with dg.build_sensor_context(
            instance=instance, cursor=cursor, repository_def=repository
        ) as context:
            return repository.get_sensor_def(name).evaluate_tick(context)  # type: ignore[return-value]

    assert ask("score_after_refresh").cursor == "1998-03-04T11:50:00+00:00"
    cursor = ask("new_data").cursor
    touch(models[0])
    (request,) = ask("new_data", ask("new_data", cursor).cursor).run_requests or []
    assert request.partition_key == "1998-03-02"
