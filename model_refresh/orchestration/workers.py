"""Who works on a run: what a tag and the machine's processes say of it.

The tag says `launching` before the worker is started, then which process it is. Whoever dies in
between leaves a run whose worker is found by the run's id in its command line. A run without the
tag was not launched by our launcher (`dagster asset materialize` runs in the shell's own process),
and nothing is known of it.
"""

from typing import Literal

import dagster as dg

from model_refresh.orchestration.tags import FLEET, MODEL_TAG, WORKER_TAG
from model_refresh.processes import Fingerprint, leaders_of

LAUNCHING = "launching"
EXECUTE = "execute_run"
"""The word in a worker's command line by which it is told from a reader of its run's log."""
ONLY = "MODEL_REFRESH_ONLY"
"""The variable by which a process loads the definitions of a single model."""

WorkerState = Literal["alive", "gone", "none", "unknown"]
"""none: it was to be started, and there is no such process. unknown: not launched by us."""


def worker_of(run: dg.DagsterRun) -> Fingerprint | None:
    """The process that works, or worked, on a run; None where there is no trace of one."""
    tag = run.tags.get(WORKER_TAG)
    if tag is None:
        return None
    if worker := Fingerprint.parse(tag):
        return worker
    return next(iter(leaders_of(EXECUTE, run.run_id)), None)


def worker_state(run: dg.DagsterRun) -> WorkerState:
    """Whether a process works on a run now."""
    if WORKER_TAG not in run.tags:
        return "unknown"
    worker = worker_of(run)
    if worker is None:
        return "none"
    return "alive" if worker.is_alive else "gone"


def model_of(run: dg.DagsterRun) -> str | None:
    """The one model that a run needs; None where it needs several, or that can't be told."""
    if MODEL_TAG in run.tags:
        return run.tags[MODEL_TAG]
    keys = run.asset_selection or frozenset()
    names = {key.path[0] if len(key.path) > 1 else FLEET for key in keys}
    return names.pop() if len(names) == 1 and FLEET not in names else None


def worker_environment(run: dg.DagsterRun, environment: dict[str, str]) -> dict[str, str]:
    """What a worker's environment has beside that of the process that starts it."""
    model = model_of(run)
    only = {} if model is None else {ONLY: model}
    return {"OMP_WAIT_POLICY": "passive", **only, **environment}
