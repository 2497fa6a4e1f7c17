"""What a candidate wants fitted, before it is."""

from dataclasses import dataclass, field

from model_refresh.config.model import Model
from model_refresh.metrics import metric, names
from model_refresh.metrics.protocol import Floats
from model_refresh.records import Dataset, LabelledFrame
from model_refresh.refresh.dataset import frames_of
from model_refresh.refresh.fitting import FitJob
from model_refresh.refresh.folds import Fold
from model_refresh.storage import ModelStore


class Dropped(Exception):
    """The candidate does not take part in this refresh, and why: nothing went wrong."""


@dataclass(frozen=True)
class Proposal:
    """A job, and what the candidate's record says beside what the job finds out."""

    job: FitJob
    known: dict[str, object] = field(default_factory=dict)

    def resumable(self, store: ModelStore, key: str) -> FitJob:
        """The job, with the journal in which its trials survive a crash."""
        if self.job.search is None:
            return self.job
        search = self.job.search.model_copy(update={"journal": str(store.journal(key).resolve())})
        return self.job.model_copy(update={"search": search})


def folds_of(dataset: Dataset) -> tuple[Fold, ...]:
    """The dataset's folds, newest first, as frames."""
    return tuple(
        Fold(tuning=frames_of(dataset, fold.tuning), validation=frames_of(dataset, fold.validation))
        for fold in reversed(dataset.plan.folds)
    )


def used_by_search(dataset: Dataset) -> tuple[LabelledFrame, ...]:
    """Every frame whose labels a search looks at."""
    folds = folds_of(dataset)
    return tuple(frame for fold in folds for frame in (*fold.tuning, *fold.validation))


def shown_metrics(model: Model) -> tuple[str, ...]:
    """What is measured on validation rows."""
    return tuple(dict.fromkeys([model.primary_metric, *names(model.spec.task)]))


def measured(model: Model, target: Floats, predicted: Floats) -> dict[str, float]:
    """Metric -> its value on some validation rows."""
    costs = model.spec.comparison.cost_matrix
    return {name: metric(name, costs).value(target, predicted) for name in shown_metrics(model)}
