"""The sensor alerts: from Dagster's runs and the store to messages, within its tick."""

import datetime as dt
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.scheduler.instigation import InstigatorStatus
from dagster._core.storage.tags import (
    PARENT_RUN_ID_TAG,
    ROOT_RUN_ID_TAG,
    RUN_FAILURE_REASON_TAG,
)

from model_refresh.monitoring.alerts import open_alerts
from model_refresh.monitoring.alerts.life import last_sign
from model_refresh.orchestration.alerts import Post, alerts_sensor, said
from model_refresh.orchestration.failures import (
    Failures,
    started_schedules,
    stopped_schedules,
    under_way,
)
from model_refresh.orchestration.resources import StoreResource
from model_refresh.orchestration.tags import IMPLICIT_JOB, MODEL_TAG, PARTITION_TAG, SELECTION_TAG
from model_refresh.pipeline.alerts import Told
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now
from model_refresh_tests.alerting.servers import http_server
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.lab import NAME, Lab
from model_refresh_tests.orchestration.runs import set_schedule

DAY = dt.timedelta(days=1)
STOPPED, RUNNING = InstigatorStatus.STOPPED, InstigatorStatus.RUNNING
DECLARED_IN_CODE = InstigatorStatus.DECLARED_IN_CODE
FAILURE, SUCCESS = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def end_run(
    instance: dg.DagsterInstance,
    status: dg.DagsterRunStatus,
    *,
    model: str = NAME,
    selection: str = "refresh",
    **tags: str,
) -> str:
    """A run that the instance knows of; its id."""
    told = {MODEL_TAG: model, SELECTION_TAG: selection, PARTITION_TAG: "2024-01-26"}
    if status == FAILURE:
        told[RUN_FAILURE_REASON_TAG] = "STEP_FAILURE"
    told |= tags
    run = dg.DagsterRun(job_name=IMPLICIT_JOB, run_id=str(uuid.uuid4()), status=status, tags=told)
    return instance.add_run(run).run_id


def test_a_failed_run_is_known_until_a_later_one_succeeds(instance: dg.DagsterInstance) -> None:
    now = utc_now()
    run = end_run(instance, FAILURE)
    end_run(instance, FAILURE, model="gone")
    found = Failures().after(instance, {NAME}, now)
    (failure,) = found.failed
    assert (failure.model, failure.selection, failure.partition) == (NAME, "refresh", "2024-01-26")
    assert failure.sentence == f"see run {run[:8]}"
    again = Failures.parse_cursor(found.canonical()).after(instance, {NAME}, now)
    assert again.failed == found.failed
    end_run(instance, SUCCESS, selection="score")
    assert found.after(instance, {NAME}, now).failed == found.failed
    end_run(instance, SUCCESS)
    assert found.after(instance, {NAME}, now).failed == ()


def test_while_not_all_models_can_be_read_no_failure_is_forgotten_as_that_of_one_that_is_gone(
    instance: dg.DagsterInstance,
) -> None:
    now = utc_now()
    end_run(instance, FAILURE, model="mended")
    known = Failures().after(instance, {NAME, "mended"}, now)
    end_run(instance, FAILURE)
    end_run(instance, FAILURE, model="also_unread")
    later = known.after(instance, None, now + DAY / 24)
    assert {each.model for each in later.failed} == {NAME, "mended", "also_unread"}
    whole = later.after(instance, {NAME, "mended"}, now + DAY)
    assert {each.model for each in whole.failed} == {NAME, "mended"}
    end_run(instance, SUCCESS, model="mended")
    assert {each.model for each in known.after(instance, None, now).failed} == {NAME, "also_unread"}


def test_a_tick_keeps_the_failures_of_a_model_that_cannot_be_read_for_the_moment(
    lab: Lab, instance: dg.DagsterInstance
) -> None:
    run = end_run(instance, FAILURE)
    _, cursor = tick(lab, instance)
    problem = f"{lab.folder}/model.yaml:1:1 foo is not known"
    _, cursor = tick(lab, instance, cursor, problems=[problem])
    assert [each.run for each in Failures.parse_cursor(cursor).failed] == [run]


@pytest.mark.parametrize(
    "error", [dg.Failure("labels:\nnone matched", allow_retries=False), ValueError("a bug")]
)
def test_a_failed_run_says_why_in_the_words_of_its_step(
    instance: dg.DagsterInstance, error: Exception
) -> None:
    @dg.op
    def broken() -> None:
        raise error

    @dg.job
    def job() -> None:
        broken()

    tags = {MODEL_TAG: NAME, SELECTION_TAG: "refresh"}
    job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    (failure,) = Failures().after(instance, {NAME}, utc_now()).failed
    bug = f"ValueError in step broken: see run {failure.run[:8]}"
    assert failure.sentence == ("labels: none matched" if isinstance(error, dg.Failure) else bug)
    assert failure.partition is None


