"""Labels: one finite number a key, or the policy says what to do."""

import polars as pl
import pytest

from model_refresh.errors import ConfigError, DataError
from model_refresh.records import Labels
from model_refresh.refresh.labels import compute_labels
from model_refresh_tests.lab import LABELS, Lab
from model_refresh_tests.refresh.test_frame import frame_at


def labels_at(lab: Lab, number: int) -> Labels:
    return compute_labels(lab.model, lab.store, frame_at(lab, number), earlier=[])


def with_labels(lab: Lab, sql: str, **changes: object) -> Lab:
    (lab.folder / "labels.sql").write_text(sql)
    return lab.again({key.replace("__", "."): value for key, value in changes.items()})


def test_labels_are_known_when_their_window_and_maturity_have_passed(fresh: Lab) -> None:
    lab = fresh.again({"label.maturity": "12h"})
    labels = labels_at(lab, 5)
    assert (labels.as_of, labels.until) == (lab.day(5), lab.day(6))
    assert (labels.known_at - labels.until).total_seconds() == 12 * 3600
    assert (labels.rows, labels.spread) == (300, None)
    assert 0.2 < labels.mean < 0.6


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("NULL::DOUBLE", "300 of 300 values of 'visited' are null, NaN or infinite"),
        ("CASE WHEN customer_id = 3 THEN 'nan'::DOUBLE ELSE 1 END", "1 of 300 values"),
        ("CASE WHEN customer_id = 3 THEN 'inf'::DOUBLE ELSE 1 END", "1 of 300 values"),
        ("max(visited) * 2", "neither 0 nor 1, such as 2.0"),
        ("'yes'", "a number or boolean is needed"),
    ],
)
def test_a_label_that_is_no_class_stops(fresh: Lab, value: str, why: str) -> None:
    lab = with_labels(fresh, LABELS.replace("max(visited) AS", f"{value} AS"))
    with pytest.raises(DataError, match=why):
        labels_at(lab, 5)
    assert list(lab.home.rglob("labels/*/*/*.json")) == []


def test_a_label_of_another_name_says_which_was_meant(fresh: Lab) -> None:
    lab = with_labels(fresh, LABELS.replace("AS visited", "AS visted"))
    said = (
        r"labels\.sql gives no column 'visited', did you mean 'visted'\?; it gives \['customer_id'"
    )
    with pytest.raises(DataError, match=said):
        labels_at(lab, 5)


def test_repeated_label_rows_stop(fresh: Lab) -> None:
    lab = with_labels(fresh, f"{LABELS} UNION ALL {LABELS}")
    with pytest.raises(DataError, match="label rows repeat the customer_id"):
        labels_at(lab, 5)


MISSING = LABELS.replace("WHERE", "WHERE customer_id >= 100 AND")


def test_a_missing_label_is_an_error_by_default(fresh: Lab) -> None:
    with pytest.raises(DataError, match="100 of 300 keys have no label row"):
        labels_at(with_labels(fresh, MISSING), 5)


def test_missing_labels_can_be_dropped(fresh: Lab) -> None:
    assert labels_at(with_labels(fresh, MISSING, label__missing="drop"), 5).rows == 200


def test_missing_labels_can_take_a_value(fresh: Lab) -> None:
    whole = labels_at(with_labels(fresh, MISSING, label__missing="drop"), 5)
    filled = labels_at(with_labels(fresh, MISSING, label__missing=0), 5)
    assert filled.rows == 300
    assert filled.mean == pytest.approx(whole.mean * 200 / 300)


def test_a_label_column_inside_the_features_query_is_read_when_it_is_known(fresh: Lab) -> None:
    sql = (fresh.folder / "features.sql").read_text()
    inside = "max(visited) FILTER (day = $as_of::DATE - 1) AS visited,\n    segment,"
    (fresh.folder / "features.sql").write_text(sql.replace("segment,", inside, 1))
    lab = fresh.again({"label.query": None})
    assert labels_at(lab, 5).rows == 300


def test_a_base_rate_far_from_the_last_ones_stops(fresh: Lab) -> None:
    lab = fresh.again({"checks.label_level_factor": 1.5})
    usual = labels_at(lab, 5)
    often = usual.model_copy(update={"mean": usual.mean * 2})
    with pytest.raises(DataError, match=r"more than checks\.label_level_factor 1\.5 allows"):
        compute_labels(lab.model, lab.store, frame_at(lab, 6), earlier=[often] * 3)


def test_a_key_of_another_type_says_where_and_what_to_do(fresh: Lab) -> None:
    lab = with_labels(
        fresh, "SELECT 'c' || customer_id AS customer_id, 1 AS visited FROM visits GROUP BY ALL"
    )
    with pytest.raises(DataError, match=r"key 'customer_id' is String in the labels query.*'c\d+'"):
        labels_at(lab, 5)


