"""The labels of a frame: what became of its rows, once that is known."""

import datetime as dt
from collections.abc import Sequence

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from model_refresh.config.model import Model
from model_refresh.engines import Query
from model_refresh.engines.statements import suggestion
from model_refresh.errors import DataError
from model_refresh.records import Frame, LabelQuery, Labels
from model_refresh.refresh.checks import label_level_check, require
from model_refresh.refresh.frame import frame_query
from model_refresh.refresh.rows import LABEL, load_frame
from model_refresh.storage import Log, ModelStore
from model_refresh.storage.folder import drafting
from model_refresh.storage.store import ROWS, stamp

_RECENT = 4
_SHOWN = 5


def compute_labels(
    model: Model, store: ModelStore, frame: Frame, *, earlier: list[Labels]
) -> Labels:
    """The labels of a frame's keys: the stored ones, or computed now.

    `earlier` are the labels of older frames, oldest first, with which the level is compared.
    A multiclass label is stored as its class's place in `label.classes`; the mean of such numbers
    says nothing, so `mean` is 0.0 and `shares` are what counts. Raises DataError where a check
    fails; nothing is recorded then.
    """
    log = store.labels(label_digest(model), frame.as_of)
    if (stored := _stored(log, frame)) is not None:
        return stored
    about = f"{model.name}, labels of {stamp(frame.as_of)}"
    table = _joined(load_frame(store, frame, []), _run(model, frame), model, about)
    table = _coded(table, model, about)
    labels = _labels(model, frame, table)
    level = label_level_check(
        labels,
        earlier[-_RECENT:],
        model.spec.checks.label_level_factor,
        classes=model.spec.label.classes,
    )
    require([level], about=about)
    with drafting(log.folder) as draft:
        table.write_parquet(draft.path / ROWS)
        content = draft.publish(
            kind="labels",
            inputs={"query": label_digest(model), "frame": frame.content},
            libraries={},
        )
    labels = labels.model_copy(update={"content": content.digest})
    recorded = log.record_once(labels, key=content.digest).record
    return _stored(log, frame) or recorded  # another process may have been first


def _stored(log: Log[Labels], frame: Frame) -> Labels | None:
    """The labels as they were first computed for these rows."""
    lines = log.lines()
    return next((line.record for line in lines if line.record.frame == frame.content), None)


def label_digest(model: Model) -> str:
    """What the labels were computed by; a label column inside features.sql counts that query."""
    return model.definition.question()


def _run(model: Model, frame: Frame) -> pl.DataFrame:
    label = model.definition.label
    columns = [*frame.key, label.column]
    if label.sql is None:
        query = frame_query(model.definition.frame, frame.as_of, str(model.features_path))
    else:
        instants = {"as_of": frame.as_of, "until": until(label, frame.as_of)}
        query = Query(label.sql, {**label.values, **instants}, str(model.labels_path))
    with model.open_source() as engine:
        table = pl.DataFrame(pa.Table.from_batches(list(engine.batches(query))))
    if missing := [name for name in columns if name not in table.columns]:
        raise DataError(
            f"{query.name} gives no column {missing[0]!r}{suggestion(missing[0], table.columns)}; "
            f"it gives {table.columns}"
        )
    return table.select(columns)


def until(label: LabelQuery, as_of: dt.datetime) -> dt.datetime:
    """The end of a frame's label window, exclusive."""
    return as_of + label.horizon


def _joined(keys: pl.DataFrame, found: pl.DataFrame, model: Model, about: str) -> pl.DataFrame:
    label, key = model.definition.label, keys.columns
    found = _with_key_types(found.rename({label.column: LABEL}), keys, about)
    if repeated := found.height - found.select(key).n_unique():
        raise DataError(
            f"{about}: {repeated} of {found.height} label rows repeat the {', '.join(key)} of "
            "another: aggregate them to one row a key",
            check="unique_key",
        )
    joined = keys.join(found.with_columns(pl.lit(1).alias("__found__")), on=key, how="left")
    missing = joined["__found__"].null_count()
    if missing and label.missing == "error":
        raise DataError(
            f"{about}: {missing} of {keys.height} keys have no label row; give each key one, or "
            "say label.missing: drop, or a value",
            check="missing_labels",
        )
    if label.missing == "drop":
        joined = joined.filter(pl.col("__found__").is_not_null())
    elif missing:
        joined = joined.with_columns(
            pl.when(pl.col("__found__").is_null())
            .then(pl.lit(float(label.missing)))
            .otherwise(pl.col(LABEL).cast(pl.Float64))
            .alias(LABEL)
        )
    return joined.drop("__found__")


