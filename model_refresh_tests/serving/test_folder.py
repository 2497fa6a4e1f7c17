"""A generated folder: the same version gives the same bytes, and nothing of it needs this package."""

import ast
import io
import json
import shlex
import sys
import tarfile
from importlib.metadata import version as installed_version
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from model_refresh.errors import CorruptError, FitError, StoreError
from model_refresh.scorer.golden import Golden
from model_refresh.scorer.http.settings import Settings
from model_refresh.scorer.manifest import Damaged, verify_folder
from model_refresh.serving.folder.archive import pack, unpack, write_new
from model_refresh.serving.folder.assembly import scorer_files, write_scorer
from model_refresh.serving.folder.pins import RUNTIME, TESTS, pins, requirements
from model_refresh_tests.cli.terminal import every_byte
from model_refresh_tests.scorer.factories import make_formula, make_golden
from model_refresh_tests.serving.folders import make_files, make_strange

CLASSES = ("a", "b", "c")


def test_the_same_version_gives_the_same_tar(tmp_path: Path) -> None:
    formula = make_formula(task="regression")
    write_scorer(formula, make_strange(formula), Settings(), tmp_path / "one")
    assert every_byte(tmp_path / "one") == make_files()
    assert pack(make_files()) == pack(make_files())


def test_another_version_gives_another_tar() -> None:
    assert pack(make_files(make_formula(level=0.1))) != pack(make_files())


def test_a_packed_folder_is_unpacked_byte_by_byte() -> None:
    assert unpack(pack(make_files())) == make_files()


@pytest.mark.parametrize("name", ["../out", "/out", "a/../../out"])
def test_a_tar_that_leaves_its_folder_is_refused(name: str) -> None:
    with pytest.raises(CorruptError, match="no file below it"):
        unpack(pack({name: b"x"}))


def test_a_tar_with_a_link_is_refused() -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        about = tarfile.TarInfo("formula.json")
        about.type, about.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(about)
    with pytest.raises(CorruptError, match="no file below it"):
        unpack(packed.getvalue())


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(StoreError, match="no empty folder"):
        write_new(make_files(), tmp_path)
    assert every_byte(tmp_path) == {"mine": b"precious"}


def test_nothing_in_it_imports_what_its_requirements_lack() -> None:
    own = {"scorer", "tests"}
    needed = {*own, *sys.stdlib_module_names, *RUNTIME, *TESTS}
    for name, content in make_files().items():
        if name.endswith(".py"):
            assert _imported(content) <= needed, name


def test_its_manifest_has_every_file_and_each_changed_one_that_serves_is_noticed(
    tmp_path: Path,
) -> None:
    write_new(make_files(), tmp_path / "it")
    verify_folder(tmp_path / "it")
    files = json.loads((tmp_path / "it" / "manifest.json").read_bytes())["files"]
    assert {*files, "manifest.json"} == make_files().keys()
    for name in [each for each in files if each.startswith("scorer/") or each.endswith(".json")]:
        path = tmp_path / "it" / name
        whole = path.read_bytes()
        path.write_bytes(whole + b" ")
        with pytest.raises(Damaged, match=path.name):
            verify_folder(tmp_path / "it")
        path.write_bytes(whole)


def test_a_workflow_and_a_readme_may_be_edited(tmp_path: Path) -> None:
    write_new(make_files(), tmp_path / "it")
    for name in ("README.md", ".github/workflows/scorer.yml", "Dockerfile"):
        (tmp_path / "it" / name).write_text("mine")
    verify_folder(tmp_path / "it")


def test_a_formula_that_disagrees_with_its_batch_is_not_written() -> None:
    formula = make_formula()
    with pytest.raises(FitError, match="golden rows otherwise than its batch"):
        scorer_files(formula, make_golden(formula, off=1e-6), Settings())


def test_pins_are_the_whole_closure_as_it_is_installed() -> None:
    found = pins(["uvicorn"])
    assert found == {name: installed_version(name) for name in ("click", "h11", "uvicorn")}
    assert pins(RUNTIME).keys() < pins(TESTS).keys()
    assert "pluggy" in pins(["pytest"])


def test_pins_follow_extras_and_markers() -> None:
    assert pins(["psycopg[binary]"]).keys() - pins(["psycopg"]).keys() == {"psycopg-binary"}
    assert "colorama" not in pins(["pytest"])


def test_what_is_not_installed_is_told() -> None:
    with pytest.raises(FitError, match="no-such-package, which is not installed"):
        pins(["no-such-package"])


def test_requirements_are_one_pin_a_line() -> None:
    assert requirements({"a": "1", "b": "2.0"}, about="Of it.") == "# Of it.\na==1\nb==2.0\n"


def test_the_workflow_installs_and_tests() -> None:
    workflow = YAML(typ="safe").load(make_files()[".github/workflows/scorer.yml"].decode())
    (job,) = workflow["jobs"].values()
    assert [each.get("uses", each.get("run")) for each in job["steps"]] == [
        "actions/checkout@v5",
        "actions/setup-python@v6",
        "python -m pip install --requirement requirements-test.txt",
        "python -m pytest",
    ]
    assert job["steps"][1]["with"]["python-version"] == f"3.{sys.version_info.minor}"


def test_the_image_runs_as_a_user_without_rights_and_only_where_the_suite_passed() -> None:
    lines = make_files()["Dockerfile"].decode().splitlines()
    first, tested, last = (place for place, line in enumerate(lines) if line.startswith("FROM"))
    assert "RUN python -m pytest && touch /home/scorer/passed" in lines[tested:last]
    assert "COPY --from=tested --chown=10001 /home/scorer /home/scorer" in lines[last:]
    assert "USER 10001" in lines[last:]
    assert not any("gcc" in line for line in [*lines[first:tested], *lines[last:]])


@pytest.mark.parametrize(
    ("task", "classes", "says"),
    [
        ("binary", (), "log odds of class 1"),
        ("regression", (), "the value"),
        ("multiclass", CLASSES, "can't tell reasons"),
    ],
)
def test_the_readme_has_a_real_request_and_its_answer(
    task: str, classes: tuple[str, ...], says: str
) -> None:
    formula = make_formula(task=task, classes=classes)
    files = make_files(formula)
    text = files["README.md"].decode()
    golden = Golden.decode(files["golden.json"])
    (answer,) = [line for line in text.splitlines() if line.startswith('{"score":')]
    scores = json.loads(answer)["score"]
    assert tuple(scores.values() if classes else [scores]) == golden.scores[0]
    (asked,) = [line.strip() for line in text.splitlines() if line.startswith("  -d ")]
    assert json.loads(shlex.split(asked)[1]) == golden.rows[0]
    assert formula.artifact in text
    assert says in text
    assert "{{" not in text


def test_limits_are_told_and_served() -> None:
    settings = Settings(unknown_category="refuse", body_kib=7, batch_rows=3)
    files = make_files(settings=settings)
    assert json.loads(files["settings.json"])["batch_rows"] == 3
    text = files["README.md"].decode()
    assert "up to 3 rows" in text
    assert "at most 7 KiB" in text
    assert "refused with 422" in text


def test_a_name_can_not_break_out_of_the_readme_s_table() -> None:
    text = make_files()["README.md"].decode()
    rows = [line for line in text.splitlines() if line.startswith("| `")]
    assert all(line.count("|") - line.count("\\|") == 4 for line in rows if "gold: yearly" in line)


def _imported(content: bytes) -> set[str]:
    names = set[str]()
    for node in ast.walk(ast.parse(content)):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
    return names
