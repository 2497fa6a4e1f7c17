"""`for_each`: one folder that declares many models, each with values for its queries' parameters.

In full it is suffix -> parameter -> value. In short, one parameter with the list of its values: the
suffix is then the value itself, in lower case.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping

from model_refresh.config.declaration import Declaration
from model_refresh.config.messages import Problem, dotted, shown
from model_refresh.config.parameters import LONGEST_TEXT, PARAMETER, SUFFIX, TAKEN
from model_refresh.config.reader import Path

AT = "for_each"
_LONGEST_NAME = 63
_IN_FULL = f"suffix: {{parameter: value}}, such as {AT}: {{de: {{country: DE}}}}"
_IN_SHORT = f"one parameter: [values], such as {AT}: {{country: [DE, FR]}}"


def expanded(spec: Declaration) -> tuple[Declaration, ...]:
    """The declarations of a folder: one, or one a suffix, each with its own values alone."""
    if not spec.for_each:
        return (spec,)
    return tuple(
        spec.model_copy(update={"name": f"{spec.name}_{suffix}", AT: {suffix: values}})
        for suffix, values in spec.for_each.items()
    )


def in_full(declared: object) -> tuple[object, list[Problem]]:
    """for_each in its full form, and what is wrong with it."""
    if not isinstance(declared, dict) or not declared:
        met = "empty" if declared == {} else shown(declared)
        message = f"{AT} is {met}; accepted: {_IN_FULL}; or {_IN_SHORT}"
        return {}, [Problem((AT,), message, at_key=True)]
    if any(isinstance(value, list) for value in declared.values()):
        full, problems = _from_short(declared)
    else:
        full, problems = declared, list(_of_suffixes(declared))
    return full, problems or list(_repeated(full))


def long_names(name: str, for_each: Mapping[str, object]) -> Iterator[Problem]:
    """Each model whose name would be too long."""
    for suffix in for_each:
        if (length := len(f"{name}_{suffix}")) > _LONGEST_NAME:
            message = (
                f"the model's name would be {name}_{suffix}, {length} characters long; accepted: "
                f"{_LONGEST_NAME}; shorten the suffix"
            )
            yield Problem((AT, suffix), message, at_key=True)


def _from_short(declared: dict[str, object]) -> tuple[dict[str, object], list[Problem]]:
    name, values = next(iter(declared.items()))
    if len(declared) > 1 or not isinstance(values, list):
        message = f"{AT} has a list and more beside it; accepted: {_IN_SHORT}; or {_IN_FULL}"
        return {}, [Problem((AT,), message, at_key=True)]
    if not values:
        return {}, [Problem((AT, name), f"{AT}.{name} has no value; give at least one")]
    problems = list(_of_parameter((AT, name), name))
    full: dict[str, object] = {}
    for number, value in enumerate(values):
        path: Path = (AT, name, number)
        suffix = str(value).lower()
        wrong = list(_of_value(path, value))
        problems += wrong
        if not wrong and (isinstance(value, float) or not re.fullmatch(SUFFIX, suffix)):
            message = (
                f"{dotted(path)} is {shown(value)}, which makes no name; accepted as the end of a "
                f"name: {SUFFIX}; write {_IN_FULL}"
            )
            problems.append(Problem(path, message))
        elif suffix in full:
            message = f"{dotted(path)} is {shown(value)}: the suffix {suffix!r} is taken already"
            problems.append(Problem(path, message))
        full[suffix] = {name: value}
    return full, problems


def _of_suffixes(declared: dict[str, object]) -> Iterator[Problem]:
    names = dict.fromkeys(
        name for values in declared.values() if isinstance(values, dict) for name in values
    )
    for suffix, values in declared.items():
        path: Path = (AT, suffix)
        if not re.fullmatch(SUFFIX, suffix):
            message = f"the suffix {shown(suffix)} makes no name; accepted: {SUFFIX}"
            yield Problem(path, message, at_key=True)
        if not isinstance(values, dict) or not values:
            met = "empty" if values == {} else shown(values)
            yield Problem(path, f"{dotted(path)} is {met}; accepted: parameter: value")
            continue
        for name, value in values.items():
            yield from _of_parameter((*path, name), name)
            yield from _of_value((*path, name), value)
        yield from _lacking(path, values, [name for name in names if name not in values])


def _of_parameter(path: Path, name: str) -> Iterator[Problem]:
    if name in TAKEN:
        message = (
            f"{dotted(path)}: ${name} is an instant that every query is given; name it otherwise "
            f"(taken are {', '.join(TAKEN)})"
        )
        yield Problem(path, message, at_key=True)
    elif not re.fullmatch(PARAMETER, name):
        message = f"the parameter {shown(name)} can't be named in SQL; accepted: {PARAMETER}"
        yield Problem(path, message, at_key=True)


def _of_value(path: Path, value: object) -> Iterator[Problem]:
    if not isinstance(value, str | bool | int | float):
        yield Problem(path, f"{dotted(path)} is {shown(value)}; accepted: text, number, boolean")
    elif isinstance(value, str) and (len(value) > LONGEST_TEXT or "\0" in value):
        message = f"{dotted(path)} has {len(value)} characters or a NUL; accepted: {LONGEST_TEXT}"
        yield Problem(path, message)


def _lacking(path: Path, values: dict[str, object], lacking: list[str]) -> Iterator[Problem]:
    """What others have and this one has not: a query's parameter would have no value."""
    for name in lacking:
        near = difflib.get_close_matches(name, list(values), n=1)
        meant = f" (is {near[0]!r} meant as {name!r}?)" if near else ""
        message = f"{dotted(path)} lacks {name!r}, which others have{meant}; give it a value"
        yield Problem(path, message, at_key=True)


def _repeated(full: Mapping[str, object]) -> Iterator[Problem]:
    """Two models of one question."""
    first: dict[str, str] = {}
    for suffix, values in full.items():
        text = json.dumps(values, sort_keys=True)
        if text in first:
            message = f"{AT}.{suffix} has the values of {AT}.{first[text]}: list them once"
            yield Problem((AT, suffix), message, at_key=True)
        first.setdefault(text, suffix)
