"""The rows of a request: what is accepted, what is refused, and which field is blamed."""

import datetime as dt
import json
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model_refresh.scorer.formula.values import Row
from model_refresh.scorer.http.problems import Problem, Refused
from model_refresh.scorer.http.request import Intake
from model_refresh.scorer.http.strict import read_row, read_rows
from model_refresh_tests.scorer.factories import ROW, make_formula

INPUTS = make_formula().inputs
INTAKE = Intake(INPUTS)

NAMES = st.sampled_from([each.name for each in INPUTS]) | st.text(max_size=3)
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70).map(str),
    st.floats().map(lambda x: json.dumps(x)),
    st.sampled_from(
        ["1.0", "7e0", "1e999", "-0", "01", "1.", "0.5e1", "9223372036854775808", "+1"]
    ),
)
MOMENTS = st.sampled_from(
    ["2026-03-02", "2026-03-02T12:30:00", "2026-03-02T12:30:00+02:00", "2026-03-02T12:30Z", "x:y"]
).map(json.dumps)
TEXTS = st.text(max_size=5).map(json.dumps) | st.sampled_from(
    ['"a:b"', '"\\u003a"', '"\\ud800"', '"\\ud83d\\ude00"', '"\t"', '"\\""', "'x'"]
)
VALUES = st.one_of(
    NUMBERS, MOMENTS, TEXTS, st.sampled_from(["true", "false", "null", "[]", "{}", '{"a":1}', ""])
)
GOOD = {name: json.dumps(value) for name, value in ROW.items()}


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A row that is nearly right: a few of its pairs are replaced, dropped, added or repeated."""
    pairs = dict(GOOD)
    for name in draw(st.lists(st.sampled_from(list(GOOD)), max_size=2)):
        pairs[name] = draw(VALUES)
    if draw(st.booleans()):
        pairs.pop(draw(st.sampled_from(list(GOOD))), None)
    listed = list(pairs.items()) + draw(st.lists(st.tuples(NAMES, VALUES), max_size=2))
    listed = draw(st.permutations(listed))
    return ("{" + ", ".join(f"{json.dumps(k)}: {v}" for k, v in listed) + "}").encode()


@given(body=bodies())
def test_the_fast_way_takes_what_the_slow_way_takes_and_nothing_else(body: bytes) -> None:
    assert _outcome(INTAKE.row, body) == _outcome(lambda data: read_row(data, INPUTS), body)


@given(rows=st.lists(bodies(), max_size=4), most=st.integers(1, 3))
def test_a_batch_is_read_the_same_both_ways(rows: list[bytes], most: int) -> None:
    body = b'{"rows": [' + b",".join(rows) + b"]}"
    fast = _outcome(lambda data: INTAKE.rows(data, most), body)
    assert fast == _outcome(lambda data: read_rows(data, INPUTS, most), body)


@given(body=bodies())
def test_what_is_accepted_has_each_name_once_and_no_other(body: bytes) -> None:
    try:
        row = INTAKE.row(body)
    except Refused:
        return
    names = [name for name, _ in json.loads(body, object_pairs_hook=list)]
    assert sorted(names) == sorted(row)
    assert set(row) - {"note"} == set(ROW)


@given(body=st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
def test_any_bytes_are_refused_with_a_status_of_the_client(body: bytes) -> None:
    with pytest.raises(Refused) as refused:
        INTAKE.row(body)
    assert refused.value.problem.status in {400, 422}


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("visits", "true", "a whole number or null is accepted, not true"),
        ("visits", '"1"', "a whole number or null is accepted, not the text '1'"),
        ("visits", "1.5", "a whole number or null is accepted, not the number 1.5"),
        ("visits", "9223372036854775808", "not the number 9223372036854775808"),
        ("visits", "1e400", "from -9223372036854775808 to 9223372036854775807"),
        ("visits", "1e999999999999999999999", "a whole number or null is accepted"),
        ("visits", "NaN", "JSON has no NaN"),
        ("visits", "[1]", "not an array"),
        ("spend", "NaN", "JSON has no NaN: give null where a value is missing"),
        ("spend", "-Infinity", "JSON has no -Infinity"),
        ("spend", "1e999", "that a double holds, not the number 1e999"),
        ("spend", "1" * 400, "that a double holds"),
        ("spend", "false", "a number or null is accepted, not false"),
        ("spend", '{"a": 1}', "not an object"),
        ("is active", "1", "true, false or null is accepted, not the number 1"),
        ("is active", '"true"', "not the text 'true'"),
        ("plan", "7", "a text or null is accepted, not the number 7"),
        ("plan", '"\\ud800"', "half of a surrogate pair"),
        ("born", '"2026-02-30"', "a date such as 2026-03-02 or null is accepted"),
        ("born", "19800229", "not the number 19800229"),
        ("born", '"2026-03-02T00:00:00"', "a date such as"),
        ("seen", '"2026-03-02"', "a timestamp such as 2026-03-02T12:30:00Z"),
        ("seen", '"2026-03-02T24:00:00Z"', "a timestamp such as"),
        ("seen", '"0001-01-01T00:00:00+01:00"', "within the years 1 to 9999 in UTC"),
        ("note", "1", "a text or null is accepted"),
    ],
)
def test_a_wrong_value_is_blamed_on_its_field(field: str, value: str, told: str) -> None:
    body = "{" + ", ".join(f'"{k}": {v}' for k, v in (GOOD | {field: value}).items()) + "}"
    problem = _refused(body.encode())
    assert [error.field for error in problem.errors] == [field]
    assert told in problem.errors[0].detail
    assert problem.status == 422


@pytest.mark.parametrize("value", ["3.0", "3e0", "0.3e1", "3.000000000000000000000000000"])
def test_a_whole_number_may_be_written_with_a_point_as_json_schema_has_it(value: str) -> None:
    row = INTAKE.row(_body(visits=value))
    assert row["visits"] == 3
    assert isinstance(row["visits"], int)


@pytest.mark.parametrize(
    ("value", "found"), [("9007199254740993.0", 2**53 + 1), ("0e999999999", 0), ("-0.0", 0)]
)
def test_a_whole_number_is_exact(value: str, found: int) -> None:
    assert INTAKE.row(_body(visits=value))["visits"] == found


@pytest.mark.parametrize("name", list(ROW))
def test_a_missing_field_is_named_with_what_to_give(name: str) -> None:
    pairs = {key: value for key, value in GOOD.items() if key != name}
    problem = _refused(
        json.dumps({key: json.loads(value) for key, value in pairs.items()}).encode()
    )
    assert [error.field for error in problem.errors] == [name]
    assert problem.errors[0].detail.startswith("missing: give ")


@pytest.mark.parametrize("name", list(ROW))
def test_any_field_may_be_null(name: str) -> None:
    assert INTAKE.row(_body(**{name: "null"}))[name] is None


def test_a_field_that_no_model_uses_may_be_left_out_or_given() -> None:
    assert "note" not in INTAKE.row(_body())
    assert INTAKE.row(_body(note='"x"'))["note"] == "x"


def test_an_unknown_field_is_named_with_the_one_that_was_meant() -> None:
    problem = _refused(_body(spned="1"))
    assert problem.errors[0].field == "spned"
    assert "did you mean spend?" in problem.errors[0].detail


def test_a_field_given_twice_is_named() -> None:
    body = _body()[:-1] + b', "spend": 12.5}'
    problem = _refused(body)
    assert [(error.field, error.detail) for error in problem.errors] == [
        ("spend", "given 2 times; give it once")
    ]


def test_a_field_given_twice_is_not_hidden_by_colons_in_texts() -> None:
    for plan in ('"gold: yearly"', '"gold\\u003a yearly"'):
        body = _body(plan=plan)[:-1] + b', "spend": 1}'
        assert [error.field for error in _refused(body).errors] == ["spend"]


def test_every_mistake_is_told_at_once() -> None:
    problem = _refused(b'{"plan": 1, "visits": "x", "is active": 0, "born": null, "seen": null}')
    assert [each.field for each in problem.errors] == ["plan", "visits", "spend", "is active"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "the body is empty"),
        (b" \n", "the body is empty"),
        (b"{", "no JSON at line 1, column 2"),
        (b'{"plan": "x",}', "no JSON at line 1"),
        (b"\xef\xbb\xbf{}", "no JSON"),
        (b"\xff\xfe{\x00}\x00", "no UTF-8 at byte 0"),
        (b'{"plan": "\xff"}', "no UTF-8 at byte 10"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"plan":' * 100_000, "nested too deeply"),
        (b'{"plan": "x\ny"}', "no JSON"),
        (b"{'plan': 1}", "no JSON"),
    ],
)
def test_what_is_no_json_is_told_with_its_place(body: bytes, told: str) -> None:
    problem = _refused(body)
    assert problem.status == 400
    assert told in problem.detail


@pytest.mark.parametrize("body", [b"null", b"[]", b"1", b'"x"', b"true"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    assert [each.field for each in _refused(body).errors] == ["$"]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"{}", ["rows"]),
        (b"[]", ["$"]),
        (b'{"rows": {}}', ["rows"]),
        (b'{"rows": [], "rows": []}', ["rows"]),
        (b'{"rows": [], "more": 1}', ["more"]),
        (b'{"rows": [3]}', ["rows[0]"]),
        (
            b'{"rows": [{"plan": null}, {"x": 1}]}',
            [f"rows[0].{n}" for n in [*ROW][1:]] + ["rows[1].x"] + [f"rows[1].{n}" for n in ROW],
        ),
    ],
)
def test_a_batch_names_row_and_field(body: bytes, fields: list[str]) -> None:
    with pytest.raises(Refused) as refused:
        INTAKE.rows(body, 10)
    assert [each.field for each in refused.value.problem.errors] == fields


def test_a_batch_of_too_many_rows_is_refused_with_the_number() -> None:
    body = b'{"rows": [' + b",".join([_body()] * 3) + b"]}"
    with pytest.raises(Refused, match="3 rows; at most 2 a request, split it"):
        INTAKE.rows(body, 2)


def test_moments_are_dates_and_timestamps() -> None:
    row = INTAKE.row(_body(seen='"2026-03-02T12:30:00+02:00"'))
    assert row["born"] == dt.date(1980, 2, 29)
    assert row["seen"] == dt.datetime(2026, 3, 2, 10, 30, tzinfo=dt.UTC)


def test_the_whole_body_is_searched_once_however_many_rows_it_has() -> None:
    searched: list[object] = []

    class Watched(bytes):
        def __contains__(self, wanted: object) -> bool:
            searched.append(wanted)
            return super().__contains__(wanted)  # type: ignore[operator]

    body = Watched(json.dumps({"rows": [ROW] * 50}).encode())
    assert len(INTAKE.rows(body, 50)) == 50
    assert len(searched) == 1


def _body(**pairs: str) -> bytes:
    return ("{" + ", ".join(f'"{k}": {v}' for k, v in (GOOD | pairs).items()) + "}").encode()


def _refused(body: bytes) -> Problem:
    with pytest.raises(Refused) as refused:
        INTAKE.row(body)
    return refused.value.problem


def _outcome(read: Callable[[bytes], Row | Sequence[Row]], body: bytes) -> object:
    """The rows with the types of their values, or what is told instead."""
    try:
        found = read(body)
    except Refused as refused:
        return refused.problem
    rows = found if isinstance(found, Sequence) else [found]
    return [{name: (type(value), value) for name, value in row.items()} for row in rows]
