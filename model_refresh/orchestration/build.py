"""All models' assets, checks, schedules and the fleet's sensors, as one set of definitions."""

import datetime as dt
from collections.abc import Callable, Sequence
from pathlib import Path

import dagster as dg

from model_refresh.config.model import Model
from model_refresh.orchestration.alerts import alerts_sensor
from model_refresh.orchestration.approval import approval_job
from model_refresh.orchestration.assets import model_assets
from model_refresh.orchestration.checks import promotion_gate
from model_refresh.orchestration.drift import drift_check
from model_refresh.orchestration.grading import grade_sensor
from model_refresh.orchestration.names import SCORER, trial_steps
from model_refresh.orchestration.overview import overview_asset, overview_sensor
from model_refresh.orchestration.performance import decay_check
from model_refresh.orchestration.recovery import recover_sensor
from model_refresh.orchestration.resources import StoreResource
from model_refresh.orchestration.retention import prune_sensor
from model_refresh.orchestration.schedules import model_schedule
from model_refresh.orchestration.scorer import scorer_conformance
from model_refresh.orchestration.scoring import frame_sensor, score_sensor
from model_refresh.orchestration.sensors import early_sensors, new_data_sensor
from model_refresh.orchestration.trial import score_shift
from model_refresh.storage import Store
from model_refresh.storage.store import utc_now


def build_definitions(
    models: Sequence[Model],
    *,
    home: Path,
    problems: Sequence[str] | None = None,
    fleet: Path | None = None,
    clock: Callable[[], dt.datetime] = utc_now,
) -> dg.Definitions:
    """Definitions that run in process: training is isolated in child processes of ours.

    `problems` are of models that were left out. None: this is a part of the fleet, of which there
    is no overview. `fleet` is the folder whose alerts.yaml says who is told; None: nobody.
    """
    store = Store(home.resolve())
    watched = [m for m in models if m.spec.triggers.new_data or m.ready_sql is not None]
    is_whole = problems is not None and not problems
    page = [] if problems is None else [overview_asset(models, problems)]
    page_sensor = [] if problems is None else [overview_sensor(models, problems, store)]
    if problems is not None and fleet is not None:
        page_sensor.append(alerts_sensor(models, problems, fleet=fleet))
    return dg.Definitions(
        assets=[*page, *(asset for model in models for asset in model_assets(model, clock=clock))],
        asset_checks=[check for model in models for check in _checks(model)],
        jobs=[approval_job(models)],
        schedules=[model_schedule(model, store, clock=clock) for model in models],
        sensors=[
            new_data_sensor(watched, store, is_whole=is_whole, clock=clock),
            *early_sensors(models, store, clock=clock),
            score_sensor(models, store, clock=clock),
            frame_sensor(models, store, clock=clock),
            grade_sensor(models, store, clock=clock),
            recover_sensor(models, store, clock=clock),
            prune_sensor(clock=clock),
            *page_sensor,
        ],
        resources={"store": StoreResource(home=str(home.resolve()))},
        executor=dg.in_process_executor,
    )


def _checks(model: Model) -> list[dg.AssetChecksDefinition]:
    of_scorer = [scorer_conformance(model)] if SCORER in trial_steps(model) else []
    return [
        decay_check(model),
        drift_check(model),
        promotion_gate(model),
        score_shift(model),
        *of_scorer,
    ]
