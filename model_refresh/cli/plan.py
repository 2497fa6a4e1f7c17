"""The command `plan`: what a refresh would do, and why."""

import datetime as dt
from collections.abc import Iterator, Sequence

from model_refresh.cli.shared import (
    FLEET,
    HOME,
    FleetFolder,
    Home,
    Json,
    MaybeAsOf,
    Name,
    find_model,
    instant,
    plain,
    print_json,
    print_table,
    say,
    store_of,
)
from model_refresh.config.model import Model
from model_refresh.monitoring.plan import Plan, make_plan
from model_refresh.monitoring.state import read_state
from model_refresh.records import FramePlan
from model_refresh.storage.store import utc_now


def plan(
    name: Name,
    as_of: MaybeAsOf = None,
    json: Json = False,
    fleet: FleetFolder = FLEET,
    home: Home = HOME,
) -> None:
    """Tell what a refresh would do, whether one is due, and why; nothing is computed or written."""
    model = find_model(name, fleet)
    when = model.cadence.parse(as_of) if as_of is not None else instant(model, None)
    made = make_plan(read_state(model, store_of(model, home), utc_now()), when)
    if json:
        print_json(plain(made))
        return
    say(f"{name} {model.cadence.key(when)}: {made.sentence}")
    for line in _said(model, made):
        say(f"  {line}")
    if made.frames is not None:
        print_table(["part", "frames", "from", "to"], list(_parts(model, made.frames)))


def _said(model: Model, made: Plan) -> Iterator[str]:
    if made.barred is not None:
        yield made.barred
    if made.waits_for is not None:
        yield made.waits_for
    if made.under_way is not None:
        yield f"it is being refreshed by {made.under_way}"
    if made.frames is not None:
        yield _of_frames(model, made)
        scope = "everywhere" if made.wide else "as training.tuning says"
        yield f"candidates: {', '.join(made.candidates)}; searches look {scope}"
        yield from made.frames.notes
    if made.seconds is not None and made.last is not None:
        cpu = f", {made.cpu_seconds:.0f} s of CPU" if made.cpu_seconds else ""
        yield f"the refresh of {model.cadence.key(made.last)} took {made.seconds:.0f} s{cpu}"
    yield from made.warnings


def _of_frames(model: Model, made: Plan) -> str:
    if not made.to_compute:
        return f"all {len(made.stored)} frames are stored"
    missing = _listed(model, made.to_compute)
    return f"frames to compute: {missing}; {len(made.stored)} are stored and are used again"


def _listed(model: Model, instants: Sequence[dt.datetime]) -> str:
    keys = [model.cadence.key(each) for each in instants]
    return ", ".join(keys) if len(keys) <= 4 else f"{len(keys)}, {keys[0]} to {keys[-1]}"


def _parts(model: Model, frames: FramePlan) -> Iterator[dict[str, object]]:
    parts = {
        "tuning": frames.tuning,
        "validation": frames.validated,
        "trial": frames.trial,
        "holdout": frames.holdout,
        "final": frames.final,
    }
    for part, instants in parts.items():
        keys = [model.cadence.key(each) for each in instants]
        yield {"part": part, "frames": len(keys), "from": keys[0], "to": keys[-1]}
