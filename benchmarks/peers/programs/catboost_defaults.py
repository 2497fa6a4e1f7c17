"""CatBoost as it comes: 1,000 trees of depth 6, text columns as its own categories."""

import numpy as np
from catboost import CatBoostClassifier, CatBoostRegressor, Pool
from numpy.typing import NDArray

from peers.programs.contract import SEED, THREADS, Job, Predict, run
from peers.programs.tables import test_features, training_rows

MODEL = "model.cbm"


def fit(job: Job) -> None:
    """All rows."""
    rows = training_rows(job)
    kind = CatBoostClassifier if job.binary else CatBoostRegressor
    model = kind(thread_count=THREADS, random_seed=SEED, verbose=False, allow_writing_files=False)
    names = job.told["categorical"]
    features = rows.features.fillna(dict.fromkeys(names, ""))
    model.fit(Pool(features, rows.label, cat_features=names))
    model.save_model(str(job.artifact / MODEL))


def load(job: Job) -> Predict:
    """The stored model on the test rows."""
    model = (CatBoostClassifier if job.binary else CatBoostRegressor)()
    model.load_model(str(job.artifact / MODEL))
    names = job.told["categorical"]
    features = test_features(job).fillna(dict.fromkeys(names, ""))

    def predict() -> NDArray[np.float64]:
        pool = Pool(features, cat_features=names)
        if job.binary:
            return np.asarray(model.predict_proba(pool, thread_count=THREADS)[:, 1])
        return np.asarray(model.predict(pool, thread_count=THREADS))

    return predict


if __name__ == "__main__":
    run(fit, load)
