"""Re-hash everything: does every stored byte match its digest, and does every champion stand?

Also: is everything there that a record rests on, and nothing else? A last line that nothing rests
on (a refresh's outcome, a batch's record) can be lost unseen; the same step writes it again.
"""

import datetime as dt
import os
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

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
    Order,
    Performance,
    Promotion,
    Reason,
    Record,
    ReportFile,
    Scorer,
    Scores,
    TrialScores,
    Verdict,
)
from model_refresh.storage.files import is_damaged, is_temporary
from model_refresh.storage.folder import MANIFEST, RESTORE, open_folder
from model_refresh.storage.home import Store
from model_refresh.storage.links import links
from model_refresh.storage.log import Log
from model_refresh.storage.store import LEASES, STUDIES, ModelStore

Bound = TypeVar("Bound", TrialScores, Scorer)

_DIGEST = re.compile(r"[0-9a-f]{16}")
_LINE = re.compile(r"[0-9]{8}\.json")

_STEPS: dict[str, type[Record]] = {
    "dataset": Dataset,
    "candidate": Candidate,
    "comparison": Comparison,
    "verdict": Verdict,
    "challenger": Challenger,
    "trial": TrialScores,
    "scorer": Scorer,
    "conformance": Conformance,
    "promotion": Promotion,
    "reason": Reason,
}
_LOGS: dict[str, type[Record]] = {
    "frames": Frame,
    "labels": Labels,
    "champion": Entry,
    "scores": Scores,
    "deliveries": Delivery,
    "reports": ReportFile,
    "orders": Order,
    "drift": Drift,
    "performance": Performance,
    "estimates": Estimate,
}


def verify(store: Store, names: list[str]) -> Iterator[str]:
    """Every problem of what these models store, one sentence each; none where all is well."""
    for name in names:
        model = store.model(name)
        if not _is_folder(model.root):
            yield f"{model.root} is no folder: nothing is stored of {name}"
            continue
        records: dict[Path, Record] = {}
        yield from _files(model, model.root, records)
        yield from _lost(model, records)
        yield from _champions(model)


def _files(model: ModelStore, folder: Path, records: dict[Path, Record]) -> Iterator[str]:
    """Walk down; a folder is a stored thing, a log, or a place where those lie.

    What the logs hold is added to `records`, by file.
    """
    paths = sorted(path for path in folder.iterdir() if not is_temporary(path))
    folders = [path for path in paths if _is_folder(path)]
    files = [path for path in paths if path not in folders]
    if folder / MANIFEST in paths:
        yield from _thing(folder)
        return
    if files and not folders and _DIGEST.fullmatch(folder.name):
        yield f"{folder / MANIFEST} is missing from the store: {RESTORE}"
        return
    yield from _log(model, folder, files, records)
    for path in folders:
        if path in (model.root / STUDIES, model.root / LEASES):
            continue  # searches that have not ended, and who is at work: no record rests on them
        if is_damaged(path):
            yield f"{path} was set aside as damaged: look at it, then remove it"
        else:
            yield from _files(model, path, records)


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _thing(folder: Path) -> Iterator[str]:
    try:
        stored = open_folder(folder)
    except (CorruptError, NotStored) as error:
        yield str(error)
        return
    if folder.name != stored.digest[:16]:
        yield f"{folder / MANIFEST} is that of {stored.digest[:16]}: it was edited, or moved here"
    yield from stored.problems()


def _log(
    model: ModelStore, folder: Path, files: list[Path], records: dict[Path, Record]
) -> Iterator[str]:
    log: Log[Record] = Log(folder, _type_of(model, folder), model.clock)
    before = 0
    for path in files:
        if not _LINE.fullmatch(path.name):
            yield f"{path} is no line of this log: nothing reads it, remove it"
            continue
        number = int(path.stem)
        if number != before + 1:
            yield f"{log.path(before + 1)} is missing from the store: {RESTORE}"
        before = number
        try:
            records[path] = log.line(number).record
        except (CorruptError, NotStored) as error:
            yield str(error)


