"""The champion step: the only place that writes the champion log.

Promotion judges again by the same pure function on the stored, digest-bound comparison, so no
button, selection or crash can bring a version into production that its gates refused.
"""

import datetime as dt
from collections.abc import Sequence
from itertools import pairwise

from model_refresh.config.model import Model
from model_refresh.errors import Contaminated, PromotionRefused, VerdictVoid
from model_refresh.records import Challenger, Comparison, Dataset, Entry, Promotion, Verdict
from model_refresh.refresh.contamination import require_own_figures
from model_refresh.refresh.verdict import code_digest, judge
from model_refresh.storage import Line, ModelStore
from model_refresh.storage.folder import bytes_digest
from model_refresh.storage.store import stamp

AUTOMATIC = "model_refresh"


def promote(
    model: Model, store: ModelStore, verdict: Verdict, challenger: Challenger
) -> Line[Promotion]:
    """Append the challenger to the champion log, or record that the incumbent stays.

    A refresh of the past promotes nobody, and says so; one that has promoted already is done, and
    its record is returned. Raises PromotionRefused where the verdict
    is `reject` or not stored, or a declared check has no stored pass, and VerdictVoid where the
    champion changed since; the log is not touched then.
    """
    if (settled := settled_promotion(store, verdict.as_of)) is not None:
        return settled
    comparison = require_promotable(model, store, verdict)
    log = store.promotions(verdict.as_of)
    key = bytes_digest(f"{verdict.digest()} {challenger.digest()}".encode())
    decision, sentence = verdict.decision, verdict.sentence
    if decision == "promote" and not _append_promotion(
        model, store, verdict, challenger=challenger, comparison=comparison
    ):
        if (settled := settled_promotion(store, verdict.as_of)) is not None:
            return settled
        decision, sentence = "retain", f"a later entry is in the champion log already; {sentence}"
    newest = store.champion.last()
    promotion = Promotion(
        as_of=verdict.as_of,
        decision=decision,
        sentence=sentence,
        verdict=verdict.digest(),
        entry=newest and newest.number,
        champion=newest and newest.record.version,
    )
    return log.record_once(promotion, key=key)


def require_promotable(model: Model, store: ModelStore, verdict: Verdict) -> Comparison:
    """The comparison of a verdict that holds; raises PromotionRefused where it is `reject`."""
    comparison = _require_valid(model, store, verdict)
    if verdict.decision == "reject":
        raise PromotionRefused(f"{_about(model, verdict)}: reject: {verdict.sentence}")
    return comparison


def _require_valid(model: Model, store: ModelStore, verdict: Verdict) -> Comparison:
    """The comparison of a verdict that still holds; raises PromotionRefused where it doesn't."""
    about = _about(model, verdict)
    again = f"run model-refresh refresh {model.name} --as-of {stamp(verdict.as_of)}"
    if store.verdicts(verdict.as_of).holding(verdict.digest()) is None:
        raise PromotionRefused(f"{about}: no such verdict is stored; run promotion_gate first")
    line = store.comparisons(verdict.as_of).holding(verdict.comparison)
    if line is None:
        raise PromotionRefused(f"{about}: the comparison that it judged is not stored")
    if verdict.policy != model.policy_digest():
        raise PromotionRefused(f"{about}: gates or comparison were declared anew since: {again}")
    if verdict.code != code_digest():
        raise PromotionRefused(f"{about}: model_refresh itself changed since: {again}")
    dataset = _require_dataset(store, verdict, line.record, about=about)
    if dataset.definition != model.definition.digest():
        raise PromotionRefused(f"{about}: the SQL or the label was declared anew since: {again}")
    if judge(model, line.record).digest() != verdict.digest():
        raise PromotionRefused(f"{about}: judging the stored comparison again says otherwise")
    return line.record


def _require_dataset(
    store: ModelStore, verdict: Verdict, comparison: Comparison, *, about: str
) -> Dataset:
    """The dataset that was judged on, where the comparison's figures are of its holdout."""
    if store.datasets(verdict.as_of).holding(verdict.dataset) is None:
        raise PromotionRefused(f"{about}: the dataset that it was judged on is not stored")
    try:
        return require_own_figures(store, comparison)
    except Contaminated as error:
        raise PromotionRefused(f"{about}: {error}") from error


def settled_promotion(store: ModelStore, as_of: dt.datetime) -> Line[Promotion] | None:
    """How the refresh at as_of ended, if it promoted: nothing more can come of it.

    Whatever became of that entry later: a version that was rolled back isn't judged again.
    """
    entries = [line.record for line in store.champion.lines()]
    if not any(entry.kind == "promotion" and entry.as_of == as_of for entry in entries):
        return None
    lines = reversed(store.promotions(as_of).lines())
    return next((line for line in lines if line.record.decision == "promote"), None)


