"""The sensor `scoring`: batches of frames that no refresh is to come for."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import polars as pl
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus

from model_refresh.config.model import Model
from model_refresh.monitoring.batches import PATIENCE, Uptime
from model_refresh.orchestration.build import build_definitions
from model_refresh.orchestration.names import score_selection
from model_refresh.orchestration.queue import runs_of
from model_refresh_tests.factories import make_model, make_purchases
from model_refresh_tests.monitoring.worlds import crown, state_at, store_of
from model_refresh_tests.orchestration.runs import end_run, set_schedule


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture(scope="session")
def purchases() -> pl.DataFrame:
    return make_purchases(customers=20)


def score_tick(
    model: Model, instance: dg.DagsterInstance, now: dt.datetime, *, was_up: bool = True
) -> tuple[list[str | None], str | None]:
    """The run keys that the sensor `scoring` asks for at an instant, up for a day or just now."""
    last, day = now - dt.timedelta(minutes=1), dt.timedelta(days=1)
    up = Uptime(since=last - day, last=last) if was_up else Uptime(since=now - 9 * day, last=None)
    home = model.folder.parent / "home"
    repository = build_definitions([model], home=home, clock=lambda: now).get_repository_def()
    with dg.build_sensor_context(
        instance=instance, repository_def=repository, cursor=up.canonical()
    ) as context:
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


def test_the_batch_that_follows_a_refresh_is_not_asked_for_twice(
    daily: Model, instance: dg.DagsterInstance
) -> None:
    """The sensor after refreshes asks for it a moment after that has ended."""
    end_run(instance, "repurchase", status=dg.DagsterRunStatus.SUCCESS)
    assert score_tick(daily, instance, TUESDAY)[0] == []
    later = state_at(daily, dt.datetime.now(dt.UTC) + PATIENCE)
    assert not runs_of(instance, [later], since=None)["repurchase"].is_under_way


def test_a_schedule_that_was_stopped_is_not_waited_for(daily: Model, tmp_path: Path) -> None:
    early = MONDAY - dt.timedelta(minutes=55)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert score_tick(daily, instance, early)[0] == []
        set_schedule(instance, daily.name, InstigatorStatus.STOPPED)
        assert score_tick(daily, instance, early)[0] == ["repurchase|1998-03-02|score|frame"]


def test_after_a_time_without_a_daemon_the_batch_lets_the_missed_refresh_begin(
    daily: Model, instance: dg.DagsterInstance
) -> None:
    for day in range(2):
        now = TUESDAY + dt.timedelta(days=day)
        assert score_tick(daily, instance, now, was_up=False)[0] == []
    assert score_tick(daily, instance, TUESDAY)[0] == ["repurchase|1998-03-03|score|frame"]


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
