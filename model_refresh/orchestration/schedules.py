"""A schedule a model, with its cron and time zone, over Dagster's implicit job."""

from collections.abc import Iterator

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.monitoring.reasons import postponed, scheduled
from model_refresh.orchestration.names import IMPLICIT_JOB, MODEL_TAG
from model_refresh.orchestration.requests import request_refresh
from model_refresh.orchestration.resources import telling_failures


def model_schedule(model: Model) -> dg.ScheduleDefinition:
    """Refreshes the newest frame that is not after the tick."""

    @dg.schedule(
        name=f"{model.name}_schedule",
        cron_schedule=model.spec.schedule.cron,
        execution_timezone=model.spec.schedule.timezone,
        job_name=IMPLICIT_JOB,
        description=f"Refreshes {model.name}.",
        tags={MODEL_TAG: model.name},
    )
    def schedule(
        context: dg.ScheduleEvaluationContext,
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        tick = context.scheduled_execution_time
        reason = scheduled(model, tick)
        with telling_failures():
            why_not = postponed(model, reason, tick)
        if reason is None or why_not is not None:
            yield dg.SkipReason(why_not)
        else:
            yield request_refresh(model, reason)

    return schedule
