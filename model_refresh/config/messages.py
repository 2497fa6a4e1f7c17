"""What pydantic found wrong, in our words: where, the value met, what is accepted, the likely name.

Everything that is accepted comes from the declaration's JSON Schema, so it can't be stale.
"""

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from model_refresh.config.reader import Path
from model_refresh.config.schema import declaration_schema

_SHOWN = 80

_NULL = {"type": "null"}
_WORDS = {
    "an object": "a mapping",
    "a valid array": "a list",
    "a valid string": "a text",
    " after validation, not 0": "",
}
"""What pydantic calls otherwise than people who write YAML."""

Node = Mapping[str, object]


@dataclass(frozen=True)
class Problem:
    """What is wrong with the value at a path, or with the key of that name."""

    path: Path
    message: str
    at_key: bool = False
    kind: str = field(default="", compare=False)
    """pydantic's word for it, where pydantic found it."""


def problems_of(error: ValidationError, data: object, schema: Node | None = None) -> list[Problem]:
    """All that pydantic found wrong with this data; `schema` is that of model.yaml unless given."""
    root = declaration_schema() if schema is None else schema
    errors = error.errors(include_url=False)
    holders = {each["loc"][:end] for each in errors for end in range(len(each["loc"]))}
    # a list whose items are wrong is called too short as well
    told = [e for e in errors if not (e["type"] == "too_short" and e["loc"] in holders)]
    return [replace(_problem_of(each, data, root), kind=each["type"]) for each in told]


def not_accepted(path: Path, value: object, accepted: Iterable[object]) -> str:
    """A value that is none of those accepted, with the nearest one."""
    names = [str(each) for each in accepted]
    return f"{dotted(path)} is {shown(value)}; accepted: {', '.join(names)}{_nearest(value, names)}"


def dotted(path: Path) -> str:
    """A path as people write it: `training.candidates[1].algorithm`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{_short(part)}" for part in path)
    return text.removeprefix(".") or "model.yaml"


def shown(value: object) -> str:
    """A value in a message, cut where it is long."""
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    return _short(repr(value))


def _problem_of(error: ErrorDetails, data: object, root: Node) -> Problem:
    """One of pydantic's errors on this data as a problem."""
    loc, kind = error["loc"], error["type"]
    path, node, value = _locate(loc, data, root)
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        return _wrong_tag(path, node, value)
    if kind == "extra_forbidden":
        _, around, _ = _locate(loc[:-1], data, root)
        return Problem(path, _unknown(path, around, root), at_key=True)
    if loc[-1:] == ("[key]",):
        return Problem(path[:-1], f"the name {shown(path[-2])}: {_sentence(error)}", at_key=True)
    message = _message(error, path=path, node=node, value=value)
    return Problem(path[:-1] if kind == "missing" else path, message)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _message(error: ErrorDetails, *, path: Path, node: Node, value: object) -> str:
    match error["type"]:
        case "missing":
            about = node.get("description")
            return f"{dotted(path)} is missing{f': {about}' if about else ''}"
        case "literal_error":
            accepted = cast(Sequence[object], node.get("enum", [node.get("const")]))
            return not_accepted(path, value, accepted)
        case "value_error":
            return f"{dotted(path)}: {error['ctx']['error']}"
        case _:
            return f"{dotted(path)} is {shown(value)}: {_sentence(error)}"


def _sentence(error: ErrorDetails) -> str:
    text = error["msg"]
    _, _, demand = text.partition(" should ")
    for theirs, ours in _WORDS.items():
        demand = demand.replace(theirs, ours)
    return f"it must {demand}" if demand else text


def _unknown(path: Path, around: Node, root: Node) -> str:
    """A key that is not known: the nearest of its neighbours, or where the name belongs."""
    name, known = path[-1], list(_properties(around))
    near = _nearest(name, known)
    if not near:
        homes = _named(str(name), root, (), root=root)
        home = next((at for at in homes if at != path), None)
        near = f", did you mean {dotted(home)}?" if home is not None else ""
    return f"{dotted(path)} is not known; accepted: {', '.join(known)}{near}"


def _wrong_tag(path: Path, node: Node, value: object) -> Problem:
    discriminator = cast(Mapping[str, object], node["discriminator"])
    tag = str(discriminator["propertyName"])
    accepted = list(cast(Mapping[str, object], discriminator["mapping"]))
    if isinstance(value, dict) and tag in value:
        inner = (*path, tag)
        return Problem(inner, not_accepted(inner, value[tag], accepted))
    return Problem(path, f"{dotted((*path, tag))} is missing; accepted: {', '.join(accepted)}")


def _nearest(value: object, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(value)[:_SHOWN], names, n=1)
    return f", did you mean {near[0]!r}?" if near else ""


def _locate(loc: Sequence[str | int], data: object, root: Node) -> tuple[Path, Node, object]:
    """Path, schema and value at pydantic's `loc`, which also names the members of unions."""
    path: Path = ()
    node, value = _resolved(root, root), data
    for part in loc:
        if "discriminator" in node:
            mapping = cast(Node, cast(Node, node["discriminator"])["mapping"])
            node = _resolved({"$ref": mapping.get(str(part), "")}, root)
        else:
            path, node, value = (*path, part), _below(node, part, root), _item(value, part)
    return path, node, value


def _below(node: Node, part: str | int, root: Node) -> Node:
    """The schema of a mapping's key or of a list's item; empty where there is none."""
    if isinstance(part, int):
        return _resolved(cast(Node, node.get("items", {})), root)
    known = _properties(node)
    return _resolved(known.get(part) or cast(Node, node.get("additionalProperties") or {}), root)


def _item(value: object, part: str | int) -> object:
    if isinstance(value, dict):
        return value.get(part)
    if isinstance(value, list) and isinstance(part, int) and part < len(value):
        return value[part]
    return None


def _properties(node: Node) -> Mapping[str, Node]:
    return cast(Mapping[str, Node], node.get("properties", {}))


def _resolved(node: Node, root: Node) -> Node:
    """The schema behind a reference, or behind one that null may stand in for."""
    options = [each for each in cast(list[Node], node.get("anyOf", [])) if each != _NULL]
    if len(options) == 1:
        return _resolved({**node, "anyOf": [], **options[0]}, root)
    if not (reference := str(node.get("$ref", ""))):
        return node
    definitions = cast(Mapping[str, Node], root["$defs"])
    return {**definitions.get(reference.split("/")[-1], {}), **_without_reference(node)}


def _without_reference(node: Node) -> Node:
    return {key: value for key, value in node.items() if key != "$ref"}


def _named(name: str, node: Node, path: Path, *, root: Node) -> Iterator[Path]:
    """The paths of this name in all sections of the declaration."""
    for key, below in _properties(_resolved(node, root)).items():
        if key == name:
            yield (*path, key)
        yield from _named(name, below, (*path, key), root=root)
