"""The single-file scorer of a version: readable Python that needs the standard library alone."""

import re

from model_refresh.scorer.formula.formula import Formula, Input
from model_refresh.scorer.formula.values import Row
from model_refresh.scorer.golden import Value
from model_refresh.serving.folder.emit.columns import Columns
from model_refresh.serving.folder.emit.endings import calibrated
from model_refresh.serving.folder.emit.library import library_of
from model_refresh.serving.folder.emit.members import is_written, written
from model_refresh.serving.folder.emit.source import function, literal, table, values

MOST_BYTES = 10_000_000
"""A larger file takes seconds to load, and nobody reads it."""

_PLAIN = re.compile(r"[A-Za-z0-9_]{1,80}")
_PREDICTS = {
    "binary": "the probability of label 1",
    "regression": "the expected value of the label",
    "multiclass": "the probability of each class",
}
_EXAMPLES: dict[str, Value] = {
    "boolean": True,
    "integer": 1,
    "number": 1.5,
    "text": "a text",
    "date": "2024-02-29",
    "timestamp": "2024-02-29T12:30:00",
}
_ABOUT = """\
Scores by {model}, version {version}: {predicts}.

Written from the numbers of that version, for Python 3.11 or newer and nothing else. To change it,
make it anew from another version: an edited file is no longer what was tested.

    python -c "import {module} as m; print(m.score(m.EXAMPLE))"
    python {module}.py < rows.jsonl                 a JSON object a line in, a score a line out
    python {module}.py --self-test golden.json      every golden row must get its batch score

INPUTS has the name and the type of each value of a row. None is a missing value; a date or a
timestamp is a text as of ISO 8601, in UTC where it names no zone. What can't be scored raises
RefusedValue, which names the input.
"""


def single_file(formula: Formula, example: Row | None = None) -> str | None:
    """The source of `NAME_score.py`: the same formula, the same text.

    It scores within 1e-9 of the version. `example` is a real row, to be shown. None where a member
    has no practical form, or the file would be larger than `MOST_BYTES`.
    """
    if not all(is_written(member.form) for member in formula.members):
        return None
    columns = Columns.of(formula.encodings)
    members = [written(each, i, columns) for i, each in enumerate(formula.members, 1)]
    parts = [_score(formula), _raw(formula, [each.name for each in members])]
    if formula.calibrator is not None:
        parts.append(calibrated(formula.calibrator))
    parts += [part for each in members for part in each.functions]
    parts.append(columns.text())
    tables = [text for each in members for text in each.tables]
    named = "\n\n\n".join([_facts(formula, example), *parts])
    library = library_of("\n".join([named, *_calls(tables), _MAIN]))
    about = _about(formula)
    head = f'"""{about}"""\n\n' + library.import_lines()
    text = "\n\n\n".join([f"{head}\n\n{named}", library.text(), *tables, _MAIN])
    return text if len(text.encode()) < MOST_BYTES else None


_MAIN = """\
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], usage=__doc__ or "", score=score, artifact=ARTIFACT))
"""


def _about(formula: Formula) -> str:
    """What the file says of itself; names that are not plain are left to the literals."""
    model = formula.model if _PLAIN.fullmatch(formula.model) else "this_model"
    version = formula.version if _PLAIN.fullmatch(formula.version) else "of ARTIFACT"
    told = _PREDICTS[formula.task]
    return _ABOUT.format(model=model, version=version, predicts=told, module=f"{model}_score")


def _facts(formula: Formula, example: Row | None) -> str:
    used = [each for each in formula.inputs if each.used]
    row = {each.name: _example(each, example) for each in used}
    lines = [
        f"MODEL = {literal(formula.model)}",
        f"VERSION = {literal(formula.version)}",
        f"ARTIFACT = {literal(formula.artifact)}",
        *([f"CLASSES = {values(formula.classes)}"] if formula.classes else []),
        f"INPUTS = {table({each.name: each.type for each in used})}",
        f"EXAMPLE = {table(row)}",
    ]
    return "\n".join(lines)


def _example(each: Input, row: Row | None) -> Value:
    value = None if row is None else row.get(each.name)
    if row is not None and (value is None or isinstance(value, bool | int | float | str)):
        return value
    if each.categories and each.type == "text":
        return each.categories[0]
    return _EXAMPLES[each.type]


def _score(formula: Formula) -> str:
    if formula.classes:
        result, about = "dict[str, float]", "The probability of each class."
    else:
        result, about = "float", f"T{_PREDICTS[formula.task][1:]}."
    lines = [
        "try:",
        "    scores = raw(row)",
        "except KeyError as error:",
        '    raise RefusedValue(str(error.args[0]), "is missing: give it, or None") from None',
    ]
    if formula.calibrator is not None:
        lines.append("scores = (calibrated(scores[0]),)")
    lines += [
        "if not all(-inf < each < inf for each in scores):",
        '    raise RefusedValue("row", "its score is no finite number")',
        "return dict(zip(CLASSES, scores))" if formula.classes else "return scores[0]",
    ]
    return function(f"score(row: dict[str, object]) -> {result}", about, lines)


def _raw(formula: Formula, names: list[str]) -> str:
    head = "raw(row: dict[str, object]) -> tuple[float, ...]"
    if len(names) == 1:
        return function(
            head, "The scores before calibration.", [f"return {names[0]}(columns(row))"]
        )
    pairs = zip(formula.members, names, strict=True)
    parts = [f"    ({literal(member.weight)}, {name}(x))," for member, name in pairs]
    lines = ["x = columns(row)", "return mixed((", *parts, "))"]
    return function(head, "The weighted mean of what the members score.", lines)


def _calls(tables: list[str]) -> list[str]:
    """Tables without their text, which names nothing."""
    return [f'{each.partition(" = ")[0]} = grown("")' for each in tables]
