"""A look at one labelled frame: what is odd is said."""

import polars as pl
import pytest

from model_refresh.errors import DataError
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


CLASSES = ["none", "little", "much", "most"]
SPENT = "sum(spend)::DOUBLE"
CLASS = f"CASE WHEN {SPENT} = 0 THEN 'none' WHEN {SPENT} < 9 THEN 'little' ELSE 'much' END"


def of_classes(lab: Lab, value: str = CLASS) -> Lab:
    labels = (lab.folder / "labels.sql").read_text()
    (lab.folder / "labels.sql").write_text(labels.replace("max(visited)", value))
    return lab.again({"task": "multiclass", "label.classes": CLASSES})


def test_the_shares_of_classes_are_told_and_one_that_no_row_has(fresh: Lab) -> None:
    lab = of_classes(fresh)
    found = probe(lab.model, lab.day(10))
    assert list(found.shares) == CLASSES
    assert sum(found.shares.values()) == pytest.approx(1)
    assert found.shares["none"] > found.shares["much"] > 0
    assert f"none {found.shares['none']:.1%}, " in found.sentence
    assert found.suspects == ("the label (no row is most)",)


def test_a_class_that_is_not_declared_is_told(fresh: Lab) -> None:
    lab = of_classes(fresh, CLASS.replace("'much'", "'lots'"))
    with pytest.raises(
        DataError, match=r"no class that is declared: 'lots' \(\d+ rows\); add them"
    ):
        probe(lab.model, lab.day(10))


def test_a_column_that_knows_a_class_is_named(fresh: Lab) -> None:
    classes = {"task": "multiclass", "label__classes": CLASSES}
    (_, suspect) = probed(of_classes(fresh), LEAK["number in its own unit"], **classes).suspects
    assert suspect.startswith("odd (its own ROC AUC for much is 1.000")


def test_a_label_of_one_class_is_said_by_name(fresh: Lab) -> None:
    lab = of_classes(fresh, "'little'")
    assert probe(lab.model, lab.day(10)).suspects[0] == "the label (it is little on every row)"
