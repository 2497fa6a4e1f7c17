"""The OpenAPI document of a scorer, made from its formula's inputs."""

from collections.abc import Mapping, Sequence

import msgspec

from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.http.answers import Answer, BatchAnswer
from model_refresh.scorer.http.problems import PROBLEM_TYPE
from model_refresh.scorer.http.query import MOST_REASONS
from model_refresh.scorer.http.schemas import REFERENCE, Schema, schemas
from model_refresh.scorer.http.settings import Settings

_REFUSALS = {
    400: "The body is no JSON, or the query is not understood",
    408: "The body did not arrive in time",
    413: "The body is too large",
    415: "The body is not announced as JSON in UTF-8",
    422: "Fields are missing, unknown, repeated or of another type: `errors` names them",
    503: "No verified version is served yet, or the scorer is busy: ask again in a moment",
}


def openapi(
    formula: Formula,
    settings: Settings,
    *,
    row: Mapping[str, object],
    answer: Answer,
    has_reasons: bool,
) -> Schema:
    """The document, OpenAPI 3.1; `row` and `answer` are its example, a real one."""
    parameters = [*([_REASONS] if has_reasons else []), _SHADOW]
    batch = BatchAnswer.of([answer], formula)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": formula.model,
            "version": formula.version,
            "description": _ABOUT[formula.task].format(classes=", ".join(formula.classes)),
        },
        "paths": {
            "/score": _post(
                "Score one row",
                parameters,
                request=("Row", row),
                answer=("Answer", answer),
            ),
            "/score-batch": _post(
                f"Score up to {settings.batch_rows} rows, by one version",
                parameters,
                request=("Batch", {"rows": [row]}),
                answer=("BatchAnswer", batch),
            ),
            "/health": _get("Whether the process lives", "Health"),
            "/ready": _get("Whether a verified version answers", "Ready", unready=True),
            "/model": _get("Who answers, and what it takes", "ModelFacts", unready=True),
            "/openapi.json": _get("This document", None, unready=True),
        },
        "components": {"schemas": schemas(formula, settings)},
    }


def _post(
    summary: str,
    parameters: Sequence[Schema],
    *,
    request: tuple[str, object],
    answer: tuple[str, object],
) -> Schema:
    return {
        "post": {
            "summary": summary,
            "parameters": parameters,
            "requestBody": {"required": True, "content": _content(*request)},
            "responses": {
                "200": {"description": "The answer", "content": _content(*answer)},
                **{str(status): _problem(told) for status, told in _REFUSALS.items()},
            },
        }
    }


def _get(summary: str, schema: str | None, *, unready: bool = False) -> Schema:
    good = {"$ref": REFERENCE.format(name=schema)} if schema else {"type": "object"}
    responses: Schema = {
        "200": {"description": "The answer", "content": {"application/json": {"schema": good}}}
    }
    if unready:
        responses["503"] = _problem(_REFUSALS[503])
    return {"get": {"summary": summary, "responses": responses}}


def _content(schema: str, example: object) -> Schema:
    reference = {"$ref": REFERENCE.format(name=schema)}
    return {
        "application/json": {"schema": reference, "example": msgspec.to_builtins(example)},
    }


def _problem(told: str) -> Schema:
    reference = {"$ref": REFERENCE.format(name="Problem")}
    return {"description": told, "content": {PROBLEM_TYPE: {"schema": reference}}}


_ABOUT = {
    "binary": "Scores a row with the probability of class 1.",
    "regression": "Scores a row with the expected value.",
    "multiclass": "Scores a row with the probability of each class: {classes}.",
}
_REASONS: Schema = {
    "name": "reasons",
    "in": "query",
    "description": "so many of the largest contributions to the score",
    "schema": {"type": "integer", "minimum": 1, "maximum": MOST_REASONS},
}
_SHADOW: Schema = {
    "name": "shadow",
    "in": "query",
    "description": "the score of the version that stands beside, where one is loaded",
    "schema": {"type": "boolean"},
}