def test_a_run_that_is_to_be_started_again_has_not_failed_for_good(
    instance: dg.DagsterInstance,
) -> None:
    crashed = end_run(instance, FAILURE, **{RUN_FAILURE_REASON_TAG: "UNEXPECTED_TERMINATION"})
    assert Failures().after(instance, {NAME}, utc_now()).failed == ()
    again = {ROOT_RUN_ID_TAG: crashed, PARENT_RUN_ID_TAG: crashed}
    end_run(instance, FAILURE, **{RUN_FAILURE_REASON_TAG: "UNEXPECTED_TERMINATION", **again})
    assert len(Failures().after(instance, {NAME}, utc_now()).failed) == 1


def test_a_cursor_that_is_not_ours_is_none() -> None:
    assert Failures.parse_cursor(None) == Failures.parse_cursor("{}") == Failures()
    assert Failures.parse_cursor("nonsense") == Failures()


def test_runs_that_wait_or_work_are_under_way(instance: dg.DagsterInstance) -> None:
    end_run(instance, dg.DagsterRunStatus.STARTED)
    end_run(instance, SUCCESS, model="other")
    assert under_way(instance, utc_now()) == {NAME}
    assert under_way(instance, utc_now() + 2 * DAY) == frozenset()


def test_schedules_that_a_person_has_stopped_or_started_are_known(lab: Lab, tmp_path: Path) -> None:
    since = dt.datetime(2026, 1, 5, 6, tzinfo=dt.UTC)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        for name, status in (("off", STOPPED), ("on", RUNNING), ("declared", DECLARED_IN_CODE)):
            set_schedule(instance, name, status, since=since)
        assert stopped_schedules(instance) == {"off"}
        assert started_schedules(instance) == {"on": since}
        tick(lab, instance)
    sign = last_sign(Store(lab.home))
    assert sign is not None
    assert (sign.stopped, sign.started) == (("off",), {"on": since})


def tick(
    lab: Lab,
    instance: dg.DagsterInstance,
    cursor: str | None = None,
    *,
    problems: Sequence[str] = (),
) -> tuple[str | None, str | None]:
    """What a tick of the sensor says, and its cursor; with problems the model isn't read."""
    sensor = alerts_sensor([] if problems else [lab.model], problems, fleet=lab.fleet)
    resources = {"store": StoreResource(home=str(lab.home))}
    with dg.build_sensor_context(instance=instance, cursor=cursor, resources=resources) as context:
        answer = sensor.evaluate_tick(context)
    assert not answer.run_requests
    return answer.skip_message, answer.cursor


def test_a_tick_tells_and_the_next_one_does_not_repeat_it(
    lab: Lab, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    end_run(instance, FAILURE)
    with http_server() as http:
        text = (
            f'allow: ["json://127.0.0.1:{http.port}"]\nroutes: [{{name: ops, urls: "${{HOOK}}"}}]'
        )
        (lab.fleet / "alerts.yaml").write_text(text)
        monkeypatch.setenv("HOOK", f"json://127.0.0.1:{http.port}/")
        first, cursor = tick(lab, instance)
        again, _ = tick(lab, instance, cursor)
    assert first is not None
    assert "alerts are open, 1 messages sent: visits: the scores of" in first
    assert again is not None
    assert "0 messages sent" in again
    assert "  more: model-refresh plan visits" in http.messages[0]["message"]
    assert len(http.messages) == 1


def test_without_routes_a_tick_only_says_what_is_open_and_leaves_its_sign(
    lab: Lab, instance: dg.DagsterInstance
) -> None:
    told, _ = tick(lab, instance)
    assert told is not None
    assert "0 messages sent: visits: the scores of" in told
    sign = last_sign(Store(lab.home))
    assert sign is not None
    assert sign.is_fresh(utc_now())


def test_a_mail_server_that_does_not_answer_holds_up_no_tick() -> None:
    answered, post, rounds = threading.Event(), Post(seconds=0.05), []

    def slow() -> Told:
        rounds.append(1)
        answered.wait(10)
        return Told()

    began = time.monotonic()
    assert post.round(slow) is None
    assert post.round(slow) is None
    assert time.monotonic() - began < 2
    assert rounds == [1]
    answered.set()
    time.sleep(0.05)
    assert post.round(slow) == Told()
    assert rounds == [1]


def test_what_breaks_in_a_round_fails_that_tick_and_no_other() -> None:
    post = Post()
    with pytest.raises(ZeroDivisionError):
        post.round(lambda: 1 // 0)  # type: ignore[arg-type, return-value]
    assert post.round(Told) == Told()


def test_what_a_tick_says_is_short(lab: Lab) -> None:
    problems = [f"fleet/m{number}/model.yaml:1:1 {'x' * 999}" for number in range(300)]
    store = Store(lab.home)
    found = open_alerts([lab.model], problems, store=store, now=lab.day(FIRST))
    assert len(said(found, None)) <= 1000
    assert "still under way" in said(found, None)
    assert "heartbeat: refused" in said(found, Told(heartbeat="refused"))
