"""A folder of Parquet files, one a partition, in the layout that Hive began."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import Field

from model_refresh.errors import SinkError, SinkUnreachable
from model_refresh.records import Record
from model_refresh.sinks.columns import PARTITION, blocks, columns_of
from model_refresh.sinks.places import place_of
from model_refresh.sinks.protocol import DeclaredPath, Partition
from model_refresh.storage.files import sweep, sync_file, sync_folder, temporary_prefix
from model_refresh.storage.store import stamp

FILE = "scores.parquet"
_HOPELESS = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EISDIR, errno.ELOOP}


class ParquetFolder(Record):
    """Files that any engine reads; take it where nobody needs a database.

    `model=NAME/as_of=DATE/scores.parquet` below `path` is replaced by a rename.
    """

    sink: Literal["parquet"] = Field("parquet", description="the sink's name")
    path: DeclaredPath = Field(
        description="the folder, relative to the model's folder; made where there is none"
    )

    def deliver(self, batch: Path, partition: Partition, folder: Path) -> str:
        """Write the file under another name, flush it, give it its own; its path."""
        root = place_of(self.path, folder) / f"model={partition.model}"
        place = root / f"as_of={quote(stamp(partition.as_of))}" / FILE
        with _refusals_told(place):
            place.parent.mkdir(parents=True, exist_ok=True)
            sweep(root)
            drafts = Path(tempfile.mkdtemp(prefix=temporary_prefix(), dir=root))
            try:
                draft = drafts / "draft"
                _write(draft, batch, partition)
                sync_file(draft)
                os.rename(draft, place)  # noqa: PTH104 - the crash tests count os calls
                for named in (place.parent, root, root.parent):
                    sync_folder(named)
            finally:
                shutil.rmtree(drafts, ignore_errors=True)
        return str(place)

    def examine(self, batch: pa.Schema, key: tuple[str, ...], folder: Path) -> str:
        """Say whether files may be written there."""
        columns_of(batch, key)
        path = place_of(self.path, folder)
        there = next(each for each in (path, *path.parents) if each.exists())
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            raise SinkError(f"{path} takes no files: {there} is no folder that may be written")
        return f"{path} takes a file a partition"

    @property
    def longest_name(self) -> None:
        """None: no limit that matters."""

    def missing_library(self) -> str | None:
        """None: all is there."""
        return None


def _write(draft: Path, batch: Path, partition: Partition) -> None:
    """The batch's rows without what the path says."""
    rows = (block.drop_columns(list(PARTITION)) for block in blocks(batch, partition))
    with pq.ParquetWriter(draft, next(rows).schema, compression="zstd") as writer:
        for block in rows:
            writer.write_batch(block)


@contextmanager
def _refusals_told(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = SinkError if error.errno in _HOPELESS else SinkUnreachable
        raise kind(
            f"{place} could not be written: {error.strerror or error}; what was there is untouched"
        ) from error
