"""AutoGluon's TabularPredictor, `preset` medium or best, within `seconds`.

It gets the columns as they are, and validates as it chooses; folds one after the other.
"""

import numpy as np
from autogluon.tabular import TabularPredictor
from numpy.typing import NDArray

from peers.programs.contract import THREADS, Job, Predict, run
from peers.programs.tables import test_features, training_rows


def fit(job: Job) -> None:
    """Fit, with the metric that is judged; the folder is left as AutoGluon leaves it."""
    rows, label = training_rows(job), job.told["label"]
    predictor = TabularPredictor(
        label,
        problem_type="binary" if job.binary else "regression",
        eval_metric="log_loss" if job.binary else "root_mean_squared_error",
        path=str(job.artifact),
        verbosity=2,
    )
    predictor.fit(
        rows.features.assign(**{label: rows.label}),
        presets=f"{job.options['preset']}_quality",
        time_limit=float(job.options["seconds"]),
        num_cpus=THREADS,
        num_gpus=0,
    )


def load(job: Job) -> Predict:
    """The stored predictor on the test rows."""
    predictor = TabularPredictor.load(str(job.artifact))
    predictor.persist()
    features = test_features(job)

    def predict() -> NDArray[np.float64]:
        if job.binary:
            return np.asarray(predictor.predict_proba(features)[1])
        return np.asarray(predictor.predict(features))

    return predict


if __name__ == "__main__":
    run(fit, load)
