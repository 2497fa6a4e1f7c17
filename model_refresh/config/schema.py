"""JSON Schemas of model.yaml and alerts.yaml, for editors.

`python -m model_refresh.config.schema` writes them.
"""

import json
from functools import cache
from pathlib import Path
from typing import cast

from pydantic import TypeAdapter

from model_refresh.alerting.declared import AlertsSpec
from model_refresh.config.declaration import Declaration
from model_refresh.gates import Margin

FILE = Path(__file__).parents[2] / "docs" / "model.schema.json"
ALERTS_FILE = FILE.with_name("alerts.schema.json")


def model_schema() -> dict[str, object]:
    """The schema with what an editor shows: descriptions, defaults, choices, ranges, patterns."""
    return _published(declaration_schema(), "model.yaml")


def schema_text() -> str:
    """The text of `docs/model.schema.json`."""
    return _text(model_schema())


def alerts_schema_text() -> str:
    """The text of `docs/alerts.schema.json`."""
    return _text(_published(alerts_declaration(), "alerts.yaml"))


@cache
def declaration_schema() -> dict[str, object]:
    """pydantic's schema of a declaration, with a margin as one writes it."""
    schema = Declaration.model_json_schema()
    definitions = schema["$defs"]
    if "Margin" in definitions:
        written = TypeAdapter(Margin).json_schema(mode="serialization")
        definitions["Margin"] = {"description": definitions["Margin"]["description"], **written}
    _require_tags(schema)
    return schema


@cache
def alerts_declaration() -> dict[str, object]:
    """pydantic's schema of alerts.yaml."""
    return AlertsSpec.model_json_schema()


def _published(schema: dict[str, object], title: str) -> dict[str, object]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": title,
        **{key: _trimmed(value) for key, value in schema.items() if key != "title"},
    }


def _text(schema: dict[str, object]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _trimmed(value: object, *, names: bool = False) -> object:
    """Without what pydantic adds for programs; `names`: the keys here are names of fields."""
    if isinstance(value, list):
        return [_trimmed(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _trimmed(item, names=key in ("properties", "$defs"))
        for key, item in value.items()
        if names or key not in ("title", "discriminator")
    }


def _require_tags(schema: dict[str, object]) -> None:
    """A member of a union must say which one it is, though the field has a default in Python."""
    definitions = cast(dict[str, dict[str, object]], schema["$defs"])
    for definition in definitions.values():
        properties = cast(dict[str, dict[str, object]], definition.get("properties", {}))
        tags = [name for name, field in properties.items() if "const" in field]
        if tags:
            required = cast(list[str], definition.get("required", []))
            definition["required"] = list(dict.fromkeys([*tags, *required]))


if __name__ == "__main__":
    FILE.write_text(schema_text())
    ALERTS_FILE.write_text(alerts_schema_text())
