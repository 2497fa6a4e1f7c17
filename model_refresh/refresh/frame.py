"""The frame step: run features.sql for one as_of, check the table, keep it for good.

A frame is computed once. The same frame is scored today and learned from when its labels have
matured, so training and scoring can't differ.
"""

import contextlib
import datetime as dt
import difflib
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from model_refresh.config.model import Model
from model_refresh.config.source import watermark
from model_refresh.engines import Engine, Query
from model_refresh.engines.statements import suggestion
from model_refresh.errors import DataError, NotDue
from model_refresh.records import CheckResult, Column, ColumnType, Frame, FrameQuery
from model_refresh.refresh.checks import (
    FrameFacts,
    infinity_check,
    key_check,
    null_check,
    require,
    row_count_check,
    schema_check,
    window_check,
)
from model_refresh.refresh.rows import RESERVED
from model_refresh.splits import Cadence
from model_refresh.storage import ModelStore
from model_refresh.storage.folder import Draft, drafting
from model_refresh.storage.store import ROWS, stamp

_RECENT = 4


def compute_frame(
    model: Model, store: ModelStore, as_of: dt.datetime, *, query: FrameQuery, backfilled: bool
) -> Frame:
    """The frame of `query` at as_of: the stored one, or computed now.

    Raises NotDue where the source has not reached as_of, DataError where a check fails, and
    EngineError where the query does; nothing is recorded then.
    """
    if (stored := stored_frame(store, query.digest(), as_of)) is not None:
        return stored
    log = store.frames(query.digest(), as_of)
    with contextlib.ExitStack() as opened:
        engine = opened.enter_context(model.open_source())
        _require_ready(model, engine, as_of)
        draft = opened.enter_context(drafting(log.folder))
        engine.write(frame_query(query, as_of, str(model.features_path)), draft.path / ROWS)
        frame = _frame(draft, query, as_of, backfilled=backfilled)
        if query == model.definition.frame:
            require_declared_columns(model, frame)
        require(
            frame_checks(model, store, frame, query=query, table=draft.path / ROWS),
            about=f"{model.name}, frame of {stamp(as_of)}",
        )
        content = draft.publish(kind="frame", inputs={"query": query.digest()}, libraries={})
    frame = frame.model_copy(update={"content": content.digest})
    recorded = log.record_once(frame, key=content.digest).record
    return stored_frame(store, query.digest(), as_of) or recorded  # another process may be first


def require_arrived(model: Model, store: ModelStore, as_of: dt.datetime) -> None:
    """Raise NotDue where the frame at as_of is still to be computed and its data aren't there."""
    if model.ready_sql is None or stored_frame(store, model.definition.frame.digest(), as_of):
        return
    with model.open_source() as engine:
        _require_ready(model, engine, as_of)


def stored_frame(store: ModelStore, query: str, as_of: dt.datetime) -> Frame | None:
    """The frame as it was first computed with any rows; an empty one is computed again."""
    lines = store.frames(query, as_of).lines()
    return next((line.record for line in lines if line.record.rows), None)


def frame_query(query: FrameQuery, as_of: dt.datetime, name: str) -> Query:
    """features.sql with its instants, `$as_of` and `$next`, and the model's own values."""
    following = Cadence(every=query.every, start=as_of).next(as_of)
    return Query(query.sql, {**query.values, "as_of": as_of, "next": following}, name)


def frame_checks(
    model: Model, store: ModelStore, frame: Frame, *, query: FrameQuery, table: Path
) -> list[CheckResult]:
    """Every check on a frame that has been written, against the frames before it."""
    later = {model.spec.label.column} if model.definition.label.sql is None else set[str]()
    facts = _facts(frame, table, query, known_later=later)
    earlier = earlier_frames(store, frame.query, frame.as_of)
    policy = model.spec.checks
    results = [key_check(facts, frame.key), null_check(facts, policy.max_null_share)]
    if policy.infinities == "error":
        results.append(infinity_check(facts))
    if query.event_time is not None:
        results.append(window_check(facts, query.event_time))
    if earlier:
        since = f"the frame of {stamp(earlier[-1].as_of)}"
        adopt = policy.new_columns == "adopt"
        now, before = ([c for c in f.columns if c.name not in later] for f in (frame, earlier[-1]))
        results.append(schema_check(now, before, since=since, adopt_new=adopt))
    if frame.rows:
        results.append(row_count_check(frame.rows, earlier, policy.row_count_factor))
    return results


def earlier_frames(store: ModelStore, query: str, as_of: dt.datetime) -> list[Frame]:
    """The last few stored frames of a query before as_of, oldest first; empty ones left out."""
    before = [name for name in store.frame_instants(query) if name < stamp(as_of)]
    found = []
    for name in reversed(before):
        instant = dt.datetime.fromisoformat(name).replace(tzinfo=dt.UTC)
        if (frame := stored_frame(store, query, instant)) is not None:
            found.append(frame)
        if len(found) == _RECENT:
            break
    return found[::-1]


