"""Columns and timed labels in one line, and target statistics by the plainest loop."""

import math
from collections.abc import Sequence

import numpy as np
import polars as pl

from model_refresh.features import Encoder, TimedLabels
from model_refresh.records import Column, ColumnType
from model_refresh.records.encoding import Encoding

WEEK = np.timedelta64(7, "D")
START = np.datetime64("2024-01-01", "us")
TARGET = Encoding(categories="target", smoothing=2.0)


def make_columns(**types: ColumnType) -> tuple[Column, ...]:
    return tuple(Column(name=name, type=kind, stored_as=kind) for name, kind in types.items())


def make_labels(
    target: Sequence[float], weeks: Sequence[int], *, lag: int | Sequence[int] = 1, classes: int = 0
) -> TimedLabels:
    """Labels of rows that stood in these weeks, each known `lag` weeks later."""
    as_of = START + np.asarray(weeks, dtype=np.int64) * WEEK
    known_at = as_of + np.asarray(lag, dtype=np.int64) * WEEK
    return TimedLabels(np.asarray(target, dtype=np.float64), as_of, known_at, classes)


def fit_text(
    texts: Sequence[str | None], labels: TimedLabels, encoding: Encoding = TARGET
) -> tuple[Encoder, pl.DataFrame]:
    """An encoder of one text column `t`, and its training rows."""
    rows = pl.DataFrame({"t": pl.Series(texts, dtype=pl.String)})
    return Encoder.fit(rows, make_columns(t="text"), [], encoding, labels), rows


def naive_means(
    texts: Sequence[str | None], labels: TimedLabels, known: set[str], smoothing: float | None
) -> list[list[float]]:
    """What each training row gets, one list a row, by looking at every other row."""
    target = labels.target.tolist()
    learned = [[float(y == k) for y in target] for k in range(labels.classes)] or [target]
    found = []
    for i, text in enumerate(texts):
        before = [j for j in range(len(texts)) if labels.known_at[j] <= labels.as_of[i]]
        row = []
        for y in learned:
            groups: dict[str | None, list[float]] = {}
            for j in before:
                groups.setdefault(texts[j], []).append(y[j])
            prior = math.fsum(y[j] for j in before) / len(before) if before else math.nan
            told = [ys for value, ys in groups.items() if value is None or value in known]
            m = naive_smoothing(told) if smoothing is None else smoothing
            alike = groups.get(text, [])
            mean = (math.fsum(alike) + m * prior) / (len(alike) + m)
            row.append(prior if text is not None and text not in known else mean)
        found.append(row)
    return found


def naive_smoothing(groups: Sequence[Sequence[float]]) -> float:
    """Variance within over variance between, from the two mean squares as textbooks give them."""
    rows = sum(len(ys) for ys in groups)
    if len(groups) < 2 or rows <= len(groups):
        return 10.0
    grand = math.fsum(y for ys in groups for y in ys) / rows
    means = [math.fsum(ys) / len(ys) for ys in groups]
    within = math.fsum((y - m) ** 2 for ys, m in zip(groups, means, strict=True) for y in ys)
    between = math.fsum(len(ys) * (m - grand) ** 2 for ys, m in zip(groups, means, strict=True))
    square_within = within / (rows - len(groups))
    square_between = between / (len(groups) - 1)
    size = (rows - sum(len(ys) ** 2 for ys in groups) / rows) / (len(groups) - 1)
    variance = (square_between - square_within) / size
    if variance <= 0:
        return 1e6
    return min(1e6, max(1.0, square_within / variance))
