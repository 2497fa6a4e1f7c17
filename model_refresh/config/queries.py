"""What a model's queries say before they run: for `check`, since parsing takes its milliseconds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from model_refresh.config.folder import located
from model_refresh.config.for_each import AT
from model_refresh.config.messages import Problem
from model_refresh.config.model import Model
from model_refresh.config.parameters import OF_THE_FRAME, OF_THE_LABEL
from model_refresh.engines import read_select
from model_refresh.engines.places import place_of
from model_refresh.engines.statements import read_ahead, suggestion
from model_refresh.errors import EngineError


@dataclass(frozen=True)
class _Asked:
    """A declared query: where it stands, its text, and the instants that it is bound to."""

    name: str
    sql: str
    instants: tuple[str, ...]

    @property
    def parameters(self) -> frozenset[str]:
        """The names that it uses; raises EngineError where it is not one repeatable SELECT."""
        return read_select(self.sql, self.name).parameters


def read_queries_ahead(models: Sequence[Model]) -> None:
    """Have the queries of many models read at once, before each is asked for its problems."""
    read_ahead(query.sql for model in models for query in _queries(model))


def query_problems(model: Model) -> list[str]:
    """One line for each query that is not one repeatable SELECT, or whose parameter has no value.

    Also for each value that for_each declares and no query uses.
    """
    unreadable, unbound, used = list[str](), list[str](), set[str]()
    for query in _queries(model):
        try:
            used |= query.parameters
        except EngineError as error:
            unreadable.append(str(error))
        else:
            unbound += _unbound(query, model)
    unused = [name for name in model.values if name not in used] if not unreadable else []
    return [*unreadable, *unbound, *_unused(model, unused)]


def query_warnings(model: Model) -> Iterator[str]:
    """A query that doesn't ask for its instant gives the same rows at every as_of.

    Raises EngineError where a query has problems.
    """
    frame, label = model.spec.frame, model.spec.label
    features, *others = _queries(model)
    if "as_of" not in features.parameters:
        yield f"{frame.features} doesn't name $as_of: every frame would be the same, future and all"
    if model.labels_sql is not None and not {"as_of", "until"} & others[0].parameters:
        yield f"{label.query} names neither $as_of nor $until: all frames would have these labels"


def _unbound(query: _Asked, model: Model) -> Iterator[str]:
    accepted = sorted([*query.instants, *model.values])
    for name in sorted(query.parameters - set(accepted)):
        listed = ", ".join(f"${each}" for each in accepted) or "none"
        yield (
            f"{query.name}:{place_of(name, query.sql)} ${name} has no value here"
            f"{suggestion(name, accepted)}; accepted parameters: {listed}"
        )


def _unused(model: Model, names: Sequence[str]) -> list[str]:
    suffix = next(iter(model.spec.for_each), "")
    problems = [
        Problem((AT, suffix, name), f"{AT}: no query uses ${name}; name it in one, or leave it out")
        for name in names
    ]
    return located(model, problems) if problems else []


def _queries(model: Model) -> Iterator[_Asked]:
    spec = model.spec
    declared = (
        (spec.frame.features, model.features_sql, OF_THE_FRAME),
        (spec.label.query, model.labels_sql, OF_THE_LABEL),
        (spec.source.ready, model.ready_sql, ()),
    )
    for file, sql, instants in declared:
        if file is not None and sql is not None:
            yield _Asked(str(model.folder / file), sql, instants)
