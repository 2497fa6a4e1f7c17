"""A run holds its model's lease, keeps its reason, and gives the lease back."""

import datetime as dt
from collections.abc import Mapping
from threading import Timer
from typing import Literal

import dagster as dg
import pytest
from dagster._core.storage.tags import PARENT_RUN_ID_TAG, RETRY_NUMBER_TAG

from model_refresh.config.model import Model
from model_refresh.errors import DataError
from model_refresh.monitoring.due import DueRefresh
from model_refresh.monitoring.orders import give_order
from model_refresh.orchestration import assets, resources
from model_refresh.orchestration.build import build_definitions
from model_refresh.orchestration.names import IMPLICIT_JOB
from model_refresh.orchestration.requests import request_refresh
from model_refresh.orchestration.resources import StoreResource
from model_refresh.processes import Fingerprint
from model_refresh.records import Frame, Order, Reason
from model_refresh.refresh.dataset import build_dataset
from model_refresh.storage import ModelStore
from model_refresh.storage.leases import Held, Holder, Lease, current_lease, lease
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import Lab
from model_refresh_tests.monitoring.worlds import end
from model_refresh_tests.orchestration.runs import failure_of, materialize, materialized


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[Lease | None]:
    """Who had the lease while a step looked at the frame; the step then stops."""
    found: list[Lease | None] = []

    def look(model: Model, store: ModelStore, as_of: dt.datetime) -> Frame:
        found.append(current_lease(store))
        raise DataError("that is all")

    monkeypatch.setattr(assets, "current_frame", look)
    return found


def impatient(lab: Lab, patience: float = 0.0) -> dg.Definitions:
    """The lab's definitions, whose steps wait no longer than that for a lease."""
    definitions = build_definitions([lab.model], home=lab.home)
    store = StoreResource(home=str(lab.home), patience=patience)
    return dg.Definitions(
        assets=definitions.assets,
        asset_checks=definitions.asset_checks,
        resources={"store": store},
        executor=dg.in_process_executor,
    )


