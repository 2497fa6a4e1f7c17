"""All models' assets, checks, schedules and the fleet's sensors, as one set of definitions."""

from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.orchestration.approval import approval_job
from model_refresh.orchestration.assets import model_assets
from model_refresh.orchestration.checks import promotion_gate
from model_refresh.orchestration.names import SCORER, trial_steps
from model_refresh.orchestration.resources import StoreResource
from model_refresh.orchestration.schedules import model_schedule
from model_refresh.orchestration.scorer import scorer_conformance
from model_refresh.orchestration.sensors import new_data_sensor, score_sensor
from model_refresh.orchestration.trial import score_shift


def build_definitions(models: Sequence[Model], *, home: Path) -> dg.Definitions:
    """Definitions that run in process: training is isolated in child processes of ours."""
    return dg.Definitions(
        assets=[asset for model in models for asset in model_assets(model)],
        asset_checks=[check for model in models for check in _checks(model)],
        jobs=[approval_job(models)],
        schedules=[model_schedule(model) for model in models],
        sensors=[
            new_data_sensor([m for m in models if m.spec.triggers.new_data]),
            score_sensor(models),
        ],
        resources={"store": StoreResource(home=str(home.resolve()))},
        executor=dg.in_process_executor,
    )


def _checks(model: Model) -> list[dg.AssetChecksDefinition]:
    of_scorer = [scorer_conformance(model)] if SCORER in trial_steps(model) else []
    return [promotion_gate(model), score_shift(model), *of_scorer]
