"""What each record rests on: the things that must lie in the store as long as the record does."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path

from model_refresh.errors import CorruptError, NotStored
from model_refresh.records import (
    Candidate,
    Challenger,
    Comparison,
    Conformance,
    Dataset,
    Delivery,
    Drift,
    Entry,
    Estimate,
    Frame,
    Labels,
    Performance,
    Promotion,
    Record,
    ReportFile,
    Scorer,
    Scores,
    TrialScores,
    Verdict,
)
from model_refresh.storage.folder import MANIFEST, MEMBER
from model_refresh.storage.store import ModelStore


@dataclass(frozen=True)
class Link:
    """A file that must exist; or, where `record` is a digest, a log in or below `place` with it."""

    place: Path
    record: str | None = None


@singledispatch
def links(record: Record, model: ModelStore) -> Iterator[Link]:
    """What a record rests on directly; a kind of record that isn't named here rests on nothing."""
    del record, model
    yield from ()


@links.register
def _(record: Frame, model: ModelStore) -> Iterator[Link]:
    yield Link(model.frames(record.query, record.as_of).folder / record.content[:16] / MANIFEST)


@links.register
def _(record: Labels, model: ModelStore) -> Iterator[Link]:
    yield Link(model.labels(record.query, record.as_of).folder / record.content[:16] / MANIFEST)


@links.register
def _(record: Dataset, model: ModelStore) -> Iterator[Link]:
    for frame in (*(pair.frame for pair in record.frames), record.current):
        yield Link(model.frames(frame.query, frame.as_of).folder, frame.digest())
    for labels in (pair.labels for pair in record.frames):
        yield Link(model.labels(labels.query, labels.as_of).folder, labels.digest())


@links.register
def _(record: Candidate, model: ModelStore) -> Iterator[Link]:
    yield Link(model.datasets(record.as_of).folder, record.dataset)
    yield from _version(model, record.version)
    if record.predictions is not None:
        yield Link(model.predictions_folder / record.predictions[:16] / MANIFEST)


@links.register
def _(record: Comparison, model: ModelStore) -> Iterator[Link]:
    yield Link(model.datasets(record.as_of).folder, record.dataset)
    for digest in record.candidates:
        yield Link(model.datasets(record.as_of).folder.parent, digest)
    yield from _version(model, record.trial)


@links.register
def _(record: Verdict, model: ModelStore) -> Iterator[Link]:
    yield Link(model.comparisons(record.as_of).folder, record.comparison)


@links.register
def _(record: Challenger, model: ModelStore) -> Iterator[Link]:
    yield Link(model.verdicts(record.as_of).folder, record.verdict)
    yield from _version(model, record.version)


@links.register
def _(record: TrialScores, model: ModelStore) -> Iterator[Link]:
    log = model.trial_scores(record.as_of)
    yield Link(model.challengers(record.as_of).folder, record.challenger)
    if record.content is not None:
        yield Link(log.folder / record.content[:16] / MANIFEST)


@links.register
def _(record: Scorer, model: ModelStore) -> Iterator[Link]:
    log = model.scorers(record.as_of)
    yield Link(model.challengers(record.as_of).folder, record.challenger)
    if record.content is not None:
        yield Link(log.folder / record.content[:16] / MANIFEST)


@links.register
def _(record: Conformance, model: ModelStore) -> Iterator[Link]:
    yield Link(model.scorers(record.as_of).folder, record.scorer)


@links.register
def _(record: Delivery, model: ModelStore) -> Iterator[Link]:
    yield Link(model.scores(record.as_of).folder / record.batch[:16] / MANIFEST)


@links.register
def _(record: Drift, model: ModelStore) -> Iterator[Link]:
    yield from _version(model, record.version)
    yield from _entry(model, record.entry)


@links.register
def _(record: Performance, model: ModelStore) -> Iterator[Link]:
    yield Link(model.scores(record.as_of).folder / record.batch[:16] / MANIFEST)
    if record.labels is not None and record.label_query is not None:
        folder = model.labels(record.label_query, record.as_of).folder
        yield Link(folder / record.labels[:16] / MANIFEST)
    yield from _entry(model, record.entry)
    for graded in record.graded:
        yield from _version(model, graded.version)


@links.register
def _(record: Estimate, model: ModelStore) -> Iterator[Link]:
    yield Link(model.scores(record.as_of).folder / record.batch[:16] / MANIFEST)


@links.register
def _(record: Promotion, model: ModelStore) -> Iterator[Link]:
    if record.verdict is not None:
        yield Link(model.verdicts(record.as_of).folder, record.verdict)
    if record.trial_scores is not None:
        yield Link(model.trial_scores(record.as_of).folder, record.trial_scores)
    if record.conformance is not None:
        yield Link(model.conformances(record.as_of).folder, record.conformance)
    yield from _entry(model, record.entry)


@links.register
def _(record: Entry, model: ModelStore) -> Iterator[Link]:
    yield from _version(model, record.version)
    if record.kind == "promotion":
        yield Link(model.verdicts(record.as_of).folder, record.verdict)
        yield Link(model.challengers(record.as_of).folder, record.challenger)


@links.register
def _(record: Scores, model: ModelStore) -> Iterator[Link]:
    yield Link(model.scores(record.as_of).folder / record.content[:16] / MANIFEST)
    yield from _entry(model, record.entry)
    yield from _version(model, record.challenger)


@links.register
def _(record: ReportFile, model: ModelStore) -> Iterator[Link]:
    yield Link(model.reports(record.as_of).folder / record.content[:16] / MANIFEST)
    yield Link(model.verdicts(record.as_of).folder, record.verdict)


def _version(model: ModelStore, name: str | None) -> Iterator[Link]:
    if name is None:
        return
    yield Link(model.versions_folder / name / MANIFEST)
    try:
        inputs = model.version(name).manifest.inputs
    except (CorruptError, NotStored):
        return  # the version's own link, or the walk over all files, tells of it
    for member in (digest for about, digest in inputs.items() if about.startswith(MEMBER)):
        yield from _version(model, member[:16])


def _entry(model: ModelStore, number: int | None) -> Iterator[Link]:
    if number is not None:
        yield Link(model.champion.path(number))
