"""check, show and verify: for people, and as JSON for scripts."""

import shutil

import pytest

from model_refresh_tests.cli.terminal import day, run
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.lab import FEATURES, NAME, Lab


def beside(lab: Lab, name: str, **replaced: str) -> None:
    """Declare the same model once more under another name; `replaced`: text in its queries."""
    home = lab.fleet / name
    shutil.copytree(lab.folder, home)
    declared = (home / "model.yaml").read_text()
    (home / "model.yaml").write_text(declared.replace(f"name: {NAME}", f"name: {name}", 1))
    for old, new in replaced.items():
        (home / "features.sql").write_text(FEATURES.replace(old, new))


def test_a_fleet_without_an_error_is_said_to_be_so(lab: Lab) -> None:
    assert run(lab, "check").out == "1 model is declared without an error\n"
    beside(lab, "calls")
    assert run(lab, "check").out == "2 models are declared without an error\n"
    assert run(lab, "check", "calls", "calls").out == "1 model is declared without an error\n"


def test_an_empty_fleet_is_no_error_but_is_said(lab: Lab) -> None:
    shutil.rmtree(lab.folder)
    ended = run(lab, "check")
    assert (ended.code, ended.err) == (0, "")
    assert "no model is declared yet" in ended.out


def test_every_problem_of_every_model_has_its_place(lab: Lab) -> None:
    beside(lab, "calls")
    for home in (lab.folder, lab.fleet / "calls"):
        path = home / "model.yaml"
        path.write_text(path.read_text().replace("window: 3", "windw: 3"))
    ended = run(lab, "check")
    assert (ended.code, ended.out) == (1, "")
    places = [line.split(" ")[0] for line in ended.err.splitlines()]
    assert [place.split(":")[0] for place in places] == [
        str(lab.fleet / "calls" / "model.yaml"),
        str(lab.folder / "model.yaml"),
    ]
    assert all(line.split(":")[1].isdigit() for line in ended.err.splitlines())
    assert ended.err.count("did you mean 'window'?") == 2


def test_one_model_is_checked_whatever_is_wrong_with_another(lab: Lab) -> None:
    beside(lab, "calls")
    (lab.fleet / "calls" / "model.yaml").write_text("nonsense")
    assert run(lab, "check", NAME).code == 0
    assert run(lab, "check", NAME, "calls").code == 1


def test_problems_as_json_are_on_stdout_too(lab: Lab) -> None:
    (lab.folder / "labels.sql").unlink()
    ended = run(lab, "check", "--json")
    assert ended.code == 1
    assert list(ended.json) == ["problems", "warnings", "data"]
    assert ended.json["problems"] == ended.err.splitlines()
    assert "labels.sql can't be read" in ended.err


def test_what_is_allowed_and_probably_not_meant_is_a_warning(lab: Lab) -> None:
    early = lab.again({"schedule.timezone": "Pacific/Auckland"})
    ended = run(early, "check")
    assert ended.code == 0
    assert ended.out.startswith("warning: visits: schedule.cron '0 6 * * *' fires")
    assert list(run(early, "check", "--json").json["warnings"]) == [NAME]


def test_checking_the_data_tells_rows_and_label_rate(lab: Lab) -> None:
    ended = run(lab, "check", "--data", "--as-of", day(lab, FIRST))
    assert ended.code == 0
    assert "visits, frame of 2024-01-24: 300 rows, 300 with a label, mean 0.3867\n" in ended.out
    (found,) = run(lab, "check", "--data", "--as-of", day(lab, FIRST), "--json").json["data"]
    assert list(found) == [
        "model", "as_of", "rows", "labelled", "label_mean", "shares", "suspects", "sink",
    ]  # fmt: skip


def test_checking_the_data_names_columns_that_look_odd(lab: Lab) -> None:
    leak = "max(visited) FILTER (day = $as_of::DATE) AS leak, 7 AS seven, segment,"
    sql = FEATURES.replace("segment,", leak, 1).replace("WHERE day < $as_of", "")
    (lab.folder / "features.sql").write_text(sql)
    ended = run(lab, "check", "--data", "--as-of", day(lab, FIRST))
    assert "leak (its own ROC AUC is 1.000: does it know the label?)" in ended.out
    assert "seven (one value only)" in ended.out


