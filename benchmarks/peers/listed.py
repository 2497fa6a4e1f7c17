"""Who takes part: the one list. A peer more is a line here and a program in `programs`."""

from dataclasses import dataclass, field

from peers.environments import Environment

_TABLES = ("pandas==3.1.1", "pyarrow==24.0.0")
_LIGHTGBM = Environment(("lightgbm==4.7.0", "optuna==5.0.0", "scikit-learn==1.9.1", *_TABLES))
_CATBOOST = Environment(("catboost==1.2.10", *_TABLES))
_FLAML = Environment(("flaml[automl,catboost]==2.7.0", *_TABLES))
_AUTOGLUON = Environment(("autogluon.tabular[lightgbm,catboost,xgboost]==1.6.3", "pyarrow==24.0.0"))


@dataclass(frozen=True)
class Peer:
    """One way to come from a task's training rows to predictions, by a program in its environment.

    `options` are given to the program: each is NAME=VALUE.
    """

    name: str
    program: str
    environment: Environment
    options: tuple[str, ...] = field(default=())


PEERS = (
    Peer("model_refresh", "model_refresh_candidates", Environment()),
    Peer("lightgbm", "lightgbm_defaults", _LIGHTGBM),
    Peer("lightgbm_last_frame", "lightgbm_last_frame", _LIGHTGBM),
    Peer("hist_gradient_boosting", "hist_gradient_boosting", _LIGHTGBM),
    Peer("catboost", "catboost_defaults", _CATBOOST),
    Peer("lightgbm_optuna", "lightgbm_optuna", _LIGHTGBM, ("trials=30",)),
    Peer("flaml", "flaml_automl", _FLAML, ("seconds=60",)),
    Peer("autogluon_medium", "autogluon_tabular", _AUTOGLUON, ("preset=medium", "seconds=60")),
    Peer("autogluon_best", "autogluon_tabular", _AUTOGLUON, ("preset=best", "seconds=300")),
)
