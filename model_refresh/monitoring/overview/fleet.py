"""All rows of a fleet, in the order in which they should be looked at."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from model_refresh.config.model import Model
from model_refresh.monitoring.overview.memo import Memo
from model_refresh.monitoring.overview.row import overview, unreadable
from model_refresh.monitoring.state import read_state
from model_refresh.monitoring.urgency import by_urgency
from model_refresh.records import FleetRow
from model_refresh.storage import Store

_PLACE = re.compile(r"(.+?)(?::\d+:\d+|:) ")
"""`file:line:column message` or `folder: message`, as `read_fleet` tells problems."""


def fleet_rows(
    models: Sequence[Model],
    problems: Sequence[str],
    *,
    store: Store,
    memo: Memo,
    now: dt.datetime,
) -> list[FleetRow]:
    """A row a model, and one for each whose declaration can't be read; the most urgent first.

    `problems` are as `read_fleet` gives them.
    """
    rows = [overview(read_state(model, store.model(model.name), now), memo) for model in models]
    return by_urgency([*rows, *_left_out(problems)])


def name_of(problem: str) -> str:
    """What a row on a problem is called: the model's folder, or a file that many models share."""
    place = _PLACE.match(problem)
    if place is None:
        return "fleet"
    file = Path(place[1])
    return file.name if file.name == "defaults.yaml" else file.parent.name or file.name


def _left_out(problems: Sequence[str]) -> list[FleetRow]:
    by_name: dict[str, list[str]] = defaultdict(list)
    for problem in problems:
        by_name[name_of(problem)].append(problem)
    return [unreadable(name, found) for name, found in by_name.items()]
