"""Up to when a source is complete, by the query that the model declares for it."""

import datetime as dt

import pyarrow as pa

from model_refresh.config.model import Model
from model_refresh.engines import Engine, Query
from model_refresh.errors import DataError


def watermark(model: Model, engine: Engine) -> dt.datetime | None:
    """Up to when the source is complete, by the model's `source.ready` query; None without one."""
    if model.ready_sql is None:
        return None
    query = Query(model.ready_sql, model.values, str(model.spec.source.ready))
    table = pa.Table.from_batches(list(engine.batches(query)))
    value = table.column(0)[0].as_py() if table.num_rows else None
    if value is None:
        return None
    if not isinstance(value, dt.date):
        raise DataError(f"{model.spec.source.ready} gives {value!r}; a date or timestamp is needed")
    instant = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time())
    return instant.replace(tzinfo=dt.UTC) if instant.tzinfo is None else instant.astimezone(dt.UTC)
