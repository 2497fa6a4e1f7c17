"""Over HTTP every golden row is answered as in a batch, one by one and many at once."""

import pytest
from msgspec.structs import replace

from model_refresh.scorer.formula.errors import ReasonsUnavailable
from model_refresh.scorer.formula.formula import Formula
from model_refresh.scorer.formula.scoring import Scoring
from model_refresh.scorer.golden import CLOSE_ENOUGH
from model_refresh.scorer.http.settings import Settings
from model_refresh.serving.folder.suite.client import PROBLEM, Client
from model_refresh.serving.folder.suite.policy import Expected, batches


def test_each_golden_row_is_answered_as_in_a_batch(client: Client, asked: Expected) -> None:
    assert asked.scored.disagreements(client.score) == []


def test_rows_with_categories_that_are_refused_name_them(client: Client, asked: Expected) -> None:
    for row, names in asked.refused:
        reply = client.post("/score", row)
        assert (reply.status, reply.type) == (422, PROBLEM)
        assert sorted(reply.fields) == sorted(names)


def test_many_rows_are_answered_in_order_by_one_version(
    client: Client, asked: Expected, settings: Settings, formula: Formula
) -> None:
    by_row = {id(case.row): case for case in asked.scored.cases}
    for rows in batches(asked.scored.rows, settings):
        reply = client.post("/score-batch", {"rows": rows})
        assert reply.status == 200, reply.body
        assert reply.json["version"] == formula.version
        answers = [each["score"] for each in reply.json["scores"]]
        part = replace(asked.scored, cases=tuple(by_row[id(row)] for row in rows))
        assert part.furthest(answers) <= CLOSE_ENOUGH


def test_an_unknown_category_is_told_of(
    client: Client, asked: Expected, scoring: Scoring, settings: Settings
) -> None:
    if settings.unknown_category == "refuse":
        pytest.skip("unknown categories are refused here")
    for row in asked.scored.rows[:: max(1, len(asked.scored.rows) // 100)]:
        warnings = client.post("/score", row).json.get("warnings", [])
        assert [each["field"] for each in warnings] == scoring.unknown(row)


def test_reasons_sum_to_those_of_the_formula(
    client: Client, asked: Expected, scoring: Scoring
) -> None:
    row = asked.scored.rows[0]
    reply = client.post("/score?reasons=2", row)
    try:
        told = scoring.reasons(row)
    except ReasonsUnavailable:
        assert (reply.status, reply.fields) == (422, ["reasons"])
        return
    reasons = reply.json["reasons"]
    largest = {each["feature"]: each["adds"] for each in reasons["largest"]}
    assert largest == {name: told[name] for name in largest}
    assert sum([reasons["base"], reasons["others"], *largest.values()]) == pytest.approx(
        sum(told.values()), abs=1e-9
    )
