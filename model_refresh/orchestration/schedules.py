"""A schedule a model, with its cron and time zone, over Dagster's implicit job.

After a time without a daemon Dagster evaluates the last of the ticks that were missed: that is the
one refresh by which a model catches up.
"""

import datetime as dt
from collections.abc import Callable, Iterator

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.monitoring.orders import barred
from model_refresh.monitoring.reasons import postponed, scheduled, superseded
from model_refresh.monitoring.state import read_state
from model_refresh.orchestration.names import IMPLICIT_JOB, MODEL_TAG
from model_refresh.orchestration.requests import request_refresh
from model_refresh.orchestration.resources import telling_failures
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now


def model_schedule(
    model: Model, store: Store, *, clock: Callable[[], dt.datetime] = utc_now
) -> dg.ScheduleDefinition:
    """Refreshes the newest frame that is not after now; on, unless `schedule.active` is false."""

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
        tick, now = context.scheduled_execution_time, clock()
        state = read_state(model, store.model(model.name), now)
        reason = scheduled(model, tick, now)
        with telling_failures():
            why_not = superseded(model, tick, now) or postponed(model, reason, now)
            bar = barred(state, reason.as_of) if reason else None
        if reason is None or why_not or bar:
            yield dg.SkipReason(why_not or bar)
        else:
            yield request_refresh(model, reason, state=state)

    return schedule


def schedule_name(model: str) -> str:
    """The schedule's name in Dagster."""
    return f"{model}_schedule"


_STATUS = {True: dg.DefaultScheduleStatus.RUNNING, False: dg.DefaultScheduleStatus.STOPPED}
