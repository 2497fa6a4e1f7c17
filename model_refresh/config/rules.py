"""Rules that span several fields of a declaration.

Each rule is asked where the sections that it reads are valid by themselves: one wrong section
hides no problem of another.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise

from model_refresh.config.declaration import (
    ColumnsSpec,
    ComparisonSpec,
    FrameSpec,
    LabelSpec,
)
from model_refresh.config.for_each import long_names
from model_refresh.config.messages import Problem, dotted, not_accepted
from model_refresh.config.production_rules import deploy_rules, sink_rules
from model_refresh.config.reader import Path
from model_refresh.config.training_rules import candidate_rules, training_rules
from model_refresh.config.values import format_duration
from model_refresh.gates import Gate
from model_refresh.gates.stability import Stability
from model_refresh.metrics import names
from model_refresh.metrics.catalogue import forms, serves
from model_refresh.records import Task
from model_refresh.splits import Cadence


def broken_rules(sections: Mapping[str, object]) -> Iterator[Problem]:
    """Every broken rule, of a declaration's valid sections by name."""
    for needed, rule in _RULES:
        if all(name in sections for name in needed):
            yield from rule(*[sections[name] for name in needed])


def _frame_rules(frame: FrameSpec) -> Iterator[Problem]:
    try:
        Cadence(every=frame.every, start=frame.start)
    except ValueError as error:
        yield Problem(("frame", "start"), f"frame.start: {error}")
    if frame.rows == "event" and frame.event_time is None:
        yield Problem(
            ("frame", "rows"),
            "frame.rows is event: give frame.event_time, which says when",
        )
    if frame.rows == "snapshot" and frame.event_time is not None:
        yield Problem(
            ("frame", "event_time"),
            "frame.event_time is for rows: event; snapshot rows stand at $as_of",
        )


def _window_rules(frame: FrameSpec, label: LabelSpec) -> Iterator[Problem]:
    """The label of an event is not known before the event's own window has ended."""
    try:
        cadence = Cadence(every=frame.every, start=frame.start)
    except ValueError:
        return
    nexts = [cadence.move(cadence.start, months) for months in range(13)]
    longest = max(after - before for before, after in pairwise(nexts))
    if frame.rows == "event" and label.horizon < longest:
        yield Problem(
            ("label", "horizon"),
            f"label.horizon is {format_duration(label.horizon)}; events happen up to "
            f"{format_duration(longest)} after $as_of (frame.every): give at least as much",
        )


def _column_rules(frame: FrameSpec, label: LabelSpec, columns: ColumnsSpec) -> Iterator[Problem]:
    special = dict.fromkeys(frame.key, "part of frame.key")
    if frame.event_time is not None:
        special[frame.event_time] = "frame.event_time"
    if label.column in special:
        yield Problem(("label", "column"), f"label.column is {special[label.column]} too")
    special |= {label.column: "label.column"} | dict.fromkeys(columns.exclude, "in columns.exclude")
    lists = {("columns", "categorical"): columns.categorical}
    lists[("frame", "assumes_known")] = frame.assumes_known
    for path, listed in lists.items():
        for number, name in enumerate(listed):
            if name in special:
                message = f"{dotted(path)} names {name!r}, which is {special[name]}: no feature"
                yield Problem((*path, number), message)


def _label_rules(task: Task, label: LabelSpec) -> Iterator[Problem]:
    if task == "binary" and isinstance(label.missing, float) and label.missing not in (0.0, 1.0):
        yield Problem(
            ("label", "missing"),
            f"label.missing is {label.missing:g}; accepted for a binary task: error, drop, 0 or 1",
        )
    if task != "multiclass":
        if label.classes:
            yield Problem(
                ("label", "classes"),
                f"label.classes is for task: multiclass; the task is {task}: leave them out",
            )
        return
    if isinstance(label.missing, float):
        yield Problem(
            ("label", "missing"),
            f"label.missing is {label.missing:g}; accepted for a multiclass task: error or drop; "
            "to take a class, give every key a row in the labels query",
        )
    if not label.classes:
        yield Problem(
            ("label",),
            "label.classes is missing: a multiclass task needs the name of every class that the "
            "label's column can have, such as classes: [none, small, big]",
        )
    for number, name in enumerate(label.classes):
        if name in label.classes[:number]:
            path: Path = ("label", "classes", number)
            yield Problem(path, f"{dotted(path)}: {name!r} is listed already; list it once")


