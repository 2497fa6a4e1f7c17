"""The sensor `prune`: has Dagster forget runs that ended long ago; by itself it keeps all of them.

The store is the record: what was learned, decided and scored is there, and no rule of the fleet
asks for a run of more than a week ago. Two kinds stay, however old: the newest run of each model
and selection, whose run key keeps a cause from starting another, and what made an asset's newest.
"""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from dagster._core.instance import RUNLESS_RUN_ID
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable as Checks
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable as Events
from sqlalchemy import Delete, func, select

from model_refresh.orchestration.launcher import ProcessRunLauncher
from model_refresh.orchestration.queue import FINISHED
from model_refresh.orchestration.tags import MODEL_TAG, SELECTION_TAG
from model_refresh.storage.store import utc_now

_SECONDS = 10.0
"""How long a tick works at most; the next one goes on."""
_MOST = 500
"""So many runs are looked at in a tick."""


@dataclass(frozen=True)
class Pruned:
    """How many runs were forgotten, and after which one the next round begins; None: the oldest."""

    runs: int
    after: str | None = None


def prune_sensor(*, clock: Callable[[], dt.datetime] = utc_now) -> dg.SensorDefinition:
    """Forgets old runs, some at a time; `keep_run_days` in dagster.yaml says how old they are."""

    @dg.sensor(
        name="prune",
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Has Dagster forget runs that ended long ago (keep_run_days in dagster.yaml).",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        launcher = context.instance.run_launcher
        days = launcher.keep_run_days if isinstance(launcher, ProcessRunLauncher) else 0
        if not days:
            return dg.SensorResult(skip_reason="runs are kept for ever: no keep_run_days is set")
        before = clock() - dt.timedelta(days=days)
        done = prune(context.instance, before, after=context.cursor)
        told = f"{done.runs} runs that ended before {before:%Y-%m-%d %H:%M} UTC were forgotten"
        return dg.SensorResult(skip_reason=told, cursor=done.after or "the oldest")

    return sensor


def prune(
    instance: dg.DagsterInstance,
    before: dt.datetime,
    *,
    after: str | None = None,
    seconds: float = _SECONDS,
) -> Pruned:
    """Forget runs that ended before an instant, in the order in which they were made.

    It begins after a run that an earlier round kept; with the oldest where there is no such run.
    """
    end = time.monotonic() + seconds
    last = after if after and instance.has_run(after) else None
    ended = dg.RunsFilter(statuses=FINISHED, updated_before=before)
    old = instance.get_run_records(ended, limit=_MOST, ascending=True, cursor=last)
    runs = seen = 0
    for run in (record.dagster_run for record in old):
        if time.monotonic() >= end:
            break
        seen += 1
        if _is_needed(run, instance):
            last = run.run_id
        else:
            _forget(run, instance)
            runs += 1
    if runs:
        _forget_what_is_of_no_run(instance, before)
    return Pruned(runs, None if seen == len(old) < _MOST else last)


def _is_needed(run: dg.DagsterRun, instance: dg.DagsterInstance) -> bool:
    """Whether it is the newest of its model and selection, or made the newest of an asset."""
    kind = {tag: run.tags[tag] for tag in (MODEL_TAG, SELECTION_TAG) if tag in run.tags}
    if kind and run in instance.get_runs(dg.RunsFilter(tags=kind), limit=1):
        return True
    made = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
    keys = {each.asset_materialization.asset_key for each in made if each.asset_materialization}
    newest = instance.event_log_storage.get_latest_materialization_events(keys)
    return any(entry is not None and entry.run_id == run.run_id for entry in newest.values())


def _forget(run: dg.DagsterRun, instance: dg.DagsterInstance) -> None:
    instance.delete_run(run.run_id)
    instance.compute_log_manager.delete_logs(prefix=[run.run_id])
    storage = instance.event_log_storage
    if isinstance(storage, SqliteEventLogStorage):  # it empties the run's file, and leaves it there
        file = Path(storage.path_for_shard(run.run_id))
        for ending in ("", "-wal", "-shm"):
            file.with_name(file.name + ending).unlink(missing_ok=True)


def _forget_what_is_of_no_run(instance: dg.DagsterInstance, before: dt.datetime) -> None:
    """What checks said, which Dagster keeps when it deletes a run, and events outside of runs."""
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return
    with storage.index_connection() as connection:
        connection.execute(_old_checks(before))
        connection.execute(_old_events(before))
    if isinstance(storage, SqliteEventLogStorage):  # these events have a file of their own, too
        with storage.run_connection(RUNLESS_RUN_ID) as connection:
            connection.execute(_old_events(before))


def _old_checks(before: dt.datetime) -> Delete:
    """All but the newest of each check."""
    newest = select(func.max(Checks.c.id)).group_by(Checks.c.asset_key, Checks.c.check_name)
    return Checks.delete().where(
        Checks.c.create_timestamp < _plain(before), ~Checks.c.id.in_(newest)
    )


def _old_events(before: dt.datetime) -> Delete:
    """Those outside of runs, all but the newest of each asset and type."""
    is_runless = Events.c.run_id == RUNLESS_RUN_ID
    kind = (Events.c.asset_key, Events.c.dagster_event_type)
    newest = select(func.max(Events.c.id)).where(is_runless).group_by(*kind)
    return Events.delete().where(
        is_runless, Events.c.timestamp < _plain(before), ~Events.c.id.in_(newest)
    )


def _plain(instant: dt.datetime) -> dt.datetime:
    """As Dagster's tables have it: UTC, which is not said."""
    return instant.astimezone(dt.UTC).replace(tzinfo=None)
