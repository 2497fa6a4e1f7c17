"""A model's own parameters: `$country` in its queries, bound to values that for_each declares."""

import re
from collections.abc import Mapping
from typing import Annotated

from pydantic import WithJsonSchema

from model_refresh.records import ParameterValue

SUFFIX = r"^[a-z0-9][a-z0-9_]{0,61}$"
PARAMETER = r"^[a-z][a-z0-9_]{0,62}$"
LONGEST_TEXT = 1000
OF_THE_FRAME, OF_THE_LABEL = ("as_of", "next"), ("as_of", "until")
"""The instants that each query is bound to."""
TAKEN = ("as_of", "next", "until")

Values = dict[str, ParameterValue]
"""A value for each of a model's own parameters."""

_VALUE = {"anyOf": [{"type": "string", "maxLength": LONGEST_TEXT}, {"type": ["number", "boolean"]}]}

ForEach = Annotated[
    dict[str, Values],
    WithJsonSchema(
        {
            "anyOf": [
                {
                    "type": "object",
                    "minProperties": 1,
                    "propertyNames": {"pattern": SUFFIX},
                    "additionalProperties": {
                        "type": "object",
                        "minProperties": 1,
                        "propertyNames": {"pattern": PARAMETER, "not": {"enum": list(TAKEN)}},
                        "additionalProperties": _VALUE,
                    },
                },
                {
                    "type": "object",
                    "minProperties": 1,
                    "maxProperties": 1,
                    "propertyNames": {"pattern": PARAMETER, "not": {"enum": list(TAKEN)}},
                    "additionalProperties": {"type": "array", "minItems": 1, "items": _VALUE},
                },
            ]
        }
    ),
]
"""Suffix of a model's name -> values of its parameters."""


def named_in(sql: str | None, values: Mapping[str, ParameterValue]) -> Values:
    """The values whose parameter the text names: what a query doesn't ask for is no part of it.

    A name in a comment counts too; the engine binds only what the statement itself names.
    """
    names = {name.lower() for name in _NAMED.findall(sql or "")}
    return {name: value for name, value in values.items() if name in names}


_NAMED = re.compile(r'\$"?(\w+)', re.ASCII)
