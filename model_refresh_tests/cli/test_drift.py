"""The command `drift`."""

import pytest

from model_refresh_tests.cli.terminal import day, run
from model_refresh_tests.conftest import FIRST
from model_refresh_tests.lab import NAME, Lab


@pytest.fixture
def lab(lab: Lab) -> Lab:
    """With all measures of drift."""
    return lab.again({"monitoring.drift.classifier": 0.65})


def test_it_says_a_sentence_then_features_checks_and_notes(lab: Lab) -> None:
    lines = run(lab, "drift", NAME, "--as-of", day(lab, FIRST)).out.splitlines()
    assert lines[0].startswith(f"{NAME} {day(lab, FIRST)} no drift: ")
    assert lines[1].split()[:3] == ["feature", "importance", "psi"]
    assert {line.split()[0] for line in lines[2:6]} == {
        "visits",
        "visits_14d",
        "segment",
        "most_spent",
    }
    assert sum(line.startswith("  passed: ") for line in lines) == 9


def test_as_json_it_is_the_record(lab: Lab) -> None:
    told = run(lab, "drift", NAME, "--as-of", day(lab, FIRST), "--json").json
    assert told["as_of"].startswith(day(lab, FIRST))
    assert [each["outcome"] for each in told["checks"]] == ["passed"] * len(told["checks"])


def test_without_a_date_it_tells_of_the_last_frame_that_was_measured(lab: Lab) -> None:
    run(lab, "score", NAME, "--as-of", day(lab, FIRST))
    assert run(lab, "drift", NAME).out.startswith(f"{NAME} {day(lab, FIRST)} ")


def test_without_a_champion_it_says_so(fresh: Lab) -> None:
    told = run(fresh, "drift", NAME, "--as-of", day(fresh, FIRST))
    assert "has no champion for" in told.out
    assert run(fresh, "drift", NAME, "--as-of", day(fresh, FIRST), "--json").json is None
