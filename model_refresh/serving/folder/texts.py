"""The texts of a generated folder: what it is and how to run, test and contain it."""

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from model_refresh.scorer.formula.errors import ReasonsUnavailable
from model_refresh.scorer.formula.formula import Formula, Input, InputType
from model_refresh.scorer.golden import CLOSE_ENOUGH, Golden, Value
from model_refresh.scorer.http.answers import encode
from model_refresh.scorer.http.query import NOTHING
from model_refresh.scorer.http.served import Served

_TEMPLATES = {
    "README.md": "README.md.j2",
    "Dockerfile": "Dockerfile.j2",
    ".dockerignore": "dockerignore.j2",
    ".github/workflows/scorer.yml": "workflow.yml.j2",
    "pytest.ini": "pytest.ini.j2",
}
_SAYS = {
    "binary": "the probability of class 1",
    "regression": "the expected value",
    "multiclass": "the probability of each class",
}
_SCALES = {"binary": "log odds of class 1", "regression": "the value"}
_JSON: dict[InputType, str] = {
    "boolean": "boolean",
    "integer": "integer",
    "number": "number",
    "text": "string",
    "date": "string, `2026-03-02`",
    "timestamp": "string, `2026-03-02T12:30:00`, in UTC where it has no zone",
}
_MOST_LISTED = 12


@dataclass(frozen=True)
class Facts:
    """What the texts tell of; `single`: the name of the single file, `python`: such as 3.11."""

    served: Served
    golden: Golden
    single: str | None
    python: str
    runtime: tuple[str, ...]


def write_texts(facts: Facts) -> dict[str, str]:
    """By path below the folder, each text that is no program."""
    context = _context(facts)
    return {name: _template(source).render(context) for name, source in _TEMPLATES.items()}


def _context(facts: Facts) -> dict[str, object]:
    served, formula = facts.served, facts.served.scorer.formula
    row = example_row(facts.golden)
    answer = served.scorer.score(row, NOTHING)
    return {
        "formula": formula,
        "settings": served.settings,
        "says": _SAYS[formula.task],
        "members": ", ".join(_members(formula)),
        "golden": facts.golden.cases,
        "python": facts.python,
        "runtime": facts.runtime,
        "single": facts.single,
        "curl": shlex.quote(json.dumps(row, ensure_ascii=False)),
        "row": repr(row),
        "answer": encode(answer).decode(),
        "score": repr(answer.score),
        "inputs": [_told(each) for each in formula.inputs],
        "reasons": _scale_of_reasons(served, row),
        "close": f"{CLOSE_ENOUGH:g}",
    }


def example_row(golden: Golden) -> dict[str, Value]:
    """The first real golden row, or the first of all: as the OpenAPI document has it."""
    return next((case.row for case in golden.cases if case.kind == "real"), golden.cases[0].row)


def _members(formula: Formula) -> Iterator[str]:
    for each in formula.members:
        share = f" ({each.weight:.3g})" if len(formula.members) > 1 else ""
        yield f"{each.algorithm}{share}"
    if formula.calibrator is not None:
        yield "calibrated"


def _told(each: Input) -> dict[str, str]:
    """A line of the table of fields; a name or category can't break out of its cell."""
    note = "" if each.used else "may be left out: it changes no score"
    if each.used and each.categories is not None and each.type != "boolean":
        listed = ", ".join(each.categories[:_MOST_LISTED])
        more = f", and {len(each.categories) - _MOST_LISTED} more: see `/model`"
        note = f"a category: {listed}{more if len(each.categories) > _MOST_LISTED else ''}"
    return {"name": _cell(each.name), "type": _JSON[each.type], "note": _cell(note)}


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _scale_of_reasons(served: Served, row: dict[str, Value]) -> str | None:
    """The scale on which reasons are told; None where this version has none."""
    try:
        served.scorer.scoring.reasons(row)
    except ReasonsUnavailable:
        return None
    return _SCALES[served.scorer.formula.task]


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("model_refresh.serving.folder"),
        autoescape=False,  # noqa: S701  (no HTML: Markdown, YAML and a Dockerfile)
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _template(source: str) -> Template:
    return _environment().get_template(source)
