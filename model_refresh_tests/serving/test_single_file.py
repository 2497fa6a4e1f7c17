"""The single file scores as its version does, with the standard library alone, and is no more code."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from model_refresh.algorithms.version import Version
from model_refresh.calibration import methods
from model_refresh.records import Task
from model_refresh.scorer.formula.encoding import Category
from model_refresh.scorer.formula.formula import Formula, Input, Member
from model_refresh.scorer.formula.linear import CategoryTerm, LinearForm, Sum
from model_refresh.scorer.formula.links import Chance, Classes, Softmax
from model_refresh.scorer.formula.tree_sums import TreesForm
from model_refresh.scorer.formula.trees import MISSING_ZERO
from model_refresh.scorer.golden import Golden
from model_refresh.serving.folder.emit.source import identifier, literal
from model_refresh.serving.folder.formula import formula_of
from model_refresh.serving.folder.golden import golden_rows
from model_refresh.serving.folder.single_file import single_file
from model_refresh_tests.scorer.versions import (
    ENCODINGS,
    TASKS,
    calibrator,
    make_blend,
    make_mixture,
    make_table,
    make_version,
)
from model_refresh_tests.serving.mutations import trees_of, with_leaf, with_trees

ALGORITHMS = ("constant", "linear", "lightgbm", "forest", "xgboost")
HOSTILE = st.text(
    st.sampled_from(
        [*"'\"\\{}()#;%\n\r\t\0", "\u2028", "\u2029", "\u202e", "\x85", "\ufeff", "é", "a"]
    ),
    max_size=12,
) | st.sampled_from(
    [
        '"""',
        "'''",
        '"""\nimport os\n"""',
        "\\",
        "\\N{DASH}",
        "{x}",
        "%s",
        "row",
        "class",
        "__import__",
    ]
)


def written(version: Version) -> tuple[str, Golden]:
    formula = formula_of(version)
    text = single_file(formula)
    assert text is not None
    assert text == single_file(Formula.decode(formula.encode()))
    return text, golden_rows(version, make_table(rows=300, seed=3))


def self_test(folder: Path, text: str, golden: Golden) -> subprocess.CompletedProcess[str]:
    path, rows = folder / "purchases_score.py", folder / "golden.json"
    path.write_text(text)
    rows.write_bytes(golden.encode())
    return run(path, "--self-test", str(rows))


def run(path: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    """In an interpreter without any installed package, warnings as errors."""
    return subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-W", "error", str(path), *arguments],
        input=given, capture_output=True, text=True, check=False,
        env={"LANG": "C.UTF-8"}, cwd=path.parent,
    )  # fmt: skip


def loaded(text: str) -> ModuleType:
    module = ModuleType("purchases_score")
    exec(compile(text, "purchases_score.py", "exec"), vars(module))
    return module


def assert_right(text: str, golden: Golden) -> None:
    assert golden.disagreements(loaded(text).score) == []


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_it_answers_the_golden_rows(task: Task, algorithm: str, encoding: str) -> None:
    assert_right(*written(make_version(task, algorithm, encoding=ENCODINGS[encoding])))


@pytest.mark.parametrize("task", TASKS)
def test_it_answers_them_with_curves_small_trees_and_mixtures(task: Task) -> None:
    assert_right(*written(make_version(task, "linear", options={"splines": 5})))
    assert_right(*written(make_version(task, "lightgbm", parameters={"rounds": 2})))
    small = make_version(task, "xgboost", parameters={"rounds": 3, "max_depth": 2})
    assert_right(*written(small))
    assert_right(*written(make_blend(task)))


@pytest.mark.parametrize(
    ("task", "method"), [(task, method) for task in TASKS for method in methods(task)]
)
def test_it_answers_them_with_a_calibrator(task: Task, method: str) -> None:
    parts = [(make_version(task, "lightgbm"), 1.0)]
    text, golden = written(make_mixture(task, parts, calibrator(task, method)))
    assert_right(text, golden)
    assert ("def calibrated" in text) == (method != "none")


@pytest.mark.parametrize(("task", "column"), [("binary", "member"), ("regression", "gappy")])
def test_it_answers_them_with_a_carried_column(task: Task, column: str) -> None:
    assert_right(*written(make_version(task, "naive", options={"column": column})))


@pytest.mark.parametrize("task", TASKS)
def test_it_needs_the_standard_library_alone_and_passes_the_usual_lint(
    task: Task, tmp_path: Path
) -> None:
    done = self_test(tmp_path, *written(make_blend(task)))
    assert (done.returncode, done.stderr) == (0, "")
    assert ", 0 wrong, furthest " in done.stdout
    ruff = Path(sys.executable).with_name("ruff")
    path = tmp_path / "purchases_score.py"
    told = subprocess.run([ruff, "check", "--isolated", path], capture_output=True, check=False)
    assert told.returncode == 0, told.stdout.decode()


def test_its_self_test_fails_where_a_number_is_wrong_or_the_rows_are_another_version_s(
    tmp_path: Path,
) -> None:
    version = make_version("binary", "lightgbm")
    _, golden = written(version)
    wrong = single_file(with_leaf(formula_of(version), 3)) or ""
    done = self_test(tmp_path, wrong, golden)
    assert done.returncode == 1
    assert '"answer"' in done.stderr
    done = self_test(tmp_path, written(version)[0], replace(golden, artifact="f" * 64))
    assert (done.returncode, done.stderr) == (1, "these are golden rows of another version\n")


