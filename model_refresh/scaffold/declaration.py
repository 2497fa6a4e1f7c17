"""The text of a model.yaml, with a comment on everything that was guessed."""

import json
import re
from dataclasses import dataclass

from model_refresh.config.values import format_duration, format_instant
from model_refresh.scaffold.facts import Table, told
from model_refresh.scaffold.queries import Queries
from model_refresh.scaffold.roles import Roles
from model_refresh.scaffold.timing import Span, Timing
from model_refresh.scaffold.trial import Settings

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*([./-][a-z0-9_]+)*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_CRONS = {"7d": "0 6 * * MON", "1d": "0 6 * * *", "1mo": "0 6 2 * *", "1h": "20 * * * *"}


@dataclass(frozen=True)
class Guessed:
    """All that is known of a new model; `declared` is the path of its data."""

    name: str
    table: Table
    roles: Roles
    span: Span
    timing: Timing
    queries: Queries
    settings: Settings
    declared: str
    is_database: bool


def declaration_text(guessed: Guessed) -> str:
    """The whole file."""
    parts = (_head, _source, _frame, _label, _columns, _training, _checks, _schedule)
    return "\n".join(text for part in parts if (text := part(guessed)))


def question(guessed: Guessed) -> str:
    """What is predicted, as a sentence for people."""
    roles, horizon = guessed.roles, format_duration(guessed.timing.horizon)
    who = told(", ".join(column.name for column in roles.entity)) or "row"
    what = told(roles.label.column.name) if roles.label else ""
    if roles.shape == "history":
        amount = what or (told(roles.amount.name) if roles.amount else "")
        if roles.task == "regression":
            return f"How much {amount} will each {who} have within {horizon}?"
        if amount:
            return f"What {amount} will each {who} have within {horizon}?"
        return f"Will each {who} come back within {horizon}?"
    if roles.shape == "panel":
        return f"What will the next {what} of each {who} be?"
    return f"What will {what} be of each row that is to happen?"


def _head(guessed: Guessed) -> str:
    return (
        f"# Written by `model-refresh init` from {told(guessed.declared)}: a guess, to be read.\n"
        f"# Every setting that isn't here has a default: `model-refresh show {guessed.name}`.\n"
        f"name: {guessed.name}\n"
        f"description: {_text(question(guessed))}\n"
        "owners: []  # who is told: [team:crm], or addresses of mail\n"
        f"task: {guessed.roles.task}  # binary | regression | multiclass\n"
    )


def _source(guessed: Guessed) -> str:
    path = _text(guessed.declared)
    where = f"database: {path}" if guessed.is_database else (
        f"tables: {{{guessed.table.name}: {path}}}"
    )  # fmt: skip
    return (
        f"# {guessed.span.rows:,} rows from {guessed.span.first:%Y-%m-%d %H:%M} to "
        f"{guessed.span.last:%Y-%m-%d %H:%M}. More tables can be declared beside it.\n"
        f"source:\n  engine: duckdb\n  {where}\n"
        "  ready: ready.sql  # no frame before the data have reached it\n"
    )


def _frame(guessed: Guessed) -> str:
    timing, queries, roles = guessed.timing, guessed.queries, guessed.roles
    says = {
        "history": "one row for each key that was seen before that instant",
        "panel": "one row for each key that was seen lately",
        "events": "one row for each row that is to happen until the next",
    }[roles.shape]
    seen = f" {timing.seen[:1].upper()}{timing.seen[1:]}." if timing.seen else ""
    key = _text(queries.key[0]) if len(queries.key) == 1 else _list(queries.key)
    lines = [
        f"# Every {timing.every}, {says}.{seen}",
        f"# The newest refresh that the data allow is that of {timing.cadence.key(timing.newest)}.",
        "frame:",
        "  features: features.sql",
        f"  key: {key}",
        f"  rows: {'event' if roles.shape == 'events' else 'snapshot'}",
        *([f"  event_time: {_text(queries.event_time)}"] if queries.event_time else []),
        f"  every: {timing.every}  # 1h to 12h, 1d, 7d or 1mo",
        f"  start: {_text(format_instant(timing.start))}",
    ]
    if queries.assumes_known:
        lines += [
            "  # Taken as known when a row is scored: leave out of the query what isn't, and out",
            "  # of this list what surely is.",
            f"  assumes_known: {_list(queries.assumes_known)}",
        ]
    return "\n".join(lines) + "\n"


