"""Labels: one finite number a key, or the policy says what to do."""

import pytest

from model_refresh.errors import DataError
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
