"""From the data to the files of a model: the way through looking, guessing, trying and writing."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from model_refresh.config.values import format_duration
from model_refresh.errors import DataError
from model_refresh.scaffold.declaration import Guessed, declaration_text, question
from model_refresh.scaffold.events import event_queries
from model_refresh.scaffold.facts import Table, listed, look, told
from model_refresh.scaffold.history import history_queries
from model_refresh.scaffold.origin import Origin
from model_refresh.scaffold.roles import Wishes, find_roles
from model_refresh.scaffold.timing import find_span, find_timing
from model_refresh.scaffold.trial import try_queries

_FEWEST_ROWS = 40


@dataclass(frozen=True)
class Proposal:
    """The files of a new model by name, what was guessed in a sentence, and the first refresh."""

    files: Mapping[str, str]
    sentence: str
    first: str | None = None


def propose(
    name: str, origin: Origin, wishes: Wishes, *, declared: str, now: dt.datetime
) -> Proposal:
    """Look at the data and write a model's files; `declared` is their path in its model.yaml.

    Raises DataError with what is missing, and EngineError where the data can't be read.
    """
    with origin.source.open(Path("/")) as engine:
        table = look(engine, origin.table)
        _require_rows(table)
        roles = find_roles(table, wishes)
        timing = find_timing(table, roles, wishes, now=now)
        write = event_queries if roles.shape == "events" else history_queries
        queries = write(table, roles, timing)
        guessed = Guessed(
            name=name,
            table=table,
            roles=roles,
            span=find_span(table, roles.moment),
            timing=timing,
            queries=queries,
            settings=try_queries(table, roles, timing, queries),
            declared=declared,
            is_database=origin.database,
        )
    return Proposal(
        files={
            "model.yaml": declaration_text(guessed),
            "features.sql": queries.features,
            "labels.sql": queries.labels,
            "ready.sql": queries.ready,
        },
        sentence=_sentence(guessed) + ("" if wishes.horizon else _of_horizon(guessed)),
        first=timing.cadence.key(timing.newest),
    )


def _sentence(guessed: Guessed) -> str:
    timing, queries = guessed.timing, guessed.queries
    rows = "events" if guessed.roles.shape == "events" else "snapshots"
    return (
        f"{guessed.name}: {question(guessed)} {guessed.roles.task}, {rows} every {timing.every} "
        f"by {listed(queries.key)}; {told(guessed.roles.moment.column.name)} says when, label "
        f"{told(queries.label)} within {format_duration(timing.horizon)}"
    )


def _of_horizon(guessed: Guessed) -> str:
    """How far ahead to look is a choice that data can't make: what it was guessed from."""
    if guessed.roles.shape != "history":
        return ""
    return f". The horizon is guessed ({guessed.timing.seen}): another one by --horizon 28d"


def _require_rows(table: Table) -> None:
    if table.rows < _FEWEST_ROWS:
        raise DataError(
            f"{told(table.name)} has {table.rows} rows; a model needs {_FEWEST_ROWS} or more",
            check="minimum_rows",
        )
