"""The same rows read slowly: every mistake of a body is found, and told by its field."""

import difflib
import json
from collections import Counter
from collections.abc import Sequence

from model_refresh.scorer.formula.formula import Input
from model_refresh.scorer.formula.values import Row
from model_refresh.scorer.http.problems import FieldProblem, Refused, refused_fields
from model_refresh.scorer.http.tokens import Pairs, Token, Unfit, describe, number, read_token

WHOLE = "$"
"""The name of the body itself, where a field is told."""

_MOST_TOLD = 50
_LONGEST_GUESSED = 64
"""A longer name is not compared with those of inputs: that would take long."""


def read_row(body: bytes, inputs: Sequence[Input]) -> Row:
    """The one row of a body; raises Refused naming every field that is wrong."""
    problems: list[FieldProblem] = []
    row = _row(_parsed(body), inputs, "", problems)
    _require_none(problems)
    return row


def read_rows(body: bytes, inputs: Sequence[Input], most: int) -> Sequence[Row]:
    """The rows of a batch; raises Refused naming every field that is wrong, as `rows[3].age`."""
    batch = _parsed(body)
    problems: list[FieldProblem] = []
    found = _rows_of(batch, problems)
    if len(found) > most:
        problems = [FieldProblem("rows", f"{len(found)} rows; at most {most} a request, split it")]
        raise refused_fields(problems)
    rows: list[Row] = []
    for place, each in enumerate(found):
        rows.append(_row(each, inputs, f"rows[{place}]", problems))
        if len(problems) >= _MOST_TOLD:
            break
    _require_none(problems)
    return rows


def _parsed(body: bytes) -> Token:
    """The JSON of a body, numbers still as they are written; raises Refused, 400."""
    if not body.strip():
        raise Refused(400, "the body is empty: send one JSON object with a value for every input")
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Refused(400, f"the body is no UTF-8 at byte {error.start}") from None
    try:
        parsed: Token = json.loads(
            text,
            object_pairs_hook=Pairs,
            parse_int=number,
            parse_float=number,
            parse_constant=number,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise Refused(400, f"the body is no JSON at {place}: {error.msg}") from None
    except RecursionError:
        raise Refused(400, "the body is nested too deeply; a row holds plain values") from None
    return parsed


def _rows_of(batch: Token, problems: list[FieldProblem]) -> Sequence[Token]:
    expected = 'one object {"rows": [...]} is accepted'
    if not isinstance(batch, Pairs):
        problems.append(FieldProblem(WHOLE, f"{expected}, not {describe(batch)}"))
        return ()
    _tell_keys(batch, ["rows"], "", problems)
    rows = next((value for name, value in batch if name == "rows"), None)
    if isinstance(rows, list) and not isinstance(rows, Pairs):
        return rows
    told = f"missing: {expected}" if rows is None else f"an array of rows, not {describe(rows)}"
    problems.append(FieldProblem("rows", told))
    return ()


def _row(
    token: Token, inputs: Sequence[Input], place: str, problems: list[FieldProblem]
) -> dict[str, object]:
    """What could be read of a row; what could not is added to `problems`."""
    if not isinstance(token, Pairs):
        told = f"an object with a value for every input is accepted, not {describe(token)}"
        problems.append(FieldProblem(place or WHOLE, told))
        return {}
    prefix = f"{place}." if place else ""
    _tell_keys(token, [each.name for each in inputs], prefix, problems)
    given, row = dict(token), {}
    for each in inputs:
        if each.name in given:
            try:
                row[each.name] = read_token(given[each.name], each.type)
            except Unfit as unfit:
                problems.append(FieldProblem(prefix + each.name, str(unfit)))
        elif each.used:
            told = f"missing: give {_ARTICLES[each.type]}, or null where it isn't known"
            problems.append(FieldProblem(prefix + each.name, told))
    return row


def _tell_keys(
    pairs: Pairs, known: Sequence[str], prefix: str, problems: list[FieldProblem]
) -> None:
    """Names that are given twice, and names that nobody knows."""
    for name, times in Counter(name for name, _ in pairs).items():
        if len(problems) >= _MOST_TOLD:
            return
        field = prefix + _plain(name)
        if name not in known:
            problems.append(FieldProblem(field, f"there is no such input{_hint(name, known)}"))
        elif times > 1:
            problems.append(FieldProblem(field, f"given {times} times; give it once"))


def _hint(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1) if len(name) <= _LONGEST_GUESSED else []
    return f"; did you mean {close[0]}?" if close else "; leave it out"


def _plain(name: str) -> str:
    """A name that can be told: cut where it is long, without halves of characters."""
    safe = name.encode(errors="replace").decode()
    return safe if len(safe) <= _LONGEST_GUESSED else f"{safe[:_LONGEST_GUESSED]}..."


def _require_none(problems: list[FieldProblem]) -> None:
    if problems:
        raise refused_fields(problems[:_MOST_TOLD])


_ARTICLES = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "text": "a text",
    "date": "a date",
    "timestamp": "a timestamp",
}
