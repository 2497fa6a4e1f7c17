"""The app in this process: what it answers, and what it says about itself."""

import asyncio
import json
import math
import threading
from collections.abc import Sequence

import msgspec
import pytest
from starlette.types import Message

from model_refresh.scorer.formula.values import Row
from model_refresh.scorer.http.app import PATHS, make_app
from model_refresh.scorer.http.request import Intake
from model_refresh.scorer.http.served import Served, Serving, Unready
from model_refresh.scorer.http.settings import Settings
from model_refresh_tests.scorer.client import JSON, Reply, ask, asked, get, post
from model_refresh_tests.scorer.factories import (
    ONE,
    ROW,
    chance,
    make_formula,
    make_golden,
    make_served,
    make_serving,
)

FORMULA = make_formula()
APP = make_app(make_serving(), Settings())
WHO = {"model": "churn", "version": ONE[:16], "digest": ONE}


def test_a_row_is_scored_and_the_answer_names_who_scored_it() -> None:
    reply = post(APP, "/score", ROW)
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.json == {"score": chance(FORMULA, ROW), **WHO}


def test_a_batch_is_scored_row_by_row() -> None:
    rows = [ROW | {"visits": visits} for visits in range(100)]
    reply = post(APP, "/score-batch", {"rows": rows})
    assert [each["score"] for each in reply.json["scores"]] == [chance(FORMULA, r) for r in rows]
    assert {key: reply.json[key] for key in WHO} == WHO


def test_an_empty_batch_has_no_scores() -> None:
    assert post(APP, "/score-batch", {"rows": []}).json == {"scores": [], **WHO}


def test_classes_are_scored_by_name() -> None:
    formula = make_formula(task="multiclass", classes=("a", "b c", "d"))
    scores = post(make_app(make_serving(formula), Settings()), "/score", ROW).json["score"]
    assert list(scores) == ["a", "b c", "d"]
    assert math.isclose(sum(scores.values()), 1.0)
    assert tuple(scores.values()) == formula.ready().score(ROW)


def test_a_regression_is_a_value() -> None:
    formula = make_formula(task="regression", level=1e6)
    app = make_app(make_serving(formula), Settings())
    assert post(app, "/score", ROW).json["score"] == chance(formula, ROW) > 1e6


def test_an_unknown_category_is_scored_with_a_warning() -> None:
    row = ROW | {"plan": "platinum"}
    answer = post(APP, "/score", row).json
    assert answer["score"] == chance(FORMULA, row)
    (warning,) = answer["warnings"]
    assert (warning["field"], warning["value"]) == ("plan", "platinum")


def test_the_value_of_a_warning_is_cut() -> None:
    (warning,) = post(APP, "/score", ROW | {"plan": "é" * 9999}).json["warnings"]
    assert warning["value"] == "é" * 64 + "..."


def test_a_warning_of_a_batch_stands_at_its_row() -> None:
    rows = [ROW, ROW | {"plan": "platinum"}]
    first, second = post(APP, "/score-batch", {"rows": rows}).json["scores"]
    assert "warnings" not in first
    assert second["warnings"][0]["field"] == "plan"


def test_an_unknown_category_is_refused_where_that_is_declared() -> None:
    settings = Settings(unknown_category="refuse")
    app = make_app(make_serving(settings=settings), settings)
    reply = post(app, "/score-batch", {"rows": [ROW, ROW | {"plan": "platinum"}]})
    assert (reply.status, reply.fields) == (422, ["rows[1].plan"])
    assert "'platinum' was not learned from" in reply.json["detail"]
    assert post(app, "/score", ROW | {"plan": None}).status == 200


def test_the_largest_reasons_are_told_and_sum_to_the_score() -> None:
    answer = post(APP, "/score?reasons=2", ROW).json
    reasons = answer["reasons"]
    added = [reason["adds"] for reason in reasons["largest"]]
    odds = math.log(answer["score"] / (1 - answer["score"]))
    assert [reason["feature"] for reason in reasons["largest"]] == ["seen", "born"]
    assert math.isclose(sum(added) + reasons["base"] + reasons["others"], odds)
    assert reasons["scale"] == "log odds of 1"


def test_as_many_reasons_as_there_are_leave_nothing_to_others() -> None:
    reasons = post(APP, "/score?reasons=1000", ROW).json["reasons"]
    assert len(reasons["largest"]) == len(ROW)
    assert reasons["others"] == 0.0


def test_reasons_of_a_batch_stand_at_their_rows() -> None:
    scores = post(APP, "/score-batch?reasons=1", {"rows": [ROW, ROW]}).json["scores"]
    assert [len(each["reasons"]["largest"]) for each in scores] == [1, 1]


def test_reasons_that_a_model_does_not_have_are_refused() -> None:
    formula = make_formula(task="multiclass", classes=("a", "b"))
    reply = post(make_app(make_serving(formula), Settings()), "/score?reasons=1", ROW)
    assert (reply.status, reply.fields) == (422, ["reasons"])


