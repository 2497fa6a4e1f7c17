"""The project's definitions, and a sensor that asks for the refreshes that a file lists.

It is loaded by the code server and by each worker, by the same environment as the project's own.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg

import model_refresh.definitions as shipped
from model_refresh.config.fleet import load_fleet
from model_refresh.monitoring.due import DueRefresh
from model_refresh.orchestration.requests import request_refresh
from model_refresh.records import Reason

WANTED = "MODEL_REFRESH_TESTS_WANTED"
"""Names a file with a line `model partition` for each refresh that is wanted."""


@dg.sensor(
    name="wanted",
    asset_selection=dg.AssetSelection.all(),
    minimum_interval_seconds=2,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def wanted_sensor(context: dg.SensorEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """Ask for every refresh in the file; its run key makes each happen once."""
    models = {
        model.name: model
        for model in load_fleet(Path(os.environ["MODEL_REFRESH_FLEET"]), environment=os.environ)
    }
    lines = Path(os.environ[WANTED]).read_text().splitlines()
    known = int(context.cursor or 0)
    if known == len(lines):
        yield dg.SkipReason("all that is wanted was asked for")
    for line in lines[known:]:
        name, partition = line.split()
        as_of = models[name].cadence.parse(partition)
        reason = Reason(kind="demand", as_of=as_of, sentence="wanted", request=line)
        yield request_refresh(DueRefresh(models[name], reason))
    context.update_cursor(str(len(lines)))


defs = dg.Definitions.merge(shipped.defs, dg.Definitions(sensors=[wanted_sensor]))
