"""scikit-learn's histogram gradient boosting as it comes, text columns as its own categories.

It takes at most 255 of them in a column: the rest, rarest first, are one.
"""

import pickle  # noqa: TID251 - the only form that scikit-learn stores this model in

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from peers.programs.contract import SEED, Job, Predict, run
from peers.programs.tables import keep_levels, test_features, training_rows, with_levels

MODEL = "model.pickle"
MOST_LEVELS = 254


def fit(job: Job) -> None:
    """All rows; the library itself stops early on a random tenth where there are many."""
    rows = training_rows(job)
    common = {
        name: rows.features[name].where(
            rows.features[name].isin(rows.features[name].value_counts().index[:MOST_LEVELS])
        )
        for name in job.told["categorical"]
    }
    keep_levels(rows.features.assign(**common), job)
    kind = HistGradientBoostingClassifier if job.binary else HistGradientBoostingRegressor
    model = kind(categorical_features="from_dtype", random_state=SEED)
    model.fit(with_levels(rows.features, job), rows.label)
    (job.artifact / MODEL).write_bytes(pickle.dumps(model))


def load(job: Job) -> Predict:
    """The stored model on the test rows."""
    model = pickle.loads((job.artifact / MODEL).read_bytes())
    features = with_levels(test_features(job), job)

    def predict() -> NDArray[np.float64]:
        found = model.predict_proba(features)[:, 1] if job.binary else model.predict(features)
        return np.asarray(found)

    return predict


if __name__ == "__main__":
    run(fit, load)
