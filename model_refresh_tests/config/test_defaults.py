"""defaults.yaml: what every model below it starts from, and whose fault a problem is."""

from pathlib import Path

import pytest

from model_refresh.config.defaults import merged
from model_refresh.config.fleet import read_fleet
from model_refresh.config.model import Model
from model_refresh.config.show import resolved
from model_refresh_tests.config.test_fleet import GOOD, declare


def read(fleet: Path) -> tuple[dict[str, Model], list[str]]:
    models, problems = read_fleet(fleet, environment={"ROOT": "/data"})
    return {m.name: m for m in models}, [p.replace(f"{fleet}/", "") for p in problems]


def write_defaults(folder: Path, text: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "defaults.yaml").write_text(text)


def test_mappings_are_merged_and_all_else_is_replaced() -> None:
    base = {"a": {"b": 1, "c": [1, 2]}, "d": 1}
    assert merged(base, {"a": {"c": [3]}, "d": None}) == {"a": {"b": 1, "c": [3]}, "d": None}
    assert base == {"a": {"b": 1, "c": [1, 2]}, "d": 1}


def test_a_sink_of_another_kind_replaces_the_whole_mapping() -> None:
    base = {"scores": {"sink": {"sink": "parquet", "path": "out"}}}
    own = {"scores": {"sink": {"sink": "duckdb", "database": "x.duckdb", "table": "t"}}}
    assert merged(base, own) == own
    same = {"scores": {"sink": {"sink": "parquet"}}}
    assert merged(base, same) == base


def test_the_model_wins_and_the_nearer_file_before_the_farther(tmp_path: Path) -> None:
    write_defaults(tmp_path, "training: {window: 5, holdout: 2}\nowners: [team:all]\n")
    write_defaults(tmp_path / "eu", "training: {window: 6}\n")
    declare(tmp_path, "plain")
    declare(tmp_path, "eu/near", GOOD.replace("{name}", "near"))
    declare(tmp_path, "eu/own", GOOD.replace("{name}", "own") + "training: {window: 7}\n")
    models, problems = read(tmp_path)
    assert problems == []
    found = {name: (m.spec.training.window, m.spec.training.holdout) for name, m in models.items()}
    assert found == {"plain": ((5,), 2), "near": ((6,), 2), "own": ((7,), 2)}
    assert {m.spec.owners for m in models.values()} == {("team:all",)}


def test_what_came_from_defaults_counts_as_if_the_model_had_said_it(tmp_path: Path) -> None:
    declare(tmp_path / "a", "same")
    declare(tmp_path / "b", "same", GOOD + "gates: [{gate: superior}]\n")
    declare(tmp_path / "c", "same")
    write_defaults(tmp_path / "c", "gates: [{gate: superior}]\n")
    plain, said, inherited = (read(tmp_path / each)[0]["same"] for each in "abc")
    assert inherited.policy_digest() == said.policy_digest() != plain.policy_digest()


def test_show_marks_what_came_from_a_file(tmp_path: Path) -> None:
    write_defaults(tmp_path, "training: {window: 5}\n")
    declare(tmp_path, "m", GOOD + "training: {holdout: 3}\n")
    settings = {each.path: each for each in resolved(read(tmp_path)[0]["m"])}
    assert settings["training.window"].inherited == str(tmp_path / "defaults.yaml")
    assert settings["training.window"].was_set
    assert settings["training.holdout"].inherited is None
    assert settings["training.min_frames"].inherited is None
    assert not settings["training.min_frames"].was_set


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("training: {windw: 5}", "defaults.yaml:1:12 training.windw is not known"),
        ("training: {window: none}", "defaults.yaml:1:20 training.window"),
        ("name: m", "defaults.yaml:1:1 name is each model's own"),
        ("description: x", "defaults.yaml:1:1 description is each model's own"),
        ("for_each: {country: [de]}", "defaults.yaml:1:1 for_each is each model's own"),
        ("[1]", "defaults.yaml:1:1 defaults.yaml is a list"),
        ("a: [", "defaults.yaml:1:5 no valid YAML"),
        (
            "source: {database: '${NONE}'}",
            "defaults.yaml:1:20 source.database: the environment has no NONE",
        ),
    ],
)
def test_a_problem_in_defaults_is_told_once_at_its_place_and_nothing_below_is_read(
    tmp_path: Path, text: str, says: str
) -> None:
    write_defaults(tmp_path, text)
    for name in ("anna", "bert"):
        declare(tmp_path, name)
    models, problems = read(tmp_path)
    assert models == {}
    (problem,) = problems
    assert problem.startswith(says)


def test_defaults_that_only_a_model_completes_are_no_problem(tmp_path: Path) -> None:
    write_defaults(
        tmp_path, "source: {memory_limit_mib: 512}\nframe: {every: 1mo}\n# nothing else\n"
    )
    declare(tmp_path, "m", GOOD.replace(" every: 7d,", ""))
    (model,) = read(tmp_path)[0].values()
    assert (model.spec.source.memory_limit_mib, model.spec.frame.every) == (512, "1mo")


def test_an_empty_file_is_no_problem(tmp_path: Path) -> None:
    write_defaults(tmp_path, "# nothing yet\n")
    declare(tmp_path, "m")
    assert read(tmp_path)[1] == []


def test_a_rule_that_a_default_breaks_in_many_models_is_told_once(tmp_path: Path) -> None:
    write_defaults(tmp_path, "comparison:\n  also: [rmse]\n")
    for name in ("anna", "bert", "cleo"):
        declare(tmp_path, name)
    declare(tmp_path, "dora", GOOD.replace("task: binary", "task: regression"))
    models, problems = read(tmp_path)
    assert set(models) == {"dora"}
    (problem,) = problems
    assert problem.startswith("defaults.yaml:2:10 comparison.also[0] is 'rmse'")
    assert problem.endswith("(3 models, anna among them)")


def test_what_a_model_lacks_is_told_of_the_model(tmp_path: Path) -> None:
    write_defaults(tmp_path, "frame: {every: 7d}\n")
    declare(tmp_path, "m", GOOD.replace("frame: {{key: id, every: 7d, start: 1997-03-03}}\n", ""))
    assert {p.split(":")[0] for p in read(tmp_path)[1]} == {"m/model.yaml"}


def test_defaults_that_are_linked_from_outside_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.yaml").write_text("owners: [team:x]\n")
    declare(tmp_path / "fleet", "m")
    (tmp_path / "fleet" / "defaults.yaml").symlink_to(tmp_path / "secret.yaml")
    models, (problem,) = read(tmp_path / "fleet")
    assert "a link that leaves" in problem
    assert models == {}
