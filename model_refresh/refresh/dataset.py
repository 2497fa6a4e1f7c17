"""The dataset step: the frames and labels that a refresh learns from, and how they are split."""

import datetime as dt
from collections.abc import Callable

from model_refresh.config.model import Model
from model_refresh.errors import DataError
from model_refresh.metering import Meter
from model_refresh.records import (
    CheckResult,
    Column,
    Dataset,
    Frame,
    FramePlan,
    LabelledFrame,
    Labels,
)
from model_refresh.refresh.checks import (
    minimum_rows_check,
    one_class_check,
    require,
    schema_check,
)
from model_refresh.refresh.frame import compute_frame, stored_frame
from model_refresh.refresh.labels import compute_labels
from model_refresh.splits import plan_frames
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.store import stamp

FEATURE_TYPES = ("boolean", "integer", "number", "text", "date", "timestamp")


def build_dataset(
    model: Model,
    store: ModelStore,
    as_of: dt.datetime,
    *,
    on_frame: Callable[[Frame], None] = lambda frame: None,
) -> Line[Dataset]:
    """Compute what frames and labels are missing, check them, and say which serve what.

    `on_frame` hears of each history frame that is computed now, oldest first. Raises NotDue while
    too few frames have matured, and DataError where a check fails.
    """
    meter = Meter.start()
    plan = plan_frames(as_of, cadence=model.cadence, sizes=model.sizes)
    current = compute_frame(model, store, as_of, query=model.definition.frame, backfilled=False)
    if not current.rows:
        raise DataError(f"{model.name}, frame of {stamp(as_of)}: 0 rows", check="row_count")
    frames = _labelled_frames(model, store, plan, on_frame=on_frame)
    features, ignored, schema = _features(model, store, current, frames)
    dataset = Dataset(
        as_of=as_of,
        definition=model.definition.digest(),
        plan=plan,
        frames=frames,
        current=current,
        features=features,
        categorical=_categorical(model, features),
        ignored=ignored,
        checks=(schema, *_part_checks(model, plan, frames)),
    )
    require(dataset.checks, about=f"{model.name}, dataset of {stamp(as_of)}")
    return store.datasets(as_of).record_once(dataset, key=dataset.digest(), cost=meter.cost)


def frames_of(dataset: Dataset, instants: tuple[dt.datetime, ...]) -> tuple[LabelledFrame, ...]:
    """The dataset's frames at these instants, oldest first."""
    return tuple(frame for frame in dataset.frames if frame.as_of in instants)


def previous_dataset(store: ModelStore, as_of: dt.datetime) -> Dataset | None:
    """The newest dataset of an earlier refresh."""
    for instant in reversed([instant for instant in store.refreshed() if instant < as_of]):
        line = store.datasets(instant).last()
        if line is not None:
            return line.record
    return None


def _labelled_frames(
    model: Model, store: ModelStore, plan: FramePlan, *, on_frame: Callable[[Frame], None]
) -> tuple[LabelledFrame, ...]:
    instants = {*plan.trial, *plan.holdout, *plan.final}
    instants |= {t for fold in plan.folds for t in (*fold.tuning, *fold.validation)}
    found: list[LabelledFrame] = []
    for instant in sorted(instants):
        query = model.definition.frame
        stored = stored_frame(store, query.digest(), instant)
        frame = stored or compute_frame(model, store, instant, query=query, backfilled=True)
        if stored is None:
            on_frame(frame)
        earlier: list[Labels] = [pair.labels for pair in found if pair.labels.rows]
        found.append(
            LabelledFrame(frame=frame, labels=compute_labels(model, store, frame, earlier=earlier))
        )
    return tuple(found)


def _features(
    model: Model, store: ModelStore, current: Frame, frames: tuple[LabelledFrame, ...]
) -> tuple[tuple[Column, ...], tuple[str, ...], CheckResult]:
    """The feature columns, the new ones left out, and how the frame differs from the last one.

    A new column is adopted, where policy says so, once every frame of the dataset has it.
    """
    spec = model.spec
    taken = {*current.key, *spec.columns.exclude, spec.frame.event_time, spec.label.column}
    usable = [c for c in current.columns if c.name not in taken and c.type in FEATURE_TYPES]
    previous = previous_dataset(store, current.as_of)
    if previous is None or previous.current.query != current.query:
        first = CheckResult(
            name="schema", outcome="passed", sentence="the first dataset of its SQL"
        )
        return tuple(usable), (), first
    known = {c.name for c in previous.current.columns} - set(previous.ignored)
    adopt = spec.checks.new_columns == "adopt"
    if adopt:
        known |= set.intersection(*({c.name for c in pair.frame.columns} for pair in frames))
    ignored = tuple(c.name for c in usable if c.name not in known)
    check = schema_check(
        current.columns,
        previous.current.columns,
        since=f"the dataset of {stamp(previous.as_of)}",
        adopt_new=adopt,
    )
    return tuple(c for c in usable if c.name not in ignored), ignored, check


def _categorical(model: Model, features: tuple[Column, ...]) -> tuple[str, ...]:
    declared = set(model.spec.columns.categorical)
    if unknown := sorted(declared - {column.name for column in features}):
        raise DataError(
            f"{model.name}: columns.categorical names {unknown[0]!r}, which is no feature; "
            f"features are {[column.name for column in features]}",
            check="columns",
        )
    return tuple(c.name for c in features if c.type == "text" or c.name in declared)


def _part_checks(
    model: Model, plan: FramePlan, frames: tuple[LabelledFrame, ...]
) -> tuple[CheckResult, ...]:
    parts = {"training": plan.trial, "validation": plan.validation, "holdout": plan.holdout}
    results = []
    for part, instants in parts.items():
        labels = [pair.labels for pair in frames if pair.as_of in instants]
        results.append(minimum_rows_check(part, labels, model.spec.checks.min_rows))
        if model.spec.task != "regression":
            results.append(one_class_check(part, labels))
    return tuple(results)
