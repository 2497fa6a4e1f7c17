"""The JSON Schema in docs/ is current, helps an editor, and agrees with the loader."""

import json
from collections.abc import Iterator

import pytest

from model_refresh.config.declaration import Declaration
from model_refresh.config.schema import FILE, model_schema, schema_text


def test_the_schema_in_docs_is_current() -> None:
    assert FILE.read_text() == schema_text(), "run: python -m model_refresh.config.schema"


def fields(node: object, path: str = "") -> Iterator[tuple[str, dict[str, object]]]:
    if isinstance(node, dict):
        for name, field in node.get("properties", {}).items():
            yield f"{path}.{name}", field
        for key, below in node.items():
            yield from fields(below, f"{path}.{key}")
    elif isinstance(node, list):
        for number, below in enumerate(node):
            yield from fields(below, f"{path}[{number}]")


FIELDS = dict(fields(model_schema()))


@pytest.mark.parametrize("path", FIELDS)
def test_every_field_has_a_description_and_every_number_a_range(path: str) -> None:
    field = FIELDS[path]
    assert field.get("description"), "give the field a description="
    of_gate_or_algorithm = any(f".{word}." in path for word in ("Absolute", "Superior"))
    is_number = field.get("type") in ("integer", "number") and "enum" not in field
    if is_number and not of_gate_or_algorithm:
        assert {"minimum", "exclusiveMinimum"} & field.keys()
        assert {"maximum", "exclusiveMaximum"} & field.keys()


def test_every_mapping_is_closed() -> None:
    definitions = model_schema()["$defs"]
    assert isinstance(definitions, dict)
    closed = {name: each.get("additionalProperties") for name, each in definitions.items()}
    assert [name for name, value in closed.items() if value is not False] == ["Margin"]
    assert model_schema()["additionalProperties"] is False


def test_nothing_in_it_is_for_programs_only() -> None:
    text = schema_text()
    assert '"discriminator"' not in text
    assert text.count('"title"') == 1


def test_a_member_of_a_union_must_say_which_one_it_is() -> None:
    definitions = model_schema()["$defs"]
    assert isinstance(definitions, dict)
    assert definitions["Constant"]["required"] == ["algorithm"]
    assert definitions["Absolute"]["required"] == ["gate", "metric"]


def test_the_defaults_are_the_declarations_own() -> None:
    properties = model_schema()["properties"]
    assert isinstance(properties, dict)
    for name, field in Declaration.model_fields.items():
        assert ("default" in properties[name]) == (not field.is_required())
    assert json.dumps(properties["gates"]["default"]).count("1%") == 1
