"""`defaults.yaml`: sections of a declaration that every model below its folder starts from.

Mappings are merged, lists and values replaced; what is nearer to the model wins, and its own
model.yaml over all. A sink or an engine of another kind replaces the whole mapping.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath

from pydantic import ValidationError

from model_refresh.config import reader
from model_refresh.config.environment import Filling
from model_refresh.config.files import read_bytes
from model_refresh.config.messages import Node, Problem, problems_of, shown
from model_refresh.config.reader import Document, Path
from model_refresh.config.schema import declaration_schema
from model_refresh.config.validation import filled, validated

FILE = "defaults.yaml"
PER_MODEL = ("name", "description", "for_each")
"""What each model says for itself."""
_KINDS = ("engine", "sink")
"""The fields that tell which of several kinds a mapping is of."""


@dataclass(frozen=True)
class Defaults:
    """What the models below a folder start from; `origins` is the file of everything in it.

    `problems` are those of the nearest file alone; `sound` is False where any has some.
    """

    value: Mapping[str, object] = field(default_factory=dict)
    origins: Mapping[Path, FilePath] = field(default_factory=dict)
    documents: Mapping[FilePath, Document] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    sound: bool = True


NONE = Defaults()


class FleetDefaults:
    """The defaults of each folder of a fleet, each file read once."""

    def __init__(self, fleet: FilePath, environment: Mapping[str, str]) -> None:
        self._fleet, self._environment = fleet, environment
        self._known: dict[FilePath, Defaults] = {}

    def of(self, folder: FilePath) -> Defaults:
        """What a model in this folder, which is the fleet's or below it, starts from."""
        if folder not in self._known:
            above = NONE if folder == self._fleet else self.of(folder.parent)
            path = folder / FILE
            there = path.is_symlink() or path.exists()
            self._known[folder] = self._read(path, above) if there else _passed_on(above)
        return self._known[folder]

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong with the files that were asked for, each problem once."""
        return [problem for each in self._known.values() for problem in each.problems]

    def _read(self, path: FilePath, above: Defaults) -> Defaults:
        try:
            document = reader.read_document(read_bytes(path, below=self._fleet))
        except ValueError as error:
            return Defaults(problems=(f"{path}:1:1 {error}",), sound=False)
        found = list(document.problems)
        if not found:
            problems = _problems(document.value, self._environment)
            found = [(document.place(p.path, at_key=p.at_key), p.message) for p in problems]
        if found:
            told = (f"{path}:{at.line}:{at.column} {says}" for at, says in sorted(found))
            return Defaults(problems=tuple(told), sound=False)
        own = document.value if isinstance(document.value, dict) else {}
        return Defaults(
            value=merged(above.value, own),
            origins={**above.origins, **dict.fromkeys(_paths(own, ()), path)},
            documents={**above.documents, path: document},
            sound=above.sound,
        )


def merged(base: Mapping[str, object], own: Mapping[str, object]) -> dict[str, object]:
    """`own` over `base`: mappings key by key, everything else replaced."""
    result = dict(base)
    for key, value in own.items():
        below = result.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and not _other_kind(below, value):
            result[key] = merged(below, value)
        else:
            result[key] = value
    return result


def _passed_on(above: Defaults) -> Defaults:
    """The same one folder further down, where its problems have been told already."""
    return Defaults(above.value, above.origins, above.documents, (), above.sound)


def _other_kind(base: Mapping[str, object], own: Mapping[str, object]) -> bool:
    kinds = [(base.get(name), own.get(name)) for name in _KINDS]
    return any(isinstance(a, str) and isinstance(b, str) and a != b for a, b in kinds)


def _problems(value: object, environment: Mapping[str, str]) -> Iterator[Problem]:
    """What is wrong with the sections by themselves; what they lack, each model may give."""
    if value is None:
        return
    if not isinstance(value, dict):
        yield Problem((), f"{FILE} is {shown(value)}; sections of a model.yaml are needed")
        return
    for name in PER_MODEL:
        if name in value:
            message = f"{name} is each model's own: say it in model.yaml, and leave it out here"
            yield Problem((name,), message, at_key=True)
    filling = Filling(environment)
    written = {k: v for k, v in value.items() if k not in PER_MODEL}
    data = filled(written, filling)
    yield from filling.problems
    try:
        validated(data)
    except ValidationError as error:
        for each in problems_of(error, written, _shared_schema()):
            if not _is_of_the_whole(each, data):
                yield Problem(each.path, filling.unfilled(each.message), each.at_key)


def _shared_schema() -> Node:
    """The schema without what each model says for itself, which is not accepted here."""
    schema = declaration_schema()
    properties = schema["properties"]
    known = properties.items() if isinstance(properties, dict) else ()
    return {**schema, "properties": {k: v for k, v in known if k not in PER_MODEL}}


def _is_of_the_whole(problem: Problem, data: object) -> bool:
    """Something is missing, or a mapping as a whole is refused: a model may complete it."""
    at = _get(data, problem.path)
    return problem.kind == "missing" or (problem.kind == "value_error" and isinstance(at, dict))


def _paths(value: object, path: Path) -> Iterator[Path]:
    """The paths of everything in a value, itself left out."""
    items: Mapping[str, object] | dict[int, object] = {}
    if isinstance(value, dict):
        items = value
    elif isinstance(value, list):
        items = dict(enumerate(value))
    for key, item in items.items():
        yield (*path, key)
        yield from _paths(item, (*path, key))


def _get(value: object, path: Path) -> object:
    for part in path:
        if isinstance(value, dict):
            value = value.get(str(part))
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value
