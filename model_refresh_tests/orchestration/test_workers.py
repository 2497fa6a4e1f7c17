"""Which model a worker loads, and what its environment is."""

import dagster as dg
import pytest

from model_refresh.orchestration.tags import IMPLICIT_JOB, MODEL_TAG
from model_refresh.orchestration.workers import model_of, worker_environment


@pytest.mark.parametrize(
    ("tags", "keys", "model"),
    [
        ({MODEL_TAG: "anna"}, [], "anna"),
        ({}, [["anna", "features"], ["anna", "candidates", "linear"]], "anna"),
        ({}, [["anna", "features"], ["bert", "features"]], None),
        ({}, [["alone"]], None),
        ({}, [["fleet", "overview"]], None),
        ({}, [["anna", "features"], ["alone"]], None),
        ({}, [], None),
    ],
)
def test_a_run_needs_the_model_of_its_tag_or_of_all_its_assets(
    tags: dict[str, str], keys: list[list[str]], model: str | None
) -> None:
    selection = frozenset(dg.AssetKey(key) for key in keys) or None
    run = dg.DagsterRun(job_name=IMPLICIT_JOB, tags=tags, asset_selection=selection)
    assert model_of(run) == model
    only = {} if model is None else {"MODEL_REFRESH_ONLY": model}
    assert worker_environment(run, {"PATH": "/bin"}) == {
        "PATH": "/bin",
        "OMP_WAIT_POLICY": "passive",
        **only,
    }
    assert worker_environment(run, {"MODEL_REFRESH_ONLY": "bert"})["MODEL_REFRESH_ONLY"] == "bert"
