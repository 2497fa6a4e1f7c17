"""Schedules: a tick asks for one run, and what it asks for can be run."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pytest

from model_refresh.config.model import Model
from model_refresh.monitoring.orders import give_order
from model_refresh.orchestration.build import build_definitions
from model_refresh.orchestration.names import IMPLICIT_JOB, refresh_selection, score_selection
from model_refresh.orchestration.requests import score_requests
from model_refresh.records import Order
from model_refresh.storage import Store
from model_refresh_tests.factories import make_model
from model_refresh_tests.orchestration.runs import materialized

WEDNESDAY = dt.datetime(1998, 3, 4, 5, tzinfo=dt.UTC)


@pytest.fixture
def models(tmp_path: Path) -> list[Model]:
    """Four models with other cadences and starts: they can share no job with one partitions_def."""
    weekly = {"cron": "0 6 * * MON", "timezone": "UTC"}
    berlin = {**weekly, "timezone": "Europe/Berlin"}
    return [
        make_model(
            tmp_path / "fleet",
            name=name,
            every=every,
            start=start,
            schedule=schedule,
            horizon="7d",
            window=2,
            tuning={"trials": 1},
        )
        for name, every, start, schedule in (
            ("days", "1d", "1998-01-10", weekly),
            ("mondays", "7d", "1997-03-03", berlin),
            ("wednesdays", "7d", "1997-03-05T12:00Z", weekly),
            ("months", "1mo", "1997-03-15", weekly),
        )
    ]


def at(models: list[Model], home: Path, now: dt.datetime = WEDNESDAY) -> dg.RepositoryDefinition:
    """Everything, at an instant of the clock."""
    return build_definitions(models, home=home, clock=lambda: now).get_repository_def()


def tick(
    repository: dg.RepositoryDefinition, model: Model, now: dt.datetime
) -> tuple[Sequence[dg.RunRequest], str | None]:
    """What a tick of the model's schedule asks for, or why it asks for nothing."""
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_schedule_context(
            instance=instance, repository_def=repository, scheduled_execution_time=now
        ) as context,
    ):
        answer = repository.get_schedule_def(f"{model.name}_schedule").evaluate_tick(context)
        return answer.run_requests or [], answer.skip_message


def test_models_of_any_cadence_load_together_and_each_asks_for_its_own_frame(
    models: list[Model], tmp_path: Path
) -> None:
    repository = at(models, tmp_path)
    requests = [tick(repository, model, WEDNESDAY)[0] for model in models]
    partitions = [request.partition_key for (request,) in requests]
    assert dict(zip([model.name for model in models], partitions, strict=True)) == {
        "days": "1998-03-04",
        "mondays": "1998-03-02",
        "wednesdays": "1998-02-25",  # its frame of 03-04 stands at noon
        "months": "1998-02-15",
    }


def test_what_ticks_ask_for_runs_by_the_one_implicit_job(
    models: list[Model], tmp_path: Path
) -> None:
    repository = at(models, tmp_path / "home")
    job = repository.get_job(IMPLICIT_JOB)
    for model in models[2:]:
        (request,), _ = tick(repository, model, WEDNESDAY)
        with dg.DagsterInstance.ephemeral() as instance:
            result = job.execute_in_process(
                asset_selection=request.asset_selection,
                partition_key=request.partition_key,
                tags=request.tags,
                instance=instance,
            )
            assert result.success
            assert materialized(result) == {key.path[-1] for key in refresh_selection(model)}
            assert all(each.passed for each in result.get_asset_check_evaluations())
            (batch,) = score_requests([model], Store(tmp_path / "home"), [result.dagster_run])
            score_it(job, model, batch, instance)
        store = Store(tmp_path / "home").model(model.name)
        assert len(store.champion.lines()) == 1
        assert len(store.scores(model.cadence.parse(request.partition_key or "")).lines()) == 1


def score_it(
    job: dg.JobDefinition, model: Model, request: dg.RunRequest, instance: dg.DagsterInstance
) -> None:
    """Run what the end of a refresh asks for."""
    result = job.execute_in_process(
        asset_selection=request.asset_selection,
        partition_key=request.partition_key,
        tags=request.tags,
        instance=instance,
    )
    assert result.success
    assert materialized(result) == {key.path[-1] for key in score_selection(model)}


def test_a_tick_asks_for_one_run_of_the_newest_frame_and_says_why(
    models: list[Model], tmp_path: Path
) -> None:
    repository = at(models, tmp_path)
    mondays = models[1]
    (request,), skipped = tick(repository, mondays, WEDNESDAY)
    assert skipped is None
    assert request.run_key == "mondays|1998-03-02|schedule|1998-03-04T05:00"
    assert request.asset_selection == refresh_selection(mondays)
    assert {
        "dagster/partition": "1998-03-02",
        "model_refresh/model": "mondays",
        "model_refresh/selection": "refresh",
        "model_refresh/reason": "scheduled: 0 6 * * MON Europe/Berlin",
    }.items() <= request.tags.items()