def _label(guessed: Guessed) -> str:
    timing, roles = guessed.timing, guessed.roles
    lines = [
        "# How far ahead the label looks, and how long after that it can still change or arrive:",
        "# a label that comes late needs a longer maturity.",
        "label:",
        "  query: labels.sql",
        f"  column: {_text(guessed.queries.label)}",
    ]
    if roles.label is not None and roles.label.classes:
        lines.append(f"  classes: {_list(roles.label.classes, quote=True)}")
    if roles.label is not None and roles.label.positive is not None:
        lines.append(f"  # 1 is {told(roles.label.column.name)} = {told(roles.label.positive)}")
    lines += [
        f"  horizon: {format_duration(timing.horizon)}",
        f"  maturity: {format_duration(timing.maturity)}",
    ]
    if roles.shape != "history" or roles.task == "multiclass":
        lines.append("  missing: drop  # keys without a label are scored, and not learned from")
    return "\n".join(lines) + "\n"


def _columns(guessed: Guessed) -> str:
    if not guessed.queries.categorical:
        return ""
    return (
        "# Whole numbers that are names of something, by their columns' names.\n"
        f"columns: {{categorical: {_list(guessed.queries.categorical)}}}\n"
    )


def _training(guessed: Guessed) -> str:
    settings = guessed.settings
    lines = []
    if settings.window is not None:
        lines.append(f"  window: {settings.window}  # frames to learn from: a frame has few rows")
    if settings.holdout is not None:
        lines.append(f"  holdout: {settings.holdout}  # frames to judge on")
        lines.append(f"  validation: {settings.holdout}")
    text = "training:\n" + "\n".join(lines) + "\n" if lines else ""
    if settings.group_by_key:
        group = _text(guessed.queries.key[0])
        text += (
            "\n# Frames are shorter than a day, so rows of a day don't count as one.\n"
            f"comparison: {{group: {group}}}\n"
        )
    return text


def _checks(guessed: Guessed) -> str:
    settings = guessed.settings
    limits = {
        "min_rows": (settings.min_rows, "the holdout is small"),
        "row_count_factor": (settings.row_count_factor, "frames differ in rows"),
        "label_level_factor": (settings.label_level_factor, "the labels' level moves"),
        "max_null_share": (settings.max_null_share, "some features are mostly null"),
    }
    lines = [
        f"  {name}: {value:g}  # wider than the default: {why}"
        for name, (value, why) in limits.items()
        if value is not None
    ]
    if not lines:
        return ""
    return (
        "# Where data stop a refresh. Widened to what the frames of these data need; narrow them\n"
        "# once it is known what is usual.\nchecks:\n" + "\n".join(lines) + "\n"
    )


def _schedule(guessed: Guessed) -> str:
    every = guessed.timing.every
    cron = _CRONS.get(every) or f"20 */{every[:-1]} * * *"
    return (
        "# Refreshes by themselves. One that comes before its data do waits for them.\n"
        f"schedule: {{cron: {_text(cron)}, timezone: UTC}}\n"
    )


def _list(names: tuple[str, ...], *, quote: bool = False) -> str:
    return "[" + ", ".join(_text(name, quote=quote) for name in names) + "]"


def _text(value: str, *, quote: bool = False) -> str:
    """A text as YAML, in quotes wherever it could be read as something else."""
    if _PLAIN.fullmatch(value) and value not in _WORDS and not quote:
        return value
    return json.dumps(value, ensure_ascii=False)
