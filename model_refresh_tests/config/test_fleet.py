"""A fleet is read whole: every good model, and every problem of every other one at once."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model_refresh.config.fleet import load_fleet, read_fleet
from model_refresh.config.folder import read_model
from model_refresh.config.model import Model
from model_refresh.errors import ConfigError

GOOD = """\
name: {name}
task: binary
source: {{engine: duckdb, tables: {{t: data/t.parquet}}}}
frame: {{key: id, every: 7d, start: 1997-03-03}}
label: {{column: y, horizon: 28d, query: labels.sql}}
"""


def declare(fleet: Path, name: str, text: str = GOOD) -> Path:
    home = fleet / name
    home.mkdir(parents=True)
    (home / "model.yaml").write_text(
        text.replace("{name}", name).replace("{{", "{").replace("}}", "}")
    )
    (home / "features.sql").write_text("SELECT 1 AS id")
    (home / "labels.sql").write_text("SELECT 1 AS id, 0 AS y")
    return home


def problems_of(fleet: Path, environment: Mapping[str, str] | None = None) -> list[str]:
    _, problems = read_fleet(fleet, environment=environment or {})
    return [problem.replace(f"{fleet}/", "") for problem in problems]


def test_models_come_sorted_by_name_from_any_depth(tmp_path: Path) -> None:
    for name in ("zeta", "group/beta", "alpha", ".hidden/gamma"):
        declare(tmp_path, name, GOOD.replace("{name}", name.split("/")[-1]))
    models = load_fleet(tmp_path, environment={})
    assert [model.name for model in models] == ["alpha", "beta", "zeta"]
    assert models[0].features_sql == "SELECT 1 AS id"
    assert models[0].folder == (tmp_path / "alpha").resolve()


def test_one_wrong_model_leaves_the_others_and_all_of_its_problems_are_said(tmp_path: Path) -> None:
    declare(tmp_path, "good")
    declare(tmp_path, "bad", "name: bad\ntask: binry\nwindow: 8\nframe: {key: id, every: 7d}\n")
    models, problems = read_fleet(tmp_path, environment={})
    assert [model.name for model in models] == ["good"]
    assert len(problems) == 5
    with pytest.raises(ConfigError) as refusal:
        load_fleet(tmp_path, environment={})
    assert refusal.value.problems == problems


def test_one_model_alone_may_be_read(tmp_path: Path) -> None:
    declare(tmp_path, "good")
    declare(tmp_path, "bad", "nonsense")
    assert [m.name for m in load_fleet(tmp_path, environment={}, only="good")] == ["good"]
    with pytest.raises(ConfigError, match="no model 'goood', did you mean 'good'"):
        load_fleet(tmp_path, environment={}, only="goood")


def test_a_missing_fleet_folder_is_said(tmp_path: Path) -> None:
    assert "there is no such folder" in problems_of(tmp_path / "none")[0]


def test_an_empty_fleet_is_no_problem(tmp_path: Path) -> None:
    assert read_fleet(tmp_path, environment={}) == ([], [])


def test_two_models_of_one_name_are_refused(tmp_path: Path) -> None:
    declare(tmp_path, "a/same", GOOD.replace("{name}", "same"))
    declare(tmp_path, "b/same", GOOD.replace("{name}", "same"))
    assert "b/same/model.yaml:1:1 same is declared in" in problems_of(tmp_path)[0]


def test_a_link_that_leaves_the_fleet_is_refused(tmp_path: Path) -> None:
    outside = declare(tmp_path / "elsewhere", "outside")
    fleet = tmp_path / "fleet"
    declare(fleet, "inside")
    (fleet / "linked").symlink_to(outside)
    (fleet / "again").symlink_to(fleet / "inside")
    says = "linked/model.yaml:1:1 linked is a link that leaves the fleet folder"
    assert problems_of(fleet) == [says]


def test_a_declaration_that_is_linked_from_outside_is_refused(tmp_path: Path) -> None:
    home = declare(tmp_path / "fleet", "linked")
    (home / "model.yaml").rename(tmp_path / "secret.yaml")
    (home / "model.yaml").symlink_to(tmp_path / "secret.yaml")
    assert "a link that leaves" in problems_of(tmp_path / "fleet")[0]


def test_a_pipe_instead_of_a_declaration_does_not_block(tmp_path: Path) -> None:
    home = declare(tmp_path, "piped")
    (home / "model.yaml").unlink()
    os.mkfifo(home / "model.yaml")
    assert "is no regular file" in problems_of(tmp_path)[0]


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("../other.sql", "give a path below the model's folder"),
        ("/etc/passwd", "give a path below the model's folder"),
        ("a\\..\\b.sql", "give a path below the model's folder"),
        ("none.sql", "can't be read: No such file"),
        (".", "can't be read: Is a directory"),
        ("link.sql", "a link that leaves"),
        ("round.sql", "can't be read"),
        ("empty.sql", "is empty"),
        ("latin.sql", "is not UTF-8 at byte 1"),
        ("large.sql", "larger than 1048576 bytes"),
        ("nul.sql", "has a NUL character"),
    ],
)
def test_a_query_is_a_readable_file_below_the_models_folder(
    tmp_path: Path, query: str, says: str
) -> None:
    (tmp_path / "other.sql").write_text("SELECT 1")
    home = declare(tmp_path / "fleet", "m", GOOD.replace("labels.sql", f"'{query}'"))
    (home / "link.sql").symlink_to(tmp_path / "other.sql")
    (home / "round.sql").symlink_to(home / "round.sql")
    (home / "empty.sql").write_text(" \n")
    (home / "latin.sql").write_bytes(b"'\xe9'")
    (home / "large.sql").write_bytes(b" " * (1 << 20) + b"x")
    (home / "nul.sql").write_bytes(b"a\0")
    (problem,) = problems_of(tmp_path / "fleet")
    assert problem.startswith("m/model.yaml:5:41 label.query: ")
    assert says in problem


def test_the_environment_fills_a_sources_paths_and_is_not_shown(tmp_path: Path) -> None:
    declare(tmp_path, "m", GOOD.replace("data/t.parquet", "'${ROOT}/x.parquet'"))
    (model,) = load_fleet(tmp_path, environment={"ROOT": "/secret"})
    assert model.spec.source.tables == {"t": "/secret/x.parquet"}
    assert "secret" not in repr(model)


@pytest.mark.parametrize("length", [1, 200])
@pytest.mark.parametrize("text", ["scores: {sink: '${URL}'}", "scores: {sink: {sink: '${URL}'}}",
                                  "scores: {sink: {sink: postgresql, url: '${URL}', table: '${URL}'}}",
                                  "source: {engine: '${URL}'}"])  # fmt: skip
def test_no_problem_shows_what_the_environment_holds(
    tmp_path: Path, text: str, length: int
) -> None:
    lines = [line for line in GOOD.splitlines() if not line.startswith(text.split(":")[0])]
    declare(tmp_path / "fleet", "m", "\n".join([*lines, text]))
    url = f"postgresql://svc:S3cret@warehouse/{'x' * length}"
    problems = problems_of(tmp_path / "fleet", {"URL": url})
    assert problems
    assert not any("S3cret" in problem for problem in problems)
    (tmp_path / "fleet" / "m" / "model.yaml").unlink()
    (tmp_path / "fleet" / "defaults.yaml").write_text(text)
    problems = problems_of(tmp_path / "fleet", {"URL": url})
    assert not any("S3cret" in problem for problem in problems)


def test_a_problem_shows_a_filled_path_as_it_was_written(tmp_path: Path) -> None:
    declare(tmp_path, "m", GOOD.replace("data/t.parquet", "'${ROOT}/x.doc'"))
    (problem,) = problems_of(tmp_path, {"ROOT": "/secret"})
    assert "'${ROOT}/x.doc' ends in none of" in problem


@pytest.mark.parametrize(
    ("written", "says"),
    [("${NONE}/x.csv", "the environment has no NONE"), ("${a b}.csv", "no variable"),
     ("${.csv", "no variable"), ("${}.csv", "no variable")],
)  # fmt: skip
def test_a_variable_that_can_not_be_filled_is_a_problem_at_its_place(
    tmp_path: Path, written: str, says: str
) -> None:
    declare(tmp_path, "m", GOOD.replace("data/t.parquet", f"'{written}'"))
    (problem, *_) = problems_of(tmp_path)
    assert problem.startswith("m/model.yaml:3:38 source.tables.t: ")
    assert says in problem


def test_carriage_returns_and_a_byte_order_mark_do_not_change_a_query(tmp_path: Path) -> None:
    home = declare(tmp_path, "m")
    (home / "labels.sql").write_bytes(b"\xef\xbb\xbfSELECT 1\r\nAS id")
    (model,) = load_fleet(tmp_path, environment={})
    assert model.labels_sql == "SELECT 1\nAS id"


def test_three_hundred_models_load_in_a_few_seconds(tmp_path: Path) -> None:
    for number in range(300):
        declare(tmp_path, f"m{number}")
    began = time.process_time()
    assert len(load_fleet(tmp_path, environment={})) == 300
    assert time.process_time() - began < 300 * 0.02


_KEYS = st.sampled_from(
    ["name", "task", "source", "frame", "label", "columns", "training", "gates", "key", "every",
     "candidates", "algorithm", "gate", "metric", "margin", "horizon", "tables", "start", "x"]
)  # fmt: skip
_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=20),
    st.sampled_from(["binary", "duckdb", "7d", "28d", "1997-03-03", "linear", "absolute", "${X}"]),
)  # fmt: skip
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_KEYS, inner, max_size=5)),
    max_leaves=20,
)


@given(st.dictionaries(_KEYS, _VALUES))
@settings(max_examples=150)
def test_only_problems_with_places_come_out_of_any_declaration(
    tmp_path_factory: pytest.TempPathFactory, declared: dict[str, object]
) -> None:
    home = tmp_path_factory.mktemp("fuzz") / "m"
    home.mkdir()
    (home / "model.yaml").write_text(json.dumps(declared))
    reading = read_model(home, environment={})
    assert isinstance(reading.model, Model) == (not reading.problems)
    for problem in reading.problems:
        place = problem.removeprefix(f"{home}/model.yaml:").split(" ")[0].split(":")
        assert [int(number) >= 1 for number in place] == [True, True]


def test_defaults_with_no_model_below_are_read_too(tmp_path: Path) -> None:
    declare(tmp_path, "good")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "defaults.yaml").write_text("foo: 1\n")
    (problem,) = problems_of(tmp_path)
    assert problem.startswith("new/defaults.yaml:1:1 foo is not known; accepted: ")
    accepted = problem.split("accepted: ")[1].split(", ")
    assert {"source", "training"} <= set(accepted)
    assert not {"name", "description", "for_each"} & set(accepted)
