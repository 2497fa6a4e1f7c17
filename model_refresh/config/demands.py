"""What a model demands beyond its files: libraries, and columns of the features query.

Demanded where something is fitted or checked, and not where a model is read: one whose library is
gone is still scored, rolled back and told of.
"""

from collections.abc import Callable, Sequence
from importlib.util import find_spec

from model_refresh.algorithms import AnyAlgorithm
from model_refresh.config.ensemble import Ensemble
from model_refresh.config.folder import located
from model_refresh.config.messages import Problem, dotted
from model_refresh.config.model import Model
from model_refresh.config.reader import Path
from model_refresh.config.recalibrated import Recalibrated
from model_refresh.errors import ConfigError

_OF_A_SCORER = ("starlette", "uvicorn", "httptools", "uvloop", "pytest")
"""What a generated scorer runs and is tested with; the extra `realtime` brings them."""


def missing_libraries(model: Model) -> list[str]:
    """What isn't installed of what the candidates, a scorer and the sink need.

    Each as `file:line:column`, and how to install it.
    """
    lacking = _demanded(model, lambda algorithm: algorithm.missing_library())
    return [*lacking, *_missing_for_a_scorer(model), *_missing_for_the_sink(model)]


def require_libraries(model: Model) -> None:
    """Raise ConfigError where a library of a candidate, a scorer or the sink isn't installed."""
    if problems := missing_libraries(model):
        raise ConfigError(problems)


def require_columns(model: Model, columns: Sequence[str]) -> None:
    """Raise ConfigError where a candidate names a feature that is none of the query's columns."""
    spec = model.spec
    others = {*spec.frame.key, *spec.columns.exclude, spec.frame.event_time, spec.label.column}
    features = [name for name in columns if name not in others]
    if problems := _demanded(model, lambda algorithm: algorithm.missing_column(features)):
        raise ConfigError(problems)


def _missing_for_a_scorer(model: Model) -> list[str]:
    if "realtime" not in model.spec.deploy:
        return []
    if not (lacking := [name for name in _OF_A_SCORER if find_spec(name) is None]):
        return []
    message = (
        f"deploy: realtime needs what is not installed ({', '.join(lacking)}): "
        "pip install 'model_refresh[realtime]'"
    )
    return located(model, [Problem(("deploy",), message, at_key=True)])


def _missing_for_the_sink(model: Model) -> list[str]:
    sink = model.spec.scores.sink
    if sink is None or (message := sink.missing_library()) is None:
        return []
    return located(model, [Problem(("scores", "sink"), f"scores.sink: {message}", at_key=True)])


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
