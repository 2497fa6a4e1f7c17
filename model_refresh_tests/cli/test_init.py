"""init: a folder that passes `check`, and is never written over another."""

import re
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from model_refresh.cli import app
from model_refresh.config.fleet import load_fleet
from model_refresh_tests.cli.terminal import Ended, every_byte
from model_refresh_tests.scaffold.tables import purchases

QUICK = """\
training:
  window: 3
  folds: 1
  tuning: {trials: 1}
  candidates: [{algorithm: linear}]
report: false
"""


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current folder with a table of purchases."""
    monkeypatch.chdir(tmp_path)
    purchases().write_parquet(tmp_path / "orders.parquet")
    return tmp_path


def typed(*arguments: str) -> Ended:
    """`model-refresh` in the current folder."""
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    return Ended(result.exit_code, result.stdout, result.stderr)


def test_from_a_file_to_a_decision(place: Path) -> None:
    (place / "fleet").mkdir()
    (place / "fleet/defaults.yaml").write_text(QUICK)
    ended = typed("init", "shop", "--from", "orders.parquet")
    assert ended.code == 0
    guessed, follows = ended.out.splitlines()
    assert guessed.startswith("shop: Will each customer_id come back within ")
    assert re.search(
        r"The horizon is guessed \(\d+% of keys come back within \d+d\): another", guessed
    )
    command = follows.split("model-refresh ")[1].split()
    assert "../../orders.parquet" in (place / "fleet/shop/model.yaml").read_text()
    done = typed(*command)
    assert (done.code, done.out.split()[:2]) == (0, ["shop", command[-1]])
    assert done.out.split()[2].rstrip(":") in {"promote", "retain"}


@pytest.mark.parametrize("source", [(), ("--from", "orders.parquet")])
def test_owners_and_schedule_are_left_to_the_fleets_defaults(
    place: Path, source: tuple[str, ...]
) -> None:
    (place / "fleet").mkdir()
    given = "owners: [team:crm]\nschedule: {cron: '0 7 * * FRI', timezone: UTC}\n"
    (place / "fleet/defaults.yaml").write_text(given)
    assert typed("init", "shop", *source).code == 0
    (model,) = load_fleet(place / "fleet", environment={})
    assert model.spec.owners == ("team:crm",)
    assert model.spec.schedule.cron == "0 7 * * FRI"
    assert "# owners: as defaults.yaml says" in (place / "fleet/shop/model.yaml").read_text()


def test_a_folder_is_never_written_over(place: Path) -> None:
    assert typed("init", "shop").code == 0
    before = every_byte(place)
    again = typed("init", "shop", "--from", "orders.parquet")
    assert (again.code, again.out) == (1, "")
    assert "there is a model 'shop' already" in again.err
    assert every_byte(place) == before


@pytest.mark.parametrize("name", ["Shop", "1shop", "a-b", "../shop", "x" * 64])
def test_a_name_has_its_rules(place: Path, name: str) -> None:
    ended = typed("init", name)
    assert ended.code == 1
    assert "is no model's name" in ended.err
    assert not (place / "fleet").exists()


def test_a_template_passes_check(place: Path) -> None:
    ended = typed("init", "blank")
    assert ended.out.splitlines()[1].endswith("model-refresh check blank --data")
    assert typed("check").out == "1 model is declared without an error\n"


def test_data_can_be_copied_into_the_folder(place: Path) -> None:
    assert typed("init", "shop", "--from", "orders.parquet", "--copy").code == 0
    assert not list((place / "fleet").glob(".init-*"))
    (place / "orders.parquet").unlink()
    assert (place / "fleet/shop/data/orders.parquet").is_file()
    assert typed("check", "shop", "--data", "--as-of", "2025-10-27").code == 0


def test_a_table_of_a_database_is_named_behind_a_colon(place: Path) -> None:
    with duckdb.connect(str(place / "shop.duckdb")) as connection:
        connection.execute("CREATE TABLE orders AS FROM 'orders.parquet'")
        connection.execute("CREATE TABLE empty (a INTEGER)")
    ended = typed("init", "shop", "--from", "shop.duckdb:orders", "--json")
    assert ended.code == 0
    assert list(ended.json) == ["model", "files", "guessed", "first", "next"]
    assert 'database: "../../shop.duckdb"' in (place / "fleet/shop/model.yaml").read_text()
    assert "tables are empty, orders" in typed("init", "b", "--from", "shop.duckdb").err


@pytest.mark.parametrize(
    ("source", "says"),
    [("none.csv", "there is no file"), ("none", "is no file; accepted: a file or glob")],
)
def test_what_is_no_source_is_told(place: Path, source: str, says: str) -> None:
    ended = typed("init", "shop", "--from", source)
    assert ended.code == 1
    assert says in ended.err
    assert not (place / "fleet").exists()


def test_a_name_that_a_for_each_makes_is_taken(place: Path) -> None:
    assert typed("init", "geo").code == 0
    declaration = place / "fleet/geo/model.yaml"
    declaration.write_text(declaration.read_text() + "for_each: {country: [de, fr]}\n")
    before = every_byte(place)
    ended = typed("init", "geo_fr")
    assert ended.code == 1
    assert "fleet/geo/model.yaml: its for_each makes 'geo_fr' already" in ended.err
    assert every_byte(place) == before


@pytest.mark.parametrize(
    ("defaults", "says"),
    [
        ("foo: 1\n", "defaults.yaml:1:1 foo is not known"),
        ("comparison: {also: [rmse]}\n", "defaults.yaml:1:21 comparison.also[0] is 'rmse'"),
    ],
)
def test_what_the_fleets_defaults_forbid_is_told_before_anything_is_written(
    place: Path, defaults: str, says: str
) -> None:
    (place / "fleet").mkdir()
    (place / "fleet/defaults.yaml").write_text(defaults)
    before = every_byte(place)
    ended = typed("init", "shop")
    assert ended.code == 1
    assert says in ended.err
    assert every_byte(place) == before
    assert [path.name for path in (place / "fleet").iterdir()] == ["defaults.yaml"]


@pytest.mark.parametrize(
    "option", [("--key", "id"), ("--label", "y"), ("--task", "binary"), ("--copy",)]
)
def test_what_is_said_of_data_needs_data(place: Path, option: tuple[str, ...]) -> None:
    ended = typed("init", "shop", *option)
    assert ended.code == 2
    assert f"{option[0]}: this needs --from" in " ".join(ended.err.replace("│", " ").split())
    assert not (place / "fleet").exists()
