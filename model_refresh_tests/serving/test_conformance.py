"""A generated folder is tested where there is nothing else, and what is wrong with it is told."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from model_refresh.records import CheckResult
from model_refresh.scorer.golden import CLOSE_ENOUGH
from model_refresh.scorer.http.settings import Settings
from model_refresh.scorer.manifest import MANIFEST
from model_refresh.serving.conformance import checks as conformance
from model_refresh.serving.conformance import latency
from model_refresh.serving.conformance.checks import Findings, try_folder
from model_refresh.serving.conformance.cleanroom import Room, Unpinned, clean_room, read_pins
from model_refresh.serving.conformance.groups import Ended, run_group
from model_refresh.serving.folder.assembly import REQUIREMENTS, TEST_REQUIREMENTS, manifest_of
from model_refresh_tests.scorer.factories import make_formula
from model_refresh_tests.serving.folders import Files, changed, make_batch, make_files, make_strange

HERE = (
    "model_refresh",
    "model_refresh_tests",
    "dagster",
    "numpy",
    "polars",
    "pydantic",
    "lightgbm",
)
BUDGET = 1000.0


@pytest.fixture(scope="module")
def files() -> Files:
    return make_files()


def tried(files: Files, *, latency_ms: float = BUDGET) -> Findings:
    return try_folder(files, make_batch(), latency_ms=latency_ms)


def answer(tested: Findings, name: str) -> CheckResult:
    (check,) = [each for each in tested.checks if each.name == name]
    return check


def failed(tested: Findings) -> set[str]:
    return {check.name for check in tested.checks if check.outcome == "failed"}


def python(room: Room, program: str, requirements: str = TEST_REQUIREMENTS) -> Ended:
    command = [room.python(requirements), "-c", program]
    return run_group(command, folder=room.folder, environment=room.variables, seconds=60)


def test_a_whole_folder_passes_every_test(files: Files) -> None:
    tested = tried(files)
    assert [(check.name, check.outcome) for check in tested.checks] == [
        ("suite", "passed"),
        ("golden", "passed"),
        ("batch_agreement", "passed"),
        ("latency", "passed"),
    ]
    assert tested.figures["suite_tests"] > 25
    assert tested.figures["golden_furthest"] <= CLOSE_ENOUGH
    assert tested.figures["batch_agreement_rows"] == 9
    assert 0 < tested.figures["latency_p50_ms"] <= tested.figures["latency_p99_ms"]


def test_a_folder_that_refuses_unknown_categories_passes_too() -> None:
    settings = Settings(unknown_category="refuse", batch_rows=1, body_kib=1)
    formula = make_formula()
    tested = try_folder(make_files(formula, settings), make_strange(formula), latency_ms=BUDGET)
    assert failed(tested) == set()
    for name in ("golden", "batch_agreement"):
        assert answer(tested, name).sentence.endswith("1 have a category that is refused")


def test_rows_that_no_body_can_hold_fail(files: Files) -> None:
    batch = make_batch()
    long = replace(batch.cases[0], row={**batch.cases[0].row, "note": "x" * 2000})
    small = make_files(settings=Settings(body_kib=1))
    tested = try_folder(small, replace(batch, cases=(long, *batch.cases)), latency_ms=BUDGET)
    assert failed(tested) == {"batch_agreement"}
    assert answer(tested, "batch_agreement").sentence == (
        "1 rows of the current frame are larger than realtime.body_kib lets a request be"
    )


def test_nothing_can_be_imported_but_what_is_pinned(files: Files) -> None:
    program = f"""
