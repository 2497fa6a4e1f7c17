"""Up to when a source is complete, by the query that the model declares for it."""

import datetime as dt

import pyarrow as pa

from model_refresh.config.model import Model
from model_refresh.engines import Engine, Query
from model_refresh.engines.places import START
from model_refresh.errors import DataError

_NEEDED = "one date or timestamp is needed, up to when the source is complete"


def watermark(model: Model, engine: Engine) -> dt.datetime | None:
    """Up to when the source is complete, by the model's `source.ready` query.

    None without such a query, and where it gives no row or null. Raises DataError for more than
    one value, or for one that is no instant, and what running the query raises.
    """
    if model.ready_sql is None:
        return None
    query = Query(model.ready_sql, model.values, str(model.ready_path))
    value = _only_value(query, pa.Table.from_batches(list(engine.batches(query))))
    if value is None:
        return None
    if not isinstance(value, dt.date):
        raise _unfit(query, f"{value!r}")
    instant = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
    return instant.replace(tzinfo=dt.UTC) if instant.tzinfo is None else instant.astimezone(dt.UTC)


def _only_value(query: Query, table: pa.Table) -> object:
    if table.num_columns != 1:
        raise _unfit(query, f"{table.num_columns} columns, {', '.join(table.column_names)}")
    if table.num_rows > 1:
        raise _unfit(query, f"{table.num_rows} rows")
    return table.column(0)[0].as_py() if table.num_rows else None


def _unfit(query: Query, met: str) -> DataError:
    return DataError(f"{query.name}:{START} gives {met}; {_NEEDED}")
