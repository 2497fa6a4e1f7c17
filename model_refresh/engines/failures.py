"""DuckDB's errors as ours: the query's name, its line, and DuckDB's own reason."""

import re
from pathlib import Path

import duckdb

from model_refresh.engines.places import place_in
from model_refresh.engines.protocol import Query
from model_refresh.errors import EngineBusy, EngineError, StoreWriteError

_LINE = re.compile(r"\n+LINE (\d+): (.*)\n?(.*)(\n.*)*", re.MULTILINE)
_LONGEST = 600
_LONGEST_NAME = 80
_LOCKED = ("Could not set lock on file", "Unique file handle conflict")
_UNPLAYABLE = "Failure while replaying WAL"


def query_error(error: Exception, query: Query) -> EngineError:
    """What went wrong while reading or running a query: `name:line:column reason`.

    `name: reason` where DuckDB doesn't say at what.
    """
    text = str(error)
    where = f"{query.name}:"
    if found := _LINE.search(text):
        where = f"{query.name}:{place_in(query.sql, int(found[1]), found[2], found[3])}"
        text = text[: found.start()]
    reason = " ".join(_without_advice(text, error).split())
    return EngineError(f"{where} {reason[:_LONGEST]}")


def write_error(
    error: Exception, query: Query, *, path: Path, draft: Path
) -> EngineError | StoreWriteError:
    """The same for a query that writes to `path` by way of files in the folder `draft`."""
    refused = isinstance(error, duckdb.IOException | OSError) and str(draft) in str(error)
    if not refused and "No space left" not in str(error):
        return query_error(error, query)
    reason = str(query_error(error, query)).replace(str(draft), str(path.parent))
    return StoreWriteError(
        f"{path} could not be written, nothing was left there: {reason}; "
        "free or enlarge the disk and run again"
    )


def database_error(error: Exception, database: Path) -> EngineError:
    """What went wrong while opening a .duckdb file; EngineBusy where another process has it."""
    reason = str(error).splitlines()[0]
    if any(sign in reason for sign in _LOCKED):
        return EngineBusy(
            f"{database} is locked by another process, which writes it: {reason}; "
            "run again when it has finished"
        )
    if _UNPLAYABLE in reason:
        return EngineError(
            f"{database} could not be opened: {reason}; it is only read here, so it was left as it "
            f"is. Restore it, or move {database.name}.wal aside: what was written since DuckDB's "
            "last checkpoint is then missing"
        )
    return EngineError(f"{database} could not be opened: {reason}")


def shortened(name: str) -> str:
    """A name of any length, cut to what fits into a message."""
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 3]}..."


def _without_advice(text: str, error: Exception) -> str:
    if isinstance(error, duckdb.OutOfMemoryException):
        return f"{text.splitlines()[0]}; raise source.memory_limit_mib or let the query keep less"
    if isinstance(error, duckdb.PermissionException):
        return f"{text.splitlines()[0]}; a query reads the declared tables and nothing else"
    return text
