"""What was measured: one line of JSON a peer and task, appended, so that a run can be resumed."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from scipy.stats import spearmanr
from sklearn.metrics import log_loss, mean_absolute_error, roc_auc_score, root_mean_squared_error

from model_refresh.records import Record


class Result(Record):
    """A peer on a task: how good its predictions were, and what they cost.

    `scores`: log_loss and roc_auc for a binary task, rmse, mae and spearman for regression.
    Fitting in CPU seconds, wall seconds and MiB at the peak, of the program and its children;
    the artifact in MiB; rows scored a second, from a table in memory. `load_average` is the
    machine's when the fit began: absolute seconds mean little where it is above the processors.
    `problem`: why there are no figures.
    """

    peer: str
    task: str
    scores: dict[str, float] = Field(default_factory=dict)
    cpu_seconds: float | None = None
    wall_seconds: float | None = None
    peak_mib: float | None = None
    artifact_mib: float | None = None
    rows_per_second: float | None = None
    load_average: float = 0.0
    packages: tuple[str, ...] = ()
    problem: str | None = None


def scores(kind: str, target: NDArray[np.float64], found: NDArray[np.float64]) -> dict[str, float]:
    """The metrics of a task of that kind; both arrays of shape (rows,)."""
    if kind == "binary":
        return {
            "log_loss": float(log_loss(target, found)),
            "roc_auc": float(roc_auc_score(target, found)),
        }
    return {
        "rmse": float(root_mean_squared_error(target, found)),
        "mae": float(mean_absolute_error(target, found)),
        "spearman": float(spearmanr(target, found).statistic),
    }


def append(result: Result, path: Path) -> None:
    """Add a line, in place of one that a kill has torn, and flush it to the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    with path.open("r+b") as file:
        file.seek(file.read().rfind(b"\n") + 1)
        file.truncate()
        file.write(result.model_dump_json().encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> dict[tuple[str, str], Result]:
    """The last line of each peer and task; a torn last line is left out."""
    return {(each.peer, each.task): each for each in _lines(path)}


def _lines(path: Path) -> Iterator[Result]:
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                yield Result.parse(line)
