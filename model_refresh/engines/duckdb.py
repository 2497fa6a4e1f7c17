"""DuckDB over declared files, or over a .duckdb file that is opened read-only."""

from pathlib import Path
from typing import Annotated, Literal, Self

import duckdb
from pydantic import Field, StringConstraints, field_validator, model_validator

from model_refresh.engines.binding import bind
from model_refresh.engines.drafts import drafted
from model_refresh.engines.failures import write_error
from model_refresh.engines.files import ENDINGS, declared_tables, ending, found_files
from model_refresh.engines.protocol import Engine, Query
from model_refresh.engines.session import Limits
from model_refresh.engines.sessions import SessionEngine
from model_refresh.records import Record

TableName = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
"""A plain SQL identifier."""

DeclaredPath = Annotated[
    str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")
]
"""A path, absolute or relative to the model's folder."""


class DuckDB(Record):
    """A source of files or of one DuckDB database; queries see what is declared here, only."""

    engine: Literal["duckdb"] = Field("duckdb", description="the engine's name")
    tables: dict[TableName, DeclaredPath] = Field(
        default_factory=dict,
        description="name -> file or glob, relative to the model's folder; "
        f"it ends in {', '.join(ENDINGS)}",
    )
    database: DeclaredPath | None = Field(
        None, description="a .duckdb file, opened read-only; its tables are all visible"
    )
    ready: DeclaredPath | None = Field(
        None,
        description="file of a query that gives the source's watermark, one timestamp; "
        "no frame is computed before it reaches as_of",
    )
    memory_limit_mib: int = Field(
        2048, ge=64, le=1 << 20, description="memory of a query in MiB; beyond it DuckDB spills"
    )
    threads: int | None = Field(
        None,
        ge=1,
        le=256,
        description="threads of a query, by default one a core. With more than one, the order of "
        "a GROUP BY without ORDER BY and the last digits of sums may differ between runs",
    )

    @field_validator("tables")
    @classmethod
    def _known_endings(cls, tables: dict[str, str]) -> dict[str, str]:
        for name, declared in tables.items():
            if ending(declared) is None:
                raise ValueError(
                    f"table {name!r}: {declared!r} ends in none of {', '.join(ENDINGS)}"
                )
        return tables

    @model_validator(mode="after")
    def _declares_something(self) -> Self:
        if not self.tables and self.database is None:
            raise ValueError("declare tables (name -> file or glob), a database, or both")
        return self

    def open(self, folder: Path) -> Engine:
        """The engine; EngineError where a declared file is not in `folder`."""
        tables = declared_tables(self.tables, self.database, folder)
        return DuckDBEngine(tables, Limits(self.memory_limit_mib, self.threads))

    def files(self, folder: Path) -> tuple[Path, ...]:
        """The declared files that are there now, globs expanded, absolute and sorted."""
        declared = [*self.tables.values(), *([self.database] if self.database else [])]
        return tuple(sorted({path for each in declared for path in found_files(each, folder)}))


class DuckDBEngine(SessionEngine):
    """Writes frames by DuckDB's own COPY, straight from the query."""

    def write(self, query: Query, path: Path) -> None:
        """Run the query straight into a new Parquet file (zstd), whole or not at all."""
        bound = bind(query)
        with drafted(path) as draft, self._session(draft=draft) as opened:
            relation = opened.relation(bound)
            try:
                relation.write_parquet(str(draft), compression="zstd")
            except duckdb.Error as error:
                raise write_error(error, query, path=path, draft=draft.parent) from error
