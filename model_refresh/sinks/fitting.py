"""Whether a table that exists already can take the columns of a batch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from model_refresh.errors import SinkError
from model_refresh.sinks.columns import Column


@dataclass(frozen=True)
class Existing:
    """A column that a table has; `is_demanded`: a row without a value for it is refused."""

    name: str
    stored_as: str
    is_demanded: bool


def require_fit(
    table: str,
    existing: Iterable[Existing],
    wanted: Iterable[Column],
    accepted: Mapping[str, tuple[str, ...]],
) -> None:
    """Raise SinkError naming every column that is missing, is of another type, or is in the way.

    `accepted` has the types, by a wanted column's name, that hold its values without a loss.
    Columns that the table has beside those are left to their defaults.
    """
    found = {column.name: column for column in existing}
    names = [column.name for column in wanted]
    problems = [f"lacks the column {name!r}" for name in names if name not in found]
    problems += [
        f"has {name!r} as {found[name].stored_as}, where {' or '.join(accepted[name])} is needed"
        for name in names
        if name in found and found[name].stored_as not in accepted[name]
    ]
    problems += [
        f"demands a value for {column.name!r}, which no batch has"
        for column in found.values()
        if column.is_demanded and column.name not in names
    ]
    if problems:
        raise SinkError(
            f"table {table} is not one that batches fit into: it {'; it '.join(problems)}. Alter "
            "it, or name a table that does not exist: it is made"
        )