def require_declared_columns(model: Model, frame: Frame) -> None:
    """Raise DataError where the declaration names a column that the query doesn't give."""
    spec, names = model.spec, [column.name for column in frame.columns]
    declared = {
        "columns.exclude": spec.columns.exclude,
        "columns.categorical": spec.columns.categorical,
        "frame.assumes_known": spec.frame.assumes_known,
        "comparison.group": [spec.comparison.group] if spec.comparison.group else [],
        "comparison.disjoint": [spec.comparison.disjoint] if spec.comparison.disjoint else [],
        "comparison.slices": list(spec.comparison.slices),
    }
    for field, wanted in declared.items():
        for name in wanted:
            if name not in names:
                close = difflib.get_close_matches(name, names, n=1)
                hint = f"did you mean {close[0]!r}?" if close else f"there are {names}"
                raise DataError(
                    f"{model.name}: {field} names {name!r}, no column of features.sql; {hint}",
                    check="columns",
                )


def read_columns(path: Path) -> tuple[Column, ...]:
    """The columns of a Parquet file, with their types in our words."""
    schema = pq.read_schema(path)
    return tuple(
        Column(name=field.name, type=_type_of(field.type), stored_as=str(field.type))
        for field in schema
    )


def _frame(draft: Draft, query: FrameQuery, as_of: dt.datetime, *, backfilled: bool) -> Frame:
    path = draft.path / ROWS
    columns = read_columns(path)
    names = [column.name for column in columns]
    needed = [*query.key, *([query.event_time] if query.event_time else [])]
    if missing := [name for name in needed if name not in names]:
        raise DataError(
            f"features.sql gives no column {missing[0]!r}{suggestion(missing[0], names)}; "
            f"it gives {names}"
        )
    if taken := [name for name in names if name in RESERVED]:
        raise DataError(f"features.sql gives a column {taken[0]!r}; that name is reserved")
    when = next((c for c in columns if c.name == query.event_time), None)
    if when is not None and when.type not in {"date", "timestamp"}:
        raise DataError(
            f"features.sql gives frame.event_time {when.name!r} as {when.stored_as}: cast it to a "
            "TIMESTAMP"
        )
    return Frame(
        as_of=as_of,
        query=query.digest(),
        content="0" * 64,
        rows=pq.read_metadata(path).num_rows,
        columns=columns,
        key=query.key,
        backfilled=backfilled,
    )


def _facts(frame: Frame, path: Path, query: FrameQuery, *, known_later: set[str]) -> FrameFacts:
    """What the checks look at; a label inside the frame is empty until it is known."""
    scan = pl.scan_parquet(path)
    nulls = [c.name for c in frame.columns if c.name not in known_later]
    doubles = {c.name for c in frame.columns if c.stored_as in {"float", "double"}}
    numbers = [name for name in nulls if name in doubles]
    counts = scan.select(
        *[pl.col(name).null_count().alias(f"n{i}") for i, name in enumerate(nulls)],
        *[pl.col(name).is_infinite().sum().alias(f"i{i}") for i, name in enumerate(numbers)],
        pl.any_horizontal(pl.col(list(frame.key)).is_null()).sum().alias("null_keys"),
        pl.struct(list(frame.key)).n_unique().alias("keys"),
        _outside(frame, query).sum().alias("outside"),
    ).collect(engine="streaming")
    row = counts.row(0, named=True)
    return FrameFacts(
        rows=frame.rows,
        duplicated_keys=frame.rows - row["keys"],
        null_keys=row["null_keys"],
        outside_window=row["outside"],
        nulls={name: row[f"n{i}"] for i, name in enumerate(nulls)},
        infinities={name: row[f"i{i}"] for i, name in enumerate(numbers)},
    )


def _outside(frame: Frame, query: FrameQuery) -> pl.Expr:
    if query.event_time is None:
        return pl.lit(0)
    start = frame.as_of.replace(tzinfo=None)
    end = Cadence(every=query.every, start=frame.as_of).next(frame.as_of).replace(tzinfo=None)
    when = pl.col(query.event_time).cast(pl.Datetime("us"))
    return (~when.is_between(start, end, closed="left")).fill_null(value=True)


def _require_ready(model: Model, engine: Engine, as_of: dt.datetime) -> None:
    reached = watermark(model, engine)
    if model.ready_sql is not None and (reached is None or reached < as_of):
        met = "is empty" if reached is None else f"has reached {reached:%Y-%m-%d %H:%M} UTC"
        newest = model.cadence.floor(reached) if reached is not None else None
        before = f"; its data allow --as-of {model.cadence.key(newest)}" if newest else ""
        raise NotDue(
            f"{model.name}: the source {met}, the frame needs {stamp(as_of)} "
            f"({model.spec.source.ready}): run again when the data has arrived{before}"
        )


def _type_of(kind: pa.DataType) -> ColumnType:
    tests: tuple[tuple[ColumnType, bool], ...] = (
        ("boolean", pa.types.is_boolean(kind)),
        ("integer", pa.types.is_integer(kind)),
        ("number", pa.types.is_floating(kind) or pa.types.is_decimal(kind)),
        ("text", pa.types.is_string(kind) or pa.types.is_large_string(kind)),
        ("date", pa.types.is_date(kind)),
        ("timestamp", pa.types.is_timestamp(kind)),
    )
    if pa.types.is_dictionary(kind):
        return _type_of(kind.value_type)
    return next((name for name, holds in tests if holds), "other")
