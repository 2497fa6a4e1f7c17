"""FLAML's AutoML within `seconds`; it chooses learners and its way of validation itself."""

import numpy as np
from flaml import AutoML
from numpy.typing import NDArray

from peers.programs.contract import SEED, THREADS, Job, Predict, run
from peers.programs.tables import keep_levels, test_features, training_rows, with_levels

MODEL = "model.pickle"


def fit(job: Job) -> None:
    """Search, with the metric that is judged."""
    rows = training_rows(job)
    keep_levels(rows.features, job)
    automl = AutoML()
    automl.fit(
        with_levels(rows.features, job),
        rows.label,
        task="classification" if job.binary else "regression",
        metric="log_loss" if job.binary else "rmse",
        time_budget=float(job.options["seconds"]),
        n_jobs=THREADS,
        seed=SEED,
        verbose=0,
    )
    automl.pickle(str(job.artifact / MODEL))


def load(job: Job) -> Predict:
    """The stored model on the test rows."""
    automl = AutoML.load_pickle(str(job.artifact / MODEL))
    features = with_levels(test_features(job), job)

    def predict() -> NDArray[np.float64]:
        found = automl.predict_proba(features)[:, 1] if job.binary else automl.predict(features)
        return np.asarray(found)

    return predict


if __name__ == "__main__":
    run(fit, load)
