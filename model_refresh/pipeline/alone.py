"""A refresh that nobody else does at the same time, with its reason kept."""

import datetime as dt

from model_refresh.config.model import Model
from model_refresh.pipeline import OnStep, refresh
from model_refresh.progress import Tell, silent
from model_refresh.records import Promotion, Reason, Record
from model_refresh.refresh.champion import settled_promotion
from model_refresh.refresh.frame import require_arrived
from model_refresh.splits import plan_frames
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest
from model_refresh.storage.leases import Holder, lease


def refresh_alone(  # noqa: PLR0913  (as refresh, and by whom)
    model: Model,
    store: ModelStore,
    reason: Reason,
    *,
    holder: Holder,
    wide: bool = False,
    on_step: OnStep = lambda name, record: None,
    on_progress: Tell = silent,
) -> Promotion:
    """The refresh of the reason's as_of, under the model's lease from beginning to end.

    One that has promoted already, is too early, or waits for its data writes nothing.
    Raises Leased where another has it, at once or at the end of the step in which it was lost; and
    what `refresh` raises.
    """
    if (settled := settled_promotion(store, reason.as_of)) is not None:
        return settled.record
    plan_frames(reason.as_of, cadence=model.cadence, sizes=model.sizes)  # raises where it is early
    require_arrived(model, store, reason.as_of)
    with lease(store, holder=holder) as held:
        record_reason(store, reason)

        def step(name: str, record: Record) -> None:
            on_step(name, record)
            held.require()

        return refresh(model, store, reason.as_of, wide=wide, on_step=step, on_progress=on_progress)


def record_reason(store: ModelStore, reason: Reason) -> Line[Reason]:
    """Keep why the refresh of `reason.as_of` began; asked again for the same cause, once."""
    key = bytes_digest(reason.request.encode())
    return store.reasons(reason.as_of).record_once(reason, key=key)


def demanded(model: Model, as_of: dt.datetime, *, by: str) -> Reason:
    """The reason of a refresh that a person asks for."""
    request = f"{model.name}|{model.cadence.key(as_of)}|demand|{by}"
    return Reason(kind="demand", as_of=as_of, sentence=f"asked for by {by}", request=request)
