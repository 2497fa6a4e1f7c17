"""What every sink offers: to take a batch in place of all that it has of one model at one as_of."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Protocol

import pyarrow as pa
from pydantic import StringConstraints

DeclaredPath = Annotated[
    str, StringConstraints(min_length=1, max_length=4096, pattern=r"^[^\x00]+$")
]
"""A path, absolute or relative to the model's folder."""

TableName = Annotated[
    str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$")
]
"""A plain SQL identifier, or a schema's and a table's with a dot between them."""


@dataclass(frozen=True)
class Partition:
    """Whose rows a batch replaces, those of `model` at `as_of`, and where its own come from.

    `batch` is the batch's folder in the store, 16 hex digits; `entry` the number of the champion
    log's entry.
    """

    model: str
    as_of: dt.datetime
    key: tuple[str, ...]
    rows: int
    champion: str
    entry: int
    batch: str


class Destination(Protocol):
    """A declared sink. Paths are relative to the model's `folder`."""

    def deliver(self, batch: Path, partition: Partition, folder: Path) -> str:
        """Replace all rows of the partition by the batch's, at once; the place, for people.

        Readers see the old rows or the new ones, other partitions stay as they are, and the same
        batch may be delivered any number of times. Raises SinkError where the sink will never take
        it, SinkUnreachable where it may later; it has what it had before then.
        """
        ...

    def examine(self, batch: pa.Schema, key: tuple[str, ...], folder: Path) -> str:
        """Say in a sentence whether batches of these columns fit; nothing is changed.

        Raises SinkError where they don't, SinkUnreachable where the sink can't be asked.
        """
        ...

    @property
    def longest_name(self) -> int | None:
        """Most bytes of a column's name; None: no limit that matters."""
        ...

    def missing_library(self) -> str | None:
        """What to install before anything can be delivered; None where all is there."""
        ...
