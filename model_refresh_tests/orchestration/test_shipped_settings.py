"""The dagster.yaml that is shipped, and how it gets to where Dagster reads it."""

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler import DagsterDaemonScheduler
from dagster._core.scheduler.instigation import InstigatorType, TickStatus

from model_refresh.monitoring.lateness import GRACE
from model_refresh.orchestration.launcher import ProcessRunLauncher
from model_refresh.orchestration.tags import MODEL_TAG
from model_refresh_tests.faults.world import ROOT
from model_refresh_tests.orchestration.homes import make_home

STUCK_SECONDS = 120


def put(home: Path) -> str:
    """What `make dev` does first, and what it says."""
    command = ["scripts/instance.sh", str(home)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stderr


def test_no_run_can_be_stuck_for_two_minutes_and_only_one_part_starts_runs_again(
    tmp_path: Path,
) -> None:
    home = make_home(tmp_path)
    shutil.copy(ROOT / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(home) as instance:
        launcher = instance.run_launcher
        assert isinstance(launcher, ProcessRunLauncher)
        assert launcher.supports_check_run_worker_health
        assert instance.run_monitoring_enabled
        assert not instance.run_retries_enabled
        poll = instance.run_monitoring_poll_interval_seconds
        for timeout in (
            instance.run_monitoring_start_timeout_seconds,
            instance.run_monitoring_cancel_timeout_seconds,
        ):
            assert timeout > 0 and timeout + poll < STUCK_SECONDS
        assert launcher.grace_seconds < instance.run_monitoring_cancel_timeout_seconds
        queue = instance.get_concurrency_config().run_queue_config
        assert queue is not None
        assert [limit["key"] for limit in queue.tag_concurrency_limits] == [MODEL_TAG]


def test_a_run_that_hangs_gives_its_place_back_and_no_slow_source_delays_other_ticks(
    tmp_path: Path,
) -> None:
    home = make_home(tmp_path)
    shutil.copy(ROOT / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(home) as instance:
        assert 3_600 < instance.run_monitoring_max_runtime_seconds <= 86_400
        sensors, schedules = instance.get_sensor_settings(), instance.get_scheduler_settings()
        assert sensors["use_threads"] and schedules["use_threads"]
        assert sensors["num_workers"] > 1 and schedules["num_workers"] > 1
        answers = 2 + 4  # the threads of a code server on two cores: those of concurrent.futures
        assert sensors["num_workers"] + schedules["num_workers"] < answers


def test_a_schedules_tick_that_fails_is_tried_again_until_before_people_are_told(
    tmp_path: Path,
) -> None:
    home = make_home(tmp_path)
    shutil.copy(ROOT / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(home) as instance:
        scheduler = instance.scheduler
        assert isinstance(scheduler, DagsterDaemonScheduler)
        again = dt.timedelta(minutes=scheduler.max_tick_retries)
        assert dt.timedelta(minutes=30) < again < GRACE


def test_nothing_that_dagster_records_is_kept_for_ever(tmp_path: Path) -> None:
    home = make_home(tmp_path)
    shutil.copy(ROOT / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(home) as instance:
        assert isinstance(instance.run_launcher, ProcessRunLauncher)
        days = instance.run_launcher.keep_run_days
        assert 30 <= days <= 90
        for kind in (InstigatorType.SENSOR, InstigatorType.SCHEDULE):
            kept = instance.get_tick_retention_settings(kind)
            assert set(kept) == set(TickStatus)
            assert all(0 < each <= days for each in kept.values())
        assert instance.get_tick_retention_settings(InstigatorType.SENSOR)[TickStatus.SKIPPED] == 1


def test_a_run_leaves_no_second_copy_of_what_it_prints(tmp_path: Path) -> None:
    @dg.asset
    def chatty() -> None:
        print("a line")  # noqa: T201

    home = make_home(tmp_path)
    shutil.copy(ROOT / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(home) as instance:
        done = dg.materialize([chatty], instance=instance)
        left = {str(path.relative_to(home)) for path in Path(home).rglob(f"*{done.run_id}*")}
    assert left == {f"history/runs/{done.run_id}.db"}


def test_settings_are_put_where_there_are_none(tmp_path: Path) -> None:
    assert put(tmp_path / "home") == ""
    assert (tmp_path / "home" / "dagster.yaml").read_text() == (ROOT / "dagster.yaml").read_text()
    assert put(tmp_path / "home") == ""


@pytest.mark.parametrize("text", ["", "telemetry: {enabled: false}\n"])
def test_others_are_left_as_they_are_and_the_difference_is_said(tmp_path: Path, text: str) -> None:
    (tmp_path / "dagster.yaml").write_text(text)
    said = put(tmp_path)
    assert "differs" in said and f"cp dagster.yaml {tmp_path}" in said
    assert (tmp_path / "dagster.yaml").read_text() == text
