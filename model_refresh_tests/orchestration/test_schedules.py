"""Schedules: a tick asks for one run, and what it asks for can be run."""

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
import pytest

from model_refresh.config.model import Model
from model_refresh.orchestration.build import build_definitions
from model_refresh.orchestration.names import IMPLICIT_JOB, refresh_selection, score_selection
from model_refresh.orchestration.requests import score_requests
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
    repository = build_definitions(models, home=tmp_path).get_repository_def()
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
    repository = build_definitions(models, home=tmp_path / "home").get_repository_def()
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
            assert [each.passed for each in result.get_asset_check_evaluations()] == [True, True]
            score_it(job, model, result.dagster_run, instance)
        store = Store(tmp_path / "home").model(model.name)
        assert len(store.champion.lines()) == 1
        assert len(store.scores(model.cadence.parse(request.partition_key or "")).lines()) == 1


def score_it(
    job: dg.JobDefinition, model: Model, refresh: dg.DagsterRun, instance: dg.DagsterInstance
) -> None:
    """Run what the end of a refresh asks for."""
    (request,) = score_requests([model], [refresh])
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
    repository = build_definitions(models, home=tmp_path).get_repository_def()
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
    repository = build_definitions(models, home=tmp_path).get_repository_def()
    asked, skipped = tick(repository, models[0], dt.datetime(1998, 1, 1, tzinfo=dt.UTC))
    assert not asked
    assert skipped == "days: the first refresh is possible on 1998-02-01"


def test_a_schedule_runs_by_its_own_cron_and_zone(models: list[Model], tmp_path: Path) -> None:
    repository = build_definitions(models, home=tmp_path).get_repository_def()
    schedule = repository.get_schedule_def("mondays_schedule")
    assert schedule.cron_schedule == "0 6 * * MON"
    assert schedule.execution_timezone == "Europe/Berlin"
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
