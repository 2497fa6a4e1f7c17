"""What a model's queries say before they run: for `check`, since parsing takes its milliseconds."""

from collections.abc import Iterator

from model_refresh.config.model import Model
from model_refresh.engines import read_select
from model_refresh.errors import EngineError


def query_problems(model: Model) -> list[str]:
    """One line for each query that is not one repeatable SELECT."""
    problems = []
    for file, sql in _queries(model):
        try:
            read_select(sql, str(model.folder / file))
        except EngineError as error:
            problems.append(str(error))
    return problems


def query_warnings(model: Model) -> Iterator[str]:
    """A query that doesn't ask for its instant gives the same rows at every as_of.

    Raises EngineError where a query has problems.
    """
    frame, label = model.spec.frame, model.spec.label
    if "as_of" not in read_select(model.features_sql, frame.features).parameters:
        yield f"{frame.features} doesn't name $as_of: every frame would be the same, future and all"
    if model.labels_sql is None or label.query is None:
        return
    if not {"as_of", "until"} & read_select(model.labels_sql, label.query).parameters:
        yield f"{label.query} names neither $as_of nor $until: all frames would have these labels"


def _queries(model: Model) -> Iterator[tuple[str, str]]:
    spec = model.spec
    declared = (
        (spec.frame.features, model.features_sql),
        (spec.label.query, model.labels_sql),
        (spec.source.ready, model.ready_sql),
    )
    for file, sql in declared:
        if file is not None and sql is not None:
            yield file, sql
