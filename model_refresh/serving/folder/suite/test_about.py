"""What the scorer tells of itself: it is ready, it is this version, its document is true."""

import json
from pathlib import Path

from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.golden import CLOSE_ENOUGH, Golden, distance
from model_refresh.serving.folder.suite.client import Client, Reply


def test_it_lives(client: Client) -> None:
    assert client.get("/health").json == {"status": "alive"}


def test_it_is_ready_with_every_golden_row_right(client: Client, golden: Golden) -> None:
    reply = client.get("/ready")
    assert reply.status == 200, reply.body
    assert reply.json["version"] == golden.version
    assert reply.json["golden_rows"] == len(golden.cases)
    assert reply.json["furthest"] <= CLOSE_ENOUGH


def test_it_tells_which_version_answers(client: Client, formula: Formula) -> None:
    told = client.get("/model").json
    assert (told["model"], told["version"]) == (formula.model, formula.version)
    assert told["digest"] == formula.artifact
    assert [each["name"] for each in told["inputs"]] == [each.name for each in formula.inputs]


def test_its_document_is_the_one_in_the_folder(client: Client, folder: Path) -> None:
    served = client.get("/openapi.json").json
    written = json.loads((folder / "openapi.json").read_bytes())
    assert served["info"] == written["info"]
    assert served["components"] == written["components"]
    assert served["paths"].keys() == written["paths"].keys()


def test_the_document_s_example_answers_as_it_says(client: Client) -> None:
    operation = client.get("/openapi.json").json["paths"]["/score"]["post"]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    told = operation["responses"]["200"]["content"]["application/json"]["example"]
    reply = client.post("/score", example)
    assert _scores(reply.json) == _close(_scores(told), reply)
    assert reply.json["digest"] == told["digest"]


def _scores(answer: dict[str, float | dict[str, float]]) -> tuple[float, ...]:
    score = answer["score"]
    return tuple(score.values()) if isinstance(score, dict) else (score,)


def _close(expected: tuple[float, ...], reply: Reply) -> tuple[float, ...]:
    """The scores of the reply where they are close enough to those expected, else those."""
    scores = _scores(reply.json)
    return scores if distance(expected, scores) <= CLOSE_ENOUGH else expected
