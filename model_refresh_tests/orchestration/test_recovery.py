"""The sensor `recover`, over runs whose workers are real processes."""

import datetime as dt
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import Mock

import dagster as dg
import pytest
from dagster import DagsterRunStatus

from model_refresh.monitoring.recovery import LAUNCH_GRACE
from model_refresh.orchestration.recovery import end_runs
from model_refresh.orchestration.repetitions import request_again
from model_refresh.orchestration.requests import GRADE, REFRESH
from model_refresh.orchestration.run_facts import is_to_be_started_again
from model_refresh.orchestration.tags import (
    IMPLICIT_JOB,
    MODEL_TAG,
    PARTITION_TAG,
    REASON_TAG,
    SELECTION_TAG,
    WORKER_TAG,
)
from model_refresh.orchestration.workers import LAUNCHING
from model_refresh.processes import Fingerprint
from model_refresh.records import Order
from model_refresh.storage.store import utc_now
from model_refresh_tests.lab import NAME, Lab
from model_refresh_tests.orchestration.broken import add, status_of, tick
from model_refresh_tests.orchestration.homes import make_home
from model_refresh_tests.waiting import wait_until

Start = Callable[[], Fingerprint]
STEP_FAILED = {"dagster/failure_reason": "STEP_FAILURE"}


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(make_home(tmp_path)) as instance:
        yield instance


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a process that could be a worker."""
    processes = []

    def begin() -> Fingerprint:
        command = [sys.executable, "-c", "import time; time.sleep(60)"]
        processes.append(subprocess.Popen(command, start_new_session=True))
        found = Fingerprint.of(processes[-1].pid)
        assert found is not None
        return found

    yield begin
    for process in processes:
        process.kill()
        process.wait()


def gone() -> Fingerprint:
    """A process of another boot of this machine."""
    return Fingerprint("an-earlier-boot", 4242, "1")


def test_after_a_crash_of_the_machine_each_run_is_ended_and_asked_for_once_more(
    instance: dg.DagsterInstance, fresh: Lab
) -> None:
    run = add(instance, fresh, DagsterRunStatus.STARTED, **{WORKER_TAG: gone().text})
    (request,) = tick(instance, fresh)
    assert status_of(instance, run) == DagsterRunStatus.FAILURE
    assert request.run_key == f"retry|{run.run_id}"
    assert request.partition_key == run.tags[PARTITION_TAG]
    assert set(request.asset_selection or ()) == run.asset_selection
    assert request.tags[MODEL_TAG] == NAME
    assert request.tags[SELECTION_TAG] == REFRESH
    assert request.tags[REASON_TAG] == "monday"
    assert request.tags["dagster/parent_run_id"] == run.run_id
    assert request.tags["dagster/root_run_id"] == run.run_id
    assert WORKER_TAG not in request.tags


@pytest.mark.parametrize(("was", "is_now"), [({}, "1"), ({"dagster/priority": "-4"}, "-3"),
                                             ({"dagster/priority": "high"}, "1")])  # fmt: skip
def test_what_was_under_way_comes_before_others_of_its_priority(
    instance: dg.DagsterInstance, fresh: Lab, was: dict[str, str], is_now: str
) -> None:
    add(instance, fresh, DagsterRunStatus.FAILURE, **was)
    (request,) = tick(instance, fresh)
    assert request.tags["dagster/priority"] == is_now


def test_the_request_stays_the_same_until_its_run_is_there(
    instance: dg.DagsterInstance, fresh: Lab
) -> None:
    """The daemon may die at any time in between; Dagster starts a run key once."""
    run = add(instance, fresh, DagsterRunStatus.STARTED, **{WORKER_TAG: gone().text})
    keys = {tick(instance, fresh)[0].run_key for _ in range(2)}
    assert len(keys) == 1
    add(instance, fresh, DagsterRunStatus.NOT_STARTED, **{"dagster/root_run_id": run.run_id})
    assert tick(instance, fresh) == []


@pytest.mark.parametrize(("selection", "is_owed"), [(REFRESH, False), (GRADE, True)])
def test_a_newer_frame_takes_over_a_refresh_but_no_grades(
    instance: dg.DagsterInstance, fresh: Lab, *, selection: str, is_owed: bool
) -> None:
    """Each frame is graded for itself: nobody else would ask for the one that was lost."""
    lost = {WORKER_TAG: gone().text, PARTITION_TAG: "2024-01-25", SELECTION_TAG: selection}
    add(instance, fresh, DagsterRunStatus.STARTED, **lost)
    newer = {PARTITION_TAG: "2024-01-26", SELECTION_TAG: selection}
    add(instance, fresh, DagsterRunStatus.SUCCESS, **newer)
    asked = [request.partition_key for request in tick(instance, fresh)]
    assert asked == (["2024-01-25"] if is_owed else [])


def test_a_run_whose_worker_lives_is_let_be(
    instance: dg.DagsterInstance, fresh: Lab, start: Start
) -> None:
    worker = start()
    run = add(instance, fresh, DagsterRunStatus.STARTED, **{WORKER_TAG: worker.text})
    assert tick(instance, fresh) == []
    assert status_of(instance, run) == DagsterRunStatus.STARTED
    assert worker.is_alive


def test_a_run_that_failed_by_a_gate_is_never_started_again(
    instance: dg.DagsterInstance, fresh: Lab
) -> None:
    run = add(instance, fresh, DagsterRunStatus.FAILURE, **STEP_FAILED)
    assert tick(instance, fresh) == []
    assert not is_to_be_started_again(run)
    assert is_to_be_started_again(add(instance, fresh, DagsterRunStatus.FAILURE))


def test_a_run_of_what_is_no_longer_declared_is_passed_by(
    instance: dg.DagsterInstance, fresh: Lab
) -> None:
    """A request for an asset or a partition that isn't there would stop the tick for all."""
    for changed in ({PARTITION_TAG: "1999-01-01"}, {PARTITION_TAG: "no date"}):
        add(instance, fresh, DagsterRunStatus.FAILURE, **changed)
    instance.add_run(
        dg.DagsterRun(
            job_name=IMPLICIT_JOB,
            status=DagsterRunStatus.FAILURE,
            asset_selection=frozenset([dg.AssetKey(["gone", "features"])]),
        )
    )
    assert tick(instance, fresh) == []


