"""report: the path of the page, written where it isn't there yet."""

import json
from pathlib import Path

import pytest

from model_refresh.cli.report import report
from model_refresh.errors import NotStored
from model_refresh_tests.conftest import FIRST, SECOND
from model_refresh_tests.lab import NAME, Lab


def test_the_path_is_printed_and_the_file_is_there(
    lab: Lab, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(2):
        report(NAME, as_of="2024-01-25", fleet=lab.fleet, home=lab.home)
    first, second = capsys.readouterr().out.splitlines()
    assert first == second
    assert Path(first).is_absolute()
    assert Path(first).read_text().startswith("<!DOCTYPE html>")
    assert len(lab.store.reports(lab.day(FIRST)).lines()) == 1


def test_json_is_path_and_record(lab: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    report(NAME, as_of="2024-01-25", json=True, fleet=lab.fleet, home=lab.home)
    told = json.loads(capsys.readouterr().out)
    assert list(told) == ["path", "report"]
    assert Path(told["path"]).stat().st_size == told["report"]["size_bytes"]


def test_a_refresh_without_a_verdict_has_no_report(lab: Lab) -> None:
    with pytest.raises(NotStored, match="2024-01-26: there is no verdict to report"):
        report(NAME, fleet=lab.fleet, home=lab.home)
    assert lab.store.reports(lab.day(SECOND)).last() is None
