"""A $DAGSTER_HOME with our launcher; its files are made once, for making them takes a second."""

import shutil
import tempfile
from functools import cache
from pathlib import Path

import dagster as dg

CONFIGURED = """
run_launcher:
  module: model_refresh.orchestration.launcher
  class: ProcessRunLauncher
  config: {grace_seconds: 1}
"""


def make_home(folder: Path) -> str:
    """A fresh one below `folder`, for `DagsterInstance.from_config`."""
    shutil.copytree(_template(), folder / "dagster")
    return str(folder / "dagster")


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="model-refresh-dagster-"))
    (folder / "dagster.yaml").write_text(CONFIGURED)
    with dg.DagsterInstance.from_config(str(folder)) as instance:
        instance.get_runs_count()
        instance.all_instigator_state()
        instance.get_latest_materialization_event(dg.AssetKey("none"))
    return folder
