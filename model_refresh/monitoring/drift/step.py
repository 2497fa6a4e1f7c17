"""The drift step: a frame beside what its champion learned from, measured once and recorded."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

from model_refresh.algorithms.version import Version, load_version, read_lineage
from model_refresh.config.model import Model
from model_refresh.errors import ModelRefreshError, NotStored
from model_refresh.features.columns import plain_features
from model_refresh.monitoring.drift.allowance import Measured
from model_refresh.monitoring.drift.columns import Ground
from model_refresh.monitoring.drift.judging import checks_of
from model_refresh.monitoring.drift.labels import moved_labels, newest_labels
from model_refresh.monitoring.drift.measuring import Subject, measure
from model_refresh.monitoring.drift.reading import Sample, most_rows, read_sample
from model_refresh.monitoring.drift.scores import MOST_ROWS, linked, scored_apart, unlearned_frames
from model_refresh.records import Drift, Entry, Frame
from model_refresh.refresh.frame import compute_frame
from model_refresh.refresh.incumbent import champion_at
from model_refresh.refresh.rows import feature_names
from model_refresh.report.importances import importances
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest


def compute_drift(model: Model, store: ModelStore, as_of: dt.datetime) -> Line[Drift] | None:
    """How the frame at as_of differs from what the champion that counts for it learned from.

    None where no champion counts for it. The frame is that of the champion's own SQL, as it is
    scored. What was measured of the same rows, champion and limits is not measured again. Raises
    NotStored or CorruptError where the reference is gone, and what computing the frame raises.
    """
    entry = champion_at(store, as_of)
    if entry is None:
        return None
    log, limits = store.drifts(as_of), model.spec.monitoring.drift
    query = read_lineage(store.version(entry.version)).definition.frame
    frame = compute_frame(model, store, as_of, query=query, backfilled=False)
    key = bytes_digest(f"{frame.content} {entry.version} {limits.digest()}".encode())
    if (line := log.recall(key)) is not None:
        return line
    looking = _Looking(model, store, entry, load_version(store, entry.version), frame)
    return log.record_once(looking.drift(), key=key)


def newest_framed(model: Model, store: ModelStore) -> dt.datetime:
    """The newest instant that has a frame of the model's own SQL; raises NotStored."""
    stored = store.frame_instants(model.definition.frame.digest())
    if not stored:
        raise NotStored(f"{model.name} has no frame yet: materialize features, or refresh it")
    return dt.datetime.fromisoformat(stored[-1]).replace(tzinfo=dt.UTC)


@dataclass(frozen=True)
class _Looking:
    """A frame that is looked at, and for which champion."""

    model: Model
    store: ModelStore
    entry: Entry
    version: Version
    frame: Frame

    def drift(self) -> Drift:
        """The record."""
        limits, frames = self.model.spec.monitoring.drift, self.version.lineage.frames
        blank = Drift(
            as_of=self.frame.as_of,
            frame=self.frame.content,
            version=self.version.name,
            entry=self.entry.number,
            limits=limits.digest(),
            rows=self.frame.rows,
            reference_rows=sum(pair.frame.rows for pair in frames),
        )
        if not blank.rows or not blank.reference_rows:
            side = "frame" if blank.reference_rows else "reference"
            return _with(blank, notes=(f"the {side} has no rows: nothing can be told",))
        found = measure(self._samples, self._subject, limits)
        scores, of_scores = self._scores()
        labels, of_labels = self._labels()
        values = {each.name: each.value for each in scores}
        return _with(
            blank,
            columns=found.columns,
            weighted=found.weighted,
            classifier_auc=found.classifier,
            score_psi=values.get("scores"),
            score_wasserstein=values.get("score_distance"),
            label_shift=labels and labels.value,
            checks=(*found.checks, *checks_of([*scores, labels])),
            notes=(*self._notes(), *of_scores, *of_labels),
        )

    @cached_property
    def _names(self) -> list[str]:
        return feature_names(self.version.recipe.features)

    @cached_property
    def _samples(self) -> list[Sample]:
        """The reference's frames that have rows, oldest first, and this one."""
        frames = [pair.frame for pair in self.version.lineage.frames if pair.frame.rows]
        most, most_now = most_rows(len(frames), len(self._names))
        sizes = [(each, most) for each in sorted(frames, key=lambda each: each.as_of)]
        return [
            read_sample(self.store, each, self._names, most=size)
            for each, size in [*sizes, (self.frame, most_now)]
        ]

    @cached_property
    def _importances(self) -> dict[str, float]:
        stored = self.store.version(self.version.name)
        return importances(stored, self.version.recipe) or {}

    @cached_property
    def _subject(self) -> Subject:
        recipe = self.version.recipe
        return Subject(
            features=plain_features(recipe.features, recipe.categorical),
            key=self.frame.key,
            weights=self._importances,
        )

    def _scores(self) -> tuple[tuple[Measured, ...], tuple[str, ...]]:
        limits, before = self.model.spec.monitoring.drift, self.frame.as_of
        if limits.scores is None and limits.score_distance is None:
            return (), ()
        frames = unlearned_frames(self.store, self.version, self.entry, before=before)
        if not frames:
            why = "the champion has learned from every frame before: score drift can't be told yet"
            return (), (why,)
        samples = [
            read_sample(self.store, each, self._names, most=MOST_ROWS)
            for each in [*frames, self.frame]
        ]
        scores = [linked(self.version, each) for each in samples]
        return scored_apart(scores, Ground.of(samples), limits), ()

    def _labels(self) -> tuple[Measured | None, tuple[str, ...]]:
        """Labels that are wrong stop the next refresh, which says so; here it is a note."""
        limit, lineage = self.model.spec.monitoring.drift.labels, self.version.lineage
        if limit is None:
            return None, ()
        try:
            newest = newest_labels(self.model, self.store, lineage, self.frame.as_of)
        except ModelRefreshError as error:
            if error.transient:
                raise
            return None, (f"label drift can't be told: {error}",)
        reference = [pair.labels for pair in lineage.frames if pair.labels.rows]
        if newest is None or not reference:
            return None, ("no labels have matured that the champion has not learned from",)
        return moved_labels(reference, newest, limit=limit), ()

    def _notes(self) -> list[str]:
        notes = []
        if any(each.rows > each.table.height for each in self._samples):
            looked = sum(each.table.height for each in self._samples[:-1])
            now = self._samples[-1].table.height
            notes.append(f"looked at {looked} rows of the reference and {now} of the frame")
        if len(self._samples) < 3:
            notes.append("one reference frame: what frames differ by without drift isn't known")
        if not any(self._importances.values()):
            notes.append("the champion doesn't tell what it leans on: all features weigh alike")
        return notes


def _with(record: Drift, **found: object) -> Drift:
    return record.model_copy(update=found)