def test_checking_the_data_warns_where_the_holdout_can_not_tell(lab: Lab) -> None:
    gates = [{"gate": "beats_constant"}, {"gate": "non_inferior", "margin": 0.001}]
    narrow = lab.again({"gates": gates})
    typed = ["check", "--data", "--as-of", day(lab, FIRST)]
    assert "warning: visits: the comparison of 2024-01-26 told" in run(narrow, *typed).out
    assert len(run(narrow, *typed, "--json").json["warnings"][NAME]) == 1
    assert run(narrow, "check", "--json").json["warnings"] == {NAME: []}, "the data was not asked"


def test_a_query_that_fails_hides_no_other_model(lab: Lab) -> None:
    beside(lab, "calls", spend="spent")  # line 7: the query begins with an empty line
    ended = run(lab, "check", "--data", "--as-of", day(lab, FIRST))
    assert ended.code == 1
    assert f"{lab.fleet}/calls/features.sql:7:9 Binder Error" in ended.err
    assert ended.err.count("\n") == 1
    assert "visits, frame of 2024-01-24: 300 rows" in ended.out


def test_data_that_has_not_matured_is_said(lab: Lab) -> None:
    ended = run(lab, "check", "--data", "--as-of", day(lab, 0))
    assert ended.code == 1
    assert ended.err == "visits: no frame has matured labels by 2024-01-15\n"


def test_a_resolved_model_has_its_defaults_marked(lab: Lab) -> None:
    lines = [line.split() for line in run(lab, "show", NAME).out.splitlines()]
    assert ["training.window", "3"] in lines
    assert ["training.seed", "default", "0"] in lines
    assert ["comparison.metric", "default", "log_loss"] in lines
    assert ["frame.key", '["customer_id"]'] in lines


def test_a_resolved_model_as_json_keeps_its_kinds(lab: Lab) -> None:
    settings = {each["path"]: each for each in run(lab, "show", NAME, "--json").json}
    assert settings["training.window"] == {
        "path": "training.window",
        "value": 3,
        "was_set": True,
        "inherited": None,
    }
    assert settings["training.refit"]["value"] is True
    assert settings["training.refit"]["was_set"] is False


def test_a_whole_store_verifies(lab: Lab) -> None:
    ended = run(lab, "verify")
    assert (ended.code, ended.err) == (0, "")
    assert ended.out == f"{lab.home}: every byte of visits matches its digest\n"
    assert run(lab, "verify", NAME, "--json").json == {"models": [NAME], "problems": []}


@pytest.mark.parametrize("extra", [[], ["--json"]])
def test_one_flipped_byte_is_named(lab: Lab, extra: list[str]) -> None:
    version = lab.store.champion.line(1).record.version
    path = lab.store.versions_folder / version / "model.json"
    content = bytearray(path.read_bytes())
    content[9] ^= 1
    path.write_bytes(bytes(content))
    ended = run(lab, "verify", *extra)
    assert ended.code == 1
    assert str(path) in ended.err
    assert bool(extra) == bool(ended.out)
    if extra:
        assert ended.json["problems"] == ended.err.splitlines()


def test_a_store_with_nothing_in_it_says_where_it_looked(fresh: Lab) -> None:
    ended = run(fresh, "verify")
    assert (ended.code, ended.out) == (0, f"{fresh.home}: nothing is stored there\n")


def test_check_names_a_query_that_is_not_one_select(fresh: Lab) -> None:
    (fresh.folder / "labels.sql").write_text("SELECT 1; DROP TABLE visits")
    ended = run(fresh, "check")
    assert (ended.code, ended.out) == (1, "")
    assert "labels.sql" in ended.err
    assert "accepted is one SELECT" in ended.err


def test_gates_that_no_first_champion_can_pass_are_a_warning(lab: Lab) -> None:
    comparing = lab.again({"gates": [{"gate": "non_inferior"}, {"gate": "stability"}]})
    assert "all gates compare with an incumbent" in run(comparing, "check").out