def test_it_scores_lines_and_names_the_first_that_it_cannot(tmp_path: Path) -> None:
    text, golden = written(make_version("multiclass", "linear"))
    path = tmp_path / "purchases_score.py"
    path.write_text(text)
    lines = [json.dumps(row) for row in golden.rows[:3]]
    done = run(path, given="\n\n".join(lines))
    assert (done.returncode, done.stderr) == (0, "")
    told = [tuple(json.loads(line).values()) for line in done.stdout.splitlines()]
    assert told == [pytest.approx(scores, abs=1e-12) for scores in golden.scores[:3]]
    for line, problem in {
        json.dumps({**golden.rows[0], "spend": "12"}): "spend: '12' is no number",
        json.dumps({**golden.rows[0], "born": "soon"}): "born: 'soon' is no ISO 8601",
        "{}": "spend: is missing",
        "[1]": "a line must be one JSON object",
        "{": "Expecting",
        "[" * 100_000: "maximum recursion depth",
    }.items():
        done = run(path, given=f"{lines[0]}\n{line}\n")
        assert (done.returncode, done.stdout.count("\n")) == (1, 1)
        assert f"line 2: {problem}" in done.stderr
    assert run(path, "--help").stdout.startswith("Scores by purchases")
    assert run(path, "what").returncode == 2


def test_its_example_is_a_row_that_it_scores() -> None:
    version = make_version("binary", "lightgbm")
    text, golden = written(version)
    module = loaded(text)
    assert 0 < module.score(module.EXAMPLE) < 1
    shown = loaded(single_file(formula_of(version), golden.rows[0]) or "")
    assert golden.rows[0] == shown.EXAMPLE


def test_few_trees_are_conditions_and_many_are_tables() -> None:
    small = single_file(formula_of(make_version("binary", "lightgbm", parameters={"rounds": 3})))
    large = single_file(formula_of(make_version("binary", "lightgbm")))
    assert "        if " in (small or "")
    assert "grown" not in (small or "")
    assert 'TREES_1_0 = grown("""' in (large or "")


def test_a_large_file_loads_at_once(tmp_path: Path) -> None:
    """Python takes its time for each part of a program, and none for a text however long."""
    formula = formula_of(make_version("binary", "lightgbm", parameters={"num_leaves": 31}))
    (member,) = formula.members
    assert isinstance(member.form, TreesForm)
    trees = trees_of(formula)
    times = 31_000 // len(trees.feature)
    many = with_trees(formula, replace(trees, roots=trees.roots * times))
    small, text = single_file(formula) or "", single_file(many) or ""
    assert 500_000 < len(text) < 10_000_000
    path = tmp_path / "purchases_score.py"
    path.write_text(text)
    assert run(path).returncode == 0
    parts, fewer = (sum(1 for _ in ast.walk(ast.parse(each))) for each in (text, small))
    assert parts <= fewer + 10


def test_what_has_no_practical_form_has_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    formula = formula_of(make_version("binary", "lightgbm"))
    trees = trees_of(formula)
    zero = replace(trees, flags=(MISSING_ZERO,) * len(trees.flags))
    assert single_file(with_trees(formula, zero)) is None
    text = single_file(formula) or ""
    monkeypatch.setattr("model_refresh.serving.folder.single_file.MOST_BYTES", len(text.encode()))
    assert single_file(formula) is None
    monkeypatch.setattr(
        "model_refresh.serving.folder.single_file.MOST_BYTES", len(text.encode()) + 1
    )
    assert single_file(formula) == text


def hostile_formula(
    names: list[str], categories: list[str], classes: list[str], model: str
) -> Formula:
    """Linear in text inputs of such names, with such categories, classes and model."""
    features = tuple(Category(name, "text", tuple(categories)) for name in names)
    terms = tuple(
        CategoryTerm(i, tuple(0.1 * k for k in range(len(categories) + 2)), 0.0)
        for i in range(len(names))
    )
    count = len(classes)
    link = Softmax(Classes(count, tuple(range(count)))) if classes else Chance()
    form = LinearForm(tuple(Sum(0.25 * i, (), terms) for i in range(count or 1)), link)
    return Formula(
        model=model,
        version=model,
        artifact="a" * 64,
        task="multiclass" if classes else "binary",
        classes=tuple(classes),
        inputs=tuple(Input(name, "text", tuple(categories)) for name in names),
        encodings=(features,),
        members=(Member("linear", 1.0, 0, form),),
    )


def shape(text: str) -> list[str]:
    """The statements and expressions of a source, without its literals and names."""
    return [type(node).__name__ for node in ast.walk(ast.parse(text))]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(HOSTILE, min_size=1, max_size=3, unique=True),
    st.lists(HOSTILE, min_size=1, max_size=4, unique=True),
    st.lists(HOSTILE, min_size=2, max_size=3, unique=True) | st.just([]),
    HOSTILE,
)
def test_no_data_becomes_code(
    names: list[str], categories: list[str], classes: list[str], model: str
) -> None:
    text = single_file(hostile_formula(names, categories, classes, model)) or ""
    plain = single_file(
        hostile_formula(
            [f"n{i}" for i in range(len(names))],
            [f"c{i}" for i in range(len(categories))],
            [f"k{i}" for i in range(len(classes))],
            "m",
        )
    )
    assert shape(text) == shape(plain or "")
    module = loaded(text)
    scoring = hostile_formula(names, categories, classes, model).ready()
    for value in (*categories, None, "never met"):
        row = dict.fromkeys(names, value)
        told = module.score(row)
        scores = tuple(told[name] for name in classes) if classes else (told,)
        assert scores == pytest.approx(scoring.score(row), abs=1e-12)


@given(st.text())
def test_a_literal_is_its_text_on_one_line_and_a_name_is_plain(text: str) -> None:
    assert ast.literal_eval(literal(text)) == text
    assert len(literal(text).splitlines()) == 1
    name = identifier(text, 7)
    assert name.isascii()
    assert name.isidentifier()
    assert name.endswith("_7")
