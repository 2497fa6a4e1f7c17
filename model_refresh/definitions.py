"""From the fleet to Dagster: the only work done at import time.

MODEL_REFRESH_FLEET (default `fleet`) is the folder of models, MODEL_REFRESH_HOME (default
`.model_refresh`) that of the store, and MODEL_REFRESH_ONLY loads a single model. A model whose
declaration is wrong is left out and named in the log; it delays no other. One that needs a library
that isn't installed is named too, and is scored all the same.
"""

import logging
import os
from pathlib import Path

import dagster as dg

from model_refresh.config.demands import missing_libraries
from model_refresh.config.fleet import read_fleet
from model_refresh.orchestration.build import build_definitions
from model_refresh.orchestration.sqlite import be_patient_with_sqlite

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # spinning threads starve other models
be_patient_with_sqlite()

_fleet = Path(os.environ.get("MODEL_REFRESH_FLEET", "fleet"))
_home = Path(os.environ.get("MODEL_REFRESH_HOME", ".model_refresh"))
_only = os.environ.get("MODEL_REFRESH_ONLY")

_models, _problems = read_fleet(_fleet, environment=os.environ, only=_only)
for _problem in _problems:
    logging.getLogger("model_refresh").error("left out: %s", _problem)
for _lacking in (line for model in _models for line in missing_libraries(model)):
    logging.getLogger("model_refresh").error("no refresh until this is installed: %s", _lacking)

defs: dg.Definitions = build_definitions(
    _models, home=_home, problems=None if _only else _problems, fleet=_fleet
)
