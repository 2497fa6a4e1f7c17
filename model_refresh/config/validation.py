"""Plain values to a declaration: `${NAME}` filled in, and pydantic's strict word on them."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Annotated

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticUndefined

from model_refresh.config.declaration import Declaration
from model_refresh.config.environment import Filling

_FILLED = ("source", "scores")
"""The sections in which `${NAME}` is taken from the environment."""


def filled(value: Mapping[str, object], filling: Filling) -> dict[str, object]:
    """The sections with every variable filled in."""
    return {
        key: filling.fill(item, (key,)) if key in _FILLED else item for key, item in value.items()
    }


def validated(data: Mapping[str, object]) -> Declaration:
    """The declaration, strictly: no text is taken for a number, no number for a boolean.

    Raises pydantic's ValidationError.
    """
    return Declaration.model_validate_json(json.dumps(data), strict=True)


def valid_sections(data: Mapping[str, object]) -> dict[str, object]:
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