def test_a_tick_before_the_first_frame_skips_and_says_when_that_is(
    models: list[Model], tmp_path: Path
) -> None:
    early = dt.datetime(1998, 1, 1, tzinfo=dt.UTC)
    asked, skipped = tick(at(models, tmp_path, early), models[0], early)
    assert not asked
    assert skipped == "days: the first refresh is possible on 1998-02-01"


def test_a_schedule_runs_by_its_own_cron_and_zone(models: list[Model], tmp_path: Path) -> None:
    repository = at(models, tmp_path)
    schedule = repository.get_schedule_def("mondays_schedule")
    assert schedule.cron_schedule == "0 6 * * MON"
    assert schedule.execution_timezone == "Europe/Berlin"
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING


def test_a_schedule_that_is_declared_inactive_waits_for_a_person_to_start_it(
    tmp_path: Path,
) -> None:
    model = make_model(tmp_path, schedule={"active": False})
    schedule = at([model], tmp_path).get_schedule_def("repurchase_schedule")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED


def test_after_three_weeks_without_a_daemon_one_refresh_catches_up(
    models: list[Model], tmp_path: Path
) -> None:
    """Of the ticks that were missed each but the last is superseded, whoever evaluates them."""
    back = dt.datetime(1998, 3, 26, 9, tzinfo=dt.UTC)
    repository = at(models, tmp_path, back)
    mondays = models[1]
    missed = [dt.datetime(1998, 3, day, 5, tzinfo=dt.UTC) for day in (9, 16, 23)]
    answers = [tick(repository, mondays, each) for each in missed]
    assert [len(asked) for asked, _ in answers] == [0, 0, 1]
    assert answers[0][1] == (
        "mondays: the tick of 1998-03-09 05:00 UTC is superseded by a later one, of "
        "1998-03-16 05:00 UTC or after"
    )
    ((request,), _) = answers[2]
    assert request.partition_key == "1998-03-23"
    assert request.tags["model_refresh/reason_kind"] == "catch_up"
    assert request.tags["model_refresh/reason"] == (
        "catching up: the tick of 1998-03-23 05:00 UTC came 3 days late"
    )


def test_a_late_tick_refreshes_its_own_frame_and_is_asked_for_once(
    models: list[Model], tmp_path: Path
) -> None:
    days, on_time = models[0], dt.datetime(1998, 3, 23, 6, tzinfo=dt.UTC)
    keys = set()
    for late in (0, 2, 3):
        now = on_time + dt.timedelta(days=late)
        (request,), _ = tick(at(models, tmp_path, now), days, on_time)
        assert request.partition_key == "1998-03-23", "Dagster knows no later ones at that tick"
        keys.add(request.run_key)
    assert len(keys) == 1


def test_a_held_model_is_not_refreshed_and_says_how_to_release_it(
    models: list[Model], tmp_path: Path
) -> None:
    days, repository = models[0], at(models, tmp_path)
    store = Store(tmp_path).model("days")
    give_order(store, Order(kind="hold", who="ann", reason="the feed moves house"))
    asked, skipped = tick(repository, days, WEDNESDAY)
    assert asked == []
    assert skipped is not None
    assert skipped.startswith("days is held by ann since ")
    assert skipped.endswith(
        ": the feed moves house; model-refresh release days lets refreshes start again"
    )
    give_order(store, Order(kind="release", who="ann", reason=""))
    assert len(tick(repository, days, WEDNESDAY)[0]) == 1
    skip = Order(kind="skip", as_of=dt.datetime(1998, 3, 4, tzinfo=dt.UTC), who="bob", reason="no")
    give_order(store, skip)
    asked, skipped = tick(repository, days, WEDNESDAY)
    assert asked == []
    assert skipped is not None
    assert skipped.startswith("days: the refresh of 1998-03-04 is skipped by bob: no; ")


def test_models_that_have_waited_longest_come_first_within_their_declared_priority(
    tmp_path: Path,
) -> None:
    later = dt.datetime(1998, 3, 4, 6, tzinfo=dt.UTC)
    places = {}
    for name, priority, last in (("a", 0, 2), ("b", 0, 23), ("c", 1, 2)):
        model = make_model(tmp_path, name=name, priority=priority, schedule={"cron": "0 6 * * *"})
        as_of = dt.datetime(1998, 2 if last > 2 else 3, last, tzinfo=dt.UTC)
        Store(tmp_path).model(name).reasons(as_of).folder.mkdir(parents=True)
        (request,), _ = tick(at([model], tmp_path, later), model, later)
        places[name] = int(request.tags["dagster/priority"])
    assert places == {"a": 0, "b": 1, "c": 1000}
