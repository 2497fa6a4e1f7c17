"""What must not meet on a holdout: rows, entities or figures that a version has seen before.

The law of time itself is kept where metrics are computed (`metrics.holdout`), from what a version's
lineage says of its labels. Here is what instants alone don't tell.
"""

import polars as pl

from model_refresh.config.model import Model
from model_refresh.errors import Contaminated, NotStored
from model_refresh.records import Comparison, Dataset, LabelledFrame, Lineage
from model_refresh.refresh.dataset import frames_of
from model_refresh.refresh.rows import load_labelled
from model_refresh.storage import ModelStore
from model_refresh.storage.store import ROWS, stamp


def require_disjoint(model: Model, store: ModelStore, dataset: Dataset, rows: pl.DataFrame) -> None:
    """Raise Contaminated where `comparison.disjoint` is shared between training and holdout.

    Rows without a value on both sides may be of the same entity: they count as shared.
    """
    column = model.spec.comparison.disjoint
    if column is None:
        return
    trained = load_labelled(store, frames_of(dataset, dataset.plan.trial), [column])
    shared = rows[column].is_in(trained.table[column].unique().implode(), nulls_equal=True)
    if count := int(shared.sum()):
        raise Contaminated(
            f"{model.name}, comparison of {stamp(dataset.as_of)}: {count} holdout rows share their "
            f"{column!r} with training rows, which comparison.disjoint forbids"
        )


def require_other_tables(store: ModelStore, dataset: Dataset, lineages: list[Lineage]) -> None:
    """Raise Contaminated where a holdout frame is a frame of training under another date.

    So it is where a query doesn't depend on `$as_of`: each frame is the same table with the same
    labels, and a model that remembers its training rows looks perfect.
    """
    judged = {_bytes(store, pair): pair for pair in frames_of(dataset, dataset.plan.holdout)}
    for pair in dict.fromkeys(pair for lineage in lineages for pair in lineage.frames):
        same = judged.get(_bytes(store, pair))
        if same is not None and same.as_of != pair.as_of:  # its own date is the law of time's
            raise Contaminated(
                f"{store.name}, comparison of {stamp(dataset.as_of)}: the holdout frame of "
                f"{stamp(same.as_of)} has the same rows and labels as the training frame of "
                f"{stamp(pair.as_of)}: the queries give one table whatever $as_of is"
            )


def require_own_figures(store: ModelStore, comparison: Comparison) -> Dataset:
    """The dataset that a comparison was made on.

    Raises Contaminated where its figures are not of that dataset's holdout, such as those of an
    older refresh.
    """
    about = f"{store.name}, comparison of {stamp(comparison.as_of)}"
    line = store.datasets(comparison.as_of).holding(comparison.dataset)
    if line is None:
        raise Contaminated(f"{about}: the dataset that it was made on is not stored; run it again")
    foreign = sorted(set(comparison.holdout) - set(line.record.plan.holdout))
    if comparison.metrics and (foreign or not comparison.holdout):
        judged = ", ".join(stamp(instant) for instant in foreign) or "no frame at all"
        raise Contaminated(
            f"{about}: its figures are of {judged}, and the holdout is "
            f"{', '.join(stamp(instant) for instant in line.record.plan.holdout)}: run it again"
        )
    return line.record


def _bytes(store: ModelStore, pair: LabelledFrame) -> tuple[str, str]:
    """The digests of a frame's and its labels' table files: what the rows are, whatever the date.

    Of what is not stored any more: of its folders, which are like no other's.
    """
    frame, labels = pair.frame, pair.labels
    try:
        rows = store.content(store.frames(frame.query, frame.as_of), frame.content)
        known = store.content(store.labels(labels.query, labels.as_of), labels.content)
    except NotStored:
        return frame.content, labels.content
    return rows.manifest.files[ROWS].sha256, known.manifest.files[ROWS].sha256