def test_a_shadow_scores_beside_when_asked() -> None:
    serving, other = make_serving(), make_formula(artifact="b" * 64, level=-9.0)
    serving.shadow = make_served(other)
    app = make_app(serving, Settings())
    answer = post(app, "/score?shadow=true", ROW).json
    assert answer["shadow"] == {"version": "b" * 16, "score": chance(other, ROW)}
    assert answer["score"] == chance(FORMULA, ROW)
    assert "shadow" not in post(app, "/score?shadow=false", ROW).json
    assert get(app, "/model").json["shadow"]["version"] == "b" * 16


def test_without_a_shadow_its_score_is_null() -> None:
    assert post(APP, "/score?shadow=true", ROW).json["shadow"] is None


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ("reasons=0", ["reasons"]),
        ("reasons=1001", ["reasons"]),
        ("reasons=-1", ["reasons"]),
        ("reasons=1.0", ["reasons"]),
        ("reasons=%D9%A3", ["reasons"]),
        ("reasons=" + "9" * 5000, ["reasons"]),
        ("reasons=", ["reasons"]),
        ("reasons=1&reasons=2", ["reasons"]),
        ("shadow=yes", ["shadow"]),
        ("shadow=1&reason=1", ["shadow", "reason"]),
        ("debug", ["debug"]),
        ("%00=%ff", []),
        ("a" * 5000, ["a" * 64]),
    ],
)
def test_a_query_that_is_not_understood_is_refused_by_name(query: str, fields: list[str]) -> None:
    reply = post(APP, f"/score?{query}", ROW)
    _assert_problem(reply, 400)
    assert reply.fields == fields


@pytest.mark.parametrize("path", ["/health", "/ready", "/model", "/openapi.json"])
def test_pages_about_the_scorer_take_no_query(path: str) -> None:
    assert get(APP, path).status == 200
    _assert_problem(get(APP, f"{path}?x=1"), 400)


@pytest.mark.parametrize("path", ["/", "/score/", "/SCORE", "/docs", "/../score", "//score", "*"])
def test_an_unknown_path_is_a_problem_that_names_the_known_ones(path: str) -> None:
    reply = ask(APP, "GET", path)
    _assert_problem(reply, 404)
    assert all(known in reply.json["detail"] for known in PATHS)


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE", "BREW"])
@pytest.mark.parametrize("path", ["/score", "/score-batch"])
def test_scores_are_had_by_post_alone(method: str, path: str) -> None:
    reply = ask(APP, method, path, headers=JSON)
    assert reply.headers["allow"] == "POST"
    _assert_problem(reply, 405)


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "PUT"])
@pytest.mark.parametrize("path", ["/health", "/ready", "/model", "/openapi.json"])
def test_pages_about_the_scorer_are_had_by_get_alone(method: str, path: str) -> None:
    reply = ask(APP, method, path)
    assert {*reply.headers["allow"].split(", ")} == {"GET", "HEAD"}
    _assert_problem(reply, 405)


@pytest.mark.parametrize(
    "media",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/jsonp",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
        "multipart/form-data",
        "\xff",
    ],
)
def test_a_body_that_is_not_announced_as_json_is_refused(media: str) -> None:
    headers = {"content-type": media} if media else {}
    body = [json.dumps(ROW).encode()]
    reply = ask(APP, "POST", "/score", parts=body, headers=headers)
    _assert_problem(reply, 415)
    assert "Content-Type: application/json" in reply.json["detail"]


@pytest.mark.parametrize(
    "media",
    ["application/json; charset=utf-8", "Application/JSON", 'application/json;charset="UTF-8"'],
)
def test_json_is_announced_in_any_of_its_spellings(media: str) -> None:
    reply = ask(
        APP, "POST", "/score", parts=[json.dumps(ROW).encode()], headers={"content-type": media}
    )
    assert reply.status == 200


def test_a_compressed_body_is_refused() -> None:
    reply = post(APP, "/score", b"\x1f\x8b", **{"content-encoding": "gzip"})
    _assert_problem(reply, 415)


def test_a_body_in_parts_is_one_body() -> None:
    body = json.dumps(ROW).encode()
    reply = ask(APP, "POST", "/score", parts=[body[:7], b"", body[7:]], headers=JSON)
    assert reply.json["score"] == chance(FORMULA, ROW)


@pytest.mark.parametrize("announced", [True, False])
def test_a_body_above_the_limit_is_refused_before_it_is_read(announced: bool) -> None:
    read: list[int] = []
    answered: list[int] = []

    async def receive() -> Message:
        read.append(100_000)
        return {"type": "http.request", "body": b" " * 100_000, "more_body": len(read) < 1000}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered.extend([message["status"], sum(read)])

    settings = Settings(body_kib=256)
    headers = [(b"content-type", b"application/json")]
    headers += [(b"content-length", b"100000000")] if announced else []
    scope = {"type": "http", "method": "POST", "path": "/score", "query_string": b""}
    app = make_app(make_serving(), settings)
    asyncio.run(app({**scope, "headers": headers, "root_path": ""}, receive, send))
    status, bytes_read = answered
    assert status == 413
    assert bytes_read <= (0 if announced else 300_000)


