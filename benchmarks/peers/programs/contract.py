"""What every peer's program is told and has to leave.

    python -m peers.programs.NAME fit|score TASK_FOLDER WORK_FOLDER [OPTION=VALUE ...]

`fit` reads train.parquet and leaves all that predicting needs in WORK_FOLDER/artifact. `score`
loads it, predicts test.parquet and leaves WORK_FOLDER/predictions.npy (shape (rows,), the
chance of label 1 or the value) and WORK_FOLDER/scoring.json (rows, seconds). The two are separate
processes: what is judged has been on disk.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

THREADS = 2
SEED = 0

_REPEATS = 5
_ENOUGH_SECONDS = 3.0

Predict = Callable[[], NDArray[np.float64]]
"""Predicts the test rows, which are in memory already; shape (rows,)."""


@dataclass(frozen=True)
class Job:
    """One task, one folder to work in, and the peer's options."""

    task: Path
    work: Path
    options: Mapping[str, str]

    @cached_property
    def told(self) -> dict[str, Any]:
        """task.json: name, kind, label, as_of, horizon_days, key, features, categorical."""
        told: dict[str, Any] = json.loads((self.task / "task.json").read_text(encoding="utf-8"))
        return told

    @property
    def binary(self) -> bool:
        """Whether the chance of label 1 is asked for; else a number is."""
        return bool(self.told["kind"] == "binary")

    @property
    def artifact(self) -> Path:
        """The folder for what predicts."""
        return self.work / "artifact"


def run(fit: Callable[[Job], None], load: Callable[[Job], Predict]) -> None:
    """Be the program: do the step that the command line names."""
    step, task, work, *options = sys.argv[1:]
    job = Job(Path(task), Path(work), dict(option.split("=", 1) for option in options))
    if step == "fit":
        job.artifact.mkdir(parents=True, exist_ok=True)
        fit(job)
    else:
        _score(load(job), job.work)


def _score(predict: Predict, work: Path) -> None:
    """Predict, and again until the time is known well: the fastest counts."""
    seconds: list[float] = []
    while len(seconds) < _REPEATS and sum(seconds) < _ENOUGH_SECONDS:
        started = time.perf_counter()
        predictions = predict()
        seconds.append(time.perf_counter() - started)
    np.save(work / "predictions.npy", np.asarray(predictions, dtype=np.float64))
    told = {"rows": len(predictions), "seconds": min(seconds)}
    (work / "scoring.json").write_text(json.dumps(told), encoding="utf-8")
