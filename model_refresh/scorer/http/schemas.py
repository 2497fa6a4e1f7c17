"""What a scorer's requests and answers look like, as JSON Schema."""

from collections.abc import Sequence
from typing import Any

import msgspec

from model_refresh.scorer.formula.formula import Formula, Input, InputType
from model_refresh.scorer.http.answers import Answer, BatchAnswer
from model_refresh.scorer.http.facts import Health, ModelFacts, Ready
from model_refresh.scorer.http.problems import Problem
from model_refresh.scorer.http.settings import Settings

Schema = dict[str, Any]

REFERENCE = "#/components/schemas/{name}"
_MOST_LISTED = 100


def schemas(formula: Formula, settings: Settings) -> Schema:
    """What requests and answers look like, by name."""
    types = [Answer, BatchAnswer, Health, Ready, ModelFacts, Problem]
    _, found = msgspec.json.schema_components(types, ref_template=REFERENCE)
    named: dict[str, Schema] = {
        "Row": _row(formula.inputs, settings),
        "Batch": {
            "type": "object",
            "properties": {
                "rows": {
                    "type": "array",
                    "items": {"$ref": REFERENCE.format(name="Row")},
                    "maxItems": settings.batch_rows,
                }
            },
            "required": ["rows"],
            "additionalProperties": False,
        },
        **found,
    }
    for name in ("Answer", "RowAnswer", "ShadowScore"):
        properties = named[name]["properties"]
        properties["score"] = _score(formula, nullable=name == "ShadowScore")
    return dict(named)


def _row(inputs: Sequence[Input], settings: Settings) -> Schema:
    return {
        "type": "object",
        "properties": {each.name: _value(each, settings) for each in inputs},
        "required": [each.name for each in inputs if each.used],
        "additionalProperties": False,
    }


def _value(each: Input, settings: Settings) -> Schema:
    """What one input takes; any may be null."""
    schema: Schema = {"type": [_JSON_TYPES[each.type], "null"], **_LIMITS.get(each.type, {})}
    if each.used and each.categories is not None and settings.unknown_category == "refuse":
        schema["enum"] = [_category(text, each.type) for text in each.categories] + [None]
    if each.type == "timestamp":
        schema["description"] = "in UTC, where it has no zone of its own"
    if not each.used:
        schema["description"] = "may be left out: it changes no score"
    elif each.categories is not None and each.type != "boolean":
        listed = ", ".join(each.categories[:_MOST_LISTED])
        more = ", ..." if len(each.categories) > _MOST_LISTED else ""
        policy = _POLICIES[settings.unknown_category]
        schema["description"] = f"a category: {listed}{more}; any other is {policy}"
    return schema


def _category(text: str, kind: InputType) -> object:
    """A category as JSON has it."""
    if kind == "boolean":
        return text == "true"
    if kind == "text":
        return text
    value = float(text)
    return int(value) if kind == "integer" and value.is_integer() else value


def _score(formula: Formula, *, nullable: bool) -> Schema:
    number: Schema = {"type": "number"}
    if formula.task != "regression":
        number |= {"minimum": 0, "maximum": 1}
    if formula.classes:
        number = {
            "type": "object",
            "properties": dict.fromkeys(formula.classes, number),
            "required": list(formula.classes),
            "additionalProperties": False,
        }
    number["description"] = _SCORES[formula.task]
    return {"anyOf": [number, {"type": "null"}]} if nullable else number


_SCORES = {
    "binary": "the probability of class 1",
    "regression": "the expected value",
    "multiclass": "the probability of each class",
}
_POLICIES = {"score": "scored as unknown, with a warning", "refuse": "refused"}
_JSON_TYPES = {
    "boolean": "boolean",
    "integer": "integer",
    "number": "number",
    "text": "string",
    "date": "string",
    "timestamp": "string",
}
_LIMITS: dict[str, Schema] = {
    "integer": {"minimum": -(2**63), "maximum": 2**63 - 1},
    "date": {"format": "date"},
    "timestamp": {"format": "date-time"},
}
