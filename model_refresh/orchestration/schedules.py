"""A schedule a model, with its cron and time zone, over Dagster's implicit job.

After a time without a daemon Dagster evaluates the last of the ticks that were missed: that is the
one refresh by which a model catches up.
"""

import datetime as dt
from collections.abc import Callable, Iterator

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.monitoring.due import at_tick
from model_refresh.monitoring.state import read_state
from model_refresh.monitoring.watch import Watch
from model_refresh.orchestration.names import IMPLICIT_JOB, MODEL_TAG, schedule_name
from model_refresh.orchestration.requests import request_refresh
from model_refresh.orchestration.resources import telling_failures
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now


def model_schedule(
    model: Model, store: Store, *, clock: Callable[[], dt.datetime] = utc_now
) -> dg.ScheduleDefinition:
    """Refreshes the newest frame that is not after now; on, unless `schedule.active` is false."""
    watch = Watch()

    @dg.schedule(
        name=schedule_name(model.name),
        cron_schedule=model.spec.schedule.cron,
        execution_timezone=model.spec.schedule.timezone,
        job_name=IMPLICIT_JOB,
        description=f"Refreshes {model.name}.",
        tags={MODEL_TAG: model.name},
        default_status=_STATUS[model.spec.schedule.active],
    )
    def schedule(
        context: dg.ScheduleEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        state = read_state(model, store.model(model.name), clock())
        with telling_failures():
            due = at_tick(state, context.scheduled_execution_time, look=watch.look)
        yield dg.SkipReason(due) if isinstance(due, str) else request_refresh(due)

    return schedule


_STATUS = {True: dg.DefaultScheduleStatus.RUNNING, False: dg.DefaultScheduleStatus.STOPPED}
