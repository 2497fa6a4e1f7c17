"""LightGBM tuned by Optuna: `trials` sets of parameters, stopped and judged on the newest frame.

The best set is fitted again on all rows, with as many rounds as it had.
"""

import lightgbm as lgb
import optuna

from peers.programs.contract import SEED, Job, run
from peers.programs.lightgbm_defaults import MODEL, leveled_rows, load, parameters
from peers.programs.lightgbm_last_frame import stopped


def suggested(trial: optuna.Trial) -> dict[str, object]:
    """The ranges that Optuna's own LightGBM examples search, and the learning rate."""
    return {
        "learning_rate": trial.suggest_float("learning_rate", 0.01, 0.3, log=True),
        "num_leaves": trial.suggest_int("num_leaves", 4, 256, log=True),
        "min_data_in_leaf": trial.suggest_int("min_data_in_leaf", 5, 200, log=True),
        "feature_fraction": trial.suggest_float("feature_fraction", 0.4, 1.0),
        "bagging_fraction": trial.suggest_float("bagging_fraction", 0.4, 1.0),
        "bagging_freq": trial.suggest_int("bagging_freq", 0, 7),
        "lambda_l1": trial.suggest_float("lambda_l1", 1e-8, 10.0, log=True),
        "lambda_l2": trial.suggest_float("lambda_l2", 1e-8, 10.0, log=True),
    }


def fit(job: Job) -> None:
    """Search, then fit on all rows."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    rows = leveled_rows(job)

    def objective(trial: optuna.Trial) -> float:
        booster = stopped(parameters(job) | suggested(trial), rows, job)
        trial.set_user_attr("rounds", booster.best_iteration)
        return float(next(iter(booster.best_score["valid_0"].values())))

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=SEED))
    study.optimize(objective, n_trials=int(job.options["trials"]))
    best = study.best_trial
    data = lgb.Dataset(rows.features, rows.label)
    lgb.train(parameters(job) | best.params, data, best.user_attrs["rounds"]).save_model(
        job.artifact / MODEL
    )


if __name__ == "__main__":
    run(fit, load)
