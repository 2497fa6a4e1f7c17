import numpy as np
import polars as pl
import pytest

from model_refresh.errors import DataError
from model_refresh.features import Encoder, TargetFeature, TimedLabels
from model_refresh.records.encoding import Encoding
from model_refresh_tests.features.factories import (
    TARGET,
    fit_text,
    make_columns,
    make_labels,
    naive_means,
)

TEXTS = [*"aaaaa", *"bbbbb", None, None, "rare"]
LABELS = make_labels([1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1], [0] * 13)


def test_rows_to_be_scored_get_the_blended_mean_of_all_labels() -> None:
    encoder, _ = fit_text(TEXTS, LABELS)
    matrix = encoder.transform(pl.DataFrame({"t": ["a", "b", None, "rare", "new"]}))
    prior = 7 / 13
    assert (matrix.names, matrix.categories) == (("t:target",), (0,))
    expected = [(3 + 2 * prior) / 7, (1 + 2 * prior) / 7, (2 + 2 * prior) / 4, prior, prior]
    assert matrix.values[:, 0].tolist() == pytest.approx(expected, rel=1e-15)


def test_training_rows_get_the_mean_of_what_was_known_by_their_as_of() -> None:
    texts = [*"aaaaa", *"aab"]
    labels = make_labels([1, 1, 1, 0, 0, 1, 0, 0], [0, 0, 0, 1, 1, 2, 3, 3], lag=2)
    encoder, rows = fit_text(texts, labels)
    means = encoder.transform_training(rows, labels).values[:, 0]
    assert np.isnan(means[:5]).all()
    assert means[5:].tolist() == [1.0, (3 + 2 * 0.6) / 7, 0.6]


def test_a_label_counts_from_the_very_instant_at_which_it_is_known() -> None:
    labels = make_labels([1] * 5 + [0], [0] * 5 + [1], lag=1)
    encoder, rows = fit_text(["a"] * 6, labels)
    assert encoder.transform_training(rows, labels).values[5, 0] == 1.0
    late = TimedLabels(labels.target, labels.as_of, labels.known_at + np.timedelta64(1, "us"))
    assert np.isnan(encoder.transform_training(rows, late).values[5, 0])


@pytest.mark.parametrize("classes", [0, 3])
@pytest.mark.parametrize("lag", [1, 4])
@pytest.mark.parametrize("smoothing", [None, 2.0])
def test_the_ordered_means_are_those_of_a_plain_loop(
    classes: int, lag: int, smoothing: float | None
) -> None:
    rng = np.random.default_rng(lag)
    texts = [None if i == 0 else f"v{i}" for i in rng.integers(0, 40, 400)]
    effect = rng.normal(size=40)[[int((text or "v0")[1:]) for text in texts]]
    target = rng.integers(0, classes, 400) if classes else effect + rng.normal(size=400)
    labels = make_labels(
        target.tolist(), rng.integers(0, 8, 400).tolist(), lag=lag, classes=classes
    )
    encoding = Encoding(categories="target", smoothing=smoothing)
    encoder, rows = fit_text(texts, labels, encoding)
    (feature,) = encoder.features
    assert isinstance(feature, TargetFeature)
    matrix = encoder.transform_training(rows, labels)
    expected = naive_means(texts, labels, set(feature.values), smoothing)
    assert np.allclose(matrix.values, np.array(expected), rtol=1e-9, atol=0, equal_nan=True)
    assert len(matrix.names) == max(classes, 1)


def test_once_all_labels_are_known_training_rows_get_what_rows_to_be_scored_get() -> None:
    labels = make_labels(LABELS.target.tolist(), [0] * 13, lag=0)
    encoder, rows = fit_text(TEXTS, labels)
    trained = encoder.transform_training(rows, labels)
    assert np.array_equal(trained.values, encoder.transform(rows).values)