CLASSES = ["none", "once", "2"]
MULTICLASS = """
SELECT customer_id, CASE sum(visited) WHEN 0 THEN 'none' WHEN 1 THEN 'once' ELSE '2' END AS visited
FROM visits
WHERE day >= $as_of AND day < $as_of + INTERVAL 2 DAY
GROUP BY customer_id
"""


def of_classes(fresh: Lab, sql: str, **changes: object) -> Lab:
    declared = {"task": "multiclass", "label__classes": CLASSES, **changes}
    return with_labels(fresh, sql, **declared)


def test_a_class_is_stored_by_its_place_and_counted_by_its_share(fresh: Lab) -> None:
    lab = of_classes(fresh, MULTICLASS)
    labels = labels_at(lab, 5)
    assert (labels.mean, labels.spread, len(labels.shares)) == (0.0, None, 3)
    log = lab.store.labels(labels.query, labels.as_of)
    stored = pl.read_parquet(log.folder / labels.content[:16] / "rows.parquet")
    counts = stored["__label__"].value_counts().sort("__label__")
    assert counts["__label__"].to_list() == [0, 1, 2]
    assert labels.shares == pytest.approx((counts["count"] / 300).to_list())
    assert sum(labels.shares) == pytest.approx(1)


@pytest.mark.parametrize(
    ("value", "classes"),
    [
        ("sum(visited)", ["0", "1", "2"]),
        ("sum(visited)::TINYINT", ["0", "1", "2"]),
        ("sum(visited) > 0", ["false", "true"]),
    ],
)
def test_integers_and_booleans_are_compared_as_text(
    fresh: Lab, value: str, classes: list[str]
) -> None:
    sql = MULTICLASS.replace(
        "CASE sum(visited) WHEN 0 THEN 'none' WHEN 1 THEN 'once' ELSE '2' END", value
    )
    labels = labels_at(of_classes(fresh, sql, label__classes=classes), 5)
    assert len(labels.shares) == len(classes)
    assert min(labels.shares) > 0


def test_another_order_of_classes_asks_another_question(fresh: Lab) -> None:
    one = of_classes(fresh, MULTICLASS).model.definition.question()
    turned = of_classes(fresh, MULTICLASS, label__classes=CLASSES[::-1])
    assert turned.model.definition.question() != one


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (
            "CASE WHEN customer_id < 3 THEN 'odd' WHEN customer_id < 4 THEN 'Once' ELSE 'once' END",
            r"4 of 300 values of 'visited' are no class that is declared: 'odd' \(3 rows\), "
            r"'Once' \(1 rows\); add them to label.classes, or map them in the query",
        ),
        ("CASE WHEN customer_id >= 3 THEN 'once' END", "3 of 300 values of 'visited' are null"),
        ("NULL", "300 of 300 values of 'visited' are null"),
        ("avg(visited)", "is Float64; text, an integer or a boolean is needed"),
        ("max(day)", "is Date; text, an integer or a boolean is needed"),
    ],
)
def test_what_is_no_declared_class_stops(fresh: Lab, value: str, why: str) -> None:
    lab = of_classes(fresh, LABELS.replace("max(visited) AS", f"{value} AS"))
    with pytest.raises(DataError, match=why):
        labels_at(lab, 5)
    assert list(lab.home.rglob("labels/*/*/*.json")) == []


def test_missing_labels_of_classes_can_be_dropped(fresh: Lab) -> None:
    sql = MULTICLASS.replace("WHERE", "WHERE customer_id >= 100 AND")
    labels = labels_at(of_classes(fresh, sql, label__missing="drop"), 5)
    assert labels.rows == 200
    assert sum(labels.shares) == pytest.approx(1)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"label.classes": ["a", "b"]}, "label.classes is for task: multiclass; the task is bin"),
        ({"task": "multiclass"}, "label.classes is missing: a multiclass task needs the name"),
        ({"task": "multiclass", "label.classes": ["a"]}, "label.classes is .*at least 2 items"),
        ({"task": "multiclass", "label.classes": ["a", "b", "a"]}, "'a' is listed already"),
        (
            {"task": "multiclass", "label.classes": [0, 1]},
            r"classes\S* is 0: it must be a text",
        ),
        (
            {"task": "multiclass", "label.classes": ["a", "b"], "label.missing": 0},
            "label.missing is 0; accepted for a multiclass task: error or drop",
        ),
    ],
)
def test_classes_are_declared_once_and_for_multiclass_only(
    fresh: Lab, changes: dict[str, object], why: str
) -> None:
    with pytest.raises(ConfigError, match=why):
        fresh.again(changes)
