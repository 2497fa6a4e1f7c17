"""Our errors become Dagster's failures; only transient faults are tried again."""

import datetime as dt
from collections.abc import Iterator

import dagster as dg
import pytest

from model_refresh.config.model import Model
from model_refresh.errors import (
    ConfigError,
    DataError,
    EngineBusy,
    Leased,
    ModelRefreshError,
    PromotionRefused,
    SinkUnreachable,
    StoreWriteError,
)
from model_refresh.orchestration import assets, resources
from model_refresh.orchestration.resources import RETRIES, telling_failures
from model_refresh.pipeline.production import current_frame
from model_refresh.records import Frame
from model_refresh.storage import ModelStore
from model_refresh_tests.lab import Lab
from model_refresh_tests.orchestration.runs import failure_of, materialize, materialized


def every_error(kind: type[ModelRefreshError] = ModelRefreshError) -> Iterator[ModelRefreshError]:
    """One of each error that we raise."""
    yield kind(["a sentence"]) if kind is ConfigError else kind("a sentence")
    for below in kind.__subclasses__():
        yield from every_error(below)


@pytest.mark.parametrize("error", list(every_error()), ids=lambda error: type(error).__name__)
def test_a_fatal_error_forbids_its_retry_and_a_transient_one_asks_for_it(
    error: ModelRefreshError,
) -> None:
    with pytest.raises((dg.Failure, dg.RetryRequested)) as told, telling_failures():
        raise error
    if isinstance(error, EngineBusy | Leased | SinkUnreachable | StoreWriteError):
        assert isinstance(told.value, dg.RetryRequested)
        failure = told.value.__cause__
    else:
        failure = told.value
        assert failure.__cause__ is error
    assert isinstance(failure, dg.Failure)
    assert not failure.allow_retries
    assert failure.description == "a sentence"


def test_what_is_no_error_of_ours_is_not_translated() -> None:
    with pytest.raises(ZeroDivisionError), telling_failures():
        _ = 1 / 0


@pytest.mark.parametrize(
    ("error", "runs"),
    [
        (EngineBusy("shop.duckdb is locked"), RETRIES + 1),
        (StoreWriteError("the disk is full"), RETRIES + 1),
        (DataError("0 rows"), 1),
        (PromotionRefused("not passed"), 1),
        (TypeError("a mistake of ours"), 1),
        (KeyboardInterrupt(), 1),
    ],
)
def test_a_step_is_tried_again_for_transient_faults_only(
    fresh: Lab, monkeypatch: pytest.MonkeyPatch, error: BaseException, runs: int
) -> None:
    calls = []

    def fail(*_: object) -> None:
        calls.append(1)
        raise error

    monkeypatch.setattr(assets, "current_frame", fail)
    monkeypatch.setattr(resources, "RETRY_SECONDS", 0.0)
    result = materialize(fresh, ["features"])
    assert not result.success
    assert len(calls) == runs
    if isinstance(error, ModelRefreshError):
        assert failure_of(result) == str(error)


def test_a_fault_that_passes_leaves_a_run_that_succeeds(
    fresh: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [EngineBusy("locked")]

    def fail_once(model: Model, store: ModelStore, as_of: dt.datetime) -> Frame:
        if faults:
            raise faults.pop()
        return current_frame(model, store, as_of)

    monkeypatch.setattr(assets, "current_frame", fail_once)
    monkeypatch.setattr(resources, "RETRY_SECONDS", 0.0)
    result = materialize(fresh, ["features"])
    assert result.success
    assert materialized(result) == {"features"}


def test_each_wait_is_twice_the_one_before(fresh: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise EngineBusy("shop.duckdb is locked")

    monkeypatch.setattr(assets, "current_frame", fail)
    monkeypatch.setattr(resources, "RETRY_SECONDS", 0.01)
    result = materialize(fresh, ["features"])
    waits = [
        event.step_retry_data.seconds_to_wait
        for event in result.all_events
        if event.is_step_up_for_retry
    ]
    assert waits == [0.01, 0.02, 0.04]