def _lost(model: ModelStore, records: dict[Path, Record]) -> Iterator[str]:
    """Everything that a record rests on is there."""
    held = {
        (place, record.digest())
        for path, record in records.items()
        for place in (path.parent, path.parent.parent)
    }
    needed = {link: path for path, record in records.items() for link in links(record, model)}
    for link, path in needed.items():
        if link.record is None and not os.path.lexists(link.place):
            yield f"{link.place} is missing from the store, {path} rests on it: {RESTORE}"
        elif link.record is not None and (link.place, link.record) not in held:
            yield f"{link.place} lacks {link.record[:16]}, {path} rests on it: {RESTORE}"


def _type_of(model: ModelStore, folder: Path) -> type[Record]:
    top, *rest = folder.relative_to(model.root).parts or ("",)
    if top == "refreshes" and rest:
        return _STEPS.get(rest[-1].split("_")[0], Record)
    return _LOGS.get(top, Record)


def _champions(model: ModelStore) -> Iterator[str]:
    """Every entry follows the one before, names a whole artifact, and was judged or overridden."""
    try:
        lines = model.champion.lines()
    except (CorruptError, NotStored):
        return  # named by the walk over the files
    before: Entry | None = None
    for line in lines:
        entry = line.record
        about = f"{model.name}, champion entry {entry.number}"
        if entry.prev != (before and before.digest()):
            yield f"{about} doesn't follow the entry before it: the log was edited"
        try:
            if model.version(entry.version).digest != entry.artifact:
                yield f"{about}: version {entry.version} is not the artifact that was promoted"
        except (CorruptError, NotStored) as error:
            yield f"{about}: {error}"
        if entry.kind == "promotion" and not _was_judged(model, entry):
            yield f"{about}: no stored verdict promotes version {entry.version}"
        if entry.kind == "promotion" and not _was_tested(model, entry):
            yield f"{about}: no stored pass of its trial batch or scorer is of {entry.version}"
        before = entry


def _was_tested(model: ModelStore, entry: Entry) -> bool:
    """What its promotion says that it passed by is of its challenger and did pass.

    Of a challenger that was tried, or has a scorer, at least one try must have passed.
    """
    as_of: dt.datetime = entry.as_of
    try:
        tried = _of(model.trial_scores(as_of), entry)
        scorers = {each.digest() for each in _of(model.scorers(as_of), entry)}
        tested = [line.record for line in model.conformances(as_of).lines()]
        ends = [line.record for line in model.promotions(as_of).lines()]
    except (CorruptError, NotStored):
        return False
    tested = [each for each in tested if each.scorer in scorers]
    ends = [each for each in ends if each.verdict == entry.verdict and each.decision == "promote"]
    return _has_passed(tried, {each.trial_scores for each in ends}) and _has_passed(
        tested, {each.conformance for each in ends}
    )


def _of(log: Log[Bound], entry: Entry) -> list[Bound]:
    """The records that are bound to an entry's challenger."""
    records = [line.record for line in log.lines()]
    return [record for record in records if record.challenger == entry.challenger]


def _has_passed(tests: Sequence[TrialScores | Conformance], named: Collection[str | None]) -> bool:
    passed = {
        test.digest()
        for test in tests
        if test.checks and all(check.outcome != "failed" for check in test.checks)
    }
    if any(digest not in passed for digest in named if digest is not None):
        return False
    return bool(passed) or not tests


def _was_judged(model: ModelStore, entry: Entry) -> bool:
    """A stored verdict says promote, and a stored challenger binds it to this artifact."""
    as_of: dt.datetime = entry.as_of
    try:
        verdict = model.verdicts(as_of).holding(entry.verdict or "")
        challenger = model.challengers(as_of).holding(entry.challenger or "")
    except (CorruptError, NotStored):
        return False
    return (
        verdict is not None
        and challenger is not None
        and verdict.record.decision == "promote"
        and challenger.record.verdict == entry.verdict
        and challenger.record.artifact == entry.artifact
    )
