"""LightGBM as it comes: 100 trees of 31 leaves, text columns as its own categories."""

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from peers.programs.contract import SEED, THREADS, Job, Predict, run
from peers.programs.tables import Rows, keep_levels, test_features, training_rows, with_levels

MODEL = "model.txt"


def parameters(job: Job) -> dict[str, object]:
    """The task and the machine; everything else is LightGBM's default."""
    objective = "binary" if job.binary else "regression"
    return {"objective": objective, "num_threads": THREADS, "seed": SEED, "verbosity": -1}


def leveled_rows(job: Job) -> Rows:
    """The training rows with their text columns as categories, whose levels are stored."""
    rows = training_rows(job)
    keep_levels(rows.features, job)
    return Rows(with_levels(rows.features, job), rows.label, rows.as_of)


def fit(job: Job) -> None:
    """100 rounds on all rows."""
    rows = leveled_rows(job)
    booster = lgb.train(parameters(job), lgb.Dataset(rows.features, rows.label))
    booster.save_model(job.artifact / MODEL)


def load(job: Job) -> Predict:
    """The stored model on the test rows."""
    booster = lgb.Booster(model_file=str(job.artifact / MODEL))
    features = with_levels(test_features(job), job)

    def predict() -> NDArray[np.float64]:
        return np.asarray(booster.predict(features, num_threads=THREADS))

    return predict


if __name__ == "__main__":
    run(fit, load)
