"""Each example is declared without an error, whether or not its data is there yet."""

import pytest
from typer.testing import CliRunner

from model_refresh.cli import app
from model_refresh.config.fleet import load_fleet
from model_refresh.config.queries import query_problems, query_warnings
from model_refresh.config.warnings import warnings
from model_refresh_tests.examples.airport import EXAMPLES

NAMES = ("cdnow_spend", "flights_delay", "flights_late")


def test_check_passes_for_all() -> None:
    result = CliRunner().invoke(app, ["check", "--fleet", str(EXAMPLES)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert f"{len(NAMES)} models are declared without an error" in result.stdout


@pytest.mark.parametrize("name", NAMES)
def test_there_is_nothing_to_warn_of(name: str) -> None:
    (model,) = load_fleet(EXAMPLES, environment={}, only=name)
    assert query_problems(model) == []
    assert [*warnings(model), *query_warnings(model)] == []