def _with_key_types(found: pl.DataFrame, keys: pl.DataFrame, about: str) -> pl.DataFrame:
    """The labels with their key as the frame has it; raises DataError where that loses anything."""
    for name in keys.columns:
        wanted, met = keys.schema[name], found.schema[name]
        cast = found[name].cast(wanted, strict=False)
        if cast.null_count() > found[name].null_count():
            odd = found[name].filter(cast.is_null() & found[name].is_not_null())[0]
            raise DataError(
                f"{about}: key {name!r} is {met} in the labels query and {wanted} in the features "
                f"query, and {odd!r} is no {wanted}: cast it in one of them",
                check="label_key",
            )
        found = found.with_columns(cast)
    return found


def _coded(table: pl.DataFrame, model: Model, about: str) -> pl.DataFrame:
    """The labels as numbers: of a multiclass task each class's place among the declared ones."""
    if model.spec.task != "multiclass":
        _require_numbers(table, model, about)
        return table
    label = model.definition.label
    text = _class_names(table[LABEL], label, about)
    if missing := text.null_count():
        raise DataError(
            f"{about}: {missing} of {table.height} values of {label.column!r} are null: give each "
            "a class, or no row and say label.missing: drop",
            check="finite_labels",
        )
    if (odd := text.filter(~text.is_in(label.classes))).len():
        raise DataError(
            f"{about}: {odd.len()} of {table.height} values of {label.column!r} are no class that "
            f"is declared: {_counted(odd)}; add them to label.classes, or map them in the query; "
            f"declared are {_listed(label.classes)}",
            check="label_classes",
        )
    return table.with_columns(text.cast(pl.Enum(label.classes)).to_physical().cast(pl.Int64))


def _class_names(values: pl.Series, label: LabelQuery, about: str) -> pl.Series:
    """Classes as text: 1 is "1", and a boolean "true" or "false"."""
    kind = values.dtype
    whole = kind.is_integer() or (isinstance(kind, pl.Decimal) and not kind.scale)
    named = kind in (pl.String, pl.Categorical, pl.Enum, pl.Boolean, pl.Null)
    if not (whole or named):
        raise DataError(
            f"{about}: column {label.column!r} is {kind}; text, an integer or a boolean is needed, "
            "which names a class: cast it in the query",
            check="label_classes",
        )
    return values.cast(pl.String)


def _counted(odd: pl.Series) -> str:
    """The values, the most frequent first, each with its rows."""
    counts = odd.rename("name").value_counts().sort(["count", "name"], descending=[True, False])
    return _listed([f"{name!r} ({rows} rows)" for name, rows in counts.iter_rows()])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _require_numbers(table: pl.DataFrame, model: Model, about: str) -> None:
    kind = table.schema[LABEL]
    column = model.definition.label.column
    if not (kind.is_numeric() or kind == pl.Boolean):
        raise DataError(
            f"{about}: column {column!r} is {kind}; a number or boolean is needed (for names of "
            "classes declare task: multiclass)"
        )
    values = table[LABEL].cast(pl.Float64)
    bad = values.null_count() + int((~values.drop_nulls().is_finite()).sum())
    if bad:
        raise DataError(
            f"{about}: {bad} of {table.height} values of {column!r} are null, NaN or infinite",
            check="finite_labels",
        )
    if model.spec.task == "binary" and (odd := values.filter(~values.is_in([0.0, 1.0]))).len():
        raise DataError(
            f"{about}: {odd.len()} values of {column!r} are neither 0 nor 1, such as {odd[0]}; "
            "for other numbers declare task: regression",
            check="binary_labels",
        )


def _labels(model: Model, frame: Frame, table: pl.DataFrame) -> Labels:
    label = model.definition.label
    values = table[LABEL].cast(pl.Float64).to_numpy()
    end = until(label, frame.as_of)
    numbers, rows = model.spec.task == "regression", len(values)
    shares = _shares(values, len(label.classes))
    return Labels(
        as_of=frame.as_of,
        until=end,
        known_at=end + label.maturity,
        query=label_digest(model),
        frame=frame.content,
        content="0" * 64,
        rows=rows,
        mean=float(np.mean(values)) if rows and not shares else 0.0,
        spread=(float(np.std(values)) if rows else 0.0) if numbers else None,
        shares=shares,
    )


def _shares(codes: NDArray[np.float64], classes: int) -> tuple[float, ...]:
    """Each class's share of the rows, all 0 without a row; empty where there are no classes."""
    counts = np.bincount(codes.astype(np.intp), minlength=classes) if classes else np.empty(0)
    return tuple((counts / max(1, len(codes))).tolist())