def rolled_back(entries: Sequence[Entry], version: str | None) -> Entry | None:
    """The rollback that took this version out of production, unless an override brought it back."""
    found = None
    for before, after in pairwise(entries):
        if after.kind == "rollback" and before.version == version:
            found = after
        elif after.kind == "override" and after.version == version:
            found = None
    return found


def promoted_by(store: ModelStore, verdict: Verdict) -> Entry | None:
    """The entry that this verdict brought about, if it did."""
    digest = verdict.digest()
    lines = store.champion.lines()
    return next((line.record for line in lines if line.record.verdict == digest), None)


def _append_promotion(
    model: Model,
    store: ModelStore,
    verdict: Verdict,
    *,
    challenger: Challenger,
    comparison: Comparison,
) -> bool:
    """Create the next entry; delivered twice, there is one. False for a refresh of the past."""
    while promoted_by(store, verdict) is None:
        lines = store.champion.lines()
        newest = lines[-1] if lines else None
        if any(_forestalls(line.record, verdict) for line in lines):
            return False
        _require_current(model, verdict, newest)
        _require_checks(model, store, verdict, challenger=challenger, comparison=comparison)
        _require_never_rolled_back(model, verdict, challenger, lines=lines)
        entry = _entry(verdict, challenger, newest)
        store.champion.append(entry, number=entry.number)
    return True


def _forestalls(entry: Entry, verdict: Verdict) -> bool:
    """A later entry, or a promotion of the same as_of: this refresh is one of the past."""
    is_same = entry.kind == "promotion" and entry.as_of == verdict.as_of
    return is_same or entry.as_of > verdict.as_of


def _entry(verdict: Verdict, challenger: Challenger, newest: Line[Entry] | None) -> Entry:
    return Entry(
        number=newest.number + 1 if newest else 1,
        prev=newest and newest.record.digest(),
        kind="promotion",
        as_of=verdict.as_of,
        version=challenger.version or "",
        artifact=challenger.artifact or "",
        trial=challenger.trial,
        verdict=verdict.digest(),
        challenger=challenger.digest(),
        who=AUTOMATIC,
        reason=verdict.sentence,
    )


def _require_current(model: Model, verdict: Verdict, newest: Line[Entry] | None) -> None:
    if verdict.champion != (newest and newest.record.digest()):
        now = f"entry {newest.number} ({newest.record.version})" if newest else "none"
        raise VerdictVoid(
            f"{_about(model, verdict)}: it was compared with another champion; the champion is now "
            f"{now}: run this refresh again, from comparison to champion"
        )


def _require_checks(
    model: Model,
    store: ModelStore,
    verdict: Verdict,
    *,
    challenger: Challenger,
    comparison: Comparison,
) -> None:
    """A stored, digest-bound pass of every check, and the bytes that it passed."""
    about = _about(model, verdict)
    if challenger.verdict != verdict.digest() or challenger.trial != comparison.trial:
        raise PromotionRefused(f"{about}: the challenger was refitted for another verdict")
    if store.challengers(verdict.as_of).holding(challenger.digest()) is None:
        raise PromotionRefused(f"{about}: the refitted challenger is not stored")
    if challenger.version is None or not challenger.checks:
        raise PromotionRefused(f"{about}: there is no refitted challenger; run that step first")
    if failed := [check for check in challenger.checks if check.outcome == "failed"]:
        raise PromotionRefused(f"{about}: {failed[0].name}: {failed[0].sentence}")
    _require_artifact(store, challenger.version, challenger.artifact)
    _require_artifact(store, comparison.trial or "", verdict.artifact)


def _require_artifact(store: ModelStore, version: str, artifact: str | None) -> None:
    """Every byte of a version, and of those it mixes, is there and matches what was judged."""
    if store.version(version).digest != artifact:
        raise PromotionRefused(f"version {version} is not the artifact that was judged")
    if problem := next(store.version_problems(version), None):
        raise PromotionRefused(problem)


def _require_never_rolled_back(
    model: Model, verdict: Verdict, challenger: Challenger, *, lines: list[Line[Entry]]
) -> None:
    """A version that was rolled back once returns only by an override."""
    if (gone := rolled_back([line.record for line in lines], challenger.version)) is not None:
        raise PromotionRefused(
            f"{_about(model, verdict)}: version {challenger.version} was rolled back "
            f"({gone.reason}); model-refresh promote {model.name} {challenger.version} --force "
            "--reason ... brings it back"
        )


def _about(model: Model, verdict: Verdict) -> str:
    return f"{model.name}, verdict of {stamp(verdict.as_of)}"
