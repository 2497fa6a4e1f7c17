"""A run holds its model's lease, keeps its reason, and gives the lease back."""

import datetime as dt
from threading import Timer

import dagster as dg
import pytest

from model_refresh.config.model import Model
from model_refresh.errors import DataError
from model_refresh.orchestration import assets, resources
from model_refresh.orchestration.build import build_definitions
from model_refresh.orchestration.names import IMPLICIT_JOB
from model_refresh.orchestration.requests import request_refresh
from model_refresh.orchestration.resources import StoreResource
from model_refresh.processes import Fingerprint
from model_refresh.records import Frame, Reason
from model_refresh.refresh.dataset import build_dataset
from model_refresh.storage import ModelStore
from model_refresh.storage.leases import Held, Holder, Lease, current_lease, lease
from model_refresh_tests.conftest import SECOND
from model_refresh_tests.lab import Lab
from model_refresh_tests.orchestration.runs import failure_of, materialize


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


def refresh(lab: Lab, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    """The run that a reason asks for."""
    reason = Reason(
        kind="drift", as_of=lab.day(SECOND), sentence="it moved", request="visits|drift|1"
    )
    request = request_refresh(lab.model, reason)
    job = build_definitions([lab.model], home=lab.home).get_repository_def().get_job(IMPLICIT_JOB)
    return job.execute_in_process(
        asset_selection=request.asset_selection,
        partition_key=request.partition_key,
        tags=request.tags,
        instance=instance,
        raise_on_error=False,
    )


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


def test_a_second_refresh_waits_for_the_first(lab: Lab) -> None:
    held = Held.take(lab.store, Holder.here("ann's refresh"))
    Timer(0.6, held.give_back).start()
    result = materialize(lab, ["champion"], checks=False, definitions=impatient(lab, 20.0))
    assert "ann's refresh" not in failure_of(result)
    assert current_lease(lab.store) is None


def test_one_that_has_waited_long_enough_fails_with_who_has_it(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resources, "RETRIES", 1)
    monkeypatch.setattr(resources, "RETRY_SECONDS", 0.0)
    with lease(lab.store, holder=Holder.here("ann's refresh")):
        result = materialize(lab, ["comparison"], checks=False, definitions=impatient(lab))
    assert not result.success
    assert "visits is being refreshed by ann's refresh since " in str(result.all_events)


def test_a_lease_that_was_lost_is_noticed_at_the_next_step(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another took it while the first step was stuck: the run goes no further."""
    monkeypatch.setattr(resources, "RETRIES", 0)
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
