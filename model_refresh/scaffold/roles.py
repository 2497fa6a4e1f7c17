"""What a table is about: whose rows they are, when they stand, and what is to be predicted.

Three shapes, told apart by what repeats:

- **history**: something comes back again and again at times of its own, as customers buy. What is
  predicted is what it does in the horizon that follows.
- **panel**: each thing has one row a period, with a label. The label of the coming period is
  predicted from the periods before.
- **events**: each row happens once and has a label of its own, as flights have.
"""

from dataclasses import dataclass, replace
from typing import Literal

from model_refresh.errors import DataError
from model_refresh.records import Task
from model_refresh.scaffold.facts import ColumnFacts, Table, listed, told
from model_refresh.scaffold.keys import (
    RowKey,
    find_entity,
    is_panel,
    repeats,
    require_columns,
    row_key,
)
from model_refresh.scaffold.labels import Label, find_label, require_label
from model_refresh.scaffold.moments import Moment, require_moment
from model_refresh.scaffold.vocabulary import AMOUNTS

Shape = Literal["history", "panel", "events"]


@dataclass(frozen=True)
class Wishes:
    """What a person said, as it was typed; None is left to be guessed."""

    task: Task | None = None
    key: tuple[str, ...] = ()
    time: str | None = None
    label: str | None = None
    horizon: str | None = None
    every: str | None = None


@dataclass(frozen=True)
class Roles:
    """What the columns are for.

    `entity` are the columns of who comes back; of events, whose past is known too (maybe none).
    `row` tells events apart. `label` None: whether the entity comes back, or how much of `amount`.
    `features` are all other columns.
    """

    shape: Shape
    task: Task
    moment: Moment
    entity: tuple[ColumnFacts, ...]
    row: RowKey | None
    label: Label | None
    amount: ColumnFacts | None
    features: tuple[ColumnFacts, ...]


def find_roles(table: Table, wishes: Wishes) -> Roles:
    """The roles of a table's columns. Raises DataError with what is missing, and how to say it."""
    moment = require_moment(table, wishes.time)
    entity = require_columns(table, wishes.key)
    taken = {moment.column.name, *[column.name for column in entity]}
    if wishes.label is not None:
        label: Label | None = require_label(table, wishes.label, wishes.task, taken=taken)
    else:
        label = find_label(table, wishes.task, taken=taken)
    found = _Found(table, moment, label, wishes)
    if entity:
        return found.of_key(entity)
    guessed = find_entity(table, taken=taken | ({label.column.name} if label else set()))
    if label is None:
        return found.history((guessed,) if guessed else ())
    whose = (guessed,) if guessed is not None else ()
    if whose and is_panel(table, whose, moment):
        return found.roles("panel", whose)
    row = row_key(table, moment, without={label.column.name})
    return found.roles("events", whose, row=row)


@dataclass(frozen=True)
class _Found:
    """What is known before the shape is."""

    table: Table
    moment: Moment
    label: Label | None
    wishes: Wishes

    def of_key(self, entity: tuple[ColumnFacts, ...]) -> Roles:
        """A key that repeats is whose rows they are; one that doesn't tells events apart."""
        share = repeats(self.table, entity)
        if self.label is not None and share < _NEARLY_UNIQUE:
            return self.roles("events", (), row=RowKey(entity, repeated=share))
        if self.label is not None and is_panel(self.table, entity, self.moment):
            return self.roles("panel", entity)
        if share == 0:
            raise DataError(
                f"{listed([c.name for c in entity])} differs on every row of "
                f"{told(self.table.name)} and no label column is known: nothing comes back, so "
                "there is nothing to predict. Name the column of the outcome by --label, or of who "
                "comes back by --key",
                check="label",
            )
        asked = self.label if self.wishes.label else None
        return replace(self, label=asked).history(entity)

    def history(self, entity: tuple[ColumnFacts, ...]) -> Roles:
        """What comes back; DataError where no column says who."""
        if not entity:
            raise DataError(
                f"{told(self.table.name)} has no column that looks like a label, and none that "
                "says who comes back: name the outcome's column by --label, or the column of a "
                "customer, a shop, a machine by --key. There are "
                f"{listed([c.name for c in self.table.columns], 20)}",
                check="label",
            )
        if self.label is None and self.wishes.task == "multiclass":
            raise DataError(
                "a multiclass task needs the column of the classes: name it by --label",
                check="label",
            )
        return self.roles("history", entity)

    def roles(
        self, shape: Shape, entity: tuple[ColumnFacts, ...], *, row: RowKey | None = None
    ) -> Roles:
        """All of it, with the columns that are left as features."""
        label = self.label
        task: Task = label.task if label else self.wishes.task or "binary"
        used = {self.moment.column.name}
        used |= {column.name for column in (row.columns if row and row.is_plain else ())}
        used |= {column.name for column in (() if row else entity)}
        amount = _amount(self.table, used) if label is None and task == "regression" else None
        used |= {label.column.name} if label else set()
        return Roles(
            shape=shape,
            task=task,
            moment=self.moment,
            entity=entity,
            row=row,
            label=label,
            amount=amount,
            features=tuple(c for c in self.table.columns if c.name not in used and c.distinct > 0),
        )


def _amount(table: Table, taken: set[str]) -> ColumnFacts:
    """What can be added up, by its name or its fractions."""
    numbers = [c for c in table.columns if c.is_number and c.name not in taken and c.distinct > 2]
    if not numbers:
        raise DataError(
            f"{told(table.name)} has no numbers that could be added up for a regression: name the "
            "column by --label",
            check="label",
        )
    return max(numbers, key=lambda c: (bool(c.words & AMOUNTS), c.kind == "number", c.distinct))


_NEARLY_UNIQUE = 0.1
"""Up to this share of rows a key may repeat and still be meant as the key of each row."""
