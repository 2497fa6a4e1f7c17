"""LightGBM with its defaults, the number of trees by early stopping on the newest frame.

What grows meanwhile learns only from frames whose labels were known by then. A model of so many
trees is then fitted on all rows.
"""

import lightgbm as lgb

from peers.programs.contract import Job, run
from peers.programs.lightgbm_defaults import MODEL, leveled_rows, load, parameters
from peers.programs.tables import Rows

ROUNDS = 2000
PATIENCE = 50


def stopped(settings: dict[str, object], rows: Rows, job: Job) -> lgb.Booster:
    """Grown on what was known at the newest frame, as long as the loss on that one falls."""
    newest, known = rows.in_last_frame, rows.known_to_last_frame(job)
    train = lgb.Dataset(rows.features[known], rows.label[known])
    watched = lgb.Dataset(rows.features[newest], rows.label[newest], reference=train)
    patience = lgb.early_stopping(PATIENCE, verbose=False)
    return lgb.train(settings, train, ROUNDS, valid_sets=[watched], callbacks=[patience])


def fit(job: Job) -> None:
    """Find the number of trees, then fit on all rows."""
    rows = leveled_rows(job)
    rounds = stopped(parameters(job), rows, job).best_iteration
    booster = lgb.train(parameters(job), lgb.Dataset(rows.features, rows.label), rounds)
    booster.save_model(job.artifact / MODEL)


if __name__ == "__main__":
    run(fit, load)