def _metric_rules(task: Task, comparison: ComparisonSpec) -> Iterator[Problem]:
    declared: list[tuple[Path, str | None]] = [(("comparison", "metric"), comparison.metric)]
    also = comparison.also or ()
    declared += [(("comparison", "also", number), name) for number, name in enumerate(also)]
    for path, name in declared:
        if name is not None:
            yield from _unserved(path, name, task, comparison)


def _unserved(path: Path, name: str, task: Task, comparison: ComparisonSpec) -> Iterator[Problem]:
    """A metric that there is not, that is for other tasks, or that lacks its costs."""
    if not serves(name, task):
        yield Problem(path, f"{not_accepted(path, name, forms(task))} (task: {task})")
    elif name == "value" and comparison.cost_matrix is None:
        yield Problem(path, f"{dotted(path)}: value needs comparison.cost_matrix; give it")


def _evidence_rules(task: Task, label: LabelSpec, comparison: ComparisonSpec) -> Iterator[Problem]:
    costs = comparison.cost_matrix
    wanted = {"binary": 2, "regression": 0, "multiclass": len(label.classes)}[task]
    at: Path = ("comparison", "cost_matrix")
    if costs is not None and wanted == 0:
        yield Problem(at, "comparison.cost_matrix is for tasks that tell classes apart")
    elif costs is not None and {len(costs), *map(len, costs)} != {wanted}:
        shape = " and ".join(str(len(row)) for row in costs)
        yield Problem(
            at,
            f"comparison.cost_matrix has {len(costs)} rows of {shape} columns; accepted: "
            f"{wanted} rows of {wanted} columns, one for each class",
        )
    elif costs is not None and any(
        all(row[decided] <= min(row) for row in costs) for decided in range(wanted)
    ):
        yield Problem(
            at,
            "comparison.cost_matrix has a column that costs least whatever happens: no prediction "
            "would change a decision",
        )
    tiers = comparison.tiers
    if tiers and task == "multiclass":
        yield Problem(
            ("comparison", "tiers"),
            "comparison.tiers cut one score a row; a multiclass task has one a class",
        )
    if any(low >= high for low, high in pairwise(tiers)):
        yield Problem(("comparison", "tiers"), "comparison.tiers must rise from one to the next")
    for number, name in enumerate(comparison.slices):
        if name == label.column:
            path: Path = ("comparison", "slices", number)
            yield Problem(path, f"{dotted(path)} names {name!r}, which is label.column")


def _gate_rules(
    task: Task, comparison: ComparisonSpec, gates: tuple[Gate, ...]
) -> Iterator[Problem]:
    primary = comparison.metric or names(task)[0]
    for number, gate in enumerate(gates):
        at: Path = ("gates", number)
        for name in gate.reads(task, primary):
            if name != primary or getattr(gate, "metric", None) is not None:
                path = (*at, "metric") if getattr(gate, "metric", None) is not None else at
                yield from _unserved(path, name, task, comparison)
        if isinstance(gate, Stability) and gate.of == "tier" and not comparison.tiers:
            yield Problem(at, f"{dotted(at)}: of: tier needs comparison.tiers; give them")
        if gate in gates[:number]:
            yield Problem(at, f"{dotted(at)} is listed already; list it once")
        for field, message in gate.problems(task, primary):
            yield Problem((*at, field), f"{dotted((*at, field))}: {message}")


_RULES: tuple[tuple[tuple[str, ...], Callable[..., Iterator[Problem]]], ...] = (
    (("name", "for_each"), long_names),
    (("frame",), _frame_rules),
    (("frame", "label"), _window_rules),
    (("frame", "label", "columns"), _column_rules),
    (("training",), training_rules),
    (("task", "training"), candidate_rules),
    (("deploy", "training"), deploy_rules),
    (("frame", "label", "scores"), sink_rules),
    (("task", "label"), _label_rules),
    (("task", "comparison"), _metric_rules),
    (("task", "label", "comparison"), _evidence_rules),
    (("task", "comparison", "gates"), _gate_rules),
)
"""Each rule with the sections that it reads."""
