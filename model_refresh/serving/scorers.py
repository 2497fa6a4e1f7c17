"""The scorer of a challenger: generated, stored, and tested before it may be promoted.

Stored are the whole folder as one file, exactly as it is tested and given away, and beside it the
formula and the golden rows for whoever serves in this process.
"""

from dataclasses import dataclass

import polars as pl

from model_refresh.algorithms.version import Version
from model_refresh.config.production import RealtimeSpec
from model_refresh.errors import CorruptError, NotStored
from model_refresh.records import Challenger, Conformance, Scorer
from model_refresh.scorer.golden import Case, Golden
from model_refresh.scorer.manifest import FORMULA, GOLDEN
from model_refresh.serving.conformance.checks import try_folder
from model_refresh.serving.folder.archive import pack, unpack
from model_refresh.serving.folder.assembly import scorer_files
from model_refresh.serving.folder.formula import formula_of
from model_refresh.serving.folder.golden import golden_rows
from model_refresh.serving.folder.limits import settings_of
from model_refresh.serving.folder.pins import TESTS, pins
from model_refresh.serving.folder.probes.probe import spread
from model_refresh.serving.folder.probes.raw import json_row, raw_rows
from model_refresh.serving.folder.runtime import code_of_scorers
from model_refresh.storage import Line, ModelStore, StoredFolder
from model_refresh.storage.folder import bytes_digest, drafting

ARCHIVE = "scorer.tar"
_MOST_COMPARED = 500


@dataclass(frozen=True)
class Subject:
    """A version that is to be deployed, and rows of the frame that is scored now."""

    version: Version
    rows: pl.DataFrame


def generate(
    store: ModelStore, challenger: Challenger, subject: Subject | None, declared: RealtimeSpec
) -> Line[Scorer]:
    """The stored scorer of a challenger; without a subject, the record that there is none.

    Raises FitError where the version can't be written out, or its formula disagrees with it.
    """
    log = store.scorers(challenger.as_of)
    names = [
        challenger.digest(),
        declared.digest(),
        code_of_scorers(),
        *map(str, pins(TESTS).items()),
    ]
    key = bytes_digest(" ".join(names).encode())
    if (line := log.recall(key)) is not None and _is_whole(store, line.record):
        return line
    about = Scorer(as_of=challenger.as_of, challenger=challenger.digest(), limits=declared.digest())
    if subject is None:
        return log.record_once(about, key=key)
    stored = _stored(store, challenger, subject, declared)
    scorer = about.model_copy(
        update={
            "version": subject.version.name,
            "artifact": subject.version.artifact,
            "content": stored.digest,
        }
    )
    return log.record_once(scorer, key=key)


def conform(
    store: ModelStore, scorer: Scorer, subject: Subject | None, declared: RealtimeSpec
) -> Line[Conformance]:
    """What became of the tests of a stored scorer; one that passed is not tested again.

    Raises CorruptError or NotStored where its bytes are damaged or gone.
    """
    log = store.conformances(scorer.as_of)
    tried = [line for line in log.lines() if line.record.scorer == scorer.digest()]
    key = bytes_digest(f"{scorer.digest()} {len(tried)}".encode())
    about = Conformance(as_of=scorer.as_of, scorer=scorer.digest())
    files = read_files(store, scorer) if scorer.content is not None else {}
    if tried and tried[-1].record.passes and tried[-1].key is not None:
        return log.record_once(tried[-1].record, key=tried[-1].key)
    if subject is None:
        return log.record_once(about, key=key)
    tested = try_folder(files, batch_rows(subject), latency_ms=declared.latency_ms)
    found = about.model_copy(update={"checks": tested.checks, "figures": tested.figures})
    return log.record_once(found, key=key)


def read_files(store: ModelStore, scorer: Scorer) -> dict[str, bytes]:
    """The files of a stored folder by path, verified; raises NotStored or CorruptError."""
    return unpack(stored_scorer(store, scorer).read(ARCHIVE))


def stored_scorer(store: ModelStore, scorer: Scorer) -> StoredFolder:
    """Where a scorer lies; raises NotStored or CorruptError."""
    if scorer.content is None:
        raise NotStored(f"{store.name}: the refresh of this scorer brought no challenger forth")
    return store.content(store.scorers(scorer.as_of), scorer.content)


def batch_rows(subject: Subject) -> Golden:
    """Some rows of the frame, as JSON has them, with the scores that a batch gives them."""
    version = subject.version
    formula = formula_of(version)
    rows = subject.rows[spread(range(subject.rows.height), _MOST_COMPARED)]
    scores = version.predict(rows).reshape(rows.height, -1)
    raw = raw_rows(rows, formula.inputs)
    cases = [
        Case(json_row(row), tuple(each.tolist()), "real")
        for row, each in zip(raw, scores, strict=True)
    ]
    return Golden(formula.model, formula.version, formula.artifact, formula.classes, tuple(cases))


def _stored(
    store: ModelStore, challenger: Challenger, subject: Subject, declared: RealtimeSpec
) -> StoredFolder:
    version = subject.version
    formula, golden = formula_of(version), golden_rows(version, subject.rows)
    files = scorer_files(formula, golden, settings_of(declared))
    with drafting(store.scorers(challenger.as_of).folder) as draft:
        (draft.path / ARCHIVE).write_bytes(pack(files))
        for name in (FORMULA, GOLDEN):
            (draft.path / name).write_bytes(files[name])
        return draft.publish(
            kind="scorer", inputs={"version": version.artifact}, libraries=pins(TESTS)
        )


def _is_whole(store: ModelStore, scorer: Scorer) -> bool:
    """Whether its bytes are there and match; a damaged one is made anew."""
    if scorer.content is None:
        return True
    try:
        return not any(True for _ in stored_scorer(store, scorer).problems())
    except (CorruptError, NotStored):
        return False
