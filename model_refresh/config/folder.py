"""One model's folder: its model.yaml and queries to a model, or everything that is wrong."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticUndefined

from model_refresh.config import reader
from model_refresh.config.declaration import Declaration
from model_refresh.config.environment import Filling
from model_refresh.config.files import read_bytes, read_query
from model_refresh.config.messages import Problem, dotted, problems_of, shown
from model_refresh.config.model import Model
from model_refresh.config.production_rules import exposed_secrets
from model_refresh.config.rules import broken_rules
from model_refresh.errors import ConfigError

FILE = "model.yaml"

_FILLED = ("source", "scores")
"""The sections in which `${NAME}` is taken from the environment."""

_QUERIES = (("frame", "features"), ("label", "query"), ("source", "ready"))


@dataclass(frozen=True)
class Reading:
    """A model, or one line a problem: `file:line:column message`."""

    model: Model | None
    problems: tuple[str, ...] = ()


def read_model(folder: Path, *, environment: Mapping[str, str]) -> Reading:
    """Read one model's folder; all of its problems at once, in the order of the file."""
    path = folder / FILE
    try:
        document = reader.read_document(read_bytes(path, below=folder))
    except ValueError as error:
        return Reading(None, (f"{path}:1:1 {error}",))
    if not document.problems:
        model, problems = _resolve(folder, document.value, environment)
        if not problems:
            return Reading(model)
        places = [document.place(each.path, at_key=each.at_key) for each in problems]
        messages = [each.message for each in problems]
        document.problems.extend(zip(places, messages, strict=True))
    found = sorted(document.problems, key=lambda problem: problem[0])
    return Reading(None, tuple(f"{path}:{at.line}:{at.column} {says}" for at, says in found))


def located(model: Model, problems: Sequence[Problem]) -> list[str]:
    """Problems that were found once the model had been read, as `file:line:column message`.

    Raises ConfigError where the file can't be read any more.
    """
    path = model.folder / FILE
    try:
        document = reader.read_document(read_bytes(path, below=model.folder))
    except ValueError as error:
        raise ConfigError([f"{path}:1:1 {error}"]) from None
    places = [document.place(each.path, at_key=each.at_key) for each in problems]
    return [
        f"{path}:{at.line}:{at.column} {each.message}"
        for at, each in zip(places, problems, strict=True)
    ]


def _resolve(
    folder: Path, value: object, environment: Mapping[str, str]
) -> tuple[Model | None, list[Problem]]:
    if not isinstance(value, dict):
        return None, [Problem((), f"model.yaml is {shown(value)}; a mapping is needed")]
    filling = Filling(environment)
    data = {
        key: filling.fill(item, (key,)) if key in _FILLED else item for key, item in value.items()
    }
    spec, problems = _validated(data)
    sections = dict(spec) if spec is not None else _valid_sections(data)
    problems += [*filling.problems, *broken_rules(sections), *_misnamed(folder, sections)]
    problems += exposed_secrets(value)
    texts = {path: _query(folder, sections, path, problems) for path in _QUERIES}
    features = texts["frame", "features"]
    if spec is None or features is None or problems:
        return None, [replace(each, message=filling.unfilled(each.message)) for each in problems]
    return (
        Model(
            spec=spec,
            folder=folder.resolve(),
            features_sql=features,
            labels_sql=texts["label", "query"],
            ready_sql=texts["source", "ready"],
            written=filling.written,
        ),
        [],
    )


def _validated(data: dict[str, object]) -> tuple[Declaration | None, list[Problem]]:
    """The declaration, strictly: no text is taken for a number, no number for a boolean."""
    try:
        return Declaration.model_validate_json(json.dumps(data), strict=True), []
    except ValidationError as error:
        return None, problems_of(error, data)


def _valid_sections(data: dict[str, object]) -> dict[str, object]:
    """The sections that are valid by themselves, those left out with their defaults."""
    sections = {}
    for name, adapter in _section_types().items():
        default = Declaration.model_fields[name].default
        try:
            if name in data:
                sections[name] = adapter.validate_json(json.dumps(data[name]), strict=True)
            elif default is not PydanticUndefined:
                sections[name] = default
        except ValidationError:
            continue
    return sections


@cache
def _section_types() -> dict[str, TypeAdapter[object]]:
    fields = Declaration.model_fields.items()
    return {name: TypeAdapter(Annotated[field.annotation, field]) for name, field in fields}  # type: ignore[arg-type]


def _misnamed(folder: Path, sections: Mapping[str, object]) -> list[Problem]:
    name, expected = sections.get("name"), folder.resolve().name
    if name is None or name == expected:
        return []
    return [Problem(("name",), f"name is {name!r}; accepted: the folder's name, {expected!r}")]


def _query(
    folder: Path, sections: Mapping[str, object], path: tuple[str, str], problems: list[Problem]
) -> str | None:
    """The text of a declared query; None where none is declared, or where it can't be read."""
    name = getattr(sections.get(path[0]), path[1], None)
    if name is None:
        return None
    try:
        return read_query(folder, name)
    except ValueError as error:
        problems.append(Problem(path, f"{dotted(path)}: {error}"))
        return None
