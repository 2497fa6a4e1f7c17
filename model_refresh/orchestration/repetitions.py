"""Runs that are started once more after a crash or a transient fault: which, and as what."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence

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
from model_refresh.monitoring.orders import barred
from model_refresh.monitoring.recovery import RETRY_WITHIN, to_start_again
from model_refresh.monitoring.state import read_state
from model_refresh.orchestration.requests import REFRESH
from model_refresh.orchestration.run_facts import crashes_of
from model_refresh.orchestration.tags import (
    CRASHES_TAG,
    IMPLICIT_JOB,
    MODEL_TAG,
    PARTITION_TAG,
    SELECTION_TAG,
    WORKER_TAG,
)
from model_refresh.orchestration.transients import Transients
from model_refresh.storage import Store

_KEPT_TAGS = frozenset(
    {
        MAX_RUNTIME_SECONDS_TAG,
        ASSET_PARTITION_RANGE_START_TAG,
        ASSET_PARTITION_RANGE_END_TAG,
    }
)
"""Dagster's own tags that say how a run is to run; the others say how this one went."""


def runs_to_start_again(
    instance: dg.DagsterInstance, now: dt.datetime, transients: Transients
) -> list[dg.DagsterRun]:
    """The runs that broke and are owed another start, oldest first."""
    failed = dg.RunsFilter(
        job_name=IMPLICIT_JOB, statuses=[DagsterRunStatus.FAILURE], updated_after=now - RETRY_WITHIN
    )
    facts = [
        (each, transients.facts_of(each, instance)) for each in instance.get_run_records(failed)
    ]
    broken = [record for record, each in facts if each.is_crash or each.is_transient]
    transients.forget_all_but({record.dagster_run.run_id for record, _ in facts})
    found = {each.dagster_run.run_id: each for each in [*broken, *_related(broken, instance)]}
    owed = to_start_again([transients.facts_of(each, instance) for each in found.values()], now)
    return [found[each.id].dagster_run for each in owed]


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
    except Exception:  # noqa: BLE001 - one model stops no other; the run looks again as it begins
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
    checks = run.asset_check_selection
    return dg.RunRequest(
        run_key=f"retry|{run.run_id}",
        run_config=run.run_config,
        partition_key=run.tags.get(PARTITION_TAG),
        asset_selection=sorted(run.asset_selection or ()),
        asset_check_keys=None if checks is None else sorted(checks),
        tags={
            **{name: value for name, value in run.tags.items() if _is_kept(name)},
            PARENT_RUN_ID_TAG: run.run_id,
            ROOT_RUN_ID_TAG: _root(run),
            CRASHES_TAG: str(crashes_of(run)),
            RETRY_NUMBER_TAG: str(_number(run, RETRY_NUMBER_TAG) + 1),
            PRIORITY_TAG: str(_number(run, PRIORITY_TAG) + 1),
        },
    )


def _root(run: dg.DagsterRun) -> str:
    return run.tags.get(ROOT_RUN_ID_TAG, run.run_id)


def _number(run: dg.DagsterRun, tag: str) -> int:
    """What a tag says, its place in the queue or its repetition; 0 where that is no number."""
    try:
        return int(run.tags.get(tag, "0"))
    except ValueError:
        return 0


def _is_kept(tag: str) -> bool:
    is_ours_to_judge = tag in _KEPT_TAGS or not tag.startswith(("dagster/", ".dagster/"))
    return is_ours_to_judge and tag != WORKER_TAG


def _related(broken: Sequence[RunRecord], instance: dg.DagsterInstance) -> Iterator[RunRecord]:
    """The first of each of these runs, its repetitions, and the later runs of its model."""
    if not broken:
        return
    roots = sorted({_root(each.dagster_run) for each in broken})
    yield from instance.get_run_records(dg.RunsFilter(run_ids=roots))
    yield from instance.get_run_records(dg.RunsFilter(tags={ROOT_RUN_ID_TAG: roots}))
    models = sorted({each.dagster_run.tags.get(MODEL_TAG, "") for each in broken} - {""})
    since = min(each.create_timestamp for each in broken)
    if models:
        later = dg.RunsFilter(tags={MODEL_TAG: models}, created_after=since)
        yield from instance.get_run_records(later)
