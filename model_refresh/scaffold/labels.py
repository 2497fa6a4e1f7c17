"""Which column is the outcome, and how it becomes a label."""

from dataclasses import dataclass

from model_refresh.errors import DataError
from model_refresh.records import Task
from model_refresh.scaffold.facts import ColumnFacts, Table, answers, listed, told
from model_refresh.scaffold.vocabulary import CALLED_LABEL, OUTCOMES, YES

_MOST_CLASSES = 20


@dataclass(frozen=True)
class Label:
    """The outcome's column; `sql` is the value as a label, `classes` are those of multiclass."""

    column: ColumnFacts
    task: Task
    sql: str
    classes: tuple[str, ...] = ()
    positive: str | None = None


def find_label(table: Table, task: Task | None, *, taken: set[str]) -> Label | None:
    """The column that is named like an outcome and can be one; None where there is none."""
    columns = [c for c in table.columns if c.name not in taken]
    called = [c for c in columns if c.words & CALLED_LABEL]
    outcomes = [c for c in columns if c.words & OUTCOMES and c not in called]
    for column in [*called, *outcomes]:
        guessed = _task_of(column)
        if guessed == "regression" and column not in called:
            continue
        if guessed is not None and task in (None, guessed):
            return _label(table, column, guessed)
        if task is not None and column in called and task in _possible(column):
            return _label(table, column, task)
    return None


def require_label(table: Table, name: str, task: Task | None, *, taken: set[str]) -> Label:
    """The label that a person named. Raises DataError where it can't be one of this task."""
    column = table.column(name)
    if column is None or column.name in taken:
        met = "is the key or the time" if column is not None else "is no column"
        known = listed([c.name for c in table.columns if c.name not in taken], 20)
        raise DataError(f"--label {told(name)!r} {met}; accepted: {known}", check="label")
    possible = _possible(column)
    wanted = task or _task_of(column)
    if wanted is None or wanted not in possible:
        asked = f"--task {task} can't be learned" if task else "no label can be made"
        raise DataError(
            f"{asked} from {told(column.name)!r}: it is of type {column.kind} with "
            f"{column.distinct} values; it would serve {', '.join(possible) or 'no task'}",
            check="label",
        )
    return _label(table, column, wanted)


def _possible(column: ColumnFacts) -> list[Task]:
    tasks: list[Task] = []
    named = all(0 < len(each) <= 255 and each.isprintable() for each in column.values)
    if not named and column.kind == "text":
        return tasks
    if column.distinct == 2 and (column.kind in {"boolean", "text"} or _is_zero_one(column)):
        tasks.append("binary")
    if column.is_number and column.distinct > 1:
        tasks.append("regression")
    if column.kind in {"text", "integer"} and 2 <= column.distinct <= _MOST_CLASSES:
        tasks.append("multiclass")
    return tasks


def _task_of(column: ColumnFacts) -> Task | None:
    """The task that a column is most likely for."""
    possible = _possible(column)
    if "binary" in possible:
        return "binary"
    few = column.kind == "text" or column.distinct <= 10
    if "multiclass" in possible and few:
        return "multiclass"
    return "regression" if "regression" in possible else None


def _is_zero_one(column: ColumnFacts) -> bool:
    return column.is_number and column.distinct == 2 and (column.low, column.high) == (0.0, 1.0)


def _label(table: Table, column: ColumnFacts, task: Task) -> Label:
    if task == "multiclass":
        return Label(column, task, f"{column.sql}::VARCHAR", _classes(table, column))
    if task == "regression":
        return Label(column, task, f"{column.value}::DOUBLE")
    if column.kind != "text":
        return Label(column, task, f"{column.sql}::INTEGER")
    yes = next((v for v in column.values if v.strip().lower() in YES), column.values[-1])
    literal = "'" + yes.replace("'", "''") + "'"
    return Label(column, task, f"({column.sql} = {literal})::INTEGER", positive=yes)


def _classes(table: Table, column: ColumnFacts) -> tuple[str, ...]:
    """Every class of all rows, numbers in their order."""
    select = f"SELECT DISTINCT {column.sql}::VARCHAR AS class FROM {table.sql} LIMIT 1001"
    met = {str(row["class"]) for row in answers(table.engine, select) if row["class"] is not None}
    by_value = column.kind == "integer"
    return tuple(sorted(met, key=lambda each: (int(each) if by_value else 0, each)))
