"""Runs that are started once more after a crash: which, and as what."""

import datetime as dt
from collections.abc import Mapping

import dagster as dg
from dagster import DagsterRunStatus, RunRecord
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    MAX_RUNTIME_SECONDS_TAG,
    PARENT_RUN_ID_TAG,
    PRIORITY_TAG,
    RETRY_NUMBER_TAG,
    ROOT_RUN_ID_TAG,
)

from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError
from model_refresh.monitoring.orders import barred
from model_refresh.monitoring.recovery import RETRY_WITHIN, to_start_again
from model_refresh.monitoring.state import read_state
from model_refresh.orchestration.requests import REFRESH
from model_refresh.orchestration.run_facts import facts_of
from model_refresh.orchestration.tags import (
    IMPLICIT_JOB,
    MODEL_TAG,
    PARTITION_TAG,
    SELECTION_TAG,
    WORKER_TAG,
)
from model_refresh.storage import Store

_KEPT_TAGS = frozenset(
    {
        MAX_RUNTIME_SECONDS_TAG,
        ASSET_PARTITION_RANGE_START_TAG,
        ASSET_PARTITION_RANGE_END_TAG,
    }
)
"""Dagster's own tags that say how a run is to run; the others say how this one went."""


def runs_to_start_again(instance: dg.DagsterInstance, now: dt.datetime) -> list[dg.DagsterRun]:
    """The runs that crashed and are owed another start, oldest first."""
    failed = dg.RunsFilter(
        job_name=IMPLICIT_JOB, statuses=[DagsterRunStatus.FAILURE], updated_after=now - RETRY_WITHIN
    )
    crashed = [each for each in instance.get_run_records(failed) if facts_of(each).is_crash]
    found = {each.dagster_run.run_id: each for each in crashed}
    for record in crashed:
        found.update({each.dagster_run.run_id: each for each in _related(record, instance)})
    owed = to_start_again([facts_of(record) for record in found.values()], now)
    return [found[facts.id].dagster_run for facts in owed]


def is_barred(
    run: dg.DagsterRun, by_name: Mapping[str, Model], store: Store, now: dt.datetime
) -> bool:
    """Whether a person said since that this refresh is not to start by itself."""
    model = by_name.get(run.tags.get(MODEL_TAG, ""))
    if model is None or run.tags.get(SELECTION_TAG) != REFRESH:
        return False
    try:
        as_of = model.cadence.parse(run.tags.get(PARTITION_TAG, ""))
        return barred(read_state(model, store.model(model.name), now), as_of) is not None
    except ModelRefreshError:
        return False


def is_there(run: dg.DagsterRun, graph: AssetGraph) -> bool:
    """Whether every asset of a run, and its partition, are still declared."""
    partition = run.tags.get(PARTITION_TAG)
    selection = run.asset_selection or frozenset()
    if not selection or not all(graph.has(key) for key in selection):
        return False
    parted = [graph.get(key).partitions_def for key in selection]
    return partition is None or all(
        each.has_partition_key(partition) for each in parted if each is not None
    )


def request_again(run: dg.DagsterRun) -> dg.RunRequest:
    """The same run once more, as a repetition of the first of its kind, before others like it."""
    root = run.tags.get(ROOT_RUN_ID_TAG, run.run_id)
    checks = run.asset_check_selection
    return dg.RunRequest(
        run_key=f"retry|{root}",
        run_config=run.run_config,
        partition_key=run.tags.get(PARTITION_TAG),
        asset_selection=sorted(run.asset_selection or ()),
        asset_check_keys=None if checks is None else sorted(checks),
        tags={
            **{name: value for name, value in run.tags.items() if _is_kept(name)},
            PARENT_RUN_ID_TAG: run.run_id,
            ROOT_RUN_ID_TAG: root,
            RETRY_NUMBER_TAG: "1",
            PRIORITY_TAG: str(_priority(run) + 1),
        },
    )


def _priority(run: dg.DagsterRun) -> int:
    """Its place in the queue; 0 where it says nothing that the queue understands."""
    try:
        return int(run.tags.get(PRIORITY_TAG, "0"))
    except ValueError:
        return 0


def _is_kept(tag: str) -> bool:
    is_ours_to_judge = tag in _KEPT_TAGS or not tag.startswith(("dagster/", ".dagster/"))
    return is_ours_to_judge and tag != WORKER_TAG


def _related(record: RunRecord, instance: dg.DagsterInstance) -> list[RunRecord]:
    """The repetitions of a run, and the later runs of its model."""
    run = record.dagster_run
    root = run.tags.get(ROOT_RUN_ID_TAG, run.run_id)
    related = list(instance.get_run_records(dg.RunsFilter(tags={ROOT_RUN_ID_TAG: root})))
    if model := run.tags.get(MODEL_TAG):
        later = dg.RunsFilter(tags={MODEL_TAG: model}, created_after=record.create_timestamp)
        related.extend(instance.get_run_records(later))
    return related