def test_a_multiclass_label_becomes_the_share_of_each_class() -> None:
    labels = make_labels([0, 0, 1, 2, 0, 1], [0] * 6, classes=3)
    encoder, _ = fit_text(["a"] * 5 + ["b"], labels)
    matrix = encoder.transform(pl.DataFrame({"t": ["a", "b"]}))
    assert matrix.names == ("t:target:0", "t:target:1", "t:target:2")
    assert matrix.values.sum(axis=1).tolist() == pytest.approx([1.0, 1.0])
    assert matrix.values[1].tolist() == [3 / 6, 2 / 6, 1 / 6]


def test_both_keeps_the_code_too() -> None:
    encoder, rows = fit_text(TEXTS, LABELS, Encoding(categories="both"))
    matrix = encoder.transform(rows)
    assert (matrix.names, matrix.categories) == (("t", "t:target"), (3, 0))


@pytest.mark.parametrize(("values", "columns"), [(254, ("t",)), (255, ("t", "t:target"))])
def test_statistics_join_the_codes_where_there_are_more_categories_than_codes(
    values: int, columns: tuple[str, ...]
) -> None:
    texts = [str(i) for i in range(values)] * 5
    labels = make_labels([1.0] * len(texts), [0] * len(texts))
    encoder, rows = fit_text(texts, labels, Encoding(high_cardinality="both"))
    assert encoder.transform(rows).names == columns


def test_a_column_of_a_million_values_keeps_the_most_frequent_fifty_thousand() -> None:
    often = pl.int_range(60_000, eager=True).cast(pl.String)
    texts = pl.concat([*[often] * 5, often.head(40_000), "once-" + often])
    labels = make_labels([1.0] * len(texts), [0] * len(texts))
    rows = texts.alias("t").to_frame()
    encoder = Encoder.fit(rows, make_columns(t="text"), [], TARGET, labels)
    (feature,) = encoder.features
    assert isinstance(feature, TargetFeature)
    assert len(feature.values) == 50_000
    assert set(often.head(40_000)) <= set(feature.values)
    assert len(encoder.canonical()) < 2_000_000
    three = TimedLabels(labels.target, labels.as_of, labels.known_at, classes=3)
    (feature,) = Encoder.fit(rows, make_columns(t="text"), [], TARGET, three).features
    assert isinstance(feature, TargetFeature)
    assert sum(len(means) for means in feature.means) <= 50_000


def test_numbers_and_booleans_that_are_categories_get_statistics_too() -> None:
    rows = pl.DataFrame({"i": [7] * 5 + [8] * 5, "b": [True] * 5 + [False] * 5, "n": [0.5] * 10})
    labels = make_labels([1.0] * 5 + [0.0] * 5, [0] * 10)
    columns = make_columns(i="integer", b="boolean", n="number")
    encoder = Encoder.fit(rows, columns, ["i", "b"], TARGET, labels)
    matrix = encoder.transform(rows.cast({"i": pl.Float64}))
    assert matrix.names == ("i:target", "b:target", "n")
    assert matrix.values[0].tolist() == [6 / 7, 6 / 7, 0.5]
    assert matrix.values[9].tolist() == [1 / 7, 1 / 7, 0.5]


def test_columns_without_statistics_need_no_labels() -> None:
    rows = pl.DataFrame({"n": [1.0, 2.0]})
    encoder = Encoder.fit(rows, make_columns(n="number"), [], TARGET)
    assert encoder.transform(rows).values.tolist() == [[1.0], [2.0]]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "target statistics need labelled rows, and there are none"),
        (make_labels([1.0], [0]), r"13 rows have labels, as_of and known_at of \[1\] rows"),
        (make_labels([np.nan] * 13, [0] * 13), "13 of 13 labels are not finite"),
    ],
)
def test_labels_that_cannot_be_averaged_are_refused(
    labels: TimedLabels | None, message: str
) -> None:
    rows = pl.DataFrame({"t": TEXTS})
    with pytest.raises(DataError, match=message):
        Encoder.fit(rows, make_columns(t="text"), [], TARGET, labels)


def test_labels_of_other_classes_than_learned_from_are_refused() -> None:
    encoder, rows = fit_text(TEXTS, LABELS)
    other = make_labels([0] * 13, [0] * 13, classes=3)
    with pytest.raises(DataError, match="labels of 3 columns meet statistics of 1 for 't'"):
        encoder.transform_training(rows, other)
