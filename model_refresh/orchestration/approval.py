"""The button for `approval: manual`: one job for the whole fleet that promotes what waits.

It is launched from its Launchpad with the model, the version and a reason. It asks the core, as the
command line does, and has the champion's page show the outcome.
"""

from collections.abc import Mapping, Sequence

import dagster as dg
from pydantic import Field

from model_refresh.config.model import Model
from model_refresh.errors import ConfigError
from model_refresh.orchestration import metadata
from model_refresh.orchestration.names import CHAMPION, key
from model_refresh.orchestration.resources import StoreResource, telling_failures
from model_refresh.refresh.approval import approve
from model_refresh.refresh.resume import resume_promotion

APPROVE, OP = "approve_promotion", "approve"
"""The job, and its only op: Dagster wants their names to differ."""
USER_TAGS = ("user", "dagster/user")
"""Tags of a run that may say who launched it; the open-source UI itself knows no users."""


class Approval(dg.Config):
    """What a person fills in."""

    model: str = Field(description="the model's name")
    version: str = Field(description="the version that waits, 16 hex digits: see the champion")
    reason: str = Field(min_length=1, description="why, kept in the champion log for ever")


def approval_job(models: Sequence[Model]) -> dg.JobDefinition:
    """The job `approve_promotion`: with the same demands as a refresh, and no retries."""
    by_name = {model.name: model for model in models}

    @dg.op(name=OP, description="Promotes the version that waits for approval.")
    def approve_op(context: dg.OpExecutionContext, config: Approval, store: StoreResource) -> None:
        with telling_failures():
            model = _named(by_name, config.model)
            kept = store.of(model)
            who = _who(context.run.tags)
            entry = approve(model, kept, config.version, who=who, reason=config.reason)
            promotion, comparison = resume_promotion(model, kept, entry.as_of)
        context.log.info(promotion.sentence)
        told = metadata.of_promotion(promotion, comparison)
        context.log_event(dg.AssetMaterialization(asset_key=key(model, CHAMPION), metadata=told))

    @dg.job(
        name=APPROVE,
        executor_def=dg.in_process_executor,
        description="Launch it with a model, the version that waits, and a reason.",
    )
    def job() -> None:
        approve_op()

    return job


def _named(by_name: dict[str, Model], name: str) -> Model:
    if name not in by_name:
        raise ConfigError([f"there is no model {name!r}; there are {', '.join(sorted(by_name))}"])
    return by_name[name]


def _who(tags: Mapping[str, str]) -> str:
    user = next((tags[tag] for tag in USER_TAGS if tag in tags), None)
    return f"dagster: {user}" if user else "dagster"
