"""Versions in memory, of tables that have a column of every type; and rows as they are sent."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import get_args

import numpy as np
import polars as pl
from numpy.typing import NDArray

from model_refresh.algorithms import rebuild
from model_refresh.algorithms.protocol import Rows
from model_refresh.algorithms.version import Mixture, Single, Version
from model_refresh.calibration import AnyCalibrator, fit_calibrator, methods
from model_refresh.features import Encoder
from model_refresh.records import (
    ColumnType,
    Definition,
    FrameQuery,
    LabelQuery,
    Lineage,
    Recipe,
    Task,
)
from model_refresh.records.encoding import DatePart, Encoding
from model_refresh.scorer.formula.values import Row
from model_refresh_tests.features.factories import make_columns, make_labels

CLASSES = ("none", "small", "big")
TYPES: dict[str, ColumnType] = {
    "spend": "number", "gappy": "number", "visits": "integer", "serial": "integer",
    "level": "number", "region": "integer", "member": "boolean", "flag": "boolean",
    "city": "text", "born": "date", "seen": "timestamp", "zoned": "timestamp", "same": "number",
}  # fmt: skip
CATEGORICAL = ("city", "level", "region", "flag")
CITIES = ["Oslo", "São Paulo", "東京", "N/A", ""]
INSTANTS = ["0001-01-01", "9999-12-31T23:59:59.999999", "1969-12-31T23:59:59.999999"]
BY_WEEK = dt.timedelta(days=7)
PLAIN = Encoding()
ENCODINGS = {
    "codes": Encoding(),
    "target": Encoding(categories="target", indicators=True, date_parts=get_args(DatePart)),
    "both": Encoding(categories="both", indicators=True, drop_constant=True, drop_duplicate=True),
    "no dates": Encoding(date_parts=()),
}
TASKS: list[Task] = list(get_args(Task))


def make_table(*, rows: int = 400, seed: int = 0) -> pl.DataFrame:
    """A column of every type, each sometimes missing; `same` never differs."""
    rng = np.random.default_rng(seed)
    born = dt.date(1931, 5, 6)
    seen = dt.datetime(1969, 12, 30, 22, 59, 59, 999_999, tzinfo=dt.UTC)
    columns = {
        "spend": rng.gamma(2.0, 10.0, rows),
        "gappy": np.where(rng.random(rows) < 0.3, np.nan, rng.normal(size=rows)),
        "visits": rng.integers(-3, 40, rows),
        "serial": 2**53 + rng.integers(0, 2**20, rows),
        "level": rng.choice([0.1, 0.25, 1 / 3, 7.0, 1e-7, 1e22], rows),
        "region": rng.integers(0, 9, rows),
        "member": rng.random(rows) < 0.4,
        "flag": rng.random(rows) < 0.5,
        "city": [CITIES[i] for i in rng.integers(0, len(CITIES), rows)],
        "born": [born + dt.timedelta(days=int(n)) for n in rng.integers(0, 30_000, rows)],
        "seen": [seen + dt.timedelta(seconds=float(n)) for n in rng.normal(0, 1e8, rows)],
        "zoned": [seen + dt.timedelta(minutes=int(n)) for n in rng.integers(0, 10**7, rows)],
        "same": np.ones(rows),
    }
    table = pl.DataFrame(columns).with_columns(
        pl.col("seen").dt.replace_time_zone(None),
        pl.col("zoned").dt.convert_time_zone("Asia/Tokyo"),
    )
    blank = rng.random((rows, table.width - 1)) < 0.08
    return table.with_columns(
        pl.when(pl.Series(blank[:, i])).then(None).otherwise(pl.col(name)).alias(name)
        for i, name in enumerate(table.columns[:-1])
    )


def make_target(table: pl.DataFrame, task: Task, *, seed: int = 0) -> NDArray[np.float64]:
    """What rises with some columns: 0 and 1, a value, or the place of one of three classes."""
    rng = np.random.default_rng(seed + 1000)
    told = (
        table["spend"].fill_null(0).to_numpy() / 20
        + table["gappy"].is_null().to_numpy()
        + table["city"].is_in(["Oslo", "東京"]).fill_null(value=False).to_numpy()
        + table["level"].fill_null(0.0).is_in([7.0, 1e-7]).to_numpy()
    )
    form = np.asarray(told, dtype=np.float64) + rng.logistic(size=table.height)
    if task == "regression":
        return form * 3 - 4
    if task == "multiclass":
        return np.digitize(form, [1.0, 2.5]).astype(np.float64)
    return (form > 1.7).astype(np.float64)


def make_version(
    task: Task,
    algorithm: str,
    *,
    encoding: Encoding = PLAIN,
    seed: int = 0,
    options: Mapping[str, bool | int | float | str | None] | None = None,
    parameters: Mapping[str, int | float] | None = None,
) -> Version:
    """One model, fitted on the table of this seed."""
    table = make_table(seed=seed)
    target = make_target(table, task, seed=seed)
    count = len(CLASSES) if task == "multiclass" else 0
    labels = make_labels(target.tolist(), [i // 40 for i in range(table.height)], classes=count)
    encoder = Encoder.fit(table, make_columns(**TYPES), CATEGORICAL, encoding, labels)
    rows = Rows(encoder.transform_training(table, labels), target, count)
    used = {"rounds": 25, "num_leaves": 7} | dict(parameters or {})
    made = rebuild(algorithm, dict(options or {}))
    known = {each.name for each in made.space(task)} | {"rounds"}
    fit = made.fit(
        rows,
        task=task,
        parameters={k: v for k, v in used.items() if k in known},
        seed=seed,
        early=None,
    )
    single = Single(encoder, fit.fitted)
    return named(task, single, algorithm=algorithm, encoding=encoding)


def make_mixture(
    task: Task,
    parts: Sequence[tuple[Version, float]],
    calibrator: AnyCalibrator | None = None,
) -> Version:
    """The weighted mean of some, calibrated."""
    return named(task, Mixture(tuple(parts)), algorithm="ensemble", calibrator=calibrator)


def make_blend(task: Task) -> Version:
    """A mixture of a mixture and others, with encodings of their own."""
    inner = make_mixture(
        task,
        [(make_version(task, "lightgbm"), 0.25), (make_version(task, "lightgbm", seed=1), 0.75)],
        calibrator(task, methods(task)[-1]) if task != "multiclass" else None,
    )
    rest = [
        (make_version(task, "linear", encoding=ENCODINGS["target"]), 0.125),
        (make_version(task, "forest", encoding=ENCODINGS["both"]), 0.2),
        (make_version(task, "xgboost"), 0.175),
        (make_version(task, "constant"), 0.1),
    ]
    return make_mixture(task, [(inner, 0.4), *rest])


def calibrator(task: Task, method: str) -> AnyCalibrator:
    """One that has learned that predictions are too low."""
    rng = np.random.default_rng(5)
    predicted = rng.random(400) if task == "binary" else rng.normal(3.0, 5.0, 400)
    target = 1.3 * predicted + rng.normal(0.2, 0.1, 400)
    if task == "binary":
        target = (rng.random(400) < target).astype(np.float64)
    return fit_calibrator(method, predicted, target, task=task)


def named(
    task: Task,
    predictor: Single | Mixture,
    *,
    algorithm: str,
    encoding: Encoding = PLAIN,
    calibrator: AnyCalibrator | None = None,
) -> Version:
    """The predictor as a version."""
    frame = FrameQuery(sql="SELECT 1", key=("id",), rows="snapshot", every="7d")
    label = LabelQuery(
        sql=None, column="label", horizon=BY_WEEK, maturity=BY_WEEK, missing="error",
        classes=CLASSES if task == "multiclass" else (),
    )  # fmt: skip
    return Version(
        name="0123456789abcdef",
        artifact="0123456789abcdef" * 4,
        recipe=Recipe(
            algorithm=algorithm,
            options={},
            parameters={},
            features=make_columns(**TYPES),
            categorical=CATEGORICAL,
            seed=0,
            encoding=encoding,
        ),
        lineage=Lineage(
            model="purchases",
            twin="final",
            definition=Definition(task=task, frame=frame, label=label),
            frames=(),
            known_at=dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
        ),
        predictor=predictor,
        calibrator=calibrator,
    )


def strange_rows(seed: int = 1) -> pl.DataFrame:
    """Rows with values that no training row had, and the edges of types."""
    table = make_table(rows=60, seed=seed)
    edges: dict[str, Sequence[object]] = {
        "spend": [0.0, -0.0, 5e-324, -5e-324, 1e-35, -1e-35, 1e300, -1e300, float("nan"), None],
        "gappy": [1e308, -1e308, 1e38, 4e38, float("nan")],
        "visits": [2**63 - 1, -(2**63), 0, 2**53 + 1],
        "serial": [2**53 + 1, 2**53, 2**62 + 1, -1],
        "level": [0.1 + 5e-17, 0.30000000000000004, 7.0, -0.0, 1e22, float("nan")],
        "region": [99, -1, 2**40, 3],
        "member": [None, True, False],
        "flag": [None, True, False],
        "city": ["Oslo ", "oslo", "Sa\u0303o Paulo", "\U0001f600", "", "\x00"],
        "born": [dt.date(1, 1, 1), dt.date(9999, 12, 31), dt.date(1970, 1, 1)],
        "seen": list(map(dt.datetime.fromisoformat, INSTANTS)),
        "zoned": [dt.datetime(1900, 1, 1, tzinfo=dt.UTC), dt.datetime(2262, 4, 12, tzinfo=dt.UTC)],
        "same": [1.0, 2.0, None],
    }  # fmt: skip
    chosen = {}
    for place, (name, values) in enumerate(edges.items()):
        column = table[name].to_list()
        for number, value in enumerate(values):
            column[(place * 5 + number * 3) % len(column)] = value
        chosen[name] = pl.Series(name, column, dtype=table.schema[name])
    return pl.DataFrame(chosen)


def as_sent(rows: pl.DataFrame) -> list[Row]:
    """Each row as it arrives over the wire: JSON, with text of dates and timestamps."""
    told = json.dumps(rows.to_dicts(), default=lambda moment: moment.isoformat())
    sent: list[Row] = json.loads(told)
    return sent
