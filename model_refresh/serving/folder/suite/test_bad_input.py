"""What can't be scored is refused with a problem that names the field; never with a 5xx."""

import math

import pytest

from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.formula.values import Row
from model_refresh.scorer.http.settings import Settings
from model_refresh.serving.folder.suite.client import PROBLEM, Client, Reply
from model_refresh.serving.folder.suite.policy import Expected

UNKNOWN = "no such field"


@pytest.fixture(scope="module")
def row(asked: Expected) -> Row:
    """A row that is scored."""
    return asked.scored.rows[0]


def require_refused(reply: Reply, status: int, *fields: str) -> None:
    assert (reply.status, reply.type) == (status, PROBLEM), reply.body
    assert reply.json["status"] == status
    assert reply.json["detail"]
    assert reply.fields == [*fields]


def test_a_missing_field_is_named(client: Client, row: Row, formula: Formula) -> None:
    for name in [each.name for each in formula.inputs if each.used]:
        lacking = {key: value for key, value in row.items() if key != name}
        require_refused(client.post("/score", lacking), 422, name)


def test_a_value_of_another_type_is_named(client: Client, row: Row, formula: Formula) -> None:
    for name in [each.name for each in formula.inputs]:
        require_refused(client.post("/score", {**row, name: [1]}), 422, name)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_named(
    client: Client, row: Row, formula: Formula, value: float
) -> None:
    for name in [each.name for each in formula.inputs]:
        require_refused(client.post("/score", {**row, name: value}), 422, name)


def test_an_unknown_field_is_named(client: Client, row: Row) -> None:
    require_refused(client.post("/score", {**row, UNKNOWN: 1}), 422, UNKNOWN)


def test_a_wrong_row_of_a_batch_is_named(client: Client, row: Row, settings: Settings) -> None:
    if settings.batch_rows < 2:
        pytest.skip("a batch has one row at most here")
    reply = client.post("/score-batch", {"rows": [row, {**row, UNKNOWN: 1}]})
    require_refused(reply, 422, f"rows[1].{UNKNOWN}")


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 900])
def test_what_is_no_json_is_refused(client: Client, body: bytes) -> None:
    require_refused(client.post("/score", body), 400)


@pytest.mark.parametrize("body", [b"null", b"[]", b"1", b'"text"'])
def test_json_that_is_no_row_is_refused(client: Client, body: bytes) -> None:
    reply = client.post("/score", body)
    assert (reply.status, reply.type) == (422, PROBLEM)


def test_a_body_that_is_not_announced_as_json_is_refused(client: Client, row: Row) -> None:
    require_refused(client.post("/score", row, type="text/plain"), 415)


def test_a_body_that_is_too_large_is_refused(client: Client, settings: Settings) -> None:
    body = b" " * (settings.body_kib * 1024 + 1)
    assert client.post("/score", body).status == 413
    assert client.get("/health").status == 200


def test_unknown_paths_and_methods_are_refused(client: Client) -> None:
    require_refused(client.get("/no-such-path"), 404)
    require_refused(client.get("/score"), 405)
