"""A model as the steps receive it: its declaration, its folder and the text of its queries."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from model_refresh.config.declaration import Declaration
from model_refresh.config.parameters import Values, named_in
from model_refresh.config.reader import Path as Place
from model_refresh.engines import Engine
from model_refresh.metrics import Metric, metric, names
from model_refresh.records import Definition, FrameQuery, LabelQuery, canonical_json
from model_refresh.splits import Cadence, Sizes


@dataclass(frozen=True)
class Model:
    """What is declared in the fleet, resolved; never a fitted object.

    `spec` is the declaration with every `${NAME}` of its source and sink filled in; `written` is
    each filled text -> the text as it was written, which is what may be shown; `inherited` is the
    defaults.yaml that each path not said in the model's own file came from.
    """

    spec: Declaration = field(repr=False)
    folder: Path
    features_sql: str = field(repr=False)
    labels_sql: str | None = field(repr=False, default=None)
    ready_sql: str | None = field(repr=False, default=None)
    written: Mapping[str, str] = field(repr=False, default_factory=dict)
    inherited: Mapping[Place, Path] = field(repr=False, default_factory=dict)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.spec.name

    @property
    def values(self) -> Values:
        """What the queries' own parameters are bound to, where the folder declares many models."""
        return next(iter(self.spec.for_each.values()), {})

    @property
    def title(self) -> str:
        """The name, and the first line of the description."""
        first = self.spec.description.strip().split("\n")[0]
        return f"{self.name}: {first}" if first else self.name

    @cached_property
    def cadence(self) -> Cadence:
        """Which instants have a frame."""
        return Cadence(every=self.spec.frame.every, start=self.spec.frame.start)

    @cached_property
    def sizes(self) -> Sizes:
        """How long labels take, and how many frames serve what."""
        label, training = self.spec.label, self.spec.training
        return Sizes(
            horizon=label.horizon,
            maturity=label.maturity,
            window=training.longest_window,
            min_frames=training.min_frames,
            holdout=training.holdout,
            validation=training.validation,
            folds=training.folds,
        )

    @cached_property
    def definition(self) -> Definition:
        """What must stay the same for two versions to be comparable."""
        frame, label = self.spec.frame, self.spec.label
        return Definition(
            task=self.spec.task,
            frame=FrameQuery(
                sql=self.features_sql,
                values=named_in(self.features_sql, self.values),
                key=frame.key,
                rows=frame.rows,
                event_time=frame.event_time,
                every=frame.every,
            ),
            label=LabelQuery(
                sql=self.labels_sql,
                values=named_in(self.labels_sql, self.values),
                column=label.column,
                horizon=label.horizon,
                maturity=label.maturity,
                missing=label.missing,
                classes=label.classes,
            ),
        )

    @property
    def primary_metric(self) -> str:
        """What decides between candidates, and what gates use unless they name another."""
        return self.spec.comparison.metric or names(self.spec.task)[0]

    @property
    def metric_names(self) -> tuple[str, ...]:
        """What is computed: the primary metric, what is shown beside it, what gates name."""
        task, also = self.spec.task, self.spec.comparison.also
        shown = names(task) if also is None else also
        read = [name for gate in self.spec.gates for name in gate.reads(task, self.primary_metric)]
        costs = () if self.spec.comparison.cost_matrix is None else ("value",)
        return tuple(dict.fromkeys([self.primary_metric, *shown, *costs, *read]))

    def metric(self, name: str) -> Metric:
        """The metric of that name, which knows this model's costs."""
        return metric(name, self.spec.comparison.cost_matrix)

    @property
    def tuning_loss(self) -> str:
        """What a search minimises: the primary metric where it is a loss, else the task's own."""
        primary = metric(self.primary_metric)
        return primary.name if primary.is_loss else names(self.spec.task)[0]

    @property
    def max_age(self) -> dt.timedelta:
        """The age of a champion from which on a person is alerted."""
        declared = self.spec.champion.max_age
        start = self.cadence.start
        return declared or 4 * (self.spec.label.horizon + (self.cadence.next(start) - start))

    @property
    def features_path(self) -> Path:
        """The file of the features query."""
        return self.folder / self.spec.frame.features

    @property
    def labels_path(self) -> Path | None:
        """The file of the labels query; None: the label is a column of the features query."""
        query = self.spec.label.query
        return None if query is None else self.folder / query

    @property
    def ready_path(self) -> Path | None:
        """The file of the query that says up to when the source is complete; None without one."""
        ready = self.spec.source.ready
        return None if ready is None else self.folder / ready

    def open_source(self) -> Engine:
        """The source, opened: queries see its tables and nothing else. Raises EngineError."""
        return self.spec.source.open(self.folder)

    def source_files(self) -> tuple[Path, ...]:
        """The files that the source is declared to read from and that are there now."""
        return self.spec.source.files(self.folder)

    def policy_digest(self) -> str:
        """What a verdict rests on: comparison, gates and champion, in hex."""
        judging = {"task", "comparison", "gates", "champion"}
        declared = self.spec.model_dump(mode="json", include=judging)
        resolved = [declared, self.primary_metric, self.metric_names]
        return hashlib.sha256(canonical_json(resolved).encode()).hexdigest()

    @property
    def shift_digest(self) -> str:
        """What a trial batch is held to, in hex; a pass under other limits says nothing."""
        return self.spec.scores.shift.digest()

    @property
    def realtime_digest(self) -> str:
        """What a generated scorer does and is held to, in hex."""
        return self.spec.realtime.digest()
