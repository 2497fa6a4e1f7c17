"""The sensor `recover`: ends runs whose worker is gone, and starts once more what broke by chance.

It works from what is, at each tick and so at each start of the daemon: a tick that never came loses
nothing. A run key makes a second start happen once, also where the daemon dies in the middle.
"""

import datetime as dt
from collections.abc import Callable, Iterator, Sequence

import dagster as dg
from dagster import DagsterRunStatus

from model_refresh.config.model import Model
from model_refresh.monitoring.recovery import Ending, ending
from model_refresh.orchestration.launcher import ProcessRunLauncher
from model_refresh.orchestration.repetitions import (
    is_barred,
    is_there,
    request_again,
    runs_to_start_again,
)
from model_refresh.orchestration.run_facts import facts_of
from model_refresh.orchestration.transients import Transients
from model_refresh.orchestration.workers import worker_state
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now

_UNDER_WAY = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
_ENDED = [DagsterRunStatus.SUCCESS, DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
_LATELY = dt.timedelta(minutes=10)
"""How long after its end a run's worker is looked for."""


def recover_sensor(
    models: Sequence[Model], store: Store, *, clock: Callable[[], dt.datetime] = utc_now
) -> dg.SensorDefinition:
    """Ends what can't go on, and starts again what is owed another start."""
    by_name = {model.name: model for model in models}
    transients = Transients()

    @dg.sensor(
        name="recover",
        asset_selection=dg.AssetSelection.all(),
        minimum_interval_seconds=15,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Ends runs whose worker is gone; starts again what a crash or a lock ended.",
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        now = clock()
        ended = list(end_runs(context.instance, now))
        for sentence in ended:
            context.log.warning(sentence)
        owed = runs_to_start_again(context.instance, now, transients)
        graph = context.repository_def.asset_graph if context.repository_def else None
        requests = [
            request_again(run)
            for run in owed
            if graph is not None and is_there(run, graph)
            if not is_barred(run, by_name, store, now)
        ]
        return dg.SensorResult(
            run_requests=requests,
            skip_reason=None if requests else "; ".join(ended) or "every run has its worker",
        )

    return sensor


def end_runs(instance: dg.DagsterInstance, now: dt.datetime) -> Iterator[str]:
    """End each run that can't go on, kill what is left of its worker, free its slots; sentences.

    Nothing is done where runs are launched by another launcher, which has its own health checks.
    """
    launcher = instance.run_launcher
    if not isinstance(launcher, ProcessRunLauncher):
        return
    lately = dg.RunsFilter(statuses=_ENDED, updated_after=now - _LATELY)
    under_way = dg.RunsFilter(statuses=_UNDER_WAY)
    for record in [*instance.get_run_records(under_way), *instance.get_run_records(lately)]:
        run = record.dagster_run
        end = ending(facts_of(record, worker=worker_state(run)), now)
        if end is not None and _carry_out(end, run, instance, launcher):
            yield f"run {run.run_id[:8]} was ended: {end.sentence}"


def _carry_out(
    end: Ending, run: dg.DagsterRun, instance: dg.DagsterInstance, launcher: ProcessRunLauncher
) -> bool:
    """Whether there was anything to do: a run may have ended by itself in the meantime."""
    now_is = instance.get_run_by_id(run.run_id)
    if now_is is None or now_is.status != run.status:
        return False
    killed = launcher.kill(now_is)
    match end.status:
        case "failed":
            instance.report_run_failed(now_is, f"The run was ended: {end.sentence}.")
        case "canceled":
            instance.report_run_canceled(now_is, f"The run was ended: {end.sentence}.")
        case None:
            return killed
    if instance.event_log_storage.supports_global_concurrency_limits:
        instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
    return True
