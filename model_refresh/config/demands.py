"""What a model's candidates demand beyond its files: libraries, and columns of the features query.

Demanded where something is fitted or checked, and not where a model is read: one whose library is
gone is still scored, rolled back and told of.
"""

from collections.abc import Callable, Sequence

from model_refresh.algorithms import AnyAlgorithm
from model_refresh.config.ensemble import Ensemble
from model_refresh.config.folder import located
from model_refresh.config.messages import Problem, dotted
from model_refresh.config.model import Model
from model_refresh.config.reader import Path
from model_refresh.config.recalibrated import Recalibrated
from model_refresh.errors import ConfigError


def missing_libraries(model: Model) -> list[str]:
    """Each candidate whose library isn't installed: `file:line:column`, and how to install it."""
    return _demanded(model, lambda algorithm: algorithm.missing_library())


def require_libraries(model: Model) -> None:
    """Raise ConfigError where a candidate's library isn't installed."""
    if problems := missing_libraries(model):
        raise ConfigError(problems)


def require_columns(model: Model, columns: Sequence[str]) -> None:
    """Raise ConfigError where a candidate names a feature that is none of the query's columns."""
    spec = model.spec
    others = {*spec.frame.key, *spec.columns.exclude, spec.frame.event_time, spec.label.column}
    features = [name for name in columns if name not in others]
    if problems := _demanded(model, lambda algorithm: algorithm.missing_column(features)):
        raise ConfigError(problems)


def _demanded(model: Model, lacks: Callable[[AnyAlgorithm], str | None]) -> list[str]:
    """Where each candidate that lacks something stands, and what it lacks."""
    problems = []
    for number, candidate in enumerate(model.spec.training.candidates):
        if isinstance(candidate, Ensemble | Recalibrated):
            continue
        if (message := lacks(candidate)) is not None:
            path: Path = ("training", "candidates", number)
            problems.append(Problem(path, f"{dotted(path)}: {message}"))
    return located(model, problems) if problems else []
