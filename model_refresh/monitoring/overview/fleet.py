"""All rows of a fleet, in the order in which they should be looked at."""

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from model_refresh.config.alerts import FILE as ALERTS_FILE
from model_refresh.config.defaults import FILE as DEFAULTS_FILE
from model_refresh.config.model import Model
from model_refresh.monitoring.lateness import USUAL, Patience
from model_refresh.monitoring.overview.memo import Memo
from model_refresh.monitoring.overview.row import overview, unreadable
from model_refresh.monitoring.state import read_state
from model_refresh.monitoring.urgency import by_urgency
from model_refresh.records import FleetRow
from model_refresh.storage import Store

_PLACE = re.compile(r"(.+?)(:\d+:\d+|:) ")
"""`file:line:column message` or `folder: message`, as `read_fleet` tells problems."""
_SHARED = (DEFAULTS_FILE, ALERTS_FILE)
"""Files of no one model."""


def fleet_rows(  # noqa: PLR0913  (what is known, and when)
    models: Sequence[Model],
    problems: Sequence[str],
    *,
    store: Store,
    memo: Memo,
    now: dt.datetime,
    patience: Patience = USUAL,
) -> list[FleetRow]:
    """A row a model, and one for each whose declaration can't be read; the most urgent first.

    `problems` are as `read_fleet` gives them.
    """
    states = [read_state(model, store.model(model.name), now) for model in models]
    rows = [overview(state, memo, patience) for state in states]
    return by_urgency([*rows, *_left_out(problems)])


def name_of(problem: str) -> str:
    """What a row on a problem is called: the model's folder, or a file that many models share."""
    place = _PLACE.match(problem)
    if place is None:
        return "fleet"
    at = Path(place[1])
    is_folder = place[2] == ":"
    return at.name if is_folder or at.name in _SHARED else at.parent.name or at.name


def _left_out(problems: Sequence[str]) -> list[FleetRow]:
    by_name: dict[str, list[str]] = defaultdict(list)
    for problem in problems:
        by_name[name_of(problem)].append(problem)
    return [unreadable(name, found) for name, found in by_name.items()]