def test_a_run_holds_the_lease_from_its_first_step_and_gives_it_back(
    lab: Lab, seen: list[Lease | None]
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = refresh(lab, instance)
    assert not result.success
    ((held,),) = [seen]
    assert held is not None
    assert held.holder is not None
    assert held.holder.id == result.run_id
    assert held.holder.words.startswith(f"Dagster's run {result.run_id[:8]} on ")
    assert held.holder.process == Fingerprint.own().text
    assert current_lease(lab.store) is None


def refresh(
    lab: Lab, instance: dg.DagsterInstance, *, tags: Mapping[str, str] | None = None
) -> dg.ExecuteInProcessResult:
    """The run that a reason asks for."""
    reason = Reason(
        kind="drift", as_of=lab.day(SECOND), sentence="it moved", request="visits|drift|1"
    )
    request = request_refresh(DueRefresh(lab.model, reason))
    job = build_definitions([lab.model], home=lab.home).get_repository_def().get_job(IMPLICIT_JOB)
    return job.execute_in_process(
        asset_selection=request.asset_selection,
        partition_key=request.partition_key,
        tags={**request.tags, **(tags or {})},
        instance=instance,
        raise_on_error=False,
    )


@pytest.mark.parametrize("order", ["hold", "skip"])
def test_an_order_that_came_while_a_run_waited_in_the_queue_ends_it_before_it_begins(
    lab: Lab, seen: list[Lease | None], order: Literal["hold", "skip"]
) -> None:
    """It ends green and makes nothing; the reason is not kept, for no refresh has begun."""
    as_of = lab.day(SECOND) if order == "skip" else None
    give_order(lab.store, Order(kind=order, as_of=as_of, who="ann", reason="a test"))
    with dg.DagsterInstance.ephemeral() as instance:
        result = refresh(lab, instance)
    assert result.success
    assert (seen, materialized(result)) == ([], set())
    assert lab.store.reasons(lab.day(SECOND)).lines() == []
    assert current_lease(lab.store) is None


def test_a_run_whose_frame_another_one_refreshed_meanwhile_has_nothing_to_do(
    lab: Lab, seen: list[Lease | None]
) -> None:
    end(lab.store, lab.day(SECOND))
    with dg.DagsterInstance.ephemeral() as instance:
        result = refresh(lab, instance)
    assert result.success
    assert (seen, materialized(result)) == ([], set())


def test_a_run_that_a_crash_cut_off_at_its_very_end_goes_on_to_it(
    lab: Lab, seen: list[Lease | None]
) -> None:
    """Its reason is kept, so the end in the store is its own: Dagster hears of it, too."""
    with dg.DagsterInstance.ephemeral() as instance:
        refresh(lab, instance)
        end(lab.store, lab.day(SECOND))
        refresh(lab, instance)
    assert len(seen) == 2


def test_what_a_person_starts_is_refreshed_all_the_same(lab: Lab, seen: list[Lease | None]) -> None:
    """By hand, or the run of a reason once more on Dagster's page, which copies its tags."""
    give_order(lab.store, Order(kind="hold", who="ann", reason="a test"))
    end(lab.store, lab.day(SECOND))
    materialize(lab, ["features", "dataset"])
    assert len(seen) == 1
    with dg.DagsterInstance.ephemeral() as instance:
        refresh(lab, instance, tags={PARENT_RUN_ID_TAG: "another"})
        assert len(seen) == 2
        refresh(lab, instance, tags={PARENT_RUN_ID_TAG: "another", RETRY_NUMBER_TAG: "1"})
    assert len(seen) == 2, "the sensor recover is no person"


def test_scoring_alone_takes_no_lease(lab: Lab, seen: list[Lease | None]) -> None:
    materialize(lab, ["features", "scores"])
    assert seen == [None]
    assert not lab.store.leases_folder.exists()


def test_a_run_keeps_the_reason_that_its_tags_tell(lab: Lab, seen: list[Lease | None]) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        refresh(lab, instance)
        refresh(lab, instance)
    (line,) = lab.store.reasons(lab.day(SECOND)).lines()
    assert line.record == Reason(
        kind="drift", as_of=lab.day(SECOND), sentence="it moved", request="visits|drift|1"
    )


def test_a_step_by_hand_is_a_demand_and_takes_the_lease_too(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = materialize(lab, ["challenger"], checks=False)
    (line,) = lab.store.reasons(lab.day(SECOND)).lines()
    assert (line.record.kind, line.record.sentence) == ("demand", "asked for by hand, in Dagster")
    assert line.record.request == f"visits|2024-01-26|demand|{result.run_id}"
    assert lab.store.leases_folder.exists()
    assert current_lease(lab.store) is None


def test_a_run_whose_data_are_not_there_has_not_begun(lab: Lab) -> None:
    """It is still due when they come, as one that was refused by hand."""
    (lab.folder / "ready.sql").write_text("SELECT TIMESTAMP '2024-01-20'")
    source = {"engine": "duckdb", "tables": {"visits": "data/visits.parquet"}}
    waiting = lab.again({"source": {**source, "ready": "ready.sql"}})
    before, late = waiting.store.refreshed(), waiting.day(SECOND + 1)
    partition = waiting.model.cadence.key(late)
    result = materialize(waiting, ["features", "dataset"], checks=False, partition=partition)
    assert "the source has reached 2024-01-20" in failure_of(result)
    assert waiting.store.refreshed() == before
    assert current_lease(waiting.store) is None


def test_a_second_refresh_waits_for_the_first(lab: Lab) -> None:
    held = Held.take(lab.store, Holder.here("ann's refresh"))
    Timer(0.6, held.give_back).start()
    result = materialize(lab, ["champion"], checks=False, definitions=impatient(lab, 20.0))
    assert "ann's refresh" not in failure_of(result)
    assert current_lease(lab.store) is None


def test_one_that_has_waited_long_enough_fails_for_good_with_who_has_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its patience is its own: another try would be another hour in a run's place."""
    monkeypatch.setattr(resources, "RETRY_SECONDS", 0.0)
    with lease(lab.store, holder=Holder.here("ann's refresh")):
        result = materialize(lab, ["comparison"], checks=False, definitions=impatient(lab))
    assert not result.success
    assert not any(event.is_step_up_for_retry for event in result.all_events)
    assert "visits is being refreshed by ann's refresh since " in failure_of(result)


def test_a_lease_that_was_lost_is_noticed_at_the_next_step(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another took it while the first step was stuck: the run goes no further."""
    thief = Holder.here("the next one")

    def robbed(*arguments: object, **options: object) -> object:
        folder = lab.store.leases_folder
        for path in folder.iterdir():
            text = path.read_text().replace(Fingerprint.own().text, "gone:1:1")
            path.write_text(text)
        monkeypatch.setattr(Held, "_renew", lambda self: None)
        past = dt.datetime(2000, 1, 1, tzinfo=dt.UTC)
        newest = max(folder.iterdir())
        line = Lease.parse(newest.read_text())
        newest.write_text(line.model_copy(update={"until": past, "uptime": 0.0}).canonical())
        Held.take(lab.store, thief)
        return build_dataset(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(assets, "build_dataset", robbed)
    result = materialize(lab, ["dataset", "candidates/constant"], checks=False)
    assert not result.success
    assert "is being refreshed by the next one" in str(result.all_events)
