"""Where the data of a new model are: files or a glob, or a table of a DuckDB database."""

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from model_refresh.engines import DuckDB
from model_refresh.engines.files import ENDINGS, ending, found_files, tables_of
from model_refresh.errors import DataError

_ROOT = Path("/")


@dataclass(frozen=True)
class Origin:
    """The table `table` of files, or of a database where `database` says so; paths are absolute.

    `declared` is the file or glob, or the database's file.
    """

    table: str
    declared: str
    database: bool = False

    @property
    def source(self) -> DuckDB:
        """The source that sees this table."""
        if self.database:
            return DuckDB(engine="duckdb", database=self.declared)
        return DuckDB(engine="duckdb", tables={self.table: self.declared})

    def reference(self, folder: Path, *, near: Path) -> str:
        """The path to declare in a model's folder.

        Relative where both lie below `near` and so move together, else absolute.
        """
        inside = Path(os.path.realpath(near))
        path = Path(os.path.realpath(self.declared))
        if path.is_relative_to(inside) and Path(os.path.realpath(folder)).is_relative_to(inside):
            return Path(os.path.relpath(path, os.path.realpath(folder))).as_posix()
        return self.declared

    @property
    def copy_name(self) -> str:
        """The path to declare once the files have been copied into the model's folder."""
        paths = self._files()
        many = len(paths) > 1
        return f"data/{self.table}_*{ending(self.declared)}" if many else self._copies(paths)[0]

    def copy_into(self, folder: Path) -> None:
        """Copy the files into the model's folder."""
        (folder / "data").mkdir()
        paths = self._files()
        for path, name in zip(paths, self._copies(paths), strict=True):
            shutil.copyfile(path, folder / name)

    def _files(self) -> list[Path]:
        return [Path(self.declared)] if self.database else list(found_files(self.declared, _ROOT))

    def _copies(self, paths: list[Path]) -> list[str]:
        if self.database:
            return [f"data/{_identifier(paths[0])}.duckdb"]
        endings = [ending(path.name) or "" for path in paths]
        if len(paths) == 1:
            return [f"data/{self.table}{endings[0]}"]
        return [f"data/{self.table}_{number:05d}{end}" for number, end in enumerate(endings)]


def find_origin(text: str, here: Path) -> Origin:
    """What a person named by FILE, a glob, or FILE.duckdb:TABLE; raises DataError otherwise."""
    if ending(text) is not None:
        return _files_origin(text, here)
    path, _, table = text.rpartition(":")
    if path and (here / path).is_file():
        return _table_origin(here / path, table)
    if (here / text).is_file():
        return _table_origin(here / text, None)
    raise DataError(
        f"{text!r} is no file; accepted: a file or glob that ends in {', '.join(ENDINGS)}, or a "
        "DuckDB database and its table, such as shop.duckdb:orders",
        check="from",
    )


def _files_origin(text: str, here: Path) -> Origin:
    declared = os.path.normpath(here.resolve() / text)
    _require_plain(declared)
    if not found_files(declared, _ROOT):
        raise DataError(f"there is no file {text!r} in {here.resolve()}", check="from")
    return Origin(_identifier(Path(declared)), declared)


def _table_origin(path: Path, table: str | None) -> Origin:
    declared = os.path.normpath(path.resolve())
    _require_plain(declared)
    known = tables_of(Path(declared))
    if table is None and len(known) == 1:
        (table,) = known
    if table not in known:
        met = "which table is meant?" if table is None else f"there is no table {table!r};"
        raise DataError(
            f"{path}: {met} give {path}:TABLE; tables are {', '.join(known) or 'none'}",
            check="from",
        )
    return Origin(table, declared, database=True)


def _require_plain(declared: str) -> None:
    if "${" in declared:
        raise DataError(
            f"{declared!r} has '${{' in its path, which a declaration takes for a variable of the "
            "environment: rename the file",
            check="from",
        )


def _identifier(path: Path) -> str:
    """A table's name from a file's; of a glob, from what comes before its first wildcard."""
    known = ending(path.name)
    stem = path.name[: -len(known)] if known else path.stem
    stem = re.split(r"[*?\[]", stem)[0] or next(
        (part for part in reversed(path.parent.parts) if not re.search(r"[*?\[/]", part)), ""
    )
    name = re.sub(r"[^a-z0-9_]+", "_", stem.lower()).strip("_")[:60]
    return name if re.match(r"[a-z_]", name) else f"rows_{name}".rstrip("_")