def test_a_refresh_that_a_person_holds_is_not_started_again_until_it_is_released(
    instance: dg.DagsterInstance, fresh: Lab
) -> None:
    run = add(instance, fresh, DagsterRunStatus.FAILURE)
    hold = Order(kind="hold", who="anna", reason="the source moves")
    fresh.store.orders.append(hold, number=1)
    assert tick(instance, fresh) == []
    fresh.store.orders.append(hold.model_copy(update={"kind": "release"}), number=2)
    (request,) = tick(instance, fresh)
    assert request.run_key == f"retry|{run.run_id}"


def test_orders_that_cannot_be_read_keep_nothing_from_starting_again(
    instance: dg.DagsterInstance, fresh: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = add(instance, fresh, DagsterRunStatus.FAILURE)
    failing = PermissionError(13, "Permission denied")
    monkeypatch.setattr(
        "model_refresh.orchestration.repetitions.read_state", Mock(side_effect=failing)
    )
    (request,) = tick(instance, fresh)
    assert request.run_key == f"retry|{run.run_id}"


def test_a_repetition_after_a_transient_fault_that_crashes_is_started_again(
    instance: dg.DagsterInstance, fresh: Lab
) -> None:
    """And is known to be: neither its batch nor an alert comes before that."""
    first = add(instance, fresh, DagsterRunStatus.FAILURE, **STEP_FAILED)
    tags = request_again(first).tags
    second = add(instance, fresh, DagsterRunStatus.FAILURE, **tags)
    assert is_to_be_started_again(second)
    third = add(instance, fresh, DagsterRunStatus.FAILURE, **request_again(second).tags)
    assert not is_to_be_started_again(third)
    assert tick(instance, fresh) == [], "two of them crashed"


def test_a_run_that_is_to_end_and_does_not_is_killed_and_canceled(
    instance: dg.DagsterInstance, fresh: Lab, start: Start
) -> None:
    worker = start()
    run = add(instance, fresh, DagsterRunStatus.CANCELING, **{WORKER_TAG: worker.text})
    later = utc_now() + dt.timedelta(minutes=1)
    assert list(end_runs(instance, utc_now())) == []
    (sentence,) = end_runs(instance, later)
    assert "did not end by itself" in sentence
    assert status_of(instance, run) == DagsterRunStatus.CANCELED
    wait_until(lambda: not worker.is_alive)
    assert tick(instance, fresh) == [], "what a person ends stays ended"


def test_a_worker_that_outlives_its_run_is_killed(
    instance: dg.DagsterInstance, fresh: Lab, start: Start
) -> None:
    worker = start()
    add(instance, fresh, DagsterRunStatus.CANCELED, **{WORKER_TAG: worker.text})
    later = utc_now() + dt.timedelta(minutes=1)
    assert list(end_runs(instance, utc_now())) == []
    assert len(list(end_runs(instance, later))) == 1
    wait_until(lambda: not worker.is_alive)
    assert list(end_runs(instance, later)) == []


@pytest.mark.parametrize("tags", [{}, {WORKER_TAG: LAUNCHING}])
def test_a_run_whose_launch_was_cut_off_is_ended_after_a_while(
    instance: dg.DagsterInstance, fresh: Lab, tags: dict[str, str]
) -> None:
    run = add(instance, fresh, DagsterRunStatus.STARTING, **tags)
    assert list(end_runs(instance, utc_now())) == []
    assert len(list(end_runs(instance, utc_now() + LAUNCH_GRACE * 2))) == 1
    assert status_of(instance, run) == DagsterRunStatus.FAILURE


def test_the_places_of_an_ended_run_in_its_pools_are_free_again(
    instance: dg.DagsterInstance, fresh: Lab
) -> None:
    storage = instance.event_log_storage
    storage.set_concurrency_slots("warehouse", 1)
    dead = add(instance, fresh, DagsterRunStatus.STARTED, **{WORKER_TAG: gone().text})
    assert storage.claim_concurrency_slot("warehouse", dead.run_id, "step").is_claimed
    list(end_runs(instance, utc_now()))
    assert storage.claim_concurrency_slot("warehouse", "another-run", "step").is_claimed


def test_runs_of_another_launcher_are_left_to_it(fresh: Lab) -> None:
    with dg.DagsterInstance.ephemeral() as other:
        run = add(other, fresh, DagsterRunStatus.STARTED, **{WORKER_TAG: gone().text})
        assert list(end_runs(other, utc_now())) == []
        assert status_of(other, run) == DagsterRunStatus.STARTED


def test_a_run_that_ends_while_it_is_looked_at_keeps_its_end(
    instance: dg.DagsterInstance, fresh: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = add(instance, fresh, DagsterRunStatus.STARTED, **{WORKER_TAG: gone().text})
    read = type(instance).get_run_by_id

    def ended_since(self: dg.DagsterInstance, run_id: str) -> dg.DagsterRun | None:
        found = read(self, run_id)
        return found and found.with_status(DagsterRunStatus.SUCCESS)

    with monkeypatch.context() as patched:
        patched.setattr(type(instance), "get_run_by_id", ended_since)
        assert list(end_runs(instance, utc_now())) == []
    assert status_of(instance, run) == DagsterRunStatus.STARTED
