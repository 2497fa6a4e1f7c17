"""The scores step: a batch is written, audited, and published whole by one manifest, or not at all.

A batch has the frame's key and the column `score`, beside it `challenger_score` where there is a
challenger. Of a multiclass task it has a column a class instead, `score_<class>` and
`challenger_score_<class>`, each class named as it is declared and in that order; a row's sum to 1.
"""

import datetime as dt

from model_refresh.algorithms.constant import Constant
from model_refresh.errors import CorruptError, NotStored
from model_refresh.records import Entry, Scores
from model_refresh.serving.batch.audit import Columns, Expected, audit
from model_refresh.serving.batch.writing import (
    CHALLENGER_SCORE,
    SCORE,
    score_names,
    write_paired,
    write_scores,
)
from model_refresh.serving.batch.writing import Role as Role
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest, drafting
from model_refresh.storage.store import SCORES


def published_scores(store: ModelStore, as_of: dt.datetime) -> Line[Scores] | None:
    """The newest batch of a frame; a frame that has one is not scored again unless asked.

    Raises CorruptError or NotStored where its bytes are damaged or gone.
    """
    line = store.scores(as_of).last()
    if line is not None:
        store.content(store.scores(as_of), line.record.content).file(SCORES)
    return line


def publish_scores(
    store: ModelStore,
    entry: Entry,
    champion: Role,
    challenger: Role | None,
    *,
    notes: tuple[str, ...] = (),
) -> Line[Scores]:
    """Score the champion's frame and publish: the key, `score`, and `challenger_score` or null.

    Of a multiclass task each of the two is a column a class, as this module says.
    Raises DataError where a score is not finite or the audit finds a row that should not be;
    nothing is published then.
    """
    frame = champion.frame
    log = store.scores(frame.as_of)
    names = [entry.digest(), frame.content, challenger.version.name if challenger else ""]
    key = bytes_digest(" ".join(names).encode())
    if (line := log.recall(key)) is not None and _is_whole(store, line.record):
        return line
    with drafting(log.folder) as draft:
        path = draft.path / SCORES
        if challenger is None or challenger.frame.content == frame.content:
            write_scores(store, path, champion, challenger)
        else:
            write_paired(store, path, champion, challenger)
        odd = audit(path, store.place(frame), _expected(champion, challenger))
        content = draft.publish(
            kind="scores",
            inputs={"entry": entry.digest(), "frame": frame.content, "champion": entry.version},
            libraries={},
        )
    scores = Scores(
        as_of=frame.as_of,
        frame=frame.content,
        entry=entry.number,
        champion=entry.version,
        challenger=challenger.version.name if challenger else None,
        rows=frame.rows,
        content=content.digest,
        notes=(*notes, *odd),
    )
    return log.record_once(scores, key=key)


def _expected(champion: Role, challenger: Role | None) -> Expected:
    """What a batch of these two holds; where their SQL differs, the challenger may lack keys."""
    columns = [_columns(champion, SCORE)]
    if challenger is not None:
        is_paired = challenger.frame.content != champion.frame.content
        columns.append(_columns(challenger, CHALLENGER_SCORE, may_be_null=is_paired))
    frame, definition = champion.frame, champion.version.lineage.definition
    return Expected(definition.task, frame.key, frame.rows, tuple(columns))


def _columns(role: Role, name: str, *, may_be_null: bool = False) -> Columns:
    names = tuple(score_names(role.version, name))
    is_constant = role.version.recipe.algorithm == Constant().algorithm
    return Columns(names, may_be_constant=is_constant, may_be_null=may_be_null)


def _is_whole(store: ModelStore, scores: Scores) -> bool:
    """Whether a batch's bytes are there and match; a damaged one is made anew."""
    try:
        store.content(store.scores(scores.as_of), scores.content).file(SCORES)
    except (CorruptError, NotStored):
        return False
    return True