def test_a_batch_of_too_many_rows_is_refused() -> None:
    settings = Settings(batch_rows=2)
    app = make_app(make_serving(settings=settings), settings)
    reply = post(app, "/score-batch", {"rows": [ROW] * 3})
    _assert_problem(reply, 422)
    assert reply.fields == ["rows"]


def test_a_score_that_is_no_finite_number_is_no_answer() -> None:
    formula = make_formula(task="regression", level=1e308)
    served = make_served(formula)
    app = make_app(Serving(served), Settings())
    object.__setattr__(served.scorer.scoring, "score", lambda _: (math.inf,))
    _assert_problem(post(app, "/score", ROW), 422)


def test_before_there_is_a_version_nothing_is_scored_and_the_reason_is_told() -> None:
    app = make_app(Serving(problem="churn has no champion yet"), Settings())
    for reply in (post(app, "/score", ROW), get(app, "/ready"), get(app, "/model")):
        _assert_problem(reply, 503)
        assert reply.json["detail"] == "churn has no champion yet"
        assert reply.headers["retry-after"] == "1"
    assert get(app, "/health").json == {"status": "alive"}


def test_bad_input_is_told_before_readiness_is() -> None:
    app = make_app(Serving(), Settings())
    assert post(app, "/score?debug", ROW).status == 400
    assert ask(app, "POST", "/score", parts=[b"x"]).status == 415


def test_a_version_is_ready_when_it_answers_its_golden_rows() -> None:
    told = get(APP, "/ready").json
    assert told == {"status": "ready", "version": ONE[:16], "golden_rows": 3, "furthest": 0.0}


@pytest.mark.parametrize("off", [2e-9, 0.1, math.nan])
def test_a_version_that_answers_a_golden_row_otherwise_is_not_served(off: float) -> None:
    with pytest.raises(Unready, match="answers 1 of 3 golden rows otherwise than its batch did"):
        Served.made(FORMULA, make_golden(FORMULA, off=off), Settings())


def test_a_version_within_the_tolerance_is_served() -> None:
    served = Served.made(FORMULA, make_golden(FORMULA, off=5e-10), Settings())
    assert math.isclose(served.furthest, 5e-10, rel_tol=1e-3)


def test_golden_rows_of_another_version_or_none_are_no_proof() -> None:
    for golden in (make_golden(make_formula(artifact="b" * 64)), make_golden(FORMULA, rows=1)):
        cases = golden.cases if golden.artifact != ONE else ()
        with pytest.raises(Unready, match="no golden rows of its own"):
            Served.made(FORMULA, msgspec.structs.replace(golden, cases=cases), Settings())


def test_the_model_tells_who_answers_and_what_it_takes() -> None:
    told = get(APP, "/model").json
    assert {key: told[key] for key in WHO} == WHO
    assert told["since"] == "2026-03-02T00:00:00+00:00"
    assert [each["name"] for each in told["inputs"]] == [*ROW, "note"]
    assert told["libraries"]["msgspec"] == msgspec.__version__
    assert told["settings"]["batch_rows"] == 1000


def test_a_client_that_goes_away_gets_no_answer_and_harms_nobody() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/score", "query_string": b""}
    headers = [(b"content-type", b"application/json")]
    asyncio.run(APP({**scope, "headers": headers, "root_path": ""}, receive, send))
    assert sent == []


def test_more_than_can_wait_for_reasons_are_told_to_ask_again_and_scores_go_on() -> None:
    body = json.dumps(ROW).encode()

    async def crowd() -> list[Reply]:
        path = "/score?reasons=3"
        many = [asked(APP, "POST", path, parts=[body], headers=JSON) for _ in range(60)]
        return await asyncio.gather(*many, asked(APP, "POST", "/score", parts=[body], headers=JSON))

    *found, plain = asyncio.run(crowd())
    busy = [reply for reply in found if reply.status == 503]
    assert plain.status == 200
    assert {reply.status for reply in found} == {200, 503}
    for reply in busy:
        _assert_problem(reply, 503)
        assert (reply.json["detail"][:5], reply.headers["retry-after"]) == ("busy:", "1")
    assert post(APP, "/score?reasons=3", ROW).status == 200


@pytest.mark.parametrize(("rows", "is_beside"), [(10, False), (3000, True)])
def test_a_large_batch_is_read_beside_the_loop(
    rows: int, is_beside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[threading.Thread] = []

    def read(intake: Intake, body: bytes, most: int) -> Sequence[Row]:
        threads.append(threading.current_thread())
        return read_rows(intake, body, most)

    read_rows = Intake.rows
    monkeypatch.setattr(Intake, "rows", read)
    app = make_app(make_serving(), Settings(batch_rows=3000))
    reply = post(app, "/score-batch", {"rows": [ROW] * rows})
    assert (reply.status, len(reply.json["scores"])) == (200, rows)
    assert [each is not threading.main_thread() for each in threads] == [is_beside]


def _assert_problem(reply: Reply, status: int) -> None:
    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    told = reply.json
    assert {"type", "title", "status", "detail"} <= set(told)
    assert told["status"] == status
    assert "Traceback" not in told["detail"]
