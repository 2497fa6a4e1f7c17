"""Fits in this process, so that a whole refresh takes a second: what is tested is not the child."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from model_refresh.config.model import Model
from model_refresh.progress import Tell, silent
from model_refresh.records import Candidate, Cost
from model_refresh.refresh.candidates import fit_candidate
from model_refresh.refresh.dataset import build_dataset
from model_refresh.refresh.fitting import RESULT, FitJob, FitResult, run_job
from model_refresh.storage import ModelStore
from model_refresh.storage.folder import drafting
from model_refresh_tests.lab import Lab


def run_inside(
    model: Model, store: ModelStore, job: FitJob, *, on_progress: Tell = silent
) -> tuple[FitResult, Cost]:
    """As `run_fit`, in this process."""
    del model, on_progress
    with drafting(store.root) as scratch:
        (scratch.path / "job.json").write_text(job.canonical())
        run_job(scratch.path / "job.json")
        return FitResult.parse((scratch.path / RESULT).read_text()), Cost(seconds=0.0)


@contextmanager
def fits_inside() -> Iterator[None]:
    """Every step fits in this process."""
    with pytest.MonkeyPatch.context() as patch:
        for step in ("candidates", "challenger", "incumbent"):
            patch.setattr(f"model_refresh.refresh.{step}.run_fit", run_inside)
        yield


def fitted(lab: Lab, day: int, *, wide: bool = False) -> dict[str, Candidate]:
    """Every declared candidate of one refresh, by name."""
    dataset = build_dataset(lab.model, lab.store, lab.day(day)).record
    found: list[Candidate] = []
    for each in lab.model.spec.training.in_order:
        line = fit_candidate(lab.model, lab.store, dataset, each, others=found, wide=wide)
        found.append(line.record)
    return {each.name: each for each in found}


def stored(lab: Lab, day: int, name: str) -> Candidate:
    """What a refresh recorded of one candidate."""
    line = lab.store.candidates(lab.day(day), name).last()
    assert line is not None
    return line.record


def fleet_of(folder: Path) -> Path:
    """A folder of its own for one more lab."""
    folder.mkdir()
    return folder
