"""A look at one labelled frame: what is odd is said."""

import polars as pl
import pytest

from model_refresh.refresh.probe import Probe, probe
from model_refresh_tests.lab import Lab

LEAK = {
    "number in its own unit": "sum(spend) FILTER (day >= $as_of AND day < $as_of + INTERVAL 1 DAY)",
    "boolean": "bool_or(visited = 1) FILTER (day >= $as_of AND day < $as_of + INTERVAL 1 DAY)",
}


def probed(lab: Lab, column: str, **changes: object) -> Probe:
    sql = (lab.folder / "features.sql").read_text()
    (lab.folder / "features.sql").write_text(
        sql.replace("WHERE day < $as_of", "").replace("segment,", f"segment, {column} AS odd,", 1)
    )
    other = lab.again({name.replace("__", "."): value for name, value in changes.items()})
    return probe(other.model, lab.day(10))


@pytest.mark.parametrize("column", LEAK.values(), ids=LEAK)
def test_a_column_that_knows_the_label_is_named(fresh: Lab, column: str) -> None:
    (suspect,) = probed(fresh, column).suspects
    assert suspect.startswith("odd (its own ROC AUC is 1.000")


def test_a_column_that_knows_a_number_is_named(fresh: Lab) -> None:
    labels = (fresh.folder / "labels.sql").read_text()
    (fresh.folder / "labels.sql").write_text(labels.replace("max(visited)", "max(spend)"))
    (suspect,) = probed(fresh, LEAK["number in its own unit"], task="regression").suspects
    assert suspect.startswith("odd (its rank correlation is 1.000")


def test_honest_columns_are_no_suspects_and_a_constant_one_is(fresh: Lab) -> None:
    assert probe(fresh.model, fresh.day(10)).suspects == ()
    assert probed(fresh, "7").suspects == ("odd (one value only)",)


def test_a_label_of_one_value_is_said(fresh: Lab) -> None:
    fresh.damage(fresh.rows().with_columns(pl.lit(0).alias("visited")))
    suspects = probe(fresh.model, fresh.day(10)).suspects
    assert suspects[0] == "the label (it is 0 on every row)"
