"""One model's folder: its model.yaml and queries to models, or everything that is wrong."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from model_refresh.config import reader
from model_refresh.config.declaration import Declaration
from model_refresh.config.defaults import NONE, Defaults, merged
from model_refresh.config.environment import Filling
from model_refresh.config.files import read_bytes, read_query
from model_refresh.config.for_each import AT, expanded, in_full
from model_refresh.config.messages import Problem, dotted, problems_of, shown
from model_refresh.config.model import Model
from model_refresh.config.production_rules import exposed_secrets
from model_refresh.config.rules import broken_rules
from model_refresh.config.validation import filled, valid_sections, validated
from model_refresh.errors import ConfigError

FILE = "model.yaml"

_QUERIES = (("frame", "features"), ("label", "query"), ("source", "ready"))


@dataclass(frozen=True)
class Reading:
    """The models of a folder, or one line a problem: `file:line:column message`.

    `shared` are the problems that stand in a defaults.yaml: other models may have them too.
    """

    models: tuple[Model, ...] = ()
    problems: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()

    @property
    def model(self) -> Model | None:
        """The only model; None where there are none or many."""
        return self.models[0] if len(self.models) == 1 else None


def read_model(
    folder: Path, *, environment: Mapping[str, str], defaults: Defaults = NONE
) -> Reading:
    """Read one model's folder; all of its problems at once, in the order of the file."""
    path = folder / FILE
    try:
        document = reader.read_document(read_bytes(path, below=folder))
    except ValueError as error:
        return Reading(problems=(f"{path}:1:1 {error}",))
    shared: list[str] = []
    if not document.problems:
        models, problems = _resolve(
            folder, document.value, defaults=defaults, environment=environment
        )
        if not problems:
            return Reading(models)
        for each in problems:
            if (file := _origin(each, document, defaults)) is not None:
                shared.append(_line(file, defaults.documents[file], each))
            else:
                place = document.place(each.path, at_key=each.at_key)
                document.problems.append((place, each.message))
    found = sorted(document.problems, key=lambda problem: problem[0])
    told = (f"{path}:{at.line}:{at.column} {says}" for at, says in found)
    return Reading(problems=tuple(told), shared=tuple(shared))


def located(model: Model, problems: Sequence[Problem]) -> list[str]:
    """Problems that were found once the model had been read, as `file:line:column message`.

    Raises ConfigError where a file can't be read any more.
    """
    told = []
    for each in problems:
        path = model.inherited.get(each.path, model.folder / FILE)
        try:
            document = reader.read_document(read_bytes(path, below=path.parent))
        except ValueError as error:
            raise ConfigError([f"{path}:1:1 {error}"]) from None
        told.append(_line(path, document, each))
    return told


def _line(path: Path, document: reader.Document, problem: Problem) -> str:
    at = document.place(problem.path, at_key=problem.at_key)
    return f"{path}:{at.line}:{at.column} {problem.message}"


def _origin(problem: Problem, document: reader.Document, defaults: Defaults) -> Path | None:
    """The defaults.yaml that a problem stands in; None: the model's own file is to be changed."""
    if problem.kind == "missing" or problem.path in document.values:
        return None
    return defaults.origins.get(problem.path)


def _resolve(
    folder: Path, value: object, *, defaults: Defaults, environment: Mapping[str, str]
) -> tuple[tuple[Model, ...], list[Problem]]:
    if not isinstance(value, dict):
        return (), [Problem((), f"model.yaml is {shown(value)}; a mapping is needed")]
    whole = merged(defaults.value, value)
    filling = Filling(environment)
    spec, sections, problems = _declared(whole, filling)
    problems += [*filling.problems, *broken_rules(sections), *_misnamed(folder, sections)]
    problems += exposed_secrets(whole)
    features, labels, ready = (
        _query(folder, sections, at=path, problems=problems) for path in _QUERIES
    )
    if spec is None or features is None or problems:
        return (), [replace(each, message=filling.unfilled(each.message)) for each in problems]
    one = Model(
        spec=spec,
        folder=folder.resolve(),
        features_sql=features,
        labels_sql=labels,
        ready_sql=ready,
        written=filling.written,
        inherited={at: file for at, file in defaults.origins.items() if not _says(value, at)},
    )
    return tuple(replace(one, spec=each) for each in expanded(spec)), []


def _declared(
    whole: dict[str, object], filling: Filling
) -> tuple[Declaration | None, Mapping[str, object], list[Problem]]:
    """The declaration, None where it isn't valid; its valid sections; and what is wrong."""
    problems: list[Problem] = []
    if AT in whole:
        whole[AT], problems = in_full(whole[AT])
    written = {**whole, AT: {}} if problems else whole
    data = filled(written, filling)
    try:
        spec = validated(data)
    except ValidationError as error:
        return None, valid_sections(data), [*problems, *problems_of(error, written)]
    return spec, dict(spec), problems


def _says(value: object, path: reader.Path) -> bool:
    """Whether a model's own file says something at this path, or replaces what is above it."""
    for part in path:
        if not isinstance(value, dict):
            return True
        if part not in value:
            return False
        value = value[part]
    return True


def _misnamed(folder: Path, sections: Mapping[str, object]) -> list[Problem]:
    name, expected = sections.get("name"), folder.resolve().name
    if name is None or name == expected:
        return []
    return [Problem(("name",), f"name is {name!r}; accepted: the folder's name, {expected!r}")]


def _query(
    folder: Path, sections: Mapping[str, object], *, at: tuple[str, str], problems: list[Problem]
) -> str | None:
    """The text of a declared query; None where none is declared, or where it can't be read."""
    name = getattr(sections.get(at[0]), at[1], None)
    if name is None:
        return None
    try:
        return read_query(folder, name)
    except ValueError as error:
        problems.append(Problem(at, f"{dotted(at)}: {error}"))
        return None