import importlib.util, json
print(json.dumps([name for name in {HERE!r} if importlib.util.find_spec(name)]))
"""
    with clean_room(files) as room:
        assert json.loads(python(room, program).told) == []
        everything = python(
            room, "import scorer.http.app, scorer.http.server, pytest; print('all there')"
        )
        assert everything.told.strip() == "all there"
        assert python(room, "import pytest", REQUIREMENTS).code == 1


def test_it_has_the_variables_of_nobody(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_SECRET", "told")
    with clean_room(files) as room:
        told = python(room, "import os; print(sorted(os.environ)); print(os.environ['HOME'])").told
    assert "A_SECRET" not in told
    assert str(Path.home()) not in told.splitlines()


@pytest.mark.parametrize(
    "program",
    [
        "import socket; socket.create_connection(('192.0.2.1', 80), 1)",
        "import socket; socket.getaddrinfo('example.org', 80)",
        "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    ],
)
def test_no_network_is_there(files: Files, program: str) -> None:
    with clean_room(files) as room:
        ended = python(room, program)
    assert ended.code == 1
    assert "no network here" in ended.told


def test_a_room_is_gone_afterwards(files: Files) -> None:
    with clean_room(files) as room:
        assert room.folder.is_dir()
    assert not room.place.exists()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("msgspec==0.0.1", "msgspec==0.0.1: .* is installed here"),
        ("msgspec>=0.1", "is no pin"),
        ("no-such-package==1", "is not installed here"),
        ("-r /etc/passwd", "is no pin"),
    ],
)
def test_a_requirement_that_is_not_what_was_tested_is_refused(line: str, why: str) -> None:
    with pytest.raises(Unpinned, match=why):
        read_pins(f"# of it\n{line}\n")


def test_a_wrong_pin_fails(files: Files) -> None:
    wrong = changed(files, TEST_REQUIREMENTS, b"pytest==", b"pytest==0.")
    tested = tried(wrong)
    assert failed(tested) == {"suite"}
    assert "requirement pytest==0." in answer(tested, "suite").sentence


def test_a_missing_pin_fails(files: Files) -> None:
    lines = files[REQUIREMENTS].splitlines(keepends=True)
    (starlette,) = [line for line in lines if line.startswith(b"starlette")]
    tested = tried(changed(files, REQUIREMENTS, starlette, b""))
    assert failed(tested) == {"golden", "batch_agreement", "latency"}
    assert "No module named 'starlette'" in answer(tested, "golden").sentence


def test_a_byte_changed_behind_the_manifest_fails(files: Files) -> None:
    formula = files["formula.json"]
    tested = tried({**files, "formula.json": formula.replace(b"1000.0", b"1000.1", 1)})
    assert failed(tested) == {"suite", "golden", "batch_agreement", "latency"}
    assert "is not the file that was tested" in answer(tested, "golden").sentence


def test_a_formula_that_scores_otherwise_fails(files: Files) -> None:
    other = make_formula(task="regression", level=1e-6)
    tested = tried(replaced(files, {"formula.json": other.encode()}))
    assert failed(tested) >= {"suite", "golden", "batch_agreement"}
    assert "503" in answer(tested, "golden").sentence


def test_golden_rows_of_another_formula_fail_at_the_batch(files: Files) -> None:
    other = make_files(make_formula(task="regression", level=1e-6))
    tested = tried(other)
    assert failed(tested) == {"batch_agreement"}
    sentence = answer(tested, "batch_agreement").sentence
    assert sentence.startswith("9 of 9 rows of the current frame are answered otherwise")


def test_golden_rows_that_were_changed_fail(files: Files) -> None:
    golden = files["golden.json"]
    first = json.loads(golden)["cases"][0]["scores"][0]
    wrong = golden.replace(repr(first).encode(), repr(first + 1e-8).encode(), 1)
    tested = tried(replaced(files, {"golden.json": wrong}))
    assert failed(tested) >= {"suite", "golden"}
    assert "1 failed" not in answer(tested, "suite").sentence


def test_golden_rows_that_are_gone_fail(files: Files) -> None:
    golden = json.loads(files["golden.json"]) | {"cases": []}
    tested = tried(replaced(files, {"golden.json": json.dumps(golden).encode()}))
    assert failed(tested) == {"suite", "golden", "batch_agreement", "latency"}
    assert answer(tested, "golden").sentence == "there is no golden row that is scored"


def test_a_runtime_that_answers_a_little_otherwise_fails(files: Files) -> None:
    old = b"return dict(zip(classes, scores, strict=True))\n        return scores[0]"
    wrong = changed(
        files, "scorer/http/answers.py", old, old.replace(b"scores[0]", b"scores[0] + 1e-8")
    )
    tested = tried(wrong)
    assert failed(tested) == {"suite", "golden", "batch_agreement"}
    assert "apart where 1e-09 is allowed" in answer(tested, "golden").sentence


def test_a_runtime_that_takes_bad_input_fails_its_suite(files: Files) -> None:
    loose = changed(
        files, "scorer/http/problems.py", b'"application/problem+json"', b'"text/plain"'
    )
    tested = tried(loose)
    assert failed(tested) == {"suite"}
    assert "FAILED tests/test_bad_input.py::test_" in answer(tested, "suite").sentence


def test_a_slow_app_fails_its_budget(files: Files, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(latency, "REQUESTS", 20)
    line = b"            asked = read_query(scope"
    slow = b"            await asyncio.sleep(0.02)\n"
    tested = tried(changed(files, "scorer/http/endpoints.py", line, slow + line), latency_ms=10)
    assert failed(tested) == {"latency"}
    assert answer(tested, "latency").sentence.endswith("realtime.latency_ms allows 10")
    assert tested.figures["latency_p50_ms"] >= 20


def test_a_suite_that_never_ends_is_ended(
    files: Files, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(conformance, "SUITE_SECONDS", 3.0)
    mark = tmp_path / "pid"
    endless = f"""
import os, pathlib, subprocess, sys, time

def test_it():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pathlib.Path({str(mark)!r}).write_text(str(child.pid))
    time.sleep(600)
"""
    tested = tried(replaced(files, {"tests/test_formula.py": endless.encode()}))
    assert answer(tested, "suite").sentence.endswith("took longer than 3 s and was ended")
    assert is_gone(int(mark.read_text()))


def test_a_suite_without_tests_fails(files: Files) -> None:
    kept = {name: text for name, text in files.items() if not name.startswith("tests/test_")}
    tested = tried(replaced(kept, {}))
    assert "suite" in failed(tested)
    assert "no tests ran" in answer(tested, "suite").sentence


def test_no_server_outlives_its_test(files: Files) -> None:
    before = children()
    tried(files)
    assert children() <= before


def replaced(files: Files, changes: Mapping[str, bytes]) -> dict[str, bytes]:
    """With these files in place of others, and a manifest that says so."""
    others = {name: content for name, content in {**files, **changes}.items() if name != MANIFEST}
    return others | {MANIFEST: manifest_of(others)}


def children() -> set[int]:
    """The processes of this one, and of those that lost their parent to it."""
    path = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children")
    return {int(each) for each in path.read_text().split()}


def is_gone(process: int) -> bool:
    for _ in range(100):
        path = Path(f"/proc/{process}/stat")
        if not path.exists() or path.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False
