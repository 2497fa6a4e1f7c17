"""The OpenAPI document: requests made from it, good and bad, get what it says they get."""

from typing import Any

import schemathesis
from hypothesis import settings as hypothesis_settings
from schemathesis import Case

from model_refresh.scorer.http.app import PATHS, make_app
from model_refresh.scorer.http.settings import Settings
from model_refresh_tests.scorer.client import get, post
from model_refresh_tests.scorer.factories import ROW, make_formula, make_serving

APP = make_app(make_serving(), Settings())
CLASSES = make_formula(task="multiclass", classes=("a", "b c"))
STRICT = Settings(unknown_category="refuse", batch_rows=3)
STRICT_APP = make_app(make_serving(CLASSES, STRICT), STRICT)

binary = schemathesis.openapi.from_asgi("/openapi.json", APP)
multiclass = schemathesis.openapi.from_asgi("/openapi.json", STRICT_APP)


@binary.parametrize()
@hypothesis_settings(max_examples=60)
def test_requests_made_from_the_document_get_what_it_says(case: Case[Any]) -> None:
    _call(case)


@multiclass.parametrize()
@hypothesis_settings(max_examples=60)
def test_so_they_do_where_there_are_classes_and_categories_are_refused(case: Case[Any]) -> None:
    _call(case)


def _call(case: Case[Any]) -> None:
    """Ask, and compare with the document; it can't say that UTC has no year 0."""
    response = case.call()
    if "within the years 1 to 9999 in UTC" not in response.text:
        case.validate_response(response)


def test_the_example_is_a_real_row_with_its_real_answer() -> None:
    for app in (APP, STRICT_APP):
        paths = get(app, "/openapi.json").json["paths"]
        for path in ("/score", "/score-batch"):
            about = paths[path]["post"]
            sent = about["requestBody"]["content"]["application/json"]["example"]
            told = about["responses"]["200"]["content"]["application/json"]["example"]
            assert post(app, path, sent).json == told


def test_every_path_is_in_the_document_and_no_other() -> None:
    assert tuple(get(APP, "/openapi.json").json["paths"]) == PATHS


def test_the_row_is_told_input_by_input() -> None:
    row = get(APP, "/openapi.json").json["components"]["schemas"]["Row"]
    assert row["required"] == list(ROW)
    assert row["additionalProperties"] is False
    assert row["properties"]["visits"]["type"] == ["integer", "null"]
    assert "école" in row["properties"]["plan"]["description"]


def test_categories_are_listed_where_no_other_is_accepted() -> None:
    row = get(STRICT_APP, "/openapi.json").json["components"]["schemas"]["Row"]
    assert row["properties"]["plan"]["enum"] == ["basic", "gold: yearly", "école", None]


def test_reasons_are_offered_where_there_are_some() -> None:
    offered = [
        [
            each["name"]
            for each in get(app, "/openapi.json").json["paths"]["/score"]["post"]["parameters"]
        ]
        for app in (APP, STRICT_APP)
    ]
    assert offered == [["reasons", "shadow"], ["shadow"]]
