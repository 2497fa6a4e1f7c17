"""A schedule a model, with its cron and time zone, over Dagster's implicit job."""

from collections.abc import Iterator

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.monitoring import scheduled
from model_refresh.orchestration.names import IMPLICIT_JOB, MODEL_TAG
from model_refresh.orchestration.requests import request_refresh


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
        reason = scheduled(model, context.scheduled_execution_time)
        if reason is None:
            yield dg.SkipReason(f"{model.name} starts at {model.cadence.start}")
        else:
            yield request_refresh(model, reason)

    return schedule
