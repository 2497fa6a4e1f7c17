"""Re-hash everything: does every stored byte match its digest, and does every champion stand?"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from model_refresh.errors import CorruptError, NotStored
from model_refresh.records import (
    Candidate,
    Challenger,
    Comparison,
    Dataset,
    Entry,
    Frame,
    Labels,
    Promotion,
    Record,
    Scores,
    Verdict,
)
from model_refresh.storage.files import is_damaged, is_temporary
from model_refresh.storage.folder import MANIFEST, open_folder
from model_refresh.storage.log import Log
from model_refresh.storage.store import ModelStore, Store

_STEPS: dict[str, type[Record]] = {
    "dataset": Dataset,
    "candidate": Candidate,
    "comparison": Comparison,
    "verdict": Verdict,
    "challenger": Challenger,
    "promotion": Promotion,
}
_LOGS: dict[str, type[Record]] = {
    "frames": Frame,
    "labels": Labels,
    "champion": Entry,
    "scores": Scores,
}


def verify(store: Store, names: list[str]) -> Iterator[str]:
    """Every problem of what these models store, one sentence each; none where all is well."""
    for name in names:
        model = store.model(name)
        yield from _files(model, model.root)
        yield from _champions(model)


def _files(model: ModelStore, folder: Path) -> Iterator[str]:
    """Walk down; a folder is a stored thing, a log, or a place where those lie."""
    if not folder.is_dir() or is_temporary(folder):
        return
    if (folder / MANIFEST).exists():
        yield from _thing(folder)
        return
    lines = [path for path in sorted(folder.iterdir()) if not path.is_dir()]
    if lines:
        yield from _log(model, folder, lines)
    for path in sorted(folder.iterdir()):
        if path.is_dir() and is_damaged(path):
            yield f"{path} was set aside as damaged: look at it, then remove it"
        elif path.is_dir():
            yield from _files(model, path)


def _thing(folder: Path) -> Iterator[str]:
    try:
        stored = open_folder(folder)
    except (CorruptError, NotStored) as error:
        yield str(error)
        return
    if folder.name != stored.digest[:16]:
        yield f"{folder} holds {stored.digest[:16]}: its manifest was edited, or it was renamed"
    yield from stored.problems()


def _log(model: ModelStore, folder: Path, paths: list[Path]) -> Iterator[str]:
    log: Log[Record] = Log(folder, _type_of(model, folder), model.clock)
    expected = [folder / f"{number:08d}.json" for number in range(1, len(paths) + 1)]
    for path in sorted({*paths, *expected}):
        try:
            if path not in expected or not path.stem.isdigit():
                yield f"{path} is no line of this log: nothing reads it, remove it"
            else:
                log.line(int(path.stem))
        except (CorruptError, NotStored) as error:
            yield str(error)


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
        before = entry


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
