"""The incumbent: the champion as the refresh begins, brought onto common ground.

A version carries its own SQL, so a champion is judged on its own frames, and its rows pair with
the challenger's on as_of and key. It is always its trial twin that is judged.
"""

import datetime as dt
from dataclasses import dataclass

from model_refresh.algorithms.version import Version, load_version, read_recipe
from model_refresh.config.model import Model
from model_refresh.errors import CorruptError, ModelRefreshError, NotStored
from model_refresh.records import Challenger, Entry, Frame, Incumbent, Lineage
from model_refresh.refresh.fitting import FitJob
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.twins import card_text, place_of, run_fit
from model_refresh.storage import ModelStore
from model_refresh.storage.store import stamp


@dataclass(frozen=True)
class OnGround:
    """An incumbent's trial twin with its own frames of the holdout, by instant."""

    trial: Version
    frames: dict[dt.datetime, Frame]


def champion_at(store: ModelStore, as_of: dt.datetime) -> Entry | None:
    """The entry that counts for the frame at as_of: the last in log order not after it."""
    counting = [line.record for line in store.champion.lines() if line.record.as_of <= as_of]
    return counting[-1] if counting else None


def champion_by_clock(store: ModelStore, now: dt.datetime) -> Entry | None:
    """Who was in production when the clock said `now`: of what had been recorded by then.

    It is the entry that counted for the newest frame of that instant, be it revoked since.
    """
    recorded = [line.record for line in store.champion.lines() if line.recorded_at <= now]
    counting = [entry for entry in recorded if entry.as_of <= now]
    return counting[-1] if counting else None


def find_incumbent(store: ModelStore, as_of: dt.datetime) -> Incumbent | None:
    """The champion as the refresh at as_of begins: never one that this refresh promoted."""
    lines = [line.record for line in store.champion.lines()]
    before = [e for e in lines if e.as_of < as_of or (e.as_of == as_of and e.kind != "promotion")]
    if not before:
        return None
    entry = before[-1]
    return Incumbent(
        entry=entry.number,
        entry_digest=entry.digest(),
        version=entry.version,
        trial=entry.trial or entry.version,
    )


def bring_to_ground(
    model: Model, store: ModelStore, incumbent: Incumbent, *, holdout: tuple[dt.datetime, ...]
) -> tuple[Incumbent, OnGround | None]:
    """The incumbent ready to be judged on the holdout frames that are legal for it.

    Where that can't be, the incumbent comes back with the reason in `incomparable`.
    """
    try:
        incumbent, trial = _trial_twin(model, store, incumbent)
        return incumbent, stand_on_ground(model, store, trial, holdout=holdout)
    except ModelRefreshError as error:
        if error.transient:
            raise
        return incumbent.model_copy(update={"incomparable": str(error)}), None


def stand_on_ground(
    model: Model, store: ModelStore, trial: Version, *, holdout: tuple[dt.datetime, ...]
) -> OnGround:
    """A version with its own frames of those holdout frames that are legal for it.

    Raises NotStored where there is none or it predicts something else.
    """
    lineage = trial.lineage
    _require_same_question(model, lineage)
    legal = tuple(instant for instant in holdout if instant >= lineage.learned_until)
    if not legal:
        raise NotStored(
            f"its trial twin learned from labels known on {stamp(lineage.learned_until)}, after "
            f"the holdout's frames of {', '.join(stamp(t) for t in holdout)}"
        )
    query = lineage.definition.frame
    frames = {
        instant: compute_frame(model, store, instant, query=query, backfilled=True)
        for instant in legal
    }
    return OnGround(trial, frames)


def _require_same_question(model: Model, lineage: Lineage) -> None:
    ours, theirs = model.definition, lineage.definition
    if ours.question() != theirs.question():
        raise NotStored(
            "it predicts another label: label query, column, classes, horizon, maturity or task "
            "differ; "
            "promote a version by hand to start anew"
        )
    if ours.frame.key != theirs.frame.key:
        raise NotStored(f"its key is {theirs.frame.key}, the model's is now {ours.frame.key}")


def _trial_twin(model: Model, store: ModelStore, incumbent: Incumbent) -> tuple[Incumbent, Version]:
    """The trial twin; a lost one is fitted anew from its recipe and frames."""
    try:
        return incumbent, load_version(store, incumbent.trial)
    except (NotStored, CorruptError) as error:
        job = _rebuild_job(model, store, incumbent, error)
    result, _ = run_fit(model, store, job)
    rebuilt = incumbent.model_copy(update={"trial": result.version, "rebuilt": True})
    return rebuilt, load_version(store, result.version)


def _rebuild_job(
    model: Model, store: ModelStore, incumbent: Incumbent, error: ModelRefreshError
) -> FitJob:
    """What fits the trial twin again: the deployed twin's recipe on the trial's frames."""
    lineage = _trial_lineage(store, incumbent)
    if lineage is None or incumbent.version == incumbent.trial:
        raise NotStored(
            f"the champion's version {incumbent.trial} can't be read: {error}"
        ) from error
    recipe = read_recipe(store.version(incumbent.version))
    return FitJob(
        store=place_of(store),
        recipe=recipe,
        lineage=lineage,
        about=card_text(model),
    )


def _trial_lineage(store: ModelStore, incumbent: Incumbent) -> Lineage | None:
    """The trial twin's lineage, as the record of its refresh keeps it."""
    for as_of in reversed(store.refreshed()):
        for line in store.challengers(as_of).lines():
            found: Challenger = line.record
            if found.version == incumbent.version and found.trial == incumbent.trial:
                return found.trial_lineage
    return None
