"""The command `overview`: a table by urgency, the page's path, and the same as JSON."""

from pathlib import Path

from model_refresh.cli import app
from model_refresh.monitoring.overview.row import TELLS
from model_refresh_tests.cli.terminal import run
from model_refresh_tests.lab import NAME, Lab


def test_every_model_is_listed_and_the_page_is_written(lab: Lab) -> None:
    torn = lab.fleet / "torn"
    torn.mkdir()
    (torn / "model.yaml").write_text("name: torn\ntaks: binary\n")
    ended = run(lab, "overview")
    assert ended.code == 0
    head, first, second, totals, page = ended.out.strip().split("\n")
    assert head.split()[:3] == ["model", "state", "champion"]
    assert first.split()[:2] == ["torn", "unreadable"]
    assert second.split()[:2] == [NAME, "failed"]
    assert totals.startswith("2 models: 2 need a person, 0 fresh; ")
    assert "torn" in Path(page).read_text()


def test_json_has_the_same_rows_and_nothing_else(lab: Lab, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    told = run(lab, "overview", "--json", "--out", str(out)).json
    assert told["page"] == str(out)
    assert out.is_file()
    assert told["totals"]["models"] == 1
    (row,) = told["models"]
    assert (row["name"], row["state"], row["command"]) == (
        NAME,
        "failed",
        f"model-refresh why {NAME}",
    )


def test_an_empty_fleet_is_told(lab: Lab, tmp_path: Path) -> None:
    run(lab, "overview")
    page = lab.home / "_fleet" / "fleet.html"
    before = page.read_bytes()
    ended = run(lab, "overview", "--fleet", str(tmp_path / "none"))
    assert (ended.code, ended.out) == (1, "")
    assert "there is no such folder" in ended.err
    assert page.read_bytes() == before
    (tmp_path / "empty").mkdir()
    assert run(lab, "overview", "--fleet", str(tmp_path / "empty")).out.startswith("0 models: ")


def test_a_folder_is_no_place_for_a_page(lab: Lab, tmp_path: Path) -> None:
    ended = run(lab, "overview", "--out", str(tmp_path))
    assert ended.code == 2
    assert "a file is needed" in ended.err


def test_the_grace_is_that_of_alerts_yaml(lab: Lab) -> None:
    assert "late" in run(lab, "overview", "--json").json["models"][0]["also"]
    (lab.fleet / "alerts.yaml").write_text("grace: 9999d\n")
    assert "late" not in run(lab, "overview", "--json").json["models"][0]["also"]


def test_each_row_names_a_command_that_there_is() -> None:
    names = {command.callback.__name__ for command in app.registered_commands if command.callback}
    assert {"why", "check", "verify", *TELLS.values()} <= names
