"""What the engines that run on DuckDB share: everything but how a file is written."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

import duckdb
import pyarrow as pa

from model_refresh.engines.binding import Bound, bind
from model_refresh.engines.failures import query_error
from model_refresh.engines.protocol import Query
from model_refresh.engines.session import Limits, Session, Tables, session
from model_refresh.engines.statements import read_select
from model_refresh.errors import EngineError

BATCH_ROWS = 122_880
"""Rows of a batch, at most: DuckDB's own row group."""


class SessionEngine:
    """Runs every query in a session of its own over the same tables."""

    def __init__(self, tables: Tables, limits: Limits) -> None:
        self._tables = tables
        self._limits = limits
        self._open = ExitStack()
        self._closed = False

    def parameters(self, sql: str, name: str) -> frozenset[str]:
        """The names, in lower case and without `$`, of the parameters that the statement uses."""
        return read_select(sql, name).parameters

    def batches(self, query: Query) -> Iterator[pa.RecordBatch]:
        """The result's rows in order; at least one batch, empty where there are no rows.

        What is wrong with the statement is raised here, what is wrong with a row while reading.
        """
        bound = bind(query)
        scope = ExitStack()
        self._open.push(scope)
        with ExitStack() as failing:
            failing.callback(scope.close)
            opened = scope.enter_context(self._session())
            reader = _reader(opened, bound)
            scope.callback(reader.close)
            failing.pop_all()
        return self._drained(reader, query, scope)

    def close(self) -> None:
        """End every session, those of results that were not read to their end included."""
        self._closed = True
        self._open.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _drained(
        self, reader: pa.RecordBatchReader, query: Query, scope: ExitStack
    ) -> Iterator[pa.RecordBatch]:
        with scope:
            empty = True
            self._require_open()
            try:
                for batch in reader:
                    yield batch
                    empty = False
                    self._require_open()
            except (duckdb.Error, pa.ArrowException, OSError) as error:
                raise query_error(error, query) from error
            if empty:
                yield pa.RecordBatch.from_pylist([], schema=reader.schema)

    def _require_open(self) -> None:
        if self._closed:
            raise EngineError("the engine is closed; open the source again")

    def _session(self, *, draft: Path | None = None) -> AbstractContextManager[Session]:
        """A session that may write `draft`, and spills beside it; or one that only reads."""
        self._require_open()
        if draft is not None:
            spill = draft.parent / "spill"
            return session(self._tables, self._limits, spill=spill, target=draft)
        return self._reading_session()

    @contextmanager
    def _reading_session(self) -> Iterator[Session]:
        scratch = Path(tempfile.mkdtemp(prefix="model-refresh-"))
        try:
            with session(self._tables, self._limits, spill=scratch / "spill") as opened:
                yield opened
        finally:
            shutil.rmtree(scratch, ignore_errors=True)


def _reader(opened: Session, bound: Bound) -> pa.RecordBatchReader:
    relation = opened.relation(bound)
    try:
        return relation.to_arrow_reader(BATCH_ROWS)
    except duckdb.Error as error:
        raise query_error(error, bound.query) from error
